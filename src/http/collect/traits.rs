use serde_json::Value as Json;

use super::event::{Note, named};
use crate::domain::{Address, Attributes, Contact};
use crate::store::Identity;
use crate::time::zone;

/// The longest text of an attribute, in bytes.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// The longest language tag, in characters: RFC 5646 section 4.4.1 advises 35.
const LANGUAGE_CHARACTERS_MAX: usize = 35;

/// The attributes of a person, from the traits of an `identify` and from what a device says of itself.
///
/// What is built in is taken over only where it is what it should be: a zone that is none would send mail at night.
pub(super) fn attributes_of(
    traits: Attributes,
    context: &Attributes,
    who: &mut Identity,
    notes: &mut Vec<Note>,
) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, value) in named(traits, notes) {
        let name = if name == "locale" { "language".to_owned() } else { name };
        match attribute(&name, value, who) {
            Ok(value) => drop(attributes.insert(name, value)),
            Err(note) => notes.push(note),
        }
    }
    for (name, theirs) in [("timezone", "timezone"), ("language", "locale")] {
        let value = context.get(theirs).filter(|value| value.is_string() && !attributes.contains_key(name));
        // Nobody has said it of the person, so nobody is told where it is of no use.
        if let Some(Ok(value)) = value.map(|value| attribute(name, value.clone(), who)) {
            attributes.insert(name.to_owned(), value);
        }
    }
    attributes
}

fn attribute(name: &str, value: Json, who: &mut Identity) -> Result<Json, Note> {
    if let "id" | "created_at" | "tags" = name {
        return Err(Note::not_yours(name, "is kept by Lotse itself"));
    }
    let text = match &value {
        Json::Null => return Ok(value),
        Json::String(text) => text.as_str(),
        _ if Contact::built_in_type(name).is_some() => return Err(Note::wrong(name, "is no text")),
        _ => return Ok(value),
    };
    match name {
        "email" => {
            let address: Address =
                text.parse().map_err(|error| Note::wrong(name, format!("is not taken: {error}")))?;
            let value = Json::from(address.as_str());
            who.email = Some(address);
            Ok(value)
        }
        "timezone" if zone(text).is_none() => Err(Note::wrong(name, "is no zone such as `Europe/Berlin`")),
        "language" if !is_language(text) => Err(Note::wrong(name, "is no language tag such as `de-AT`")),
        "language" => Ok(text.replace('_', "-").into()),
        _ if text.len() > TEXT_BYTES_MAX => {
            Err(Note::wrong(name, format!("has more than {} KiB", TEXT_BYTES_MAX / 1024)))
        }
        _ => Ok(value),
    }
}

fn is_language(text: &str) -> bool {
    let part = |part: &str| (1..=8).contains(&part.len()) && part.chars().all(|c| c.is_ascii_alphanumeric());
    text.len() <= LANGUAGE_CHARACTERS_MAX
        && text.chars().next().is_some_and(|first| first.is_ascii_alphabetic())
        && text.split(['-', '_']).all(part)
}
