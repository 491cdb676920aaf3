use std::collections::BTreeMap;

use super::Checker;
use super::expression::{Around, Entry, OnBranch};
use super::names::{EventFields, NameKind};
use crate::domain::ValueType;
use crate::finding::{Code, Finding, Lack};
use crate::language::model::{
    Block, Goal, Journey, Leave, Limits, PRIORITY_DEFAULT, Reenter, Stage, Statement, StatementKind, Timezone,
};
use crate::language::syntax::tree::{self, ClauseKind};
use crate::source::Span;
use crate::time::zone;

/// What the statements of a journey need to know of it.
pub(super) struct InJourney<'a> {
    pub(super) journey: &'a str,
    pub(super) stages: Vec<&'a str>,
    pub(super) permission: Option<String>,
    /// Messages it sends anywhere.
    pub(super) sent: Vec<String>,
    pub(super) entry: Entry,
}

impl InJourney<'_> {
    /// Where the statements of a stage stand.
    pub(super) fn around(&self) -> Around<'_> {
        Around { entry: Some(&self.entry), sent: Some(&self.sent), ..Around::default() }
    }
}

impl Checker<'_> {
    pub(super) fn journey(&self, tree: &tree::Journey) -> Journey {
        let inside = self.inside(tree);
        let mut journey = Journey {
            name: tree.name.value.clone(),
            span: tree.name.span,
            label: tree.label.as_ref().map_or_else(|| tree.name.value.clone(), |label| label.value.clone()),
            owner: None,
            enters: Vec::new(),
            reenter: Reenter::Never,
            starts: None,
            ends: None,
            permission: None,
            goals: Vec::new(),
            leaves: Vec::new(),
            control: 0.0,
            moves: false,
            limits: Limits::default(),
            priority: PRIORITY_DEFAULT,
            timezone: Timezone::Contact,
            stages: Vec::new(),
        };
        self.clauses_once(tree);
        for clause in &tree.clauses {
            self.clause(clause, &inside, &mut journey);
        }
        self.leave_goals(tree, &mut journey);
        self.stages(tree, &inside, &mut journey);
        self.experiments_once(&journey);
        self.complete(tree, &journey);
        journey
    }

    /// What can be known before the statements are read.
    fn inside<'t>(&self, tree: &'t tree::Journey) -> InJourney<'t> {
        let mut inside = InJourney {
            journey: &tree.name.value,
            stages: tree.stages.iter().map(|stage| stage.name.value.as_str()).collect(),
            permission: None,
            sent: Vec::new(),
            entry: Entry::default(),
        };
        for clause in &tree.clauses {
            match &clause.kind {
                ClauseKind::Permission(topic) => inside.permission = Some(topic.value.clone()),
                ClauseKind::Enter(tree::Enter { kind: tree::EnterKind::On { event }, .. }) => {
                    let known = self.event_that_leads_in(event);
                    // Nobody can say which fields an event has that nothing declares.
                    inside.entry.free |= known.is_none();
                    inside.entry.events.extend(known);
                }
                ClauseKind::Enter(enter) => {
                    inside.entry.free |= matches!(enter.kind, tree::EnterKind::ByRequest);
                }
                // What could not be read may have been an `enter`.
                ClauseKind::Broken => inside.entry.free = true,
                _ => {}
            }
        }
        for stage in &tree.stages {
            sent_in(&stage.body, &mut inside.sent);
        }
        inside
    }

    fn event_that_leads_in(&self, event: &tree::Name) -> Option<EventFields> {
        if event.value == "request" && !self.names.events.contains_key(&event.value) {
            let finding = Finding::new(Code::E101, event.span, "there is no event `request`")
                .help("to let programs and people decide who enters write `enter by request`");
            self.report(match self.with_word_before(event.span, "on") {
                Some(both) => finding.edit(both, "by request"),
                None => finding,
            });
            return None;
        }
        self.event_named(event, Code::E101)
    }

    /// Clauses of which one can stand.
    fn clauses_once(&self, tree: &tree::Journey) {
        self.once(&tree.clauses, "in this journey");
    }

    /// Reports clauses that stand twice where one can.
    pub(super) fn once(&self, clauses: &[tree::Clause], place: &str) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for clause in clauses {
            let Some(word) = stands_once(&clause.kind) else { continue };
            if let Some(before) = seen.insert(word, clause.span) {
                self.report(
                    Finding::new(Code::E307, clause.span, format!("`{word}` stands twice {place}"))
                        .related(before, "it stands here already")
                        .help("take one of them away"),
                );
            }
        }
    }

    fn clause(&self, clause: &tree::Clause, inside: &InJourney<'_>, journey: &mut Journey) {
        let moment = |moment: &tree::MomentLiteral| Some((moment.date, moment.time));
        match &clause.kind {
            ClauseKind::Owner(owner) => journey.owner = Some(owner.value.clone()),
            ClauseKind::Enter(enter) => journey.enters.extend(self.enter(clause.span, enter, inside)),
            ClauseKind::Reenter(reenter) => {
                journey.reenter = match reenter {
                    tree::Reenter::Never => Reenter::Never,
                    tree::Reenter::Always => Reenter::Always,
                    tree::Reenter::After(length) => Reenter::After(length.value),
                }
            }
            ClauseKind::Starts(starts) => journey.starts = moment(starts),
            ClauseKind::Ends(ends) => journey.ends = moment(ends),
            ClauseKind::Permission(topic) => {
                if self.topic(topic) {
                    journey.permission = Some(topic.value.clone());
                }
            }
            ClauseKind::Goal(goal) => journey.goals.extend(self.goal(goal, inside)),
            ClauseKind::LeaveOn { event, condition } => {
                journey.leaves.extend(self.leave_on(event, condition, inside))
            }
            ClauseKind::LeaveWhen(condition) => {
                let expr = self.condition(condition, &inside.around());
                self.opened_when(condition.span, &expr);
                journey.leaves.push(Leave::When(expr));
            }
            ClauseKind::Control(share) => journey.control = share.value,
            ClauseKind::Timezone(timezone) => journey.timezone = self.timezone(timezone),
            ClauseKind::Priority(priority) => journey.priority = self.priority(priority),
            ClauseKind::Quiet { .. } | ClauseKind::Cap { .. } | ClauseKind::Late(_) => {
                self.limit(clause, &mut journey.limits);
                self.not_looser(clause);
            }
            ClauseKind::OnChange(what) => journey.moves = self.on_change(what),
            ClauseKind::LeaveOnGoal { .. }
            | ClauseKind::Holdout(_)
            | ClauseKind::Unsure(_)
            | ClauseKind::Broken => {}
        }
    }

    /// `on change finish` or `on change move`
    fn on_change(&self, what: &tree::Name) -> bool {
        if !matches!(what.value.as_str(), "finish" | "move") {
            let message = format!("`{}` is nothing that can be done on a change", what.value);
            let help = "write `on change finish` or `on change move`";
            self.report(Finding::new(Code::E001, what.span, message).help(help));
        }
        what.value == "move"
    }

    fn timezone(&self, timezone: &tree::Timezone) -> Timezone {
        match timezone {
            tree::Timezone::Contact => Timezone::Contact,
            tree::Timezone::Named(name) => {
                if zone(&name.value).is_none() {
                    self.report(
                        Finding::new(Code::E002, name.span, format!("there is no time zone `{}`", name.value))
                            .help("zones have names such as \"Europe/Berlin\"; `timezone contact` takes the contact's own"),
                    );
                    return Timezone::Contact;
                }
                Timezone::Named(name.value.clone())
            }
        }
    }

    fn goal(&self, goal: &tree::Goal, inside: &InJourney<'_>) -> Option<Goal> {
        let event = self.event_named(&goal.event, Code::E101);
        let name = goal.name.as_ref()?;
        self.declared_here(NameKind::Goal, name, Some(inside.journey));
        let event = event?;
        self.opened_event(goal.event.span, &event.wire);
        let around = inside.around().with(OnBranch::Event(event.clone()));
        let condition = goal.condition.as_ref().map(|condition| self.condition(condition, &around));
        let worth = goal.worth.as_ref().map(|worth| {
            let typed = self.typed(worth, &around);
            self.must_be(&typed, &ValueType::Number, worth.span);
            typed.expr
        });
        let within = goal.within.as_ref().map(|within| within.value);
        Some(Goal { name: name.value.clone(), span: name.span, event: event.wire, condition, within, worth })
    }

    fn leave_on(
        &self,
        event: &tree::Name,
        condition: &Option<tree::Expression>,
        inside: &InJourney<'_>,
    ) -> Option<Leave> {
        let known = self.event_named(event, Code::E101)?;
        self.opened_event(event.span, &known.wire);
        let around = inside.around().with(OnBranch::Event(known.clone()));
        // `where event.topic == "…"` is a use of that topic.
        if let Some(condition) = condition {
            self.topics_in(condition);
        }
        let condition = condition.as_ref().map(|condition| self.condition(condition, &around));
        Some(Leave::On { event: known.wire, name: known.name, condition })
    }

    /// Texts that name topics are uses of them.
    fn topics_in(&self, tree: &tree::Expression) {
        match &tree.kind {
            tree::ExpressionKind::Text(text) if self.names.topics.contains_key(text) => {
                self.uses(NameKind::Topic, text);
                self.used_in_text(NameKind::Topic, text, tree.span);
            }
            tree::ExpressionKind::Binary { left, right, .. } => {
                self.topics_in(left);
                self.topics_in(right);
            }
            tree::ExpressionKind::List(items) => items.iter().for_each(|item| self.topics_in(item)),
            tree::ExpressionKind::Not(inner) => self.topics_in(inner),
            _ => {}
        }
    }

    /// `leave on goal` is resolved when all goals are known.
    fn leave_goals(&self, tree: &tree::Journey, journey: &mut Journey) {
        let mut known: BTreeMap<String, Span> = BTreeMap::new();
        for goal in &journey.goals {
            if let Some(before) = known.insert(goal.name.clone(), goal.span) {
                self.twice("goal", &goal.name, before, goal.span);
            }
        }
        for clause in &tree.clauses {
            let ClauseKind::LeaveOnGoal { name } = &clause.kind else { continue };
            let Some(name) = name else {
                if journey.goals.is_empty() && !self.is_broken(tree.span) {
                    self.report(
                        Finding::new(Code::E101, clause.span, "this journey has no goal to leave on")
                            .help("write one: `goal purchase on …`"),
                    );
                }
                journey.leaves.push(Leave::OnGoal(None));
                continue;
            };
            match journey.goals.iter().position(|goal| goal.name == name.value) {
                Some(index) => {
                    self.used_here(NameKind::Goal, name, Some(&tree.name.value));
                    journey.leaves.push(Leave::OnGoal(Some(index)));
                }
                None if self.is_broken(tree.span) => {}
                None => {
                    let goals = journey.goals.iter().map(|goal| goal.name.as_str());
                    self.unknown(Code::E101, NameKind::Goal, name, goals);
                }
            }
        }
    }

    fn stages(&self, tree: &tree::Journey, inside: &InJourney<'_>, journey: &mut Journey) {
        let mut known: BTreeMap<&str, Span> = BTreeMap::new();
        for stage in &tree.stages {
            if let Some(before) = known.insert(&stage.name.value, stage.name.span) {
                self.twice("stage", &stage.name.value, before, stage.name.span);
            }
            self.declared_here(NameKind::Stage, &stage.name, Some(inside.journey));
            let body = self.block(&stage.body, inside, &inside.around());
            journey.stages.push(Stage { name: stage.name.value.clone(), span: stage.name.span, body });
        }
    }

    pub(super) fn stage_index(&self, name: &tree::Name, inside: &InJourney<'_>) -> Option<usize> {
        let found = inside.stages.iter().position(|stage| *stage == name.value);
        if found.is_some() {
            self.used_here(NameKind::Stage, name, Some(inside.journey));
        } else {
            self.unknown(Code::E101, NameKind::Stage, name, inside.stages.iter().copied());
        }
        found
    }

    /// What a journey must have.
    fn complete(&self, tree: &tree::Journey, journey: &Journey) {
        let name = tree.name.span;
        let hurt = self.is_broken(tree.span);
        let has = |fits: fn(&ClauseKind) -> bool| tree.clauses.iter().any(|clause| fits(&clause.kind));
        if !has(|kind| matches!(kind, ClauseKind::Enter(_))) && !hurt {
            self.report(
                Finding::new(
                    Code::E307,
                    name,
                    format!("nobody can enter `{}`: it has no `enter`", journey.name),
                )
                .help("write how contacts get in, such as `enter on EVENT` or `enter by request`")
                .lacks(Lack::Enter),
            );
        }
        if tree.stages.is_empty() && !hurt {
            self.report(
                Finding::new(
                    Code::E307,
                    name,
                    format!("`{}` has no stage, so nothing happens in it", journey.name),
                )
                .help("write at least one: `stage contact { … }`")
                .lacks(Lack::Stage),
            );
        }
        if hurt {
            return;
        }
        let goal = tree.clauses.iter().find(|clause| matches!(clause.kind, ClauseKind::Goal(_)));
        match goal {
            None => self.report(
                Finding::new(Code::W603, name, format!("`{}` has no goal, so nobody can tell whether it works", journey.name))
                    .help("write what counts as success, such as `goal purchase on EVENT within 30 days`"),
            ),
            Some(goal) if !has(|kind| matches!(kind, ClauseKind::Control(_))) => self.report(
                Finding::new(Code::W603, goal.span, "this goal has no control group to be compared with")
                    .help("write `control 10%`: that share is only measured, and shows what would have happened anyway"),
            ),
            Some(_) => {}
        }
    }

    pub(super) fn block(&self, tree: &tree::Block, inside: &InJourney<'_>, around: &Around<'_>) -> Block {
        let statements = tree
            .statements
            .iter()
            .map(|statement| Statement {
                span: statement.span,
                kind: self.statement(statement, inside, around).unwrap_or(StatementKind::Unknown),
            })
            .collect();
        Block { span: tree.span, statements }
    }
}

/// The word of a clause of which one can stand.
pub fn stands_once(kind: &ClauseKind) -> Option<&'static str> {
    Some(match kind {
        ClauseKind::Owner(_) => "owner",
        ClauseKind::Reenter(_) => "reenter",
        ClauseKind::Starts(_) => "starts",
        ClauseKind::Ends(_) => "ends",
        ClauseKind::Permission(_) => "permission",
        ClauseKind::Control(_) => "control",
        ClauseKind::Priority(_) => "priority",
        ClauseKind::Quiet { .. } => "quiet",
        ClauseKind::Late(_) => "late",
        ClauseKind::Holdout(_) => "holdout",
        ClauseKind::Unsure(_) => "unsure",
        ClauseKind::Timezone(_) => "timezone",
        ClauseKind::OnChange(_) => "on change",
        _ => return None,
    })
}

/// The names of the messages that a block sends.
fn sent_in(block: &tree::Block, sent: &mut Vec<String>) {
    block.each(&mut |statement| {
        if let tree::StatementKind::Send(send) = &statement.kind {
            sent.extend(send.messages.iter().map(|message| message.message.value.clone()));
        }
    });
}
