//! What a new version does to whoever is inside.

use std::sync::Arc;

use super::play::{ENTERED, Play};

/// Puts the journey of another text into force as version 2.
fn deploy(play: &mut Play, journey: &str) {
    deploy_as(play, 2, journey);
}

fn deploy_as(play: &mut Play, version: u32, journey: &str) {
    let other = Play::new(journey);
    let (_, plan) = other.plans.active("j").unwrap();
    play.plans.add(version, Arc::clone(plan), true);
}

const FIRST: &str = "journey j { enter on signup stage s { wait 2 days tag \"old\" end } }";

#[test]
fn whoever_is_inside_goes_on_at_the_same_place() {
    for (second, found) in [
        (
            "on change move stage s { wait 9 days tag \"new\" end }",
            "moved version 1, changed tag \"new\", ended done",
        ),
        ("on change finish stage s { wait 9 days tag \"new\" end }", "changed tag \"old\", ended done"),
        ("stage s { wait 9 days tag \"new\" end }", "changed tag \"old\", ended done"),
        // The place is gone: it is another statement, or another stage.
        ("on change move stage s { tag \"new\" end }", "changed tag \"old\", ended done"),
        ("on change move stage t { wait 9 days tag \"new\" end }", "changed tag \"old\", ended done"),
    ] {
        let mut play = Play::new(FIRST);
        assert_eq!(play.step("2027-03-01 10:00", "signup"), format!("{ENTERED}, waiting 03-03 10:00"));
        deploy(&mut play, &format!("journey j {{ enter on signup {second} }}"));
        // The wait keeps the end it had.
        assert_eq!(play.step("2027-03-03 10:00", "wake"), found, "{second}");
    }
}

#[test]
fn a_run_that_is_woken_to_move_goes_on_waiting() {
    let mut play = Play::new(FIRST);
    play.step("2027-03-01 10:00", "signup");
    deploy(&mut play, "journey j { enter on signup on change move stage s { wait 9 days tag \"new\" end } }");
    let now = play.at("2027-03-02 10:00");
    play.state.runs[0].wake_at = Some(now);
    assert_eq!(play.step("2027-03-02 10:00", "wake"), "moved version 1");
    assert_eq!(play.state.runs[0].wake_at, Some(play.at("2027-03-03 10:00")));
    assert_eq!((play.state.runs[0].version, play.last.history[0].version), (2, 2));
}

#[test]
fn a_goal_that_was_renamed_and_named_back_is_reached_once() {
    let named = |goal: &str| {
        format!(
            "journey j {{ enter on signup on change move goal {goal} on bought within 9 days
            stage s {{ wait 9 days end }} }}"
        )
    };
    let mut play = Play::new(&named("sale"));
    play.step("2027-03-01 10:00", "signup");
    assert_eq!(play.step("2027-03-02 10:00", "bought"), "goal sale");
    deploy_as(&mut play, 2, &named("order"));
    assert_eq!(play.step("2027-03-03 10:00", "bought"), "moved version 1, goal order");
    deploy_as(&mut play, 3, &named("sale"));
    assert_eq!(play.step("2027-03-04 10:00", "bought"), "moved version 2");
}
