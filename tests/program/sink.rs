//! A mail server that counts. It refuses `refused…@`, puts `later…@` off, and takes the mails for `hangs…@` without a
//! word.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// What has come in, in the order in which it came.
#[derive(Default)]
pub(crate) struct Sink {
    mails: Mutex<Vec<Mail>>,
    /// Lines of the protocol, whoever sent them.
    lines: Mutex<u64>,
    more: Condvar,
    connections: AtomicU64,
}

/// A mail whose end the server has seen: from then on it is the server's.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: String,
    pub(crate) raw: String,
}

impl Mail {
    /// A header as it stands, unfolded.
    pub(crate) fn header(&self, name: &str) -> String {
        let head = self.raw.split("\r\n\r\n").next().unwrap().replace("\r\n ", " ").replace("\r\n\t", " ");
        let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}:")).map(str::to_owned));
        line.unwrap_or_else(|| panic!("no {name} in {head}")).trim().to_owned()
    }

    /// The first link to a path of ours, in the text part.
    pub(crate) fn link(&self, path: &str) -> String {
        let parsed = mail_parser::MessageParser::default().parse(self.raw.as_bytes()).unwrap();
        let text = parsed.body_text(0).unwrap();
        let at = text.find(path).unwrap_or_else(|| panic!("no {path} in {text}"));
        let begin = text[..at].rfind("http").unwrap();
        text[begin..].split(|c: char| c.is_whitespace() || c == ')').next().unwrap().to_owned()
    }
}

impl Sink {
    /// Starts a server on a port of its own.
    pub(crate) fn start() -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let sink = Arc::new(Self::default());
        let served = Arc::clone(&sink);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let sink = Arc::clone(&served);
                sink.connections.fetch_add(1, Ordering::SeqCst);
                // A connection ends when its program is killed: that is no fault here.
                std::thread::spawn(move || sink.talk(stream));
            }
        });
        (sink, port)
    }

    /// How many came.
    pub(crate) fn count(&self) -> usize {
        self.mails.lock().unwrap().len()
    }

    pub(crate) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until that many more lines have come, or for a while.
    pub(crate) fn wait_for_lines(&self, more: u64, at_most: Duration) {
        let lines = self.lines.lock().unwrap();
        let wanted = *lines + more;
        drop(self.more.wait_timeout_while(lines, at_most, |lines| *lines < wanted).unwrap());
    }

    fn count_line(&self) {
        *self.lines.lock().unwrap() += 1;
        self.more.notify_all();
    }

    fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let mut out = stream.try_clone()?;
        let mut lines = BufReader::new(stream).split(b'\n');
        let mut to = String::new();
        let mut said;
        out.write_all(b"220 sink\r\n")?;
        while let Some(line) = lines.next() {
            let line = String::from_utf8_lossy(&line?).trim_end().to_owned();
            self.count_line();
            let upper = line.to_ascii_uppercase();
            let answer: &[u8] = if upper.starts_with("EHLO") {
                b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
            } else if upper.starts_with("RCPT TO:") {
                to = line[8..].trim_matches(|c| c == '<' || c == '>').to_owned();
                said = match to.split(['-', '@']).next() {
                    Some("refused") => format!("550 5.1.1 <{to}>: there is no {to} here\r\n"),
                    Some("later") => format!("451 4.2.0 {to} is busy\r\n"),
                    _ => "250 fine\r\n".to_owned(),
                };
                said.as_bytes()
            } else if upper == "DATA" {
                out.write_all(b"354 go on\r\n")?;
                let mut raw = String::new();
                loop {
                    let Some(line) = lines.next() else { return Ok(()) };
                    let line = String::from_utf8_lossy(&line?).trim_end_matches('\r').to_owned();
                    if line == "." {
                        break;
                    }
                    raw.push_str(line.strip_prefix('.').unwrap_or(&line));
                    raw.push_str("\r\n");
                }
                self.mails.lock().unwrap().push(Mail { to: to.clone(), raw });
                self.count_line();
                if to.starts_with("hangs") {
                    return lines.try_for_each(|line| line.map(drop));
                }
                b"250 taken\r\n"
            } else if upper == "QUIT" {
                out.write_all(b"221 bye\r\n")?;
                return Ok(());
            } else {
                b"250 fine\r\n"
            };
            out.write_all(answer)?;
        }
        Ok(())
    }
}
