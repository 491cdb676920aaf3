//! Ways in that time decides, and conditions that become true.

use jiff::ToSpan;
use proptest::prelude::*;

use super::*;
use crate::time::{ClockTime, Date, at_clock_time, wall_text};

/// A journey with those clauses that does nothing.
fn journey(head: &str) -> String {
    let late = if head.contains("into late") { "stage late { end as was_late }" } else { "" };
    format!("journey j {{ {head} stage s {{ end }} {late} }}")
}

/// A contact that is there since that time, looked at once.
fn there(journeys: &str, since: &str) -> Play {
    let mut play = Play::new(journeys);
    play.state.contact.created_at = play.at(since);
    play.step(since, "look");
    play
}

impl Play {
    /// Looks at the contact whenever that is due, up to a time, and tells when it entered.
    fn entries_until(&mut self, end: &str) -> Vec<String> {
        let end = self.at(end);
        let mut entered = Vec::new();
        while let Some(due) =
            self.state.watch.as_ref().and_then(|watch| watch.due_at).filter(|due| *due <= end)
        {
            if self.step_at(due, "look").starts_with("entered") {
                entered.push(wall_text(due, &self.zone)[5..].to_owned());
            }
        }
        entered
    }

    fn redeploy(&mut self, journeys: &str, at: &str) {
        let version = self.plans.versions().last().map_or(1, |(version, _)| version + 1);
        let plan = Play::new(journeys).plans.version(1).cloned().unwrap();
        self.plans.add(version, plan, true);
        let at = self.at(at);
        self.plans.deployed([("j".to_owned(), at, Some(version))]);
    }
}

#[test]
fn everybody_enters_at_the_times_of_the_calendar() {
    for (clause, times) in [
        ("every day at 09:00", "03-01 09:00, 03-02 09:00, 03-03 09:00, 03-04 09:00"),
        ("every day", "03-02 00:00, 03-03 00:00, 03-04 00:00, 03-05 00:00"),
        ("every wednesday at 09:00", "03-03 09:00, 03-10 09:00, 03-17 09:00, 03-24 09:00"),
        ("every month on 31 at 18:30", "03-31 18:30, 04-30 18:30, 05-31 18:30, 06-30 18:30"),
        ("every month on 1 at 07:00", "04-01 07:00, 05-01 07:00, 06-01 07:00, 07-01 07:00"),
        ("every cron \"0 9 * * MON-FRI\"", "03-01 09:00, 03-02 09:00, 03-03 09:00, 03-04 09:00"),
        ("every cron \"30 9 * * 0\"", "03-07 09:30, 03-14 09:30, 03-21 09:30, 03-28 09:30"),
    ] {
        let mut play = there(&journey(&format!("enter {clause} reenter always")), "2027-03-01 08:00");
        let mut found = play.entries_until("2027-08-01 00:00");
        found.truncate(4);
        assert_eq!(found.join(", "), times, "{clause}");
    }
}

#[test]
fn a_date_of_the_contact_leads_in() {
    for (clause, times) in [
        ("3 days before contact.renewal at 09:00", "05-07 09:00"),
        ("2 weeks after contact.renewal at 09:00", "05-24 09:00"),
        ("on contact.renewal at 09:00", "05-10 09:00"),
        ("on contact.renewal", "05-10 00:00"),
        ("12 hours before contact.renewal", "05-09 12:00"),
        ("1 month before contact.renewal", "04-10 00:00"),
        ("yearly on contact.renewal at 09:00", "05-10 09:00, 05-10 09:00"),
        ("1 day after contact.created_at", "03-02 08:00"),
        ("1 day after contact.created_at at 10:00", "03-02 10:00"),
        ("yearly on contact.created_at", "03-01 00:00"),
        ("1 year before contact.renewal", ""),
    ] {
        let mut play = there(&journey(&format!("enter {clause} reenter always")), "2027-03-01 08:00");
        play.step("2027-03-01 08:30", "identify {\"renewal\": \"2027-05-10\"}");
        assert_eq!(play.entries_until("2028-07-01 00:00").join(", "), times, "{clause}");
    }
}

