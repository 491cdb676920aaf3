use crate::contact_file::{ContactDraft, Field, Schema};
use crate::domain::Attributes;
use crate::language::model::Model;
use crate::store::ImportRow;
use crate::time::TimeZone;

/// What the columns of a contact file can be, for a workspace.
pub fn import_schema(model: &Model, zone: &TimeZone) -> Schema {
    Schema {
        fields: model
            .contact
            .iter()
            .map(|field| Field {
                name: field.name.as_str().into(),
                of: field.of.clone(),
                one_of: field.one_of.clone(),
            })
            .collect(),
        topics: model.topics.iter().map(|topic| topic.name.as_str().into()).collect(),
        zone: zone.clone(),
    }
}

/// A row of a file, as the store takes it. `allow` are topics that the whole file allows; `source` is where the
/// decisions come from.
pub fn import_row(draft: ContactDraft, allow: &[String], source: &str) -> ImportRow {
    let mut allows: Vec<(String, bool)> =
        draft.allows.iter().map(|(topic, allowed)| (topic.to_string(), *allowed)).collect();
    for topic in allow {
        if !allows.iter().any(|(known, _)| known == topic) {
            allows.push((topic.clone(), true));
        }
    }
    let attributes: Attributes =
        draft.attributes.iter().map(|(name, value)| (name.to_string(), value.to_json())).collect();
    ImportRow {
        external_id: draft.external_id,
        email: draft.email,
        phone: draft.phone,
        timezone: draft.timezone,
        language: draft.language,
        tags: draft.tags,
        attributes,
        allows,
        source: source.to_owned(),
    }
}
