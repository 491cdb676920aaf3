use serde_json::Value as Json;

use super::Plan;
use crate::domain::Contact;

impl Plan {
    /// A contact the way templates and webhooks see it: declared attributes by their types, with their defaults.
    pub fn contact_json(&self, contact: &Contact) -> Json {
        let mut json = contact.to_json();
        if let Json::Object(all) = &mut json {
            for (name, attribute) in &self.attributes {
                let value = contact.attribute(name, &attribute.of);
                let value = if value.is_set() { value } else { attribute.default.clone() };
                all.insert(name.clone(), value.to_json());
            }
        }
        json
    }
}