#[test]
fn the_29_of_february_is_the_28_in_other_years() {
    let mut play =
        there(&journey("enter yearly on contact.renewal at 09:00 reenter always"), "2027-01-01 08:00");
    play.step("2027-01-01 08:30", "identify {\"renewal\": \"1996-02-29\"}");
    assert_eq!(play.entries_until("2029-12-01 00:00"), ["02-28 09:00", "02-29 09:00", "02-28 09:00"]);
}

#[test]
fn a_date_that_changes_takes_its_moment_along() {
    let mut play = there(&journey("enter on contact.renewal at 09:00 reenter always"), "2027-03-01 08:00");
    play.play(&[
        ("2027-03-02 08:00", "identify {\"renewal\": \"2027-03-10\"}", ""),
        ("2027-03-09 08:00", "identify {\"renewal\": \"2027-03-20\"}", ""),
        ("2027-03-10 09:00", "look", ""),
        // A date that has passed when it comes leads nobody in.
        ("2027-03-12 09:00", "identify {\"renewal\": \"2027-03-11\"}", ""),
        ("2027-03-20 09:00", "look", ""),
        ("2027-03-21 09:00", "identify {\"renewal\": \"2027-03-22\"}", ""),
        ("2027-03-22 09:00", "look", "entered on contact.renewal at 09:00, stage s, ended done"),
        ("2027-03-22 09:01", "look", ""),
    ]);
}

#[test]
fn what_happened_before_a_moment_goes_before_it_however_late_it_is_looked_at() {
    let head = "enter on contact.renewal at 09:00 where contact.vip reenter always";
    let mut play = there(&journey(head), "2027-03-01 08:00");
    play.step("2027-03-01 09:00", "identify {\"renewal\": \"2027-03-10\"}");
    // All of it is looked at on the 12th: who is a friend of the house by the 10th enters for it.
    let mut inputs = play.inputs("identify {\"vip\": true}", play.at("2027-03-09 08:00"));
    inputs.extend(play.inputs("identify {\"renewal\": null}", play.at("2027-03-11 08:00")));
    let now = play.at("2027-03-12 08:00");
    let entered = play.apply(now, inputs);
    assert_eq!(entered, "entered on contact.renewal at 09:00 where contact.vip, stage s, ended done");
    assert_eq!(play.state.runs[0].entered_at, play.at("2027-03-10 09:00"));
}

#[test]
fn who_matches_enters_and_others_do_not() {
    let head = "enter every day at 09:00 where contact.score >= 50 into late
        enter every day at 09:00 where contact.vip reenter never";
    let mut play = there(&journey(head), "2027-03-01 08:00");
    play.play(&[
        ("2027-03-01 09:00", "look", ""),
        ("2027-03-01 10:00", "identify {\"score\": 60}", ""),
        (
            "2027-03-02 09:00",
            "look",
            "entered every day at 09:00 where contact.score >= 50 into late, stage late, ended was_late",
        ),
        ("2027-03-03 09:00", "look", ""),
    ]);
    let refused = &play.state.watch.as_ref().unwrap().state.refused;
    assert_eq!(refused["j"], (play.at("2027-03-03 09:00"), crate::domain::RefusalReason::WasInside));
}

#[test]
fn what_was_missed_leads_in_once() {
    let mut play = there(&journey("enter every day at 09:00 reenter always"), "2027-03-01 08:00");
    let entered = "entered every day at 09:00, stage s, ended done";
    play.play(&[
        ("2027-03-05 12:00", "look", entered),
        ("2027-03-05 12:01", "look", ""),
        ("2027-03-06 09:00", "look", entered),
        ("2027-03-09 09:30", "complaint; signup", entered),
    ]);
    assert_eq!(play.state.runs[1].entered_at, play.at("2027-03-06 09:00"));
    assert_eq!(play.state.runs[2].entered_at, play.at("2027-03-09 09:00"));
}

