use std::collections::BTreeSet;

use super::chance::Chance;
use super::crowd::{Letter, links};
use super::person::{Habit, Person};
use super::workspace::{DemoEnvironment, OUTSIDE, Sample};
use crate::domain::Address;

fn sample() -> Sample {
    Sample::new("http://127.0.0.1:8080", "127.0.0.1:9".parse().unwrap()).unwrap()
}

#[test]
fn the_sample_is_sound_and_leads_nowhere_outside() {
    let sample = sample();
    assert_eq!(sample.config.base_url(), "http://127.0.0.1:8080");
    let texts: String = sample.files.sources.iter().map(|(_, source)| source.text.to_string()).collect();
    for (outside, path) in OUTSIDE {
        assert!(!texts.contains(outside), "{outside}");
        assert!(texts.contains(&format!("http://127.0.0.1:9{path}")), "{path}");
    }
    let environment = DemoEnvironment::new("127.0.0.1:25".parse().unwrap()).unwrap();
    let clock: std::sync::Arc<dyn crate::time::Clock> = std::sync::Arc::new(crate::time::SystemClock);
    let outbound = crate::runtime::Outbound::new(&sample.config, &environment, &clock);
    let outbound = outbound.unwrap_or_else(|errors| panic!("{errors:?}"));
    assert!(outbound.route.is_some() && outbound.teams.contains_key("sales"));
}

#[test]
fn mails_are_told_apart_by_their_subjects() {
    let model = sample().checked.model;
    let letter = |name: &str| {
        let message = model.messages.iter().find(|message| message.name == name).unwrap();
        let subject = &message.text.subject.as_ref().unwrap();
        Letter::of_subject(
            subject.strip_prefix("{{ contact.first_name | default('Hello') }}").unwrap_or(subject),
        )
    };
    assert_eq!(letter("spring_intro"), Letter::Intro);
    assert_eq!(letter("spring_reminder"), Letter::Reminder);
    assert_eq!(letter("thank_you"), Letter::Thanks);
}

#[test]
fn people_are_many_and_the_same_every_time() {
    let people: Vec<Person> = (0..2_000).map(Person::nth).collect();
    let addresses: BTreeSet<&str> = people.iter().map(|person| person.email.as_str()).collect();
    assert_eq!(addresses.len(), people.len());
    for person in &people {
        assert!(person.email.parse::<Address>().is_ok(), "{}", person.email);
        assert_eq!(Person::of_address(&person.email).as_ref(), Some(person));
    }
    assert_eq!(Person::of_address("somebody@example.org"), None);
    let share =
        |is: &dyn Fn(&Person) -> bool| people.iter().filter(|person| is(person)).count() * 100 / 2_000;
    assert!((8..=16).contains(&share(&|person| person.country.is_none())), "some do not enter");
    assert!((4..=12).contains(&share(&|person| person.scanned)));
    assert!((20..=36).contains(&share(&|person| matches!(person.habit, Habit::Buys | Habit::BuysLate))));
    assert!((20..=32).contains(&share(&|person| person.score + 10 >= 50)), "hot leads");
}

#[test]
fn chance_is_even_and_fixed() {
    let mut chance = Chance::of(1, "a");
    let shares: Vec<f64> = (0..10_000).map(|_| chance.share()).collect();
    assert!(shares.iter().all(|share| (0.0..1.0).contains(share)));
    let mean = shares.iter().sum::<f64>() / 10_000.0;
    assert!((mean - 0.5).abs() < 0.02, "{mean}");
    let first: Vec<String> =
        ["a", "b"].map(|purpose| format!("{:.4}", Chance::of(1, purpose).share())).to_vec();
    assert_ne!(first[0], first[1]);
    assert_eq!(format!("{:.4}", shares[0]), first[0]);
}

#[test]
fn links_are_found_once() {
    let html = r#"<a href="http://x/c/1">a</a><a href='no'></a><a href="http://x/c/1">a</a><img src="http://x/o/2.gif">"#;
    assert_eq!(links(html, "/c/"), ["http://x/c/1"]);
    assert_eq!(links(html, "/o/"), ["http://x/o/2.gif"]);
    assert!(links(html, "/u/").is_empty());
}
