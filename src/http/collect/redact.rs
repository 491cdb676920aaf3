use serde_json::Value as Json;

/// The longest text that is kept of something that could not be taken, in bytes.
const BYTES_MAX: usize = 32 * 1024;
/// What says how a call was made; everything else says something about a person.
const ENVELOPE: [&str; 9] = [
    "type",
    "event",
    "messageId",
    "timestamp",
    "originalTimestamp",
    "sentAt",
    "receivedAt",
    "channel",
    "version",
];

/// What can be kept of a call that could not be taken: its shape. Whom it is about and what it says about them is
/// masked, for nobody would find it here when the person wants to be forgotten. Nothing is kept of what is no JSON.
pub(super) fn redacted(text: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<Json>(text) else { return String::new() };
    match &mut json {
        Json::Object(fields) => {
            fields.remove("writeKey");
            for (name, value) in fields {
                if value.is_object() || !ENVELOPE.contains(&name.as_str()) {
                    mask(value);
                }
            }
        }
        other => mask(other),
    }
    let mut text = json.to_string();
    text.truncate(text.floor_char_boundary(BYTES_MAX));
    text
}

fn mask(json: &mut Json) {
    match json {
        Json::Null | Json::Bool(_) => {}
        Json::Number(_) => *json = Json::from("<number>"),
        Json::String(text) => *json = Json::from(format!("<text of {}>", text.chars().count())),
        Json::Array(items) => items.iter_mut().for_each(mask),
        Json::Object(fields) => fields.values_mut().for_each(mask),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_is_kept_and_nothing_of_the_person() {
        let text = r#"{"type":"track","writeKey":"lotse_1_2","userId":"ada","messageId":"m1","timestamp":"soon",
            "event":{"name":"Ada"},"properties":{"email":"ada@example.org","ok":true,"tags":["a",null,7]}}"#;
        assert_eq!(
            redacted(text),
            r#"{"event":{"name":"<text of 3>"},"messageId":"m1","properties":{"email":"<text of 15>","ok":true,"tags":["<text of 1>",null,"<number>"]},"timestamp":"soon","type":"track","userId":"<text of 3>"}"#
        );
        assert_eq!(redacted("\"ada@example.org\""), "\"<text of 15>\"");
        assert_eq!(redacted("{\"email\":\"ada@example.org\""), "");
    }

    #[test]
    fn what_is_kept_has_an_end() {
        let text = format!(r#"{{"event":"{}"}}"#, "ü".repeat(40_000));
        assert!((BYTES_MAX - 1..=BYTES_MAX).contains(&redacted(&text).len()));
    }
}
