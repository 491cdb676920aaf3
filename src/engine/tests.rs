//! Tables: what happens at which moment, and what the runs did.

mod aggregates;
mod backlog;
mod entries;
mod experiments;
pub(super) mod play;
mod statements;
mod versions;

use serde_json::json;

use super::*;
use crate::domain::{ContactId, IdHasher};
use play::{ENTERED, Play, play, stage};

#[test]
fn waits_end_at_their_moment() {
    for (wait, until) in [
        ("wait 3 days", "03-04 10:00"),
        ("wait 90 minutes", "03-01 11:30"),
        ("wait 1 month", "04-01 10:00"),
        ("wait until 09:00", "03-02 09:00"),
        ("wait until 12:00", "03-01 12:00"),
        ("wait until monday 09:00", "03-08 09:00"),
        ("wait until monday 11:00", "03-01 11:00"),
        ("wait until 2027-03-10", "03-10 00:00"),
        ("wait until 2027-03-10 08:30", "03-10 08:30"),
        ("wait until today + 3 days at 09:00", "03-04 09:00"),
        ("wait until now + 2 hours", "03-01 12:00"),
    ] {
        let mut play = Play::new(&stage("", &format!("{wait} end")));
        let found = play.step("2027-03-01 10:00", "signup");
        assert_eq!(found, format!("{ENTERED}, waiting {until}"), "{wait}");
        let time = format!("2027-{until}");
        assert_eq!(play.step(&time, "wake"), "ended done", "{wait}");
    }
}

#[test]
fn what_has_passed_does_not_wait() {
    for wait in
        ["wait 0 days", "wait until 2027-02-01", "wait until contact.renewal at 09:00", "wait until 10:00"]
    {
        let mut play = Play::new(&stage("", &format!("{wait} end")));
        assert_eq!(play.step("2027-03-01 10:00", "signup"), format!("{ENTERED}, ended done"), "{wait}");
    }
}

#[test]
fn a_circle_through_a_clock_time_waits_for_the_next() {
    for (wait, first, second) in [
        ("wait until 10:00", "03-02 10:00", "03-03 10:00"),
        ("wait until monday 10:00", "03-08 10:00", "03-15 10:00"),
    ] {
        let mut play = Play::new(&stage("", &format!("{wait} add 1 to contact.score go to s")));
        let round = |score: u32, until: &str| format!("changed score = {score}, stage s, waiting {until}");
        let begin = play.step("2027-03-01 10:00", "signup");
        assert_eq!(begin, format!("{ENTERED}, {}", round(11, first)), "{wait}");
        assert_eq!(play.step(&format!("2027-{first}"), "wake"), round(12, second), "{wait}");
    }
}

#[test]
fn the_first_of_several_things_ends_a_wait() {
    let journey = stage(
        "",
        "send email hello
         wait up to 2 days {
           on clicked hello \"shop\" { end as shop }
           on clicked hello { end as click }
           on bought where event.total > 5 { set contact.score = event.total  end as sale }
           otherwise { go to t }
         }",
    );
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, sent hello, waiting 03-03 10:00");
    for (what, expected) in [
        ("click hello", "took clicked hello, ended click"),
        ("click hello shop", "took clicked hello \"shop\", ended shop"),
        ("bought {\"total\": 9}", "took Order Completed, changed score = 9, ended sale"),
        ("bought {\"total\": 5}", ""),
        ("open hello", ""),
        ("machine hello", ""),
        ("click again", ""),
        ("wake", ""),
        ("complaint", ""),
        ("bought {\"total\": 9}; click hello", "took Order Completed, changed score = 9, ended sale"),
    ] {
        play(&journey, &[begin, ("2027-03-02 10:00", what, expected)]);
    }
    play(&journey, &[begin, ("2027-03-03 10:00", "wake", "took time is up, stage t, ended in_t")]);
}

#[test]
fn an_event_wins_over_the_timer_of_its_instant() {
    let journey = stage("", "wait up to 2 days { on bought { end as sale } otherwise { end as silent } }");
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, waiting 03-03 10:00");
    for inputs in ["bought; wake", "wake; bought"] {
        play(&journey, &[begin, ("2027-03-03 10:00", inputs, "took Order Completed, ended sale")]);
    }
}

