use super::*;
use crate::language::check::check;
use crate::source::WorkspaceFiles;
use crate::time::TimeZone;

/// What a test says of its failures and tells of what happened.
fn told(text: &str) -> (Vec<String>, Vec<String>) {
    let files = WorkspaceFiles::from_texts([("a.journey", text)]);
    let checked = check(&files, None);
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
    let plans = plans(&checked, &files.sources);
    let result = run_tests(&checked, &plans, &TimeZone::UTC, |_| true).remove(0);
    let failures = result.failures.into_iter().map(|failure| failure.message).collect();
    (failures, result.timeline.into_iter().map(|entry| entry.says).collect())
}

const MESSAGES: &str = "
    event signup { }
    topic account \"Orders\" essential
    email hello { topic account  from m  subject \"Hi\"  body \"Hi\" }
    email other { topic account  from m  subject \"Hi\"  body \"Hi\" }
";

#[test]
fn a_message_of_another_journey_is_told_with_its_journey() {
    let (mut failures, _) = told(&format!(
        "{MESSAGES}
        journey j {{ enter on signup  stage s {{ send email hello  end }} }}
        journey k {{ enter on signup  stage s {{ send email other  end }} }}
        test \"both come\" for j {{
          contact {{ email \"ada@example.org\" }}
          at 2027-03-01 10:00 event signup
        }}"
    ));
    failures.sort();
    assert_eq!(
        failures,
        [
            "the email `hello` came at 2027-03-01 10:00, and no line expects it",
            "the email `other` of the journey `k` came at 2027-03-01 10:00, and no line expects it",
        ]
    );
}

#[test]
fn runs_that_begin_at_once_are_told_apart_and_a_named_variant_is_the_test_s() {
    let (_, told) = told(&format!(
        "{MESSAGES}
        journey j {{
          enter    on signup
          reenter  always
          stage s {{
            experiment tone {{ variant a 50% {{ tag \"a\" }} variant b 50% {{ tag \"b\" }} }}
            end
          }}
        }}
        test \"twice at once\" for j {{
          variant tone b
          at 2027-03-01 10:00 event signup
          at 2027-03-01 10:00 event signup
          expect email hello
        }}"
    ));
    let variants = told.iter().filter(|says| says.contains("variant `b`, which the test names"));
    assert_eq!(variants.count(), 2, "{told:#?}");
    assert_eq!(told.iter().filter(|says| says.starts_with("ended with")).count(), 2, "{told:#?}");
}
