use std::collections::BTreeMap;

/// What contacts have shown together, as far as turns ask about it. It comes from the counts, and is refreshed now
/// and then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learned {
    /// What became of the messages of each channel.
    pub channels: BTreeMap<String, ChannelCounts>,
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
