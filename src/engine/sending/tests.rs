//! Tables for when messages go, and a plain model beside which random schedules never send too often nor at night.

use proptest::prelude::*;

use super::super::tests::play::{ENTERED, Play, stage};
use super::{Handing, behind, handing};
use crate::domain::{Arm, ChannelCounts, Effects, MessageState};
use crate::time::{Moment, Window, hour_of};

/// What is said about the effects of a step: which messages were decided on.
fn sent(effects: &Effects) -> Vec<&str> {
    let decided = effects.messages.iter().filter(|message| message.state == MessageState::Decided);
    decided.map(|message| message.message.as_str()).collect()
}

/// Messages that were decided on are handed over at that moment.
fn hand_over(play: &mut Play) {
    for message in &mut play.state.messages {
        message.waits = false;
    }
}

/// Plays one line; what was decided on is handed over at once.
fn step(play: &mut Play, time: &str, what: &str) -> String {
    let found = play.step(time, what);
    hand_over(play);
    found
}

#[test]
fn quiet_hours_hold_a_message_until_they_end() {
    for (zone, entered, until) in [
        ("Europe/Berlin", "2027-03-01 22:00", "03-02 08:00"),
        ("Europe/Berlin", "2027-03-02 07:59", "03-02 08:00"),
        // Tokyo is eight hours ahead.
        ("Asia/Tokyo", "2027-03-01 13:00", "03-02 00:00"),
    ] {
        let journey = format!("policy {{ quiet 21:00 to 08:00 }} {}", stage("", "send email hello end"));
        let mut play = Play::new(&journey);
        play.state.contact.timezone = Some(zone.to_owned());
        let held = step(&mut play, entered, "signup");
        assert_eq!(held, format!("{ENTERED}, holding {until} quiet"), "{zone} {entered}");
        assert_eq!(step(&mut play, &format!("2027-{until}"), "wake"), "sent hello, ended done");
    }
    let journey = format!("policy {{ quiet 21:00 to 08:00 }} {}", stage("", "send email hello end"));
    for free in ["2027-03-01 08:00", "2027-03-01 20:59"] {
        assert_eq!(
            step(&mut Play::new(&journey), free, "signup"),
            format!("{ENTERED}, sent hello, ended done")
        );
    }
}

#[test]
fn a_cap_that_opens_in_time_holds_and_one_that_does_not_skips() {
    for (cap, expected) in [
        ("cap email 1 per 1 day", "holding 03-02 10:00 cap"),
        ("cap any 1 per 1 day", "holding 03-02 10:00 cap"),
        ("cap email 1 per 25 hours", "skipped again capped, ended done"),
        ("cap email 1 per 25 hours then wait up to 2 days", "holding 03-02 11:00 cap"),
        ("cap email 1 per 1 day then skip", "skipped again capped, ended done"),
        ("cap email 2 per 1 day", "sent again, ended done"),
        ("cap email 2 per 1 day  cap any 1 per 1 hour", "holding 03-01 11:00 cap"),
        ("quiet 09:30 to 12:00  cap email 1 per 1 hour", "holding 03-01 12:00 quiet"),
    ] {
        let head = format!("policy {{ {cap} }}");
        let journey = format!("{head} {}", stage("", "send email hello send email again end"));
        let mut play = Play::new(&journey);
        // In quiet hours the first message is held too.
        let at = if cap.starts_with("quiet") { "2027-03-01 09:00" } else { "2027-03-01 10:00" };
        let found = step(&mut play, at, "signup");
        let expected = expected.replace("12:00 quiet", "10:00 cap");
        let expected =
            if cap.starts_with("quiet") { "holding 03-01 12:00 quiet".to_owned() } else { expected };
        assert_eq!(found, format!("{ENTERED}, sent hello, {expected}"), "{cap}");
    }
}

#[test]
fn what_was_held_is_looked_at_anew() {
    let journey = format!(
        "policy {{ cap email 1 per 1 day then wait up to 30 hours }} {}",
        stage("", "send email hello otherwise { end as none } end")
    );
    let mut play = Play::new(&journey);
    let begin = play.at("2027-03-01 10:00");
    play.state.messages.push(past(begin.plus_seconds(-3_600)));
    assert_eq!(step(&mut play, "2027-03-01 10:00", "signup"), format!("{ENTERED}, holding 03-02 09:00 cap"));
    // Another journey has taken the slot meanwhile: it opens too late now, counted from the first time.
    let taken = play.at("2027-03-02 08:00");
    play.state.messages.push(past(taken));
    assert_eq!(step(&mut play, "2027-03-02 09:00", "wake"), "skipped hello capped, ended none");
    let mut refused = Play::new(&journey);
    refused.state.messages.push(past(begin.plus_seconds(-3_600)));
    step(&mut refused, "2027-03-01 10:00", "signup");
    refused.state.permissions.insert("news".to_owned(), false);
    assert_eq!(step(&mut refused, "2027-03-02 09:00", "wake"), "skipped hello no_permission, ended none");
}

