use std::collections::BTreeSet;
use std::fmt::Debug;

use super::super::link::{
    ClickToken, ConfirmToken, LeadToken, OpenToken, PreferencesToken, SurveyToken, UnsubscribeToken,
    ViewToken,
};
use super::*;
use crate::domain::{CallId, ContactId, IdHasher, MessageId};
use crate::time::Moment;

const BASE: &str = "https://go.example.com";
const SECRET: &[u8] = b"correct horse battery staple";

fn tracker() -> Tracker {
    Tracker::new(SECRET, "spring").unwrap()
}

fn id(name: &str) -> uuid::Uuid {
    IdHasher::new("test").part(name).finish(Moment::from_seconds(1_800_000_000))
}

fn open() -> OpenToken {
    OpenToken { contact: ContactId(id("contact")), message: MessageId(id("message")) }
}

fn click(url: &str) -> ClickToken {
    let (contact, message) = (ContactId(id("contact")), MessageId(id("message")));
    ClickToken { contact, message, index: 3, name: "to the shop".into(), url: url.into() }
}

fn token_of(url: &str) -> &str {
    url.rsplit_once('/').unwrap().1
}

fn round_trip<T: Token + Clone + Debug + PartialEq>(token: T) {
    let url = tracker().url(BASE, &token).unwrap();
    let (prefix, suffix) = T::PURPOSE.path();
    assert!(url.starts_with(&format!("{BASE}{prefix}")) && url.ends_with(suffix), "{url}");
    assert_eq!(tracker().read(token_of(&url)), Some(token));
}

#[test]
fn every_kind_reads_back_as_it_was_written() {
    let (contact, message) = (ContactId(id("contact")), MessageId(id("message")));
    round_trip(open());
    round_trip(click("https://shop.example.com/?a=1&b=%20&sig=abc==#top"));
    round_trip(ClickToken { name: String::new(), ..click("HTTP://shop.example.com") });
    round_trip(UnsubscribeToken { contact, message, topic: "newsletter".into() });
    round_trip(PreferencesToken { contact });
    round_trip(ViewToken { contact, message });
    round_trip(LeadToken { contact, call: CallId(id("call")), accepted: true });
    round_trip(LeadToken { contact, call: CallId(id("call")), accepted: false });
    round_trip(SurveyToken { contact, message, survey: "satisfaction".into(), score: Some(-1) });
    round_trip(SurveyToken { contact, message, survey: "satisfaction".into(), score: None });
    let expires_at = Moment::from_seconds(1_800_000_000);
    round_trip(ConfirmToken { contact, topic: "newsletter".into(), expires_at });
}

