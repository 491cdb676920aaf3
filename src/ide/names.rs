use std::collections::BTreeSet;

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

    /// The places of a file where names stand, in the order of the text.
    pub fn names_in(&self, source: SourceId) -> &[Occurrence] {
        let first = self.occurrences.partition_point(|name| name.span.source < source);
        let behind = self.occurrences.partition_point(|name| name.span.source <= source);
        self.occurrences.get(first..behind).unwrap_or_default()
    }

    /// Every place where the same is meant as at `name`, its declarations among them.
    pub fn occurrences_of<'a>(&'a self, name: &'a Occurrence) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences.iter().filter(|other| other.is_same(name))
    }

    /// Where it is declared; several places where it is declared twice, none for what Lotse brings along.
    pub fn declarations_of<'a>(&'a self, name: &'a Occurrence) -> impl Iterator<Item = &'a Occurrence> {
        self.occurrences_of(name).filter(|other| other.role == Role::Declaration)
    }

    /// Where that is declared which the name at a place stands for; of a template, the beginning of its file.
    pub fn definitions(&self, source: SourceId, offset: u32) -> Vec<Span> {
        let mut places = BTreeSet::new();
        for name in self.names_at(source, offset) {
            if name.kind == NameKind::Template {
                places.extend(self.files.templates.get(&name.name).map(|file| Span::new(*file, 0, 0)));
            } else {
                places.extend(self.declarations_of(name).map(|declaration| declaration.span));
            }
        }
        places.into_iter().collect()
    }

    /// Every place where the same is meant as at a place; `declarations` says whether those count.
    pub fn references(&self, source: SourceId, offset: u32, declarations: bool) -> Vec<Span> {
        let mut places = BTreeSet::new();
        for name in self.names_at(source, offset) {
            let wanted = |other: &&Occurrence| declarations || other.role != Role::Declaration;
            places.extend(self.occurrences_of(name).filter(wanted).map(|other| other.span));
        }
        places.into_iter().collect()
    }
}
