//! Lists of keys as one JSON text, the way look-ups take them: `json_each($1)` with `value ->> N`. Each key is
//! listed once, in the order in which the tables keep them.

use std::collections::BTreeSet;
use std::fmt::Write;

use uuid::Uuid;

use crate::domain::ContactId;

/// `[[slot, "hex of the contact"], …]`
pub(super) fn contacts<'a>(ids: impl IntoIterator<Item = &'a ContactId>) -> String {
    let keys: BTreeSet<(u16, Uuid)> = ids.into_iter().map(|id| (id.slot().0, id.0)).collect();
    list(keys, |text, (slot, contact)| write!(text, "[{slot},\"{}\"]", contact.simple()))
}

/// `[[slot, "hex of the contact", "hex of the id"], …]`
pub(super) fn rows<'a>(keys: impl IntoIterator<Item = (&'a ContactId, &'a Uuid)>) -> String {
    let keys: BTreeSet<(u16, Uuid, Uuid)> =
        keys.into_iter().map(|(contact, id)| (contact.slot().0, contact.0, *id)).collect();
    list(keys, |text, (slot, contact, id)| {
        write!(text, "[{slot},\"{}\",\"{}\"]", contact.simple(), id.simple())
    })
}

/// A list of ids alone.
pub(super) fn ids<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> String {
    list(ids, |text, id| write!(text, "\"{}\"", id.simple()))
}

fn list<T>(keys: impl IntoIterator<Item = T>, put: impl Fn(&mut String, T) -> std::fmt::Result) -> String {
    let mut text = String::from("[");
    for key in keys {
        if text.len() > 1 {
            text.push(',');
        }
        // Writing to a text cannot fail.
        let _ = put(&mut text, key);
    }
    text.push(']');
    text
}
