//! The tests of a workspace with a thousand of them, and a year of one contact's time.

use std::fmt::Write;
use std::time::Instant;

use lotse::language::check::check;
use lotse::simulate::{plans, run_tests};
use lotse::source::WorkspaceFiles;
use lotse::time::zone;

const JOURNEYS: usize = 100;
const TESTS_A_JOURNEY: usize = 10;

const COMMON: &str = r#"
contact { score number = 0 }
event signed_up { source text }
event order_placed { total number }
topic news "News"
"#;

fn journey(number: usize) -> String {
    let mut text = format!(
        r#"
email hello_{number} {{ topic news  from shop  subject "Hello"  body "Dear {{{{ contact.email }}}}: {{{{ unsubscribe_url }}}}" }}
journey journey_{number} "Journey {number}" {{
  enter on signed_up where event.source == "{number}"
  permission news
  goal purchase on order_placed within 30 days worth event.total
  control 10%
  stage contact {{
    send email hello_{number}
    wait up to 3 days {{
      on clicked hello_{number} {{ go to interest }}
      otherwise {{ end as silent }}
    }}
  }}
  stage interest {{
    add 10 to contact.score
    wait up to 2 days {{
      on order_placed {{ end as bought }}
      otherwise {{ end as silent }}
    }}
  }}
}}
"#
    );
    for test in 0..TESTS_A_JOURNEY {
        write!(
            text,
            r#"
test "number {test}" for journey_{number} {{
  contact {{ email "ada@example.org", score {test}, allows news }}
  at 2027-03-01 10:00 event signed_up {{ source "{number}" }}
  expect email hello_{number}
  after 1 day click hello_{number}
  expect stage interest
  after 1 day event order_placed {{ total 20 }}
  expect goal purchase worth 20
  expect outcome bought
}}
"#
        )
        .unwrap();
    }
    text
}

/// A letter each week, for a year.
const YEAR: &str = r#"
event signed_up { }
topic account "Account" essential
email letter { topic account  from shop  subject "Letter"  body "Hello" }
journey year "A year" {
  enter on signed_up
  goal again on signed_up within 1 year
  control 1%
  stage first {
    send email letter
    wait 1 week
    go to first
  }
}
test "a year" for year {
  contact { email "ada@example.org" }
  allow other messages
  at 2027-03-01 10:00 event signed_up
  after 1 year nothing
  expect stage first
}
"#;

pub fn run() {
    let mut texts = vec![("common.journey".to_owned(), COMMON.to_owned())];
    texts.extend((0..JOURNEYS).map(|number| (format!("j{number}.journey"), journey(number))));
    let (count, seconds) = measured(&texts);
    assert_eq!(count, JOURNEYS * TESTS_A_JOURNEY);
    println!("tests: {count} tests of {JOURNEYS} journeys in {seconds:.2} s; needed 2.00 s");
    let (_, seconds) = measured(&[("year.journey".to_owned(), YEAR.to_owned())]);
    println!("tests: a year of virtual time in {seconds:.3} s; needed 1.000 s");
}

fn measured(texts: &[(String, String)]) -> (usize, f64) {
    let files = WorkspaceFiles::from_texts(texts.iter().map(|(name, text)| (name.as_str(), text.as_str())));
    let begun = Instant::now();
    let checked = check(&files, None);
    assert!(!checked.has_errors(), "{:#?}", &checked.findings[..3.min(checked.findings.len())]);
    let plans = plans(&checked, &files.sources);
    let results = run_tests(&checked, &plans, &zone("Europe/Berlin").unwrap(), |_| true);
    let took = begun.elapsed();
    let failed = results.iter().find(|result| !result.passed());
    assert!(failed.is_none(), "{failed:#?}");
    (results.len(), took.as_secs_f64())
}
