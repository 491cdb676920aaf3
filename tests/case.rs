//! Workspaces in one text, with the findings they must give.
//!
//! A fixture file holds many cases. What stands above the first is the common part: a file of its own in every
//! case, `common.journey`.
//!
//! ```text
//! #~ W603: these excerpts have no goal          codes that no case of this file looks at
//! event signup { }
//!
//! ### a stage that is misspelt                   a case begins
//! journey welcome {
//!   enter on signup
//!   stage first {
//!     #! E101 "secnd" there is no stage          the line below gives this: code, underlined words, start of the message
//!     go to secnd
//!   }
//!   #! no E302                                   and here stands what comes near this code and does not give it
//!   stage second { end }
//! }
//! ### file: emails/a.html                        another file of the same case
//! ```
//!
//! The lines that begin with `#!` are taken out before the text is checked.

use lotse::config;
use lotse::finding::{Code, Finding};
use lotse::language::check::{self, Checked, Deployment};
use lotse::source::WorkspaceFiles;

/// A workspace, and what is expected of it.
#[derive(Debug)]
pub struct Case {
    pub name: String,
    pub files: Vec<(String, String)>,
    pub expected: Vec<Expected>,
    /// Places that come near a code.
    pub misses: Vec<Place>,
    pub ignored: Vec<Code>,
}

/// A line of a file, and a code that is or is not found there.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    pub path: String,
    pub line: u32,
    pub code: Code,
}

#[derive(Debug)]
pub struct Expected {
    pub place: Place,
    /// The underlined words, with one blank for any number of them.
    pub words: String,
    /// What the message begins with.
    pub message: String,
}

pub const COMMON: &str = "common.journey";

/// Reads the cases of a fixture file.
pub fn cases(text: &str) -> Vec<Case> {
    // A first case may stand on the first line.
    let text = format!("\n{text}");
    let mut parts = text.split("\n### ");
    let mut common = Case::new("the common part", Vec::new());
    common.read_file(COMMON, parts.next().unwrap_or("").trim_start());
    let mut cases: Vec<Case> = Vec::new();
    for part in parts {
        let (title, body) = part.split_once('\n').unwrap_or((part, ""));
        match title.strip_prefix("file: ") {
            Some(path) => cases.last_mut().expect("a file belongs to a case").read_file(path, body),
            None => {
                let mut case = Case::new(title, common.ignored.clone());
                case.files.clone_from(&common.files);
                case.read_file("test.journey", body);
                cases.push(case);
            }
        }
    }
    cases
}

impl Case {
    fn new(name: &str, ignored: Vec<Code>) -> Self {
        Self { name: name.to_owned(), files: Vec::new(), expected: Vec::new(), misses: Vec::new(), ignored }
    }

    /// A case of files that stand elsewhere, such as in the docs.
    pub fn of(files: Vec<(String, String)>) -> Self {
        Self { files, ..Self::new("files from elsewhere", Vec::new()) }
    }

    fn read_file(&mut self, path: &str, text: &str) {
        let mut kept = String::new();
        for written in text.split_inclusive('\n') {
            let trimmed = written.trim();
            if let Some(codes) = trimmed.strip_prefix("#~ ") {
                let codes = codes.split(':').next().unwrap_or("");
                self.ignored.extend(codes.split_whitespace().map(code));
            }
            let Some(expected) = trimmed.strip_prefix("#! ") else {
                kept.push_str(written);
                continue;
            };
            let line = u32::try_from(kept.lines().count()).unwrap() + 1;
            let place = |code| Place { path: path.to_owned(), line, code };
            if let Some(missed) = expected.strip_prefix("no ") {
                self.misses.extend(missed.split_whitespace().map(|name| place(code(name))));
                continue;
            }
            let (name, rest) = expected.split_once(' ').unwrap_or((expected, ""));
            let mut words = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let underlined = words.next().and_then(Result::ok);
            let underlined = underlined.unwrap_or_else(|| panic!("no words in quotes in `{trimmed}`"));
            let message = rest[words.byte_offset()..].trim().to_owned();
            self.expected.push(Expected { place: place(code(name)), words: underlined, message });
        }
        // Cases are parted by an empty line, which belongs to none.
        self.files.push((path.to_owned(), kept.trim_end().to_owned() + "\n"));
    }

