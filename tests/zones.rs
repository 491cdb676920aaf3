//! Time in every zone of the tz database, around each change of its clocks, beside what Python's zoneinfo makes of it.

use std::fmt;
use std::process::Command;

use lotse::time::{
    ClockTime, Length, Moment, TimeZone, Unit, Weekday, after_business_days, next_clock_time,
    next_weekday_time, zone,
};

/// Which share of the questions two releases of the tz database may set apart, in percent.
const APART_MAX: usize = 3;
/// The fewest questions that are every zone's.
const QUESTIONS_MIN: usize = 50_000;
/// Around a question and its answer, a zone must have the same changes in both databases, in seconds.
const AROUND: i64 = 20 * 86_400;

/// From a second on, the offset from UTC, both in seconds.
type Change = (i64, i32);

/// A zone as both databases have it.
struct Zone<'a> {
    name: &'a str,
    zone: TimeZone,
    own: Vec<Change>,
    theirs: Vec<Change>,
}

impl<'a> Zone<'a> {
    fn new(name: &'a str) -> Option<Self> {
        let zone = zone(name)?;
        let start = Moment::from_seconds(-1_000 * 86_400).timestamp();
        let end = Moment::from_seconds(2_250_000_000).timestamp();
        let mut offset = zone.to_offset(start);
        let mut own = Vec::new();
        for change in zone.following(start).take_while(|change| change.timestamp() < end) {
            if change.offset() != offset {
                offset = change.offset();
                own.push((change.timestamp().as_second(), offset.seconds()));
            }
        }
        Some(Self { name, zone, own, theirs: Vec::new() })
    }

    /// Whether both databases tell of the same changes around two moments.
    fn agreed(&self, from: i64, to: i64) -> bool {
        let (first, last) = (from.min(to) - AROUND, from.max(to) + AROUND);
        let around = |changes: &[Change]| -> Vec<Change> {
            changes.iter().filter(|(at, _)| (first..=last).contains(at)).copied().collect()
        };
        around(&self.own) == around(&self.theirs)
    }
}

/// What Python was asked, and what it said.
struct Question<'a> {
    kind: &'a str,
    from: i64,
    rest: Vec<i64>,
    answer: i64,
}

impl<'a> Question<'a> {
    fn read(line: &'a str) -> Self {
        let (kind, numbers) = line.split_once(' ').unwrap();
        let mut numbers: Vec<i64> = numbers.split(' ').map(|number| number.parse().unwrap()).collect();
        let answer = numbers.pop().unwrap();
        Self { kind, from: numbers.remove(0), rest: numbers, answer }
    }

    fn answer(&self, zone: &TimeZone) -> Moment {
        let from = Moment::from_seconds(self.from);
        match (self.kind, self.rest.as_slice()) {
            ("clock", [minute]) => next_clock_time(from, clock_time(*minute), zone),
            ("weekday", [day, minute]) => {
                let day = Weekday::ALL[usize::try_from(*day).unwrap()];
                next_weekday_time(from, day, clock_time(*minute), zone)
            }
            ("business", [days]) => after_business_days(from, u32::try_from(*days).unwrap(), zone),
            (unit, [count]) => {
                let length = Length::new(u32::try_from(count.abs()).unwrap(), Unit::from_word(unit).unwrap());
                if *count < 0 { length.before(from, zone) } else { length.after(from, zone) }
            }
            other => panic!("no such question: {other:?}"),
        }
    }
}

impl fmt::Display for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} from {}", self.kind, self.rest, Moment::from_seconds(self.from))
    }
}

fn clock_time(minute: i64) -> ClockTime {
    ClockTime::new(u8::try_from(minute / 60).unwrap(), u8::try_from(minute % 60).unwrap()).unwrap()
}

/// What Python prints; `None` on a bare machine without it or its database of zones.
fn python() -> Option<String> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zones.py");
    let output = Command::new("python3").arg(script).output();
    match output {
        Ok(output) if output.status.success() => Some(String::from_utf8(output.stdout).unwrap()),
        other => {
            assert!(std::env::var_os("LOTSE_CI").is_none(), "python3 and its zones must be there: {other:?}");
            eprintln!("skipped: this machine has no python3 with the tz database");
            None
        }
    }
}

#[test]
fn every_change_of_every_clock_is_as_python_has_it() {
    let Some(text) = python() else { return };
    let (mut asked, mut apart) = (0, 0);
    let mut wrong = Vec::new();
    let mut current: Option<Zone<'_>> = None;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("zone ") {
            current = Zone::new(name);
            continue;
        }
        if let Some(change) = line.strip_prefix("change ") {
            let (at, offset) = change.split_once(' ').unwrap();
            let change = (at.parse().unwrap(), offset.parse().unwrap());
            current.iter_mut().for_each(|zone| zone.theirs.push(change));
            continue;
        }
        let question = Question::read(line);
        asked += 1;
        match &current {
            Some(zone) if zone.agreed(question.from, question.answer) => {
                let answer = question.answer(&zone.zone);
                let expected = Moment::from_seconds(question.answer);
                if answer != expected {
                    wrong.push(format!("{}: {question}: {answer}, Python says {expected}", zone.name));
                }
            }
            _ => apart += 1,
        }
    }
    eprintln!("{asked} questions, {apart} of them left out, where the tz databases differ");
    assert!(asked >= QUESTIONS_MIN, "only {asked} questions");
    assert!(apart * 100 <= asked * APART_MAX, "{apart} of {asked} questions left out");
    let first = wrong.iter().take(20).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(wrong.is_empty(), "{} of {asked} answers differ:\n{first}", wrong.len());
}
