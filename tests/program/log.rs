//! A person whose name, address and attributes are nowhere else goes through everything, and no log tells of them.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::any;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::sink::{Mail, Sink};
use super::{Workspace, wait_for, write};

/// Stands in everything that is said about the person.
const CANARY: &str = "kanarienvogel";

const JOURNEYS: &str = r#"
contact { first_name text  nickname text }
event signed_up { note text }
event bought { }
topic news "News"
topic account "Account" essential
survey nps "How likely?" { scale 0 to 10  comment "Why?" }
email hello   { topic news from shop subject "Hi {{ contact.first_name }}" body "{{ contact.first_name }} {{ survey_url('nps') }} https://shop.example/x {{ unsubscribe_url }}" }
email invoice { topic account from shop subject "Paid" body "Thank you {{ contact.nickname }}" }
sms  code     { topic account text "Your code, {{ contact.first_name }}" }
journey welcome "Welcome" {
  owner "ops@example.com"
  enter on signed_up
  permission news
  goal sale on bought within 30 days
  stage first {
    send email hello
    send email invoice
    send sms code
    call erp with { note contact.first_name }
    hand off to sales with { reason contact.first_name }
    alert sales "look at {{ contact.email }}"
    end
  }
}
"#;

/// A system that wants nothing of the person, and says so by name.
async fn refusing() -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let refuse = || async { (StatusCode::GONE, format!("no {CANARY}@example.org here")) };
    let router = Router::new().fallback(any(refuse));
    tokio::spawn(async move { axum::serve(listener, router).await });
    port
}

fn workspace(smtp: u16, port: u16) -> Workspace {
    let secret = format!("whsec_{}", STANDARD.encode(b"the key of those who refuse, 32b"));
    let to = format!("{{ url: \"http://127.0.0.1:{port}/x\", secret: \"{secret}\"");
    let more = format!(
        "channels:\n  sms: {to}, address: phone }}\nwebhooks:\n  erp: {to} }}\nteams:\n  sales: {to} }}\n\
        allow_addresses: [ \"127.0.0.1:{port}\" ]\n"
    );
    Workspace::new(JOURNEYS, smtp, &more)
}

/// Asks for something, whatever the answer.
async fn ask(workspace: &Workspace, method: &str, path: &str, key: Option<&str>, body: &str) -> u16 {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form =
        if body.starts_with(['{', '[']) { "application/json" } else { "application/x-www-form-urlencoded" };
    let method = method.parse().unwrap();
    let mut request = client.request(method, workspace.url(path)).header("content-type", form);
    if let Some(key) = key {
        request = request.bearer_auth(key);
    }
    request.body(body.to_owned()).send().await.unwrap().status().as_u16()
}

fn mail(sink: &Sink, subject: &str) -> Mail {
    let look = || sink.mails().into_iter().find(|mail| mail.header("Subject").contains(subject));
    tokio::task::block_in_place(|| wait_for(subject, look))
}

fn path_of(link: &str) -> String {
    format!("/{}", link.splitn(4, '/').nth(3).unwrap())
}

