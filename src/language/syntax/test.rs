use super::node::{Node, Reader, Rule};
use super::tree::{Action, StepTime, Test, TestItem, TestItemKind};

impl<'t> Reader<'t> {
    pub(super) fn test(&self, node: &Node<'t>) -> Test {
        self.closed(node);
        let items = node.children().filter_map(|item| {
            let kind = self.test_item(&item)?;
            Some(TestItem { span: self.span(&item), kind })
        });
        Test {
            span: self.span(node),
            name: self.text_in(node),
            journey: self.name_in(node, Rule::name),
            items: items.collect(),
        }
    }

    fn test_item(&self, node: &Node<'t>) -> Option<TestItemKind> {
        Some(match node.rule() {
            Rule::test_contact => {
                self.closed(node);
                TestItemKind::Contact {
                    attributes: node.all(Rule::pair).filter_map(|pair| self.pair(&pair)).collect(),
                    allows: node
                        .all(Rule::contact_allows)
                        .map(|allows| self.name_in(&allows, Rule::name))
                        .collect(),
                }
            }
            Rule::held_out => TestItemKind::HeldOut,
            Rule::test_variant => {
                let (experiment, variant) = self.two_names(node);
                TestItemKind::Variant { experiment, variant }
            }
            Rule::allow_other => TestItemKind::AllowOtherMessages,
            Rule::step => TestItemKind::Step {
                time: node.get(Rule::step_time).map(|time| self.step_time(&time)),
                action: self.action(node),
            },
            Rule::expectation => self.expectation(&node.behind_keyword()),
            Rule::wrong_separator => {
                self.separator(node);
                return None;
            }
            Rule::broken_step => {
                self.explain(Rule::strict_step, node.range(), "a step of a test");
                TestItemKind::Broken
            }
            _ => return None,
        })
    }

    fn step_time(&self, node: &Node<'t>) -> StepTime {
        match node.get(Rule::at_moment) {
            Some(at) => StepTime::At(self.moment_in(&at)),
            None => StepTime::After(self.length_in(&node.need(Rule::after_length))),
        }
    }

    fn action(&self, step: &Node<'t>) -> Action {
        let node = step.children().last().unwrap_or_else(|| step.clone());
        if let Some(wrong) = node.get(Rule::wrong_before_message) {
            self.superfluous(&wrong.need(Rule::wrong_before_word));
        }
        let name = || self.name_in(&node, Rule::name);
        match node.rule() {
            Rule::do_event => Action::Event { event: name(), with: self.pairs_in(&node) },
            Rule::do_click => Action::Click { message: name(), link: self.maybe_text_in(&node) },
            Rule::do_open => Action::Open(name()),
            Rule::do_bounce => Action::Bounce(name()),
            Rule::do_complain => Action::Complain(name()),
            Rule::do_reply => Action::Reply { hook: name(), with: self.pairs_in(&node) },
            Rule::do_answer => {
                Action::Answer { survey: name(), score: self.number(&node.need(Rule::signed_number)) }
            }
            Rule::do_accept => Action::Accept,
            Rule::do_reject => Action::Reject,
            Rule::do_set => {
                self.set_sign(&node);
                Action::Set { field: self.field_in(&node), value: self.expression_in(&node) }
            }
            Rule::do_enter => Action::Enter { with: self.pairs_in(&node) },
            _ => Action::Nothing,
        }
    }

    fn expectation(&self, node: &Node<'t>) -> TestItemKind {
        let name = || self.name_in(node, Rule::name);
        let second = || node.all(Rule::name).nth(1).map(|name| self.name(&name));
        match node.rule() {
            Rule::expect_no => {
                if let Some(wrong) = node.get(Rule::wrong_no) {
                    self.say_write(self.span(&wrong), "what must not come stands behind `no`", "no");
                }
                TestItemKind::ExpectNo { channel: name(), message: second() }
            }
            Rule::expect_stage => TestItemKind::ExpectStage(name()),
            Rule::expect_goal => TestItemKind::ExpectGoal {
                goal: name(),
                worth: node.get(Rule::expression).map(|worth| self.expression(&worth)),
            },
            Rule::expect_outcome => TestItemKind::ExpectOutcome(name()),
            Rule::expect_handoff => TestItemKind::ExpectHandoff { team: name(), with: self.pairs_in(node) },
            Rule::expect_call => TestItemKind::ExpectCall { hook: name(), with: self.pairs_in(node) },
            Rule::expect_skipped => {
                let wrong = node.get(Rule::wrong_reason).map(|reason| self.name(&reason));
                TestItemKind::ExpectSkipped { message: name(), reason: wrong.or_else(second) }
            }
            Rule::expect_contact => {
                if let Some(wrong) = node.get(Rule::equal).and_then(|equal| equal.get(Rule::wrong_equal)) {
                    self.say_write(self.span(&wrong), format!("`{}` does not compare", wrong.text()), "==");
                }
                TestItemKind::ExpectContact { field: self.field_in(node), value: self.expression_in(node) }
            }
            _ => {
                let (channel, message) = self.channel_and_name(node);
                let at = node.get(Rule::sent_at).map(|at| self.moment_in(&at));
                TestItemKind::ExpectMessage { channel, message, at }
            }
        }
    }
}
