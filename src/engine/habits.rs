//! When and by which channel contacts answer: what one contact has shown, and, for the part that it has not, what all
//! have shown together.

use crate::domain::{Learned, PastMessage};
use crate::time::{Moment, TimeZone, hour_of};

/// How many observations of one contact weigh as much as what all contacts have shown.
const WEIGHT_OF_ALL: f64 = 5.0;
/// The hours before and behind count as well, and less: who reads at eight reads at nine.
const WEIGHT_OF_NEIGHBOURS: f64 = 0.5;

/// The share of the messages of a channel that a contact answers, by following a link: its own share, drawn towards
/// that of all contacts, the more the fewer messages it got.
pub(super) fn answer_rate(messages: &[PastMessage], learned: &Learned, channel: &str) -> f64 {
    let own = || messages.iter().filter(|message| message.channel == channel && !message.waits);
    let answered = own().filter(|message| message.clicked_at.is_some()).count();
    let all = learned.channels.get(channel);
    let of_all = all.filter(|all| all.sent > 0).map_or(0.0, |all| float(all.answered) / float(all.sent));
    (float(answered as u64) + WEIGHT_OF_ALL * of_all) / (float(own().count() as u64) + WEIGHT_OF_ALL)
}

/// The best moment between two: now, or the beginning of a later hour of the clock. Of hours that are equally good,
/// the earliest; the first moment where nothing is known about hours at all.
pub(super) fn best_time(
    messages: &[PastMessage],
    learned: &Learned,
    channel: &str,
    (from, until): (Moment, Moment),
    clock: &TimeZone,
    is_free: impl Fn(Moment) -> bool,
) -> Moment {
    let scores = scores(messages, learned, channel, clock);
    if scores.iter().all(|score| *score == 0.0) {
        return from;
    }
    // Hours come round after a day; a change of the clocks makes it an hour longer.
    const HOURS: i64 = 25;
    let first_full = from.plus_seconds(3_600 - seconds_into_hour(from, clock));
    let later = (0..HOURS).map(|hour| first_full.plus_seconds(hour * 3_600));
    let moments = std::iter::once(from).chain(later).filter(|at| *at <= until && is_free(*at));
    let score = |at: &Moment| scores.get(usize::from(hour_of(*at, clock))).copied().unwrap_or(0.0);
    moments
        .fold(None, |best: Option<Moment>, at| match best {
            Some(best) if score(&best) >= score(&at) => Some(best),
            _ => Some(at),
        })
        .unwrap_or(from)
}

/// How good each hour of the day is.
fn scores(messages: &[PastMessage], learned: &Learned, channel: &str, clock: &TimeZone) -> [f64; 24] {
    let mut counts = [0.0; 24];
    if let Some(all) = learned.channels.get(channel) {
        let sum: u64 = all.hours.iter().sum();
        for (count, hour) in counts.iter_mut().zip(all.hours) {
            *count += WEIGHT_OF_ALL * float(hour) / float(sum.max(1));
        }
    }
    for message in messages.iter().filter(|message| message.channel == channel) {
        for at in [message.opened_at, message.clicked_at].into_iter().flatten() {
            if let Some(count) = counts.get_mut(usize::from(hour_of(at, clock))) {
                *count += 1.0;
            }
        }
    }
    let at = |hour: usize| counts.get(hour % 24).copied().unwrap_or(0.0);
    std::array::from_fn(|hour| at(hour) + WEIGHT_OF_NEIGHBOURS * (at(hour + 1) + at(hour + 23)))
}

fn seconds_into_hour(at: Moment, clock: &TimeZone) -> i64 {
    let wall = clock.to_datetime(at.timestamp());
    i64::from(wall.minute()) * 60 + i64::from(wall.second())
}

#[expect(clippy::cast_precision_loss, reason = "counts of messages are far below 2^52")]
fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ChannelCounts;

    fn at(text: &str) -> Moment {
        format!("2027-03-{text}[Europe/Berlin]").parse::<jiff::Zoned>().unwrap().timestamp().into()
    }

    fn message(channel: &str, opened: Option<&str>, clicked: Option<&str>) -> PastMessage {
        PastMessage {
            channel: channel.to_owned(),
            essential: false,
            at: at("01T06:00"),
            waits: false,
            opened_at: opened.map(at),
            clicked_at: clicked.map(at),
        }
    }

    fn all(sent: u64, answered: u64, hour: usize) -> Learned {
        let mut counts = ChannelCounts { sent, answered, ..ChannelCounts::default() };
        counts.hours[hour] = 100;
        Learned { channels: [("email".to_owned(), counts)].into(), ..Learned::default() }
    }

    fn best(messages: &[PastMessage], learned: &Learned, from: &str, until: &str) -> Moment {
        let clock = crate::time::zone("Europe/Berlin").unwrap();
        best_time(messages, learned, "email", (at(from), at(until)), &clock, |_| true)
    }

    #[test]
    fn the_best_hour_is_the_contacts_own_or_everybodys() {
        let nobody = Learned::default();
        let evening = [message("email", Some("02T19:10"), Some("02T19:12"))];
        let many: Vec<PastMessage> = (0..9).flat_map(|_| evening.clone()).collect();
        for (messages, learned, from, until, expected) in [
            (&[][..], &nobody, "03T10:20", "03T22:00", "03T10:20"),
            (&evening[..], &nobody, "03T10:20", "03T22:00", "03T19:00"),
            (&evening[..], &nobody, "03T19:40", "03T22:00", "03T19:40"),
            // One evening tells less than what everybody does; nine tell more.
            (&evening[..], &all(100, 10, 8), "03T05:00", "03T22:00", "03T08:00"),
            (&many[..], &all(100, 10, 8), "03T05:00", "03T22:00", "03T19:00"),
            // Out of reach, an hour beside it is the best.
            (&evening[..], &nobody, "03T10:20", "03T18:00", "03T18:00"),
            (&evening[..], &nobody, "03T10:20", "03T17:00", "03T10:20"),
        ] {
            assert_eq!(best(messages, learned, from, until), at(expected), "{from} to {until}");
        }
    }

    #[test]
    fn quiet_hours_are_passed_over() {
        let clock = crate::time::zone("Europe/Berlin").unwrap();
        let night = [message("email", Some("02T23:10"), None)];
        let is_free = |moment: Moment| (8..22).contains(&hour_of(moment, &clock));
        let span = (at("03T12:00"), at("04T11:00"));
        let found = best_time(&night, &Learned::default(), "email", span, &clock, is_free);
        assert_eq!(found, at("03T12:00"), "no free hour is better than now");
    }

    #[test]
    fn a_contact_with_little_history_answers_like_everybody() {
        let learned = all(100, 10, 8);
        assert!((answer_rate(&[], &learned, "email") - 0.1).abs() < 1e-9);
        assert!((answer_rate(&[], &learned, "sms") - 0.0).abs() < 1e-9);
        let answered = vec![message("sms", None, Some("02T10:00")); 5];
        assert!(answer_rate(&answered, &learned, "sms") > answer_rate(&answered, &learned, "email"));
    }
}
