//! Windows, business days, loops; permissions, events and journeys.

use serde_json::json;

use super::play::{ENTERED, Play, play, stage};
use crate::domain::CallKind;

#[test]
fn windows_and_business_days_end_at_their_moment() {
    for (wait, now, until) in [
        ("wait 1 business day", "2027-03-05 10:00", "03-08 10:00"),
        ("wait 3 business days", "2027-03-05 10:00", "03-10 10:00"),
        ("wait until 09:00 to 17:00", "2027-03-01 08:00", "03-01 09:00"),
        ("wait until 09:00 to 17:00", "2027-03-01 17:00", "03-02 09:00"),
        ("wait until 09:00 to 17:00 on monday to friday", "2027-03-05 18:00", "03-08 09:00"),
        ("wait until 09:00 to 17:00 on saturday", "2027-03-01 10:00", "03-06 09:00"),
        ("wait until 22:00 to 06:00", "2027-03-01 10:00", "03-01 22:00"),
    ] {
        let mut play = Play::new(&stage("", &format!("{wait} end")));
        assert_eq!(play.step(now, "signup"), format!("{ENTERED}, waiting {until}"), "{wait} from {now}");
        assert_eq!(play.step(&format!("2027-{until}"), "wake"), "ended done", "{wait}");
    }
}

#[test]
fn an_open_window_does_not_wait() {
    for (wait, now) in [
        ("wait until 09:00 to 17:00", "2027-03-01 09:00"),
        ("wait until 09:00 to 17:00", "2027-03-01 16:59"),
        ("wait until 22:00 to 06:00", "2027-03-01 03:00"),
        ("wait until 09:00 to 17:00 on monday to friday", "2027-03-05 12:00"),
        ("wait 0 business days", "2027-03-01 10:00"),
    ] {
        let mut play = Play::new(&stage("", &format!("{wait} end")));
        assert_eq!(play.step(now, "signup"), format!("{ENTERED}, ended done"), "{wait} at {now}");
    }
}

#[test]
fn a_clock_time_that_is_come_to_again_is_that_of_the_next_day() {
    let journey = "journey j { enter on signup stage s { wait until 09:00 add 1 to contact.score go to s } }";
    play(
        journey,
        &[
            ("2027-03-01 10:00", "signup", "entered signup, stage s, waiting 03-02 09:00"),
            ("2027-03-02 09:00", "wake", "changed score = 11, stage s, waiting 03-03 09:00"),
            ("2027-03-03 09:00", "wake", "changed score = 12, stage s, waiting 03-04 09:00"),
        ],
    );
}

#[test]
fn a_loop_goes_round_so_many_times_and_on() {
    let journey = stage("", "repeat up to 2 times { add 1 to contact.score wait 1 day } end as through");
    play(
        &journey,
        &[
            (
                "2027-03-01 10:00",
                "signup",
                "entered signup, stage s, took round 1 of 2, changed score = 11, waiting 03-02 10:00",
            ),
            ("2027-03-02 10:00", "wake", "took round 2 of 2, changed score = 12, waiting 03-03 10:00"),
            ("2027-03-03 10:00", "wake", "ended through"),
        ],
    );
}

#[test]
fn a_loop_without_a_wait_is_bounded() {
    let mut play = Play::new(&stage("", "repeat up to 1000 times { add 1 to contact.score } end"));
    assert!(play.step("2027-03-01 10:00", "signup").ends_with("changed score = 1010, ended done"));
}

#[test]
fn stop_leaves_the_innermost_loop() {
    let journey = stage(
        "",
        "repeat up to 2 times {
           repeat up to 5 times {
             add 1 to contact.score
             if contact.score == 12 { stop }
             wait up to 1 day { on bought { stop } otherwise { } }
           }
           tag \"round\"
         }
         end as through",
    );
    play(
        &journey,
        &[
            (
                "2027-03-01 10:00",
                "signup",
                "entered signup, stage s, took round 1 of 2, took round 1 of 5, changed score = 11, took no condition, waiting 03-02 10:00",
            ),
            (
                "2027-03-02 10:00",
                "wake",
                "took time is up, took round 2 of 5, changed score = 12, took condition 1, changed tag \"round\", \
                 took round 2 of 2, took round 1 of 5, changed score = 13, took no condition, waiting 03-03 10:00",
            ),
            ("2027-03-02 11:00", "bought", "took Order Completed, changed tag \"round\", ended through"),
        ],
    );
}