#[test]
fn links_in_sent_mails_are_read_for_ever() {
    // These constants are a promise: mails in the world carry such links. They were made by another program, from
    // the description of the format alone.
    fn frozen<T: Token + Debug + PartialEq>(text: &str, token: T) {
        assert_eq!(token_of(&tracker().url(BASE, &token).unwrap()), text);
        assert_eq!(tracker().read(text), Some(token));
    }
    let message = MessageId(uuid::Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10));
    let other = uuid::Uuid::from_u128(0x1112_1314_1516_1718_191a_1b1c_1d1e_1f20);
    let (contact, call) = (ContactId(other), CallId(other));
    let topic = String::from("newsletter");
    frozen(
        "AQHHERITFBUWFxgZGhscHR4fIAECAwQFBgcICQoLDA0ODxCwuFc0bvF_6RbtTpS6-hPn.gif",
        OpenToken { contact, message },
    );
    frozen(
        "AQLHERITFBUWFxgZGhscHR4fIAECAwQFBgcICQoLDA0ODxAAAwALdG8gdGhlIHNob3AAIWh0dHBzOi8vc2hvcC5leGFtcGxlLmNvbS8_YT0xJmI9Mqq0x33wwQK-8pGsGp5fN0Y",
        ClickToken { contact, message, ..click("https://shop.example.com/?a=1&b=2") },
    );
    frozen(
        "AQPHERITFBUWFxgZGhscHR4fIAECAwQFBgcICQoLDA0ODxAACm5ld3NsZXR0ZXJe6gjq1MMJm9VtttutfLuI",
        UnsubscribeToken { contact, message, topic: topic.clone() },
    );
    frozen("AQTHERITFBUWFxgZGhscHR4fIJs5YkDZ4OHoK6lDAKAazYM", PreferencesToken { contact });
    frozen(
        "AQXHERITFBUWFxgZGhscHR4fIAECAwQFBgcICQoLDA0ODxBaa-7ZZ1otPNFwihQo7zDB",
        ViewToken { contact, message },
    );
    frozen(
        "AQbHERITFBUWFxgZGhscHR4fIBESExQVFhcYGRobHB0eHyABAs5jrofO1WWsjPEbznb3AQ",
        LeadToken { contact, call, accepted: true },
    );
    frozen(
        "AQfHERITFBUWFxgZGhscHR4fIAECAwQFBgcICQoLDA0ODxAADHNhdGlzZmFjdGlvbv__jTHUTWuGdSmkHkiyRO8m-Q",
        SurveyToken { contact, message, survey: "satisfaction".into(), score: Some(-1) },
    );
    let expires_at = Moment::from_seconds(1_800_000_000);
    frozen(
        "AQjHERITFBUWFxgZGhscHR4fIAAGZRcomIAAAApuZXdzbGV0dGVyCrWMOjRdqM5o7sY2jQdiow",
        ConfirmToken { contact, topic, expires_at },
    );
}

#[test]
fn a_token_for_one_purpose_is_worth_nothing_for_another() {
    // An open and a view say the same, byte for byte.
    let url = tracker().url(BASE, &open()).unwrap();
    let token = token_of(&url).strip_suffix(".gif").unwrap();
    assert_eq!(tracker().read::<ViewToken>(token), None);
    assert_eq!(tracker().read::<OpenToken>(token), None);
    let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    bytes[1] = Purpose::View.number();
    assert_eq!(tracker().read::<ViewToken>(&URL_SAFE_NO_PAD.encode(bytes)), None);
    let numbers: BTreeSet<u8> = Purpose::ALL.iter().map(|purpose| purpose.number()).collect();
    assert_eq!(numbers.len(), Purpose::ALL.len());
}

#[test]
fn other_workspaces_and_other_secrets_believe_nothing() {
    let url = tracker().url(BASE, &open()).unwrap();
    let read = |tracker: Tracker| tracker.read::<OpenToken>(token_of(&url));
    assert_eq!(read(Tracker::new(SECRET, "autumn").unwrap()), None);
    assert_eq!(read(Tracker::new(b"another secret", "spring").unwrap()), None);
    // The key of 256 secrets has every id there is, also the one of the link.
    let all = (0..2_000_u32).try_fold(Tracker::new(b"x", "spring").unwrap(), |tracker, number| {
        tracker.with_previous(&number.to_be_bytes())
    });
    assert_eq!(read(all.unwrap()), None);
}

#[test]
fn a_replaced_secret_goes_on_being_read() {
    let url = tracker().url(BASE, &open()).unwrap();
    let renewed = Tracker::new(b"a new secret", "spring").unwrap();
    assert_eq!(renewed.read::<OpenToken>(token_of(&url)), None);
    let renewed = renewed.with_previous(b"one between").unwrap().with_previous(SECRET).unwrap();
    assert_eq!(renewed.read(token_of(&url)), Some(open()));
    let new = renewed.url(BASE, &open()).unwrap();
    assert_ne!(new, url);
    assert_eq!(tracker().read::<OpenToken>(token_of(&new)), None);
}

