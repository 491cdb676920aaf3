use gen_lsp_types::{
    CodeLens, CodeLensParams, Command, ExecuteCommandParams, Range, TextDocumentIdentifier,
    TextDocumentPositionParams, Uri,
};
use lsp_server::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::desk::Desk;
use super::documents::{Documents, Place};
use super::places::Places;
use super::requests::{Answer, Trouble, Waiting, at, read, written};
use super::server::Server;
use crate::finding::{Severity, words};
use crate::language::model::Journey;
use crate::language::picture::{self, Outline};
use crate::language::syntax::tree::{Declaration, Test};
use crate::simulate::{Failure, TestResult};
use crate::source::{SourceId, Sources};

/// The command of the lens above a test: its argument is the id of the test.
pub(super) const RUN_TEST: &str = "lotse.runTest";
/// The command of the lens above a journey: its argument is the file and a place in it.
pub(super) const SHOW_PICTURE: &str = "lotse.showPicture";

/// When an answer is there.
pub(super) enum Asked {
    Now(Value),
    /// When the whole workspace was looked at.
    Later(Tests),
}

/// Which tests somebody wants to have run.
#[derive(Debug, Deserialize)]
pub(super) struct Tests {
    /// Their ids; all of them where it is left out.
    ids: Option<Vec<String>>,
    /// Whether one answer is wanted, and not a list.
    #[serde(skip)]
    alone: bool,
}

impl Tests {
    fn wants(&self, id: &str) -> bool {
        self.ids.as_ref().is_none_or(|ids| ids.iter().any(|wanted| wanted == id))
    }
}

/// Tests of one file, or of all.
#[derive(Debug, Deserialize)]
struct InFile {
    uri: Option<Uri>,
}

/// A place in a file.
#[derive(Debug, Deserialize)]
pub(super) struct At {
    pub(super) uri: Uri,
    pub(super) position: gen_lsp_types::Position,
}

impl At {
    pub(super) fn params(self) -> TextDocumentPositionParams {
        let text_document = TextDocumentIdentifier { uri: self.uri };
        TextDocumentPositionParams { text_document, position: self.position }
    }
}

/// A test, and where it stands.
#[derive(Serialize)]
struct Found {
    id: String,
    name: String,
    journey: String,
    uri: Uri,
    range: Range,
}

/// How a test went, and where it failed what was otherwise.
#[derive(Serialize)]
struct Went {
    id: String,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Unmet>,
}

/// A line that expected something else, and what is so instead.
#[derive(Serialize)]
struct Unmet {
    message: String,
    range: Range,
}

/// The tests of a file with their ids. Of tests with one name each has an id of its own.
fn tests_of<'d>(documents: &Documents, desk: &'d Desk, place: Place) -> Vec<(String, &'d Test)> {
    let (Some(tree), Some(uri)) = (desk.analysis.tree(place.source), documents.uri(place)) else {
        return Vec::new();
    };
    let mut found: Vec<(String, &Test)> = Vec::new();
    for declaration in &tree.parsed.file.declarations {
        let Declaration::Test(test) = declaration else { continue };
        let before = found.iter().filter(|(_, known)| known.name.value == test.name.value).count();
        let again = if before == 0 { String::new() } else { format!("#{}", before + 1) };
        found.push((format!("{uri}#{}{again}", test.name.value), test));
    }
    found
}

/// The tests of all files of a workspace.
fn all_tests(documents: &Documents, desk: usize) -> Vec<(String, &Test, &Desk)> {
    let Some(known) = documents.desks.get(desk) else { return Vec::new() };
    let places = known.analysis.trees.iter().map(|tree| Place { desk, source: tree.source });
    let tests = places.flat_map(|place| tests_of(documents, known, place));
    tests.map(|(id, test)| (id, test, known)).collect()
}

/// What is above tests and journeys.
pub(super) fn lenses(documents: &Documents, params: CodeLensParams) -> Answer<Option<Vec<CodeLens>>> {
    let Some(place) = documents.place(&params.text_document.uri) else { return Ok(None) };
    let Some(desk) = documents.desk(place) else { return Ok(None) };
    let lines = desk.lines(place.source, documents.encoding());
    let mut lenses = Vec::new();
    for (id, test) in tests_of(documents, desk, place) {
        let title = match result(desk, test) {
            None => "▷ Run".to_owned(),
            Some(result) => match result.failures.first() {
                None => "✓ passes".to_owned(),
                Some(failure) => format!("✗ {}", failure.in_short(&desk.analysis.files.sources)),
            },
        };
        lenses.push(lens(lines.range(test.name.span), title, RUN_TEST, json!(id)));
    }
    let declarations = desk.analysis.tree(place.source).map(|tree| &tree.parsed.file.declarations);
    for declaration in declarations.into_iter().flatten() {
        if let Declaration::Journey(journey) = declaration {
            let range = lines.range(journey.name.span);
            let argument = json!({ "uri": params.text_document.uri, "position": range.start });
            lenses.push(lens(range, "Show picture".to_owned(), SHOW_PICTURE, argument));
        }
    }
    Ok(Some(lenses))
}

fn lens(range: Range, title: String, command: &str, argument: Value) -> CodeLens {
    let command =
        Command { title, tooltip: None, command: command.to_owned(), arguments: Some(vec![argument]) };
    CodeLens { range, command: Some(command), data: None }
}

