//! `lotse demo`, from its first line to its last.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// How long the demonstration runs, in seconds: at a day a second, long enough for whole journeys.
const SECONDS: &str = "12";

/// Fetches a page the way a browser on this machine does.
fn page(address: &str, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(answer)
}

/// Where the first link with a beginning leads.
fn link<'a>(html: &'a str, beginning: &str) -> Option<&'a str> {
    let at = html.find(&format!("href=\"{beginning}"))?;
    html[at..].split('"').nth(1)
}

/// A number of the summary: the first behind the name of its line.
fn number(summary: &str, line: &str) -> u64 {
    let line = summary.lines().find(|found| found.trim_start().starts_with(line));
    let digits =
        line.and_then(|line| line.split_whitespace().find_map(|word| word.trim_matches(',').parse().ok()));
    digits.unwrap_or_else(|| panic!("`{line:?}` has a number: {summary}"))
}

/// Looks at pages until a thank-you mail has come, and at what it is then.
fn visit(address: &str, child: &mut Child) {
    let thanks = |inbox: &String| inbox.contains(">Thank you");
    let inbox = loop {
        if let Some(inbox) = page(address, "/inbox").filter(thanks) {
            break inbox;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before anybody was thanked");
    };
    let journeys = page(address, "/").unwrap();
    for stage in ["contact", "interest", "reminder", "purchase", "thank_you"] {
        assert!(journeys.contains(&format!("spring_sale {stage} here")), "{stage}: {journeys}");
    }
    let mail = link(&inbox, "/inbox/").unwrap();
    let shown = page(address, mail).unwrap();
    assert!(shown.contains("<iframe") && shown.contains("hello@beetle-and-bloom.example"), "{shown}");
    assert!(page(address, &format!("{mail}/html")).unwrap().contains("BEETLE &amp; BLOOM"));
    let story = link(&shown, "/contacts?who=").unwrap().replace("&#38;", "&");
    assert!(page(address, &story).is_none(), "a search leads on to the contact");
    let contacts = page(address, "/contacts").unwrap();
    let contact = page(address, link(&contacts, "/contacts/").unwrap()).unwrap();
    assert!(contact.contains("<h2>Story</h2>"), "{contact}");
}

#[test]
fn a_visitor_sees_all_of_it_and_nothing_is_left() {
    let folder = std::env::temp_dir().join(format!("lotse-demo-test-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let arguments = ["demo", "--no-open", "--seconds", SECONDS, "--speed", "86400", "--contacts", "120"];
    let mut child = Command::new(env!("CARGO_BIN_EXE_lotse"))
        .args(arguments)
        .env("TMPDIR", &folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    lines.read_line(&mut first).unwrap();
    let address =
        first.trim().strip_prefix("Lotse is at work: http://").unwrap_or_else(|| panic!("{first:?}"));
    assert!(std::fs::read_dir(&folder).unwrap().next().is_some(), "the database is there");
    visit(address, &mut child);

    let mut summary = String::new();
    lines.read_to_string(&mut summary).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert!(child.wait().unwrap().success(), "{errors}");
    assert_eq!(errors, "");
    for line in
        ["contacts", "journey", "mails", "opened", "clicked", "purchases", "hand-offs", "unsubscribed"]
    {
        assert!(number(&summary, line) > 0, "{line}: {summary}");
    }
    assert!(summary.contains("the books balance"), "{summary}");
    assert!(std::fs::read_dir(&folder).unwrap().next().is_none(), "the database is gone");
    std::fs::remove_dir(&folder).unwrap();
}

#[test]
fn the_page_is_for_this_machine_alone() {
    let arguments = ["demo", "--no-open", "--seconds", "0", "--listen", "0.0.0.0:0"];
    let output = Command::new(env!("CARGO_BIN_EXE_lotse")).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{errors}");
    assert!(errors.contains("`0.0.0.0:0` is no address of this machine alone"), "{errors}");
}