#[test]
fn every_altered_token_is_refused() {
    let tracker = tracker();
    let url = tracker.url(BASE, &click("https://shop.example.com/")).unwrap();
    let token = token_of(&url);
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
    for at in 0..bytes.len() * 8 {
        let mut altered = bytes.clone();
        altered[at / 8] ^= 1 << (at % 8);
        assert_eq!(tracker.read::<ClickToken>(&URL_SAFE_NO_PAD.encode(altered)), None, "bit {at}");
    }
    for end in 0..token.len() {
        let (start, rest) = token.split_at(end);
        assert_eq!(tracker.read::<ClickToken>(start), None, "cut at {end}");
        assert_eq!(tracker.read::<ClickToken>(rest).is_some(), end == 0, "begun at {end}");
    }
    for more in ["A", "AA", "=", "==", ".gif", "/", "%3D", " ", "\n", "\0"] {
        assert_eq!(tracker.read::<ClickToken>(&format!("{token}{more}")), None, "{more:?}");
        assert_eq!(tracker.read::<ClickToken>(&format!("{more}{token}")), None, "{more:?}");
    }
    // Each token has one spelling: no other last letter stands for the same bytes.
    let (start, last) = token.split_at(token.len() - 1);
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".chars() {
        let same = letter.to_string() == last;
        assert_eq!(tracker.read::<ClickToken>(&format!("{start}{letter}")).is_some(), same, "{letter}");
    }
}

#[test]
fn tokens_made_up_at_random_are_refused() {
    let tracker = tracker();
    let (mut seed, header) = (1_u64, [VERSION, Purpose::Preferences.number(), tracker.current.id]);
    for _ in 0..100_000 {
        let mut bytes = header.to_vec();
        while bytes.len() < 3 + 16 + TAG_BYTES {
            // Numerical Recipes' generator: any spread will do here.
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            bytes.push((seed >> 56) as u8);
        }
        assert_eq!(tracker.read::<PreferencesToken>(&URL_SAFE_NO_PAD.encode(bytes)), None);
    }
    for text in ["", "A", "....", "ä", &"A".repeat(10_000)] {
        assert_eq!(tracker.read::<PreferencesToken>(text), None, "{text:.20}");
    }
}

#[test]
fn links_lead_to_the_web_alone() {
    for url in [
        "",
        "javascript:alert(1)",
        "mailto:ada@example.org",
        "//evil.example",
        "/shop",
        "https:evil.example",
        "https:/evil.example",
        "https:\\\\evil.example",
        "https://shop.example\\@evil.example",
        "https://",
        "https://shop.example/\r\nSet-Cookie: a=b",
        "https://shop.example/a b",
        "data://text/html,x",
    ] {
        assert!(matches!(tracker().url(BASE, &click(url)), Err(LinkError::NoWebAddress(_))), "{url}");
    }
    let url = tracker().url(BASE, &click(" https://bücher.example/ä?ö#ü ")).unwrap();
    let read: ClickToken = tracker().read(token_of(&url)).unwrap();
    assert_eq!(read.url, "https://xn--bcher-kva.example/%C3%A4?%C3%B6#%C3%BC");
}

#[test]
fn links_stay_short_enough() {
    let long = |length: usize| click(&format!("https://shop.example/?{}", "a".repeat(length - 22)));
    let url = tracker().url(BASE, &long(1_400)).unwrap();
    assert!((1_900..=URL_BYTES_MAX).contains(&url.len()), "{}", url.len());
    assert_eq!(tracker().read(token_of(&url)), Some(long(1_400)));
    assert!(matches!(tracker().url(BASE, &long(1_500)), Err(LinkError::TooLong(_))));
    assert!(matches!(tracker().url(BASE, &long(70_000)), Err(LinkError::TooLong(70_000))));
    assert!(tracker().url(&format!("{BASE}/"), &open()).unwrap().len() < 100);
}

#[test]
fn secrets_have_a_length() {
    assert_eq!(Tracker::new(b"", "spring").err(), Some(TrackerError::NoSecret));
    assert!(Tracker::is_weak(b"short") && !Tracker::is_weak(SECRET));
}
