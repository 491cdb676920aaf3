use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// What a person's browser calls itself.
const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/// What the program in front of some mailboxes calls itself.
const SCANNER: &str = "Mozilla/5.0 (compatible; mail-link-scanner/3.2)";

/// Asks the server, the way shops, browsers and mail programs do. It goes nowhere else: redirects are not followed.
#[derive(Clone)]
pub(super) struct Web {
    client: Client,
    url: String,
    shop: String,
    forms: String,
}

impl Web {
    /// Asks the server at `url`; `shop` is a token for events, `forms` one for permissions.
    pub(super) fn new(url: String, shop: String, forms: String) -> reqwest::Result<Self> {
        let client = Client::builder().redirect(Policy::none()).no_proxy().timeout(PATIENCE).build()?;
        Ok(Self { client, url, shop, forms })
    }

    /// Sends what the shop has to tell; whether it was taken.
    pub(super) async fn tell(&self, path: &str, body: &Value) -> bool {
        let request = self.client.post(format!("{}{path}", self.url));
        sent(request.basic_auth(&self.shop, Some("")).json(body)).await
    }

    /// Records that somebody allows a topic on a form; whether it was recorded.
    pub(super) async fn allow(&self, who: &str, topic: &str) -> bool {
        let request = self.client.post(format!("{}/v1/permissions/{who}", self.url));
        let body = serde_json::json!({ "topic": topic, "allowed": true, "source": "sign-up form" });
        sent(request.bearer_auth(&self.forms).json(&body)).await
    }

    /// Asks for an image or a link of a mail, as a person does.
    pub(super) async fn visit(&self, url: &str) -> bool {
        sent(self.client.get(url).header(USER_AGENT, BROWSER)).await
    }

    /// The same, as a scanner does.
    pub(super) async fn scan(&self, url: &str) -> bool {
        sent(self.client.request(Method::HEAD, url).header(USER_AGENT, SCANNER)).await
    }

    /// Answers a form with one button.
    pub(super) async fn press(&self, url: &str, form: &'static str) -> bool {
        let request = self.client.post(url).header(USER_AGENT, BROWSER);
        sent(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)).await
    }
}

async fn sent(request: RequestBuilder) -> bool {
    match request.send().await {
        Ok(answer) if answer.status().is_success() || answer.status().is_redirection() => true,
        Ok(answer) => {
            tracing::warn!(status = %answer.status(), path = answer.url().path(), "a simulated request was refused");
            false
        }
        Err(error) => {
            tracing::debug!(%error, "a simulated request found nobody");
            false
        }
    }
}