#[test]
fn a_timer_that_was_due_before_an_event_goes_first() {
    let journey = stage("", "wait up to 2 days { on bought { end as sale } otherwise { end as silent } }");
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, waiting 03-03 10:00");
    // Both are looked at late, after an outage: the time was up before the purchase.
    play(&journey, &[begin, ("2027-03-03 11:00", "bought; wake", "took time is up, ended silent")]);
}

#[test]
fn a_reaction_counts_from_the_sending_and_an_event_from_the_wait() {
    let journey = stage(
        "",
        "send email hello  wait 1 day
         wait up to 1 day { on clicked hello { end as click } on bought { end as sale } otherwise { end as silent } }",
    );
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, sent hello, waiting 03-02 10:00");
    play(
        &journey,
        &[
            begin,
            ("2027-03-01 11:00", "click hello", ""),
            ("2027-03-02 10:00", "wake", "took clicked hello, ended click"),
        ],
    );
    play(
        &journey,
        &[
            begin,
            ("2027-03-01 11:00", "bought {}", ""),
            ("2027-03-02 10:00", "wake", "waiting 03-03 10:00"),
            ("2027-03-03 10:00", "wake", "took time is up, ended silent"),
        ],
    );
}

#[test]
fn a_reaction_ends_the_same_wait_once() {
    let journey = "journey j { enter on signup permission news
        stage s { send email hello go to w }
        stage w { wait up to 1 day { on clicked hello { add 1 to contact.score go to w } otherwise { end } } } }";
    play(
        journey,
        &[
            (
                "2027-03-01 10:00",
                "signup",
                "entered signup, stage s, sent hello, stage w, waiting 03-02 10:00",
            ),
            (
                "2027-03-01 11:00",
                "click hello",
                "took clicked hello, changed score = 11, stage w, waiting 03-02 11:00",
            ),
            (
                "2027-03-01 12:00",
                "click hello",
                "took clicked hello, changed score = 12, stage w, waiting 03-02 12:00",
            ),
            ("2027-03-02 12:00", "wake", "took time is up, ended done"),
        ],
    );
}

#[test]
fn messages_are_skipped_for_a_reason() {
    let journey = "journey j { enter on signup stage s { send email hello otherwise { tag \"unreached\" } send email receipt end } }";
    let mut refused = Play::new(journey);
    refused.state.permissions.insert("news".to_owned(), false);
    assert_eq!(
        refused.step("2027-03-01 10:00", "signup"),
        format!(
            "{ENTERED}, skipped hello no_permission, changed tag \"unreached\", sent receipt, ended done"
        )
    );
    let mut without = Play::new(journey);
    without.state.contact.email = None;
    assert_eq!(
        without.step("2027-03-01 10:00", "signup"),
        format!(
            "{ENTERED}, skipped hello no_address, changed tag \"unreached\", skipped receipt no_address, ended done"
        )
    );
    let mut suppressed = Play::new(journey);
    suppressed.state.contact.suppressed = Some("bounced".to_owned());
    assert!(suppressed.step("2027-03-01 10:00", "signup").contains("skipped receipt suppressed"));
}

