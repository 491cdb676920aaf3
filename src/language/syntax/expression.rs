use std::ops::Range;
use std::sync::LazyLock;

use pest::pratt_parser::{Assoc, Op, PrattParser};

use super::node::{Node, Reader, Rule};
use super::parenthesis::is_operator;
use super::slip;
use super::tree::{
    Aggregate, Expression, ExpressionKind, FieldName, Name, Operator, ReactionKind, Scope, Spanned,
};
use crate::finding::{Code, Finding};
use crate::time::Unit;

/// How many operators an expression may have, with those in brackets: what is made of it is as deep as they are many,
/// and whoever walks over it must not run out of stack.
const OPERATORS_MAX: usize = 256;

/// What binds tighter stands further down.
static PRATT: LazyLock<PrattParser<Rule>> = LazyLock::new(|| {
    let left = |rule| Op::infix(rule, Assoc::Left);
    PrattParser::new()
        .op(left(Rule::or))
        .op(left(Rule::and))
        .op(Op::prefix(Rule::not))
        .op(left(Rule::equal)
            | left(Rule::not_equal)
            | left(Rule::less)
            | left(Rule::less_equal)
            | left(Rule::greater)
            | left(Rule::greater_equal)
            | left(Rule::in_list)
            | left(Rule::not_in)
            | left(Rule::contains)
            | left(Rule::starts_with)
            | left(Rule::ends_with))
        .op(left(Rule::plus) | left(Rule::minus))
        .op(left(Rule::times) | left(Rule::divided_by))
        .op(Op::prefix(Rule::negate))
        .op(Op::postfix(Rule::is_set) | Op::postfix(Rule::is_not_set))
});

impl<'t> Reader<'t> {
    pub(super) fn expression_in(&self, node: &Node<'t>) -> Expression {
        self.expression(&node.need(Rule::expression))
    }

    /// The expression behind `where`, where there is one.
    pub(super) fn where_in(&self, node: &Node<'t>) -> Option<Expression> {
        node.get(Rule::where_part).map(|part| self.expression_in(&part))
    }

    /// A condition that stands before a block.
    pub(super) fn condition(&self, node: &Node<'t>) -> Expression {
        let expression = self.expression_in(node);
        let Some(stray) = node.get(Rule::stray) else { return expression };
        let read = self.written(&node.need(Rule::expression)).trim();
        let answer = slip::stray(read, stray.text().trim());
        let finding = Finding::new(Code::E001, self.span(&stray), answer.message).help(answer.help);
        let finding = Finding { lack: answer.lack, ..finding };
        self.report(match answer.write {
            Some(write) => {
                let start = stray.range().end - stray.text().trim_start().len();
                let condition = node.need(Rule::expression).range();
                let from = if write.with_condition { condition.start } else { start };
                finding.edit(self.span_of(from..start + write.behind), write.text)
            }
            None => finding,
        });
        // What is meant by the part that could be read is not known either.
        Expression { kind: ExpressionKind::Broken, ..expression }
    }

    pub(super) fn expression(&self, node: &Node<'t>) -> Expression {
        let operators = node.pairs().flatten().filter(|pair| is_operator(pair.as_rule()));
        if operators.take(OPERATORS_MAX + 1).count() > OPERATORS_MAX {
            self.say(
                self.span(node),
                format!("more than {OPERATORS_MAX} operators stand in one expression here"),
                "for many values of one field write `in [ … ]`; parts of it can be segments",
            );
            return self.broken_expression(self.trimmed(node.range()));
        }
        PRATT
            .map_primary(|pair| self.operand(&Node::new(pair)))
            .map_prefix(|pair, value| {
                let sign = Node::new(pair);
                self.prefix(&sign, value)
            })
            .map_postfix(|value, pair| {
                let node = Node::new(pair);
                let span = value.span.to(self.span(&node));
                if let Some(wrong) = node.children().next().filter(|_| !node.has(Rule::k_is)) {
                    let write = if node.rule() == Rule::is_set { "is set" } else { "is not set" };
                    let message =
                        format!("`{}` is not how one asks whether something is there", wrong.text());
                    self.say_write(self.span(&wrong), message, write);
                }
                let negated = node.rule() == Rule::is_not_set;
                Expression { span, kind: ExpressionKind::IsSet { of: Box::new(value), negated } }
            })
            .map_infix(|left, pair, right| self.infix(left, &Node::new(pair), right))
            .parse(node.pairs())
    }

