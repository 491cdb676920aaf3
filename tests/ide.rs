//! Help for authors against the fixtures of the language: what it says of a workspace is what the check finds, through
//! any edits, and what it changes does what it says.

use std::collections::BTreeMap;
use std::path::Path;

use lotse::finding::{Code, Finding, Severity};
use lotse::ide::{Analysis, Fix, NameKind, Occurrence, Role, TextChange};
use lotse::language::check::OF_THE_WHOLE;
use lotse::simulate;
use lotse::source::{SourceId, WorkspaceFiles};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::case::Case;
use crate::language::fixtures;

/// Every workspace of the fixtures, with its name.
fn workspaces() -> Vec<(String, WorkspaceFiles)> {
    workspaces_of(&["ok", "runs", "fails", "error"])
}

fn workspaces_of(folders: &[&str]) -> Vec<(String, WorkspaceFiles)> {
    let files = folders.iter().copied().flat_map(fixtures);
    let cases = files.flat_map(|(file, cases)| {
        let named = move |case: Case| (format!("{file}: {}", case.name), case.workspace());
        cases.into_iter().map(named)
    });
    cases.collect()
}

fn texts(analysis: &Analysis) -> BTreeMap<String, String> {
    let files = analysis.files.sources.iter();
    files.map(|(_, source)| (source.path.clone(), source.text.to_string())).collect()
}

fn of_texts(texts: &BTreeMap<String, String>) -> Analysis {
    Analysis::of(WorkspaceFiles::from_texts(texts.iter().map(|(path, text)| (path.as_str(), text.as_str()))))
}

/// The texts of a workspace after some changes.
fn changed(analysis: &Analysis, mut changes: Vec<TextChange>) -> BTreeMap<String, String> {
    let mut texts = texts(analysis);
    changes.sort_by_key(|change| std::cmp::Reverse(change.span));
    for change in changes {
        let path = &analysis.files.sources.get(change.span.source).path;
        texts.get_mut(path).unwrap().replace_range(change.span.range(), &change.text);
    }
    texts
}

/// The workspace after a fix, with the files that it makes.
fn mended(analysis: &Analysis, fix: &Fix) -> Analysis {
    let mut texts = changed(analysis, fix.changes.clone());
    for file in &fix.creates {
        let before = texts.insert(file.path.clone(), file.text.clone());
        assert_eq!(before, None, "{} is there already", file.path);
    }
    of_texts(&texts)
}

/// The errors of a workspace, each as often as it is found.
fn errors(analysis: &Analysis) -> BTreeMap<(Code, &str), usize> {
    let mut errors = BTreeMap::new();
    let found = analysis.findings.iter().filter(|finding| finding.severity() == Severity::Error);
    found.for_each(|finding| *errors.entry((finding.code, finding.message.as_str())).or_default() += 1);
    errors
}

/// How often each code is found.
fn codes(analysis: &Analysis) -> BTreeMap<&'static str, usize> {
    let mut codes = BTreeMap::new();
    analysis.findings.iter().for_each(|finding| *codes.entry(finding.code.name()).or_default() += 1);
    codes
}

/// What is told of a workspace in words, whatever the ids of its files.
fn told(analysis: &Analysis) -> Vec<String> {
    let place = |span| format!("{:?}", analysis.files.sources.place(span));
    let finding = |finding: &Finding| {
        let related: Vec<String> = finding.related.iter().map(|(span, says)| place(*span) + says).collect();
        let Finding { code, span, message, help, edit, .. } = finding;
        let edit = edit.as_ref().map(|edit| (place(edit.span), &edit.replacement));
        format!("{} {code} {message} {help:?} {related:?} {edit:?}", place(*span))
    };
    let name = |name: &Occurrence| {
        let Occurrence { span, kind, name, owner, role } = name;
        format!("{} {kind:?} {name} {owner:?} {role:?}", place(*span))
    };
    let mut told: Vec<String> = analysis.findings.iter().map(finding).collect();
    told.extend(analysis.occurrences.iter().map(name));
    told.sort();
    told
}

#[test]
fn names_stand_where_they_are_said_to_stand() {
    let mut seen: BTreeMap<NameKind, (usize, usize)> = BTreeMap::new();
    for (case, files) in workspaces() {
        let analysis = Analysis::of(files);
        for name in &analysis.occurrences {
            let text = analysis.files.sources.text(name.span);
            let words = text.replace(char::is_whitespace, "_");
            assert!(
                text == name.name
                    || words.to_lowercase() == name.name.to_lowercase()
                    || name.role == Role::Missing,
                "{case}: `{text}` is said to be {name:?}"
            );
            let (declared, used) = seen.entry(name.kind).or_default();
            *(if name.role == Role::Declaration { declared } else { used }) += 1;
        }
    }
    for (kind, (declared, used)) in &seen {
        let outside = matches!(
            kind,
            NameKind::Template | NameKind::Channel | NameKind::Sender | NameKind::Webhook | NameKind::Team
        );
        assert!(*used > 0 && (outside || *declared > 0), "{kind:?}: {declared} declared, {used} used");
    }
    assert!(seen.len() >= 18, "{seen:?}");
}