#[test]
fn who_may_enter_is_a_rule() {
    let journey = |reenter: &str, more: &str| {
        format!(
            "journey j {{ enter on signup {more} reenter {reenter} permission news stage s {{ wait 1 day end }} }}"
        )
    };
    let enter = |time: &'static str| (time, "signup", "entered signup, stage s, waiting 03-02 10:00");
    let leave = ("2027-03-02 10:00", "wake", "ended done");
    play(
        &journey("never", ""),
        &[
            enter("2027-03-01 10:00"),
            ("2027-03-01 11:00", "signup", "refused Inside"),
            leave,
            ("2027-06-01 10:00", "signup", "refused WasInside"),
        ],
    );
    play(
        &journey("always", ""),
        &[
            enter("2027-03-01 10:00"),
            leave,
            ("2027-03-02 10:00", "signup", "entered signup, stage s, waiting 03-03 10:00"),
        ],
    );
    play(
        &journey("after 90 days", ""),
        &[
            enter("2027-03-01 10:00"),
            leave,
            ("2027-05-31 09:59", "signup", "refused TooSoon"),
            ("2027-05-31 10:00", "signup", "entered signup, stage s, waiting 06-01 10:00"),
        ],
    );
    let country = "where contact.country == \"DE\"";
    play(
        &journey("never", country),
        &[
            ("2027-03-01 10:00", "signup", "refused Condition"),
            (
                "2027-03-01 10:00",
                "identify {\"country\": \"DE\"}; signup",
                "entered signup, stage s, waiting 03-02 10:00",
            ),
        ],
    );
    let mut refused = Play::new(&journey("never", ""));
    refused.state.permissions.clear();
    assert_eq!(refused.step("2027-03-01 10:00", "signup"), "refused NoPermission");
    let mut closed = Play::new(&journey("never", "starts 2027-03-02 ends 2027-03-03"));
    assert_eq!(closed.step("2027-03-01 23:59", "signup"), "refused Closed");
    assert_eq!(closed.step("2027-03-04 00:00", "signup"), "refused Closed");
    assert_eq!(closed.step("2027-03-03 23:59", "signup"), "entered signup, stage s, waiting 03-04 23:59");
}

#[test]
fn each_key_has_a_run_of_its_own() {
    let journey =
        "journey j { enter on signup per event.order_id permission news stage s { wait 1 day end } }";
    let mut play = play(
        journey,
        &[
            (
                "2027-03-01 10:00",
                "signup {\"order_id\": \"a\"}",
                "entered signup, stage s, waiting 03-02 10:00",
            ),
            (
                "2027-03-01 10:00",
                "signup {\"order_id\": \"b\"}",
                "entered signup, stage s, waiting 03-02 10:00",
            ),
            ("2027-03-01 10:00", "signup {\"order_id\": \"a\"}", "refused Inside"),
            ("2027-03-01 10:00", "signup {}", "refused NoKey"),
        ],
    );
    assert_eq!(play.state.runs.len(), 2);
    play.step("2027-03-02 10:00", "wake; wake");
    assert!(play.state.runs.iter().any(|run| !run.is_live()));
}

#[test]
fn clauses_at_the_head_come_before_what_a_wait_waits_for() {
    let wait =
        "wait up to 2 days { on bought { end as sale } on complaint { end as waited } otherwise { end } }";
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, waiting 03-03 10:00");
    for (head, what, expected) in [
        ("leave on complaint", "complaint", "ended complaint"),
        ("leave on bought where event.total > 5", "bought {\"total\": 6}", "ended bought"),
        (
            "leave on bought where event.total > 5",
            "bought {\"total\": 5}",
            "took Order Completed, ended sale",
        ),
        ("goal sale on bought leave on goal", "bought", "goal sale, ended goal"),
        ("goal sale on bought", "bought", "goal sale, took Order Completed, ended sale"),
        (
            "goal sale on bought where event.total > 5",
            "bought {\"total\": 1}",
            "took Order Completed, ended sale",
        ),
        ("leave when contact.vip", "identify {\"vip\": true}", "ended left"),
        ("leave when contact.vip", "identify {\"vip\": false}", ""),
        (
            "leave on unsubscribed where event.topic == \"news\"",
            "unsubscribed {\"topic\": \"news\"}",
            "ended unsubscribed",
        ),
        ("leave on unsubscribed where event.topic == \"news\"", "unsubscribed {\"topic\": \"x\"}", ""),
    ] {
        play(&stage(head, wait), &[begin, ("2027-03-02 10:00", what, expected)]);
    }
}