    pub(super) fn broken_expression(&self, range: Range<usize>) -> Expression {
        Expression { span: self.span_of(range), kind: ExpressionKind::Broken }
    }

    fn prefix(&self, sign: &Node<'t>, value: Expression) -> Expression {
        let span = self.span(sign).to(value.span);
        if sign.has(Rule::wrong_not) {
            self.say_write(self.span(sign), "`!` is not how one says no here", "not ");
        }
        let kind = match (sign.rule(), value.kind) {
            (Rule::negate, ExpressionKind::Number(number)) => ExpressionKind::Number(-number),
            (Rule::negate, kind) => ExpressionKind::Negate(Box::new(Expression { span: value.span, kind })),
            (_, kind) => ExpressionKind::Not(Box::new(Expression { span: value.span, kind })),
        };
        Expression { span, kind }
    }

    fn infix(&self, left: Expression, node: &Node<'t>, right: Expression) -> Expression {
        use Operator as O;
        let place = self.span(node);
        let wrong = node.children().find(|child| {
            matches!(
                child.rule(),
                Rule::wrong_or
                    | Rule::wrong_and
                    | Rule::wrong_equal
                    | Rule::wrong_not_equal
                    | Rule::wrong_less
                    | Rule::wrong_less_equal
                    | Rule::wrong_greater
                    | Rule::wrong_greater_equal
                    | Rule::wrong_in
                    | Rule::wrong_not_in
            )
        });
        if let Some(wrong) = wrong {
            let (what, write) = match wrong.rule() {
                Rule::wrong_or => ("to say that one of two is enough", "or"),
                Rule::wrong_and => ("to say that both must hold", "and"),
                Rule::wrong_equal => ("to compare two values", "=="),
                Rule::wrong_less => ("to say less or before", "<"),
                Rule::wrong_less_equal => ("to say at most", "<="),
                Rule::wrong_greater => ("to say more or after", ">"),
                Rule::wrong_greater_equal => ("to say at least", ">="),
                Rule::wrong_in => ("to ask whether something is in a list", "in"),
                Rule::wrong_not_in => ("to ask whether something is not in a list", "not in"),
                _ => ("to say that two values differ", "!="),
            };
            self.say_write(place, format!("`{}` is not the way {what}", wrong.text()), write);
        }
        let operator = match node.rule() {
            Rule::or => O::Or,
            Rule::and => O::And,
            Rule::not_equal => O::NotEqual,
            Rule::less => O::Less,
            Rule::less_equal => O::LessEqual,
            Rule::greater => O::Greater,
            Rule::greater_equal => O::GreaterEqual,
            Rule::in_list => O::In,
            Rule::not_in => O::NotIn,
            Rule::contains => O::Contains,
            Rule::starts_with => O::StartsWith,
            Rule::ends_with => O::EndsWith,
            Rule::plus => O::Plus,
            Rule::minus => O::Minus,
            Rule::times => O::Times,
            Rule::divided_by => O::DividedBy,
            _ => O::Equal,
        };
        let span = left.span.to(right.span);
        let (left, right) = (Box::new(left), Box::new(right));
        Expression {
            span,
            kind: ExpressionKind::Binary { operator: Spanned::new(operator, place), left, right },
        }
    }

