use super::Checker;
use super::expression::{Around, Typed, a, fits};
use crate::domain::{Value, ValueType};
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Operator};
use crate::language::syntax::{self, tree};
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn binary(
        &self,
        operator: &tree::Spanned<Operator>,
        left: &tree::Expression,
        right: &tree::Expression,
        around: &Around<'_>,
    ) -> Typed {
        if let Some(typed) = self.hyphened(operator.value, left, right) {
            return typed;
        }
        let (l, r) = (self.typed(left, around), self.typed(right, around));
        if matches!(operator.value, Operator::Or | Operator::And) && self.compared_once(left, &r, right.span)
        {
            return Typed::unknown();
        }
        let places = (left.span, right.span, operator.span);
        let of = self.result(operator.value, &l, &r, places);
        let expr = Expr::Binary(operator.value, Box::new(l.expr), Box::new(r.expr));
        Typed { expr, of, one_of: None }
    }

    /// `contact.first-name`, where the contact has a `first_name`: in an expression a hyphen is a minus.
    fn hyphened(
        &self,
        operator: Operator,
        left: &tree::Expression,
        right: &tree::Expression,
    ) -> Option<Typed> {
        use tree::ExpressionKind::{Field, Reference};
        let (Operator::Minus, Field(field), Reference(rest)) = (operator, &left.kind, &right.kind) else {
            return None;
        };
        let meant = format!("{}_{rest}", field.name.value);
        let known = self.names.contact.iter().any(|known| known.name == meant);
        if !known || left.span.end + 1 != right.span.start {
            return None;
        }
        let span = field.name.span.to(right.span);
        let message = format!("`{}-{rest}` is no field: in an expression `-` takes away", field.name.value);
        self.report(
            Finding::new(Code::E103, span, message)
                .help(format!("did you mean `{meant}`?"))
                .edit(span, meant),
        );
        Some(Typed::unknown())
    }

    /// `contact.country == "DE" or "AT"`: says so where what is compared is not said again.
    fn compared_once(&self, left: &tree::Expression, r: &Typed, place: Span) -> bool {
        let Expr::Value(Value::Text(_) | Value::Number(_)) = &r.expr else { return false };
        let sources = &self.files.sources;
        let compared = left.last_compared().map(|field| sources.text(field.span));
        let write = format!("{} == {}", compared.unwrap_or("contact.FIELD"), sources.text(place));
        let message = format!("`{}` alone is neither true nor false", sources.text(place));
        let finding = Finding::new(Code::E201, place, message);
        let finding = finding.help(format!("say again what is compared: `{write}`"));
        self.report(if compared.is_some() { finding.edit(place, write) } else { finding });
        true
    }

    /// The type of the result; `None` where it cannot be known.
    fn result(
        &self,
        operator: Operator,
        l: &Typed,
        r: &Typed,
        places: (Span, Span, Span),
    ) -> Option<ValueType> {
        use Operator as O;
        let (left, right, sign) = places;
        match operator {
            O::Or | O::And => {
                self.must_be(l, &ValueType::Boolean, left);
                self.must_be(r, &ValueType::Boolean, right);
            }
            O::Equal | O::NotEqual => {
                self.comparable(l, r, places);
                let never = operator == O::Equal;
                self.possible_value(l, &r.expr, right, never);
                self.possible_value(r, &l.expr, left, never);
            }
            O::Less | O::LessEqual | O::Greater | O::GreaterEqual => {
                self.comparable(l, r, places);
                let unordered = |typed: &Typed| {
                    matches!(typed.of, Some(ValueType::Text | ValueType::Boolean | ValueType::List(_)))
                };
                if unordered(l) && unordered(r) {
                    let of = l.of.as_ref().map_or_else(String::new, a);
                    self.report(
                        Finding::new(Code::E201, sign, format!("there is no more and less with {of}"))
                            .help("compare numbers or dates, or ask with `==` and `!=`"),
                    );
                }
            }
            O::In | O::NotIn => self.in_list(l, r, left, right),
            O::Contains => self.contains(l, r, places),
            O::StartsWith | O::EndsWith => {
                self.must_be(l, &ValueType::Text, left);
                self.must_be(r, &ValueType::Text, right);
            }
            O::Plus | O::Minus | O::Times | O::DividedBy => return self.sum(operator, l, r, places),
        }
        Some(ValueType::Boolean)
    }

    fn comparable(&self, l: &Typed, r: &Typed, (left_place, right_place, sign): (Span, Span, Span)) {
        let (Some(left), Some(right)) = (&l.of, &r.of) else { return };
        if fits(left, right) {
            return;
        }
        let message = format!("{} and {} cannot be compared", a(left), a(right));
        let mut finding = Finding::new(Code::E201, sign, message);
        let meant = [(right_place, left), (left_place, right)]
            .into_iter()
            .find_map(|(place, wanted)| Some((place, self.with_other_quotes(place, wanted)?)));
        if let Some((place, write)) = meant {
            finding = finding.edit(place, write);
        }
        self.report(match (left, right) {
            (ValueType::Number, ValueType::Text) | (ValueType::Text, ValueType::Number) => {
                finding.help("numbers stand without quotes, texts in quotes")
            }
            (ValueType::List(_), _) => finding.help("ask whether a list holds something with `contains`"),
            (_, ValueType::List(_)) => finding.help("ask whether something is in a list with `in`"),
            (ValueType::Date | ValueType::Datetime, ValueType::Text) => {
                finding.help("dates stand without quotes: `2027-03-01`")
            }
            (ValueType::Date | ValueType::Datetime, ValueType::Number) => {
                finding.help("a date is written year, month, day: `2027-03-01`")
            }
            (ValueType::Number, ValueType::Length) => finding
                .help("`days since` and its like count days: compare with a number alone, such as `> 3`"),
            (ValueType::Date | ValueType::Datetime, ValueType::Length) => {
                finding.help("to count how long ago something was write `days since contact.FIELD > 3`")
            }
            (ValueType::Boolean, _) | (_, ValueType::Boolean) => {
                finding.help("ask for `true` or `false`, without quotes")
            }
            _ => finding,
        });
    }

    /// A value that would be of the wanted type if it stood in quotes, or without them.
    pub(super) fn with_other_quotes(&self, place: Span, wanted: &ValueType) -> Option<String> {
        use tree::ExpressionKind as E;
        let text = self.files.sources.text(place);
        let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
        let (value, findings) = syntax::parse_expression(place.source, inner.unwrap_or(text), 0);
        let literal = matches!(
            (&value.kind, wanted, inner),
            (E::Number(_), ValueType::Number, Some(_))
                | (E::Moment(_), ValueType::Date | ValueType::Datetime, Some(_))
                | (E::Boolean(_), ValueType::Boolean, Some(_))
                | (E::Number(_), ValueType::Text, None)
        );
        let write = inner.map_or_else(|| format!("\"{text}\""), str::to_owned);
        (literal && findings.is_empty()).then_some(write)
    }

    /// Says so where a field is compared with a value it never has: the answer is known without asking.
    fn possible_value(&self, field: &Typed, other: &Expr, span: Span, never: bool) {
        let Some((name, value, allowed)) = impossible(field, other) else { return };
        let always = if never { "never" } else { "always" };
        let allowed: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        let near = words::near(&value.to_string(), allowed.iter().map(String::as_str)).map(str::to_owned);
        let finding =
            Finding::new(Code::W607, span, format!("this is {always} true: {value} is no value of `{name}`"));
        self.report(match near {
            Some(near) => finding.help(format!("did you mean {near}?")).edit(span, near),
            None => finding.help(format!("its values are {}", words::all_of(&allowed))),
        });
    }

    /// Says so where a list holds a value that the field never has.
    fn allowed_value(&self, field: &Typed, other: &Expr, span: Span) {
        if let Some((name, value, allowed)) = impossible(field, other) {
            self.outside_one_of(span, value, name, allowed);
        }
    }

    fn in_list(&self, l: &Typed, r: &Typed, left: Span, right: Span) {
        match &r.of {
            Some(ValueType::List(of)) => {
                self.must_be(l, of, left);
                if let Expr::List(items) = &r.expr {
                    for item in items {
                        self.allowed_value(l, item, right);
                    }
                }
            }
            Some(other) => self.report(
                Finding::new(Code::E201, right, format!("`in` wants a list, and this is {}", a(other))).help(
                    if *other == ValueType::Length {
                        "write `within` to say how long something counts, and a list as `[\"DE\", \"AT\"]`"
                    } else {
                        "write the values in brackets: `[\"DE\", \"AT\"]`"
                    },
                ),
            ),
            None => {}
        }
    }

    fn contains(&self, l: &Typed, r: &Typed, places: (Span, Span, Span)) {
        match &l.of {
            Some(ValueType::List(of)) => {
                self.must_be(r, of, places.1);
            }
            Some(ValueType::Text) => {
                self.must_be(r, &ValueType::Text, places.1);
            }
            Some(other) => self.report(
                Finding::new(Code::E201, places.0, format!("{} cannot contain anything", a(other)))
                    .help("`contains` asks about a list or a text"),
            ),
            None => {}
        }
    }

    fn sum(&self, operator: Operator, l: &Typed, r: &Typed, places: (Span, Span, Span)) -> Option<ValueType> {
        use ValueType as T;
        let (Some(left), Some(right)) = (&l.of, &r.of) else { return None };
        let shift = matches!(operator, Operator::Plus | Operator::Minus);
        match (left, right) {
            (T::Number, T::Number) => Some(T::Number),
            (T::Text, T::Text) if operator == Operator::Plus => Some(T::Text),
            (T::Date, T::Length) if shift => match &r.expr {
                Expr::Value(Value::Length(length)) if length.unit >= crate::time::Unit::Day => Some(T::Date),
                _ => Some(T::Datetime),
            },
            (T::Datetime, T::Length) if shift => Some(T::Datetime),
            (T::Length, T::Date | T::Datetime) if operator == Operator::Plus => Some(T::Datetime),
            _ => {
                let verb = match operator {
                    Operator::Plus => "added",
                    Operator::Minus => "subtracted",
                    Operator::Times => "multiplied",
                    _ => "divided",
                };
                let message = format!("{} and {} cannot be {verb}", a(left), a(right));
                let finding = Finding::new(Code::E201, places.2, message);
                self.report(match (left, right) {
                    (T::Date | T::Datetime, T::Number) => finding.help("say of what: `3 days`"),
                    (T::Date | T::Datetime, T::Date | T::Datetime) => {
                        finding.help("for the time between two moments write `days since …`")
                    }
                    _ => finding,
                });
                None
            }
        }
    }
}

/// The value of an expression where the field on the other side cannot have it.
fn impossible<'e>(field: &'e Typed, other: &'e Expr) -> Option<(&'e str, &'e Value, &'e [Value])> {
    let ((name, allowed), Expr::Value(value)) = (field.one_of.as_ref()?, other) else { return None };
    let fits = field.of.as_ref().is_some_and(|of| of_type(value, of));
    (fits && !allowed.contains(value)).then_some((name, value, allowed))
}

fn of_type(value: &Value, of: &ValueType) -> bool {
    matches!((value, of), (Value::Text(_), ValueType::Text) | (Value::Number(_), ValueType::Number))
}
