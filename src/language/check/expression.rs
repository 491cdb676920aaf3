use super::Checker;
use super::flow::Asked;
use super::names::{EventFields, NameKind};
use super::occurrence::Role;
use crate::domain::{Contact, Value, ValueType};
use crate::finding::words;
use crate::finding::{Code, Finding};
use crate::language::model::{Expr, Field, ReactionKind, Scope};
use crate::language::syntax::tree::{self, ExpressionKind};
use crate::source::Span;

/// An expression with what is known of its value.
#[derive(Clone, Debug)]
pub(super) struct Typed {
    pub(super) expr: Expr,
    /// Its type; `None` where it cannot be known, or where a finding was made already.
    pub(super) of: Option<ValueType>,
    /// The only values it can have, and the field they belong to.
    pub(super) one_of: Option<(String, Vec<Value>)>,
}

impl Typed {
    pub(super) fn new(expr: Expr, of: ValueType) -> Self {
        Self { expr, of: Some(of), one_of: None }
    }

    /// Stands for what could not be resolved.
    pub(super) fn unknown() -> Self {
        Self { expr: Expr::Value(Value::Unset), of: None, one_of: None }
    }

    /// Where a field holds dates, a moment becomes the day it is on: the clock that says which is at hand now, and
    /// not where the field is read.
    pub(super) fn become_days(&mut self, wanted: &ValueType) {
        let days = match wanted {
            ValueType::List(of) => **of == ValueType::Date,
            of => *of == ValueType::Date,
        };
        if days && self.of.as_ref() != Some(wanted) {
            let expr = std::mem::replace(&mut self.expr, Expr::Value(Value::Unset));
            self.expr = Expr::DayOf(Box::new(expr));
        }
    }
}

/// What stands around an expression and can be asked about there.
#[derive(Clone, Default)]
pub(super) struct Around<'a> {
    /// The event that led into the journey; `None` outside journeys.
    pub(super) entry: Option<&'a Entry>,
    /// What is at hand: the event of the clause, the trigger of the branch.
    pub(super) at_hand: Option<OnBranch>,
    /// The `on` branches around, the outermost first.
    pub(super) branches: Vec<OnBranch>,
    /// The messages that the journey sends; `None` outside journeys.
    pub(super) sent: Option<&'a [String]>,
    /// Whether a `repeat` stands around.
    pub(super) repeats: bool,
}

/// What a branch was taken for.
#[derive(Clone, Debug)]
pub(super) enum OnBranch {
    Event(EventFields),
    Reply,
    /// Something without fields.
    Bare,
}

/// What is known of the events that lead into a journey.
#[derive(Clone, Debug, Default)]
pub(super) struct Entry {
    pub(super) events: Vec<EventFields>,
    /// One can enter with fields that nothing declares: by request.
    pub(super) free: bool,
}

impl Around<'_> {
    /// Outside journeys: only the contact can be asked about.
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    /// The same place with something at hand.
    pub(super) fn with(&self, at_hand: OnBranch) -> Self {
        Self { at_hand: Some(at_hand), ..self.clone() }
    }

    /// Inside a branch.
    pub(super) fn inside(&self, branch: OnBranch) -> Self {
        let mut around = self.clone();
        around.branches.push(branch);
        around
    }

    /// The event or the answer that is meant, and where it is kept.
    pub(super) fn innermost(&self, fits: impl Fn(&OnBranch) -> bool) -> Option<(&OnBranch, Option<u8>)> {
        if let Some(at_hand) = self.at_hand.as_ref().filter(|branch| fits(branch)) {
            return Some((at_hand, None));
        }
        let found = self.branches.iter().enumerate().rev().find(|(_, branch)| fits(branch));
        found.map(|(depth, branch)| (branch, u8::try_from(depth).ok()))
    }
}

