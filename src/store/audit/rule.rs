use serde::Serialize;

/// Makes rules with what is said where one does not hold: what is so, of several, and what that means.
macro_rules! rules {
    ($($(#[$doc:meta])* $rule:ident $what:literal $means:literal)*) => {
        /// A rule that the books keep.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Rule {
            $($(#[$doc])* $rule,)*
        }

        impl Rule {
            /// All of them.
            pub const ALL: &[Rule] = &[$(Rule::$rule,)*];

            /// What is so where it does not hold, of several, and what that means.
            pub fn broken(self) -> (&'static str, &'static str) {
                match self { $(Rule::$rule => ($what, $means),)* }
            }
        }
    };
}

rules! {
    /// Every end has an outcome, and nothing else has one.
    EndsHaveOutcomes
        "runs have ended without an outcome, or have one and have not ended"
        "reports miss these people"
    /// Who has ended waits for nothing.
    EndedRunsRest
        "ended runs still wait"
        "they may go on after their end"
    /// Who is inside and not held has a moment at which it is looked at.
    LiveRunsWake
        "runs wait for a moment that never comes"
        "these people are stuck in their journey"
    /// Nobody is in one journey twice with the same key.
    InsideOnce
        "runs are in a journey beside another of the same contact and key"
        "these people get everything twice"
    /// A run follows a version that is there, at a place that it has.
    VersionsAreThere
        "runs follow a version that is not there, or stand at a place that it does not have"
        "they cannot go on"
    /// The history of a run counts its steps without a gap.
    HistoryIsWhole
        "runs have a history with gaps"
        "`lotse why` cannot tell what happened to them"
    /// A pending event is looked at with the next turn of its contact.
    EventsAreLookedAt
        "events were passed over by a later turn of their contact"
        "what was waiting for them has missed them"
    /// What somebody reached belongs to a run of theirs.
    GoalsHaveRuns
        "goals were reached by runs that are not there"
        "reports count them for nobody"
    /// A message belongs to a run of its contact and journey.
    MessagesHaveRuns
        "messages belong to runs that are not there"
        "nobody can say why they were sent"
    /// A step of a run decides on one message, whose id comes from both.
    MessagesAreOnce
        "messages are of a step that has another, or have an id that their step does not give"
        "somebody may have got one thing twice"
    /// What is known of a message fits the state it is in.
    MessageStatesFit
        "messages are in a state that what is known of them does not fit"
        "they may be lost, or go twice"
    /// Who is only measured gets nothing.
    MeasuredGetNothing
        "messages and calls are for contacts who are only measured"
        "the comparison with the control group is worth less"
    /// Nothing is handed over after a refusal.
    RefusalsHold
        "messages were handed over after their topic was refused"
        "people got what they had refused"
    /// Nothing is handed over to a suppressed address.
    SuppressionsHold
        "messages were handed over after their address was suppressed"
        "mail went to addresses that are dead or complained"
    /// Nobody gets more than the caps.
    CapsHold
        "messages were handed over beyond a cap that held then"
        "people got more than the policy lets them"
    /// Nobody gets anything in quiet hours.
    QuietHoursHold
        "messages were handed over in quiet hours"
        "people got messages at a time that the policy forbids"
    /// A call belongs to a run of its contact and journey.
    CallsHaveRuns
        "calls belong to runs that are not there"
        "nobody can say why they were made"
    /// A step of a run decides on one call, whose id comes from both.
    CallsAreOnce
        "calls are of a step that has another, or have an id that their step does not give"
        "a receiver may have taken one thing for two"
    /// What is known of a call fits the state it is in.
    CallStatesFit
        "calls are in a state that what is known of them does not fit"
        "they may be lost"
    /// Only hand-offs are answered.
    AnswersHaveLeads
        "answers of teams are to calls that are no hand-offs"
        "nobody can say what was answered"
    /// What is due is done before what is due much later.
    DueIsDone
        "events, runs, messages or calls were due a day before the last thing that was done, not counting \
        the time when nothing was done"
        "`lotse run` passes them over, unless it is still catching up"
    /// Something comes of every hand-over.
    HandOversEnd
        "messages were handed over an hour before the last thing that was done, without an outcome"
        "nobody says whether they were taken; `lotse run` looks for them when it starts"
    /// Every row can be read.
    RowsAreReadable
        "rows cannot be read"
        "whoever they are about is set aside when their moment comes, and reports miss what they held"
    /// Everything belongs to a contact that is there.
    NothingIsStray
        "rows belong to contacts that are not there"
        "nobody will ever look at them"
    /// Counts are what counting gives.
    CountsFit
        "counts differ from what there is"
        "reports and pages show wrong numbers"
}
