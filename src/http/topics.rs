use std::collections::BTreeMap;

use crate::engine::Plans;

/// What messages are about, as recipients read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Topic {
    /// What recipients call it.
    pub(super) label: String,
    /// Whether it needs no permission and cannot be refused.
    pub(super) essential: bool,
    /// Whether a journey in force writes about it.
    pub(super) in_force: bool,
}

impl Topic {
    /// A topic that no journey knows any more. What was said about it holds all the same.
    fn forgotten(name: &str) -> Self {
        Self { label: name.replace('_', " "), essential: false, in_force: false }
    }
}

/// The topics of all versions that are known, by name; the latest version says what they are called.
pub(super) fn topics(plans: &Plans) -> BTreeMap<String, Topic> {
    let mut topics = BTreeMap::new();
    for (number, plan) in plans.versions() {
        let in_force = plans.active(&plan.journey).is_some_and(|(active, _)| active == number);
        for message in plan.messages.values() {
            let topic =
                topics.entry(message.topic.clone()).or_insert_with(|| Topic::forgotten(&message.topic));
            topic.label.clone_from(&message.topic_label);
            topic.essential = message.essential;
            topic.in_force |= in_force;
        }
    }
    topics
}

/// One topic, known or not.
pub(super) fn topic(plans: &Plans, name: &str) -> Topic {
    topics(plans).remove(name).unwrap_or_else(|| Topic::forgotten(name))
}