#[test]
fn what_happens_while_a_message_is_held_counts() {
    let journey = format!(
        "policy {{ quiet 21:00 to 08:00 }} {}",
        stage("goal sale on bought within 3 days  leave on complaint", "send email hello end")
    );
    let begin = ("2027-03-01 22:00", "signup", "entered signup, stage s, holding 03-02 08:00 quiet");
    super::super::tests::play::play(
        &journey,
        &[
            begin,
            ("2027-03-01 23:00", "bought", "goal sale"),
            ("2027-03-01 23:30", "complaint", "ended complaint"),
        ],
    );
}

#[test]
fn essential_messages_are_held_by_quiet_hours_and_by_no_cap() {
    let journey = format!(
        "policy {{ quiet 21:00 to 08:00  cap any 1 per 1 day }} {}",
        stage(
            "",
            "send email receipt send email receipt send email hello wait 12 hours send email receipt end"
        )
    );
    super::super::tests::play::play(
        &journey,
        &[
            (
                "2027-03-01 10:00",
                "signup",
                "entered signup, stage s, sent receipt, sent receipt, sent hello, waiting 03-01 22:00",
            ),
            ("2027-03-01 22:00", "wake", "holding 03-02 08:00 quiet"),
            ("2027-03-02 08:00", "wake", "sent receipt, ended done"),
        ],
    );
}

#[test]
fn what_was_due_too_long_ago_is_skipped() {
    for (policy, head, woken, expected) in [
        ("late 6 hours", "", "2027-03-02 15:59", "sent hello, ended done"),
        ("late 6 hours", "", "2027-03-02 16:01", "skipped hello late, ended done"),
        ("late 6 hours", "late 1 hour", "2027-03-02 11:01", "skipped hello late, ended done"),
        ("holdout 1%", "", "2027-03-09 10:00", "sent hello, ended done"),
    ] {
        let journey = format!("policy {{ {policy} }} {}", stage(head, "wait 1 day send email hello end"));
        let mut play = Play::new(&journey);
        step(&mut play, "2027-03-01 10:00", "signup");
        let at = play.at(woken);
        let run = play.state.runs[0].clone();
        let wake = crate::engine::Input::Wake { run: run.id, at: run.wake_at.unwrap() };
        assert_eq!(play.apply(at, vec![wake]), expected, "{policy} {head} {woken}");
    }
}

#[test]
fn the_higher_priority_gets_the_slot() {
    let journeys = |low: u8, high: u8| {
        format!(
            "policy {{ cap any 1 per 1 day then skip }}
             journey a {{ enter on signup permission news priority {low} stage s {{ send email hello end }} }}
             journey b {{ enter on signup permission news priority {high} stage s {{ send email again end }} }}"
        )
    };
    for (low, high, wins) in [(10, 90, "again"), (90, 10, "hello"), (50, 50, "hello")] {
        let mut entering = Play::new(&journeys(low, high));
        step(&mut entering, "2027-03-01 10:00", "signup");
        assert_eq!(sent(&entering.last), [wins], "entering, {low} and {high}");
        // Both waited for the same instant.
        let waiting = journeys(low, high).replace("send", "wait 1 day send");
        let mut waiting = Play::new(&waiting);
        step(&mut waiting, "2027-03-01 10:00", "signup");
        let at = waiting.at("2027-03-02 10:00");
        let wakes =
            waiting.state.runs.iter().map(|run| crate::engine::Input::Wake { run: run.id, at }).collect();
        waiting.apply(at, wakes);
        assert_eq!(sent(&waiting.last), [wins], "waiting, {low} and {high}");
    }
}

#[test]
fn who_is_held_out_gets_no_marketing_and_is_measured() {
    let marketing = stage("goal sale on bought within 3 days", "send email hello end");
    let mut play = Play::new(&format!("policy {{ holdout 100% }} {marketing}"));
    play.arm = None;
    assert_eq!(step(&mut play, "2027-03-01 10:00", "signup"), "entered signup");
    assert_eq!(play.state.runs[0].arm, Arm::Holdout);
    assert_eq!(step(&mut play, "2027-03-02 10:00", "bought"), "goal sale");
    assert_eq!(step(&mut play, "2027-03-04 10:00", "wake"), "ended holdout");
    // A journey that is not marketing runs, without its marketing messages.
    let orders = "journey j { enter on signup stage s { send email receipt send email hello end } }";
    let mut play = Play::new(&format!("policy {{ holdout 100% }} {orders}"));
    play.arm = None;
    let expected = format!("{ENTERED}, sent receipt, skipped hello holdout, ended done");
    assert_eq!(step(&mut play, "2027-03-01 10:00", "signup"), expected);
}

