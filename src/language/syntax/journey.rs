use super::node::{Node, Reader, Rule};
use super::tree::{
    CapThen, Clause, ClauseKind, Enter, EnterKind, EveryDays, Goal, Journey, Name, Reenter, Spanned, Stage,
    Timezone,
};
use crate::finding::{Code, Finding};
use crate::time::Weekday;

impl<'t> Reader<'t> {
    pub(super) fn journey(&self, node: &Node<'t>) -> Journey {
        self.closed(node);
        let mut journey = Journey {
            span: self.span(node),
            name: self.name_in(node, Rule::name),
            label: self.maybe_text_in(node),
            clauses: Vec::new(),
            stages: Vec::new(),
        };
        for item in node.children() {
            match item.rule() {
                Rule::k_journey | Rule::name | Rule::text | Rule::close | Rule::missing_close => {}
                Rule::wrong_separator => self.separator(&item),
                Rule::stage => journey.stages.push(self.stage(&item)),
                Rule::broken_clause => {
                    self.explain(Rule::strict_clause, item.range(), "a clause of a journey");
                    journey.clauses.push(Clause { span: self.span(&item), kind: ClauseKind::Broken });
                }
                _ => journey.clauses.push(self.clause(&item)),
            }
        }
        journey
    }

    fn stage(&self, node: &Node<'t>) -> Stage {
        if let Some(wrong) = node.get(Rule::wrong_stage_word) {
            let message = format!("a part of a journey begins with `stage`, not with `{}`", wrong.text());
            self.say_write(self.span(&wrong), message, "stage");
        }
        Stage {
            span: self.span(node),
            name: self.name_in(node, Rule::name),
            body: self.block(&node.need(Rule::stage_body)),
        }
    }

    pub(super) fn clause(&self, node: &Node<'t>) -> Clause {
        self.no_colon(node);
        let name = || self.name_in(node, Rule::name);
        let kind = match node.rule() {
            Rule::owner_clause => ClauseKind::Owner(self.text_in(node)),
            Rule::enter_clause => ClauseKind::Enter(self.enter(node)),
            Rule::reenter_clause => ClauseKind::Reenter(self.reenter(node)),
            Rule::starts_clause => ClauseKind::Starts(self.moment_in(node)),
            Rule::ends_clause => ClauseKind::Ends(self.moment_in(node)),
            Rule::permission_clause => ClauseKind::Permission(name()),
            Rule::goal_clause => ClauseKind::Goal(self.goal(node)),
            Rule::leave_clause => self.leave(&node.behind_keyword()),
            Rule::control_clause => ClauseKind::Control(self.share_in(node)),
            Rule::priority_clause => ClauseKind::Priority(self.number(&node.need(Rule::number))),
            Rule::quiet_clause => {
                let (from, to) = self.times_in(node);
                ClauseKind::Quiet { from, to }
            }
            Rule::cap_clause => ClauseKind::Cap {
                channel: name(),
                count: self.count(&node.need(Rule::digits)),
                per: self.length_in(node),
                then: self.cap_then(node),
            },
            Rule::late_clause => ClauseKind::Late(self.length_in(node)),
            Rule::timezone_clause => {
                ClauseKind::Timezone(self.maybe_text_in(node).map_or(Timezone::Contact, Timezone::Named))
            }
            Rule::on_change_clause => ClauseKind::OnChange(name()),
            Rule::holdout_clause => ClauseKind::Holdout(self.share_in(node)),
            Rule::unsure_clause => ClauseKind::Unsure(name()),
            _ => ClauseKind::Broken,
        };
        Clause { span: self.span(node), kind }
    }

    fn enter(&self, clause: &Node<'t>) -> Enter {
        let node = clause.behind_keyword();
        let at = || node.get(Rule::at_time).map(|at| self.time_in(&at));
        let kind = match node.rule() {
            Rule::enter_on => {
                if let Some(wrong) = node.get(Rule::wrong_event_word) {
                    self.superfluous(&wrong);
                }
                self.one_event(&node);
                EnterKind::On { event: self.name_in(&node, Rule::name) }
            }
            Rule::enter_when => {
                EnterKind::When { condition: self.expression_in(&node), backfill: node.has(Rule::k_backfill) }
            }
            Rule::enter_every => EnterKind::Every { days: self.every_days(&node), at: at() },
            Rule::enter_relative => EnterKind::Relative {
                length: self.length_in(&node),
                before: node.has(Rule::k_before),
                field: self.field_in(&node),
                at: at(),
            },
            Rule::enter_on_date | Rule::enter_yearly => EnterKind::OnDate {
                yearly: node.rule() == Rule::enter_yearly,
                field: self.field_in(&node),
                at: at(),
            },
            Rule::enter_without => {
                EnterKind::Without { length: self.length_in(&node), event: self.name_in(&node, Rule::name) }
            }
            _ => EnterKind::ByRequest,
        };
        Enter {
            kind,
            condition: self.where_in(&node),
            per: node.get(Rule::per).map(|per| self.per(&per)),
            into: clause.get(Rule::into).map(|into| self.name_in(&into, Rule::name)),
        }
    }