#[test]
fn conditions_that_time_makes_true_are_timers() {
    for (condition, change) in [
        ("days until contact.renewal < 5", "03-17 00:00"),
        ("days since contact.renewal >= 3", "03-24 00:00"),
        ("today > contact.renewal", "03-22 00:00"),
        ("now > contact.renewal", "03-21 00:00"),
        ("hours since contact.created_at > 500000 and contact.vip", "01-01 00:00"),
    ] {
        let mut play = Play::new(&stage(&format!("leave when {condition}"), "wait 60 days end"));
        play.step("2027-03-01 09:00", "identify {\"renewal\": \"2027-03-21\"}");
        let first = play.step("2027-03-01 10:00", "signup");
        assert_eq!(first, format!("{ENTERED}, waiting 04-30 10:00"), "{condition}");
        let mut left = String::new();
        for _ in 0..200 {
            let Some(wake) = play.state.runs[0].wake_at else { break };
            let time = crate::time::wall_text(wake, &play.zone);
            left = play.step(&time.replace("00:00", "00:01"), "wake");
            if !left.is_empty() {
                left = format!("{left} {}", &time[5..]);
                break;
            }
        }
        if condition.contains("vip") {
            assert_eq!(left, "ended done 04-30 10:00", "{condition}");
        } else {
            assert_eq!(left, format!("ended left {change}"), "{condition}");
        }
    }
}

#[test]
fn goals_are_counted_from_entry_for_those_written_to_and_those_only_measured() {
    let journey =
        stage("goal sale on bought within 5 days worth event.total control 50%", "send email hello end");
    let mut treated = Play::new(&journey);
    treated.step("2027-03-01 10:00", "signup");
    assert_eq!(treated.step("2027-03-06 10:00", "bought {\"total\": 49.9}"), "goal sale");
    assert_eq!(treated.last.goals[0].worth, Some(49.9));
    assert_eq!(treated.step("2027-03-06 10:00", "bought {\"total\": 49.9}"), "");
    let mut late = Play::new(&journey);
    late.step("2027-03-01 10:00", "signup");
    assert_eq!(late.step("2027-03-06 10:01", "bought {\"total\": 49.9}"), "");
    let mut control = Play::new(&journey);
    control.arm = Some(Arm::Control);
    assert_eq!(control.step("2027-03-01 10:00", "signup"), "entered signup");
    assert_eq!(control.step("2027-03-02 10:00", "bought {\"total\": 5}"), "goal sale");
    assert_eq!(control.step("2027-03-06 10:00", "wake"), "ended control");
    assert!(control.last.messages.is_empty());
}

#[test]
fn the_arm_is_the_share_and_sticks() {
    let mut play = Play::new(&stage("goal sale on bought control 50%", "end"));
    play.arm = None;
    let mut control = 0;
    for number in 0..1_000_u32 {
        let id =
            ContactId(IdHasher::new("contact").part(number.to_be_bytes()).finish(Moment::from_seconds(0)));
        let mut arms = Vec::new();
        for _ in 0..2 {
            play.state = ContactState::new(Contact::new(id, Moment::from_seconds(0)));
            play.state.permissions.insert("news".to_owned(), true);
            play.step("2027-03-01 10:00", "signup");
            arms.push(play.state.runs[0].arm);
        }
        assert_eq!(arms[0], arms[1]);
        control += u32::from(arms[0] == Arm::Control);
    }
    assert!((440..560).contains(&control), "{control}");
}

#[test]
fn branches_keep_what_they_were_taken_for() {
    let journey = stage(
        "",
        "wait up to 1 day {
           on bought {
             wait up to 1 day {
               on complaint { wait 1 hour  set contact.score = event.total  end }
               otherwise { set contact.score = event.total  end as quiet }
             }
           }
           otherwise { end }
         }",
    );
    let mut play = Play::new(&journey.replace("set contact.score = event.total  end }", "end }"));
    play.play(&[
        ("2027-03-01 10:00", "signup", "entered signup, stage s, waiting 03-02 10:00"),
        ("2027-03-01 11:00", "bought {\"total\": 7}", "took Order Completed, waiting 03-02 11:00"),
        ("2027-03-02 11:00", "wake", "took time is up, changed score = 7, ended quiet"),
    ]);
}