#[test]
fn a_file_that_is_taken_in_again_says_what_it_said() {
    for (case, files) in workspaces() {
        let fresh = Analysis::of(files);
        let mut edited = fresh.clone();
        for (source, file) in fresh.files.sources.iter() {
            edited.edit(source, &format!("{}\n", file.text));
            edited.edit(source, &file.text);
        }
        assert_eq!(told(&edited), told(&fresh), "{case}");
        assert_eq!(told(&Analysis::settled(edited.known())), told(&fresh), "{case}");
    }
}

#[test]
fn all_that_is_said_moves_with_the_text() {
    for (case, files) in workspaces() {
        let before = Analysis::of(files);
        for (source, file) in before.files.sources.iter().filter(|(_, file)| file.path.ends_with(".journey"))
        {
            let mut edited = before.clone();
            edited.put(&file.path, &format!("\n{}", file.text));
            let fresh = of_texts(&texts(&edited));
            // What two files say of each other is told of the other one when the whole is looked at.
            let own = |analysis: &Analysis| {
                let path = format!("(\"{}\"", file.path);
                told(analysis).into_iter().filter(|told| told.starts_with(&path)).collect::<Vec<_>>()
            };
            assert_eq!(own(&edited), own(&fresh), "{case}: {source:?}");
        }
    }
}

/// Cases in which a mistake hides another, which is told once the first is mended: what it is.
const UNCOVERED: &[(&str, &str)] = &[
    ("alerts: leads", "the team that is meant takes no leads"),
    ("experiments: what a test names", "the variant is named already"),
    ("flow: nothing is said for when the time is up", "all branches end now"),
    ("names: bare words", "what is true is compared with text"),
    ("names: a declaration misspelt", "the message has no way to unsubscribe"),
    ("literals: a long text that is not closed", "the message has no sender"),
    ("recovery: one mistake in each part of a file", "there is a contact already"),
    ("surveys: names and scores that are not there", "the survey is asked already"),
    ("journeys: a score in plain speech", "there is no such survey"),
    ("journeys: a score alone", "there is no such survey"),
    ("journeys: an answer without `on`", "there is no such survey"),
    ("journeys: an answer in a condition", "there is no such survey"),
    ("tests: an end", "there is no such outcome"),
];

#[test]
fn a_fix_mends_what_it_is_for_and_harms_nothing() {
    let (mut tried, mut preferred, mut problems) = (0, 0, String::new());
    for (case, files) in workspaces_of(&["ok", "runs", "fails", "error", "slips"]) {
        let hides = UNCOVERED.iter().any(|(known, _)| *known == case);
        let analysis = Analysis::of(files);
        for finding in &analysis.findings {
            for fix in analysis.fixes(finding.span).into_iter().filter(|fix| fix.finding == *finding) {
                tried += 1;
                preferred += usize::from(fix.preferred);
                let after = mended(&analysis, &fix);
                let same = |found: &Finding| found.code == finding.code && found.message == finding.message;
                let count =
                    |analysis: &Analysis| analysis.findings.iter().filter(|found| same(found)).count();
                let (before, now) = (errors(&analysis), errors(&after));
                let new =
                    now.iter().find(|(error, count)| before.get(error).is_none_or(|before| before < count));
                let new = new.filter(|_| !hides);
                let problem = if count(&after) >= count(&analysis) {
                    format!("does not mend {} {}", finding.code, finding.message)
                } else if let (true, Some(new)) = (fix.preferred, new) {
                    format!("mends {} {}, and makes {new:?}", finding.code, finding.message)
                } else {
                    continue;
                };
                problems += &format!("{case}: `{}` {problem}\n", fix.title);
            }
        }
    }
    assert!(problems.is_empty(), "\n{problems}");
    assert!(tried > 900 && preferred > 300, "{tried} fixes were tried, {preferred} of them preferred");
}

#[test]
fn a_test_that_is_written_for_its_author_passes() {
    let (mut wanted, mut written) = (0, 0);
    for (case, files) in workspaces_of(&["ok", "runs"]).into_iter().step_by(2) {
        let mut analysis = Analysis::of(files);
        let untried = |analysis: &Analysis| {
            simulate::tried(&analysis.checked, &analysis.files.sources, &analysis.config.timezone, || true)
        };
        let (_, unvisited) = untried(&analysis);
        wanted += unvisited.len();
        analysis.findings.extend(unvisited.iter().cloned());
        analysis.findings.sort_by_key(|finding| finding.span);
        for finding in unvisited {
            let fixes = analysis.fixes(finding.span);
            let Some(fix) = fixes.iter().find(|fix| fix.title == "Write a test" && fix.finding == finding)
            else {
                continue;
            };
            written += 1;
            let (results, still) = untried(&mended(&analysis, fix));
            let same = |found: &Finding| found.message == finding.message;
            assert!(!still.iter().any(same), "{case}: {}\n{:?}", finding.message, fix.changes);
            let name = fix.changes[0].text.split('"').nth(1).unwrap();
            let result = results.iter().find(|result| result.name == name).unwrap();
            assert!(result.passed(), "{case}: {:?}\n{:?}", result.failures, fix.changes);
        }
    }
    assert!(
        wanted > 20 && written * 2 > wanted,
        "of {wanted} tests that are missing, {written} were written"
    );
}

