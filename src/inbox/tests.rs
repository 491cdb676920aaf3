use std::future::pending;
use std::net::SocketAddr;
use std::sync::Arc;

use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::session::MAIL_BYTES_MAX;
use super::{Inbox, Mail};
use crate::time::{ManualClock, Moment};

const NOW: Moment = Moment::from_seconds(1_800_000_000);

async fn inbox(keep: usize) -> (Inbox, SocketAddr) {
    let inbox = Inbox::new(keep, Arc::new(ManualClock::new(NOW)));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = inbox.clone();
    tokio::spawn(async move { serving.serve(listener, pending()).await });
    (inbox, address)
}

/// Says all of it at once and hangs up, and gives what the server has answered.
async fn say(address: SocketAddr, text: impl AsRef<[u8]>) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let (mut reading, mut writing) = stream.split();
    let mut answer = String::new();
    let write = async {
        writing.write_all(text.as_ref()).await.unwrap();
        writing.shutdown().await.unwrap();
    };
    let (_, read) = tokio::join!(write, reading.read_to_string(&mut answer));
    read.unwrap();
    answer
}

fn codes(answer: &str) -> Vec<&str> {
    answer.lines().filter(|line| line.as_bytes()[3] == b' ').map(|line| &line[..3]).collect()
}

fn mail(content: &str) -> String {
    format!("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n{content}\r\n.\r\n")
}

fn texts(inbox: &Inbox) -> Vec<String> {
    inbox.mails().iter().filter_map(|mail| mail.text.clone()).collect()
}

#[tokio::test]
async fn mails_of_a_common_client_are_read() {
    let (inbox, address) = inbox(10).await;
    let mailer: AsyncSmtpTransport<Tokio1Executor> =
        AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous("127.0.0.1").port(address.port()).build();
    let to = Mailbox::new(Some("Jörg Müller".into()), "joerg@example.org".parse().unwrap());
    let parts = MultiPart::alternative()
        .singlepart(SinglePart::plain("Grüße,\r\n.\r\n..und Punkte".to_owned()))
        .singlepart(SinglePart::html("<p>Grüße</p>".to_owned()));
    let message = Message::builder()
        .from("Shop <shop@example.com>".parse().unwrap())
        .to(to)
        .subject("Frühling für alle")
        .message_id(Some("<1@example.com>".to_owned()))
        .multipart(parts)
        .unwrap();
    mailer.send(message).await.unwrap();
    assert_eq!(inbox.count(), 1);
    let mail = inbox.get(1).unwrap();
    let Mail { received_at, envelope_from, recipients, from, to, subject, .. } = &*mail;
    assert_eq!((*received_at, envelope_from.as_str()), (NOW, "shop@example.com"));
    assert_eq!(recipients, &["joerg@example.org"]);
    assert_eq!((from.as_str(), to.as_str()), ("Shop <shop@example.com>", "Jörg Müller <joerg@example.org>"));
    assert_eq!((subject.as_str(), mail.message_id.as_deref()), ("Frühling für alle", Some("1@example.com")));
    assert_eq!(mail.html.as_deref(), Some("<p>Grüße</p>"));
    assert_eq!(mail.text.as_deref(), Some("Grüße,\r\n.\r\n..und Punkte"));
    assert_eq!(mail.header("message-id"), Some("<1@example.com>"));
}

#[tokio::test]
async fn commands_may_come_together() {
    let (inbox, address) = inbox(10).await;
    let text = format!(
        "EHLO x\r\n{}{}RSET\r\nNOOP\r\nVRFY ada\r\nQUIT\r\nNOOP\r\n",
        mail("\r\none"),
        mail("\r\ntwo")
    );
    let answer = say(address, text).await;
    let expected = "220 250 250 250 354 250 250 250 354 250 250 250 252 221";
    assert_eq!(codes(&answer).join(" "), expected, "{answer}");
    for extension in ["PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 4194304"] {
        assert!(answer.contains(extension), "{answer}");
    }
    assert_eq!(MAIL_BYTES_MAX, 4_194_304);
    assert_eq!(texts(&inbox), ["one\r\n", "two\r\n"]);
}

