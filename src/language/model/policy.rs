use serde::{Deserialize, Serialize};

use crate::time::{Length, Window};

/// The priority of journeys that state none.
pub const PRIORITY_DEFAULT: u8 = 50;

/// What holds for the messages of every journey of the workspace.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// When messages wait, and how many there may be.
    #[serde(flatten)]
    pub limits: Limits,
    /// The share of contacts that never gets marketing, from 0 to 1.
    #[serde(default)]
    pub holdout: f64,
    /// What becomes of a mail whose hand-over nobody can prove.
    #[serde(default)]
    pub unsure: Unsure,
}

/// What keeps messages back: those of all journeys, or those of one beside that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// When messages wait, on the clock of the contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quiet: Option<Window>,
    /// How many messages a contact may get.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub caps: Vec<Cap>,
    /// What was due longer ago than that is not sent any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub late: Option<Length>,
}

/// At most that many messages in that time, counted back from the moment of sending.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cap {
    /// By which channel; by any where there is none.
    pub channel: Option<String>,
    /// How many.
    pub count: u32,
    /// In what time.
    pub per: Length,
    /// How long a message over the cap waits at the most; it is skipped at once where nothing is said.
    pub wait: Option<Length>,
}

impl Cap {
    /// Whether messages of a channel count.
    pub fn counts(&self, channel: &str) -> bool {
        self.channel.as_deref().is_none_or(|counted| counted == channel)
    }
}

/// What becomes of a mail whose hand-over nobody can prove.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unsure {
    /// It is listed, for somebody to look at.
    #[default]
    Hold,
    /// It is sent once more.
    Resend,
}

/// Which of several messages goes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The first that can be sent.
    #[default]
    First,
    /// The one by whose channel the contact answers best.
    Best,
}
