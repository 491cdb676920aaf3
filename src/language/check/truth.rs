//! Whether a condition is the same for everybody, as far as types, ranges and the lists of `one of` tell. What is
//! said is certain; where it would take long to find out, nothing is said.

use std::cmp::Ordering;

use super::ranges::{Nature, Possible, constant, constant_beside};
use crate::domain::{Value, ValueType};
use crate::language::model::{Expr, Operator};

/// How many parts of conditions are looked at before giving up.
const STEPS_MAX: usize = 2_000;

/// The values that an expression can have, where its field has a `one of`.
pub(super) type Allowed<'a> = &'a dyn Fn(&Expr) -> Option<&'a [Value]>;

/// A condition, and whether it holds.
pub(super) type Claim<'e> = (&'e Expr, bool);

/// Whether a condition is always (`true`) or never (`false`) true; `None` where it depends.
pub(super) fn verdict(condition: &Expr, allowed: Allowed<'_>) -> Option<bool> {
    if never(&[(condition, true)], allowed) {
        return Some(false);
    }
    never(&[(condition, false)], allowed).then_some(true)
}

/// Whether these cannot all be so at once.
pub(super) fn never(claims: &[Claim<'_>], allowed: Allowed<'_>) -> bool {
    // What could not be resolved may be anything.
    let unknown = |expr: &Expr| matches!(expr, Expr::Value(Value::Unset));
    if claims.iter().any(|(expr, _)| expr.any(unknown)) {
        return false;
    }
    let mut search = Search { allowed, steps: 0 };
    !search.can_be(claims.to_vec(), Vec::new(), Facts::default())
}

/// Follows every way in which claims can hold together.
struct Search<'a> {
    allowed: Allowed<'a>,
    steps: usize,
}

impl<'a> Search<'a> {
    /// `claims` are to be looked at; of `choices` one side each must hold.
    fn can_be<'e>(
        &mut self,
        mut claims: Vec<Claim<'e>>,
        mut choices: Vec<[Claim<'e>; 2]>,
        mut facts: Facts<'e>,
    ) -> bool {
        while let Some((expr, holds)) = claims.pop() {
            self.steps += 1;
            if self.steps > STEPS_MAX {
                return true;
            }
            match (expr, holds) {
                (Expr::Not(inner), _) => claims.push((inner, !holds)),
                (Expr::Binary(Operator::And, left, right), true)
                | (Expr::Binary(Operator::Or, left, right), false) => {
                    claims.extend([(&**left, holds), (&**right, holds)]);
                }
                (Expr::Binary(Operator::And | Operator::Or, left, right), _) => {
                    choices.push([(&**left, holds), (&**right, holds)]);
                }
                _ if !facts.learn(expr, holds, self.allowed) => return false,
                _ => {}
            }
        }
        let Some(choice) = choices.pop() else { return true };
        // The last of a chain is the shorter side.
        choice.into_iter().rev().any(|claim| self.can_be(vec![claim], choices.clone(), facts.clone()))
    }
}

