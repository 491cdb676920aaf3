//! The formatter: its style against fixtures, and what it promises for any text.

use std::fs;
use std::path::Path;

use lotse::language::format::{FormatError, format_text};
use lotse::language::syntax;
use lotse::source::SourceId;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::case::cases;
use crate::written;

/// Whatever a text looks like: its form is final, means the same, and holds the same comments.
fn keeps_its_promises(text: &str) -> String {
    let found = syntax::parse(SourceId::default(), text).findings;
    let first = found.first().map(|finding| (&finding.message, &text[finding.span.start as usize..]));
    assert!(first.is_none(), "{first:?}\n{text}");
    let formatted = format_text(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let again = format_text(&formatted).unwrap_or_else(|error| panic!("again: {error}\n{formatted}"));
    assert_eq!(again, formatted, "twice is not once for\n{text}");
    assert_eq!(syntax::meaning(&formatted), syntax::meaning(text), "{formatted}");
    assert_eq!(comments(&formatted), comments(text), "{formatted}");
    assert!(!formatted.contains("\n\n\n") && !formatted.starts_with('\n') && !formatted.ends_with("\n\n"));
    formatted
}

fn comments(text: &str) -> Vec<&str> {
    let places = syntax::parse(SourceId::default(), text).file.comments;
    places.into_iter().map(|place| text[place.range()].trim_end()).collect()
}

/// The journey files of the fixtures that are right.
fn fixtures() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/ok");
    let texts = fs::read_dir(folder).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap());
    let cases: Vec<_> = texts.flat_map(|text| cases(&text)).collect();
    let files = cases.into_iter().flat_map(|case| case.files);
    files.filter(|(path, _)| path.ends_with(".journey")).collect()
}

#[test]
fn each_construct_has_one_form() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/format");
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    for path in paths {
        let formatted = keeps_its_promises(&fs::read_to_string(&path).unwrap());
        insta::with_settings!({ omit_expression => true, prepend_module_to_snapshot => false }, {
            insta::assert_snapshot!(format!("format-{}", path.file_stem().unwrap().display()), formatted);
        });
    }
}

#[test]
fn what_is_right_stays_right() {
    let fixtures = fixtures();
    assert!(fixtures.len() > 50);
    for (_, text) in fixtures {
        keeps_its_promises(&text);
    }
}

#[test]
fn a_text_with_mistakes_has_no_form() {
    for text in ["journey", "email a { subject “Hi” }", "journey a { stage b { wait 3d } }", "{"] {
        assert!(
            matches!(format_text(text), Err(FormatError::Mistakes(found)) if !found.is_empty()),
            "{text}"
        );
    }
}

#[test]
fn ends_of_lines_marks_and_blanks_have_one_form() {
    for text in ["", "\u{feff}", " \n\n", "\r\n"] {
        assert_eq!(format_text(text).unwrap(), "", "{text:?}");
    }
    let right = "# one\n\ntopic a\ntopic b  # two\n# three\n";
    for text in [
        "# one\n\ntopic a topic b # two\n# three",
        "\u{feff}\n# one \r\n\r\n\r\ntopic\ta\r\ntopic b # two\r\n\t# three\r\n\r\n",
    ] {
        assert_eq!(format_text(text).unwrap(), right, "{text:?}");
    }
}

#[test]
fn what_a_comment_silences_stays_in_its_line() {
    let text = "journey j {\n  stage s {\n    # allow W601: no links\n    wait up to 1 day { on opened a { end }  otherwise { end } }\n  }\n}\n";
    assert_eq!(format_text(text).unwrap(), text);
}

/// As many cases as `PROPTEST_CASES` asks for, else some.
fn patience() -> ProptestConfig {
    let asked = ProptestConfig { max_shrink_time: 20_000, ..ProptestConfig::default() };
    let cases = std::env::var_os("PROPTEST_CASES").map_or(96, |_| asked.cases);
    ProptestConfig { cases, ..asked }
}

proptest! {
    #![proptest_config(patience())]

    #[test]
    fn any_text_keeps_the_promises(choices in vec(any::<u8>(), 0..400), between in vec(any::<u8>(), 1..200)) {
        let text = written::commented(&written::words(&choices), &between);
        let formatted = keeps_its_promises(&text);
        prop_assert_eq!(format_text(&text.replace('\n', "\r\n")).unwrap(), formatted);
    }

    #[test]
    fn how_it_was_written_leaves_no_trace(choices in vec(any::<u8>(), 0..400), between in vec(any::<u8>(), 1..200)) {
        let words = written::words(&choices);
        let formatted = keeps_its_promises(&written::plain(&words));
        prop_assert_eq!(format_text(&written::scattered(&words, &between)).unwrap(), formatted);
    }
}
