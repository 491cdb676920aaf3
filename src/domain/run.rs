use serde::{Deserialize, Serialize};

use super::{Attributes, CallId, ContactId, EventId, MessageId, RunId};
use crate::time::Moment;

/// Whether a contact in a journey is written to, or only measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Arm {
    /// Everything happens.
    #[default]
    Treated,
    /// No stage runs; goals are counted all the same.
    Control,
    /// The same, because the contact gets no marketing of any journey.
    Holdout,
}

impl Arm {
    /// How it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Arm::Treated => "treated",
            Arm::Control => "control",
            Arm::Holdout => "holdout",
        }
    }

    /// Whether somebody is only measured.
    pub fn is_measured(self) -> bool {
        self != Arm::Treated
    }

    /// Reads how it is stored.
    pub fn from_text(text: &str) -> Option<Self> {
        [Arm::Treated, Arm::Control, Arm::Holdout].into_iter().find(|arm| arm.as_str() == text)
    }
}

/// A run whose moment has come, with what says what moving it asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueRun {
    /// Who.
    pub contact: ContactId,
    /// Which.
    pub id: RunId,
    /// In which journey.
    pub journey: String,
    /// The version it follows.
    pub version: u32,
    /// Where it stands.
    pub place: u16,
    /// When it was to be looked at.
    pub wake_at: Moment,
}

/// A contact in a journey.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// Made from the contact, the journey, the key and what led in, so that one thing leads in once.
    pub id: RunId,
    /// Who.
    pub contact: ContactId,
    /// In which journey.
    pub journey: String,
    /// In which version of it.
    pub version: u32,
    /// The value of `per`; empty where the journey has none.
    pub key: String,
    /// Written to, or only measured.
    pub arm: Arm,
    /// Where it stands: the index of a place of its version's plan.
    pub place: u16,
    /// How many turns it has had. A turn is committed only onto the turn it was made from.
    pub turn: u32,
    /// How many steps its history has; the number of the next.
    pub steps: u32,
    /// When it entered.
    pub entered_at: Moment,
    /// When it must be looked at again; `None` while only an event can move it.
    pub wake_at: Option<Moment>,
    /// Until when events may still reach a goal, be the run at its end or not.
    pub goal_until: Option<Moment>,
    /// When it ended.
    pub ended_at: Option<Moment>,
    /// How it ended.
    pub outcome: Option<String>,
    /// What else it must remember.
    pub state: RunState,
}

/// What a run remembers, kept as one JSON value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// What led in, as templates and `entry.FIELD` see it.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub entry: Attributes,
    /// Whether it has come to its first stage.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inside: bool,
    /// When that which began the present wait happened: events before it do not count.
    pub since: Moment,
    /// When the present wait is over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<Moment>,
    /// What keeps it at a `send`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holding: Option<Holding>,
    /// The last sending of each message.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sent: Vec<Sent>,
    /// The last reaction of each kind to each message and link.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reactions: Vec<Reacted>,
    /// Reactions that ended a wait: the place and when they happened, so that they do not end it again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub taken: Vec<(u16, Moment)>,
    /// What the branches around the present place were taken for, the outermost first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub branches: Vec<Attributes>,
    /// The last call made at each place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<(u16, CallId)>,
    /// The loops it is in, the outermost first: the place and the number of the present round, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rounds: Vec<(u16, u32)>,
    /// The experiments it came to, each with the variant it fell to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<Exposure>,
    /// The goals that were reached, by their name: a version that has no such goal does not forget it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub goals: Vec<String>,
    /// Why the run was stopped by hand or by a fault of ours; it moves no more until somebody looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<String>,
}

/// A run that is held at a `send`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holding {
    /// When it came there.
    pub since: Moment,
    /// What keeps it.
    pub why: HeldFor,
    /// The best time, once it was chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best: Option<Moment>,
}

/// What keeps a run at a `send`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HeldFor {
    /// Quiet hours.
    Quiet,
    /// A cap that opens in time.
    Cap,
    /// A better time.
    BestTime,
}

impl HeldFor {
    /// How it is noted in the history.
    pub fn as_str(self) -> &'static str {
        match self {
            HeldFor::Quiet => "quiet",
            HeldFor::Cap => "cap",
            HeldFor::BestTime => "best_time",
        }
    }
}

