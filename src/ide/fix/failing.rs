//! Lines of tests that failed: what to write so that they hold.

use super::{TextChange, short};
use crate::ide::Analysis;
use crate::language::syntax::tree::{Test, TestItemKind};
use crate::simulate::{Failure, Mend};
use crate::source::Span;

/// A change after which a line of a test may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mending {
    /// What it does, in a few words.
    pub title: String,
    /// What is written.
    pub change: TextChange,
    /// Whether it is what was most likely meant: that the contact lacks something, rather than that the test is wrong.
    pub preferred: bool,
}

impl Analysis {
    /// What can be done in a test about something that is not as it expects, the likeliest first.
    pub fn mendings(&self, failure: &Failure) -> Vec<Mending> {
        let Some(test) = self.test_around(failure.span) else { return Vec::new() };
        failure.mends.iter().filter_map(|mend| self.mending(test, failure.span, mend)).collect()
    }

    fn mending(&self, test: &Test, line: Span, mend: &Mend) -> Option<Mending> {
        let (title, change, preferred) = match mend {
            Mend::Allow(topic) => {
                let title = format!("Let the contact of the test allow `{topic}`");
                (title, self.given(test, &format!("allows {topic}"))?, true)
            }
            Mend::Give(entry) => {
                (format!("Give the contact of the test `{entry}`"), self.given(test, entry)?, true)
            }
            Mend::Write(came) => {
                let written = self.files.sources.text(line).trim_end().len();
                let start = line.start as usize;
                let span = Span::new(line.source, start, start + written);
                (
                    format!("Expect what came: `{}`", short(came)),
                    TextChange { span, text: came.clone() },
                    false,
                )
            }
            Mend::Add(entry) => (format!("Add `{entry}`"), self.last_in(test.span, entry)?, false),
        };
        Some(Mending { title, change, preferred })
    }

    /// One more entry of the contact of a test, which is described where it is not yet.
    fn given(&self, test: &Test, entry: &str) -> Option<TextChange> {
        let contact = test.items.iter().find(|item| matches!(item.kind, TestItemKind::Contact { .. }));
        let Some(contact) = contact else {
            return self.behind_brace(test.span, &format!("contact {{ {entry} }}"));
        };
        let written = self.files.sources.text(contact.span).trim_end().strip_suffix('}')?;
        let inside = written.trim_end();
        if written.contains('\n') || inside.ends_with('{') {
            return self.last_in(contact.span, entry);
        }
        let end = contact.span.start as usize + inside.len();
        let comma = if inside.ends_with(',') { "" } else { "," };
        Some(TextChange { span: Span::new(contact.span.source, end, end), text: format!("{comma} {entry}") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::testing::shop_with;
    use crate::simulate::tried;

    fn failures(analysis: &Analysis) -> Vec<Failure> {
        let zone = &analysis.config.timezone;
        let (results, _) = tried(&analysis.checked, &analysis.files.sources, zone, || true);
        results.into_iter().flat_map(|result| result.failures).collect()
    }

    /// What a test with these lines says, what is offered first, and what it says when that is written.
    fn mended(lines: &str) -> (String, String, Vec<String>) {
        const PATH: &str = "a.test.journey";
        let text = format!("test \"t\" for greeting {{\n{lines}\n}}\n");
        let (analysis, _) = shop_with(PATH, &text);
        let failures_before = failures(&analysis);
        let failure = failures_before.first().unwrap_or_else(|| panic!("it passes: {text}"));
        let mending = analysis.mendings(failure).remove(0);
        let mut after = text.clone();
        after.replace_range(mending.change.span.range(), &mending.change.text);
        let (analysis, _) = shop_with(PATH, &after);
        assert!(!analysis.checked.has_errors(), "{after}: {:#?}", analysis.findings);
        let still = failures(&analysis).into_iter().map(|failure| failure.message).collect();
        (failure.told(&shop_with(PATH, &text).0.files.sources), mending.title, still)
    }

    #[test]
    fn a_test_that_fails_is_mended_by_what_is_offered_first() {
        const SIGNS_UP: &str = "  at 2027-03-01 10:00 event newsletter_signup\n";
        for (contact, lines, told, title) in [
            (
                "  contact { email \"ada@example.org\" }\n",
                "  expect email welcome",
                "“t” fails at 2027-03-01 10:00: `expect email welcome`, but it was not sent: the contact has not entered the journey: it does not allow `newsletter`, the topic of the journey\nwrite `allows newsletter` in the `contact { … }` of the test",
                "Let the contact of the test allow `newsletter`",
            ),
            (
                "",
                "  expect stage first",
                "“t” fails at 2027-03-01 10:00: `expect stage first`, but the contact has not entered the journey: it does not allow `newsletter`, the topic of the journey\nwrite `allows newsletter` in the `contact { … }` of the test",
                "Let the contact of the test allow `newsletter`",
            ),
            (
                "  contact {\n    allows newsletter\n  }\n",
                "  expect email welcome",
                "“t” fails at 2027-03-01 10:00: `expect email welcome`, but it was skipped because `no_address`: the contact has no address\nwrite `email \"ada@example.org\"` in the `contact { … }` of the test",
                "Give the contact of the test `email \"ada@example.org\"`",
            ),
            (
                "  contact { email \"ada@example.org\", allows newsletter }\n",
                "  expect email welcome\n  expect stage second",
                "“t” fails at 2027-03-01 10:00: `expect stage second`, but the contact is in the stage `first`, waits until 2027-03-04 10:00 for `clicked welcome`",
                "Expect what came: `expect stage first`",
            ),
            (
                "  contact { email \"ada@example.org\", allows newsletter }\n",
                "",
                "“t” fails: the email `welcome` came at 2027-03-01 10:00, and no line expects it",
                "Add `expect email welcome`",
            ),
        ] {
            let (says, offered, still) = mended(&format!("{contact}{SIGNS_UP}{lines}"));
            assert_eq!((says.as_str(), offered.as_str()), (told, title));
            assert_eq!(still, Vec::<String>::new(), "{lines}");
        }
    }

    #[test]
    fn who_never_enters_is_told_the_way_in() {
        let text = "test \"t\" for other {\n  at 2027-03-01 10:00 event newsletter_signup\n  expect outcome done\n}\n";
        let (analysis, _) = shop_with("a.test.journey", text);
        let told = failures(&analysis).remove(0).told(&analysis.files.sources);
        let expected = "the contact has not entered the journey: nothing that leads in has happened\nthe way in is `enter by request`: a step before this line makes it happen";
        assert!(told.ends_with(expected), "{told}");
    }
}
