//! How parsing grows with the length of a file, and what hostile files cost.

use std::time::{Duration, Instant};

use lotse::finding::render_json;
use lotse::language::check::check;
use lotse::language::syntax::parse;
use lotse::source::{SourceId, WorkspaceFiles};

use super::check::{COMMON, journey};

const MB: usize = 1_000_000;
const NESTED: usize = 10_000;
const MISTAKES: usize = 100_000;

pub fn run() {
    let one = speed(1);
    let ten = speed(10);
    println!("  a byte of 10 MB costs {:.2} times a byte of 1 MB; needed about 1", one / ten);
    let text = "{ ".repeat(NESTED) + &"} ".repeat(NESTED);
    let (found, took) = parsed(&text);
    assert_eq!(found, 1, "the limit is told once");
    println!("parse: {NESTED} nested braces in {:.4} s", took.as_secs_f64());
    for (what, line) in [("unreadable", "    wait three days\n"), ("unknown", "    send email nobody\n")] {
        let head =
            "journey j {\n  owner \"a@example.com\"\n  enter on signed_up\n  permission news\n  stage s {\n";
        let text = [COMMON, head, &line.repeat(MISTAKES), "    end\n  }\n}\n"].concat();
        let files = WorkspaceFiles::from_texts([("a.journey", text.as_str())]);
        let begun = Instant::now();
        let found = check(&files, None).findings;
        render_json(&found, &files.sources);
        assert!(found.len() >= MISTAKES, "{}", found.len());
        println!("check: {MISTAKES} {what} lines in {:.2} s", begun.elapsed().as_secs_f64());
    }
}

/// Megabytes of one file in a second, beside looking for its words and lines.
fn speed(megabytes: usize) -> f64 {
    let mut text = COMMON.to_owned();
    (0..)
        .map(journey)
        .take_while(|journey| {
            text.push_str(journey);
            text.len() < megabytes * MB
        })
        .for_each(drop);
    let (found, took) = parsed(&text);
    assert_eq!(found, 0);
    let begun = Instant::now();
    let words = std::hint::black_box(text.split_whitespace().count() + text.lines().count());
    let floor = begun.elapsed();
    let rate = |took: Duration| text.len() as f64 / MB as f64 / took.as_secs_f64();
    println!(
        "parse: {megabytes} MB in {:.2} s, {:.1} MB/s; its {words} words and lines alone {:.0} MB/s",
        took.as_secs_f64(),
        rate(took),
        rate(floor)
    );
    rate(took)
}

/// How many findings a text gives, and how long that takes.
fn parsed(text: &str) -> (usize, Duration) {
    let begun = Instant::now();
    let parsed = parse(SourceId::default(), text);
    (parsed.findings.len(), begun.elapsed())
}
