use super::Checker;
use super::expression::{Around, OnBranch, Typed, reaction_fields};
use super::journey::InJourney;
use super::names::{EventFields, NameKind};
use super::occurrence::Role;
use crate::domain::{SystemEvent, Value, ValueType};
use crate::finding::{Code, Finding};
use crate::language::model::{Branch, Expr, Pick, SendTo, StatementKind, Trigger, Until, Wait};
use crate::language::syntax::tree::{self, Scope, StatementKind as S};
use crate::source::Span;
use crate::time::{ClockTime, Window};

/// Attributes that nobody sets by hand.
const READ_ONLY: [(&str, &str); 4] = [
    ("email", "an address belongs to one contact; your systems change it with `identify`"),
    ("id", "it names the contact for ever"),
    ("created_at", "it is when Lotse first heard of the contact"),
    ("tags", "write `tag \"…\"` or `untag \"…\"`"),
];

impl Checker<'_> {
    pub(super) fn statement(
        &self,
        tree: &tree::Statement,
        inside: &InJourney<'_>,
        around: &Around<'_>,
    ) -> Option<StatementKind> {
        match &tree.kind {
            S::Send(send) => self.send(send, tree.span, inside, around),
            S::Call { hook, with, wait } => {
                self.outside(Code::E101, NameKind::Webhook, hook);
                self.handed_over(with, &format!("call {}", hook.value));
                let with = self.pairs(with, around);
                let wait = wait.as_ref().map(|wait| self.wait(wait, OnBranch::Reply, inside, around));
                Some(StatementKind::Call { hook: hook.value.clone(), with, wait })
            }
            S::HandOff { team, with, wait } => {
                self.takes_leads(team);
                self.handed_over(with, &format!("hand off to {}", team.value));
                let with = self.pairs(with, around);
                let answered = EventFields::system(SystemEvent::LeadAccepted);
                let wait =
                    wait.as_ref().map(|wait| self.wait(wait, OnBranch::Event(answered), inside, around));
                Some(StatementKind::HandOff { team: team.value.clone(), with, wait })
            }
            S::WaitFor(length) => {
                self.no_length(length);
                Some(StatementKind::WaitFor(length.value))
            }
            S::WaitUntil(until) => Some(StatementKind::WaitUntil(self.until(until, around))),
            S::WaitUpTo(wait) => {
                Some(StatementKind::WaitUpTo(self.wait(wait, OnBranch::Bare, inside, around)))
            }
            S::If { branches, otherwise } => {
                let branch = |(condition, body): &(tree::Expression, tree::Block)| {
                    (self.condition(condition, around), self.block(body, inside, around))
                };
                let branches = branches.iter().map(branch).collect();
                let otherwise = otherwise.as_ref().map(|body| self.block(body, inside, around));
                Some(StatementKind::If { branches, otherwise })
            }
            S::Set { field, value } => self.set(field, value, around),
            S::Clear { field } => {
                self.writable(field).map(|field| StatementKind::Clear { field: field.name })
            }
            S::Add { amount, field } => self.add(amount, field, around),
            S::Tag(tag) => {
                self.tag_here(tag, Role::Declaration);
                Some(StatementKind::Tag(tag.value.clone()))
            }
            S::Untag(tag) => {
                self.tag_here(tag, Role::Use);
                Some(StatementKind::Untag(tag.value.clone()))
            }
            S::GoTo(stage) => self.stage_index(stage, inside).map(StatementKind::GoTo),
            S::End { outcome } => Some(self.end(outcome.as_ref(), inside)),
            S::Alert { team, text } => self.alert(team, text, inside),
            S::WaitBusinessDays(days) => {
                self.no_days(days);
                Some(StatementKind::WaitUntil(Until::BusinessDays(days.value)))
            }
            S::WaitWindow { from, to, days } => {
                let window = Window { from: from.value, to: to.value, days: *days };
                Some(StatementKind::WaitUntil(Until::Window(window)))
            }
            S::Experiment { name, variants, pick } => {
                let place = (inside, around);
                Some(self.experiment(name, variants, pick.as_ref(), tree.span, place))
            }
            S::Repeat { times, body } => Some(self.repeat(times, body, inside, around)),
            S::Stop => self.stop(tree.span, around),
            S::Allow(topic) => self.permit(topic, true),
            S::Refuse(topic) => self.permit(topic, false),
            S::Record { event, pairs } => self.record(event, pairs, around),
            S::Start { journey, with } => self.start(journey, with, around),
            S::Broken => None,
        }
    }

    fn end(&self, outcome: Option<&tree::Name>, inside: &InJourney<'_>) -> StatementKind {
        if let Some(outcome) = outcome {
            self.declared_here(NameKind::Outcome, outcome, Some(inside.journey));
        }
        let outcome = outcome.map_or("done", |outcome| outcome.value.as_str());
        StatementKind::End { outcome: outcome.to_owned() }
    }

    fn no_length(&self, length: &tree::Spanned<crate::time::Length>) {
        if length.value.is_zero() {
            self.waits_not(length.span);
        }
    }

    fn no_days(&self, days: &tree::Spanned<u32>) {
        if days.value == 0 {
            self.waits_not(days.span);
        }
    }

    fn waits_not(&self, span: Span) {
        self.report(
            Finding::new(Code::W606, span, "this wait has no length")
                .help("write how long to wait, or take the wait away"),
        );
    }

    fn send(
        &self,
        send: &tree::Send,
        span: Span,
        inside: &InJourney<'_>,
        around: &Around<'_>,
    ) -> Option<StatementKind> {
        let with = self.pairs(&send.with, around);
        let otherwise = send.otherwise.as_ref().map(|body| self.block(body, inside, around));
        if let Some(best) = &send.best_time {
            self.no_length(best);
        }
        if send.messages.is_empty() {
            if !self.is_broken(span) {
                let message = "there is no message here to choose from";
                self.report(
                    Finding::new(Code::E001, span, message).help("write one for each line: `email NAME`"),
                );
            }
            return None;
        }
        let mut messages: Vec<SendTo> = Vec::new();
        let mut whole = true;
        for one in &send.messages {
            if let Some(before) = messages.iter().find(|known| known.name == one.message.value) {
                self.twice("choice", &one.message.value, before.span, one.message.span);
                continue;
            }
            match self.send_to(one, inside, around) {
                Some(message) => {
                    self.handed_over(&send.with, &message.name);
                    messages.push(message);
                }
                None => whole = false,
            }
        }
        let pick = match send.choice {
            tree::SendChoice::One | tree::SendChoice::FirstOf => Pick::First,
            tree::SendChoice::BestOf => Pick::Best,
        };
        let best_time = send.best_time.as_ref().map(|within| within.value);
        whole.then_some(StatementKind::Send { messages, pick, with, best_time, otherwise })
    }

    fn send_to(
        &self,
        tree: &tree::SendMessage,
        inside: &InJourney<'_>,
        around: &Around<'_>,
    ) -> Option<SendTo> {
        let message = self.message_in_channel(&tree.channel, &tree.message, Code::E101)?;
        self.needs_topic(message, inside, tree.message.span);
        let to = tree.to.as_ref().map(|to| {
            let typed = self.typed(to, around);
            self.must_be(&typed, &ValueType::Text, to.span);
            typed.expr
        });
        Some(SendTo { name: tree.message.value.clone(), span: tree.message.span, to })
    }

    /// Every message has a topic: its own, or that of the journey's `permission`.
    fn needs_topic(&self, message: &tree::Message, inside: &InJourney<'_>, span: Span) {
        if inside.permission.is_none() && !has_topic(message) && !self.is_broken(message.span) {
            self.report(
                Finding::new(
                    Code::E403,
                    span,
                    format!("`{}` has no topic that the contact could refuse", message.name.value),
                )
                .related(message.name.span, "it is declared here")
                .help("write `topic NAME` into the message, or `permission NAME` at the head of the journey"),
            );
        }
    }

    /// Takes down the names of what is handed over.
    fn handed_over(&self, pairs: &[tree::Pair], to: &str) {
        for pair in pairs {
            self.declared_here(NameKind::Value, &pair.key, Some(to));
        }
    }

    /// The pairs of `with { … }`.
    pub(super) fn pairs(&self, pairs: &[tree::Pair], around: &Around<'_>) -> Vec<(String, Expr)> {
        self.pairs_with(pairs, around, |_, _| {})
    }

    /// The same, where `see` looks at each value, and says what becomes of it.
    pub(super) fn pairs_with(
        &self,
        pairs: &[tree::Pair],
        around: &Around<'_>,
        see: impl Fn(&tree::Pair, &mut Typed),
    ) -> Vec<(String, Expr)> {
        let mut resolved: Vec<(String, Expr)> = Vec::new();
        for pair in pairs {
            let mut typed = self.typed(&pair.value, around);
            if resolved.iter().any(|(key, _)| *key == pair.key.value) {
                let before = pairs.iter().find(|first| first.key.value == pair.key.value);
                self.twice(
                    "value",
                    &pair.key.value,
                    before.map_or(pair.key.span, |first| first.key.span),
                    pair.key.span,
                );
                continue;
            }
            see(pair, &mut typed);
            resolved.push((pair.key.value.clone(), typed.expr));
        }
        resolved
    }

    fn until(&self, until: &tree::Until, around: &Around<'_>) -> Until {
        match until {
            tree::Until::Time(time) => Until::Time(time.value),
            tree::Until::Weekday(day, time) => Until::Weekday(day.value, time.value),
            tree::Until::Date(moment) => {
                let value = match moment.time {
                    Some(time) => Expr::Wall(moment.date, time),
                    None => Expr::Value(Value::Date(moment.date)),
                };
                Until::Value { value, at: None }
            }
            tree::Until::Value { value, at } => {
                let at = at.as_ref().map(|at| at.value);
                if self.until_word(value, at) {
                    return Until::Time(at.unwrap_or(ClockTime::MIDNIGHT));
                }
                let typed = self.typed(value, around);
                self.must_be(&typed, &ValueType::Datetime, value.span);
                Until::Value { value: typed.expr, at }
            }
        }
    }

    /// A `wait up to`; `answer` is what comes back from the call or hand-off before it.
    fn wait(
        &self,
        tree: &tree::WaitUpTo,
        answer: OnBranch,
        inside: &InJourney<'_>,
        around: &Around<'_>,
    ) -> Wait {
        self.no_length(&tree.limit);
        for again in &tree.otherwise_again {
            self.report(
                Finding::new(Code::E307, *again, "`otherwise` stands twice in this wait")
                    .help("take one of them away: the time is up only once"),
            );
        }
        let branches = tree
            .branches
            .iter()
            .map(|branch| {
                let (trigger, at_hand) = self.trigger(&branch.trigger, &answer);
                let at_trigger = around.with(at_hand.clone());
                let condition =
                    branch.condition.as_ref().map(|condition| self.condition(condition, &at_trigger));
                let body = self.block(&branch.body, inside, &around.inside(at_hand));
                Branch { span: branch.trigger.span(), trigger, condition, body }
            })
            .collect();
        let meant = tree.branches.iter().any(|branch| self.meant_otherwise(&branch.trigger).is_some());
        if tree.otherwise.is_none() && !tree.broken && !meant && !self.is_broken(tree.span) {
            let open = tree.span.at_start();
            self.report(
                Finding::new(Code::E301, open, "nothing is said for when the time is up")
                    .help("add `otherwise { … }` as the last branch of this wait"),
            );
        }
        Wait {
            span: tree.span,
            limit: tree.limit.value,
            limit_span: tree.limit.span,
            branches,
            otherwise: tree.otherwise.as_ref().map(|body| self.block(body, inside, around)),
        }
    }

    pub(super) fn trigger(&self, tree: &tree::Trigger, answer: &OnBranch) -> (Trigger, OnBranch) {
        let unknown = (Trigger::Unknown, OnBranch::Bare);
        match tree {
            tree::Trigger::Event(name) if self.no_event(tree, name, answer) => unknown,
            tree::Trigger::Event(name) => self.on_event(name),
            tree::Trigger::Reaction { kind, of, link } => {
                if !self.reaction_target(kind.value, of) {
                    return unknown;
                }
                let link = link.as_ref().map(|link| link.value.clone());
                let trigger = Trigger::Reaction { kind: kind.value, message: of.value.clone(), link };
                (trigger, reaction_fields(kind.value))
            }
            tree::Trigger::Reply(_) if matches!(answer, OnBranch::Reply) => (Trigger::Reply, OnBranch::Reply),
            tree::Trigger::Accepted(_) if matches!(answer, OnBranch::Event(_)) => {
                (Trigger::Accepted, answer.clone())
            }
            tree::Trigger::Rejected(_) if matches!(answer, OnBranch::Event(_)) => {
                (Trigger::Rejected, OnBranch::Event(EventFields::system(SystemEvent::LeadRejected)))
            }
            // Where nobody can answer, an event may have the name.
            tree::Trigger::Reply(span) | tree::Trigger::Accepted(span) | tree::Trigger::Rejected(span)
                if self.names.events.contains_key(self.files.sources.text(*span)) =>
            {
                self.on_event(&tree::Name::new(self.files.sources.text(*span).to_owned(), *span))
            }
            tree::Trigger::Reply(span) => {
                self.report(
                    Finding::new(Code::E306, *span, "there is no `call` here that could be answered")
                        .help("write `call NAME and wait up to 1 hour { on reply { … } otherwise { … } }`"),
                );
                unknown
            }
            tree::Trigger::Accepted(span) | tree::Trigger::Rejected(span) => {
                self.report(
                    Finding::new(Code::E306, *span, "there is no `hand off` here that a team could answer")
                        .help("write `hand off to NAME and wait up to 2 days { on accepted { … } otherwise { … } }`"),
                );
                unknown
            }
        }
    }

    fn on_event(&self, name: &tree::Name) -> (Trigger, OnBranch) {
        match self.event_named(name, Code::E101) {
            Some(event) => (Trigger::Event(event.wire.clone()), OnBranch::Event(event)),
            None => (Trigger::Unknown, OnBranch::Bare),
        }
    }

    /// Says so where something else than an event is meant by a name that no event has.
    fn no_event(&self, trigger: &tree::Trigger, name: &tree::Name, answer: &OnBranch) -> bool {
        let word = name.value.as_str();
        if self.names.events.contains_key(word) {
            return false;
        }
        let meant = match (word, answer) {
            ("accept" | "accepts", OnBranch::Event(_)) => Some("accepted"),
            ("reject" | "rejects", OnBranch::Event(_)) => Some("rejected"),
            ("replied" | "replies" | "answer" | "answered", OnBranch::Reply) => Some("reply"),
            _ => None,
        };
        let finding = |message| Finding::new(Code::E101, name.span, message);
        if let Some(meant) = meant {
            let message = format!("`{word}` is called `{meant}` here");
            self.report(finding(message).help(format!("write `{meant}`")).edit(name.span, meant));
        } else if let Some(word) = self.meant_otherwise(trigger) {
            let finding = finding(format!("there is no event `{word}`"))
                .help("what happens when the time is up stands behind `otherwise` alone");
            self.report(match self.with_word_before(name.span, "on") {
                Some(both) => finding.edit(both, "otherwise"),
                None => finding,
            });
        } else if let Some(kind) = reaction_word(word) {
            let message = format!("`{word}` does not say which message");
            self.report(
                finding(message).help(format!("name the message: `on {} MESSAGE {{ … }}`", kind.word())),
            );
        } else {
            return false;
        }
        true
    }

    /// The word by which a branch for the end of the time was meant.
    fn meant_otherwise<'t>(&self, trigger: &'t tree::Trigger) -> Option<&'t str> {
        let tree::Trigger::Event(name) = trigger else { return None };
        let word = name.value.as_str();
        let meant = ["otherwise", "else", "timeout", "time_up", "timeup", "default"].contains(&word);
        (meant && !self.names.events.contains_key(word)).then_some(word)
    }

    fn set(
        &self,
        field: &tree::FieldName,
        value: &tree::Expression,
        around: &Around<'_>,
    ) -> Option<StatementKind> {
        let mut typed = self.typed(value, around);
        let field = self.writable(field)?;
        self.must_fit(&mut typed, &field, value.span);
        Some(StatementKind::Set { field: field.name, value: typed.expr })
    }

    fn add(
        &self,
        amount: &tree::Expression,
        field: &tree::FieldName,
        around: &Around<'_>,
    ) -> Option<StatementKind> {
        let typed = self.typed(amount, around);
        self.must_be(&typed, &ValueType::Number, amount.span);
        let target = self.writable(field)?;
        if target.of != ValueType::Number {
            self.report(
                Finding::new(
                    Code::E201,
                    field.name.span,
                    format!("`{}` is no number, so nothing can be added to it", target.name),
                )
                .help("`add` counts up a number; `set` gives a field another value"),
            );
            return None;
        }
        let default = target.default.unwrap_or(Value::Number(0.0));
        let current = Expr::Contact { name: target.name.clone(), of: target.of, default };
        Some(StatementKind::Add { amount: typed.expr, field: target.name, current })
    }

    /// The attribute that a statement changes.
    pub(super) fn writable(&self, field: &tree::FieldName) -> Option<crate::language::model::Field> {
        let span = field.scope.span.to(field.name.span);
        if field.scope.value != Scope::Contact {
            self.report(
                Finding::new(
                    Code::E201,
                    span,
                    format!("`{}` cannot be changed", self.files.sources.text(span)),
                )
                .help("only attributes of the contact can: `contact.FIELD`"),
            );
            return None;
        }
        if let Some((name, why)) = READ_ONLY.iter().find(|(name, _)| *name == field.name.value) {
            self.report(Finding::new(Code::E201, span, format!("`contact.{name}` cannot be set")).help(*why));
            return None;
        }
        self.contact_field(&field.name)
    }
}

/// The reaction that a bare word was meant for: `clicked`, or `click`.
fn reaction_word(word: &str) -> Option<tree::ReactionKind> {
    let plain = |kind: &tree::ReactionKind| {
        let stem = kind.word().trim_end_matches("ed").trim_end_matches('e');
        word == kind.word() || word.trim_end_matches('s') == stem
    };
    tree::ReactionKind::ALL.into_iter().find(plain)
}

fn has_topic(message: &tree::Message) -> bool {
    message.body.settings.iter().any(|setting| setting.key.value == "topic")
}