#[test]
fn a_name_is_changed_in_every_place() {
    let mut renamed = 0;
    for (case, files) in workspaces() {
        let analysis = Analysis::of(files);
        let declared = analysis.occurrences.iter().filter(|name| name.role == Role::Declaration);
        // Each costs two looks at the whole: some of all of them, in every case others.
        for name in declared.skip(case.len() % 4).step_by(4) {
            let new = format!("renamed_{}", name.name);
            let Ok(changes) = analysis.rename(name.span.source, name.span.start, &new) else { continue };
            renamed += 1;
            let after = of_texts(&changed(&analysis, changes));
            // What is said of two things with one name, or of a name that is nearly right, depends on the names.
            if ["E101", "E102", "E103", "E501"].iter().any(|code| codes(&analysis).contains_key(code)) {
                continue;
            }
            assert_eq!(codes(&after), codes(&analysis), "{case}: {name:?}\n{:#?}", after.findings);
            let places = |analysis: &Analysis, name: &str| {
                analysis.occurrences.iter().filter(|other| other.name == name).count()
            };
            assert!(places(&after, &new) >= analysis.occurrences_of(name).count(), "{case}: {name:?}");
        }
    }
    assert!(renamed > 100, "{renamed} names were changed");
}

#[test]
fn what_is_formatted_bit_by_bit_is_canonical() {
    for (case, files) in workspaces() {
        let analysis = Analysis::of(files);
        for tree in &analysis.trees {
            let text = analysis.files.sources.get(tree.source).text.clone();
            let Ok(changes) = analysis.format(tree.source) else { continue };
            if let Ok(canonical) = lotse::language::format::format_text(&text) {
                let path = &analysis.files.sources.get(tree.source).path;
                assert_eq!(changed(&analysis, changes)[path], canonical, "{case}");
            }
        }
    }
}

/// The example of the language: journeys, tests, templates and settings.
fn everything() -> Analysis {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/example");
    Analysis::of(WorkspaceFiles::read(&folder).unwrap())
}

/// What is typed over a text: where, how much of it goes, and what comes.
fn typed(text: &str, (at, gone, come): &(u16, u8, u8), words: &[&str]) -> String {
    let boundary = |at: usize| (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
    let start = boundary(usize::from(*at) % (text.len() + 1));
    let end = boundary(start + usize::from(*gone % 24)).max(start);
    let come = words[usize::from(*come) % words.len()];
    format!("{}{come}{}", &text[..start], &text[end..])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_leads_away_from_the_text(edits in vec((any::<u8>(), any::<(u16, u8, u8)>()), 1..12)) {
        let words = [
            "", " ", "\n", "{", "}", "\"", "e", "x ", "end", "stage late { end }\n", "send email ", "🌼", "\r\n",
            "event extra { total number }\n", "# allow W603: so\n", "{{ contact.", "{% if ", "topic ", "wait 1 day\n",
        ];
        let mut analysis = everything();
        let sources: Vec<SourceId> = analysis.files.sources.iter().map(|(id, _)| id).collect();
        for (file, edit) in &edits {
            let source = sources[usize::from(*file) % sources.len()];
            let text = typed(&analysis.files.sources.get(source).text, edit, &words);
            analysis.edit(source, &text);
            let whole = analysis.files.sources.get(source).text.len();
            for finding in analysis.findings_in(source) {
                prop_assert!(finding.span.range().end <= whole, "{finding:?}");
            }
            let offset = u32::from(edit.0);
            let _ = (analysis.definitions(source, offset), analysis.references(source, offset, true));
            let _ = (analysis.symbols(source), analysis.folds(source), analysis.format(source));
            let _ = analysis.rename(source, offset, "renamed");
            for finding in analysis.findings_in(source) {
                let _ = analysis.fixes(finding.span);
            }
        }
        let settled = Analysis::settled(analysis.known());
        let fresh = of_texts(&texts(&analysis));
        prop_assert_eq!(told(&settled), told(&fresh));
        // What one file says is what the whole says of it, but for what only the whole can say.
        let last = settled.files.sources.iter().last().map(|(id, _)| id);
        let mut again = settled.clone();
        if let Some(source) = last {
            again.edit(source, &settled.files.sources.get(source).text);
            let own = |analysis: &Analysis| -> Vec<Finding> {
                let findings = analysis.findings_in(source).iter();
                findings.filter(|finding| !OF_THE_WHOLE.contains(&finding.code)).cloned().collect()
            };
            prop_assert_eq!(own(&again), own(&settled));
        }
    }
}