#[test]
fn a_condition_that_becomes_true_leads_in() {
    let head = "enter when contact.score >= 50 reenter always";
    let entered = "entered when contact.score >= 50, stage s, ended done";
    there(&journey(head), "2027-03-01 08:00").play(&[
        ("2027-03-01 09:00", "identify {\"score\": 40}", ""),
        ("2027-03-01 10:00", "identify {\"score\": 50}", entered),
        ("2027-03-01 11:00", "identify {\"score\": 60}", ""),
        ("2027-03-01 12:00", "identify {\"score\": 40}", ""),
        (
            "2027-03-01 13:00",
            "identify {\"score\": 60}; identify {\"score\": 10}; identify {\"score\": 70}",
            &format!("{entered}, {entered}"),
        ),
        ("2027-03-02 13:00", "look", ""),
    ]);
}

#[test]
fn a_condition_becomes_true_by_time_alone() {
    for (condition, when) in [
        ("days since contact.renewal > 3", "03-14 00:00"),
        ("days until contact.renewal < 3", "03-08 00:00"),
        ("today >= contact.renewal", "03-10 00:00"),
        ("days until contact.renewal == 5 and contact.vip", ""),
    ] {
        let mut play = there(&journey(&format!("enter when {condition} reenter always")), "2027-03-01 08:00");
        play.step("2027-03-01 09:00", "identify {\"renewal\": \"2027-03-10\"}");
        assert_eq!(play.entries_until("2027-06-01 00:00").join(", "), when, "{condition}");
    }
}