    /// Says that each event that leads in has an `enter` of its own.
    fn one_event(&self, node: &Node<'t>) {
        let Some(more) = node.get(Rule::wrong_more_events) else { return };
        let help = format!("write `enter on {}` on a line of its own", more.need(Rule::name).text());
        self.say(self.span(&more), "one `enter` names one event", help);
    }

    /// `per event.FIELD`; a bare field is understood, and told how it is written.
    fn per(&self, node: &Node<'t>) -> Name {
        match node.get(Rule::field) {
            Some(field) => {
                let field = self.field(&field);
                if field.scope.value != super::tree::Scope::Event {
                    let write = format!("event.{}", field.name.value);
                    self.say_write(
                        field.scope.span.to(field.name.span),
                        "`per` takes a field of the event",
                        &write,
                    );
                }
                field.name
            }
            None => {
                let name = self.name_in(node, Rule::name);
                self.say_write(
                    name.span,
                    "`per` takes a field of the event",
                    &format!("event.{}", name.value),
                );
                name
            }
        }
    }

    fn every_days(&self, node: &Node<'t>) -> EveryDays {
        let days = node.behind_keyword();
        match days.rule() {
            Rule::every_cron => EveryDays::Cron(self.text_in(&days)),
            Rule::every_month => EveryDays::MonthOn(self.count(&days.need(Rule::digits))),
            Rule::every_weekday => {
                let day = self.weekdays_in(&days).into_iter().next();
                EveryDays::Weekday(day.map_or(Weekday::Monday, |day| day.value))
            }
            _ => EveryDays::Day,
        }
    }

    fn reenter(&self, node: &Node<'t>) -> Reenter {
        match node.get(Rule::duration) {
            Some(length) => Reenter::After(self.length(&length)),
            None if node.has(Rule::k_always) => Reenter::Always,
            None => Reenter::Never,
        }
    }

    fn goal(&self, node: &Node<'t>) -> Goal {
        let mut names: Vec<Name> = node.all(Rule::name).map(|name| self.name(&name)).collect();
        let event = names.pop().unwrap_or_else(|| Name::new(String::new(), self.span(node)));
        let name = names.pop();
        if name.is_none() {
            let help =
                format!("write `goal purchase on {}`, with a name that reports will show", event.value);
            let word = self.span(&node.need(Rule::k_goal));
            let finding = Finding::new(Code::E001, word, "this goal has no name").help(help);
            self.report(finding.edit(word.at_end(), format!(" {}", event.value)));
        }
        Goal {
            name,
            event,
            condition: self.where_in(node),
            within: node.get(Rule::within).map(|within| self.length_in(&within)),
            worth: node.get(Rule::worth).map(|worth| self.expression_in(&worth)),
        }
    }

    fn leave(&self, node: &Node<'t>) -> ClauseKind {
        match node.rule() {
            Rule::leave_when => ClauseKind::LeaveWhen(self.expression_in(node)),
            Rule::leave_on_goal => {
                ClauseKind::LeaveOnGoal { name: node.get(Rule::name).map(|name| self.name(&name)) }
            }
            _ => {
                ClauseKind::LeaveOn { event: self.name_in(node, Rule::name), condition: self.where_in(node) }
            }
        }
    }

    fn cap_then(&self, node: &Node<'t>) -> CapThen {
        match node.get(Rule::cap_then) {
            Some(then) if then.has(Rule::k_skip) => CapThen::Skip,
            Some(then) => CapThen::Wait(then.get(Rule::duration).map(|length| self.length(&length))),
            None => CapThen::Wait(None),
        }
    }

    /// `email welcome`, with a channel that is written as people write it.
    pub(super) fn channel_and_name(&self, node: &Node<'t>) -> (Name, Name) {
        let mut names = node.all(Rule::name);
        let channel = names.next().filter(|channel| {
            let plain = channel.text().to_lowercase().replace('-', "");
            channel.text() != plain && matches!(plain.as_str(), "email" | "mail" | "emails")
        });
        match (channel, names.next()) {
            (Some(channel), Some(name)) => {
                let span = self.span(&channel);
                self.say_write(span, format!("`{}` is called `email` here", channel.text()), "email");
                (Spanned::new("email".to_owned(), span), self.name(&name))
            }
            _ => self.two_names(node),
        }
    }

    pub(super) fn two_names(&self, node: &Node<'t>) -> (Name, Name) {
        let mut names = node.all(Rule::name).map(|name| self.name(&name));
        let nothing = || Spanned::new(String::new(), self.span(node));
        let first = names.next().unwrap_or_else(nothing);
        let second = names.next().unwrap_or_else(nothing);
        (first, second)
    }
}
