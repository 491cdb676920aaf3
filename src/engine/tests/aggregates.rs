//! What past events come to, and what follows from it.

use super::play::{ENTERED, Play, play, stage};

/// Three orders and a complaint, the last a minute before.
const PAST: [(&str, &str); 4] = [
    ("2027-01-10 12:00", "bought {\"total\": 10, \"order_id\": \"a\"}"),
    ("2027-02-20 12:00", "bought {\"total\": 50.5}"),
    ("2027-02-27 12:00", "complaint"),
    ("2027-03-01 11:59", "bought {\"order_id\": \"c\"}"),
];

/// The value of an expression at noon, after the past.
fn value(declarations: &str, expression: &str) -> String {
    let journey = stage("", &format!("set contact.score = {expression} end"));
    let mut play = Play::new(&format!("{declarations} {journey}"));
    for (time, what) in PAST {
        assert_eq!(play.step(time, what), "");
    }
    let found = play.step("2027-03-01 12:00", "signup");
    let value = found.strip_prefix(&format!("{ENTERED}, changed score = ")).unwrap_or(&found);
    value.trim_end_matches(", ended done").to_owned()
}

#[test]
fn past_events_come_to_a_number() {
    for (expression, expected) in [
        ("count(bought)", "3"),
        ("count(complaint)", "1"),
        ("count(page_viewed)", "0"),
        ("count(signup)", "1"),
        ("count(bought in last 30 days)", "2"),
        ("count(bought in last 1 minute)", "0"),
        ("count(bought in last 61 seconds)", "1"),
        ("count(bought where event.total > 10)", "1"),
        ("count(bought where event.order_id is not set)", "1"),
        ("count(bought in last 30 days where event.total < 10)", "0"),
        ("count(bought where days since contact.created_at > 0 and event.order_id == \"a\")", "1"),
        ("sum(bought.total)", "60.5"),
        ("sum(bought.total in last 30 days)", "50.5"),
        ("sum(bought.total where event.total > 100)", "0"),
        ("avg(bought.total)", "30.25"),
        ("avg(bought.total in last 1 hour)", "not set"),
        ("min(bought.total)", "10"),
        ("max(bought.total)", "50.5"),
        ("max(bought.total in last 1 hour)", "not set"),
        ("days since first(bought)", "50"),
        ("days since last(bought where event.total is set)", "9"),
        ("minutes since last(bought)", "1"),
        ("days since last(page_viewed)", "not set"),
        ("days since last(bought where event.total is set) / 3 + 2 * count(complaint in last 90 days)", "5"),
        ("count(bought where event.total == max(bought.total))", "1"),
    ] {
        assert_eq!(value("", expression), expected, "{expression}");
    }
}

#[test]
fn measures_and_segments_stand_for_what_they_say() {
    const DECLARATIONS: &str = "
        measure spent = sum(bought.total)
        measure last_order = last(bought)
        measure share = spent / count(bought where in segment grown_up)
        segment grown_up = not in segment new and contact.score >= 10
        segment new = days since last_order > 300";
    for (expression, expected) in
        [("spent * 2", "121"), ("hours since last_order", "0"), ("share + 0", "20.166666667")]
    {
        assert_eq!(value(DECLARATIONS, expression), expected, "{expression}");
    }
}

#[test]
fn an_event_sees_itself_and_what_came_before_it() {
    let journey = stage(
        "",
        "wait up to 9 days { on bought where count(bought) == 3 { end as third } otherwise { end } }",
    );
    let begin = format!("{ENTERED}, waiting 03-10 10:00");
    // Together, and heard of in another order than they happened: each still sees those before it.
    let mut play =
        play(&journey, &[("2027-03-01 10:00", "signup", &begin), ("2027-03-02 10:00", "bought", "")]);
    let now = play.at("2027-03-04 10:00");
    let mut inputs = play.inputs("bought", now);
    inputs.extend(play.inputs("bought", now.plus_seconds(-3_600)));
    assert_eq!(play.apply(now, inputs), "took Order Completed, ended third");
    assert_eq!(play.state.events["Order Completed"].len(), 3);
    assert!(play.state.events["Order Completed"].is_sorted_by_key(|event| event.at));
}

#[test]
fn who_enters_is_asked_about_the_past() {
    let journey = "journey j { enter on bought where count(bought in last 30 days) >= 2 stage s { end } }";
    play(
        journey,
        &[
            ("2027-01-01 10:00", "bought", "refused Condition"),
            ("2027-02-15 10:00", "bought", "refused Condition"),
            ("2027-02-16 10:00", "bought", "entered Order Completed, stage s, ended done"),
        ],
    );
}

#[test]
fn a_contact_leaves_when_an_event_makes_it_so_and_when_time_does() {
    let begin = |wake: &str| format!("{ENTERED}, waiting {wake}");
    let by_event = stage("leave when count(complaint in last 7 days) >= 2", "wait 30 days end");
    play(
        &by_event,
        &[
            ("2027-03-01 10:00", "signup", &begin("03-31 10:00")),
            ("2027-03-02 10:00", "complaint", ""),
            ("2027-03-10 10:00", "complaint", ""),
            ("2027-03-11 10:00", "complaint", "ended left"),
        ],
    );
    // An event falls out of its window when that long has passed since it, to the instant.
    let by_time = stage("leave when count(bought in last 7 days) == 0", "wait 30 days end");
    let mut play = Play::new(&by_time);
    play.play(&[
        ("2027-03-01 09:00", "bought", ""),
        ("2027-03-01 10:00", "signup", &begin("03-31 10:00")),
        ("2027-03-02 12:30", "bought", ""),
        ("2027-03-08 09:00", "wake", ""),
        ("2027-03-09 12:29", "wake", ""),
    ]);
    assert_eq!(play.state.runs[0].wake_at, Some(play.at("2027-03-09 12:30")));
    assert_eq!(play.step("2027-03-09 12:30", "wake"), "ended left");
    // The same with the time since the last: an order puts it off.
    let since = stage("leave when days since last(bought) > 10", "wait 30 days end");
    let mut play = Play::new(&since);
    play.play(&[
        ("2027-03-01 10:00", "signup", &begin("03-31 10:00")),
        ("2027-03-02 10:00", "bought", ""),
        ("2027-03-05 10:00", "bought", ""),
    ]);
    assert!(play.state.runs[0].wake_at.unwrap() <= play.at("2027-03-16 10:00"));
    assert_eq!(play.step("2027-03-16 09:59", "wake"), "");
    assert_eq!(play.step("2027-03-16 10:00", "wake"), "ended left");
}
