//! What commands answer beside `run`.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::{Workspace, free_port, write};

/// Every command that would open the database; the files that they name are there.
const ON_THE_DATABASE: [&[&str]; 14] = [
    &["hold"],
    &["resume"],
    &["audit"],
    &["audit", "--verify"],
    &["migrate"],
    &["migrate", "--dry-run"],
    &["token", "create", "shop", "--role", "api"],
    &["token", "list"],
    &["deliveries", "list"],
    &["quarantine"],
    &["why", "ada"],
    &["contacts", "show", "ada"],
    &["contacts", "export"],
    &["run"],
];

/// How a command ended, what it answered and what it said.
fn tried(workspace: &Workspace, arguments: &[&str]) -> (Option<i32>, String, String) {
    let output = workspace.command().args(arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

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

#[test]
fn nothing_is_done_to_a_database_that_a_broken_lotse_yaml_does_not_name() {
    let workspace = Workspace::new("", free_port(), "");
    for (broken, words) in [
        (Some("databse: env:DATABASE_URL\n"), "did you mean `database`?"),
        (Some("database:\tenv:DATABASE_URL\n\tlisten: x\n"), "tab"),
        (Some("database: env:DATABASE_URL\nsmtp: { url: x\n"), "a `{` without its `}`"),
        (None, "no `lotse.yaml`"),
    ] {
        match broken {
            Some(text) => write(&workspace.path("lotse.yaml"), text),
            None => std::fs::remove_file(workspace.path("lotse.yaml")).unwrap(),
        }
        for arguments in ON_THE_DATABASE {
            let (code, answer, said) = tried(&workspace, arguments);
            assert_eq!(code, Some(2), "{arguments:?} with {broken:?}: {answer}{said}");
            assert!(said.contains(words), "{arguments:?} with {broken:?}: {said}");
        }
        let (code, answer, _) = tried(&workspace, &["doctor"]);
        assert_eq!(code, Some(1), "{answer}");
        assert!(answer.lines().any(|line| line.starts_with("BAD   lotse.yaml")), "{answer}");
        assert!(!workspace.path("lotse.db").exists(), "{broken:?}");
    }
}

#[test]
fn a_broken_journey_keeps_nobody_from_holding() {
    let workspace = Workspace::new("journey {", free_port(), "");
    let (code, answer, said) = tried(&workspace, &["hold"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(answer.contains("lotse.db"), "it names the database: {answer}");
    for arguments in [&["resume"][..], &["audit", "--verify"]] {
        assert!(workspace.ask(arguments).contains("lotse.db"), "{arguments:?}");
    }
}

#[test]
fn looking_and_refusing_leave_no_database_behind() {
    let workspace = Workspace::new("", free_port(), "");
    let answer = workspace.ask(&["migrate", "--dry-run"]);
    assert!(answer.contains("lotse.db is not there yet"), "{answer}");
    assert!(!workspace.path("lotse.db").exists());
    let refused = |from: &str, to: &str, words: &str| {
        let (code, _, said) = tried(&workspace, &["copy", "--from", from, "--to", to]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    };
    refused("sqlite://lotse.db", "sqlite://x.db", "is not there");
    workspace.ask(&["migrate"]);
    refused("sqlite://lotse.db", "sqlite://./lotse.db", "are the same database");
    refused("lotse.db", "sqlite://x.db", "`sqlite://lotse.db`");
    for name in ["x.db", "x.db-wal", "x.db-shm", "x.db.lock"] {
        assert!(!workspace.path(name).exists(), "{name}");
    }
}

#[test]
fn an_address_may_be_another_spelling_of_the_same_server() {
    let workspace = Workspace::new("", free_port(), "");
    let same = ["postgres://a:b@db.example/shop?sslmode=disable", "postgres://c@db.example:5432/shop"];
    let (_, _, said) = tried(&workspace, &["copy", "--from", same[0], "--to", same[1]]);
    assert!(said.contains("are the same database, postgres://db.example/shop"), "{said}");
}

#[tokio::test]
async fn doctor_says_what_keeps_run_from_starting() {
    let workspace = Workspace::new("", free_port(), "");
    let both = |words: &str| {
        let (_, answer, _) = tried(&workspace, &["doctor"]);
        let line = answer.lines().find(|line| line.starts_with("BAD   database")).unwrap_or_default();
        assert!(line.contains(words), "{answer}");
        let (code, _, said) = tried(&workspace, &["run"]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    };
    std::fs::create_dir(workspace.path("lotse.db")).unwrap();
    both("it is a folder");
    std::fs::remove_dir(workspace.path("lotse.db")).unwrap();
    let file = SqliteConnectOptions::new().filename(workspace.path("lotse.db")).create_if_missing(true);
    let mut invoices = file.connect().await.unwrap();
    sqlx::raw_sql("CREATE TABLE invoice (id INTEGER)").execute(&mut invoices).await.unwrap();
    invoices.close().await.unwrap();
    both("the tables of another program");
    let config = std::fs::read_to_string(workspace.path("lotse.yaml")).unwrap();
    write(&workspace.path("lotse.yaml"), &config.replace("sqlite://lotse.db", "sqlite://nowhere/lotse.db"));
    both("there is no folder `./nowhere`");
}

#[test]
fn why_nothing_can_be_heard_at_an_address_is_said() {
    let workspace = Workspace::new("", free_port(), "");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for (address, words) in [
        (taken.local_addr().unwrap().to_string(), "another program is there already"),
        // Kept for examples, so that no machine has it (RFC 5737).
        ("192.0.2.1:8080".to_owned(), "no network of this machine has that address"),
    ] {
        let (code, _, said) = tried(&workspace, &["run", "--listen", &address]);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn what_cannot_come_to_anything_is_said_at_once() {
    let journeys = "event ordered { id text } contact { }
        journey orders \"Orders\" { owner \"ops@example.com\" enter on ordered per event.id stage s { wait 1 day end } }";
    let workspace = Workspace::new(journeys, free_port(), "");
    write(&workspace.path("people.csv"), "external_id,email\nada,ada@example.org\n");
    workspace.ask(&["contacts", "import", "people.csv"]);
    let refused = |arguments: &[&str], words: &str| {
        let (code, answer, said) = tried(&workspace, arguments);
        assert_eq!(code, Some(2), "{answer}{said}");
        assert!(said.contains(words), "{said}");
    };
    workspace.ask(&["enter", "orders", "ada", "--with", "id=7"]);
    refused(&["enter", "orders", "ada"], "`id` is missing");
    refused(&["why", "ada", "order"], "did you mean `orders`?");
}

#[cfg(unix)]
#[test]
fn whoever_reads_no_further_makes_no_noise() {
    use std::process::Stdio;
    let workspace = Workspace::new("contact { }", free_port(), "");
    let rows: String = (0..5_000).map(|number| format!("p{number},p{number}@example.org\n")).collect();
    write(&workspace.path("people.csv"), &format!("external_id,email\n{rows}"));
    workspace.ask(&["contacts", "import", "people.csv"]);
    let mut command = workspace.command();
    let mut child =
        command.args(["contacts", "export"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
}

#[test]
fn the_folder_of_another_workspace_takes_nothing_out_of_force() {
    let journeys = "contact { } event ordered { } \
        journey orders \"Orders\" { owner \"ops@example.com\" enter on ordered stage s { wait 1 day end } }";
    let workspace = Workspace::new(journeys, free_port(), "");
    workspace.run().end();
    let config = std::fs::read_to_string(workspace.path("lotse.yaml")).unwrap();
    write(&workspace.path("lotse.yaml"), &config.replace("workspace: tests", "workspace: staging"));
    write(&workspace.path("shop.journey"), "");
    let words = "belongs to the workspace `tests`, and lotse.yaml is that of `staging`";
    let (code, _, said) = tried(&workspace, &["run"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains(words), "{said}");
    let (_, doctor, _) = tried(&workspace, &["doctor"]);
    assert!(
        doctor.lines().any(|line| line.starts_with("BAD   database") && line.contains(words)),
        "{doctor}"
    );
    assert!(!workspace.ask(&["audit"]).contains("took out of force"));
    workspace.run_with(&["--take-over"]).end();
    assert!(workspace.ask(&["audit"]).contains("took out of force"));
    workspace.run().end();
}
