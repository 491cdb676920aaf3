//! Windows, business days, loops.

use super::play::{ENTERED, Play, play, stage};

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
