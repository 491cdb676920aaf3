use super::{Hover, Leaf};
use crate::ide::Analysis;
use crate::language::model::Timezone;
use crate::source::{SourceId, Span};
use crate::time::Unit;

/// Rules of lengths of time.
const LENGTHS: [&str; 2] = ["duration", "duration_value"];

/// What a length of time means where it stands: `3 days` ends on another clock than `72 hours`.
pub(super) fn of_length(analysis: &Analysis, text: &str, source: SourceId, leaf: &Leaf) -> Option<Hover> {
    let is_part = |rule: &&str| LENGTHS.contains(rule);
    let at = leaf.around.iter().rposition(is_part)?;
    let (start, end) = match leaf.rule {
        "digits" => {
            let behind = text.get(leaf.range.end..)?;
            let blank = behind.len() - behind.trim_start().len();
            let unit =
                behind.trim_start().find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len() - blank);
            (leaf.range.start, leaf.range.end + blank + unit)
        }
        "unit" => {
            let before = text.get(..leaf.range.start)?.trim_end();
            (before.trim_end_matches(|c: char| c.is_ascii_digit()).len(), leaf.range.end)
        }
        _ => return None,
    };
    let written = text.get(start..end)?;
    let unit = Unit::from_word(written.trim_start_matches(|c: char| c.is_ascii_digit()).trim())?;
    let span = Span::new(source, start, end);
    let clock = clock(analysis, span);
    let long = match unit {
        Unit::Second | Unit::Minute | Unit::Hour => {
            "Exactly that long, also over a change of the clocks.".to_owned()
        }
        Unit::Day | Unit::Week => {
            format!("It follows the calendar: it ends at the same clock time, {clock}.")
        }
        Unit::Month | Unit::Year => format!(
            "It follows the calendar: it ends on the same day of the month, or on the last one of a shorter month, at the \
             same clock time, {clock}."
        ),
    };
    let around = leaf.around.get(..at).and_then(|around| around.last()).copied().unwrap_or("");
    let place = match around {
        "wait_for" | "wait_up_to" | "and_wait" => {
            " It is counted from arriving here; quiet hours and caps hold messages back, and no waits."
        }
        "within" => " It is counted from entering the journey.",
        "aggregate" => " It is counted back from now.",
        "cap_clause" => " It is counted back from the moment of sending.",
        "reenter_clause" => " It is counted from leaving the journey.",
        "best_time" => " Within it, the message goes at the hour at which the contact most likely reads.",
        _ => "",
    };
    Some(Hover { span, markdown: format!("**{written}**\n\n{long}{place}") })
}

/// Whose clock counts at a place.
pub(super) fn clock(analysis: &Analysis, place: Span) -> String {
    let workspace = analysis.config.timezone.iana_name().unwrap_or("UTC");
    let journeys =
        analysis.checked.model.journeys.iter().filter(|journey| journey.span.source == place.source);
    let around = journeys.filter(|journey| journey.span <= place).max_by_key(|journey| journey.span);
    match around.map(|journey| &journey.timezone) {
        Some(Timezone::Named(name)) => format!("on the clock of {name}"),
        _ => format!("on the contact's clock ({workspace} where it has none)"),
    }
}
