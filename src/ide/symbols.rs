use super::{Analysis, Occurrence, Role};
use crate::language::syntax::tree::{ClauseKind, Declaration, Field, Fields, Journey, Name};
use crate::source::{SourceId, Span};

/// How many symbols of a workspace are told of at the most.
const FOUND_MAX: usize = 500;

/// Something with a name or a place of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Symbol {
    /// What it is called.
    pub name: String,
    /// A word more about it: the label of a journey, the type of a field.
    pub detail: Option<String>,
    /// What it is.
    pub kind: SymbolKind,
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name_span: Span,
    /// What stands inside.
    pub children: Vec<Symbol>,
}

/// What a symbol is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum SymbolKind {
    Contact,
    Event,
    Field,
    Topic,
    Measure,
    Segment,
    Survey,
    Policy,
    Message,
    Journey,
    Stage,
    Goal,
    Test,
    Setting,
}

impl Symbol {
    fn new(kind: SymbolKind, name: &Name, span: Span) -> Self {
        let name_span = name.span;
        Self { name: name.value.clone(), detail: None, kind, span, name_span, children: Vec::new() }
    }
}

impl Analysis {
    /// What a file declares, in the order of the text.
    pub fn symbols(&self, source: SourceId) -> Vec<Symbol> {
        if self.files.config == Some(source) {
            return self.settings(source);
        }
        let declarations = self.tree(source).map_or(&[][..], |tree| &tree.parsed.file.declarations);
        declarations.iter().filter_map(|declaration| self.symbol(declaration)).collect()
    }

    /// What the workspace declares whose name has the characters of `query` in their order, in any case.
    pub fn find_symbols(&self, query: &str) -> Vec<Symbol> {
        let mut found = Vec::new();
        let sources = self.trees.iter().map(|tree| tree.source).chain(self.files.config);
        for symbol in sources.flat_map(|source| self.symbols(source)) {
            collect(symbol, query, &mut found);
            if found.len() >= FOUND_MAX {
                break;
            }
        }
        found.truncate(FOUND_MAX);
        found
    }

    fn symbol(&self, declaration: &Declaration) -> Option<Symbol> {
        Some(match declaration {
            Declaration::Contact(fields) => {
                let name = Name::new("contact".to_owned(), fields.span.at_start());
                let symbol = Symbol::new(SymbolKind::Contact, &name, fields.span);
                Symbol { children: self.fields(fields), ..symbol }
            }
            Declaration::Event(event) => Symbol {
                detail: event.wire.as_ref().map(|wire| wire.value.clone()),
                children: self.fields(&event.fields),
                ..Symbol::new(SymbolKind::Event, &event.name, event.span)
            },
            Declaration::Topic(topic) => Symbol {
                detail: topic.label.as_ref().map(|label| label.value.clone()),
                ..Symbol::new(SymbolKind::Topic, &topic.name, topic.span)
            },
            Declaration::Measure(measure) => Symbol::new(SymbolKind::Measure, &measure.name, measure.span),
            Declaration::Segment(segment) => Symbol::new(SymbolKind::Segment, &segment.name, segment.span),
            Declaration::Survey(survey) => Symbol::new(SymbolKind::Survey, &survey.name, survey.span),
            Declaration::Policy(policy) => {
                let name = Name::new("policy".to_owned(), policy.span.at_start());
                Symbol::new(SymbolKind::Policy, &name, policy.span)
            }
            Declaration::Message(message) => Symbol {
                detail: Some(message.channel.value.clone()),
                ..Symbol::new(SymbolKind::Message, &message.name, message.span)
            },
            Declaration::Journey(journey) => journey_symbol(journey),
            Declaration::Test(test) => Symbol {
                detail: Some(test.journey.value.clone()),
                ..Symbol::new(SymbolKind::Test, &test.name, test.span)
            },
            Declaration::Broken(_) => return None,
        })
    }

    fn fields(&self, fields: &Fields) -> Vec<Symbol> {
        let field = |field: &Field| {
            let list = if field.kind.list { "list of " } else { "" };
            Symbol {
                detail: Some(format!("{list}{}", field.kind.name.value)),
                ..Symbol::new(SymbolKind::Field, &field.name, field.name.span.to(field.kind.name.span))
            }
        };
        fields.fields.iter().map(field).collect()
    }

    /// The names that `lotse.yaml` declares.
    fn settings(&self, source: SourceId) -> Vec<Symbol> {
        let declared = self.names_in(source).iter().filter(|name| name.role == Role::Declaration);
        let symbol = |name: &Occurrence| Symbol {
            detail: Some(name.kind.noun().to_owned()),
            ..Symbol::new(SymbolKind::Setting, &Name::new(name.name.clone(), name.span), name.span)
        };
        declared.map(symbol).collect()
    }
}

fn journey_symbol(journey: &Journey) -> Symbol {
    let goals = journey.clauses.iter().filter_map(|clause| match &clause.kind {
        ClauseKind::Goal(goal) => Some(Symbol::new(SymbolKind::Goal, goal.name.as_ref()?, clause.span)),
        _ => None,
    });
    let stages = journey.stages.iter().map(|stage| Symbol::new(SymbolKind::Stage, &stage.name, stage.span));
    Symbol {
        detail: journey.label.as_ref().map(|label| label.value.clone()),
        children: goals.chain(stages).collect(),
        ..Symbol::new(SymbolKind::Journey, &journey.name, journey.span)
    }
}

fn collect(mut symbol: Symbol, query: &str, found: &mut Vec<Symbol>) {
    let children = std::mem::take(&mut symbol.children);
    if matches(&symbol.name, query) {
        found.push(symbol);
    }
    children.into_iter().for_each(|child| collect(child, query, found));
}

fn matches(name: &str, query: &str) -> bool {
    let mut left = name.chars().flat_map(char::to_lowercase);
    query.chars().flat_map(char::to_lowercase).all(|wanted| left.any(|c| c == wanted))
}
