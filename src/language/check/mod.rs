//! From trees to a model: names, types, flow, templates, tests. Every mistake of the workspace is found in one
//! go; what a mistake makes unknowable is passed over in silence, so that one slip gives one finding.
//!
//! In come the files of a workspace and the names that `lotse.yaml` declares; out go a [`Model`] and findings.
//! The model is fit for a plan when no finding is an error.

mod aggregate;
mod alert;
mod always;
mod compilation;
mod deeds;
mod definition;
mod enter;
mod experiment;
mod expression;
mod fields;
mod file;
mod flow;
mod foreign;
mod journey;
mod loops;
mod message;
mod names;
mod occurrence;
mod opens;
mod operators;
mod pace;
mod paths;
mod policy;
mod ranges;
mod reference;
mod shadows;
mod silence;
mod statement;
mod survey;
mod template;
mod test;
mod truth;
mod unused;
mod way_out;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::{self, Config};
use crate::finding::{self, Code, Finding};
use crate::language::model::{Expr, Model};
use crate::language::syntax::{self, Parsed, tree};
use crate::source::{SourceId, Span, WorkspaceFiles};
use names::Names;
use occurrence::Register;

/// The names that `lotse.yaml` gives to what lies outside.
#[derive(Clone, Debug, Default)]
pub struct Deployment {
    /// Senders of mail.
    pub senders: BTreeSet<String>,
    /// Channels beside `email`, each with the attribute of contacts that says where to.
    pub channels: BTreeMap<String, String>,
    /// Webhooks for `call`.
    pub webhooks: BTreeSet<String>,
    /// Sales teams, each with its rules for assigning leads: conditions, where they stand, and to whom.
    pub teams: BTreeMap<String, Vec<AssignRule>>,
    /// Those of them that have no `url` and so take no leads.
    pub deaf: BTreeSet<String>,
}

/// A rule of `lotse.yaml` for assigning a lead.
#[derive(Clone, Debug)]
pub struct AssignRule {
    /// Who gets the lead.
    pub to: String,
    /// The condition as it is written, and where; everybody where there is none.
    pub when: Option<(String, Span)>,
}

impl Deployment {
    /// The names of a `lotse.yaml`; `None` where it is missing or could not be read to its end, so that nobody
    /// is told that a name is missing which may stand there.
    pub fn of(config: &Config) -> Option<Self> {
        fn names<T>(names: &config::Names<T>) -> BTreeSet<String> {
            names.declared().map(|(name, _)| name.to_owned()).collect()
        }
        let rules = |team: &config::Team| {
            let rule = |rule: &config::Assignment| AssignRule {
                to: rule.to.to_string(),
                when: rule.when.as_ref().map(|when| (when.text.clone(), when.span)),
            };
            team.assign.iter().map(rule).collect::<Vec<_>>()
        };
        let teams = config
            .teams
            .declared()
            .map(|(name, _)| (name.to_owned(), config.teams.get(name).map(rules).unwrap_or_default()));
        let deaf = config.teams.iter().filter(|(_, team)| team.endpoint.is_none());
        let address =
            |name| config.channels.get(name).map_or("phone", |channel: &config::Channel| &channel.address);
        let channels =
            config.channels.declared().map(|(name, _)| (name.to_owned(), address(name).to_owned()));
        config.complete.then(|| Self {
            senders: names(&config.senders),
            channels: channels.collect(),
            webhooks: names(&config.webhooks),
            teams: teams.collect(),
            deaf: deaf.map(|(name, _)| name.to_owned()).collect(),
        })
    }
}

/// What checking gives.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// The workspace, as far as it could be resolved.
    pub model: Model,
    /// The compiled texts of the messages.
    pub texts: BTreeMap<String, CompiledTexts>,
    /// The conditions for assigning leads, by team.
    pub assign: BTreeMap<String, Vec<(String, Expr)>>,
    /// Everything that is wrong, in the order of the text.
    pub findings: Vec<Finding>,
    /// Findings that lines of the workspace silence; whoever finds more asks it.
    pub silenced: Silenced,
    /// Where names stand, in the order of the text; empty where nobody asked for it.
    pub occurrences: Vec<Occurrence>,
}

