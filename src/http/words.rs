use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;

/// What the pages for recipients and sales teams say, in one language. `{}` stands for a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Words {
    /// The tag of the language.
    pub(super) language: &'static str,
    pub(super) unsubscribe: &'static str,
    pub(super) unsubscribe_text: &'static str,
    pub(super) unsubscribed: &'static str,
    pub(super) unsubscribed_text: &'static str,
    pub(super) essential: &'static str,
    pub(super) essential_text: &'static str,
    pub(super) preferences: &'static str,
    pub(super) preferences_text: &'static str,
    pub(super) counting: &'static str,
    pub(super) save: &'static str,
    pub(super) nothing: &'static str,
    pub(super) saved: &'static str,
    pub(super) accept: &'static str,
    pub(super) accept_text: &'static str,
    pub(super) accepted: &'static str,
    pub(super) reject: &'static str,
    pub(super) reject_text: &'static str,
    pub(super) rejected: &'static str,
    pub(super) answered_text: &'static str,
    pub(super) answered_before: &'static str,
    pub(super) answered_before_text: &'static str,
    pub(super) score: &'static str,
    pub(super) to: &'static str,
    pub(super) send: &'static str,
    pub(super) no_score: &'static str,
    pub(super) long_comment: &'static str,
    pub(super) thanks: &'static str,
    pub(super) thanks_text: &'static str,
    pub(super) thanks_before_text: &'static str,
    pub(super) no_link: &'static str,
    pub(super) no_link_text: &'static str,
    pub(super) later: &'static str,
    pub(super) later_text: &'static str,
}

const ENGLISH: Words = Words {
    language: "en",
    unsubscribe: "Unsubscribe",
    unsubscribe_text: "Do you want no more messages about “{}”?",
    unsubscribed: "You are unsubscribed",
    unsubscribed_text: "We will not write to you about “{}” any more.",
    essential: "You cannot unsubscribe from this",
    essential_text: "Messages about “{}” belong to what you have ordered or asked for.",
    preferences: "Your messages",
    preferences_text: "What may we write to you about?",
    counting: "Count whether I open messages and follow their links",
    save: "Save",
    nothing: "Unsubscribe from everything",
    saved: "Your choice is saved.",
    accept: "Accept the lead",
    accept_text: "Does {} take this lead?",
    accepted: "The lead is accepted",
    reject: "Reject the lead",
    reject_text: "Does {} turn this lead down?",
    rejected: "The lead is rejected",
    answered_text: "Thank you, the journey goes on with your answer.",
    answered_before: "This lead was answered before",
    answered_before_text: "The first answer holds.",
    score: "From {}",
    to: "to",
    send: "Send",
    no_score: "Please choose a whole number from {}.",
    long_comment: "Please write at most {} characters.",
    thanks: "Thank you",
    thanks_text: "Your answer has arrived.",
    thanks_before_text: "You have answered before, and that answer counts.",
    no_link: "This link leads nowhere",
    no_link_text: "It is not complete, or what it led to is no longer there. Please open it from the message once more.",
    later: "Please try again in a moment",
    later_text: "Nothing was changed.",
};

const GERMAN: Words = Words {
    language: "de",
    unsubscribe: "Abmelden",
    unsubscribe_text: "Möchten Sie keine Nachrichten zu „{}“ mehr?",
    unsubscribed: "Sie sind abgemeldet",
    unsubscribed_text: "Wir schreiben Ihnen nicht mehr zu „{}“.",
    essential: "Davon kann man sich nicht abmelden",
    essential_text: "Nachrichten zu „{}“ gehören zu dem, was Sie bestellt oder angefragt haben.",
    preferences: "Ihre Nachrichten",
    preferences_text: "Wozu dürfen wir Ihnen schreiben?",
    counting: "Zählen, ob ich Nachrichten öffne und Links darin folge",
    save: "Speichern",
    nothing: "Von allem abmelden",
    saved: "Ihre Wahl ist gespeichert.",
    accept: "Lead annehmen",
    accept_text: "Nimmt {} diesen Lead an?",
    accepted: "Der Lead ist angenommen",
    reject: "Lead ablehnen",
    reject_text: "Lehnt {} diesen Lead ab?",
    rejected: "Der Lead ist abgelehnt",
    answered_text: "Danke, die Journey geht mit Ihrer Antwort weiter.",
    answered_before: "Dieser Lead ist schon beantwortet",
    answered_before_text: "Es gilt die erste Antwort.",
    score: "Von {}",
    to: "bis",
    send: "Absenden",
    no_score: "Bitte wählen Sie eine ganze Zahl von {}.",
    long_comment: "Bitte schreiben Sie höchstens {} Zeichen.",
    thanks: "Vielen Dank",
    thanks_text: "Ihre Antwort ist angekommen.",
    thanks_before_text: "Sie haben schon geantwortet, und diese Antwort zählt.",
    no_link: "Dieser Link führt nirgendwohin",
    no_link_text: "Er ist unvollständig, oder es gibt sein Ziel nicht mehr. Bitte öffnen Sie ihn noch einmal aus der Nachricht.",
    later: "Bitte versuchen Sie es gleich noch einmal",
    later_text: "Es wurde nichts geändert.",
};

impl Words {
    /// The language that the browser names first of those there are; weights are not looked at, for browsers send
    /// their languages in order.
    pub(super) fn of(headers: &HeaderMap) -> &'static Self {
        let wanted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let known = |tag: &str| {
            let language = tag.trim().get(..2)?;
            [&ENGLISH, &GERMAN].into_iter().find(|words| words.language.eq_ignore_ascii_case(language))
        };
        wanted.split(',').find_map(known).unwrap_or(&ENGLISH)
    }
}

/// Puts a name into a text.
pub(super) fn with(text: &str, name: &str) -> String {
    text.replace("{}", name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_known_language_counts() {
        for (accepted, language) in [
            ("de-AT,de;q=0.9,en;q=0.8", "de"),
            ("fr-FR, DE;q=0.5", "de"),
            ("en-GB,de", "en"),
            ("fr", "en"),
            ("*", "en"),
            ("", "en"),
        ] {
            let headers = [(ACCEPT_LANGUAGE, accepted.parse().unwrap())].into_iter().collect();
            assert_eq!(Words::of(&headers).language, language, "{accepted}");
        }
        assert_eq!(Words::of(&HeaderMap::new()).language, "en");
    }
}
