//! A dump that is restored, as docs/guide/operating.md says.

use super::{Stand, WEB, WORKER};
use crate::program::receipts::{audited, ledger};
use crate::program::{Running, wait_for};

const JOURNEYS: &str = r#"
contact { }
event signed_up { }
event bought { }
topic news "News"
policy { late 2 hours }
email one { topic news from shop subject "One" body "One. {{ unsubscribe_url }}" }
email two { topic news from shop subject "Two" body "Two. {{ unsubscribe_url }}" }
journey pair "Two mails" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first { send email one  wait 1 second  send email two  end }
}
"#;
/// What would pass until somebody has a dump in its place.
const SIX_HOURS: &str = "DO $$ DECLARE c record; BEGIN
    FOR c IN SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND data_type = 'bigint' AND (column_name = 'at' OR column_name LIKE '%\\_at')
    LOOP EXECUTE format('UPDATE %1$I SET %2$I = %2$I - 21600000000', c.table_name, c.column_name); END LOOP; END $$";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dump_that_comes_back_six_hours_later_sends_nothing_again() {
    let Some(mut stand) = Stand::new("backup", "", 4).await else { return };
    std::fs::write(stand.workspace.path("shop.journey"), JOURNEYS).unwrap();
    let start = |stand: &Stand| {
        tokio::task::block_in_place(|| (stand.workspace.run_with(&WEB), stand.workspace.run_with(&WORKER)))
    };
    let end = |(web, worker): (Running, Running)| {
        tokio::task::block_in_place(|| {
            worker.end();
            web.end();
        });
    };
    let running = start(&stand);
    signs_up_now(&stand, 0).await;
    stand.everybody_got_both(1);
    // The mails of one are still to come, and are on their way to go when the dump is made.
    stand.tell(&["hold"]);
    signs_up_now(&stand, 1).await;
    decided(&stand, "2");
    stand.server.run_tool("pg_dump", &["--format=custom", "--file=backup.dump", &stand.database]);
    stand.tell(&["resume"]);
    stand.everybody_got_both(2);
    signs_up_now(&stand, 2).await;
    stand.everybody_got_both(3);
    end(running);
    let before = stand.sink.mails().len();

    stand.database = stand.server.create(None);
    let to = format!("--dbname={}", stand.database);
    stand.server.run_tool(
        "pg_restore",
        &["--no-owner", "--exit-on-error", "--single-transaction", &to, "backup.dump"],
    );
    stand.ask("DELETE FROM hold");
    stand.ask(SIX_HOURS);
    stand.move_to(&stand.proxy.url(&stand.database));
    stand.tell(&["hold", "--because", "restored"]);
    let running = start(&stand);
    signs_up_now(&stand, 3).await;
    decided(&stand, "4");
    assert_eq!(stand.sink.mails().len(), before);
    stand.tell(&["resume"]);
    let settled = || {
        stand.ask("SELECT string_agg(state || ' ' || coalesce(reason, '') , ',' ORDER BY decided_at, message) FROM message")
    };
    let all = "accepted ,accepted ,skipped late,skipped late,accepted ,accepted ";
    tokio::task::block_in_place(|| {
        wait_for("the outcomes", || (settled().trim() == all.trim()).then_some(()))
    });
    end(running);
    let new: Vec<String> = stand.sink.mails().into_iter().skip(before).map(|mail| mail.to).collect();
    assert_eq!(new, ["p3@example.org", "p3@example.org"], "only what is new went");
    assert_eq!(ledger(&stand.workspace).len(), 6);
    audited(&stand.workspace);
}

/// Waits until so many mails wait to go.
fn decided(stand: &Stand, count: &str) {
    let decided = || stand.ask("SELECT count(*) FROM message WHERE state = 'decided'");
    tokio::task::block_in_place(|| wait_for("mails that wait", || (decided() == count).then_some(())));
}

/// Somebody signs up just now: what happened long ago is late before it begins.
async fn signs_up_now(stand: &Stand, person: u64) {
    let body = format!(r#"{{"event":"signed_up","userId":"p{person}","messageId":"m{person}"}}"#);
    let request = stand.client.post(stand.workspace.url("/v1/track")).basic_auth(&stand.key, Some(""));
    let answer = request.header("content-type", "application/json").body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
}