    /// The files as a workspace.
    pub fn workspace(&self) -> WorkspaceFiles {
        WorkspaceFiles::from_texts(self.files.iter().map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// Checks the workspace; what a case does not use of the common part is no finding.
    pub fn check(&self) -> (WorkspaceFiles, Checked) {
        let files = self.workspace();
        let (config, mut findings) = config::read(&files);
        let deployment = files.config.and_then(|_| Deployment::of(&config));
        let mut checked = check::check(&files, deployment.as_ref());
        findings.append(&mut checked.findings);
        findings.retain(|finding| {
            let common = files.sources.get(finding.span.source).path == COMMON;
            !(self.ignored.contains(&finding.code) || common && finding.code == Code::W605)
        });
        checked.findings = findings;
        (files, checked)
    }

    /// What is not as expected: findings that are missing, those that are too many.
    pub fn problems(&self) -> Vec<String> {
        let (files, checked) = self.check();
        let mut found: Vec<(Place, String, &Finding)> = Vec::new();
        for finding in &checked.findings {
            let (path, position) = files.sources.place(finding.span);
            let place = Place { path: path.to_owned(), line: position.line, code: finding.code };
            let words: Vec<&str> = files.sources.text(finding.span).split_whitespace().collect();
            found.push((place, words.join(" "), finding));
        }
        let mut problems = Vec::new();
        for expected in &self.expected {
            let fits = |(place, words, finding): &(Place, String, &Finding)| {
                *place == expected.place
                    && *words == expected.words
                    && finding.message.starts_with(&expected.message)
            };
            match found.iter().position(fits) {
                Some(index) => drop(found.remove(index)),
                None => {
                    let Place { path, line, code } = &expected.place;
                    let Expected { words, message, .. } = expected;
                    problems.push(format!("missing at {path}:{line}: #! {code} {words:?} {message}"));
                }
            }
        }
        for (Place { path, line, code }, words, finding) in &found {
            problems.push(format!("too many at {path}:{line}: #! {code} {words:?} {}", finding.message));
        }
        for miss in self.misses.iter().filter(|miss| {
            checked.findings.iter().any(|finding| {
                let (path, position) = files.sources.place(finding.span);
                **miss == Place { path: path.to_owned(), line: position.line, code: finding.code }
            })
        }) {
            problems.push(format!("{miss:?} is found after all"));
        }
        problems
    }
}

fn code(name: &str) -> Code {
    name.parse().unwrap_or_else(|()| panic!("there is no code `{name}`"))
}

mod tests {
    use super::*;

    const FIXTURE: &str = "#~ W603 W605: excerpts\nevent signup { }\n\n### one\njourney j {\n  enter on signup\n  \
                           stage s {\n    #! E101 \"t\" there is no stage\n    go to t\n  }\n}\n\n### two\nevent x { }\n";

    #[test]
    fn what_is_expected_is_found_at_its_place() {
        let cases = cases(FIXTURE);
        assert_eq!(cases.len(), 2);
        assert_eq!(cases[0].problems(), Vec::<String>::new());
        assert_eq!(cases[1].problems(), Vec::<String>::new());
    }

    #[test]
    fn what_is_missing_too_many_or_elsewhere_is_a_problem() {
        let problems = |from: &str, to: &str| cases(&FIXTURE.replace(from, to))[0].problems().len();
        assert_eq!(problems("there is no stage", "there is no event"), 2);
        assert_eq!(problems("\"t\"", "\"u\""), 2);
        assert_eq!(problems("    #! E101 \"t\" there is no stage\n", ""), 1);
        assert_eq!(problems("go to t", "end"), 1);
        assert_eq!(problems("go to t", "\n    go to t"), 2);
        assert_eq!(problems("    go to t", "    #! no E101\n    go to t"), 1);
        assert_eq!(problems("W603 W605", "W605"), 1);
    }
}
