use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::timeout;

use super::Inbox;
use super::command::Command;

/// The largest mail that is taken, in bytes, as `SIZE` says it (RFC 1870).
pub(super) const MAIL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// The longest line of a command, in bytes; RFC 5321 section 4.5.3.1.4 asks for 512, and parameters make it longer.
const LINE_BYTES_MAX: usize = 2 * 1024;
/// How many recipients a mail has (RFC 5321 section 4.5.3.1.8 asks for that many).
const RECIPIENTS_MAX: usize = 100;
/// How much is read at once: many a mail is not longer.
const READ_BYTES: usize = 32 * 1024;
/// How long the server waits for the next line (RFC 5321 section 4.5.3.2.7).
const PATIENCE: Duration = Duration::from_secs(5 * 60);

const GREETING: &str = "220 lotse.localhost ESMTP, an inbox that hands nothing on";
const EXTENSIONS: &str = "250-lotse.localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n\
    250-ENHANCEDSTATUSCODES\r\n250 SIZE 4194304";
const TOO_LARGE: &str = "552 5.3.4 the mail is too large";
const SEQUENCE: &str = "503 5.5.1 another command comes first";

/// From whom and to whom a mail is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Envelope {
    pub(super) from: String,
    pub(super) recipients: Vec<String>,
}

/// Holds a conversation to its end.
pub(super) async fn converse(stream: TcpStream, inbox: &Inbox) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let (reading, writing) = stream.into_split();
    let mut session = Session {
        inbox,
        reader: BufReader::with_capacity(READ_BYTES, reading),
        writer: BufWriter::new(writing),
        greeted: false,
        mail: None,
    };
    session.answer(GREETING).await?;
    let mut line = Line::default();
    while session.line(&mut line, LINE_BYTES_MAX).await? != End::Closed {
        if line.too_long {
            session.answer("500 5.5.2 the line is too long").await?;
            continue;
        }
        match std::str::from_utf8(&line.text).map(Command::read) {
            Err(_) => session.answer("500 5.5.2 the line is no UTF-8").await?,
            Ok(Err(refusal)) => session.answer(refusal).await?,
            Ok(Ok(Command::Quit)) => {
                session.answer("221 2.0.0 goodbye").await?;
                return session.writer.flush().await;
            }
            Ok(Ok(command)) => session.obey(command).await?,
        }
    }
    Ok(())
}

/// How a line ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// As it should.
    Crlf,
    /// With a line feed alone.
    Lf,
    /// The client went away.
    Closed,
}

/// A line without its end.
#[derive(Default)]
struct Line {
    text: Vec<u8>,
    /// Whether it was longer than allowed; its text is empty then.
    too_long: bool,
}

struct Session<'a> {
    inbox: &'a Inbox,
    reader: BufReader<OwnedReadHalf>,
    writer: BufWriter<OwnedWriteHalf>,
    /// Whether the client has said hello.
    greeted: bool,
    /// The mail that has begun.
    mail: Option<Envelope>,
}

impl Session<'_> {
    async fn obey(&mut self, command: Command) -> io::Result<()> {
        let answer = match command {
            Command::Ehlo | Command::Helo => {
                self.greeted = true;
                self.mail = None;
                if command == Command::Ehlo { EXTENSIONS } else { "250 lotse.localhost" }
            }
            Command::Mail { .. } if !self.greeted || self.mail.is_some() => SEQUENCE,
            Command::Mail { size: Some(size), .. } if size > MAIL_BYTES_MAX => TOO_LARGE,
            Command::Mail { from, .. } => {
                self.mail = Some(Envelope { from, recipients: Vec::new() });
                "250 2.1.0 go on"
            }
            Command::Rcpt(to) => match &mut self.mail {
                None => SEQUENCE,
                Some(mail) if mail.recipients.len() >= RECIPIENTS_MAX => "452 4.5.3 too many recipients",
                Some(mail) => {
                    mail.recipients.push(to);
                    "250 2.1.5 go on"
                }
            },
            Command::Data => match self.mail.take_if(|mail| !mail.recipients.is_empty()) {
                None => SEQUENCE,
                Some(envelope) => return self.content(envelope).await,
            },
            Command::Rset => {
                self.mail = None;
                "250 2.0.0 forgotten"
            }
            Command::Noop | Command::Quit => "250 2.0.0 here",
            Command::Vrfy => "252 2.1.5 every mailbox is here",
        };
        self.answer(answer).await
    }

    async fn content(&mut self, envelope: Envelope) -> io::Result<()> {
        self.answer("354 go on, and end with a line of one dot").await?;
        let mut content = Vec::with_capacity(READ_BYTES);
        let mut line = Line::default();
        let mut too_large = false;
        // Only a dot between two proper line ends is the end: taking anything else for it would let a mail bring
        // commands along (RFC 5321 section 4.1.1.4).
        let mut after_crlf = true;
        loop {
            let room = MAIL_BYTES_MAX.saturating_sub(content.len());
            let end = self.line(&mut line, room).await?;
            let text = match line.text.as_slice() {
                _ if end == End::Closed => return Err(io::ErrorKind::UnexpectedEof.into()),
                b"." if after_crlf && end == End::Crlf => break,
                // What begins with a dot was given another (section 4.5.2).
                [b'.', rest @ ..] if after_crlf => rest,
                text => text,
            };
            content.extend_from_slice(text);
            content.extend_from_slice(if end == End::Crlf { b"\r\n" } else { b"\n" });
            after_crlf = end == End::Crlf;
            too_large |= line.too_long || content.len() > MAIL_BYTES_MAX;
            if too_large {
                content = Vec::new();
            }
        }
        if too_large {
            return self.answer(TOO_LARGE).await;
        }
        self.inbox.take(envelope, &content);
        self.answer("250 2.0.0 taken").await
    }

    /// Reads a line of at most `bytes_max`; one that is longer is skipped up to its end.
    async fn line(&mut self, line: &mut Line, bytes_max: usize) -> io::Result<End> {
        line.text.clear();
        line.too_long = false;
        let mut last = 0;
        loop {
            if self.reader.buffer().is_empty() {
                // Commands that came together are answered together (RFC 2920).
                self.writer.flush().await?;
                let waited = timeout(PATIENCE, self.reader.fill_buf()).await;
                if waited.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??.is_empty() {
                    return Ok(End::Closed);
                }
            }
            let buffer = self.reader.buffer();
            let taken = io::BufRead::skip_until(&mut &*buffer, b'\n')?;
            let piece = buffer.get(..taken).unwrap_or_default();
            let (piece, whole) = match piece.strip_suffix(b"\n") {
                Some(piece) => (piece, true),
                None => (piece, false),
            };
            last = piece.last().copied().unwrap_or(last);
            // The carriage return at the end is not counted.
            line.too_long |= line.text.len() + piece.len() > bytes_max + 1;
            if line.too_long {
                line.text.clear();
            } else {
                line.text.extend_from_slice(piece);
            }
            self.reader.consume(taken);
            if whole {
                let crlf = last == b'\r';
                if crlf {
                    line.text.pop();
                }
                return Ok(if crlf { End::Crlf } else { End::Lf });
            }
        }
    }

    async fn answer(&mut self, text: &str) -> io::Result<()> {
        self.writer.write_all(text.as_bytes()).await?;
        self.writer.write_all(b"\r\n").await
    }
}
