//! Every finding has a page that explains it, with an example that gives it and one that does not.

use std::collections::BTreeSet;

use lotse::finding::{Code, Severity};

use crate::case::Case;
use crate::docs::{Fence, IN_EXCERPTS, fences};

/// The longest page, in lines: it is read in a terminal.
const PAGE_LINES_MAX: usize = 45;
/// Codes of which no example can be given in one file: why.
const WITHOUT_PROOF: &[(Code, &str)] = &[(Code::W604, "what a test visits is known when it has run")];

#[test]
fn every_page_has_its_shape() {
    for code in Code::ALL {
        let page = code.page();
        let lines: Vec<&str> = page.lines().collect();
        assert_eq!(lines[0], format!("# {code}: {}", code.title()));
        assert!(lines.len() <= PAGE_LINES_MAX, "{code}: {} lines", lines.len());
        let mut rest = page;
        for part in ["\n**What it is.** ", "\n**Why it hurts.** ", "\n**Wrong**\n", "\n**Right**\n"] {
            let at = rest.find(part).unwrap_or_else(|| panic!("{code}: `{}` is missing", part.trim()));
            rest = &rest[at + part.len()..];
        }
        assert!(page.ends_with('\n') && !page.ends_with("\n\n"), "{code}: ends with one line end");
    }
}

#[test]
fn every_example_shows_what_its_page_says() {
    let mut problems = String::new();
    for code in Code::ALL {
        let fences: Vec<Fence> = fences(code.page());
        let [wrong, right] = fences.as_slice() else { panic!("{code}: {} examples", fences.len()) };
        assert_eq!((wrong.info.as_str(), right.info.as_str()), ("journey wrong", "journey"), "{code}");
        let proved = !WITHOUT_PROOF.iter().any(|(known, _)| known == code);
        let expected: BTreeSet<Code> = proved.then_some(*code).into_iter().collect();
        for (which, text, expected) in
            [("wrong", &wrong.text, expected), ("right", &right.text, BTreeSet::new())]
        {
            let found = codes(*code, text);
            if found != expected {
                problems += &format!("{code}: the {which} example gives {found:?}\n");
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
}

/// The codes that an example gives, without those that an excerpt has in passing.
fn codes(about: Code, text: &str) -> BTreeSet<Code> {
    let (_, checked) = Case::of(vec![("page.journey".to_owned(), text.to_owned())]).check();
    let codes = checked.findings.iter().map(|finding| finding.code);
    codes.filter(|code| *code == about || !IN_EXCERPTS.contains(code)).collect()
}

#[test]
fn the_reference_lists_every_code() {
    let page = include_str!("../docs/reference/language.md");
    for code in Code::ALL {
        let row = format!("| [{code}](../findings/{code}.md) | {} |", code.title());
        assert!(page.lines().any(|line| line == row), "docs/reference/language.md lacks {row}");
    }
}

#[test]
fn codes_say_how_grave_they_are() {
    for code in Code::ALL {
        let letter = if code.severity() == Severity::Error { 'E' } else { 'W' };
        assert!(code.name().starts_with(letter), "{code}");
    }
}
