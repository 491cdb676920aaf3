//! A mail server and a web server that do nothing but count, fast enough for millions: how often each id came. The mail
//! server may take its time.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What has come: ids of mails or of calls.
#[derive(Default)]
pub(crate) struct Counting {
    times: Mutex<HashMap<u128, u32>>,
    all: AtomicU64,
    /// How long it takes to take a mail.
    pause: Duration,
}

/// A line of a head or of a dialogue is no longer.
const LINE_MAX: usize = 2_000;

impl Counting {
    /// Starts a mail server on a port of its own. A mail has come when its last dot has.
    pub(crate) fn mails() -> (Arc<Self>, u16) {
        Self::slow_mails(Duration::ZERO)
    }

    /// The same, which takes so long for each mail.
    pub(crate) fn slow_mails(pause: Duration) -> (Arc<Self>, u16) {
        Self { pause, ..Self::default() }.start(Self::talk_smtp)
    }

    /// Starts a web server on a port of its own. A call has come when its body has.
    pub(crate) fn calls() -> (Arc<Self>, u16) {
        Self::default().start(Self::talk_http)
    }

    fn start(self, talk: fn(&Self, TcpStream) -> std::io::Result<()>) -> (Arc<Self>, u16) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let counting = Arc::new(self);
        let served = Arc::clone(&counting);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let counting = Arc::clone(&served);
                // A connection ends when its program is killed: that is no fault here.
                std::thread::spawn(move || talk(&counting, stream));
            }
        });
        (counting, port)
    }

    /// How many have come, those that came again too.
    pub(crate) fn count(&self) -> u64 {
        self.all.load(Ordering::Relaxed)
    }

    /// How often each has come.
    pub(crate) fn times(&self) -> HashMap<u128, u32> {
        self.times.lock().unwrap().clone()
    }

    fn came(&self, id: u128) {
        *self.times.lock().unwrap().entry(id).or_default() += 1;
        self.all.fetch_add(1, Ordering::Relaxed);
    }

    fn talk_smtp(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut out = BufWriter::new(stream.try_clone()?);
        let mut input = BufReader::with_capacity(64 << 10, stream);
        let mut line = Vec::with_capacity(LINE_MAX);
        out.write_all(b"220 counting\r\n")?;
        loop {
            // Whoever sends several commands at once gets their answers at once.
            if input.buffer().is_empty() {
                out.flush()?;
            }
            if !next_line(&mut input, &mut line)? {
                return Ok(());
            }
            let command = line.get(..4).unwrap_or_default().to_ascii_uppercase();
            out.write_all(match command.as_slice() {
                b"EHLO" => b"250-counting\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
                b"DATA" => b"354 go on\r\n",
                b"QUIT" => b"221 bye\r\n",
                _ => b"250 fine\r\n",
            })?;
            if command == b"QUIT" {
                return out.flush();
            }
            if command == b"DATA" {
                out.flush()?;
                let mut id = None;
                while line != b".\r\n" {
                    if !next_line(&mut input, &mut line)? {
                        return Ok(());
                    }
                    id = id.or_else(|| value(&line, "message-id").map(id_in));
                }
                std::thread::sleep(self.pause);
                self.came(id.expect("a mail has a Message-ID"));
                out.write_all(b"250 taken\r\n")?;
            }
        }
    }

    fn talk_http(&self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let mut out = stream.try_clone()?;
        let mut input = BufReader::new(stream);
        let mut line = Vec::with_capacity(LINE_MAX);
        loop {
            let (mut id, mut length) = (None, 0);
            while line != b"\r\n" {
                if !next_line(&mut input, &mut line)? {
                    return Ok(());
                }
                id = id.or_else(|| value(&line, "webhook-id").map(id_in));
                length = value(&line, "content-length").map_or(length, |text| text.parse().unwrap());
            }
            std::io::copy(&mut (&mut input).take(length), &mut std::io::sink())?;
            self.came(id.expect("a call has a webhook-id"));
            line.clear();
            out.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")?;
        }
    }
}

/// Reads a line with its end; whether there was one, whole.
fn next_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    line.clear();
    input.read_until(b'\n', line)?;
    Ok(line.ends_with(b"\n"))
}

/// The value of a header, where a line is that header.
fn value<'l>(line: &'l [u8], name: &str) -> Option<&'l str> {
    let (head, rest) = line.split_at_checked(name.len())?;
    let is_it = head.eq_ignore_ascii_case(name.as_bytes()) && rest.first() == Some(&b':');
    is_it.then(|| std::str::from_utf8(&rest[1..]).unwrap().trim())
}

/// The id in `<id@host>`, or as it is.
pub(crate) fn id_in(text: &str) -> u128 {
    let id = text.trim_start_matches('<').split('@').next().unwrap();
    uuid::Uuid::parse_str(id).unwrap().as_u128()
}
