//! Which variant of an experiment is beyond doubt the best, from the counts.

use crate::domain::Picked;
use crate::engine::{Outcomes, Plans, winner};
use crate::store::TallyRow;
use crate::time::{Length, Moment};

/// Seconds of an hour of the counts.
const HOUR: i64 = 3_600;
const DAY: i64 = 86_400;

/// The variants that can be picked now, of experiments in force that have none picked yet.
pub(super) fn picks(rows: &[TallyRow], plans: &Plans, known: &[Picked], now: Moment) -> Vec<Picked> {
    let mut picks = Vec::new();
    for (_, plan) in plans.all_active() {
        for (experiment, variants) in plan.experiments() {
            let is_picked =
                |picked: &Picked| picked.journey == plan.journey && picked.experiment == experiment;
            let Some(by) = plan.picks.get(experiment).filter(|_| !known.iter().any(is_picked)) else {
                continue;
            };
            let outcomes: Vec<Outcomes> = variants
                .iter()
                .map(|variant| outcomes(rows, (&plan.journey, experiment, &variant.name), by.after, now))
                .collect();
            if let Some(variant) = winner(&outcomes).and_then(|index| variants.get(index)) {
                picks.push(Picked {
                    journey: plan.journey.clone(),
                    experiment: experiment.to_owned(),
                    variant: variant.name.clone(),
                    at: now,
                });
            }
        }
    }
    picks
}

/// What became of those who came to a variant and have had their time: whoever has not succeeded by then has not.
/// Those who still have time are left out, since nobody knows how they will end.
fn outcomes(
    rows: &[TallyRow],
    (journey, experiment, variant): (&str, &str, &str),
    after: Length,
    now: Moment,
) -> Outcomes {
    let mut outcomes = Outcomes::default();
    for row in rows.iter().filter(|row| row.journey == journey) {
        let mut detail = row.detail.split(' ');
        let is_theirs = detail.next() == Some(experiment) && detail.next() == Some(variant);
        let Some(hour) = detail.next().and_then(|hour| hour.parse::<i64>().ok()) else { continue };
        // An hour more, for days that have one more and for what is heard of late.
        let over = Moment::from_seconds(row.day * DAY + (hour + 2) * HOUR).plus_seconds(after.seconds_max());
        if !is_theirs || over > now {
            continue;
        }
        let count = u64::try_from(row.count).unwrap_or(0);
        match row.what.as_str() {
            "exposed" => outcomes.count += count,
            "succeeded" => outcomes.successes += count,
            _ => {}
        }
    }
    outcomes
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::language::check::check;
    use crate::language::plan::compile;
    use crate::source::WorkspaceFiles;

    const JOURNEY: &str = "
        event signup { }  event bought { }
        journey j {
          enter on signup
          stage s {
            experiment subject {
              variant a 50% { tag \"a\" }
              variant b 50% { tag \"b\" }
              pick by bought after 7 days
            }
            end
          }
        }";

    fn plans() -> Plans {
        let files = WorkspaceFiles::from_texts([("a.journey", JOURNEY)]);
        let checked = check(&files, None);
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        let mut plans = Plans::default();
        let plan = compile(&checked.model.journeys[0], &checked, &files.sources).unwrap();
        plans.add(1, Arc::new(plan), true);
        plans
    }

    fn row(version: u32, day: i64, what: &str, detail: &str, count: i64) -> TallyRow {
        let (journey, arm) = ("j".to_owned(), "treated".to_owned());
        let (what, detail) = (what.to_owned(), detail.to_owned());
        TallyRow { journey, version, arm, day, what, detail, count, worth: 0.0 }
    }

    #[test]
    fn the_better_variant_is_picked_once_everybody_has_had_their_time() {
        // Two versions of the journey, hours of two days.
        let rows = [
            row(1, 100, "exposed", "subject a 9", 1_000),
            row(1, 100, "exposed", "subject b 9", 500),
            row(2, 101, "exposed", "subject b 23", 500),
            row(1, 100, "succeeded", "subject a 9", 50),
            row(1, 100, "succeeded", "subject b 9", 100),
            row(2, 101, "succeeded", "subject b 23", 150),
            row(1, 100, "exposed", "other a 9", 9),
            row(1, 100, "sent", "subject", 9),
        ];
        let plans = plans();
        let at = |day: i64, hour: i64| Moment::from_seconds(day * DAY + hour * HOUR);
        let picked = |rows: &[TallyRow], known: &[Picked], now| {
            picks(rows, &plans, known, now).into_iter().map(|picked| picked.variant).collect::<Vec<_>>()
        };
        assert_eq!(picked(&rows, &[], at(107, 10)), [""; 0], "nobody has had their time");
        assert_eq!(picked(&rows, &[], at(107, 11)), ["b"], "50 of 1000 against 100 of 500");
        assert_eq!(picked(&rows[..2], &[], at(200, 0)), [""; 0]);
        let of_b = outcomes(&rows, ("j", "subject", "b"), Length::new(7, crate::time::Unit::Day), at(109, 1));
        assert_eq!(of_b, Outcomes { count: 1_000, successes: 250 });
        let known = Picked {
            journey: "j".to_owned(),
            experiment: "subject".to_owned(),
            variant: "a".to_owned(),
            at: at(1, 0),
        };
        assert_eq!(picked(&rows, &[known], at(200, 0)), [""; 0], "what was picked stays");
    }
}