/// What comparisons are about.
#[derive(Clone, Copy, PartialEq)]
enum Subject<'e> {
    /// One value beside constants.
    Value(&'e Expr),
    /// A value that nothing declares, beside constants of one type.
    Undeclared(&'e Expr, NameKind),
    /// How two values lie to one another.
    Order(&'e Expr, &'e Expr),
}

/// The type of a constant.
#[derive(Clone, Copy, PartialEq)]
enum NameKind {
    Number,
    Text,
    Boolean,
    Date,
}

/// What is known of each subject.
#[derive(Clone, Default)]
struct Facts<'e> {
    known: Vec<(Subject<'e>, Possible)>,
}

impl<'e> Facts<'e> {
    /// Takes in that something holds or does not; `false` where that cannot be.
    fn learn(&mut self, expr: &'e Expr, holds: bool, allowed: Allowed<'_>) -> bool {
        match expr {
            Expr::Value(value) => value.is_true() == holds,
            Expr::IsSet(inner) => match &**inner {
                Expr::Value(value) => value.is_set() == holds,
                inner if Nature::of(inner).of.is_some() => {
                    self.of(Subject::Value(inner), allowed, |possible| possible.is_set(holds))
                }
                _ => self.plain(expr, holds, allowed),
            },
            Expr::Binary(operator, left, right) => {
                self.compare(expr, (*operator, left, right), holds, allowed)
            }
            _ => self.plain(expr, holds, allowed),
        }
    }

    /// Something that is true or is not, whatever it means.
    fn plain(&mut self, expr: &'e Expr, holds: bool, allowed: Allowed<'_>) -> bool {
        let subject = match Nature::of(expr).of {
            Some(_) => Subject::Value(expr),
            None => Subject::Undeclared(expr, NameKind::Boolean),
        };
        self.of(subject, allowed, |possible| {
            possible.compare(Operator::Equal, &Value::Boolean(true), holds);
        })
    }

    fn compare(
        &mut self,
        expr: &'e Expr,
        (operator, left, right): (Operator, &'e Expr, &'e Expr),
        holds: bool,
        allowed: Allowed<'_>,
    ) -> bool {
        use Operator as O;
        match operator {
            O::Equal | O::NotEqual | O::Less | O::LessEqual | O::Greater | O::GreaterEqual => {
                match (constant_beside(right, left), constant_beside(left, right)) {
                    (None, Some(right)) => self.beside(expr, left, (operator, right), holds, allowed),
                    (Some(left), None) => {
                        self.beside(expr, right, (mirrored(operator), left), holds, allowed)
                    }
                    (None, None) => self.order(left, right, operator, holds, allowed),
                    (Some(left), Some(right)) => {
                        folded(operator, &left, &right).is_none_or(|known| known == holds)
                    }
                }
            }
            O::In | O::NotIn => {
                let holds_in = holds == (operator == O::In);
                match list(left, right) {
                    Some((subject, list)) => {
                        self.of(subject, allowed, |possible| possible.listed(&list, holds_in))
                    }
                    None => self.plain(expr, holds, allowed),
                }
            }
            O::Contains | O::StartsWith | O::EndsWith => {
                let set = |side: &Expr| constant(side).is_none() && Nature::of(side).of.is_some();
                self.plain(expr, holds, allowed)
                    && (!holds
                        || [left, right].into_iter().filter(|side| set(side)).all(|side| {
                            self.of(Subject::Value(side), allowed, |possible| possible.is_set(true))
                        }))
            }
            _ => self.plain(expr, holds, allowed),
        }
    }

    /// A value beside a constant.
    fn beside(
        &mut self,
        expr: &'e Expr,
        value: &'e Expr,
        (operator, constant): (Operator, Value),
        holds: bool,
        allowed: Allowed<'_>,
    ) -> bool {
        match subject(value, &constant) {
            Some(subject) => {
                self.of(subject, allowed, |possible| possible.compare(operator, &constant, holds))
            }
            None => self.plain(expr, holds, allowed),
        }
    }

    /// Two values beside one another.
    fn order(
        &mut self,
        left: &'e Expr,
        right: &'e Expr,
        operator: Operator,
        holds: bool,
        allowed: Allowed<'_>,
    ) -> bool {
        let turned = Subject::Order(right, left);
        let known = self.known.iter().any(|(known, _)| *known == turned);
        let (subject, operator) =
            if known { (turned, mirrored(operator)) } else { (Subject::Order(left, right), operator) };
        let equal = Value::Number(0.0);
        let possible = self.of(subject, allowed, |possible| {
            if left == right {
                possible.listed(&[Value::Number(-1.0), Value::Number(1.0)], false);
            }
            possible.compare(operator, &equal, holds);
        });
        let both_are_there = holds && operator != Operator::NotEqual;
        possible
            && (!both_are_there
                || [left, right]
                    .into_iter()
                    .filter(|side| Nature::of(side).of.is_some())
                    .all(|side| self.of(Subject::Value(side), allowed, |possible| possible.is_set(true))))
    }

    /// Changes what is known of a subject; `false` where nothing is left that it can be.
    fn of(&mut self, subject: Subject<'e>, allowed: Allowed<'_>, change: impl FnOnce(&mut Possible)) -> bool {
        let at = self.known.iter().position(|(known, _)| *known == subject);
        let mut possible = match at.and_then(|at| self.known.get(at)) {
            Some((_, possible)) => possible.clone(),
            None => subject.everything(allowed),
        };
        change(&mut possible);
        let can_be = !possible.is_nothing();
        match at.and_then(|at| self.known.get_mut(at)) {
            Some(known) => known.1 = possible,
            None => self.known.push((subject, possible)),
        }
        can_be
    }
}

impl Subject<'_> {
    /// What it can be before anything is known of it.
    fn everything(self, allowed: Allowed<'_>) -> Possible {
        match self {
            Subject::Value(expr) => Possible::of(&Nature::of(expr), allowed(expr)),
            Subject::Undeclared(_, kind) => {
                let of = match kind {
                    NameKind::Number => ValueType::Number,
                    NameKind::Text => ValueType::Text,
                    NameKind::Boolean => ValueType::Boolean,
                    NameKind::Date => ValueType::Date,
                };
                Possible::of(&Nature::undeclared(of), None)
            }
            Subject::Order(..) => Possible::order(),
        }
    }
}

