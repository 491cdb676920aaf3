use super::*;

fn together(count: usize, millis: u64, in_time: bool) -> usize {
    let mut pace = Pace::default();
    pace.learn(count, Duration::from_millis(millis), in_time);
    pace.together().map_or(0, NonZeroUsize::get)
}

#[test]
fn fast_connections_have_many_let_through_and_slow_ones_none() {
    assert_eq!(Pace::default().together(), None, "nothing is known of a connection yet");
    for (count, millis, expected) in [
        (1, 0, TOGETHER_MAX),
        (8, 8, TOGETHER_MAX),
        (1, 50, 5),
        (4, 200, 5),
        (1, 125, 2),
        // Two would fill more than a quarter of the time.
        (1, 126, 0),
        (1, 60_000, 0),
        (0, 10, TOGETHER_MAX),
    ] {
        assert_eq!(together(count, millis, true), expected, "{count} mails in {millis} ms");
    }
    assert_eq!(together(8, 8, false), 0, "after passes ran out each asks by itself");
}

#[tokio::test]
async fn a_pass_runs_out() {
    let id = MessageId::default();
    assert!(Pass { until: Instant::now() + gate::GOOD_FOR }.hand_over(id).await);
    assert!(!Pass { until: Instant::now() }.hand_over(id).await);
}