#[test]
fn whoever_goes_out_of_a_loop_begins_anew_when_coming_back() {
    let journey = "journey j { enter on signup
        stage s { repeat up to 2 times { wait up to 1 day { on bought { go to t } otherwise { } } } end as through }
        stage t { wait 1 hour go to s } }";
    play(
        journey,
        &[
            ("2027-03-01 10:00", "signup", "entered signup, stage s, took round 1 of 2, waiting 03-02 10:00"),
            ("2027-03-02 10:00", "wake", "took time is up, took round 2 of 2, waiting 03-03 10:00"),
            ("2027-03-02 11:00", "bought", "took Order Completed, stage t, waiting 03-02 12:00"),
            ("2027-03-02 12:00", "wake", "stage s, took round 1 of 2, waiting 03-03 12:00"),
        ],
    );
}

#[test]
fn two_loops_behind_one_another_are_counted_apart() {
    let journey = stage(
        "",
        "repeat up to 3 times { add 1 to contact.score if contact.score == 12 { stop } }
         repeat up to 2 times { add 10 to contact.score } end",
    );
    let mut play = Play::new(&journey);
    let found = play.step("2027-03-01 10:00", "signup");
    assert!(found.ends_with("took round 2 of 2, changed score = 32, ended done"), "{found}");
}

#[test]
fn a_permission_is_seen_by_the_next_statement_and_told_to_others() {
    let journey =
        "journey j { enter on signup stage s { refuse news send email hello otherwise { } allow news end } }";
    let mut play = Play::new(journey);
    let found = play.step("2027-03-01 10:00", "signup");
    assert_eq!(
        found,
        format!(
            "{ENTERED}, changed refuse news, skipped hello no_permission, \
             changed refuse news holds: it was decided at the same moment, ended done"
        )
    );
    assert!(!play.state.permissions["news"]);
    let [decided] = play.last.permissions.as_slice() else { panic!("one decision") };
    assert_eq!(
        (decided.topic.as_str(), decided.allowed, decided.source.as_str()),
        ("news", false, "journey j")
    );
    let [event] = play.last.events.as_slice() else { panic!("one event") };
    assert_eq!((event.name.as_str(), &event.properties["topic"]), ("unsubscribed", &json!("news")));
}

#[test]
fn allowing_lets_a_message_go() {
    let journey = "journey j { enter on signup stage s { allow news send email hello end } }";
    let mut play = Play::new(journey);
    play.state.permissions.clear();
    assert_eq!(
        play.step("2027-03-01 10:00", "signup"),
        format!("{ENTERED}, changed allow news, sent hello, ended done")
    );
}

#[test]
fn an_alert_says_what_holds_when_it_is_decided() {
    let journey = "journey j { enter on signup stage s {
        set contact.score = 60 alert support \"{{ contact.email }}: {{ contact.score }}, {{ entry.source }}{{ entry.order_id }}\"
        set contact.score = 70 end } }";
    let mut play = Play::new(journey);
    assert_eq!(
        play.step("2027-03-01 10:00", r#"signup {"source": "web"}"#),
        format!("{ENTERED}, changed score = 60, alerted support, changed score = 70, ended done")
    );
    let [call] = play.last.calls.as_slice() else { panic!("one call") };
    assert_eq!((call.kind, call.target.as_str(), call.stage.as_str()), (CallKind::Alert, "support", "s"));
    assert_eq!(call.with["text"], json!("ada@example.org: 60, web"));
    assert_eq!(play.state.runs[0].state.calls, [], "nobody answers an alert");
}

#[test]
fn an_alert_is_bounded_and_goes_out_whatever_its_text() {
    let journey = "journey j { enter on signup stage s { alert support \"{{ entry.source }}\" end } }";
    for (source, begins) in
        [("ü".repeat(3_000), "üüü"), ("ü".repeat(60_000), "an alert whose text could not")]
    {
        let mut play = Play::new(journey);
        play.step("2027-03-01 10:00", &format!("signup {{\"source\": \"{source}\"}}"));
        let text = play.last.calls[0].with["text"].as_str().unwrap();
        assert!(text.starts_with(begins) && text.len() <= 4_100, "{} bytes", text.len());
    }
}