#[test]
fn the_first_that_can_be_sent_goes() {
    let first = |policy: &str| {
        let send = "send first of { email hello email again to \"b@example.org\" email receipt } otherwise { end as none } end";
        Play::new(&format!("{policy} {}", stage("", send)))
    };
    assert_eq!(
        step(&mut first(""), "2027-03-01 10:00", "signup"),
        format!("{ENTERED}, sent hello, ended done")
    );
    let mut suppressed = first("");
    suppressed.state.contact.suppressed = Some("bounced".to_owned());
    assert_eq!(
        step(&mut suppressed, "2027-03-01 10:00", "signup"),
        format!("{ENTERED}, sent again, ended done"),
        "another address"
    );
    let mut capped = first("policy { cap email 1 per 1 day }");
    let at = capped.at("2027-03-01 09:00");
    capped.state.messages.push(past(at));
    assert_eq!(
        step(&mut capped, "2027-03-01 10:00", "signup"),
        format!("{ENTERED}, sent receipt, ended done"),
        "what is essential has no cap"
    );
    let none = "send first of { email hello email again } otherwise { end as none } end";
    let mut none = Play::new(&stage("", none));
    none.state.contact.email = None;
    assert_eq!(
        step(&mut none, "2027-03-01 10:00", "signup"),
        format!("{ENTERED}, skipped hello no_address, skipped again no_address, ended none")
    );
}

#[test]
fn a_better_time_holds_a_message() {
    let journey = format!(
        "policy {{ quiet 21:00 to 08:00 }} {}",
        stage("", "send email hello at best time within 12 hours end")
    );
    let mut unknown = Play::new(&journey);
    let sent_at_once = format!("{ENTERED}, sent hello, ended done");
    assert_eq!(step(&mut unknown, "2027-03-01 10:00", "signup"), sent_at_once, "nothing is known");
    for (hour, expected) in [(18, "holding 03-01 18:00 best_time"), (10, "sent hello, ended done")] {
        let mut play = Play::new(&journey);
        let mut counts = ChannelCounts::default();
        counts.hours[hour] = 9;
        play.learned.channels.insert("email".to_owned(), counts);
        let found = step(&mut play, "2027-03-01 10:00", "signup");
        assert_eq!(found, format!("{ENTERED}, {expected}"));
        if expected.starts_with("holding") {
            assert_eq!(step(&mut play, "2027-03-01 18:00", "wake"), "sent hello, ended done");
        }
    }
}

#[test]
fn a_hand_over_looks_at_quiet_hours_and_lateness_once_more() {
    let journey =
        format!("policy {{ quiet 21:00 to 08:00  late 24 hours }} {}", stage("", "send email hello end"));
    let mut play = Play::new(&journey);
    step(&mut play, "2027-03-01 20:00", "signup");
    let mut message = play.last.messages[0].clone();
    for (now, expected) in [
        ("2027-03-01 20:10", Handing::Before(play.at("2027-03-01 21:00"))),
        ("2027-03-01 21:00", Handing::From(play.at("2027-03-02 08:00"))),
        ("2027-03-02 07:59", Handing::From(play.at("2027-03-02 08:00"))),
        ("2027-03-02 08:00", Handing::Before(play.at("2027-03-02 20:00").plus_micros(1))),
        ("2027-03-02 20:00", Handing::Before(play.at("2027-03-02 20:00").plus_micros(1))),
        ("2027-03-02 20:01", Handing::TooLate),
    ] {
        let handing = handing(&play.plans, &play.zone, &play.state.contact, &message, play.at(now));
        assert_eq!(handing, expected, "{now}");
    }
    // Quiet hours have moved it, and it is late from then on.
    message.wanted_at = play.at("2027-03-02 08:00");
    let now = play.at("2027-03-02 20:01");
    let before = Handing::Before(play.at("2027-03-02 21:00"));
    assert_eq!(handing(&play.plans, &play.zone, &play.state.contact, &message, now), before);
}

