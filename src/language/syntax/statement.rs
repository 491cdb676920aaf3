use super::declaration::is_missing_close;
use super::expression::reaction_kind;
use super::node::{Node, Reader, Rule};
use super::tree::{
    Block, Expression, ExpressionKind, MomentLiteral, Name, OnBranch, Pick, Send, SendChoice, SendMessage,
    Spanned, Statement, StatementKind, Trigger, Until, Variant, WaitUpTo,
};
use crate::finding::{Code, Finding};
use crate::time::{Length, Unit, Weekday};

impl<'t> Reader<'t> {
    /// The statements of a `block` or a `stage_body`.
    pub(super) fn block(&self, node: &Node<'t>) -> Block {
        self.closed(node);
        let mut statements = Vec::new();
        for child in node.children() {
            match child.rule() {
                Rule::close | Rule::wrong_close => {}
                rule if is_missing_close(rule) => {}
                Rule::stray_close => {
                    let message = format!("`{}` is not needed: a block ends with `}}`", child.text());
                    let finding = Finding::new(Code::E001, self.span(&child), message).help("take it away");
                    self.report(finding.edit(self.span(&child), ""));
                }
                Rule::wrong_separator => self.separator(&child),
                _ => statements.push(self.statement(&child)),
            }
        }
        Block { span: self.span(node), statements }
    }

