use super::{Analysis, NameKind, Occurrence, Role};
use crate::config::{Config, Names};
use crate::source::{SourceId, Span};

/// The names that `lotse.yaml` declares.
pub(super) fn of_settings(config: &Config) -> Vec<Occurrence> {
    fn declared<T>(kind: NameKind, names: &Names<T>) -> impl Iterator<Item = Occurrence> {
        names.declared().map(move |(name, span)| Occurrence {
            span,
            kind,
            name: name.to_owned(),
            owner: None,
            role: Role::Declaration,
        })
    }
    declared(NameKind::Sender, &config.senders)
        .chain(declared(NameKind::Channel, &config.channels))
        .chain(declared(NameKind::Webhook, &config.webhooks))
        .chain(declared(NameKind::Team, &config.teams))
        .collect()
}

impl Analysis {
    /// The names that stand at a place, which may be right behind them. There are several where one word stands for
    /// more than one thing, as a field of `entry` where several events lead in.
    pub fn names_at(&self, source: SourceId, offset: u32) -> &[Occurrence] {
        let place = Span { source, start: offset, end: offset };
        let behind = self.occurrences.partition_point(|name| name.span.at_start() <= place);
        let before = self.occurrences.get(..behind).unwrap_or_default();
        let Some(last) = before.last().filter(|last| last.span.contains(place)) else { return &[] };
        let first = before.partition_point(|name| name.span < last.span);
        before.get(first..).unwrap_or_default()
    }

    /// Every place where the same is meant as at `name`, its declarations among them.
    pub fn occurrences_of<'a>(&'a self, name: &'a Occurrence) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences.iter().filter(|other| other.is_same(name))
    }

    /// Where it is declared; several places where it is declared twice, none for what Lotse brings along.
    pub fn declarations_of<'a>(&'a self, name: &'a Occurrence) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences_of(name).filter(|other| other.role == Role::Declaration)
    }
}
