//! Lists of keys as one JSON text, the way look-ups take them: `json_each($1)` with `value ->> N`.

use std::fmt::Write;

use uuid::Uuid;

use crate::domain::ContactId;

/// `[[slot, "hex of the contact"], …]`
pub(super) fn contacts<'a>(ids: impl IntoIterator<Item = &'a ContactId>) -> String {
    let mut text = String::from("[");
    for contact in ids {
        separate(&mut text);
        let _ = write!(text, "[{},\"{}\"]", contact.slot().0, contact.0.simple());
    }
    text.push(']');
    text
}

/// `[[slot, "hex of the contact", "hex of the id"], …]`
pub(super) fn rows<'a>(keys: impl IntoIterator<Item = (&'a ContactId, &'a Uuid)>) -> String {
    let mut text = String::from("[");
    for (contact, id) in keys {
        separate(&mut text);
        let _ = write!(text, "[{},\"{}\",\"{}\"]", contact.slot().0, contact.0.simple(), id.simple());
    }
    text.push(']');
    text
}

/// A list of ids alone.
pub(super) fn ids<'a>(ids: impl IntoIterator<Item = &'a Uuid>) -> String {
    let mut text = String::from("[");
    for id in ids {
        separate(&mut text);
        let _ = write!(text, "\"{}\"", id.simple());
    }
    text.push(']');
    text
}

fn separate(text: &mut String) {
    if text.len() > 1 {
        text.push(',');
    }
}