/// A run that came to an experiment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exposure {
    /// The experiment.
    pub experiment: String,
    /// The variant it fell to.
    pub variant: String,
    /// When, the first time.
    pub at: Moment,
    /// Whether it has succeeded, in the sense of the experiment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub succeeded: bool,
    /// Whether it is not counted, because another run of the contact in the journey was counted and still has time to
    /// succeed: of each contact one thing is known, however many runs it has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub again: bool,
}

/// The sending of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    /// The message's name.
    pub message: String,
    /// Its row in the ledger.
    pub id: MessageId,
    /// When it was decided.
    pub at: Moment,
}

/// A reaction to a message, or to a survey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reacted {
    /// The event's name, such as `message_clicked`.
    pub event: String,
    /// The name of the message; for an answer that of the survey.
    pub message: String,
    /// The link, for clicks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// What was answered, for surveys.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub answer: Attributes,
    /// When, the last time.
    pub at: Moment,
}

impl Run {
    /// Whether it is still inside.
    pub fn is_live(&self) -> bool {
        self.ended_at.is_none()
    }

    /// Whether it moves: inside and not held.
    pub fn moves(&self) -> bool {
        self.is_live() && self.state.held.is_none()
    }
}

/// A step of a run's history: what it did at a place and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryStep {
    /// The run.
    pub run: RunId,
    /// Its contact.
    pub contact: ContactId,
    /// Its number in the run, from 0.
    pub number: u32,
    /// When.
    pub at: Moment,
    /// The version of the journey.
    pub version: u32,
    /// The place.
    pub place: u16,
    /// What happened.
    pub kind: StepKind,
    /// What there is to know about it: a message, a moment, a reason.
    pub detail: String,
}

/// Declares the kinds of steps.
macro_rules! step_kinds {
    ($($variant:ident $name:literal $doc:literal)*) => {
        /// What a run did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum StepKind {
            $(#[doc = $doc] $variant,)*
        }

        impl StepKind {
            /// How it is stored.
            pub fn as_str(self) -> &'static str {
                match self { $(StepKind::$variant => $name,)* }
            }

            /// Reads how it is stored.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($name => Some(StepKind::$variant),)* _ => None }
            }
        }
    };
}

step_kinds! {
    Entered "entered" "It began; the detail is what led in."
    Stage "stage" "It came to a stage; the detail is its name."
    Waiting "waiting" "It waits; the detail is until when."
    Holding "holding" "It is held at a message; the detail is until when, and what keeps it."
    Took "took" "It took a branch; the detail says which."
    Variant "variant" "It fell to a variant; the detail is the experiment, the variant, and `picked` where all get it."
    Succeeded "succeeded" "It succeeded in an experiment; the detail is the experiment and its variant."
    Sent "sent" "A message was decided on; the detail is its name."
    Skipped "skipped" "A message was not sent; the detail is its name and the reason."
    Called "called" "A webhook is called; the detail is its name."
    HandedOff "handed_off" "A lead was handed to a team; the detail is its name."
    Changed "changed" "An attribute, a tag or a permission changed; the detail says how."
    Recorded "recorded" "An event was recorded; the detail is its name."
    Started "started" "It asked for the contact to enter another journey; the detail is its name."
    Alerted "alerted" "A team was told something; the detail is its name."
    Moved "moved" "It went on in a new version of the journey; the detail is the one before."
    Goal "goal" "A goal was reached; the detail is its name."
    Ended "ended" "It ended; the detail is the outcome."
    Held "held" "It was stopped; the detail is why."
}

/// A goal that was reached.
#[derive(Clone, Debug, PartialEq)]
pub struct GoalReached {
    /// By which run.
    pub run: RunId,
    /// By whom.
    pub contact: ContactId,
    /// In which journey and version.
    pub journey: String,
    /// The version.
    pub version: u32,
    /// Written to, or only measured.
    pub arm: Arm,
    /// The goal's name.
    pub goal: String,
    /// When.
    pub at: Moment,
    /// What it is worth.
    pub worth: Option<f64>,
    /// The event that reached it.
    pub event: EventId,
}
