//! What a value can still be when some comparisons with it hold and others do not.

use crate::domain::{Value, ValueType};
use crate::language::model::{AggregateFunction, Expr, Operator};
use crate::time::Date;

/// How far moments are apart for certain, in days, where their clock times differ: zones skip up to a day.
const CERTAIN_DAYS: f64 = 1.5;
/// How many whole numbers between two bounds are looked at one by one.
const WHOLE_MAX: f64 = 64.0;

/// What a value can be: at least that, so that nothing is called impossible that can be.
#[derive(Clone, Debug)]
pub(super) struct Possible {
    /// Nothing there, or something that no comparison with a constant speaks of.
    other: bool,
    /// These and no others, where the values can be counted.
    among: Option<Vec<Value>>,
    /// None of these.
    not: Vec<Value>,
    low: Bound,
    high: Bound,
    scale: Scale,
}

/// A bound of a range, and whether the bound itself belongs to it.
#[derive(Clone, Copy, Debug)]
struct Bound {
    at: f64,
    inclusive: bool,
}

/// How values of a type lie beside one another.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Scale {
    /// Between two of them there are others.
    Dense,
    /// They are counted one by one.
    Whole,
    /// Dates and clock times of some zone: what is near cannot be told apart.
    Vague,
    /// There is no more and less.
    Unordered,
}

/// What is known of an expression before anything is asked.
pub(super) struct Nature {
    /// Its type; `None` where nothing declares it.
    pub(super) of: Option<ValueType>,
    /// Whether there may be nothing there.
    pub(super) unset: bool,
    /// Whether it is counted in whole numbers.
    whole: bool,
    /// Its smallest value.
    low: Option<f64>,
}

impl Nature {
    /// What nothing declares may be of a type, or something else.
    pub(super) fn undeclared(of: ValueType) -> Self {
        Nature { of: Some(of), unset: true, whole: false, low: None }
    }

    /// What the kind of an expression says of its value.
    pub(super) fn of(expr: &Expr) -> Self {
        let nature = |of, unset| Nature { of, unset, whole: false, low: None };
        match expr {
            Expr::Contact { name, of, default } => {
                let always = default.is_set() || ["id", "created_at", "tags"].contains(&name.as_str());
                nature(Some(of.clone()), !always)
            }
            Expr::Entry { of, .. } => nature(of.clone(), true),
            Expr::Event { of, .. } => nature(Some(of.clone()), true),
            Expr::Today => nature(Some(ValueType::Date), false),
            Expr::Now => nature(Some(ValueType::Datetime), false),
            Expr::Since(_, of) => {
                // What happened cannot lie ahead.
                let happened = matches!(&**of, Expr::Aggregate(aggregate) if !aggregate.function.has_field());
                let low = happened.then_some(0.0);
                Nature { whole: true, low, ..nature(Some(ValueType::Number), true) }
            }
            Expr::Until(..) => Nature { whole: true, ..nature(Some(ValueType::Number), true) },
            Expr::Aggregate(aggregate) => match (aggregate.function, &aggregate.field) {
                (AggregateFunction::Count, _) => {
                    Nature { of: Some(ValueType::Number), unset: false, whole: true, low: Some(0.0) }
                }
                (AggregateFunction::First | AggregateFunction::Last, _) => {
                    nature(Some(ValueType::Datetime), true)
                }
                (_, Some((_, of))) => nature(Some(of.clone()), true),
                (_, None) => nature(None, true),
            },
            Expr::Negate(_) => nature(Some(ValueType::Number), true),
            Expr::HasTag(_) | Expr::Allows(_) | Expr::Reaction { .. } | Expr::Not(_) | Expr::IsSet(_) => {
                nature(Some(ValueType::Boolean), false)
            }
            _ => nature(None, true),
        }
    }
}

impl Possible {
    /// Everything that an expression can be; `allowed` are the values of its `one of`.
    pub(super) fn of(nature: &Nature, allowed: Option<&[Value]>) -> Self {
        let scale = match &nature.of {
            Some(ValueType::Number) if !nature.whole => Scale::Dense,
            Some(ValueType::Number | ValueType::Date) => Scale::Whole,
            Some(ValueType::Datetime) => Scale::Vague,
            _ => Scale::Unordered,
        };
        let boolean =
            || (nature.of == Some(ValueType::Boolean)).then(|| [true, false].map(Value::Boolean).to_vec());
        Self {
            other: nature.unset,
            among: allowed.map(<[Value]>::to_vec).or_else(boolean),
            not: Vec::new(),
            low: Bound { at: nature.low.unwrap_or(f64::NEG_INFINITY), inclusive: true },
            high: Bound { at: f64::INFINITY, inclusive: true },
            scale,
        }
    }

    /// What a comparison of two expressions can be: less, equal, more, or none of them.
    pub(super) fn order() -> Self {
        let signs = [-1.0, 0.0, 1.0].map(Value::Number).to_vec();
        let nature = Nature::undeclared(ValueType::Number);
        Self::of(&nature, Some(&signs))
    }

    /// Something is there, or nothing is.
    pub(super) fn is_set(&mut self, set: bool) {
        if set {
            self.other = false;
        } else {
            self.among = Some(Vec::new());
        }
    }

