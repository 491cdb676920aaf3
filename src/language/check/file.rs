use std::collections::BTreeSet;

use super::{Checked, Checker, Compilations, Deployment, Register, Tree, names, silence};
use crate::finding::{self, Code};
use crate::language::model::{Journey, Message, Model};
use crate::language::syntax::tree::Declaration;
use crate::source::{SourceId, WorkspaceFiles};

/// How many messages are compiled anew at the most because a template changed that they share.
const SHARING_MAX: usize = 8;

/// Findings that depend on the whole workspace: [`check_file`] makes none of them.
pub const OF_THE_WHOLE: [Code; 3] = [Code::W602, Code::W604, Code::W605];

/// Checks one file whose text has changed against the names of all, without a look at what stands in the others.
///
/// `trees` are those of all journey files, `before` is what was known before the change. What comes back has the model
/// of the whole workspace, with what stands in the file in its new form; findings and places of names are those inside
/// the file alone. Findings of [`OF_THE_WHOLE`] are not made.
pub fn check_file(
    files: &WorkspaceFiles,
    trees: &[Tree],
    deployment: Option<&Deployment>,
    source: SourceId,
    before: Checked,
    compiled: &mut Compilations,
) -> Checked {
    let mut findings: Vec<_> = trees.iter().flat_map(|tree| &tree.parsed.findings).cloned().collect();
    let own = trees.iter().position(|tree| tree.source == source);
    let own = own.and_then(|at| trees.get(at..=at)).unwrap_or_default();
    let mut silenced = before.silenced;
    silenced.replace(source, silence::read(files, own, &mut findings));
    let mut checker = Checker::new(files, deployment, findings, Register::of_file(source));
    checker.names = names::collect(&checker, trees);
    let (mut model, mut texts) = (before.model, before.texts);
    let declared_before = model.messages.iter().filter(|message| message.span.source == source);
    declared_before.for_each(|message| drop(texts.remove(&message.name)));
    let declared = checker.declared_in(own, source, &mut model);
    let is_template = files.templates.values().any(|template| *template == source);
    let is_own = |message: &&Message| {
        let uses = || message.text_files().any(|path| files.templates.get(path) == Some(&source));
        message.span.source == source || is_template && uses()
    };
    let own = model.messages.iter().filter(is_own);
    let own: Vec<&Message> = if declared { own.collect() } else { own.take(SHARING_MAX).collect() };
    own.iter().for_each(|message| drop(texts.remove(&message.name)));
    texts.extend(checker.templates(own.into_iter(), &model, Some((compiled, false))));
    checker.answers_in_vain(model.journeys.iter().filter(|journey| journey.span.source == source), &texts);
    let assign = if files.config == Some(source) { checker.assign() } else { before.assign };
    let Checker { register, findings, .. } = checker;
    let mut findings = findings.into_inner();
    findings.retain(|finding| finding.span.source == source && !OF_THE_WHOLE.contains(&finding.code));
    silenced.apply(&files.sources, false, &mut findings);
    finding::sort(&mut findings);
    Checked { model, texts, assign, findings, silenced, occurrences: register.into_occurrences() }
}

impl<'a> Checker<'a> {
    /// Puts what a file declares into the model, in the place of what it declared before; tells whether it is a file
    /// of declarations at all.
    fn declared_in(&self, own: &'a [Tree], source: SourceId, model: &mut Model) -> bool {
        model.contact.clone_from(&self.names.contact);
        model.events = self.names.events.values().cloned().collect();
        model.topics = self.names.topics.values().cloned().collect();
        model.policy = self.policy();
        let surveys = self.names.surveys.iter();
        let surveys = surveys.filter_map(|(name, survey)| Some((name.clone(), self.survey(survey)?)));
        model.surveys = surveys.collect();
        let Some(own) = own.first() else { return false };
        self.definitions_in(source);
        let mut hurt = BTreeSet::new();
        let (mut messages, mut journeys) = (Vec::new(), Vec::new());
        for declaration in &own.parsed.file.declarations {
            match declaration {
                Declaration::Message(message) if self.names.is_message(message) => {
                    messages.push(self.message(message));
                }
                Declaration::Journey(journey) if self.names.is_journey(journey) => {
                    if self.is_broken(journey.span) {
                        hurt.insert(journey.name.value.as_str());
                    }
                    journeys.push(self.journey(journey));
                }
                _ => {}
            }
        }
        replace_messages(&mut model.messages, source, messages);
        for journey in &journeys {
            self.opens(journey);
            if !hurt.contains(journey.name.as_str()) {
                self.flow(journey);
            }
        }
        // Of two journeys with one name the model has the one that the name stands for.
        let again = |known: &Journey| {
            known.span.source != source && journeys.iter().any(|journey| journey.name == known.name)
        };
        if model.journeys.iter().any(again) {
            model.journeys.retain(|known| !again(known));
        }
        replace(&mut model.journeys, journeys, |journey| journey.span.source == source);
        self.asked_in_vain();
        let mut tests = Vec::new();
        for declaration in &own.parsed.file.declarations {
            if let Declaration::Test(test) = declaration {
                tests.extend(self.test(test, model));
            }
        }
        replace(&mut model.tests, tests, |test| test.span.source == source);
        true
    }
}

/// Puts what a file declares in the place of what it declared: all of it stands in a row.
fn replace<T>(all: &mut Vec<T>, own: Vec<T>, is_own: impl Fn(&T) -> bool) {
    let first = all.iter().position(&is_own).unwrap_or(all.len());
    let count = all.iter().skip(first).take_while(|one| is_own(one)).count();
    all.splice(first..first + count, own);
}

/// The same for messages, which stand in the order of their names. As long as no name comes or goes, no other message
/// is touched.
fn replace_messages(all: &mut Vec<Message>, source: SourceId, own: Vec<Message>) {
    let names: BTreeSet<&str> = own.iter().map(|message| message.name.as_str()).collect();
    let is_gone = |known: &Message| known.span.source == source && !names.contains(known.name.as_str());
    if all.iter().any(is_gone) {
        all.retain(|known| !is_gone(known));
    }
    for message in own {
        let at = all.partition_point(|known| known.name < message.name);
        match all.get_mut(at).filter(|known| known.name == message.name) {
            Some(known) => *known = message,
            None => all.insert(at, message),
        }
    }
}
