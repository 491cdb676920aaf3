//! What must not be, in the words of the audit; each store counts in its own way how often it is all the same.

/// A rule that the books keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    EndedHaveOutcomes,
    EndedDoNotWait,
    SkippedHaveReasons,
    ControlGetsNothing,
    InsideOnce,
    EnteredAreCounted,
    EndedAreCounted,
    HistoryHasNoGaps,
    DecidedAreDue,
    EventsHaveContacts,
}

impl Rule {
    pub(super) const ALL: [Rule; 10] = [
        Rule::EndedHaveOutcomes,
        Rule::EndedDoNotWait,
        Rule::SkippedHaveReasons,
        Rule::ControlGetsNothing,
        Rule::InsideOnce,
        Rule::EnteredAreCounted,
        Rule::EndedAreCounted,
        Rule::HistoryHasNoGaps,
        Rule::DecidedAreDue,
        Rule::EventsHaveContacts,
    ];

    /// How somebody reads that it is broken `count` times.
    pub(super) fn broken(self, count: u64) -> String {
        let what = match self {
            Rule::EndedHaveOutcomes => "runs have ended without an outcome",
            Rule::EndedDoNotWait => "ended runs still wait",
            Rule::SkippedHaveReasons => "messages were skipped without a reason",
            Rule::ControlGetsNothing => "messages of contacts who are only measured were decided on",
            Rule::InsideOnce => "contacts are in one journey twice",
            Rule::EnteredAreCounted => "runs entered and the counts do not know of them",
            Rule::EndedAreCounted => "runs ended and the counts do not know of them",
            Rule::HistoryHasNoGaps => "runs have a history with gaps",
            Rule::DecidedAreDue => "messages are to be sent and nothing will try them",
            Rule::EventsHaveContacts => "events wait for contacts that are not there",
        };
        format!("{count} {what}")
    }
}