#[test]
fn what_a_journey_records_moves_it_and_others() {
    let first = "journey j { enter on signup goal sale on bought worth event.total
        stage s { record bought { total contact.score + 1, order_id \"a\" }
          wait up to 1 day { on bought { end as own } otherwise { end as silent } } } }";
    let second = "journey k { enter on bought stage s { set contact.score = entry.total wait 1 day end } }";
    let mut play = Play::new(&format!("{first} {second}"));
    assert_eq!(
        play.step("2027-03-01 10:00", "signup"),
        format!("{ENTERED}, recorded Order Completed, waiting 03-02 10:00")
    );
    // An event counts from when a wait began, and this one came before; goals are reached by it.
    assert_eq!(
        play.follow("2027-03-01 10:00"),
        "goal sale, entered Order Completed, stage s, changed score = 11, waiting 03-02 10:00"
    );
    assert_eq!(play.last.goals[0].worth, Some(11.0));
}

#[test]
fn a_journey_starts_another_by_its_rules() {
    let first = "journey j { enter on signup stage s { start k with { source \"web\" } end } }";
    for (head, led_to) in [
        ("enter by request", "entered by request, stage s, changed tag \"web\", ended done"),
        ("enter on bought", "entered by request, stage s, changed tag \"web\", ended done"),
        ("enter by request permission news", "refused NoPermission"),
        ("enter by request starts 2027-04-01", "refused Closed"),
    ] {
        let tag = "if entry.source == \"web\" { tag \"web\" }";
        let tag = if head.contains("bought") { "tag \"web\"" } else { tag };
        let second = format!("journey k {{ {head} stage s {{ {tag} end }} }}");
        let start = if head.contains("bought") {
            first.replace("source \"web\"", "total 5")
        } else {
            first.to_owned()
        };
        let mut play = Play::new(&format!("{start} {second}"));
        play.state.permissions.clear();
        assert_eq!(play.step("2027-03-01 10:00", "signup"), format!("{ENTERED}, started k, ended done"));
        let found = play.follow("2027-03-01 10:00").replace("took condition 1, ", "");
        assert_eq!(found, led_to, "{head}");
    }
}

#[test]
fn what_was_handed_over_is_a_date_where_one_is_wanted() {
    let other = |statements: &str| format!("journey k {{ enter by request stage s {{ {statements} end }} }}");
    for (value, statements, found) in [
        ("2027-03-10", "wait until entry.due", "waiting 03-10 00:00"),
        ("2027-03-10", "wait until entry.due - 2 days at 09:00", "waiting 03-08 09:00"),
        ("2027-03-10 12:00", "wait until entry.due", "waiting 03-10 12:00"),
        ("2027-03-10", "set contact.score = days until entry.due", "changed score = 9, ended done"),
        (
            "2027-03-10",
            "if entry.due > today { tag \"later\" }",
            "took condition 1, changed tag \"later\", ended done",
        ),
        ("\"soon\"", "wait until entry.due", "ended done"),
        ("\"soon\"", "if entry.due > today { tag \"later\" }", "took no condition, ended done"),
    ] {
        let start =
            format!("journey j {{ enter on signup stage s {{ start k with {{ due {value} }} end }} }}");
        let mut play = Play::new(&format!("{start} {}", other(statements)));
        play.step("2027-03-01 10:00", "signup");
        let expected = format!("entered by request, stage s, {found}");
        assert_eq!(play.follow("2027-03-01 10:00"), expected, "{statements} with {value}");
    }
    // What an event of the journey declares has its type, whoever hands it over.
    let journeys = "journey j { enter on signup stage s { start k with { total 5 } end } }
        journey k { enter on bought stage s { set contact.score = entry.total end } }";
    let mut play = Play::new(journeys);
    play.step("2027-03-01 10:00", "signup");
    assert!(play.follow("2027-03-01 10:00").ends_with("changed score = 5, ended done"));
}

#[test]
fn attributes_of_every_type_are_set_and_cleared() {
    for (statements, found) in [
        ("set contact.country = \"DE\"", "country = \"DE\""),
        ("set contact.vip = contact.score > 5", "vip = true"),
        ("set contact.renewal = today + 1 year", "renewal = 2028-03-01"),
        ("set contact.renewal = 2027-05-01", "renewal = 2027-05-01"),
        ("set contact.score = contact.score * 2 - 1", "score = 19"),
        ("set contact.language = \"de\"", "language = \"de\""),
        ("add -4 to contact.score", "score = 6"),
        ("add contact.score to contact.score", "score = 20"),
    ] {
        let mut play = Play::new(&stage("", &format!("{statements} end as set_{}", "it")));
        let expected = format!("{ENTERED}, changed {found}, ended set_it");
        assert_eq!(play.step("2027-03-01 10:00", "signup"), expected, "{statements}");
        assert_eq!(play.state.runs[0].outcome.as_deref(), Some("set_it"));
    }
    let mut play = Play::new(&stage(
        "",
        "set contact.score = 3 clear contact.score if contact.score == 10 { tag \"default\" } end",
    ));
    play.step("2027-03-01 10:00", "signup");
    assert!(play.state.contact.tags.contains("default"), "what is cleared has its default again");
    assert!(!play.state.contact.attributes.contains_key("score"));
}

