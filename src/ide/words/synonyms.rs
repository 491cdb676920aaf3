/// Words that people who come from other tools look for, and how the language begins what they mean.
const SYNONYMS: [(&str, &[&str]); 33] = [
    ("add", &["increase", "score", "plus"]),
    ("alert", &["notify", "slack", "tell"]),
    ("allow", &["consent", "subscribe", "optin"]),
    ("allows", &["consent", "permission", "optin"]),
    ("call", &["webhook", "api", "http"]),
    ("cap", &["frequency", "limit", "throttle"]),
    ("clear", &["unset", "remove", "empty"]),
    ("contact", &["attribute", "customer", "field", "person", "profile", "user"]),
    ("control", &["holdout"]),
    ("else", &["otherwise"]),
    ("email", &["mail", "message", "newsletter"]),
    ("end", &["exit", "finish", "leave", "quit", "stop"]),
    ("enter", &["begin", "entry", "start", "trigger"]),
    ("event", &["action", "trigger"]),
    ("expect", &["assert", "check", "should", "verify"]),
    ("experiment", &["ab", "split", "test"]),
    ("go", &["continue", "goto", "jump", "move", "next"]),
    ("goal", &["conversion", "success", "target"]),
    ("hand", &["crm", "lead", "sales"]),
    ("if", &["branch", "check", "condition", "when"]),
    ("journey", &["automation", "campaign", "flow", "workflow"]),
    ("leave", &["exit", "quit", "remove"]),
    ("otherwise", &["default", "else", "timeout"]),
    ("permission", &["consent", "optin", "topic"]),
    ("quiet", &["night", "silence"]),
    ("refuse", &["optout", "unsubscribe"]),
    ("repeat", &["again", "loop"]),
    ("segment", &["audience", "group", "list"]),
    ("send", &["email", "mail", "message", "newsletter", "sms"]),
    ("set", &["change", "field", "update"]),
    ("stage", &["block", "phase", "step"]),
    ("tag", &["label", "mark"]),
    ("wait", &["delay", "pause", "sleep"]),
];

/// Other words for what begins like this.
pub fn synonyms(label: &str) -> &'static [&'static str] {
    let first = label.split(' ').next().unwrap_or("");
    SYNONYMS.iter().find(|(word, _)| *word == first).map_or(&[], |(_, others)| others)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ide::words::all;

    #[test]
    fn they_are_of_words_that_there_are() {
        for (word, _) in SYNONYMS {
            let begins = |label: &str| label.split(' ').next() == Some(word);
            assert!(all().any(|entry| begins(entry.label)), "{word}");
        }
    }
}