async fn everything_happens_to_somebody(format: &str) {
    let (sink, smtp) = Sink::start();
    let workspace = workspace(smtp, refusing().await);
    let rows: String = ["", "refused-", "later-"]
        .iter()
        .map(|what| format!("{what}id,{what}{CANARY}@example.org,{CANARY},+49 170 1234567\n"))
        .collect();
    write(
        &workspace.path("people.csv"),
        &format!("external_id,email,first_name,phone\n{rows}bad,{CANARY},x,\n"),
    );
    // A bad row ends the command with 1, and is shown to whoever types it.
    let imported = workspace.command().args(["contacts", "import", "people.csv", "--allow", "news"]).output();
    assert_eq!(imported.unwrap().status.code(), Some(1));
    let [ingest, api, metrics] = ["ingest", "api", "metrics"]
        .map(|role| workspace.ask(&["token", "create", CANARY, "--role", role]).trim().to_owned());
    let running = workspace.run_with(&["--log", "trace", "--log-format", format]);

    let said = |what: &str| {
        format!(
            r#"{{"{what}":{{}},"event":"signed_up","properties":{{"note":"{CANARY}"}},"userId":"{CANARY}""#
        )
    };
    let traits =
        format!(r#"{{"userId":"id","traits":{{"nickname":"{CANARY}","email":"{CANARY}@example.org"}}}}"#);
    for (path, body, status) in [
        ("/v1/identify", traits.clone(), 200),
        ("/v1/identify", traits.replace("\"id\"", "12"), 200),
        ("/v1/track", said("x"), 400),
        ("/v1/batch", format!(r#"{{"batch":[{traits},{{"type":"{CANARY}"}},"{CANARY}"]}}"#), 200),
        ("/v1/alias", format!(r#"{{"userId":"id","previousId":"{CANARY}"}}"#), 200),
    ] {
        assert_eq!(ask(&workspace, "POST", path, Some(&ingest), &body).await, status, "{path} {body}");
    }
    for id in ["id", "refused-id", "later-id"] {
        let body = format!(r#"{{"event":"signed_up","userId":"{id}","properties":{{"note":"{CANARY}"}}}}"#);
        assert_eq!(ask(&workspace, "POST", "/v1/track", Some(&ingest), &body).await, 200);
    }
    for (method, path, body) in [
        ("GET", format!("/v1/contacts/{CANARY}@example.org"), String::new()),
        (
            "POST",
            format!("/v1/permissions/{CANARY}@example.org"),
            format!(r#"{{"topic":"{CANARY}","allowed":true}}"#),
        ),
        (
            "POST",
            "/v1/replies".to_owned(),
            format!(r#"{{"from":"{CANARY}@example.org","in_reply_to":"<x@y>"}}"#),
        ),
        (
            "POST",
            format!("/v1/journeys/welcome/enter?{CANARY}"),
            format!(r#"{{"contact":"{CANARY}@example.org"}}"#),
        ),
        ("GET", format!("/contacts/{CANARY}?q={CANARY}"), String::new()),
        ("GET", format!("/u/{CANARY}"), String::new()),
        ("GET", format!("/{CANARY}"), String::new()),
        ("POST", "/v1/track".to_owned(), format!("{{{CANARY}")),
    ] {
        ask(&workspace, method, &path, Some(&api), &body).await;
        ask(&workspace, method, &path, Some(CANARY), &body).await;
    }
    let hello = mail(&sink, CANARY);
    let survey = path_of(&hello.link("/s/"));
    assert_eq!(ask(&workspace, "GET", &survey, None, "").await, 200);
    assert_eq!(ask(&workspace, "POST", &survey, None, &format!("score=9&comment={CANARY}")).await, 200);
    assert_eq!(ask(&workspace, "GET", &path_of(&hello.link("/c/")), None, "").await, 302);
    assert_eq!(
        ask(&workspace, "POST", &path_of(&hello.link("/u/")), None, "List-Unsubscribe=One-Click").await,
        200
    );
    // Two mails, three calls and a message for each of three people: dead, refused, waiting or accepted.
    let through = || {
        let all = workspace.ask_json(&["deliveries", "list", "--all", "--format", "json"]);
        let open = |delivery: &&serde_json::Value| delivery["attempts"] == 0;
        (all.as_array().unwrap().iter().filter(open).count() == 0).then_some(all)
    };
    let all = tokio::task::block_in_place(|| wait_for("the end of all deliveries", through));
    assert!(all.to_string().contains(CANARY), "the answers that name the person are in the ledger: {all}");
    let client = reqwest::Client::builder().build().unwrap();
    let counted = client.get(workspace.url("/metrics")).bearer_auth(&metrics).send().await.unwrap();
    let counted = counted.text().await.unwrap();
    assert!(counted.contains("lotse_calls_total{kind=\"call\",state=\"dead\"} 3"), "{counted}");

    let log = tokio::task::block_in_place(|| running.end_and_tell());
    assert!(log.iter().any(|line| line.contains("given up")), "{log:#?}");
    assert!(log.iter().any(|line| line.contains("request")), "requests are logged at this level");
    assert_eq!(log.iter().all(|line| line.starts_with('{')), format == "json");
    let told: Vec<&str> = log.iter().map(String::as_str).chain(counted.lines()).collect();
    for leak in [CANARY, &STANDARD.encode(CANARY), "1234567", "List-Unsubscribe", &api, &ingest] {
        let leaks: Vec<_> = told.iter().filter(|line| line.contains(leak)).collect();
        assert!(leaks.is_empty(), "`{leak}` is told: {leaks:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_for_people_names_nobody() {
    everything_happens_to_somebody("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_for_programs_names_nobody() {
    everything_happens_to_somebody("json").await;
}