#[test]
fn another_journey_makes_a_condition_true() {
    let journeys = "journey first { enter on signup stage s { tag \"hot\" end } }
        journey second { enter when has tag \"hot\" stage s { end as was_hot } }";
    Play::new(journeys).play(&[(
        "2027-03-01 10:00",
        "signup",
        "entered signup, stage s, changed tag \"hot\", ended done, entered when has tag \"hot\", stage s, ended was_hot",
    )]);
    // Of two that undo each other neither goes on for ever.
    let journeys = "journey first { enter when has tag \"hot\" reenter always stage s { untag \"hot\" end } }
        journey second { enter when not has tag \"hot\" reenter always stage s { tag \"hot\" end } }";
    let mut play = Play::new(journeys);
    assert!(play.step("2027-03-01 10:00", "signup").len() < 4_000);
    let ids: BTreeSet<_> = play.state.runs.iter().map(|run| run.id).collect();
    assert_eq!(ids.len(), play.state.runs.len());
}

#[test]
fn whoever_matches_already_enters_only_with_backfill() {
    let head = "enter when contact.score >= 50 reenter always";
    let backfill = "enter when contact.score >= 50 backfill reenter always";
    for (head, first, second) in [
        (head, "", "entered when contact.score >= 50, stage s, ended done"),
        (backfill, "entered when contact.score >= 50 backfill, stage s, ended done", ""),
    ] {
        // One who matches, and one who does so only by what happens before anybody looked.
        let mut play = Play::new(&journey(head));
        play.plans.deployed([("j".to_owned(), play.at("2027-03-01 00:00"), Some(1))]);
        play.state.contact.set("score", &Value::Number(60.0));
        assert_eq!(play.step("2027-03-01 08:00", "look"), first, "{head}");
        assert_eq!(play.step("2027-03-01 09:00", "identify {\"score\": 1}"), "");
        let again = play.step("2027-03-01 10:00", "identify {\"score\": 60}");
        assert!(again.starts_with("entered"), "{head}: {again}");
        let mut play = Play::new(&journey(head));
        play.plans.deployed([("j".to_owned(), play.at("2027-03-01 00:00"), Some(1))]);
        let found = play.step("2027-03-01 10:00", "identify {\"score\": 60}");
        assert!(found.starts_with("entered"), "{head}: {found}");
        let mut play = Play::new(&journey(head));
        play.plans.deployed([("j".to_owned(), play.at("2027-03-01 00:00"), Some(1))]);
        play.state.contact.set("score", &Value::Number(60.0));
        let changed = play.step("2027-03-01 09:00", "identify {\"score\": 70}");
        assert_eq!(changed.is_empty(), second.starts_with("entered"), "{head}: {changed}");
    }
}

#[test]
fn a_new_contact_that_matches_enters() {
    let mut play = Play::new(&journey("enter when contact.score >= 50"));
    play.plans.deployed([("j".to_owned(), play.at("2027-03-01 00:00"), Some(1))]);
    play.state.contact.created_at = play.at("2027-03-02 00:00");
    play.state.contact.set("score", &Value::Number(60.0));
    assert_eq!(
        play.step("2027-03-02 00:00", "look"),
        "entered when contact.score >= 50, stage s, ended done"
    );
}

#[test]
fn a_redeployment_loses_no_moment_and_repeats_none() {
    let head = "enter every day at 09:00 enter when contact.vip reenter always";
    let mut play = Play::new(&journey(head));
    play.plans.deployed([("j".to_owned(), play.at("2027-03-01 08:00"), Some(1))]);
    let entered = "entered every day at 09:00, stage s, ended done";
    play.play(&[
        ("2027-03-01 09:00", "look", entered),
        ("2027-03-01 10:00", "identify {\"vip\": true}", "entered when contact.vip, stage s, ended done"),
    ]);
    // Only the stages differ: the ways in have been there all the time.
    play.redeploy(&journey(&format!("{head} timezone \"Europe/Berlin\"")), "2027-03-01 12:00");
    play.redeploy(&format!("journey j {{ {head} stage s {{ end as other }} }}"), "2027-03-02 09:30");
    play.redeploy(&format!("journey j {{ {head} stage s {{ end as third }} }}"), "2027-03-02 09:45");
    // The zone was another for a day, so that the ways begin anew after it.
    play.play(&[("2027-03-02 10:00", "look", "")]);
    play.redeploy(&format!("journey j {{ {head} stage s {{ end as fourth }} }}"), "2027-03-03 10:00");
    play.play(&[
        ("2027-03-03 10:30", "look", "entered every day at 09:00, stage s, ended fourth"),
        ("2027-03-03 11:00", "look", ""),
    ]);
}

#[test]
fn a_break_forgets_what_held() {
    let mut play = Play::new(&journey("enter when contact.vip reenter always"));
    play.plans.deployed([("j".to_owned(), play.at("2027-03-01 08:00"), Some(1))]);
    play.play(&[("2027-03-01 09:00", "look", "")]);
    play.plans.retire("j");
    play.plans.deployed([("j".to_owned(), play.at("2027-03-02 08:00"), None)]);
    play.play(&[("2027-03-02 09:00", "identify {\"vip\": true}", "")]);
    play.redeploy(&journey("enter when contact.vip reenter always"), "2027-03-03 08:00");
    play.play(&[("2027-03-03 09:00", "look", ""), ("2027-03-03 10:00", "identify {\"vip\": true}", "")]);
}

#[test]
fn nobody_enters_before_the_start_or_after_the_end() {
    let head = "enter every day at 09:00 starts 2027-03-03 ends 2027-03-05 10:00 reenter always";
    let mut play = there(&journey(head), "2027-03-01 08:00");
    assert_eq!(play.entries_until("2027-04-01 00:00"), ["03-03 09:00", "03-04 09:00", "03-05 09:00"]);
    // Who matches when it starts is one who matches already.
    for (backfill, times) in [("", ""), ("backfill", "03-03 00:00")] {
        let head = format!("enter when contact.vip {backfill} starts 2027-03-03");
        let mut play = there(&journey(&head), "2027-03-01 08:00");
        play.step("2027-03-01 09:00", "identify {\"vip\": true}");
        assert_eq!(play.entries_until("2027-04-01 00:00").join(""), times);
    }
}

#[test]
fn silence_leads_in() {
    let head = "enter after 10 days without bought where contact.score >= 5 reenter always";
    let mut play = there(&journey(head), "2027-03-01 08:00");
    play.play(&[("2027-03-04 12:00", "signup", ""), ("2027-03-05 12:00", "bought", "")]);
    assert_eq!(play.entries_until("2027-05-01 00:00"), ["03-15 12:00"]);
    play.play(&[("2027-05-01 10:00", "bought", "")]);
    assert_eq!(play.entries_until("2027-08-01 00:00"), ["05-11 10:00"]);
    // Without any, it is counted from when the contact came.
    let mut play = there(&journey(head), "2027-03-01 08:00");
    assert_eq!(play.entries_until("2027-05-01 00:00"), ["03-11 08:00"]);
}

#[test]
fn by_hand_one_enters_a_journey_of_any_kind() {
    let mut play = there(
        &journey("enter every day at 09:00 where contact.vip into late enter on complaint"),
        "2027-03-01 08:00",
    );
    assert_eq!(play.step("2027-03-01 08:30", "request j"), "entered by request, stage late, ended was_late");
}

#[test]
fn who_needs_nothing_by_time_is_not_due() {
    let play = there(&journey("enter when contact.vip"), "2027-03-01 08:00");
    assert_eq!(play.state.watch.unwrap().due_at, None);
    let play = there(&journey("enter on signup"), "2027-03-01 08:00");
    assert_eq!(play.state.watch, None);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Whoever is looked at only when that is due enters at the moments that a calendar read day by day gives.
    #[test]
    fn dates_lead_in_when_a_calendar_says_so(
        zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/St_Johns", "America/Havana", "Pacific/Apia"]),
        date in (1950_i16..2030, 1_i8..13, 1_i8..32),
        (days, before, yearly) in (0_i32..60, any::<bool>(), any::<bool>()),
        (hour, minute) in (0_u8..24, 0_u8..60),
    ) {
        let first = Date::new(date.0, date.1, 1).unwrap();
        let date = Date::new(date.0, date.1, date.2.min(first.days_in_month())).unwrap();
        let clause = match (yearly, before) {
            (true, _) => "yearly on contact.renewal".to_owned(),
            (false, true) => format!("{days} days before contact.renewal"),
            (false, false) => format!("{days} days after contact.renewal"),
        };
        let head = format!("enter {clause} at {hour:02}:{minute:02} reenter always timezone \"{zone}\"");
        let mut play = there(&journey(&head), "2026-01-01 08:00");
        let begin = play.at("2026-01-01 09:00");
        play.step("2026-01-01 09:00", &format!("identify {{\"renewal\": \"{date}\"}}"));
        let end = play.at("2031-01-01 00:00");
        play.entries_until("2031-01-01 00:00");
        let mut entered: Vec<Moment> = play.state.runs.iter().map(|run| run.entered_at).collect();
        entered.sort();
        let clock = crate::time::zone(zone).unwrap();
        let shifted = date.checked_add((if before { -days } else { days }).days()).unwrap();
        let leap = |day: Date| day.days_in_year() == 366;
        let mut model = Vec::new();
        let mut day = Date::new(2025, 12, 1).unwrap();
        while day < Date::new(2031, 2, 1).unwrap() {
            let on = if yearly {
                (day.month(), day.day()) == (date.month(), date.day())
                    || (date.month(), date.day()) == (2, 29) && !leap(day) && (day.month(), day.day()) == (2, 28)
            } else {
                day == shifted
            };
            if on {
                model.push(at_clock_time(day, ClockTime::new(hour, minute).unwrap(), &clock));
            }
            day = day.tomorrow().unwrap();
        }
        model.retain(|moment| *moment > begin && *moment <= end);
        prop_assert_eq!(entered, model, "{}", head);
    }
}