    fn block_in(&self, node: &Node<'t>) -> Block {
        let is_block = |rule| matches!(rule, Rule::block | Rule::if_block | Rule::branch_block);
        let block = node.children().find(|child| is_block(child.rule()));
        self.block(&block.unwrap_or_else(|| node.need(Rule::block)))
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
            Rule::end => self.end(node),
            _ => {
                self.explain(Rule::strict_statement, node.range(), "a statement");
                StatementKind::Broken
            }
        };
        Statement { span: self.span(node), kind }
    }

    fn end(&self, node: &Node<'t>) -> StatementKind {
        let wrong = node.get(Rule::wrong_end);
        let name = wrong.as_ref().unwrap_or(node).get(Rule::name).map(|name| self.name(&name));
        if let (Some(wrong), Some(name)) = (wrong, &name) {
            let write = format!("end as {}", name.value);
            self.say_write(self.span(&wrong), "an outcome stands behind `as`", &write);
        }
        StatementKind::End { outcome: name }
    }

    fn go_to(&self, node: &Node<'t>) -> StatementKind {
        let name = node.need(Rule::name);
        if let Some(wrong) = node.get(Rule::wrong_goto) {
            let all = self.span_of(wrong.range().start..name.range().end);
            self.say_write(all, "the statement is two words", &format!("go to {}", name.text()));
        } else if let Some(word) = node.get(Rule::wrong_stage) {
            let both = self.span_of(word.range().start..name.range().end);
            self.say_write(both, "`go to` takes the name of the stage alone", name.text());
        }
        StatementKind::GoTo(self.name(&name))
    }

    pub(super) fn set_sign(&self, node: &Node<'t>) {
        let sign = node.need(Rule::set_sign);
        let Some(wrong) = sign.get(Rule::wrong_set_sign) else { return };
        let message = format!("`{}` does not set a value", wrong.text());
        match wrong.text() {
            "+=" | "-=" => {
                let finding = Finding::new(Code::E001, self.span(&wrong), message)
                    .help("to count up write `add 5 to contact.score`");
                self.report(match (node.rule(), node.get(Rule::field), node.get(Rule::expression)) {
                    (Rule::set, Some(field), Some(value)) => {
                        let minus = if wrong.text() == "-=" { "-" } else { "" };
                        let value = self.written(&value);
                        let simple = value.chars().all(|c| c.is_ascii_digit() || c == '.');
                        let value = if simple { value.to_owned() } else { format!("({value})") };
                        let write = format!("add {minus}{value} to {}", self.written(&field));
                        finding.edit(self.span(node), write)
                    }
                    _ => finding,
                });
            }
            _ => self.say_write(self.span(&wrong), message, "="),
        }
    }

    fn send(&self, node: &Node<'t>) -> Send {
        let inner = node.behind_keyword();
        let (choice, messages) = match inner.rule() {
            Rule::send_choice => {
                self.closed(&inner);
                let choice = if inner.has(Rule::k_first) { SendChoice::FirstOf } else { SendChoice::BestOf };
                let unbraced = inner.get(Rule::wrong_choices);
                if let Some(wrong) = &unbraced {
                    let write = format!("{{ {} }}", self.written(wrong));
                    self.say_write(self.span(wrong), "messages to choose from stand in braces", &write);
                }
                let among = unbraced.as_ref().unwrap_or(&inner);
                (choice, among.all(Rule::choice).map(|choice| self.send_message(&choice)).collect())
            }
            _ => {
                if let Some(article) = inner.get(Rule::wrong_article) {
                    self.superfluous(&article);
                }
                if let Some(recipient) = inner.get(Rule::wrong_recipient) {
                    self.superfluous(&recipient);
                }
                (SendChoice::One, vec![self.send_message(&inner)])
            }
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
        let (channel, message) = self.channel_and_name(node);
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
            Rule::wait_business => {
                if let Some(wrong) = node.get(Rule::wrong_business) {
                    let message = format!("`{} days` are called business days here", wrong.text());
                    self.say_write(self.span(&wrong), message, "business");
                }
                StatementKind::WaitBusinessDays(self.count(&node.need(Rule::digits)))
            }
            Rule::wait_for => {
                if let Some(wrong) = node.get(Rule::wrong_for) {
                    self.superfluous(&wrong);
                }
                StatementKind::WaitFor(self.length_in(node))
            }
            _ => StatementKind::WaitFor(Spanned::new(Length::new(1, Unit::Day), self.span(node))),
        }
    }

    fn until(&self, node: &Node<'t>) -> Until {
        match node.rule() {
            Rule::until_weekday => {
                if let Some(wrong) = node.get(Rule::wrong_next) {
                    self.superfluous(&wrong);
                }
                let day = self.weekdays_in(node).into_iter().next();
                let day = day.unwrap_or_else(|| Spanned::new(Weekday::Monday, self.span(node)));
                Until::Weekday(day, self.time_in(node))
            }
            Rule::until_date => Until::Date(self.moment(node)),
            Rule::wrong_until_shifted => self.until_shifted(node),
            Rule::wrong_until_reaction => {
                let written = self.written(node);
                let help = format!(
                    "to wait for something to happen write `wait up to 3 days {{ on {written} {{ … }} otherwise {{ … }} }}`"
                );
                self.say(self.span(node), "`wait until` waits for a moment", help);
                Until::Value { value: self.broken_expression(node.range()), at: None }
            }
            Rule::until_expression => {
                let missing = node.get(Rule::wrong_at_missing);
                let value = self.expression_in(node);
                // Of a bare word the checker says what is meant, with the time.
                let bare = matches!(value.kind, ExpressionKind::Reference(_));
                if let Some(missing) = missing.as_ref().filter(|_| !bare) {
                    let message = "`at` is missing before the time";
                    self.say_write(self.span(missing), message, &format!("at {}", missing.text()));
                }
                let at = node.get(Rule::at_time).or(missing).map(|at| self.time_in(&at));
                match (value.kind, at) {
                    // `2027-03-01 at 09:00` says no more than `2027-03-01 09:00`.
                    (ExpressionKind::Moment(date), Some(at)) if date.time.is_none() => {
                        Until::Date(MomentLiteral { span: self.span(node), time: Some(at.value), ..date })
                    }
                    (kind, at) => Until::Value { value: Expression { kind, ..value }, at },
                }
            }
            _ => Until::Time(self.time_in(node)),
        }
    }

    /// `wait until 3 days before X`, which is written `X - 3 days`.
    fn until_shifted(&self, node: &Node<'t>) -> Until {
        let (length, value) = (node.need(Rule::duration), node.need(Rule::expression));
        let sign = if node.has(Rule::k_before) { '-' } else { '+' };
        let all = self.span(&length).to(self.span(&value));
        let write = format!("{} {sign} {}", self.written(&value), self.length(&length).value);
        self.say_write(all, "a moment before or after another is written with `-` or `+`", &write);
        let at = node.get(Rule::at_time).map(|at| self.time_in(&at));
        Until::Value { value: self.expression(&value), at }
    }

    /// A `wait up to`, also the one behind `call` and `hand off`.
    fn wait_up_to(&self, node: &Node<'t>) -> WaitUpTo {
        let block = node.need(Rule::wait_block);
        self.closed(&block);
        self.up_to(node);
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
                Rule::wrong_separator => self.separator(&entry),
                Rule::broken_branch => {
                    self.explain(Rule::strict_branch, entry.range(), "a branch of this wait");
                    wait.broken = true;
                }
                _ => {}
            }
        }
        wait
    }

    /// Says that a wait with a block is a `wait up to`.
    fn up_to(&self, node: &Node<'t>) {
        let length = node.need(Rule::duration);
        if let Some(wrong) = node.get(Rule::wrong_up_to) {
            let message = format!("`{}` is called `up to` here", wrong.text());
            self.say_write(self.span(&wrong), message, "up to");
        } else if node.has(Rule::missing_up_to) {
            let write = format!("up to {}", length.text());
            self.say_write(self.span(&length), "a wait for something to happen has `up to`", &write);
        }
    }

    fn on_branch(&self, node: &Node<'t>) -> OnBranch {
        if let Some(more) = node.get(Rule::wrong_more_triggers) {
            let second = more.need(Rule::trigger);
            let help = format!("give each its own branch: `on {} {{ … }}`", self.written(&second));
            self.say(self.span(&more), "one `on` waits for one thing", help);
        }
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
            Rule::reaction | Rule::wrong_order => self.reaction(&inner),
            Rule::k_reply => Trigger::Reply(span),
            Rule::k_accepted => Trigger::Accepted(span),
            Rule::k_rejected => Trigger::Rejected(span),
            _ => Trigger::Event(self.name(&inner)),
        }
    }

    /// `clicked M "link"`, and what people write for it; one slip is told in one finding.
    fn reaction(&self, node: &Node<'t>) -> Trigger {
        let wrong = node.get(Rule::wrong_reaction_kind);
        let written = wrong.clone().unwrap_or_else(|| node.need(Rule::reaction_kind));
        let kind = reaction_kind(&written);
        let bracketed = node.get(Rule::wrong_bracketed);
        let of = bracketed.as_ref().unwrap_or(node).need(Rule::name);
        let name = self.name(&of);
        let behind = bracketed.as_ref().unwrap_or(&of).range().end;
        let both = self.span_of(node.range().start..behind.max(written.range().end));
        let write = format!("{} {}", kind.word(), name.value);
        if node.rule() == Rule::wrong_order || bracketed.is_some() {
            self.say_write(both, "a reaction is a word and the message, as in `clicked welcome`", &write);
        } else if let Some(channel) = node.get(Rule::wrong_channel) {
            let message = format!("`{}` takes the name of the message alone", kind.word());
            self.say_write(self.span_of(channel.range().start..of.range().end), message, &name.value);
        } else if let Some(wrong) = wrong {
            self.say_write(self.span(&wrong), format!("`{}` is no reaction", wrong.text()), kind.word());
        }
        let kind = Spanned::new(kind, self.span(&written));
        Trigger::Reaction { kind, of: name, link: self.maybe_text_in(node) }
    }

    fn if_statement(&self, node: &Node<'t>) -> StatementKind {
        let branch = |node: &Node<'t>| -> (Expression, Block) {
            (self.condition(&node.need(Rule::condition)), self.block_in(node))
        };
        let mut branches = vec![branch(node)];
        for else_if in node.all(Rule::else_if) {
            if let Some(wrong) = else_if.get(Rule::wrong_else_if) {
                self.say_write(self.span(&wrong), format!("`{}` is two words", wrong.text()), "else if");
            } else if let Some(missing) = else_if.get(Rule::missing_if) {
                self.say_write(self.span(&missing), "an `else` with a condition is `else if`", "else if");
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
        self.once(node, Rule::pick, "pick", "experiment");
        let variants = node.all(Rule::variant).map(|variant| Variant {
            name: self.name_in(&variant, Rule::name),
            share: self.share_in(&variant),
            body: self.block_in(&variant),
        });
        let pick = node.get(Rule::pick).map(|pick| Pick {
            trigger: self.trigger(&pick.need(Rule::trigger)),
            condition: self.where_in(&pick),
            after: self.length_in(&pick),
        });
        StatementKind::Experiment { name: self.name_in(node, Rule::name), variants: variants.collect(), pick }
    }
}
