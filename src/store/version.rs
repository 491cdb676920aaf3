use crate::language::plan::Plan;
use crate::time::Moment;

/// A version of a journey.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredVersion {
    /// Its number.
    pub number: u32,
    /// The journey.
    pub journey: String,
    /// Its plan, or why it cannot be read.
    pub plan: Result<Plan, String>,
    /// Whether it is in force.
    pub active: bool,
}

/// A version of a journey that came into force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// The journey.
    pub journey: String,
    /// When.
    pub at: Moment,
    /// The version; `None` where the journey was taken out of force.
    pub version: Option<u32>,
}
