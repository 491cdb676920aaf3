//! Names that were changed by hand where they are declared: what uses them follows.

use super::{Offer, TextChange};
use crate::finding::{Finding, words};
use crate::ide::{Analysis, NameKind, Occurrence, Role};

/// What is declared in a workspace and may have had another name before.
const KINDS: [NameKind; 9] = [
    NameKind::Stage,
    NameKind::Message,
    NameKind::Event,
    NameKind::Topic,
    NameKind::Segment,
    NameKind::Measure,
    NameKind::Survey,
    NameKind::ContactField,
    NameKind::EventField,
];

impl Analysis {
    /// For a name that nothing declares: that of a declaration which nothing uses, wherever the former stands.
    pub(super) fn renamed_since(&self, finding: &Finding) -> Option<Offer> {
        let here = self.names_in(finding.span.source).iter();
        let mut missing = here.filter(|name| name.role == Role::Missing && name.span == finding.span);
        let missing = missing.next().filter(|name| KINDS.contains(&name.kind))?;
        let owner = self.owner_of(missing);
        let declared = self.occurrences.iter().filter(|name| {
            name.role == Role::Declaration && name.kind == missing.kind && name.owner.as_deref() == owner
        });
        let unused = declared.filter(|name| !self.is_used(name) && !self.is_first_stage(name));
        let new = likeliest(&missing.name, unused.map(|name| name.name.as_str()))?;
        // One change in one place is what the finding knows itself.
        let edit = finding.edit.as_ref().map(|edit| edit.replacement.as_str());
        if edit.is_some_and(|edit| edit != new) {
            return None;
        }
        let offer = self.follow(missing.kind, owner, &missing.name, new);
        // Contacts come to a stage by what leads there alone, so one to which nothing leads was meant.
        let preferred = offer.preferred || missing.kind == NameKind::Stage;
        let offer = Offer { preferred, ..offer };
        Some(offer).filter(|offer| edit.is_none() || offer.changes.len() > 1)
    }

    /// For a declaration that nothing uses: a name that nothing declares becomes its own.
    pub(super) fn renamed_before(&self, finding: &Finding) -> Option<Offer> {
        let here = self.names_in(finding.span.source).iter();
        let mut declared = here.filter(|name| name.role == Role::Declaration && name.span == finding.span);
        let declared = declared.next().filter(|name| KINDS.contains(&name.kind) && !self.is_used(name))?;
        let owner = declared.owner.as_deref();
        let missing = self.occurrences.iter().filter(|name| {
            name.role == Role::Missing && name.kind == declared.kind && self.owner_of(name) == owner
        });
        let old = likeliest(&declared.name, missing.map(|name| name.name.as_str()))?;
        is_like(old, &declared.name).then_some(())?;
        Some(self.follow(declared.kind, owner, old, &declared.name))
    }

    /// Writes the new name wherever the old one stands.
    fn follow(&self, kind: NameKind, owner: Option<&str>, old: &str, new: &str) -> Offer {
        let is_old = |name: &&Occurrence| {
            name.role == Role::Missing
                && name.kind == kind
                && name.name == old
                && self.owner_of(name) == owner
                && self.files.sources.text(name.span) == old
        };
        let mut places: Vec<_> = self.occurrences.iter().filter(is_old).map(|name| name.span).collect();
        places.sort_unstable();
        places.dedup();
        let changes: Vec<TextChange> =
            places.into_iter().map(|span| TextChange { span, text: new.to_owned() }).collect();
        let title = match changes.len() {
            1 => format!("Write `{new}` for `{old}`"),
            _ => format!("Rename `{old}` to `{new}` everywhere"),
        };
        Offer { preferred: is_like(old, new), ..Offer::new(title, changes) }
    }

    /// What a name stands inside of; that of a missing stage or goal is where it stands.
    pub(super) fn owner_of<'a>(&'a self, name: &'a Occurrence) -> Option<&'a str> {
        match (name.role, name.kind) {
            (Role::Missing, NameKind::Stage | NameKind::Goal) => {
                let test = self.test_around(name.span).map(|test| test.journey.value.as_str());
                test.or_else(|| Some(self.journey_around(name.span)?.name.value.as_str()))
            }
            _ => name.owner.as_deref(),
        }
    }

    /// Whether a name is that of the stage where contacts come in, to which nothing needs to lead.
    fn is_first_stage(&self, declared: &Occurrence) -> bool {
        declared.kind == NameKind::Stage
            && self
                .journey_around(declared.span)
                .and_then(|journey| journey.stages.first())
                .is_some_and(|first| first.name.span == declared.span)
    }

    fn is_used(&self, declared: &Occurrence) -> bool {
        self.occurrences_of(declared).any(|name| name.role == Role::Use)
    }
}

/// The one of some names that is like another, or the only one that there is.
fn likeliest<'a>(name: &str, others: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut others: Vec<&str> = others.collect();
    others.sort_unstable();
    others.dedup();
    others.retain(|other| *other != name);
    let mut like = others.iter().copied().filter(|other| is_like(name, other));
    match (like.next(), like.next(), others.as_slice()) {
        (Some(one), None, _) => Some(one),
        (None, _, [only]) => Some(only),
        _ => None,
    }
}

/// Whether one name was probably made of the other: they are near, or share a word.
fn is_like(name: &str, other: &str) -> bool {
    let shares = |word: &str| word.len() > 3 && other.split('_').any(|own| own == word);
    words::near(name, [other]).is_some()
        || name.split('_').any(shares)
        || name.starts_with(other)
        || other.starts_with(name)
}
