//! Many processes on one server, and one that hangs.

use std::process::Command;

use super::{Stand, WEB, WORKER};
use crate::program::{Running, wait_for};

const WORKERS: usize = 8;
const PEOPLE: u64 = 120;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_send_everything_once() {
    let Some(stand) = Stand::new("eight", "", PEOPLE).await else { return };
    let running: Vec<Running> = tokio::task::block_in_place(|| {
        let workers = (0..WORKERS).map(|_| stand.workspace.run_with(&WORKER));
        workers.chain([stand.workspace.run_with(&WEB)]).collect()
    });
    for person in 0..PEOPLE {
        stand.comes(person).await;
    }
    stand.everybody_got_both(PEOPLE);
    tokio::task::block_in_place(|| running.into_iter().for_each(Running::end));
}

/// A process that is stopped for longer than the server waits for it is dead to all others, and comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_hangs_and_comes_back_sends_nothing_twice() {
    const NUMBERS: &str = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1";
    let Some(stand) = Stand::new("zombie", "", PEOPLE).await else { return };
    let (web, zombie, other) = tokio::task::block_in_place(|| {
        let worker = || stand.workspace.run_with(&WORKER);
        (stand.workspace.run_with(&WEB), worker(), worker())
    });
    let signal = |signal: &str| {
        let told = Command::new("kill").args([signal, &zombie.id().to_string()]).status();
        assert!(told.unwrap().success());
    };
    for person in 0..PEOPLE / 2 {
        stand.comes(person).await;
    }
    let sent = stand.sink.mails().len();
    assert!(sent < PEOPLE as usize, "nothing is under way");
    signal("-STOP");
    for person in PEOPLE / 2..PEOPLE {
        stand.comes(person).await;
    }
    tokio::task::block_in_place(|| {
        let silent = "SELECT count(pg_terminate_backend(l.pid)) FROM pg_locks AS l JOIN pg_stat_activity AS a
            ON a.pid = l.pid WHERE l.locktype = 'advisory' AND l.objsubid = 1
            AND a.state_change < clock_timestamp() - interval '3 seconds'";
        // What the server does by itself after half a minute of silence.
        wait_for("the silent process", || (stand.ask(silent) == "1").then_some(()));
        wait_for("its end to others", || (stand.ask(NUMBERS) == "2").then_some(()));
        let more = sent + 20;
        wait_for("what it had taken", || (stand.sink.mails().len() > more).then_some(()));
    });
    signal("-CONT");
    tokio::task::block_in_place(|| {
        wait_for("its return", || (stand.ask(NUMBERS) == "3").then_some(()));
    });
    stand.everybody_got_both(PEOPLE);
    tokio::task::block_in_place(|| [zombie, other, web].into_iter().for_each(Running::end));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_program_leaves_a_newer_database_alone() {
    let Some(stand) = Stand::new("newer", "", 1).await else { return };
    let web = tokio::task::block_in_place(|| stand.workspace.run_with(&WEB));
    assert!(stand.is_ready().await);
    stand.ask("UPDATE _sqlx_migrations SET version = 99");
    assert!(!stand.is_ready().await);
    for command in [&["run"][..], &["migrate"]] {
        let output = Command::output(stand.workspace.command().args(command)).unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && said.contains("use a newer lotse"), "{said}");
    }
    drop(web);
}
