//! A server that dies, and one that takes its place.

use std::time::{Duration, Instant};

use super::{Stand, WEB, WORKER};

/// Whoever asks over HTTP is told to come back before they give up.
const ANSWERED: Duration = Duration::from_secs(9);
const PEOPLE: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_server_is_down_everybody_is_told_to_come_back() {
    let Some(stand) = Stand::new("down", "", PEOPLE).await else { return };
    let running = tokio::task::block_in_place(|| {
        let workers = (stand.workspace.run_with(&WORKER), stand.workspace.run_with(&WORKER));
        (stand.workspace.run_with(&WEB), workers)
    });
    for person in 0..PEOPLE / 2 {
        stand.comes(person).await;
    }
    tokio::task::block_in_place(|| stand.server.break_off());
    #[expect(clippy::disallowed_methods, reason = "it is measured how long the world takes")]
    let begun = Instant::now();
    let person = PEOPLE / 2;
    let body = format!(r#"{{"event":"signed_up","userId":"p{person}","messageId":"m{person}"}}"#);
    let request = stand.client.post(stand.workspace.url("/v1/track")).basic_auth(&stand.key, Some(""));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"), "{:?}", answer.headers());
    assert!(begun.elapsed() < ANSWERED, "{:?}", begun.elapsed());
    assert!(!stand.is_ready().await);
    tokio::task::block_in_place(|| stand.server.go());
    for person in PEOPLE / 2..PEOPLE {
        stand.comes(person).await;
    }
    stand.everybody_got_both(PEOPLE);
    assert!(stand.is_ready().await);
    drop(running);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_and_has_everything() {
    let Some(mut stand) = Stand::new("primary", "", PEOPLE).await else {
        return;
    };
    let standby = tokio::task::block_in_place(|| stand.server.standby("standby"));
    let running = tokio::task::block_in_place(|| {
        let workers = (stand.workspace.run_with(&WORKER), stand.workspace.run_with(&WORKER));
        (stand.workspace.run_with(&WEB), workers)
    });
    for person in 0..PEOPLE / 2 {
        stand.comes(person).await;
    }
    // Before it is promoted it is a standby to whoever comes: nothing can be written there, and nothing is.
    tokio::task::block_in_place(|| stand.server.kill());
    stand.proxy.lead_to(standby.socket());
    assert!(!stand.signs_up(PEOPLE / 2).await);
    while stand.is_ready().await {
        tokio::task::yield_now().await;
    }
    let refused = tokio::task::block_in_place(|| stand.workspace.command().arg("migrate").output().unwrap());
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("it is a standby that takes no changes"), "{said}");
    tokio::task::block_in_place(|| standby.promote());
    stand.server = standby;
    for person in PEOPLE / 2..PEOPLE {
        stand.comes(person).await;
    }
    stand.everybody_got_both(PEOPLE);
    drop(running);
}
