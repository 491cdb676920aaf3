//! Who falls to which variant, and what counts as success.

use super::play::{Play, play, stage};
use super::*;
use crate::domain::ContactId;
use uuid::Uuid;

const SUBJECT: &str = "experiment subject {
    variant a 30% { tag \"a\" }
    variant b 70% { tag \"b\" }
    variant never 0% { tag \"never\" }
    pick by bought where event.total > 5 after 7 days
}";

/// The variant of the last run, as it remembers it.
fn variant_of(play: &Play) -> &str {
    &play.state.runs.last().unwrap().state.variants[0].variant
}

#[test]
fn contacts_fall_to_variants_by_their_shares_and_always_to_the_same() {
    let journey = stage("", &format!("{SUBJECT} end"));
    let plans = Play::new(&journey).plans;
    let variant = |id: u128, day: &str| {
        let mut play = Play::new("");
        play.plans = plans.clone();
        let mut contact = Contact::new(ContactId(Uuid::from_u128(id)), Moment::from_seconds(0));
        contact.email = Some("ada@example.org".to_owned());
        play.state.contact = contact;
        play.step(day, "signup");
        variant_of(&play).to_owned()
    };
    let fell: Vec<String> = (0..1_000).map(|id| variant(id, "2027-03-01 10:00")).collect();
    let to_a = fell.iter().filter(|name| *name == "a").count();
    assert!((250..350).contains(&to_a), "{to_a}");
    assert!(!fell.contains(&"never".to_owned()));
    for id in 0..50 {
        assert_eq!(variant(id, "2028-04-01 10:00"), fell[id as usize]);
    }
}

#[test]
fn a_run_that_comes_again_takes_its_variant_and_a_new_one_the_picked() {
    let journey = stage("", &format!("repeat up to 2 times {{ {SUBJECT} wait 1 day }} end"));
    let mut play = Play::new(&journey);
    let own = {
        play.step("2027-03-01 10:00", "signup");
        variant_of(&play).to_owned()
    };
    let other = if own == "a" { "b" } else { "a" };
    play.learned.picked.insert("j".to_owned(), [("subject".to_owned(), other.to_owned())].into());
    let again = play.step("2027-03-02 10:00", "wake");
    assert!(again.contains(&format!("took variant {own}")), "{again}");
    play.step("2027-03-03 10:00", "wake");
    let found = play.step("2027-03-04 10:00", "signup");
    assert!(found.contains(&format!("variant subject {other} picked, changed tag \"{other}\"")), "{found}");
    // A variant that there is no more is no winner.
    play.learned.picked.insert("j".to_owned(), [("subject".to_owned(), "gone".to_owned())].into());
    play.step("2027-03-05 10:00", "wake");
    play.step("2027-03-06 10:00", "wake");
    let found = play.step("2027-03-07 10:00", "signup");
    assert!(found.contains(&format!("variant subject {own}, ")), "{found}");
}

#[test]
fn a_success_counts_once_and_for_as_long_as_is_said() {
    let journey = stage("", &format!("{SUBJECT} end"));
    for (table, succeeded) in [
        (&[("2027-03-02 10:00", "bought {\"total\": 9}")][..], true),
        (&[("2027-03-08 10:00", "bought {\"total\": 9}")], true),
        (&[("2027-03-08 10:01", "bought {\"total\": 9}")], false),
        (&[("2027-03-02 10:00", "bought {\"total\": 5}")], false),
        (&[("2027-03-02 10:00", "complaint")], false),
        (
            &[("2027-03-02 10:00", "bought {\"total\": 5}"), ("2027-03-03 10:00", "bought {\"total\": 9}")],
            true,
        ),
        (
            &[("2027-03-02 10:00", "bought {\"total\": 9}"), ("2027-03-03 10:00", "bought {\"total\": 9}")],
            true,
        ),
    ] {
        let mut play = Play::new(&journey);
        play.step("2027-03-01 10:00", "signup");
        let mut steps = Vec::new();
        for (time, what) in table {
            steps.push(play.step(time, what));
        }
        let successes = steps.iter().filter(|step| step.starts_with("succeeded subject")).count();
        assert_eq!(successes, usize::from(succeeded), "{table:?}: {steps:?}");
        assert_eq!(play.state.runs[0].state.variants[0].succeeded, succeeded);
    }
}

#[test]
fn a_reaction_to_a_message_of_the_run_is_a_success() {
    let journey = stage(
        "",
        "send email hello
         experiment e { variant a 100% { } pick by clicked hello \"shop\" after 1 day }
         wait 3 days end",
    );
    let begin = "entered signup, stage s, sent hello, variant e a, waiting 03-04 10:00";
    for (what, expected) in [
        ("click hello shop", "succeeded e a"),
        ("click hello", ""),
        ("open hello", ""),
        ("machine hello shop", ""),
        ("click again shop", ""),
    ] {
        play(&journey, &[("2027-03-01 10:00", "signup", begin), ("2027-03-01 12:00", what, expected)]);
    }
}

#[test]
fn who_is_only_measured_comes_to_no_experiment() {
    let mut play = Play::new(&stage("", &format!("{SUBJECT} end")));
    play.arm = Some(Arm::Control);
    play.step("2027-03-01 10:00", "signup");
    assert!(play.state.runs[0].state.variants.is_empty());
    assert_eq!(play.step("2027-03-02 10:00", "bought {\"total\": 9}"), "");
}

#[test]
fn a_contact_with_many_runs_counts_once() {
    let journey = format!(
        "journey j {{ enter on signup per event.order_id permission news reenter always
        stage s {{ {SUBJECT} end }} }}"
    );
    let mut play = Play::new(&journey);
    let exposed = |play: &Play| {
        let runs = play.state.runs.iter().flat_map(|run| &run.state.variants);
        runs.filter(|exposure| !exposure.again).count()
    };
    for order in 0..20 {
        let found = play.step("2027-03-01 10:00", &format!("signup {{\"order_id\": \"{order}\"}}"));
        assert!(found.contains("variant subject"), "{found}");
    }
    assert_eq!(exposed(&play), 1);
    let found = play.step("2027-03-02 10:00", "bought {\"total\": 9}");
    assert_eq!(found.matches("succeeded").count(), 1, "{found}");
    // As long as the first has its time, one that comes later is none of its own, succeeded or not.
    play.step("2027-03-08 10:00", "signup {\"order_id\": \"later\"}");
    assert_eq!(exposed(&play), 1);
    play.step("2027-03-08 10:01", "signup {\"order_id\": \"last\"}");
    assert_eq!(exposed(&play), 2);
    assert!(play.step("2027-03-09 10:00", "bought {\"total\": 9}").starts_with("succeeded subject"));
}
