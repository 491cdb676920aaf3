//! Mails of 10 KB over many connections into a server on this machine, each written from its template, through the
//! gate, and settled in the ledger; beside a bare client that hands over the same bytes.

use std::sync::Arc;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::world::{CONNECTIONS, World};
use super::{BenchError, Figure, Result, Scratch, Stopwatch, rate};
use crate::inbox::Inbox;
use crate::time::{Clock, Moment, SystemClock};

const BYTES: usize = 10 * 1024;
/// What a mail with such a text comes to, with its headers and its links.
const SIZE: usize = 11_200;
/// Events that a tick takes while the mails are decided.
const TICK: u32 = 4_000;

fn journeys() -> String {
    let paragraph = "Everything that blooms is cheaper until Sunday, and what blooms longest is cheapest. ";
    let body = paragraph.repeat(BYTES / paragraph.len());
    format!(
        r#"
contact {{ }}
event signed_up {{ }}
event bought {{ }}
topic news "News"
email hello {{ topic news  from shop  subject "Hello {{{{ contact.id }}}}"  body "{body} {{{{ unsubscribe_url }}}}" }}
journey mail "Mail" {{
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage only {{ send email hello  end }}
}}
"#
    )
}

/// Measures mails in a second: one to each of so many people.
///
/// # Errors
/// When something fails, or not every mail came once.
pub async fn mail(scratch: &Scratch, people: u32) -> Result<Figure> {
    let start = Moment::from_seconds(1_800_000_000);
    let world = World::new(scratch, &journeys(), start).await?;
    world.import(people).await?;
    world.sign_up(people).await?;
    world.clock.set(start.plus_seconds(1));
    while world.runtime.tick(world.clock.now(), TICK).await?.more {}
    let mut counts = world.inbox.counts();
    let watch = Stopwatch::start();
    let working = world.work().await?;
    counts.wait_for(|count| *count >= u64::from(people)).await.map_err(std::io::Error::other)?;
    let took = watch.took();
    working.end().await;
    world.store.close().await;
    let mut line = scratch.line().await?;
    let accepted = line.number("SELECT count(*) FROM message WHERE state = 'accepted'".to_owned()).await?;
    line.close().await?;
    let came = world.inbox.count();
    if (accepted, came) != (i64::from(people), u64::from(people)) {
        return Err(BenchError::Wrong(format!(
            "of {people} mails {came} came, and {accepted} are known to have"
        )));
    }
    let reached = rate(came, took);
    Ok(Figure { what: "mails over SMTP".to_owned(), unit: "mails/s", reached, floor: floor(people).await? })
}

/// Mails in a second of a client that does nothing else: the same bytes, the same connections, and each content with
/// the announcement of the next mail in one write.
async fn floor(people: u32) -> Result<f64> {
    const HEAD: &str = "MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n";
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let inbox = Inbox::new(0, clock);
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let serving = tokio::spawn(async move { inbox.serve(listener, std::future::pending()).await });
    let line = format!("{}\r\n", "x".repeat(76));
    let mail = Arc::new(format!("Subject: floor\r\n\r\n{}.\r\n{HEAD}", line.repeat(SIZE / line.len())));
    let each = people as usize / CONNECTIONS;
    let watch = Stopwatch::start();
    let mut clients = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mail = Arc::clone(&mail);
        clients.spawn(async move {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            let mut stream = BufReader::new(stream);
            answered(&mut stream, 1).await?;
            stream.write_all(b"HELO bench\r\n").await?;
            answered(&mut stream, 1).await?;
            stream.write_all(HEAD.as_bytes()).await?;
            answered(&mut stream, 3).await?;
            for _ in 0..each {
                stream.write_all(mail.as_bytes()).await?;
                answered(&mut stream, 4).await?;
            }
            Ok::<_, BenchError>(())
        });
    }
    while let Some(ended) = clients.join_next().await {
        ended.map_err(std::io::Error::other)??;
    }
    let took = watch.took();
    serving.abort();
    Ok(rate((each * CONNECTIONS) as u64, took))
}

/// Reads as many answers, all of which say yes.
async fn answered(stream: &mut BufReader<TcpStream>, count: usize) -> Result<()> {
    let mut answer = String::new();
    for _ in 0..count {
        answer.clear();
        stream.read_line(&mut answer).await?;
        if !answer.starts_with(['2', '3']) {
            return Err(BenchError::Wrong(format!("the sink said: {answer}")));
        }
    }
    Ok(())
}
