use std::collections::BTreeSet;

use super::{Analysis, NameKind, Occurrence, Role};
use crate::config::{self, Config, KeyValue};
use crate::source::{SourceId, Span};

/// A section of `lotse.yaml` whose keys are names.
pub(super) struct Section {
    /// Its key.
    pub(super) key: &'static str,
    /// What its names are.
    pub(super) kind: NameKind,
    /// The names that there are, with their places.
    pub(super) declared: fn(&Config) -> Vec<(&str, Span)>,
}

/// What `lotse.yaml` declares, and in which section.
const SECTIONS: [Section; 4] = [
    Section {
        key: "senders",
        kind: NameKind::Sender,
        declared: |config| config.senders.declared().collect(),
    },
    Section {
        key: "channels",
        kind: NameKind::Channel,
        declared: |config| config.channels.declared().collect(),
    },
    Section {
        key: "webhooks",
        kind: NameKind::Webhook,
        declared: |config| config.webhooks.declared().collect(),
    },
    Section { key: "teams", kind: NameKind::Team, declared: |config| config.teams.declared().collect() },
];

impl Section {
    /// The section that declares names of a kind; `None` for what journeys declare.
    pub(super) fn of(kind: NameKind) -> Option<&'static Self> {
        SECTIONS.iter().find(|section| section.kind == kind)
    }

    /// The section with that key.
    pub(super) fn with_key(key: &str) -> Option<&'static Self> {
        SECTIONS.iter().find(|section| section.key == key)
    }

    /// A name to begin with.
    pub(super) fn example(&self) -> Option<&'static str> {
        match config::key(&[], self.key)?.value {
            KeyValue::Names(example) => Some(example),
            _ => None,
        }
    }
}

/// Words in the names of events that make good goals.
const SUCCESSES: [&str; 8] = ["order", "purchase", "bought", "paid", "payment", "booked", "renew", "subscri"];

/// Whether an event makes a good goal, as far as its name tells.
pub(super) fn is_success(event: &str) -> bool {
    SUCCESSES.iter().any(|word| event.contains(word))
}

/// The names that `lotse.yaml` declares.
pub(super) fn of_settings(config: &Config) -> Vec<Occurrence> {
    let declared = SECTIONS.iter().flat_map(|section| {
        (section.declared)(config).into_iter().map(|(name, span)| Occurrence {
            span,
            kind: section.kind,
            name: name.to_owned(),
            owner: None,
            role: Role::Declaration,
        })
    });
    declared.collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::testing::shop_with;

    /// The texts of lines where the same is meant as at the `¦`, with those where it is declared first.
    fn places(text: &str) -> (Vec<String>, usize) {
        let (shop, offset) = shop_with("a.journey", text);
        let source = shop.source("a.journey").unwrap();
        let offset = u32::try_from(offset).unwrap();
        let line = |span: &Span| {
            let (path, position) = shop.files.sources.place(*span);
            format!("{path}:{}", position.line)
        };
        let found = shop.references(source, offset, true);
        (found.iter().map(line).collect(), shop.definitions(source, offset).len())
    }

    #[test]
    fn tags_stand_where_they_are_put_on_and_asked_about() {
        let text = "journey a {\n enter by request\n stage s {\n tag \"vi¦p\"\n if has tag \"vip\" {\n untag \"vip\" }\n end } }\n\
                    test \"t\" for a {\n contact { tags [\"vip\"] }\n at 2027-03-01 10:00 enter }";
        let (places, declared) = places(text);
        assert_eq!(places, ["a.journey:4", "a.journey:5", "a.journey:6", "a.journey:9"]);
        assert_eq!(declared, 1);
    }

    #[test]
    fn values_that_calls_and_leads_hand_over_stand_in_tests() {
        let text = "journey a {\n enter by request\n stage s {\n hand off to sales with { rea¦son \"x\" }\n\
                    call erp with { reason \"y\" }\n end } }\n\
                    test \"t\" for a {\n at 2027-03-01 10:00 enter\n expect handoff sales { reason \"x\" }\n\
                    expect call erp { reason \"y\" }\n}";
        let (of_lead, declared) = places(text);
        assert_eq!((of_lead, declared), (vec!["a.journey:4".to_owned(), "a.journey:9".to_owned()], 1));
        let (of_call, declared) =
            places(&text.replace('¦', "").replacen("{ reason \"y\"", "{ ¦reason \"y\"", 1));
        assert_eq!((of_call, declared), (vec!["a.journey:5".to_owned(), "a.journey:10".to_owned()], 1));
    }

    #[test]
    fn values_that_are_handed_over_stand_in_the_template() {
        let text = "email gift {\n topic account\n from marketing\n subject \"{{ code }}\"\n body \"{{ code }}\"\n}\n\
                    journey a {\n enter by request\n stage s {\n send email gift with { co¦de \"x\" }\n end } }";
        let (places, declared) = places(text);
        assert_eq!(places, ["a.journey:4", "a.journey:5", "a.journey:10"]);
        assert_eq!(declared, 1);
        let (shop, offset) = shop_with("a.journey", text);
        let changes =
            shop.rename(shop.source("a.journey").unwrap(), u32::try_from(offset).unwrap(), "voucher");
        assert_eq!(changes.unwrap().len(), 3);
    }
}