pub use compilation::{Compilations, compile_message};
pub use file::{OF_THE_WHOLE, check_file};
pub use journey::stands_once;
pub use message::{EMAIL_SETTINGS, OTHER_SETTINGS};
pub use names::NameKind;
pub use occurrence::{Occurrence, Role};
pub use silence::Silenced;
pub use template::CompiledTexts;
pub use test::SKIP_REASONS;

impl Checked {
    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity() == finding::Severity::Error)
    }
}

/// Checks a workspace. Without a `lotse.yaml` (`None`), names of what lies outside are taken as they come.
pub fn check(files: &WorkspaceFiles, deployment: Option<&Deployment>) -> Checked {
    let parse = |id: &SourceId| Tree::of(*id, &files.sources.get(*id).text);
    let trees: Vec<Tree> = files.journeys.iter().map(parse).collect();
    check_trees(files, &trees, deployment, Register::default(), None, &|| true)
}

/// The same for files that were parsed already, one tree for each of the journeys in their order. It is taken down
/// where names stand ([`Checked::occurrences`]), and texts that are in `compiled` are not compiled again; afterwards it
/// holds those of this workspace. As soon as it is not wanted any more the rest is left out, and what comes back is worth
/// nothing.
pub fn check_with_names(
    files: &WorkspaceFiles,
    trees: &[Tree],
    deployment: Option<&Deployment>,
    compiled: &mut Compilations,
    is_wanted: &dyn Fn() -> bool,
) -> Checked {
    check_trees(files, trees, deployment, Register::open(), Some(compiled), is_wanted)
}

/// A file of journeys, read.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The file.
    pub source: SourceId,
    /// What reading it gave.
    pub parsed: Arc<Parsed>,
}

impl Tree {
    /// Reads the text of a file.
    pub fn of(source: SourceId, text: &str) -> Self {
        Self { source, parsed: Arc::new(syntax::parse(source, text)) }
    }
}

/// The declarations of all files, in the order of the text.
fn declarations(trees: &[Tree]) -> impl Iterator<Item = &tree::Declaration> {
    trees.iter().flat_map(|tree| &tree.parsed.file.declarations)
}

fn check_trees(
    files: &WorkspaceFiles,
    trees: &[Tree],
    deployment: Option<&Deployment>,
    register: Register,
    compiled: Option<&mut Compilations>,
    is_wanted: &dyn Fn() -> bool,
) -> Checked {
    let mut findings: Vec<Finding> = trees.iter().flat_map(|tree| &tree.parsed.findings).cloned().collect();
    let silenced = silence::read(files, trees, &mut findings);
    let mut checker = Checker::new(files, deployment, findings, register);
    checker.is_wanted = is_wanted;
    checker.names = names::collect(&checker, trees);
    let model = checker.model(trees);
    let compiled = compiled.map(|compiled| (compiled, true));
    let texts = checker.templates(model.messages.iter(), &model, compiled);
    checker.answers_in_vain(model.journeys.iter(), &texts);
    if checker.broken.is_empty() {
        checker.unused();
    }
    let assign = checker.assign();
    let occurrences = checker.register.into_occurrences();
    let mut findings = checker.findings.into_inner();
    let complete = findings.iter().all(|finding| finding.severity() != finding::Severity::Error);
    silenced.apply(&files.sources, complete, &mut findings);
    finding::sort(&mut findings);
    Checked { model, texts, assign, findings, silenced, occurrences }
}

/// What all parts of the check share.
struct Checker<'a> {
    files: &'a WorkspaceFiles,
    deployment: Option<&'a Deployment>,
    /// Where text could not be read, in the order of the text.
    broken: Vec<Span>,
    names: Names<'a>,
    findings: RefCell<Vec<Finding>>,
    /// Declared names that something uses.
    used: RefCell<BTreeSet<(NameKind, String)>>,
    /// Measures and segments that were resolved.
    defined: RefCell<BTreeMap<(NameKind, String), expression::Typed>>,
    /// Those that are being resolved, each inside the one before.
    defining: RefCell<Vec<(NameKind, String)>>,
    /// Questions about reactions that nobody has looked at yet.
    asked: RefCell<Vec<flow::Asked>>,
    /// How many names may still be looked at to guess which ones were meant.
    guesses: Cell<usize>,
    /// Where it is taken down where names stand.
    register: Register,
    /// Whether somebody still waits for all of it.
    is_wanted: &'a dyn Fn() -> bool,
}

/// How many names are looked at in one check to guess which ones were meant. Ten thousand misspelt names beside ten
/// thousand declared ones would take minutes.
const GUESSES_MAX: usize = 250_000;

