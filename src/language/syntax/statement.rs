use super::expression::reaction_kind;
use super::node::{Node, Reader, Rule};
use super::tree::{
    Block, Expression, Name, OnBranch, Pick, Send, SendChoice, SendMessage, Spanned, Statement,
    StatementKind, Trigger, Until, Variant, WaitUpTo,
};
use crate::time::{Length, Unit, Weekday};

impl<'t> Reader<'t> {
    /// The statements of a `block` or a `stage_body`.
    pub(super) fn block(&self, node: &Node<'t>) -> Block {
        self.closed(node);
        let mut statements = Vec::new();
        for child in node.children() {
            match child.rule() {
                Rule::close | Rule::stage_missing_close => {}
                Rule::wrong_separator => self.separator(&child),
                _ => statements.push(self.statement(&child)),
            }
        }
        Block { span: self.span(node), statements }
    }

    fn block_in(&self, node: &Node<'t>) -> Block {
        self.block(&node.need(Rule::block))
    }

    fn statement(&self, node: &Node<'t>) -> Statement {
        let name = || self.name_in(node, Rule::name);
        let with = || node.get(Rule::with).map_or_else(Vec::new, |with| self.pairs_in(&with));
        let wait = || node.get(Rule::and_wait).map(|wait| self.wait_up_to(&wait));
        let kind = match node.rule() {
            Rule::send => StatementKind::Send(self.send(node)),
            Rule::call => StatementKind::Call { hook: name(), with: with(), wait: wait() },
            Rule::hand_off => {
                if let Some(wrong) = node.get(Rule::wrong_handoff) {
                    self.say_write(self.span(&wrong), "the statement is two words", "hand off");
                }
                StatementKind::HandOff { team: name(), with: with(), wait: wait() }
            }
            Rule::alert => StatementKind::Alert { team: name(), text: self.text_in(node) },
            Rule::wait => self.wait(&node.behind_keyword()),
            Rule::if_statement => self.if_statement(node),
            Rule::experiment => self.experiment(node),
            Rule::repeat => StatementKind::Repeat {
                times: self.count(&node.need(Rule::digits)),
                body: self.block_in(node),
            },
            Rule::stop => StatementKind::Stop,
            Rule::set => {
                self.set_sign(node);
                StatementKind::Set { field: self.field_in(node), value: self.expression_in(node) }
            }
            Rule::clear => StatementKind::Clear { field: self.field_in(node) },
            Rule::add => StatementKind::Add { amount: self.expression_in(node), field: self.field_in(node) },
            Rule::tag => StatementKind::Tag(self.text_in(node)),
            Rule::untag => StatementKind::Untag(self.text_in(node)),
            Rule::allow => StatementKind::Allow(name()),
            Rule::refuse => StatementKind::Refuse(name()),
            Rule::record => StatementKind::Record { event: name(), pairs: self.pairs_in(node) },
            Rule::start => StatementKind::Start { journey: name(), with: with() },
            Rule::go_to => self.go_to(node),
            Rule::end => StatementKind::End { outcome: node.get(Rule::name).map(|name| self.name(&name)) },
            _ => {
                self.explain(Rule::strict_statement, node.range(), "a statement");
                StatementKind::Broken
            }
        };
        Statement { span: self.span(node), kind }
    }

    fn go_to(&self, node: &Node<'t>) -> StatementKind {
        if let Some(wrong) = node.get(Rule::wrong_goto) {
            self.say_write(self.span(&wrong), "the statement is two words", "go to");
        }
        let name = node.need(Rule::name);
        if let Some(word) = node.get(Rule::wrong_stage) {
            let both = self.span_of(word.range().start..name.range().end);
            self.say_write(both, "`go to` takes the name of the stage alone", name.text());
        }
        StatementKind::GoTo(self.name(&name))
    }

    pub(super) fn set_sign(&self, node: &Node<'t>) {
        let sign = node.need(Rule::set_sign);
        if let Some(wrong) = sign.get(Rule::wrong_set_sign) {
            self.say_write(self.span(&wrong), format!("`{}` does not set a value", wrong.text()), "=");
        }
    }

    fn send(&self, node: &Node<'t>) -> Send {
        let inner = node.behind_keyword();
        let (choice, messages) = match inner.rule() {
            Rule::send_choice => {
                self.closed(&inner);
                let choice = if inner.has(Rule::k_first) { SendChoice::FirstOf } else { SendChoice::BestOf };
                (choice, inner.all(Rule::choice).map(|choice| self.send_message(&choice)).collect())
            }
            _ => (SendChoice::One, vec![self.send_message(&inner)]),
        };
        Send {
            choice,
            messages,
            with: inner.get(Rule::with).map_or_else(Vec::new, |with| self.pairs_in(&with)),
            best_time: inner.get(Rule::best_time).map(|best| self.length_in(&best)),
            otherwise: node.get(Rule::otherwise).map(|otherwise| self.block_in(&otherwise)),
        }
    }

    fn send_message(&self, node: &Node<'t>) -> SendMessage {
        let (channel, message) = self.two_names(node);
        let to = node.get(Rule::send_to).map(|to| self.expression_in(&to));
        SendMessage { channel, message, to }
    }

