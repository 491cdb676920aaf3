use std::collections::BTreeSet;

use super::NameKind;
use super::names::Names;
use super::wanted::{self, declared_by};
use crate::ide::Role;
use crate::ide::names::{Section, is_success};
use crate::language::syntax::Ahead;
use crate::language::syntax::tree::Declaration;
use crate::source::Span;

/// Kinds of names that a snippet asks for by their noun: `${1:topic}`.
const ASKED_FOR: [NameKind; 13] = [
    NameKind::Event,
    NameKind::Topic,
    NameKind::Segment,
    NameKind::Message,
    NameKind::Survey,
    NameKind::Journey,
    NameKind::Stage,
    NameKind::Goal,
    NameKind::Outcome,
    NameKind::Experiment,
    NameKind::Sender,
    NameKind::Webhook,
    NameKind::Team,
];
/// How many names are listed to choose from.
const CHOICES_MAX: usize = 20;

impl Names<'_> {
    /// A snippet with the names that could be meant where it asks for one: the only one there is, those to choose from,
    /// or one to declare next. `rule` is whose snippet it is.
    pub(super) fn filled(&self, snippet: &str, rule: &str, ahead: &Ahead) -> String {
        let mut filled = String::new();
        let mut rest = snippet;
        while let Some((before, behind)) = rest.split_once("${") {
            filled.push_str(before);
            let Some((place, behind)) = behind.split_once('}') else { break };
            let for_goal =
                filled.lines().last().is_some_and(|line| line.contains("goal ")) || rule == "goal_clause";
            let names = place.split_once(':').map(|(number, asked)| {
                let names = self.for_place(asked, rule, ahead);
                (number, if asked == NameKind::Event.noun() { by_use(names, for_goal) } else { names })
            });
            match names {
                Some((number, names)) if names.len() > 1 => {
                    let names = names.get(..names.len().min(CHOICES_MAX)).unwrap_or_default();
                    filled.push_str(&format!("${{{number}|{}|}}", names.join(",")));
                }
                Some((number, names)) if names.len() == 1 => {
                    filled.push_str(&format!("${{{number}:{}}}", names.concat()));
                }
                _ => filled.push_str(&format!("${{{place}}}")),
            }
            rest = behind;
        }
        filled.push_str(rest);
        filled
    }

    /// The names for one place of a snippet; none where it asks for something else.
    fn for_place(&self, asked: &str, rule: &str, ahead: &Ahead) -> Vec<String> {
        let journey = wanted::journey(ahead);
        let owner = |kind: NameKind| {
            let in_journey =
                matches!(kind, NameKind::Stage | NameKind::Goal | NameKind::Outcome | NameKind::Experiment);
            journey.as_deref().filter(|_| in_journey)
        };
        if asked == "name" {
            return declared_by(rule).map_or_else(Vec::new, |kind| self.missing(kind, owner(kind)));
        }
        let Some(kind) = ASKED_FOR.into_iter().find(|kind| kind.noun() == asked) else { return Vec::new() };
        let mut names: Vec<String> = match kind {
            NameKind::Message => self.messages_of(None, ahead).into_iter().map(str::to_owned).collect(),
            NameKind::Outcome if rule == "expect_outcome" => {
                self.expected(owner(kind)).into_iter().map(str::to_owned).collect()
            }
            _ => self.known(kind, owner(kind)).into_iter().map(str::to_owned).collect(),
        };
        if kind == NameKind::Stage {
            let here =
                wanted::find(ahead, &["stage"]).and_then(|stage| wanted::texts(stage, &["name"]).next());
            names.retain(|name| Some(name.as_str()) != here);
        }
        if names.is_empty() { self.proposed(kind, owner(kind)) } else { names }
    }

    /// Names to declare next: those that something names already, else one to begin with.
    pub(super) fn proposed(&self, kind: NameKind, owner: Option<&str>) -> Vec<String> {
        let missing = self.missing(kind, owner);
        if missing.is_empty() {
            to_begin_with(kind).map(str::to_owned).into_iter().collect()
        } else {
            missing
        }
    }

    /// The names that something uses and nothing declares.
    pub(super) fn missing(&self, kind: NameKind, owner: Option<&str>) -> Vec<String> {
        let occurrences = self.analysis.occurrences.iter();
        let missing = occurrences.filter(|name| {
            name.kind == kind
                && name.role == Role::Missing
                && (name.owner.as_deref() == owner || self.is_in_journey(name.span, owner))
                && !self.is_here(name.span)
        });
        let names: BTreeSet<&str> = missing.map(|name| name.name.as_str()).collect();
        names.into_iter().map(str::to_owned).collect()
    }
}

impl Names<'_> {
    /// Whether a place lies in that journey.
    fn is_in_journey(&self, place: Span, journey: Option<&str>) -> bool {
        let declared =
            self.analysis.tree(place.source).map_or(&[][..], |tree| &tree.parsed.file.declarations);
        declared.iter().any(|declaration| match declaration {
            Declaration::Journey(known) => {
                journey == Some(known.name.value.as_str()) && known.span.contains(place)
            }
            _ => false,
        })
    }
}

/// Events in the order in which they are meant: what counts as success first for a goal, and last for what leads in, so
/// that the first for both are two where there are two.
fn by_use(mut events: Vec<String>, for_goal: bool) -> Vec<String> {
    events.sort_by_key(|event| is_success(event));
    if for_goal {
        events.reverse();
    }
    events
}

/// A name to begin with, which is no word of the language.
fn to_begin_with(kind: NameKind) -> Option<&'static str> {
    Some(match kind {
        NameKind::Event => "signed_up",
        NameKind::Topic => "newsletter",
        NameKind::Segment => "regulars",
        NameKind::Message => "welcome",
        NameKind::Survey => "satisfaction",
        NameKind::Journey => "greeting",
        NameKind::Stage => "reminder",
        NameKind::Goal => "purchase",
        NameKind::Outcome => "bought",
        NameKind::Experiment => "timing",
        _ => return Section::of(kind)?.example(),
    })
}
