//! What commands answer beside `run`.

use super::{Workspace, free_port};

#[test]
fn doctor_tries_every_entry_and_leaves_nothing_behind() {
    let closed = free_port();
    let more = "teams:\n  sales: { email: sales@example.com }\n\
        webhooks:\n  erp: { url: \"https://erp.example.com\", secret: \"env:NO_SUCH_SECRET\" }\n";
    let workspace = Workspace::new("", closed, more);
    let output = workspace.command().args(["doctor", "--format", "json"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let health = |entry: &str, words: &str| {
        let of = |one: &&serde_json::Value| {
            one["entry"] == entry && one["says"].as_str().is_some_and(|says| says.contains(words))
        };
        found.as_array().unwrap().iter().find(of).map(|one| one["health"].as_str().unwrap().to_owned())
    };
    assert_eq!(health("smtp", &closed.to_string()).as_deref(), Some("bad"), "{found}");
    assert_eq!(health("lotse.yaml", "NO_SUCH_SECRET").as_deref(), Some("bad"), "{found}");
    assert_eq!(health("teams.sales", "no `url`").as_deref(), Some("weak"), "{found}");
    assert_eq!(health("database", "not there yet").as_deref(), Some("good"), "{found}");
    assert!(!workspace.path("lotse.db").exists());
}
