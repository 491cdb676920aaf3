//! A server to ask in tests: all of it but the network, over a database in a file and a clock that stands still.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{AUTHORIZATION, LOCATION};
use axum::http::{HeaderMap, Request, StatusCode};
use serde_json::Value as Json;
use tower::ServiceExt;

use super::access::{Role, new_token};
use super::{App, router};
use crate::config::Config;
use crate::domain::{Contact, MessageId};
use crate::engine::Plans;
use crate::language::check::check;
use crate::runtime::{Flow, Job, Outbound, Runtime, Writer, deploy, load_plans};
use crate::source::WorkspaceFiles;
use crate::store::sqlite::SqliteStore;
use crate::store::{Store, StoredEvent, StoredMessage, Who};
use crate::time::{Clock, ManualClock, Moment, TimeZone};
use crate::track::Token;

const WORKSPACE: &str = r#"
contact { score number = 10  country text }
event signup { source text  rank number }
event bought { total number }
topic news "News and offers"
topic account "Your orders" essential
email hello { topic news  from m  subject "Hi"  body "Hello {{ contact.country }} https://shop.example/a?b=1&c=2 {{ unsubscribe_url }}" }
email receipt { topic account  from m  subject "Hi"  body "Your receipt {{ survey_url('nps') }}" }
survey nps "How <likely>?" { scale 0 to 10  comment "Why?" }
survey share "How much?" { scale 0 to 100 }
email unsent { topic account  from m  subject "Hi"  body "{{ survey_url('share') }}" }

journey welcome "Welcome" {
  enter on signup
  stage first {
    send email hello
    send email receipt
    wait 1 day
    go to sales
  }
  stage sales {
    hand off to crm with { reason "hot" } and wait up to 5 days {
      on accepted { end as won }
      on rejected { end as lost }
      otherwise { send email unsent  if entry.rank > 90 { tag "top" }  end as silent }
    }
  }
}
"#;

/// The server.
pub(super) struct Stand {
    pub(super) app: App,
    pub(super) clock: Arc<ManualClock>,
    pub(super) store: Arc<dyn Store>,
    pub(super) key: String,
    router: Router,
    folder: PathBuf,
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// What it answers.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Answer {
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} is no JSON", self.text))
    }

    pub(super) fn location(&self) -> &str {
        self.headers[LOCATION].to_str().unwrap()
    }
}

impl Stand {
    /// Where its database is.
    pub(super) fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// A server with a journey in force and a key for programs.
    pub(super) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("lotse-http-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::SeqCst));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let sqlite = SqliteStore::open(&folder.join("lotse.db")).await.unwrap();
        sqlite.migrate().await.unwrap();
        let store: Arc<dyn Store> = Arc::new(sqlite);
        let clock = Arc::new(ManualClock::new("2027-03-01T09:00:00Z".parse().unwrap()));

        let files = WorkspaceFiles::from_texts([("a.journey", WORKSPACE)]);
        let checked = check(&files, None);
        assert!(!checked.has_errors(), "{:#?}", checked.findings);
        deploy(&*store, &checked, &files.sources, "tests", clock.now()).await.unwrap();
        let runtime = Arc::new(Runtime::new(Arc::clone(&store), Plans::default(), TimeZone::UTC, [].into()));
        runtime.set_plans(load_plans(&*store).await.unwrap());

        let flow = Arc::new(Flow::default());
        let shared: Arc<dyn Clock> = Arc::<ManualClock>::clone(&clock);
        let (writer, _) = Writer::start(Arc::clone(&runtime), Arc::clone(&shared), Arc::clone(&flow));
        let outbound = Arc::new(Outbound::for_preview(&Config::default()).unwrap());
        let app = App::new(runtime, writer, flow, outbound, shared);
        let router = router(app.clone());
        let mut stand = Self { app, clock, store, key: String::new(), router, folder };
        stand.key = stand.new_key(Role::Api).await;
        stand
    }

    pub(super) async fn new_key(&self, role: Role) -> String {
        let (access, text) = new_token("shop", role, self.clock.now()).unwrap();
        let mut unit = self.store.write().await.unwrap();
        unit.add_token(access).await.unwrap();
        unit.commit().await.unwrap();
        text
    }