#[test]
fn calls_and_leads_are_answered() {
    let journey = stage(
        "",
        "call erp with { score contact.score } and wait up to 1 hour {
           on reply where reply.ok == true { set contact.score = reply.score }
           otherwise { end as silent }
         }
         hand off to sales with { reason \"hot\", source entry.source } and wait up to 2 days {
           on accepted { end as taken }
           on rejected { end as declined }
           otherwise { end as ignored }
         }",
    );
    let begin = (
        "2027-03-01 10:00",
        "signup {\"source\": \"web\"}",
        "entered signup, stage s, called erp, waiting 03-01 11:00",
    );
    let mut first = play(
        &journey,
        &[
            begin,
            ("2027-03-01 10:01", "reply {\"ok\": false}", ""),
            (
                "2027-03-01 10:02",
                "reply {\"ok\": true, \"score\": 77}",
                "took reply, changed score = 77, handed_off sales, waiting 03-03 10:02",
            ),
        ],
    );
    assert_eq!(first.last.calls[0].with, *json!({"reason": "hot", "source": "web"}).as_object().unwrap());
    first.play(&[("2027-03-02 10:00", "accepted", "took accepted, ended taken")]);
    play(&journey, &[begin, ("2027-03-01 11:00", "wake", "took time is up, ended silent")]);
}

#[test]
fn doing_it_again_gives_the_same_ids() {
    let journey = stage("", "send email hello call erp wait 1 day send email again end");
    let mut one = Play::new(&journey);
    let mut two = Play::new(&journey);
    for time in ["2027-03-01 10:00", "2027-03-02 10:00"] {
        let what = if time.contains("-01 ") { "signup" } else { "wake" };
        one.step(time, what);
        two.step(time, what);
        assert_eq!(one.last, two.last);
    }
    assert_eq!(one.state.runs, two.state.runs);
}

#[test]
fn lotse_records_its_own_events_where_somebody_listens() {
    let first = stage("goal sale on bought", "end as won");
    let quiet = play(&first, &[("2027-03-01 10:00", "signup", "entered signup, stage s, ended won")]);
    assert!(quiet.last.events.is_empty());
    let second = "journey k { enter on journey_left where event.outcome == \"won\" stage a { end } }";
    let heard = play(
        &format!("{first} {second}"),
        &[("2027-03-01 10:00", "signup", "entered signup, stage s, ended won")],
    );
    assert_eq!(heard.last.events.len(), 1);
    assert_eq!(heard.last.events[0].properties["outcome"], "won");
}

#[test]
fn entering_by_request_starts_where_it_says() {
    let journey = "journey j { enter by request into t  enter on signup  permission news stage s { end as s } stage t { end as t } }";
    play(
        journey,
        &[
            ("2027-03-01 10:00", "request k", "refused NoEntry"),
            ("2027-03-01 10:00", "request j", "entered by request, stage t, ended t"),
        ],
    );
}

#[test]
fn answers_and_replies_are_reactions() {
    let asked = stage(
        "",
        "send email asks
         wait up to 2 days {
           on answered nps where event.score <= 6 { set contact.score = event.score  end as poor }
           on replied asks { end as written }
           otherwise { end as silent }
         }",
    );
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, sent asks, waiting 03-03 10:00");
    for (what, expected) in [
        ("answer 6", "took answered nps, changed score = 6, ended poor"),
        ("answer 7", ""),
        ("answer 0; answer 9", "took answered nps, changed score = 0, ended poor"),
        ("replied asks", "took replied asks, ended written"),
        ("replied hello", ""),
        ("machine asks", ""),
    ] {
        play(&asked, &[begin, ("2027-03-01 11:00", what, expected)]);
    }
}

#[test]
fn an_answer_counts_that_came_before_it_was_waited_for() {
    let journey = stage(
        "",
        "send email asks
         wait 1 day
         if answered(nps) and not replied(asks) { wait 1 hour }
         wait up to 2 days { on answered nps where event.comment == \"fine\" { end as known } otherwise { end } }",
    );
    let begin = ("2027-03-01 10:00", "signup", "entered signup, stage s, sent asks, waiting 03-02 10:00");
    let mut play = play(&journey, &[begin, ("2027-03-01 11:00", "answer 8", "")]);
    assert_eq!(play.step("2027-03-02 10:00", "wake"), "took condition 1, waiting 03-02 11:00");
    assert_eq!(play.step("2027-03-02 11:00", "wake"), "took answered nps, ended known");
}
