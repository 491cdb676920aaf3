//! Lists of keys, one array for each column. Each key is listed once, in the order in which the tables keep them.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::identity::NameOf;
use super::{Statement, storable};
use crate::domain::{ContactId, Slot};
use crate::time::Moment;

/// Declares lists: their columns, in the order of their parameters.
macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident { $($column:ident: $type:ty),* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Default)]
        pub(super) struct $name { $($column: Vec<$type>),* }

        impl $name {
            /// Binds the list behind the parameters that are bound already.
            pub(super) fn bind(self, statement: Statement<'_>) -> Statement<'_> {
                statement$(.bind(self.$column))*
            }
        }
    )*};
}

lists! {
    /// Keys of contacts.
    Contacts { slots: i32, contacts: Uuid }
    /// Keys of what is a contact's.
    Ids { slots: i32, contacts: Uuid, ids: Uuid }
    /// Texts with their slots.
    Texts { slots: i32, texts: String }
    /// Names with their slots.
    Names { slots: i32, kinds: String, values: String }
    /// Texts with moments.
    Reaches { texts: String, since: i64 }
    /// Numbers alone.
    Numbers { numbers: i32 }
    /// Ids of what is under way.
    UnderWay { ids: Uuid }
}

impl Contacts {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.contacts.len()
    }
}

pub(super) fn contacts<'a>(ids: impl IntoIterator<Item = &'a ContactId>) -> Contacts {
    let keys: BTreeSet<(i32, Uuid)> = ids.into_iter().map(|id| (number(id.slot()), id.0)).collect();
    let (slots, contacts) = keys.into_iter().unzip();
    Contacts { slots, contacts }
}

pub(super) fn ids<'a>(keys: impl IntoIterator<Item = (&'a ContactId, &'a Uuid)>) -> Ids {
    let keys: BTreeSet<(i32, Uuid, Uuid)> =
        keys.into_iter().map(|(contact, id)| (number(contact.slot()), contact.0, *id)).collect();
    let mut list = Ids::default();
    for (slot, contact, id) in keys {
        list.slots.push(slot);
        list.contacts.push(contact);
        list.ids.push(id);
    }
    list
}

pub(super) fn texts<'a>(texts: impl Iterator<Item = (Slot, &'a str)>) -> Texts {
    let (slots, texts) = texts.map(|(slot, text)| (number(slot), storable(text.to_owned()))).unzip();
    Texts { slots, texts }
}

pub(super) fn names(names: &BTreeSet<NameOf>) -> Names {
    let mut list = Names::default();
    for name in names {
        list.slots.push(number(name.slot()));
        list.kinds.push(name.kind.as_str().to_owned());
        list.values.push(storable(name.value.clone()));
    }
    list
}

pub(super) fn reaches<'a>(reaches: impl Iterator<Item = (&'a str, Moment)>) -> Reaches {
    let (texts, since) = reaches.map(|(text, since)| (text.to_owned(), since.micros())).unzip();
    Reaches { texts, since }
}

pub(super) fn numbers(numbers: impl IntoIterator<Item = u32>) -> Numbers {
    Numbers { numbers: numbers.into_iter().filter_map(|number| i32::try_from(number).ok()).collect() }
}

pub(super) fn under_way<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> UnderWay {
    UnderWay { ids: ids.into_iter().copied().collect() }
}

fn number(slot: Slot) -> i32 {
    i32::from(slot.0)
}