    pub(super) async fn ask(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Answer { status: parts.status, headers: parts.headers, text }
    }

    /// Asks the way people do, with a browser.
    pub(super) async fn browse(&self, method: &str, path: &str, form: &str) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
            .header("content-type", "application/x-www-form-urlencoded");
        self.ask(request.body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Asks the way programs do, with a key.
    pub(super) async fn call(&self, method: &str, path: &str, body: &Json) -> Answer {
        let key = format!("Bearer {}", self.key);
        let request = Request::builder().method(method).uri(path).header(AUTHORIZATION, key);
        let body = if method == "GET" { Body::empty() } else { Body::from(body.to_string()) };
        self.ask(request.body(body).unwrap()).await
    }

    /// Waits until everything that was given to the writer is written.
    pub(super) async fn written(&self) {
        self.app.writer.write(|done| Job::Events { events: Vec::new(), done }).await.unwrap();
    }

    pub(super) fn clock_now(&self) -> Moment {
        self.clock.now()
    }

    /// Has the database forget which steps were taken.
    pub(super) async fn forget_migrations(&self) {
        let store = SqliteStore::open(&self.folder.join("lotse.db")).await.unwrap();
        store.forget_migrations().await;
        store.close().await;
    }

    pub(super) fn later(&self, seconds: i64) -> Moment {
        self.clock.set(self.clock.now().plus_seconds(seconds));
        self.clock.now()
    }

    pub(super) async fn tick(&self) {
        self.written().await;
        while self.app.runtime.tick(self.clock.now(), 1_000).await.unwrap().more {}
    }

    pub(super) async fn find(&self, who: &str) -> Option<Contact> {
        self.store.read().await.unwrap().find(&Who::from_text(who)).await.unwrap()
    }

    pub(super) async fn events(&self, who: &str) -> Vec<StoredEvent> {
        let contact = self.find(who).await.unwrap().id;
        self.store.read().await.unwrap().events(contact, 1_000).await.unwrap()
    }

    pub(super) async fn messages(&self, who: &str) -> Vec<StoredMessage> {
        let contact = self.find(who).await.unwrap().id;
        self.store.read().await.unwrap().messages(contact).await.unwrap()
    }

    /// What holds for a contact: a sign for each topic, `+news -tracking`.
    pub(super) async fn decided(&self, who: &str) -> String {
        let contact = self.find(who).await.unwrap().id;
        let mut unit = self.store.read().await.unwrap();
        let topics = unit.decisions(&[contact]).await.unwrap().remove(&contact).unwrap_or_default();
        let sign = |allowed: bool| if allowed { '+' } else { '-' };
        let all: Vec<String> =
            topics.iter().map(|(topic, allowed)| format!("{}{topic}", sign(*allowed))).collect();
        all.join(" ")
    }

    /// Ada, who allows news and has signed up; her message `hello`.
    pub(super) async fn ada(&self) -> (Contact, MessageId) {
        let traits = serde_json::json!({ "email": "ada@example.org", "country": "<b>DE" });
        let call = serde_json::json!({ "userId": "ada", "traits": traits });
        let ada = self.call("POST", "/v1/identify", &call).await;
        assert_eq!(ada.status, StatusCode::OK, "{}", ada.text);
        let allow = serde_json::json!({ "topic": "news", "allowed": true });
        let allowed = self.call("POST", "/v1/permissions/ada", &allow).await;
        assert_eq!(allowed.status, StatusCode::OK, "{}", allowed.text);
        let signup = serde_json::json!({ "userId": "ada", "event": "signup" });
        assert_eq!(self.call("POST", "/v1/track", &signup).await.status, StatusCode::OK);
        self.tick().await;
        let messages = self.messages("ada").await;
        let hello = messages.iter().find(|stored| stored.message.message == "hello").unwrap();
        (self.find("ada").await.unwrap(), hello.message.id)
    }

    /// The path of a link.
    pub(super) fn path<T: Token>(&self, token: &T) -> String {
        self.app.outbound.tracker.url("", token).unwrap()
    }
}