    fn wait(&self, node: &Node<'t>) -> StatementKind {
        match node.rule() {
            Rule::wait_up_to => StatementKind::WaitUpTo(self.wait_up_to(node)),
            Rule::wait_window => {
                let (from, to) = self.times_in(node);
                let days = self.weekdays_in(node);
                let day = |index: usize| days.get(index).or(days.first()).map(|day| day.value);
                StatementKind::WaitWindow { from, to, days: day(0).zip(day(1)) }
            }
            Rule::wait_until => StatementKind::WaitUntil(self.until(&node.behind_keyword())),
            Rule::wait_business => StatementKind::WaitBusinessDays(self.count(&node.need(Rule::digits))),
            Rule::wait_for => StatementKind::WaitFor(self.length_in(node)),
            _ => StatementKind::WaitFor(Spanned::new(Length::new(1, Unit::Day), self.span(node))),
        }
    }

    fn until(&self, node: &Node<'t>) -> Until {
        match node.rule() {
            Rule::until_weekday => {
                let day = self.weekdays_in(node).into_iter().next();
                let day = day.unwrap_or_else(|| Spanned::new(Weekday::Monday, self.span(node)));
                Until::Weekday(day, self.time_in(node))
            }
            Rule::until_date => Until::Date(self.moment(node)),
            Rule::until_expression => Until::Value {
                value: self.expression_in(node),
                at: node.get(Rule::at_time).map(|at| self.time_in(&at)),
            },
            _ => Until::Time(self.time_in(node)),
        }
    }

    /// A `wait up to`, also the one behind `call` and `hand off`.
    fn wait_up_to(&self, node: &Node<'t>) -> WaitUpTo {
        let block = node.need(Rule::wait_block);
        self.closed(&block);
        let mut wait = WaitUpTo {
            limit: self.length_in(node),
            branches: Vec::new(),
            otherwise: None,
            otherwise_again: Vec::new(),
            broken: false,
            span: self.span(&block),
        };
        for entry in block.children() {
            match entry.rule() {
                Rule::on_branch => wait.branches.push(self.on_branch(&entry)),
                Rule::otherwise_branch if wait.otherwise.is_none() => {
                    wait.otherwise = Some(self.block_in(&entry))
                }
                Rule::otherwise_branch => {
                    wait.otherwise_again.push(self.span(&entry.need(Rule::k_otherwise)))
                }
                Rule::broken_branch => {
                    self.explain(Rule::strict_branch, entry.range(), "a branch of this wait");
                    wait.broken = true;
                }
                _ => {}
            }
        }
        wait
    }

    fn on_branch(&self, node: &Node<'t>) -> OnBranch {
        OnBranch {
            span: self.span(node),
            trigger: self.trigger(&node.need(Rule::trigger)),
            condition: node.get(Rule::condition).map(|condition| self.condition(&condition)),
            body: self.block_in(node),
        }
    }

    fn trigger(&self, node: &Node<'t>) -> Trigger {
        let Some(inner) = node.children().next() else {
            return Trigger::Event(Name::new(String::new(), self.span(node)));
        };
        let span = self.span(&inner);
        match inner.rule() {
            Rule::reaction => {
                let kind = inner.need(Rule::reaction_kind);
                Trigger::Reaction {
                    kind: Spanned::new(reaction_kind(&kind), self.span(&kind)),
                    of: self.name_in(&inner, Rule::name),
                    link: self.maybe_text_in(&inner),
                }
            }
            Rule::k_reply => Trigger::Reply(span),
            Rule::k_accepted => Trigger::Accepted(span),
            Rule::k_rejected => Trigger::Rejected(span),
            _ => Trigger::Event(self.name(&inner)),
        }
    }

    fn if_statement(&self, node: &Node<'t>) -> StatementKind {
        let branch = |node: &Node<'t>| -> (Expression, Block) {
            (self.condition(&node.need(Rule::condition)), self.block_in(node))
        };
        let mut branches = vec![branch(node)];
        for else_if in node.all(Rule::else_if) {
            if let Some(wrong) = else_if.get(Rule::wrong_else_if) {
                self.say_write(self.span(&wrong), format!("`{}` is two words", wrong.text()), "else if");
            }
            branches.push(branch(&else_if));
        }
        let otherwise = node.get(Rule::else_branch).map(|branch| self.block_in(&branch));
        StatementKind::If { branches, otherwise }
    }

    fn experiment(&self, node: &Node<'t>) -> StatementKind {
        self.closed(node);
        for broken in node.all(Rule::broken_branch) {
            self.explain(Rule::strict_experiment, broken.range(), "a variant of this experiment");
        }
        let variants = node.all(Rule::variant).map(|variant| Variant {
            name: self.name_in(&variant, Rule::name),
            share: self.share_in(&variant),
            body: self.block_in(&variant),
        });
        let pick = node.get(Rule::pick).map(|pick| Pick {
            trigger: self.trigger(&pick.need(Rule::trigger)),
            condition: pick.get(Rule::condition).map(|condition| self.condition(&condition)),
            after: self.length_in(&pick),
        });
        StatementKind::Experiment { name: self.name_in(node, Rule::name), variants: variants.collect(), pick }
    }
}
