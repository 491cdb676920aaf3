//! A client that does as little as it can: prepared requests over connections that stay open.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{BenchError, Result, Stopwatch};

/// What is read at once.
const BUFFER: usize = 16 * 1_024;

/// Sends all requests in turn, again and again until so many were sent, over so many connections, and says how long
/// that took.
pub(super) async fn ask(
    address: &str,
    requests: &Arc<Vec<Vec<u8>>>,
    count: usize,
    connections: usize,
) -> Result<Duration> {
    let watch = Stopwatch::start();
    let mut clients = JoinSet::new();
    for client in 0..connections {
        let (requests, address) = (Arc::clone(requests), address.to_owned());
        clients.spawn(async move {
            let mut stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut buffer = Vec::with_capacity(BUFFER);
            for number in (client..count).step_by(connections) {
                let Some(request) = requests.get(number % requests.len()) else { break };
                stream.write_all(request).await?;
                answered(&mut stream, &mut buffer).await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    Ok(watch.took())
}

/// Reads an answer to its end, which must say that all is well.
async fn answered(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err(BenchError::Wrong("the server hung up".to_owned()));
        }
        if length(buffer).is_some_and(|length| buffer.len() >= length) {
            break;
        }
    }
    if buffer.starts_with(b"HTTP/1.1 200") || buffer.starts_with(b"HTTP/1.1 302") {
        return Ok(());
    }
    Err(BenchError::Wrong(String::from_utf8_lossy(buffer).into_owned()))
}

/// How long an answer is, once its head is there.
fn length(answer: &[u8]) -> Option<usize> {
    let head = 4 + answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let lines = std::str::from_utf8(answer.get(..head)?).ok()?;
    let named = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    };
    Some(head + lines.lines().find_map(named).unwrap_or(0))
}
