//! The grammar as data, for asking what it could take: read from the very file that the parser is made of.

use std::sync::LazyLock;

use pest_meta::ast::{Expr, RuleType};
use pest_meta::parser;

use super::node::Rule;
use super::token;

/// The rules of `grammar/journey.pest`.
pub(super) struct Rules {
    pub(super) all: Vec<Definition>,
    pub(super) file: usize,
    pub(super) whitespace: usize,
    pub(super) comment: usize,
}

/// One rule.
pub(super) struct Definition {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether it brings a block of entries.
    pub(super) is_block: bool,
    pub(super) body: Part,
}

/// What a rule does with blanks inside it, and whether the tree shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Blanks may stand between its parts.
    Plain,
    /// The same, and the tree does not show it.
    Silent,
    /// One word or sign: no blanks, and nothing inside is looked at.
    Word,
    /// No blanks, and what is inside is looked at.
    Close,
    /// Blanks again, inside a [`Kind::Close`].
    Loose,
}

/// A part of a rule.
pub(super) enum Part {
    Text(String),
    AnyCase(String),
    Range(char, char),
    Any,
    Start,
    End,
    Rule(usize),
    Ahead(Box<Part>),
    NotAhead(Box<Part>),
    Sequence(Vec<Part>),
    Choice(Vec<Part>),
    /// At least so often, at most so often.
    Repeat(Box<Part>, usize, usize),
    /// Something that the grammar does not use.
    Never,
}

/// The grammar.
pub(super) static RULES: LazyLock<Rules> =
    LazyLock::new(|| Rules::read(include_str!("../../../grammar/journey.pest")));

impl Rules {
    /// Reads a grammar; one that cannot be read, which would not compile either, has no rules.
    fn read(grammar: &str) -> Self {
        let pairs = parser::parse(parser::Rule::grammar_rules, grammar);
        let rules = pairs.ok().and_then(|pairs| parser::consume_rules(pairs).ok()).unwrap_or_default();
        let names: std::collections::HashMap<&str, usize> =
            rules.iter().enumerate().map(|(index, rule)| (rule.name.as_str(), index)).collect();
        let named = |name: &str| names.get(name).copied().unwrap_or(usize::MAX);
        let blocks: Vec<String> = Rule::all_rules()
            .iter()
            .filter(|rule| token::is_block(**rule))
            .map(|rule| format!("{rule:?}"))
            .collect();
        let definition = |rule: &pest_meta::ast::Rule| Definition {
            name: rule.name.clone(),
            kind: match rule.ty {
                RuleType::Normal => Kind::Plain,
                RuleType::Silent => Kind::Silent,
                RuleType::Atomic => Kind::Word,
                RuleType::CompoundAtomic => Kind::Close,
                RuleType::NonAtomic => Kind::Loose,
            },
            is_block: rule.name == "file" || blocks.contains(&rule.name),
            body: part(&rule.expr, &named),
        };
        Self {
            all: rules.iter().map(definition).collect(),
            file: named("file"),
            whitespace: named("WHITESPACE"),
            comment: named("COMMENT"),
        }
    }
}

fn part(expr: &Expr, named: &dyn Fn(&str) -> usize) -> Part {
    let inner = |expr: &Expr| Box::new(part(expr, named));
    let count = |count: &u32| usize::try_from(*count).unwrap_or(usize::MAX);
    let letter = |text: &str| text.chars().next().unwrap_or_default();
    match expr {
        Expr::Str(text) => Part::Text(text.clone()),
        Expr::Insens(text) => Part::AnyCase(text.clone()),
        Expr::Range(from, to) => Part::Range(letter(from), letter(to)),
        Expr::Ident(name) => match name.as_str() {
            "ANY" => Part::Any,
            "SOI" => Part::Start,
            "EOI" => Part::End,
            "ASCII_DIGIT" => Part::Range('0', '9'),
            name => Part::Rule(named(name)),
        },
        Expr::PosPred(expr) => Part::Ahead(inner(expr)),
        Expr::NegPred(expr) => Part::NotAhead(inner(expr)),
        Expr::Seq(first, rest) => Part::Sequence(flat([first, rest], named, |part| match part {
            Part::Sequence(parts) => Ok(parts),
            part => Err(part),
        })),
        Expr::Choice(first, rest) => Part::Choice(flat([first, rest], named, |part| match part {
            Part::Choice(parts) => Ok(parts),
            part => Err(part),
        })),
        Expr::Opt(expr) => Part::Repeat(inner(expr), 0, 1),
        Expr::Rep(expr) => Part::Repeat(inner(expr), 0, usize::MAX),
        Expr::RepOnce(expr) => Part::Repeat(inner(expr), 1, usize::MAX),
        Expr::RepExact(expr, times) => Part::Repeat(inner(expr), count(times), count(times)),
        Expr::RepMin(expr, least) => Part::Repeat(inner(expr), count(least), usize::MAX),
        Expr::RepMax(expr, most) => Part::Repeat(inner(expr), 0, count(most)),
        Expr::RepMinMax(expr, least, most) => Part::Repeat(inner(expr), count(least), count(most)),
        Expr::PeekSlice(..) | Expr::Skip(_) | Expr::Push(_) => Part::Never,
    }
}

/// Two parts of a row in one, be they rows themselves.
fn flat(
    both: [&Expr; 2],
    named: &dyn Fn(&str) -> usize,
    row: impl Fn(Part) -> Result<Vec<Part>, Part>,
) -> Vec<Part> {
    both.into_iter().flat_map(|expr| row(part(expr, named)).unwrap_or_else(|part| vec![part])).collect()
}