#[test]
fn of_several_quiet_hours_all_are_waited_for() {
    let hours = |from: &str, to: &str| {
        let time = |text: &str| crate::time::ClockTime::new(text.parse().unwrap(), 0).unwrap();
        Window { from: time(from), to: time(to), days: None }
    };
    let play = Play::new("journey j { enter on signup stage s { end } }");
    for (quiet, at, ends) in [
        (vec![hours("21", "8"), hours("8", "10")], "2027-03-01 22:00", "2027-03-02 10:00"),
        (vec![hours("8", "10"), hours("21", "8")], "2027-03-01 22:00", "2027-03-02 10:00"),
        (vec![hours("21", "8"), hours("12", "14")], "2027-03-01 11:00", "2027-03-01 11:00"),
        // The clocks go forward at two, and three is the end of the gap.
        (vec![hours("22", "2")], "2027-03-27 23:00", "2027-03-28 03:00"),
    ] {
        assert_eq!(behind(&quiet, play.at(at), &play.zone), play.at(ends), "{quiet:?} at {at}");
    }
}

#[test]
fn the_channel_that_is_answered_best_goes_first() {
    let send = "send best of { email hello email receipt } end";
    let mut play = Play::new(&stage("", send));
    let plan = play.plans.version(1).unwrap();
    let mut plan = plan.as_ref().clone();
    plan.messages.get_mut("receipt").unwrap().channel = "sms".to_owned();
    play.plans.add(1, std::sync::Arc::new(plan), true);
    let clicked = crate::domain::PastMessage {
        channel: "sms".to_owned(),
        clicked_at: Some(play.at("2027-02-01 10:00")),
        ..past(play.at("2027-02-01 09:00"))
    };
    play.state.messages.push(clicked);
    assert_eq!(step(&mut play, "2027-03-01 10:00", "signup"), format!("{ENTERED}, sent receipt, ended done"));
    play.state.messages.clear();
    assert_eq!(step(&mut play, "2027-03-02 10:00", "signup"), format!("{ENTERED}, sent hello, ended done"));
}

fn past(at: Moment) -> crate::domain::PastMessage {
    crate::domain::PastMessage {
        channel: "email".to_owned(),
        essential: false,
        at,
        waits: false,
        opened_at: None,
        clicked_at: None,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes when, and however late it is looked at: no window of a cap's length holds more than the cap
    /// lets through, and nothing goes in quiet hours.
    #[test]
    fn schedules_keep_to_caps_and_quiet_hours(
        (short, in_short) in (1..30_u32, 1..3_u32),
        (long, in_long) in (30..100_u32, 2..5_u32),
        from in 0..24_u8,
        quiet in 1..16_u8,
        steps in prop::collection::vec((0..20_i64, any::<bool>()), 1..60),
    ) {
        let to = (from + quiet) % 24;
        let policy = format!(
            "policy {{ quiet {from:02}:00 to {to:02}:00
               cap email {in_short} per {short} hours then wait up to 3 days
               cap any {in_long} per {long} hours then wait up to 1 week }}"
        );
        let journeys = "journey a { enter on signup per event.order_id permission news
               stage s { send email hello wait 5 hours send email again end } }
             journey b { enter on bought per event.order_id permission news priority 70
               stage s { send email hello send email receipt end } }";
        let mut play = Play::new(&format!("{policy} {journeys}"));
        let mut now = play.at("2027-03-26 10:00");
        let mut went: Vec<Moment> = Vec::new();
        for (index, (hours, buys)) in steps.iter().enumerate() {
            now = now.plus_seconds(hours * 3_600 + 60);
            let name = if *buys { "bought" } else { "signup" };
            let mut inputs = play.inputs(&format!("{name} {{\"order_id\": \"{index}\"}}"), now);
            let due = |wake: &Moment| *wake <= now;
            inputs.extend(play.state.runs.iter().filter_map(|run| {
                Some(crate::engine::Input::Wake { run: run.id, at: run.wake_at.filter(due)? })
            }));
            play.apply(now, inputs);
            let marketing = |message: &&crate::domain::Message| {
                message.state == MessageState::Decided && !message.essential
            };
            let decided = play.last.messages.iter().filter(|one| one.state == MessageState::Decided);
            for _ in decided {
                let hour = hour_of(now, &play.zone);
                let is_quiet = if from < to { (from..to).contains(&hour) } else { hour >= from || hour < to };
                prop_assert!(!is_quiet, "{now} is between {from} and {to}");
            }
            went.extend(play.last.messages.iter().filter(marketing).map(|_| now));
            hand_over(&mut play);
        }
        for (length, most) in [(short, in_short), (long, in_long)] {
            for end in &went {
                let begin = end.plus_seconds(-i64::from(length) * 3_600);
                let within = went.iter().filter(|at| **at > begin && *at <= end).count();
                prop_assert!(within <= most as usize, "{within} in {length} hours until {end}");
            }
        }
    }
}