    fn operand(&self, node: &Node<'t>) -> Expression {
        let span = self.span(node);
        let kind = match node.rule() {
            Rule::bracketed => {
                return Expression { span: self.span(node), ..self.expression_in(node) };
            }
            Rule::text => ExpressionKind::Text(self.text(node).value),
            Rule::number | Rule::wrong_number => ExpressionKind::Number(self.number(node).value),
            Rule::share => ExpressionKind::Share(self.share(node).value),
            Rule::boolean => ExpressionKind::Boolean(node.has(Rule::k_true)),
            Rule::duration_value => ExpressionKind::Length(self.length(node).value),
            Rule::clock_time => ExpressionKind::ClockTime(self.clock_time(node).value),
            Rule::moment => ExpressionKind::Moment(self.moment(node)),
            Rule::list => {
                ExpressionKind::List(node.all(Rule::expression).map(|item| self.expression(&item)).collect())
            }
            Rule::field => ExpressionKind::Field(self.field(node)),
            Rule::today => ExpressionKind::Today,
            Rule::now => ExpressionKind::Now,
            Rule::span_since => return self.since(node),
            Rule::in_segment => ExpressionKind::InSegment(self.name_in(node, Rule::name)),
            Rule::has_tag => ExpressionKind::HasTag(self.text_in(node)),
            Rule::allows_topic => ExpressionKind::Allows(self.name_in(node, Rule::name)),
            Rule::reaction_of => self.reaction_of(node),
            Rule::aggregate => ExpressionKind::Aggregate(Box::new(self.aggregate(node))),
            Rule::wrong_template => self.wrong_template(node),
            // What is meant, a field, a measure or a text without its quotes, only the checker can say.
            Rule::reference => ExpressionKind::Reference(node.text().trim().to_owned()),
            _ => ExpressionKind::Broken,
        };
        Expression { span, kind }
    }

    fn reaction_of(&self, node: &Node<'t>) -> ExpressionKind {
        let of = match node.get(Rule::wrong_quoted_name) {
            Some(quoted) => {
                let name = quoted.text().trim_matches('"');
                self.say_write(self.span(&quoted), "names stand without quotes", name);
                Name::new(name.to_owned(), self.span(&quoted))
            }
            None => self.name_in(node, Rule::name),
        };
        let kind = reaction_kind(&node.need(Rule::reaction_kind));
        ExpressionKind::Reaction { kind, of, link: self.maybe_text_in(node) }
    }

    fn since(&self, node: &Node<'t>) -> Expression {
        let unit = Unit::from_word(node.need(Rule::unit).text()).unwrap_or(Unit::Day);
        let of = node
            .children()
            .last()
            .map_or_else(|| self.broken_expression(node.range()), |operand| self.operand(&operand));
        let of = Box::new(of);
        let kind = if node.has(Rule::k_since) {
            ExpressionKind::Since { unit, of }
        } else {
            ExpressionKind::Until { unit, of }
        };
        Expression { span: self.span(node), kind }
    }

    fn wrong_template(&self, node: &Node<'t>) -> ExpressionKind {
        let inner = node.text().trim_matches(['{', '}']).trim();
        let plain = inner.split('|').next().unwrap_or("").trim();
        let write = if plain.contains('.') { plain.to_owned() } else { format!("contact.{plain}") };
        self.say_write(
            self.span(node),
            "`{{ … }}` belongs into the text of a message, not into a journey",
            &write,
        );
        ExpressionKind::Broken
    }

    fn aggregate(&self, node: &Node<'t>) -> Aggregate {
        let function = node.need(Rule::aggregate_kind);
        let mut words = node.all(Rule::word);
        let name = |node: Option<Node<'t>>| node.map(|node| self.name(&node));
        let event = name(words.next()).unwrap_or_else(|| Name::new(String::new(), self.span(node)));
        Aggregate {
            function: Spanned::new(function.text().to_owned(), self.span(&function)),
            event,
            field: name(words.next()),
            last: node.get(Rule::duration).map(|length| self.length(&length)),
            condition: self.where_in(node),
        }
    }

    pub(super) fn field_in(&self, node: &Node<'t>) -> FieldName {
        self.field(&node.need(Rule::field))
    }

    pub(super) fn field(&self, node: &Node<'t>) -> FieldName {
        let scope = node.need(Rule::scope);
        let value = match scope.text() {
            "entry" => Scope::Entry,
            "event" => Scope::Event,
            "reply" => Scope::Reply,
            _ => Scope::Contact,
        };
        FieldName {
            scope: Spanned::new(value, self.span(&scope)),
            name: self.name_in(node, Rule::name_in_expression),
        }
    }
}

/// The reaction that a word means, be it `clicked` or, as people write, `click`.
pub(super) fn reaction_kind(node: &Node<'_>) -> ReactionKind {
    let start = node.text().get(..4).unwrap_or("");
    ReactionKind::ALL.into_iter().find(|kind| kind.word().starts_with(start)).unwrap_or(ReactionKind::Clicked)
}
