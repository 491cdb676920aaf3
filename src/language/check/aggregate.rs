use super::Checker;
use super::expression::{Around, OnBranch, Typed, a};
use super::names::EventFields;
use crate::domain::ValueType;
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Aggregate, AggregateFunction, Expr};
use crate::language::syntax::tree;
use crate::source::Span;

impl Checker<'_> {
    /// `count(E [in last D] [where COND])` and its like. Behind `where`, `event` is the event that is counted.
    pub(super) fn aggregate(&self, tree: &tree::Aggregate, span: Span, around: &Around<'_>) -> Typed {
        let event = self.event_named(&tree.event, Code::E101);
        let Some(function) = AggregateFunction::from_word(&tree.function.value) else {
            return Typed::unknown();
        };
        let field = event.as_ref().map(|event| self.aggregated(function, tree, event, span));
        if let Some(last) = &tree.last
            && last.value.is_zero()
        {
            self.report(
                Finding::new(Code::W607, last.span, "no event is that recent: this has no length")
                    .help("write how far back events count, such as `in last 30 days`"),
            );
        }
        let at_hand = event.clone().map_or(OnBranch::Bare, OnBranch::Event);
        let condition =
            tree.condition.as_ref().map(|condition| self.condition(condition, &around.with(at_hand)));
        let (Some(event), Some(Some(field))) = (event, field) else { return Typed::unknown() };
        use AggregateFunction as F;
        let of = match (function, &field) {
            (F::First | F::Last, _) => ValueType::Datetime,
            (F::Min | F::Max, Some((_, of))) => of.clone(),
            _ => ValueType::Number,
        };
        let last = tree.last.as_ref().map(|last| last.value);
        let aggregate = Aggregate { function, event: event.wire, field, last, condition };
        Typed::new(Expr::Aggregate(Box::new(aggregate)), of)
    }

    /// The property that is added up or compared, where the function has one; `None` where that cannot be known,
    /// or where a finding was made.
    fn aggregated(
        &self,
        function: AggregateFunction,
        tree: &tree::Aggregate,
        event: &EventFields,
        span: Span,
    ) -> Option<Option<(String, ValueType)>> {
        let word = function.word();
        match &tree.field {
            None if !function.has_field() => Some(None),
            None => {
                let message = format!("`{word}` does not say which field of `{}` it is about", event.name);
                let number = event.fields.iter().find(|field| suits(function, &field.of));
                let help = number.map_or_else(
                    || format!("write `{word}({}.FIELD)`", event.name),
                    |field| format!("write `{word}({}.{})`", event.name, field.name),
                );
                self.report(Finding::new(Code::E201, span, message).help(help));
                None
            }
            Some(name) if !function.has_field() => {
                let message = format!("`{word}` is about the events themselves and takes no field");
                let field = tree.event.span.to(name.span);
                let help = match function {
                    AggregateFunction::Count => format!(
                        "write `count({0})`, or `count({0} where event.{1} is set)`",
                        event.name, name.value
                    ),
                    _ => format!("write `{word}({})`: it is the moment of that event", event.name),
                };
                self.report(
                    Finding::new(Code::E201, name.span, message)
                        .help(help)
                        .edit(field, tree.event.value.clone()),
                );
                None
            }
            Some(name) => {
                let field = self.event_field(event, name)?;
                if suits(function, &field.of) {
                    return Some(Some((field.name, field.of)));
                }
                let verb = match function {
                    AggregateFunction::Min | AggregateFunction::Max => "has no smallest and largest",
                    _ => "cannot be added up",
                };
                let message = format!("`{}` is {}, which {verb}", field.name, a(&field.of));
                let numbers = event.fields.iter().filter(|field| suits(function, &field.of));
                let numbers: Vec<String> = numbers.map(|field| format!("`{}`", field.name)).collect();
                let finding = Finding::new(Code::E201, name.span, message);
                self.report(if numbers.is_empty() {
                    finding.help(format!("how many there are says `count({})`", event.name))
                } else {
                    finding.help(format!("`{word}` can be asked of {}", words::one_of(&numbers)))
                });
                None
            }
        }
    }
}

/// Whether a function can be asked of values of a type.
fn suits(function: AggregateFunction, of: &ValueType) -> bool {
    match of {
        ValueType::Number => function.has_field(),
        ValueType::Date | ValueType::Datetime => {
            matches!(function, AggregateFunction::Min | AggregateFunction::Max)
        }
        _ => false,
    }
}
