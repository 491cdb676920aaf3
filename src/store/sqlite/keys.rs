//! Lists of keys as one JSON text, the way look-ups take them: `json_each($1)` with `value ->> N`. Each key is
//! listed once, in the order in which the tables keep them.

use std::collections::BTreeSet;
use std::fmt::Write;

use uuid::Uuid;

use super::super::identity::NameOf;
use super::Statement;
use crate::domain::{ContactId, Slot};
use crate::time::Moment;

/// A list as a parameter.
#[derive(Clone)]
pub(super) struct List(String);

/// Keys of contacts.
pub(super) type Contacts = List;

impl List {
    /// Binds the list behind the parameters that are bound already.
    pub(super) fn bind(self, statement: Statement<'_>) -> Statement<'_> {
        statement.bind(self.0)
    }

    fn of<T>(keys: impl IntoIterator<Item = T>, put: impl Fn(&mut String, T) -> std::fmt::Result) -> Self {
        let mut text = String::from("[");
        for key in keys {
            if text.len() > 1 {
                text.push(',');
            }
            // Writing to a text cannot fail.
            let _ = put(&mut text, key);
        }
        text.push(']');
        List(text)
    }

    fn of_json(list: &impl serde::Serialize) -> Self {
        List(serde_json::to_string(list).unwrap_or_else(|_| "[]".to_owned()))
    }
}

/// `[[slot, "hex of the contact"], …]`
pub(super) fn contacts<'a>(ids: impl IntoIterator<Item = &'a ContactId>) -> Contacts {
    let keys: BTreeSet<(u16, Uuid)> = ids.into_iter().map(|id| (id.slot().0, id.0)).collect();
    List::of(keys, |text, (slot, contact)| write!(text, "[{slot},\"{}\"]", contact.simple()))
}

/// `[[slot, "hex of the contact", "hex of the id"], …]`
pub(super) fn ids<'a>(keys: impl IntoIterator<Item = (&'a ContactId, &'a Uuid)>) -> List {
    let keys: BTreeSet<(u16, Uuid, Uuid)> =
        keys.into_iter().map(|(contact, id)| (contact.slot().0, contact.0, *id)).collect();
    List::of(keys, |text, (slot, contact, id)| {
        write!(text, "[{slot},\"{}\",\"{}\"]", contact.simple(), id.simple())
    })
}

/// Texts with their slots.
pub(super) fn texts<'a>(texts: impl Iterator<Item = (Slot, &'a str)>) -> List {
    List::of_json(&texts.map(|(slot, text)| (slot.0, text)).collect::<Vec<_>>())
}

/// Names with their slots.
pub(super) fn names(names: &BTreeSet<NameOf>) -> List {
    let key = |name: &NameOf| (name.slot().0, name.kind.as_str(), name.value.clone());
    List::of_json(&names.iter().map(key).collect::<Vec<_>>())
}

/// Texts with moments.
pub(super) fn reaches<'a>(reaches: impl Iterator<Item = (&'a str, Moment)>) -> List {
    List::of_json(&reaches.map(|(text, since)| (text, since.micros())).collect::<Vec<_>>())
}

/// Numbers alone.
pub(super) fn numbers(numbers: impl IntoIterator<Item = u32>) -> List {
    List::of(numbers, |text, number| write!(text, "{number}"))
}

/// Ids of what is under way.
pub(super) fn under_way<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> List {
    List::of(ids, |text, id| write!(text, "\"{}\"", id.simple()))
}
