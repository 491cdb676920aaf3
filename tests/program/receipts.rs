//! What the ledger says, beside what a mail server got.

use std::collections::{BTreeMap, BTreeSet};

use super::Workspace;
use super::sink::Sink;

/// Signs somebody up; whether the answer came, and was that it is lasting.
pub(crate) async fn sign_up(client: &reqwest::Client, workspace: &Workspace, key: &str, person: u64) -> bool {
    let body = format!(
        r#"{{"type":"track","event":"signed_up","userId":"p{person}","messageId":"m{person}","timestamp":"2026-01-01T10:00:00Z"}}"#
    );
    let request = client.post(workspace.url("/v1/track")).basic_auth(key, Some("")).body(body);
    let answer = request.header("content-type", "application/json").send().await;
    answer.is_ok_and(|answer| answer.status() == 200)
}

/// The state of each message by its id.
pub(crate) fn ledger(workspace: &Workspace) -> BTreeMap<String, String> {
    let deliveries =
        workspace.ask_json(&["deliveries", "list", "--all", "--limit", "1000000", "--format", "json"]);
    let text = |delivery: &serde_json::Value, key: &str| delivery[key].as_str().unwrap().to_owned();
    let entry = |delivery: &serde_json::Value| (text(delivery, "id"), text(delivery, "state"));
    deliveries.as_array().unwrap().iter().map(entry).collect()
}

/// How many messages are in a state.
pub(crate) fn count(ledger: &BTreeMap<String, String>, state: &str) -> usize {
    ledger.values().filter(|found| *found == state).count()
}

/// The id of a message, in the Message-ID that stays the same over all tries.
pub(crate) fn id_of(message_id: &str) -> String {
    message_id.trim_start_matches('<').split('@').next().unwrap().to_owned()
}

/// Holds that every mail came once and stands in the ledger, and that all came of which the ledger says so. Gives what
/// came.
pub(crate) fn agree(ledger: &BTreeMap<String, String>, sink: &Sink) -> BTreeSet<String> {
    let mut got: BTreeMap<String, usize> = BTreeMap::new();
    for mail in sink.mails() {
        *got.entry(id_of(&mail.header("Message-ID"))).or_default() += 1;
    }
    let twice: Vec<_> = got.iter().filter(|(_, times)| **times > 1).collect();
    assert!(twice.is_empty(), "sent twice: {twice:?}");
    for (id, state) in ledger {
        assert!(state != "accepted" || got.contains_key(id), "{id} is said to be accepted, and never came");
    }
    for id in got.keys() {
        assert!(ledger.contains_key(id), "{id} came, and stands in no ledger");
    }
    got.into_keys().collect()
}

/// Holds that the books balance, as the program itself says.
pub(crate) fn audited(workspace: &Workspace) {
    let output = workspace.command().args(["audit", "--verify"]).output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&said));
}