#[tokio::test]
async fn order_is_kept() {
    let (inbox, address) = inbox(10).await;
    let from = "MAIL FROM:<a@example.org>\r\n";
    for (text, expected) in [
        (from.to_owned(), "220 503"),
        ("EHLO x\r\nDATA\r\n".to_owned(), "220 250 503"),
        ("EHLO x\r\nRCPT TO:<b@example.org>\r\n".to_owned(), "220 250 503"),
        (format!("HELO x\r\n{from}DATA\r\n"), "220 250 250 503"),
        (format!("HELO x\r\n{from}{from}"), "220 250 250 503"),
        (format!("HELO x\r\n{from}EHLO x\r\nRCPT TO:<b@example.org>\r\n"), "220 250 250 250 503"),
        ("EHLO x\r\nMAIL FROM:<a@example.org> SIZE=5000000\r\n".to_owned(), "220 250 552"),
        (format!("EHLO {}\r\nNOOP\r\n", "x".repeat(9_000)), "220 500 250"),
    ] {
        assert_eq!(codes(&say(address, &text).await).join(" "), expected, "{text}");
    }
    assert_eq!(say(address, b"EHLO \xff\r\n").await.lines().count(), 2);
    assert_eq!(inbox.count(), 0);
}

#[tokio::test]
async fn only_a_dot_between_line_ends_is_the_end() {
    let (inbox, address) = inbox(10).await;
    for content in
        ["\r\na\n.\nMAIL FROM:<c@example.org>", "\r\na\n.\r\nb", "\r\na\r\n.\nb", "\r\na\r\n..\r\nb"]
    {
        let answer = say(address, format!("EHLO x\r\n{}", mail(content))).await;
        assert_eq!(codes(&answer).join(" "), "220 250 250 250 354 250", "{content:?}: {answer}");
    }
    assert_eq!(inbox.count(), 4);
    assert_eq!(texts(&inbox)[3], "a\r\n.\r\nb\r\n");
}

#[tokio::test]
async fn what_was_not_ended_was_not_taken() {
    let (inbox, address) = inbox(10).await;
    let begun = mail("\r\nhalf").replace("\r\n.\r\n", "");
    assert_eq!(codes(&say(address, format!("EHLO x\r\n{begun}")).await).last(), Some(&"354"));
    assert_eq!(inbox.count(), 0);
}

#[tokio::test]
async fn what_is_too_large_is_refused_and_the_next_taken() {
    let (inbox, address) = inbox(10).await;
    for content in [
        // One line, many lines, and lines of nothing.
        "x".repeat(MAIL_BYTES_MAX + 1),
        "some text\r\n".repeat(MAIL_BYTES_MAX / 10),
        "\r\n".repeat(MAIL_BYTES_MAX / 2 + 1),
    ] {
        let text = format!("EHLO x\r\n{}{}", mail(&content), mail("\r\nsmall"));
        let answer = say(address, text).await;
        assert_eq!(codes(&answer)[5..].join(" "), "552 250 250 354 250", "{answer}");
    }
    assert_eq!(texts(&inbox), ["small\r\n"; 3]);
}

#[tokio::test]
async fn the_last_are_kept_and_all_are_counted() {
    let (inbox, address) = inbox(2).await;
    let mails: String = (1..=5).map(|number| mail(&format!("\r\n{number}"))).collect();
    say(address, format!("EHLO x\r\n{mails}")).await;
    assert_eq!(inbox.count(), 5);
    assert_eq!(inbox.mails().iter().map(|mail| mail.id).collect::<Vec<_>>(), [4, 5]);
    assert_eq!(inbox.mails_after(4).iter().map(|mail| mail.id).collect::<Vec<_>>(), [5]);
    assert_eq!(inbox.mails_after(0).len(), 2);
    assert_eq!((inbox.get(3), inbox.get(5).is_some()), (None, true));
    let (counting, address) = self::inbox(0).await;
    say(address, format!("EHLO x\r\n{mails}")).await;
    assert_eq!((counting.count(), counting.mails().len()), (5, 0));
}

#[tokio::test]
async fn whoever_waits_is_told() {
    let (inbox, address) = inbox(1).await;
    let mut counts = inbox.counts();
    let (_, waited) = tokio::join!(
        say(address, format!("EHLO x\r\n{}{}", mail("\r\n1"), mail("\r\n2"))),
        counts.wait_for(|count| *count == 2),
    );
    assert_eq!(*waited.unwrap(), 2);
}

#[tokio::test]
async fn what_is_no_mail_is_kept_all_the_same() {
    let (inbox, address) = inbox(10).await;
    say(
        address,
        [b"EHLO x\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n".as_slice(), b"\xff\xfe\0\r\n.\r\n"]
            .concat(),
    )
    .await;
    let mail = inbox.get(1).unwrap();
    assert_eq!((mail.envelope_from.as_str(), mail.subject.as_str(), mail.size), ("", "", 5));
}