    /// A comparison with a constant holds, or does not. Of what cannot be understood nothing is learnt.
    pub(super) fn compare(&mut self, operator: Operator, constant: &Value, holds: bool) {
        use Operator as O;
        if operator == O::NotEqual {
            return self.compare(O::Equal, constant, !holds);
        }
        if holds {
            self.other = false;
        }
        match (operator, holds) {
            (O::Equal, true) if self.scale == Scale::Vague => {
                self.above(constant, true);
                self.below(constant, true);
            }
            (O::Equal, false) if self.scale == Scale::Vague => {}
            (O::Equal, true) => self.one_of(std::slice::from_ref(constant)),
            (O::Equal, false) => self.not.push(constant.clone()),
            (O::Less, true) => self.below(constant, false),
            (O::Less, false) => self.above(constant, true),
            (O::LessEqual, true) => self.below(constant, true),
            (O::LessEqual, false) => self.above(constant, false),
            (O::Greater, true) => self.above(constant, false),
            (O::Greater, false) => self.below(constant, true),
            (O::GreaterEqual, true) => self.above(constant, true),
            (O::GreaterEqual, false) => self.below(constant, false),
            _ => {}
        }
    }

    /// It is in a list of constants, or is not.
    pub(super) fn listed(&mut self, list: &[Value], holds: bool) {
        if holds {
            self.other = false;
        }
        match (holds, self.scale) {
            (_, Scale::Vague) => {}
            (true, _) => self.one_of(list),
            (false, _) => self.not.extend(list.iter().cloned()),
        }
    }

    fn one_of(&mut self, list: &[Value]) {
        let known = self.among.take();
        let keep = |value: &&Value| known.as_ref().is_none_or(|known| known.contains(value));
        self.among = Some(list.iter().filter(keep).cloned().collect());
    }

    fn above(&mut self, constant: &Value, inclusive: bool) {
        let Some(at) = self.point(constant, -CERTAIN_DAYS) else { return };
        let inclusive = inclusive || self.scale == Scale::Vague;
        if at > self.low.at || at == self.low.at && !inclusive {
            self.low = Bound { at, inclusive };
        }
    }

    fn below(&mut self, constant: &Value, inclusive: bool) {
        let Some(at) = self.point(constant, CERTAIN_DAYS) else { return };
        let inclusive = inclusive || self.scale == Scale::Vague;
        if at < self.high.at || at == self.high.at && !inclusive {
            self.high = Bound { at, inclusive };
        }
    }

    fn point(&self, constant: &Value, vague: f64) -> Option<f64> {
        if self.scale == Scale::Unordered {
            return None;
        }
        place(constant).map(|at| if self.scale == Scale::Vague { at + vague } else { at })
    }

    /// Whether nothing is left that it can be.
    pub(super) fn is_nothing(&self) -> bool {
        if self.other {
            return false;
        }
        if let Some(among) = &self.among {
            return !among.iter().any(|value| self.fits(value));
        }
        let (low, high) = (self.low, self.high);
        if low.at > high.at || low.at == high.at && !(low.inclusive && high.inclusive) {
            return true;
        }
        match self.scale {
            Scale::Whole => self.no_whole_number(),
            Scale::Dense if low.at == high.at => self.not.iter().any(|not| place(not) == Some(low.at)),
            _ => false,
        }
    }

    fn no_whole_number(&self) -> bool {
        let (first, last) = (self.low.at.ceil(), self.high.at.floor());
        if !first.is_finite() || !last.is_finite() || last - first > WHOLE_MAX {
            return false;
        }
        let mut at = first;
        while at <= last {
            if self.between(at) && !self.not.iter().any(|not| place(not) == Some(at)) {
                return false;
            }
            at += 1.0;
        }
        true
    }

    fn fits(&self, value: &Value) -> bool {
        // A value without a place is never more or less than another, so bounds say nothing of it.
        let within = |at: f64| self.between(at) && (self.scale != Scale::Whole || at.fract() == 0.0);
        !self.not.contains(value) && place(value).is_none_or(within)
    }

    fn between(&self, at: f64) -> bool {
        let (low, high) = (self.low, self.high);
        (at > low.at || at == low.at && low.inclusive) && (at < high.at || at == high.at && high.inclusive)
    }
}

/// Where a constant lies among those of its type: numbers as they are, dates and moments in days.
fn place(constant: &Value) -> Option<f64> {
    match constant {
        Value::Number(number) => Some(*number),
        Value::Date(date) => {
            let days = date.since(Date::ZERO).ok()?.get_days();
            Some(f64::from(days))
        }
        _ => None,
    }
}

/// The constant that an expression is, if it is one.
pub(super) fn constant(expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Value(Value::Unset | Value::Length(_) | Value::List(_) | Value::Moment(_)) => None,
        Expr::Value(value) => Some(value.clone()),
        Expr::Negate(inner) => match &**inner {
            Expr::Value(Value::Number(number)) => Some(Value::Number(-number)),
            _ => None,
        },
        _ => None,
    }
}

/// The constant beside a value: for one that is a moment, a clock time on a date is as good as the date.
pub(super) fn constant_beside(value: &Expr, expr: &Expr) -> Option<Value> {
    match expr {
        Expr::Wall(date, _) if Nature::of(value).of == Some(ValueType::Datetime) => Some(Value::Date(*date)),
        _ => constant(expr),
    }
}