#[test]
fn each_goal_is_counted_and_one_of_them_ends_the_journey() {
    let head = "goal sale on bought where event.total >= 20 within 3 days worth event.total
        goal trouble on complaint within 10 days leave on goal trouble";
    let mut play = Play::new(&stage(head, "wait 5 days end"));
    play.play(&[
        ("2027-03-01 10:00", "signup", &format!("{ENTERED}, waiting 03-06 10:00")),
        ("2027-03-02 10:00", r#"bought {"total": 5}"#, ""),
        ("2027-03-02 11:00", r#"bought {"total": 25}"#, "goal sale"),
        ("2027-03-02 12:00", r#"bought {"total": 50}"#, ""),
        ("2027-03-03 10:00", "complaint", "goal trouble, ended goal"),
    ]);
    assert_eq!((play.last.goals[0].goal.as_str(), play.last.goals[0].worth), ("trouble", None));
}

#[test]
fn journeys_that_lead_into_each_other_end() {
    for journeys in [
        "journey j { enter on signup reenter always stage s { record signup end } }",
        "journey j { enter on signup enter by request reenter always stage s { start j end } }",
        "journey j { enter on signup enter on unsubscribed reenter always stage s { allow news refuse news end } }",
        "journey j { enter on signup enter on journey_left reenter always stage s { end } }",
        "journey j { enter on signup reenter always stage s { record bought end } }
         journey k { enter on bought reenter always stage s { record signup end } }",
    ] {
        let mut play = Play::new(journeys);
        let mut found = play.step("2027-03-01 10:00", "signup");
        let mut rounds = 0;
        while !play.last.events.is_empty() {
            found = play.follow("2027-03-01 10:00");
            rounds += 1;
            assert!(rounds < 100, "it goes on for ever: {journeys}");
        }
        assert_eq!(rounds, 17, "{journeys}");
        assert!(found.contains("refused Circle"), "{found}: {journeys}");
    }
}

#[test]
fn a_circle_with_a_wait_in_it_goes_on() {
    let mut play =
        Play::new("journey j { enter on signup reenter always stage s { wait 1 day record signup end } }");
    play.step("2027-03-01 10:00", "signup");
    for day in 2..30 {
        assert_eq!(play.step(&format!("2027-03-{day:02} 10:00"), "wake"), "recorded signup, ended done");
        assert!(play.follow(&format!("2027-03-{day:02} 10:00")).starts_with(ENTERED), "day {day}");
    }
}

#[test]
fn any_remembered_click_can_fulfil_a_condition() {
    let journey = stage(
        "",
        "send email hello wait 1 day
         wait up to 2 days { on clicked hello where event.link == \"shop\" { end as shop } otherwise { end } }",
    );
    for (clicks, expected) in [
        (&["click hello about", "click hello shop"][..], "took clicked hello, ended shop"),
        (&["click hello shop", "click hello about"], "took clicked hello, ended shop"),
        (&["click hello about"], "waiting 03-04 10:00"),
    ] {
        let mut play = Play::new(&journey);
        play.step("2027-03-01 10:00", "signup");
        clicks.iter().for_each(|click| assert_eq!(play.step("2027-03-01 11:00", click), ""));
        assert_eq!(play.step("2027-03-02 10:00", "wake"), expected, "{clicks:?}");
    }
}

#[test]
fn what_goes_round_in_a_circle_sends_nothing() {
    let journey = "journey j { enter on signup
        stage first { send email hello wait 1 day go to s }
        stage s { repeat up to 1000 times { repeat up to 20 times { send email again record complaint } } end } }";
    let mut play = Play::new(journey);
    let begin = play.step("2027-03-01 10:00", "signup");
    assert!(begin.contains("sent hello, waiting"), "{begin}");
    let known = play.state.messages.len();
    let found = play.step("2027-03-02 10:00", "wake");
    assert!(found.contains("held it goes round in a circle without a wait"), "{}", &found[..200]);
    assert!(play.state.runs[0].state.held.is_some());
    assert_eq!((play.last.messages.len(), play.last.calls.len(), play.last.events.len()), (0, 0, 0));
    assert_eq!(play.state.messages.len(), known, "what is not sent counts for no cap");
}