/// What a test came to on the text as it stands.
fn result<'d>(desk: &'d Desk, test: &Test) -> Option<&'d TestResult> {
    let (_, results) = desk.results.as_ref().filter(|_| desk.is_settled())?;
    results.iter().find(|result| result.span == test.name.span)
}

impl Server {
    /// `lotse/tests`: the tests of a file, or of all.
    pub(super) fn tests(&self, params: Value) -> Answer<Value> {
        let InFile { uri } = read(params)?;
        let wanted = uri.as_ref().map(|uri| self.documents.place(uri));
        let mut found = Vec::new();
        for (number, _) in self.documents.desks.iter() {
            let mut places = Places::of(&self.documents, number);
            for (id, test, _) in all_tests(&self.documents, number) {
                let place = Place { desk: number, source: test.name.span.source };
                if wanted.is_some_and(|wanted| wanted != Some(place)) {
                    continue;
                }
                let (name, journey) = (test.name.value.clone(), test.journey.value.clone());
                let range = places.range(test.name.span);
                found.extend(self.documents.uri(place).map(|uri| Found { id, name, journey, uri, range }));
            }
        }
        written(found)
    }

    /// A command of a lens.
    pub(super) fn execute(&self, params: Value) -> Answer<Asked> {
        let ExecuteCommandParams { command, arguments, .. } = read(params)?;
        let argument = arguments.and_then(|arguments| arguments.into_iter().next()).unwrap_or_default();
        match command.as_str() {
            RUN_TEST => Ok(Asked::Later(Tests { ids: Some(vec![read(argument)?]), alone: true })),
            SHOW_PICTURE => match self.picture(argument)? {
                Value::Null => Err(Trouble::refused("there is no journey here that can be drawn")),
                picture => Ok(Asked::Now(picture)),
            },
            other => Err(Trouble::unknown(other)),
        }
    }

    /// Answers who waits for tests of workspaces that have been looked at.
    pub(super) fn answer_settled(&mut self) {
        if self.documents.desks.iter().all(|(_, desk)| desk.is_settled()) {
            for Waiting { id, tests } in std::mem::take(&mut self.waiting) {
                match self.results(&tests) {
                    Ok(value) => self.send(Response::new_ok(id, value).into()),
                    Err(trouble) => self.refuse(id, trouble),
                }
            }
        } else if !self.waiting.is_empty() {
            self.look();
        }
    }

    fn results(&self, tests: &Tests) -> Answer<Value> {
        let mut went = Vec::new();
        let mut errors = 0;
        for (number, _) in self.documents.desks.iter() {
            let mut places = Places::of(&self.documents, number);
            let mut all = all_tests(&self.documents, number);
            all.retain(|(id, ..)| tests.wants(id));
            errors += all.first().map_or(0, |(_, _, desk)| {
                let findings = desk.analysis.findings.iter();
                findings.filter(|finding| finding.severity() == Severity::Error).count()
            });
            for (id, test, desk) in all {
                let Some(result) = result(desk, test) else { continue };
                let sources = &desk.analysis.files.sources;
                let unmet = |failure: &Failure| Unmet {
                    message: failure.told(sources),
                    range: places.range(failure.span),
                };
                went.push(Went {
                    id,
                    passed: result.passed(),
                    message: (!result.passed()).then(|| told(result, sources)),
                    failures: result.failures.iter().map(unmet).collect(),
                });
            }
        }
        if went.is_empty() && errors > 0 {
            let errors = words::counted(errors, "error");
            return Err(Trouble::refused(format!("the workspace has {errors}: mend what is found first")));
        }
        match (tests.alone, went.is_empty()) {
            (true, true) => Err(Trouble::refused("there is no such test any more")),
            (true, false) => written(went.into_iter().next()),
            (false, _) => written(went),
        }
    }

    /// `lotse/picture`: the journey at a place, the step there marked.
    pub(super) fn picture(&self, params: Value) -> Answer<Value> {
        let place = read::<At>(params)?.params();
        let Some((desk, place, offset)) = at(&self.documents, &place) else { return Ok(Value::Null) };
        let Some(journey) = journey_at(desk, place.source, offset) else { return Ok(Value::Null) };
        let Some(outline) = Outline::of(journey, &desk.analysis.files.sources) else {
            return Ok(Value::Null);
        };
        let svg = picture::svg_with_mark(&outline, Some(offset));
        let title = if journey.label.is_empty() { &journey.name } else { &journey.label };
        Ok(json!({ "svg": svg, "title": title }))
    }
}

/// What was otherwise than a test expects, with what led there.
fn told(result: &TestResult, sources: &Sources) -> String {
    let failures = result.failures.iter().map(|failure| failure.told(sources));
    let line = result.timeline.iter().map(|entry| format!("{}  {}", entry.at, entry.says));
    failures.chain(line).collect::<Vec<_>>().join("\n")
}

/// The journey whose declaration is around a place.
fn journey_at(desk: &Desk, source: SourceId, offset: u32) -> Option<&Journey> {
    let declarations = &desk.analysis.tree(source)?.parsed.file.declarations;
    let around = declarations.iter().find_map(|declaration| match declaration {
        Declaration::Journey(journey) if journey.span.start <= offset && offset <= journey.span.end => {
            Some(journey)
        }
        _ => None,
    })?;
    let model = &desk.analysis.checked.model;
    model.journey(&around.name.value).filter(|journey| around.span.contains(journey.span))
}
