use std::collections::BTreeMap;

use crate::time::Moment;

/// What contacts have shown together, as far as turns ask about it. It comes from the counts, and is refreshed now
/// and then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// What became of the messages of each channel.
    pub channels: BTreeMap<String, ChannelCounts>,
    /// The variants that were picked, by journey and experiment.
    pub picked: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether a test names those variants, and no outcomes picked them.
    pub by_test: bool,
}

impl Learned {
    /// The variant of an experiment that all get.
    pub fn picked(&self, journey: &str, experiment: &str) -> Option<&str> {
        self.picked.get(journey)?.get(experiment).map(String::as_str)
    }
}

/// The variant that was picked, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picked {
    /// The journey.
    pub journey: String,
    /// The experiment.
    pub experiment: String,
    /// The variant that all get from then on.
    pub variant: String,
    /// When it was picked.
    pub at: Moment,
}

/// What became of the messages of a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelCounts {
    /// How many were sent.
    pub sent: u64,
    /// How many were answered: somebody followed one of their links.
    pub answered: u64,
    /// In which hour of the day, on the clock of the contact, they were opened and clicked.
    pub hours: [u64; 24],
}
