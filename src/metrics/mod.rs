//! What is counted and timed while the program works, and how a monitoring system reads it.
//!
//! Counting is an addition to a number in memory and fails never. Labels come from the files of the workspace or from
//! the program itself: names of channels, receivers and routes, never an id, an address or a name of a person.

mod meter;
mod page;

pub use meter::{Counter, Family, Histogram};
pub use page::{Kind, Page};

/// What one process counts and times from its start on.
#[derive(Debug, Default)]
pub struct Metrics {
    /// Contacts that were moved.
    pub turns: Counter,
    /// Steps that their runs took.
    pub steps: Counter,
    /// How long a batch of turns takes, from its claim to its commit.
    pub turn_batches: Histogram,
    /// Batches that failed and were tried again.
    pub turn_failures: Counter,
    /// Batches that another process got ahead of and that were tried again.
    pub turns_overtaken: Counter,
    /// What came in over HTTP, by what became of it: `stored`, `repeated`, `quarantined`.
    pub arrivals: Family<Counter, 1>,
    /// From when an event came in until its contact was moved.
    pub event_waits: Histogram,
    /// What messages came to, by channel: `decided`, `skipped`, `held`, `not_begun`, `again`, `accepted`, `refused`, `unsure`.
    pub messages: Family<Counter, 2>,
    /// What calls came to, by kind: `decided`, `delivered`, `again`, `dead`.
    pub calls: Family<Counter, 2>,
    /// How long whoever takes messages and calls needs for one, by what it is (`email`, another channel, `call`,
    /// `hand_off`, `alert`) and the name of the receiver.
    pub deliveries: Family<Histogram, 2>,
    /// How long the commit of what many tasks want written takes.
    pub commits: Histogram,
    /// Commits that failed.
    pub commit_failures: Counter,
    /// Requests over HTTP, by route, method and class of the status.
    pub requests: Family<Histogram, 3>,
}

impl Metrics {
    /// Writes everything that was counted and timed.
    pub fn write(&self, page: &mut Page) {
        let turns = "Contacts that were moved.";
        page.counter("lotse_turns_total", turns, &self.turns);
        page.counter("lotse_turn_steps_total", "Steps that runs took.", &self.steps);
        let batches = "How long a batch of turns takes, from its claim to its commit.";
        page.histogram("lotse_turn_batch_duration_seconds", batches, &self.turn_batches);
        let failures = "Batches of turns that failed and were tried again.";
        page.counter("lotse_turn_batch_failures_total", failures, &self.turn_failures);
        let overtaken = "Batches of turns that another process got ahead of; they were tried again at once.";
        page.counter("lotse_turn_batches_overtaken_total", overtaken, &self.turns_overtaken);
        let arrivals = "What came in over HTTP, by what became of it.";
        page.counters("lotse_arrivals_total", arrivals, ["result"], &self.arrivals);
        let waits = "From when an event came in until its contact was moved.";
        page.histogram("lotse_event_wait_seconds", waits, &self.event_waits);
        let messages = "What messages came to, by channel.";
        page.counters("lotse_messages_total", messages, ["channel", "state"], &self.messages);
        let calls = "What calls, hand-offs and alerts came to.";
        page.counters("lotse_calls_total", calls, ["kind", "state"], &self.calls);
        let deliveries = "How long whoever takes messages and calls needs for one.";
        let labels = ["kind", "receiver"];
        page.histograms("lotse_delivery_duration_seconds", deliveries, labels, &self.deliveries);
        let commits = "How long it takes to make lasting what came in or was answered.";
        page.histogram("lotse_commit_duration_seconds", commits, &self.commits);
        let failures = "Commits that failed; what must not be lost was tried again.";
        page.counter("lotse_commit_failures_total", failures, &self.commit_failures);
        let requests = "Requests over HTTP, from their head to the head of the answer.";
        let labels = ["route", "method", "status"];
        page.histograms("lotse_http_request_duration_seconds", requests, labels, &self.requests);
    }
}