/// What a comparison with a constant is about; `None` where the types do not go together.
fn subject<'e>(expr: &'e Expr, beside: &Value) -> Option<Subject<'e>> {
    let kind = match beside {
        Value::Number(_) => NameKind::Number,
        Value::Text(_) => NameKind::Text,
        Value::Boolean(_) => NameKind::Boolean,
        Value::Date(_) => NameKind::Date,
        _ => return None,
    };
    match (Nature::of(expr).of, kind) {
        (Some(ValueType::Number), NameKind::Number)
        | (Some(ValueType::Text), NameKind::Text)
        | (Some(ValueType::Boolean), NameKind::Boolean)
        | (Some(ValueType::Date | ValueType::Datetime), NameKind::Date) => Some(Subject::Value(expr)),
        // Text that nothing declares may be a date to somebody else.
        (None, NameKind::Number | NameKind::Text | NameKind::Boolean) => {
            Some(Subject::Undeclared(expr, kind))
        }
        _ => None,
    }
}

/// What two constants give; `None` where their types do not go together.
fn folded(operator: Operator, left: &Value, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.partial_cmp(right),
        (Value::Date(left), Value::Date(right)) => Some(left.cmp(right)),
        _ => None,
    };
    match operator {
        Operator::Equal => Some(left == right),
        Operator::NotEqual => Some(left != right),
        Operator::Less => order.map(Ordering::is_lt),
        Operator::LessEqual => order.map(Ordering::is_le),
        Operator::Greater => order.map(Ordering::is_gt),
        Operator::GreaterEqual => order.map(Ordering::is_ge),
        _ => None,
    }
}

/// What is looked for in a list of constants of its type, and the list; `None` where it is anything else.
fn list<'e>(value: &'e Expr, list: &Expr) -> Option<(Subject<'e>, Vec<Value>)> {
    let Expr::List(items) = list else { return None };
    let constants: Vec<Value> = items.iter().map(constant).collect::<Option<_>>()?;
    let mut about = constants.iter().map(|constant| subject(value, constant));
    let first = about.next()??;
    about.all(|other| other == Some(first)).then_some((first, constants))
}

/// The operator with its sides changed over.
fn mirrored(operator: Operator) -> Operator {
    use Operator as O;
    match operator {
        O::Less => O::Greater,
        O::LessEqual => O::GreaterEqual,
        O::Greater => O::Less,
        O::GreaterEqual => O::LessEqual,
        same => same,
    }
}
