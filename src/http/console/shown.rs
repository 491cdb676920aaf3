//! How numbers and words are written on the pages.

use serde_json::Value as Json;

use crate::runtime::StoryItem;

/// A number with its thousands apart.
pub(super) fn number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if number < 0 { format!("-{text}") } else { text }
}

/// How many of a hundred, as a whole number from 0 to 100; nothing of nothing is 0.
pub(super) fn percent(part: i64, whole: i64) -> i64 {
    if whole <= 0 { 0 } else { ((part * 100 + whole / 2) / whole).clamp(0, 100) }
}

/// A name without its underscores.
pub(super) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// A JSON value the way people read it; nothing for what says nothing.
pub(super) fn value(json: &Json) -> Option<String> {
    match json {
        Json::Null => None,
        Json::String(text) => Some(text.clone()),
        Json::Array(items) if items.is_empty() => None,
        Json::Array(items) => Some(items.iter().filter_map(value).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) text: String,
    /// Whether it is a name out of the workspace.
    pub(super) name: bool,
}

/// A sentence in which names stand between backticks.
pub(super) fn pieces(sentence: &str) -> Vec<Piece> {
    let pieces = sentence.split('`').enumerate().filter(|(_, text)| !text.is_empty());
    pieces.map(|(index, text)| Piece { text: text.to_owned(), name: index % 2 == 1 }).collect()
}

/// Whose doing something was: for the sign beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// The person's.
    Theirs,
    /// Lotse's.
    Ours,
    /// What the journey wanted.
    Goal,
    /// Somebody turned away, or something did not go out.
    Lost,
}

impl Whose {
    /// The class of the sign.
    pub(super) fn class(self) -> &'static str {
        match self {
            Whose::Theirs => "theirs",
            Whose::Ours => "ours",
            Whose::Goal => "goal",
            Whose::Lost => "lost",
        }
    }
}

/// A thing that happened, as a sentence and what else is known of it.
pub(super) fn told(item: &StoryItem) -> (Whose, String, Vec<(String, String)>) {
    let text = |name: &str| item.properties.get(name).and_then(value).unwrap_or_default();
    let message = text("message");
    let (whose, sentence, used): (Whose, String, &[&str]) = match item.event.as_str() {
        "message_sent" => (Whose::Ours, format!("`{message}` was sent"), &["message"]),
        "message_opened" => (Whose::Theirs, format!("opened `{message}`"), &["message"]),
        "message_clicked" => {
            (Whose::Theirs, format!("clicked `{}` in `{message}`", text("link")), &["message", "link"])
        }
        "message_replied" => (Whose::Theirs, format!("replied to `{message}`"), &["message"]),
        "survey_answered" => {
            let sentence = format!("answered `{}` with `{}`", text("survey"), text("score"));
            (Whose::Theirs, sentence, &["survey", "score", "message"])
        }
        "message_skipped" => (Whose::Lost, format!("`{message}` was not sent"), &["message"]),
        "message_bounced" => (Whose::Lost, format!("`{message}` came back"), &["message"]),
        "message_complained" => (Whose::Lost, format!("called `{message}` spam"), &["message"]),
        "subscribed" => (Whose::Theirs, format!("allowed `{}`", text("topic")), &["topic"]),
        "unsubscribed" => (Whose::Lost, format!("unsubscribed from `{}`", text("topic")), &["topic"]),
        "goal_reached" => (Whose::Goal, format!("reached the goal `{}`", text("goal")), &["goal"]),
        "lead_accepted" => (Whose::Goal, format!("`{}` took the lead", text("team")), &["team", "lead"]),
        "lead_rejected" => (Whose::Lost, format!("`{}` refused the lead", text("team")), &["team", "lead"]),
        // What the team answered is told by an event of its own.
        "hand_off" => (Whose::Ours, format!("was handed off to `{}`", text("to")), &["to", "accepted"]),
        "alert" => (Whose::Ours, format!("`{}` was alerted", text("to")), &["to"]),
        "call" => (Whose::Ours, format!("`{}` was called", text("to")), &["to"]),
        "identify" => (Whose::Theirs, "attributes came in".to_owned(), &[]),
        other => (Whose::Theirs, plain(other), &[]),
    };
    let rest = item.properties.iter().filter(|(name, _)| !used.contains(&name.as_str()));
    let more = rest.filter_map(|(name, json)| Some((plain(name), value(json)?)));
    (whose, sentence, more.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Moment;

    #[test]
    fn thousands_stand_apart() {
        for (of, text) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (12_345_678, "12,345,678"), (-1_234, "-1,234")]
        {
            assert_eq!(number(of), text);
        }
    }

    #[test]
    fn shares_are_rounded_and_bounded() {
        for (part, whole, expected) in
            [(0, 0, 0), (1, 0, 0), (1, 3, 33), (2, 3, 67), (3, 3, 100), (4, 3, 100)]
        {
            assert_eq!(percent(part, whole), expected, "{part} of {whole}");
        }
    }

    #[test]
    fn names_are_told_from_words() {
        let names =
            |sentence| pieces(sentence).into_iter().map(|piece| (piece.text, piece.name)).collect::<Vec<_>>();
        assert_eq!(names("opened `hello`"), [("opened ".to_owned(), false), ("hello".to_owned(), true)]);
        assert_eq!(names("`a` b"), [("a".to_owned(), true), (" b".to_owned(), false)]);
        assert_eq!(names(""), []);
    }

    #[test]
    fn what_happened_is_told_in_words() {
        let item = |event: &str, json: Json| StoryItem {
            at: Moment::from_seconds(0),
            event: event.to_owned(),
            properties: json.as_object().unwrap().clone(),
        };
        let clicked = serde_json::json!({ "message": "hello", "link": "shop" });
        let ordered = serde_json::json!({ "total": 4.5, "gift": null, "items": ["a", "b"] });
        for (item, whose, sentence, more) in [
            (item("message_clicked", clicked), Whose::Theirs, "clicked `shop` in `hello`", ""),
            (item("order_placed", ordered), Whose::Theirs, "order placed", "items=a, b total=4.5"),
        ] {
            let (said, text, rest) = told(&item);
            let rest: Vec<String> = rest.iter().map(|(name, value)| format!("{name}={value}")).collect();
            assert_eq!((said, text.as_str(), rest.join(" ").as_str()), (whose, sentence, more));
        }
    }
}
