use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::reply::Reply;

/// The longest line of a reply that is read, without its end (RFC 5321 section 4.5.3.1.5); the rest is skipped.
const LINE_BYTES_MAX: usize = 510;
/// How many lines of a reply are read; those between them and the last are skipped.
const LINES_MAX: usize = 100;
/// How much is read from the socket at once.
const CHUNK_BYTES: usize = 4 * 1024;

/// The socket under a conversation, in clear text or TLS, that makes replies fit for lettre's parser.
///
/// lettre reads a line however long it is, fails on bytes that are no UTF-8, on a lone LF and on a code
/// without a text (which RFC 5321 section 4.2 allows), and gives up beyond 1,000 bytes a line; when that
/// happens to the last reply, a mail that was accepted looks like one that nobody can judge. Here each line is
/// cut, cleaned and ended as it should be, so that whatever a server says in whatever length, code and first
/// words arrive, in little memory.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    replies: Replies,
    /// Cleaned bytes that nobody has read yet.
    ready: Vec<u8>,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects to the first address of the host that answers, waiting at most `limit` for each.
    ///
    /// Small writes go out at once (`TCP_NODELAY`): a message and the dot behind it are two writes, and the
    /// second would wait 40 ms for the acknowledgement of the first.
    pub(super) async fn connect(host: &str, port: u16, limit: Duration) -> io::Result<Self> {
        let timed_out = || io::Error::new(io::ErrorKind::TimedOut, format!("no answer within {limit:?}"));
        let addresses = timeout(limit, lookup_host((host, port))).await.map_err(|_| timed_out())??;
        let mut failure = io::Error::other("the name has no address");
        for address in addresses {
            match timeout(limit, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true)?;
                    let stream = Stream::Plain(stream);
                    return Ok(Self { stream, replies: Replies::default(), ready: Vec::new() });
                }
                Ok(Err(error)) => failure = error,
                Err(_) => failure = timed_out(),
            }
        }
        Err(failure)
    }

    /// Begins TLS and checks that the server is the one that was meant.
    pub(super) async fn into_tls(self, config: Arc<ClientConfig>, host: &str) -> io::Result<Self> {
        if !self.ready.is_empty() || !self.replies.is_idle() {
            // Words that came before the encryption would be taken for words that came under it.
            return Err(io::Error::other("the server spoke before the encryption began"));
        }
        let Stream::Plain(stream) = self.stream else { return Ok(self) };
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(config).connect(name, stream).await?;
        let stream = Stream::Tls(Box::new(stream));
        Ok(Self { stream, replies: Replies::default(), ready: Vec::new() })
    }

    /// Sends a line and reads the reply, or only reads where the line is empty.
    pub(super) async fn ask(&mut self, line: &str) -> io::Result<Reply> {
        self.write_all(line.as_bytes()).await?;
        self.flush().await?;
        let mut text = Vec::new();
        loop {
            let byte = self.read_u8().await.map_err(|error| match error.kind() {
                io::ErrorKind::UnexpectedEof => io::Error::other("the server closed the connection"),
                _ => error,
            })?;
            text.push(byte);
            if byte == b'\n' && is_last_line(&text) {
                break;
            }
        }
        let text = String::from_utf8_lossy(&text);
        let code = text.get(..3).and_then(|code| code.parse().ok());
        let code = code.ok_or_else(|| io::Error::other("the server does not speak SMTP"))?;
        let lines: Vec<&str> = text.lines().map(|line| line.get(4..).unwrap_or("")).collect();
        Ok(Reply { code, text: lines.join("\n") })
    }

    /// Has a reply read again that was read already.
    pub(super) fn say_again(&mut self, reply: &Reply) {
        let line = reply.text.lines().next().unwrap_or("");
        self.ready.splice(0..0, format!("{} {line}\r\n", reply.code).into_bytes());
    }
}

fn is_last_line(text: &[u8]) -> bool {
    let line = text.strip_suffix(b"\r\n").and_then(|text| text.rsplit(|byte| *byte == b'\n').next());
    line.is_none_or(|line| line.get(3) != Some(&b'-'))
}

/// Cuts what comes in into the lines of replies, and each line to its measure.
#[derive(Debug, Default)]
struct Replies {
    line: Vec<u8>,
    lines: usize,
}

impl Replies {
    fn is_idle(&self) -> bool {
        self.line.is_empty() && self.lines == 0
    }

    fn take(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        for &byte in bytes {
            match byte {
                b'\n' => self.end_line(out),
                b'\r' => {}
                _ if self.line.len() == LINE_BYTES_MAX => {}
                b' '..=b'~' => self.line.push(byte),
                b'\t' => self.line.push(b' '),
                _ => self.line.push(b'?'),
            }
        }
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        if self.line.len() == 3 {
            self.line.push(b' ');
        }
        let more = self.line.get(3) == Some(&b'-');
        if !more || self.lines < LINES_MAX {
            out.extend_from_slice(&self.line);
            out.extend_from_slice(b"\r\n");
        }
        self.lines = if more { self.lines.saturating_add(1) } else { 0 };
        self.line.clear();
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        while this.ready.is_empty() {
            let mut chunk = [0; CHUNK_BYTES];
            let mut chunk = ReadBuf::new(&mut chunk);
            ready!(match &mut this.stream {
                Stream::Plain(stream) => Pin::new(stream).poll_read(cx, &mut chunk),
                Stream::Tls(stream) => Pin::new(stream).poll_read(cx, &mut chunk),
            })?;
            if chunk.filled().is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.replies.take(chunk.filled(), &mut this.ready);
        }
        let count = this.ready.len().min(buf.remaining());
        for byte in this.ready.drain(..count) {
            buf.put_slice(&[byte]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Plain(stream) => stream.peer_addr(),
            Stream::Tls(stream) => stream.get_ref().0.peer_addr(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(raw: &[u8]) -> String {
        let (mut replies, mut out) = (Replies::default(), Vec::new());
        // Byte by byte, as a server that dribbles sends it.
        for byte in raw {
            replies.take(&[*byte], &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn replies_are_made_fit_to_parse() {
        for (raw, clean) in [
            (&b"250 ok\r\n"[..], "250 ok\r\n"),
            (b"250 ok\n", "250 ok\r\n"),
            (b"250\r\n", "250 \r\n"),
            (b"250-a\n250\tb\n", "250-a\r\n250 b\r\n"),
            (b"250 gr\xfc\xdfe \x1b[2J\0\r\n", "250 gr??e ?[2J?\r\n"),
        ] {
            assert_eq!(cleaned(raw), clean);
        }
        let long = format!("250 {}\r\n", "x".repeat(1_000_000));
        assert_eq!(cleaned(long.as_bytes()).len(), LINE_BYTES_MAX + 2);
        let many = format!("{}550 5.1.1 end\r\n", "550-line\r\n".repeat(100_000));
        let clean = cleaned(many.as_bytes());
        assert_eq!(clean.lines().count(), LINES_MAX + 1);
        assert!(clean.ends_with("550 5.1.1 end\r\n"));
    }
}