impl<'a> Checker<'a> {
    /// One that knows no names yet; `findings` are those of reading the files.
    fn new(
        files: &'a WorkspaceFiles,
        deployment: Option<&'a Deployment>,
        findings: Vec<Finding>,
        register: Register,
    ) -> Self {
        let mut broken: Vec<Span> = findings.iter().map(|finding| finding.span).collect();
        broken.sort_unstable();
        Self {
            files,
            deployment,
            broken,
            names: Names::default(),
            findings: RefCell::new(findings),
            used: RefCell::default(),
            defined: RefCell::default(),
            defining: RefCell::default(),
            asked: RefCell::default(),
            guesses: Cell::new(GUESSES_MAX),
            register,
            is_wanted: &|| true,
        }
    }

    fn report(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    /// Reports and says nothing else.
    fn say(&self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Finding::new(code, span, message));
    }

    /// Whether a name that was meant may be looked for among so many.
    fn may_guess(&self, among: usize) -> bool {
        let left = self.guesses.get().checked_sub(among);
        self.guesses.set(left.unwrap_or(0));
        left.is_some()
    }

    /// Whether some text inside could not be read, so that what seems to be missing may stand there.
    fn is_broken(&self, span: Span) -> bool {
        let first = self.broken.partition_point(|broken| *broken < span.at_start());
        let behind = self.broken.iter().skip(first);
        behind.take_while(|broken| span.contains(broken.at_start())).any(|broken| span.contains(*broken))
    }

    /// Whether it is unknown how a journey ends: a path of it ends nowhere, or could not be read.
    fn ends_are_unknown(&self, journey: Span) -> bool {
        let open = |finding: &Finding| finding.code == Code::E301 && journey.contains(finding.span);
        self.is_broken(journey) || self.findings.borrow().iter().any(open)
    }

    fn model(&self, trees: &'a [Tree]) -> Model {
        let mut model = Model {
            contact: self.names.contact.clone(),
            events: self.names.events.values().cloned().collect(),
            topics: self.names.topics.values().cloned().collect(),
            ..Model::default()
        };
        model.policy = self.policy();
        self.definitions();
        for (name, survey) in &self.names.surveys {
            model.surveys.extend(self.survey(survey).map(|survey| (name.clone(), survey)));
        }
        for message in self.names.messages.values().take_while(|_| (self.is_wanted)()) {
            model.messages.push(self.message(message));
        }
        let mut hurt = BTreeSet::new();
        for declaration in declarations(trees).take_while(|_| (self.is_wanted)()) {
            match declaration {
                tree::Declaration::Journey(journey) if self.names.is_journey(journey) => {
                    if self.is_broken(journey.span) {
                        hurt.insert(journey.name.value.clone());
                    }
                    model.journeys.push(self.journey(journey));
                }
                _ => {}
            }
        }
        for journey in model.journeys.iter().take_while(|_| (self.is_wanted)()) {
            self.opens(journey);
            if !hurt.contains(&journey.name) {
                self.flow(journey);
            }
        }
        let sound = model.journeys.iter().filter(|journey| !hurt.contains(&journey.name));
        self.pace(&model, &sound.collect::<Vec<_>>());
        self.asked_in_vain();
        for declaration in declarations(trees).take_while(|_| (self.is_wanted)()) {
            if let tree::Declaration::Test(test) = declaration {
                model.tests.extend(self.test(test, &model));
            }
        }
        model
    }

    /// The conditions for assigning leads; outside journeys, so only the contact can be asked about.
    fn assign(&self) -> BTreeMap<String, Vec<(String, Expr)>> {
        let Some(deployment) = self.deployment else { return BTreeMap::new() };
        let mut teams = BTreeMap::new();
        for (team, rules) in &deployment.teams {
            let mut resolved = Vec::new();
            for rule in rules {
                let condition = match &rule.when {
                    Some((text, span)) => {
                        let (tree, findings) =
                            syntax::parse_expression(span.source, text, span.start as usize);
                        self.findings.borrow_mut().extend(findings);
                        self.condition(&tree, &expression::Around::nothing())
                    }
                    None => Expr::TRUE,
                };
                resolved.push((rule.to.clone(), condition));
            }
            teams.insert(team.clone(), resolved);
        }
        teams
    }
}

#[cfg(test)]
mod tests;
