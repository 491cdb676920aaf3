//! Links that recipients follow: who may follow them, and whether it was a person.
//!
//! [`Tracker`] makes and reads the signed tokens in links; what a link says can be believed without asking a
//! database. [`judge`] looks at a request that came over such a link and says whether a person or a program made
//! it, and by what that shows. Both are given everything they need: no HTTP here, no store, no clock.

mod agents;
mod link;
mod token;
mod verdict;
mod wire;

pub use agents::AgentKind;
pub use link::{
    ClickToken, ConfirmToken, LeadToken, LinkError, OpenToken, PreferencesToken, SurveyToken, Token,
    UnsubscribeToken, ViewToken,
};
pub use token::{Purpose, Tracker, TrackerError, URL_BYTES_MAX};
pub use verdict::{Evidence, Hit, HitKind, Neighbour, PURPOSE_HEADERS, Verdict, judge};
