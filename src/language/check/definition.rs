use super::Checker;
use super::expression::{Around, Typed, a};
use super::names::NameKind;
use crate::domain::ValueType;
use crate::finding::{Code, Finding};
use crate::language::model::Expr;
use crate::language::syntax::{self, tree};
use crate::source::{SourceId, Span};

/// Of how many parts a measure or a segment consists at the most, with all that it names written out.
const PARTS_MAX: usize = 1_000;
/// How many measures and segments stand in each other at the most.
const DEPTH_MAX: usize = 50;

impl Checker<'_> {
    /// `in segment NAME`
    pub(super) fn in_segment(&self, name: &tree::Name) -> Typed {
        if !self.names.segments.contains_key(&name.value) {
            self.unknown(Code::E101, NameKind::Segment, name, self.names.segments.keys().map(String::as_str));
            return Typed::unknown();
        }
        self.uses(NameKind::Segment, &name.value);
        self.used_here(NameKind::Segment, name, None);
        self.definition(NameKind::Segment, &name.value, name.span)
    }

    /// What every measure and segment means, be it used or not.
    pub(super) fn definitions(&self) {
        self.definitions_where(|_| true);
    }

    /// What those mean that are declared in a file.
    pub(super) fn definitions_in(&self, source: SourceId) {
        self.definitions_where(|name| name.span.source == source);
    }

    fn definitions_where(&self, wanted: impl Fn(&tree::Name) -> bool) {
        for (name, tree) in self.names.measures.iter().filter(|(_, tree)| wanted(&tree.name)) {
            self.is_reserved(&tree.name);
            self.definition(NameKind::Measure, name, tree.name.span);
        }
        for (name, tree) in self.names.segments.iter().filter(|(_, tree)| wanted(&tree.name)) {
            self.definition(NameKind::Segment, name, tree.name.span);
        }
    }

    /// What a measure or a segment means, written out; `place` is where it is asked for.
    pub(super) fn definition(&self, kind: NameKind, name: &str, place: Span) -> Typed {
        let key = (kind, name.to_owned());
        if let Some(known) = self.defined.borrow().get(&key) {
            return known.clone();
        }
        let trees = if kind == NameKind::Measure { &self.names.measures } else { &self.names.segments };
        let Some(tree) = trees.get(name) else { return Typed::unknown() };
        if !self.may_be_entered(&key, place) {
            return Typed::unknown();
        }
        self.defining.borrow_mut().push(key.clone());
        let typed = match kind {
            NameKind::Measure => self.measured(tree),
            _ => Typed::new(self.condition(&tree.value, &Around::nothing()), ValueType::Boolean),
        };
        self.defining.borrow_mut().pop();
        let typed = if parts(&typed.expr) > PARTS_MAX {
            let message = format!(
                "the {} `{name}` consists of more than {PARTS_MAX} parts with all that it names",
                kind.noun()
            );
            self.report(
                Finding::new(Code::E201, tree.name.span, message)
                    .help("ask for less, or keep what is computed in an attribute: `set contact.FIELD = …`"),
            );
            Typed::unknown()
        } else {
            typed
        };
        self.defined.borrow_mut().insert(key, typed.clone());
        typed
    }

    /// Says so where a definition stands in itself, or too many stand in each other.
    fn may_be_entered(&self, key: &(NameKind, String), place: Span) -> bool {
        let defining = self.defining.borrow();
        let (noun, name) = (key.0.noun(), &key.1);
        if let Some(start) = defining.iter().position(|known| known == key) {
            let through: Vec<String> =
                defining.iter().skip(start).map(|(_, name)| format!("`{name}`")).collect();
            let message = format!(
                "the {noun} `{name}` asks about itself: {} and then `{name}` again",
                through.join(", ")
            );
            self.report(
                Finding::new(Code::E303, place, message).help("write what it depends on without the circle"),
            );
            return false;
        }
        if defining.len() >= DEPTH_MAX {
            let message = format!("the {noun} `{name}` stands in more than {DEPTH_MAX} others");
            self.report(Finding::new(Code::E201, place, message).help("write some of them out"));
            return false;
        }
        true
    }

    /// A measure is a number or a moment.
    fn measured(&self, tree: &tree::Definition) -> Typed {
        let typed = self.typed(&tree.value, &Around::nothing());
        let name = &tree.name.value;
        match &typed.of {
            None | Some(ValueType::Number | ValueType::Date | ValueType::Datetime) => typed,
            Some(of) => {
                let message = format!("a measure is a number or a moment, and `{name}` is {}", a(of));
                let finding = Finding::new(Code::E201, tree.value.span, message);
                self.report(if *of == ValueType::Boolean {
                    finding.help(format!("what is true or false is a segment: `segment {name} = …`"))
                } else {
                    finding.help("measures are computed, such as `sum(order_placed.total)`")
                });
                Typed::unknown()
            }
        }
    }

    /// Says so where the name of a measure means something else in an expression.
    fn is_reserved(&self, name: &tree::Name) {
        let (tree, _) = syntax::parse_expression(name.span.source, &name.value, 0);
        if !matches!(tree.kind, tree::ExpressionKind::Reference(_)) {
            let message = format!("`{}` means something else in an expression already", name.value);
            self.report(Finding::new(Code::E102, name.span, message).help("give the measure another name"));
        }
    }
}

fn parts(expr: &Expr) -> usize {
    let mut count = 0;
    expr.walk(&mut |_| count += 1);
    count
}