impl Checker<'_> {
    /// An expression that must be true or false.
    pub(super) fn condition(&self, tree: &tree::Expression, around: &Around<'_>) -> Expr {
        let told_before = self.findings.borrow().len();
        let typed = self.typed(tree, around);
        self.must_be(&typed, &ValueType::Boolean, tree.span);
        let told = self.findings.borrow().iter().skip(told_before).any(|new| tree.span.contains(new.span));
        if !told && !self.is_broken(tree.span) {
            self.same_for_everybody(tree, &typed.expr, around);
        }
        typed.expr
    }

    /// Resolves an expression and finds out its type.
    pub(super) fn typed(&self, tree: &tree::Expression, around: &Around<'_>) -> Typed {
        let span = tree.span;
        match &tree.kind {
            ExpressionKind::Text(text) => Typed::new(Expr::Value(Value::Text(text.clone())), ValueType::Text),
            ExpressionKind::Number(number) | ExpressionKind::Share(number) => {
                Typed::new(Expr::Value(Value::Number(*number)), ValueType::Number)
            }
            ExpressionKind::Boolean(boolean) => {
                Typed::new(Expr::Value(Value::Boolean(*boolean)), ValueType::Boolean)
            }
            ExpressionKind::Length(length) => {
                Typed::new(Expr::Value(Value::Length(*length)), ValueType::Length)
            }
            ExpressionKind::ClockTime(_) => {
                self.report(Finding::new(Code::E201, span, "a time of day is no value here").help(
                    "a value is a text, a number, a date such as `2027-03-01 09:00`, `true` or `false`",
                ));
                Typed::unknown()
            }
            ExpressionKind::Moment(moment) => match moment.time {
                Some(time) => Typed::new(Expr::Wall(moment.date, time), ValueType::Datetime),
                None => Typed::new(Expr::Value(Value::Date(moment.date)), ValueType::Date),
            },
            ExpressionKind::List(items) => self.list(items, around),
            ExpressionKind::Field(field) => self.field_value(field, around),
            ExpressionKind::Reference(name) => self.reference(name, span, around),
            ExpressionKind::Today => Typed::new(Expr::Today, ValueType::Date),
            ExpressionKind::Now => Typed::new(Expr::Now, ValueType::Datetime),
            ExpressionKind::Since { unit, of } | ExpressionKind::Until { unit, of } => {
                let inner = self.moment_like(of, around);
                let expr = match &tree.kind {
                    ExpressionKind::Since { .. } => Expr::Since(*unit, Box::new(inner)),
                    _ => Expr::Until(*unit, Box::new(inner)),
                };
                Typed::new(expr, ValueType::Number)
            }
            ExpressionKind::InSegment(name) => self.in_segment(name),
            ExpressionKind::HasTag(tag) => {
                self.tag_here(tag, Role::Use);
                Typed::new(Expr::HasTag(tag.value.clone()), ValueType::Boolean)
            }
            ExpressionKind::Allows(name) => {
                self.topic(name);
                // What needs no permission is allowed by everybody, and that is said where it stands.
                let essential = self.names.topics.get(&name.value).is_some_and(|topic| topic.essential);
                let allows = if essential { Expr::TRUE } else { Expr::Allows(name.value.clone()) };
                Typed::new(allows, ValueType::Boolean)
            }
            ExpressionKind::Reaction { kind, of, link } => {
                self.reaction(*kind, of, link.as_ref(), around, span)
            }
            ExpressionKind::Aggregate(aggregate) => self.aggregate(aggregate, span, around),
            ExpressionKind::Not(inner) => {
                let typed = self.typed(inner, around);
                self.must_be(&typed, &ValueType::Boolean, inner.span);
                Typed::new(Expr::Not(Box::new(typed.expr)), ValueType::Boolean)
            }
            ExpressionKind::Negate(inner) => {
                let typed = self.typed(inner, around);
                self.must_be(&typed, &ValueType::Number, inner.span);
                Typed::new(Expr::Negate(Box::new(typed.expr)), ValueType::Number)
            }
            ExpressionKind::Binary { operator, left, right } => self.binary(operator, left, right, around),
            ExpressionKind::IsSet { of, negated } => {
                let set = Expr::IsSet(Box::new(self.typed(of, around).expr));
                let expr = if *negated { Expr::Not(Box::new(set)) } else { set };
                Typed::new(expr, ValueType::Boolean)
            }
            ExpressionKind::Broken => Typed::unknown(),
        }
    }

    /// Says so where a value is not of the wanted type; `None` then.
    pub(super) fn must_be(&self, typed: &Typed, wanted: &ValueType, span: Span) -> Option<()> {
        let Some(of) = &typed.of else { return Some(()) };
        if fits(of, wanted) {
            return Some(());
        }
        let text = self.files.sources.text(span);
        let short =
            if text.len() > 40 || text.contains('\n') { "this".to_owned() } else { format!("`{text}`") };
        let want = if *wanted == ValueType::Datetime { "a date or a moment".to_owned() } else { a(wanted) };
        let mut finding =
            Finding::new(Code::E201, span, format!("{short} is {}, and {want} is wanted here", a(of)));
        if let Some(write) = self.with_other_quotes(span, wanted) {
            finding = finding.edit(span, write);
        }
        if let (ValueType::List(_), true) = (wanted, text.starts_with('"')) {
            let write = if text == "\"\"" { "[]".to_owned() } else { format!("[{text}]") };
            finding = finding.help(format!("a list stands in brackets: `{write}`")).edit(span, write);
        }
        self.report(match (wanted, of) {
            (ValueType::Boolean, _) => {
                finding.help("compare it with something, such as `== \"DE\"` or `>= 50`, or ask `is set`")
            }
            (ValueType::Number, ValueType::Text) => finding.help("numbers stand without quotes"),
            (ValueType::Text, ValueType::Number | ValueType::Boolean) => {
                finding.help("texts stand in quotes")
            }
            (ValueType::Date | ValueType::Datetime, ValueType::Text) => {
                finding.help("dates and times stand without quotes: `2027-03-01`, `09:00`")
            }
            _ => finding,
        });
        None
    }

    fn list(&self, items: &[tree::Expression], around: &Around<'_>) -> Typed {
        let mut of: Option<ValueType> = None;
        let mut list = Vec::new();
        for item in items {
            let typed = self.typed(item, around);
            if let Some(first) = &of {
                self.must_be(&typed, first, item.span);
            }
            of = of.or(typed.of);
            list.push(typed.expr);
        }
        let of = of.map(|of| ValueType::List(Box::new(of)));
        Typed { expr: Expr::List(list), of, one_of: None }
    }

    /// The inside of `since` and `until`: a date or a moment.
    fn moment_like(&self, tree: &tree::Expression, around: &Around<'_>) -> Expr {
        let typed = self.typed(tree, around);
        self.must_be(&typed, &ValueType::Datetime, tree.span);
        typed.expr
    }

    fn field_value(&self, field: &tree::FieldName, around: &Around<'_>) -> Typed {
        match field.scope.value {
            Scope::Contact => self.contact_field(&field.name).map_or_else(Typed::unknown, |found| {
                let default = found.default.clone().unwrap_or_default();
                typed_field(&found, Expr::Contact { name: found.name.clone(), of: found.of.clone(), default })
            }),
            Scope::Entry => self.entry_field(field, around),
            Scope::Event => match around.innermost(|branch| matches!(branch, OnBranch::Event(_))) {
                Some((OnBranch::Event(event), depth)) => {
                    let found = self.event_field(event, &field.name);
                    found.map_or_else(Typed::unknown, |found| {
                        let expr = Expr::Event { name: found.name.clone(), of: found.of.clone(), depth };
                        typed_field(&found, expr)
                    })
                }
                _ => self.nothing_there(
                    field,
                    "event",
                    "`event` can be asked about in the clause of an event and inside `on EVENT { … }`",
                ),
            },
            Scope::Reply => match around.innermost(|branch| matches!(branch, OnBranch::Reply)) {
                Some((_, depth)) => Typed {
                    expr: Expr::Reply { name: field.name.value.clone(), depth },
                    of: None,
                    one_of: None,
                },
                None => self.nothing_there(
                    field,
                    "reply",
                    "`reply` can be asked about inside `on reply { … }` behind a `call`",
                ),
            },
        }
    }

    fn nothing_there(&self, field: &tree::FieldName, what: &str, help: &str) -> Typed {
        let span = field.scope.span.to(field.name.span);
        self.report(
            Finding::new(Code::E306, span, format!("there is no {what} here to ask about")).help(help),
        );
        Typed::unknown()
    }

    fn entry_field(&self, field: &tree::FieldName, around: &Around<'_>) -> Typed {
        let Some(entry) = around.entry else {
            return self.nothing_there(field, "entry", "`entry` can be asked about inside a journey");
        };
        let name = &field.name.value;
        self.used_as_entry(
            &field.name,
            entry.events.iter().map(|event| (event.name.as_str(), event.fields.as_slice())),
        );
        let found =
            entry.events.iter().find_map(|event| event.fields.iter().find(|field| field.name == *name));
        if let Some(found) = found {
            return typed_field(found, Expr::Entry { name: found.name.clone(), of: Some(found.of.clone()) });
        }
        let open = entry.free || entry.events.iter().any(|event| event.open);
        if !open {
            let known =
                entry.events.iter().flat_map(|event| event.fields.iter().map(|field| field.name.as_str()));
            let ways: Vec<String> = entry.events.iter().map(|event| format!("`{}`", event.name)).collect();
            let owner = if ways.is_empty() {
                "nothing that leads into this journey".to_owned()
            } else {
                format!("the event {} that leads into this journey", words::one_of(&ways))
            };
            self.no_field(&field.name, &owner, known, ways.is_empty());
            return Typed::unknown();
        }
        Typed { expr: Expr::Entry { name: name.clone(), of: None }, of: None, one_of: None }
    }

    /// Takes down the use of a field that is one of each event that leads in and has it.
    pub(super) fn used_as_entry<'e>(
        &self,
        name: &tree::Name,
        events: impl Iterator<Item = (&'e str, &'e [Field])>,
    ) {
        for (event, fields) in events {
            if fields.iter().any(|field| field.name == name.value) {
                self.used_here(NameKind::EventField, name, Some(event));
            }
        }
    }

    /// The attribute of that name, declared or built-in.
    pub(super) fn contact_field(&self, name: &tree::Name) -> Option<Field> {
        if let Some(of) = Contact::built_in_type(&name.value) {
            self.used_here(NameKind::ContactField, name, None);
            return Some(Field {
                name: name.value.clone(),
                span: name.span,
                of,
                one_of: None,
                default: None,
            });
        }
        let found = self.names.contact.iter().find(|field| field.name == name.value);
        if found.is_none() && !self.names.contact_is_broken {
            let declared = self.names.contact.iter().map(|field| field.name.as_str());
            let known = declared.chain(Contact::BUILT_IN);
            self.missing_here(NameKind::ContactField, name, None);
            self.no_field(name, "a contact", known, false);
        }
        if found.is_some() {
            self.used_here(NameKind::ContactField, name, None);
        }
        found.cloned()
    }

    pub(super) fn event_field(&self, event: &EventFields, name: &tree::Name) -> Option<Field> {
        let found = event.fields.iter().find(|field| field.name == name.value);
        if found.is_none() && !event.open {
            let known = event.fields.iter().map(|field| field.name.as_str());
            self.missing_here(NameKind::EventField, name, Some(&event.name));
            self.no_field(name, &format!("the event `{}`", event.name), known, false);
        }
        if found.is_some() {
            self.used_here(NameKind::EventField, name, Some(&event.name));
        }
        found.cloned()
    }

    pub(super) fn no_field<'n>(
        &self,
        name: &tree::Name,
        owner: &str,
        known: impl IntoIterator<Item = &'n str> + Clone,
        has: bool,
    ) {
        let message = if has {
            format!("{owner} has a field `{}`", name.value)
        } else {
            format!("{owner} has no field `{}`", name.value)
        };
        let finding = Finding::new(Code::E103, name.span, message);
        if !self.may_guess(known.clone().into_iter().count()) {
            self.report(finding);
            return;
        }
        let near = words::near(&name.value, known.clone()).map(str::to_owned);
        let help = words::did_you_mean(&name.value, "fields there are", known);
        let finding =
            finding.maybe_help(help.or_else(|| Some("declare it where the event is declared".to_owned())));
        self.report(match near {
            Some(near) => finding.edit(name.span, near),
            None => finding,
        });
    }

    /// Whether there is a topic of that name.
    pub(super) fn topic(&self, name: &tree::Name) -> bool {
        let known = self.names.topics.contains_key(&name.value);
        if known {
            self.uses(NameKind::Topic, &name.value);
            self.used_here(NameKind::Topic, name, None);
        } else {
            self.unknown(Code::E101, NameKind::Topic, name, self.names.topics.keys().map(String::as_str));
        }
        known
    }

    fn reaction(
        &self,
        kind: ReactionKind,
        of: &tree::Name,
        link: Option<&tree::Text>,
        around: &Around<'_>,
        span: Span,
    ) -> Typed {
        let Some(sent) = around.sent else {
            let message = "a reaction can be asked about only inside a journey";
            self.report(
                Finding::new(Code::E306, span, message).help("here only the contact can be asked about"),
            );
            return Typed::unknown();
        };
        if !self.reaction_target(kind, of) {
            return Typed::unknown();
        }
        if kind != ReactionKind::Answered {
            let asked = Asked { span, kind, message: of.value.clone(), sent: sent.contains(&of.value) };
            self.asked.borrow_mut().push(asked);
        }
        let link = link.map(|link| link.value.clone());
        Typed::new(Expr::Reaction { kind, message: of.value.clone(), link }, ValueType::Boolean)
    }

    /// Whether what a reaction is about is declared, be it a message or a survey.
    pub(super) fn reaction_target(&self, kind: ReactionKind, of: &tree::Name) -> bool {
        if kind == ReactionKind::Answered {
            return self.survey_named(of, Code::E101);
        }
        let known = self.names.messages.contains_key(&of.value);
        if known {
            self.used_here(NameKind::Message, of, None);
        } else {
            self.unknown(Code::E101, NameKind::Message, of, self.names.messages.keys().map(String::as_str));
        }
        known
    }
}

/// The fields that can be asked about where a reaction is at hand.
pub(super) fn reaction_fields(kind: ReactionKind) -> OnBranch {
    OnBranch::Event(EventFields::system(kind.event()))
}

fn typed_field(field: &Field, expr: Expr) -> Typed {
    let one_of = field.one_of.clone().map(|values| (field.name.clone(), values));
    Typed { expr, of: Some(field.of.clone()), one_of }
}

/// Whether a value of one type can stand where another is wanted: a date is a moment, its midnight.
pub(super) fn fits(of: &ValueType, wanted: &ValueType) -> bool {
    match (of, wanted) {
        (ValueType::Date, ValueType::Datetime) | (ValueType::Datetime, ValueType::Date) => true,
        (ValueType::List(of), ValueType::List(wanted)) => fits(of, wanted),
        _ => of == wanted,
    }
}

/// The type with its article: `a number`, `text`.
pub(super) fn a(of: &ValueType) -> String {
    match of {
        ValueType::Text => "text".to_owned(),
        ValueType::Boolean => "true or false".to_owned(),
        _ => format!("a {of}"),
    }
}
