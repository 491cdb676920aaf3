//! A workspace of 1,000 journeys, read and checked, on one core: checking has one thread.

use std::fmt::Write;
use std::time::Instant;

use lotse::language::check::check;
use lotse::language::format::format_text;
use lotse::simulate::plans;
use lotse::source::WorkspaceFiles;

use super::memory::peak_mib;

const JOURNEYS: usize = 1_000;

pub const COMMON: &str = r#"
contact { score number = 0  country text one of ["DE", "AT", "CH"] }
event signed_up { source text }
event order_placed { total number }
topic news "News"
"#;

/// A journey of some 40 lines with its messages.
pub fn journey(number: usize) -> String {
    let mut text = String::new();
    for mail in ["hello", "reminder", "thanks"] {
        writeln!(text, "email {mail}_{number} {{ topic news  from shop  subject \"{mail}\"  body \"Dear {{{{ contact.country }}}}: {{{{ unsubscribe_url }}}}\" }}").unwrap();
    }
    write!(
        text,
        r#"
journey journey_{number} "Journey {number}" {{
  owner      "crm@example.com"
  enter      on signed_up where contact.country in ["DE", "AT"] and event.source == "web"
  reenter    after 90 days
  permission news
  goal       purchase on order_placed where event.total >= 20 within 30 days worth event.total
  leave      on goal
  control    10%

  stage contact {{
    send email hello_{number}
    wait up to 3 days {{
      on order_placed {{ go to purchase }}
      on clicked hello_{number} {{ go to interest }}
      otherwise {{ go to reminder }}
    }}
  }}

  stage interest {{
    add 10 to contact.score
    if contact.score >= 50 {{ tag "hot" }} else {{ untag "hot" }}
    wait up to 2 days {{
      on order_placed {{ go to purchase }}
      otherwise {{ go to reminder }}
    }}
  }}

  stage reminder {{
    send email reminder_{number}
    wait 2 days
    end as silent
  }}

  stage purchase {{
    wait until 09:00
    send email thanks_{number}
    end as bought
  }}
}}
"#
    )
    .unwrap();
    text
}

pub fn run() {
    let mut texts = vec![("common.journey".to_owned(), COMMON.to_owned())];
    texts.extend((0..JOURNEYS).map(|number| (format!("j{number}.journey"), journey(number))));
    let lines: usize = texts.iter().map(|(_, text)| text.lines().count()).sum();
    let bytes: usize = texts.iter().map(|(_, text)| text.len()).sum();
    let files = WorkspaceFiles::from_texts(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let begun = Instant::now();
    let checked = check(&files, None);
    let took = begun.elapsed();
    assert!(checked.findings.is_empty(), "{:#?}", &checked.findings[..3.min(checked.findings.len())]);
    assert_eq!(checked.model.journeys.len(), JOURNEYS);
    println!(
        "check: {JOURNEYS} journeys, {lines} lines, {:.1} MB in {:.2} s; needed 1.00 s",
        bytes as f64 / 1e6,
        took.as_secs_f64()
    );
    let begun = Instant::now();
    let plans = plans(&checked, &files.sources);
    assert_eq!(plans.versions().count(), JOURNEYS);
    println!("  and made into plans in {:.2} s", begun.elapsed().as_secs_f64());
    let begun = Instant::now();
    for (_, text) in &texts {
        assert!(format_text(text).is_ok());
    }
    println!("  and formatted in {:.2} s", begun.elapsed().as_secs_f64());
    if let Some(peak) = peak_mib(std::process::id()) {
        println!("  with {peak} MiB of memory at the most so far; needed 200 MiB");
    }
}
