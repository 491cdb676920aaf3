use std::net::{IpAddr, SocketAddr};

use askama::Template;
use axum::Form;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::header::{COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use url::Host;

use super::{Console, page};
use crate::http::access::{Role, admit};

/// The cookie that holds the token.
const COOKIE_NAME: &str = "lotse_token";
/// How long somebody stays signed in: a working day.
const SIGNED_IN_SECONDS: u32 = 12 * 60 * 60;
/// The largest form, in bytes.
const FORM_BYTES_MAX: usize = 4 * 1024;
/// What browsers say of where a request is from (Fetch Metadata).
const FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Who may see the pages.
pub(super) enum Door {
    /// Whoever has signed in.
    Token,
    /// Everybody who reaches the address, by its own name.
    Open { address: SocketAddr },
}

/// Where people sign in and out, if they do.
pub(super) fn routes(console: &Console) -> Router<Console> {
    match console.0.door {
        Door::Open { .. } => Router::new(),
        Door::Token => Router::new()
            .route("/login", get(ask).post(sign_in))
            .route("/logout", post(sign_out))
            .layer(DefaultBodyLimit::max(FORM_BYTES_MAX)),
    }
}

/// Lets those through who may see the pages.
pub(super) async fn guard(State(console): State<Console>, request: Request, next: Next) -> Response {
    match &console.0.door {
        Door::Open { address } if is_own_name(request.headers(), *address) => next.run(request).await,
        Door::Open { .. } => {
            let text = "this page is to be opened at the address that `lotse demo` has printed";
            (StatusCode::MISDIRECTED_REQUEST, text).into_response()
        }
        Door::Token => {
            let admitted = admit(&console.0.app, token(request.headers()), Role::Viewer).await;
            if admitted.is_ok() { next.run(request).await } else { to("/login") }
        }
    }
}

/// Whether a request names this server the way people on this machine do. A name that somebody else has pointed at
/// this machine is none of ours.
fn is_own_name(headers: &HeaderMap, address: SocketAddr) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    let Some(url) = host.and_then(|host| url::Url::parse(&format!("http://{host}/")).ok()) else {
        return false;
    };
    let own = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback() || IpAddr::V4(ip) == address.ip(),
        Some(Host::Ipv6(ip)) => ip.is_loopback() || IpAddr::V6(ip) == address.ip(),
        None => false,
    };
    own && url.port_or_known_default() == Some(address.port())
}

fn token(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get_all(COOKIE).iter().filter_map(|cookies| cookies.to_str().ok());
    let mut pairs =
        cookies.flat_map(|cookies| cookies.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE_NAME).map(|(_, value)| value)
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    /// Why the last attempt came to nothing.
    trouble: Option<&'static str>,
}

async fn ask() -> Response {
    page(&LoginPage { trouble: None })
}

#[derive(Deserialize)]
struct SignIn {
    token: String,
}

async fn sign_in(State(console): State<Console>, headers: HeaderMap, Form(form): Form<SignIn>) -> Response {
    if is_from_elsewhere(&headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let token = form.token.trim();
    if let Err(problem) = admit(&console.0.app, Some(token), Role::Viewer).await {
        let trouble = "There is no such token, or it is not one of the role viewer or admin.";
        let mut response = page(&LoginPage { trouble: Some(trouble) });
        *response.status_mut() = problem.into_response().status();
        return response;
    }
    with_cookie(&console, &format!("{token}; Max-Age={SIGNED_IN_SECONDS}"), "/")
}

async fn sign_out(State(console): State<Console>) -> Response {
    with_cookie(&console, "; Max-Age=0", "/login")
}

/// Whether a page of another site has made the browser ask.
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get(FETCH_SITE).is_some_and(|site| site != "same-origin" && site != "none")
}

fn with_cookie(console: &Console, value: &str, location: &'static str) -> Response {
    let secure = if console.0.app.outbound.base_url.starts_with("https:") { "; Secure" } else { "" };
    let cookie = format!("{COOKIE_NAME}={value}; Path=/; HttpOnly; SameSite=Strict{secure}");
    let mut response = to(location);
    // A token that was admitted has nothing in it that a header cannot hold.
    if let Ok(cookie) = HeaderValue::from_str(&cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

fn to(location: &'static str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        let address = "127.0.0.1:8080".parse().unwrap();
        for (host, own) in [
            ("127.0.0.1:8080", true),
            ("localhost:8080", true),
            ("LOCALHOST:8080", true),
            ("[::1]:8080", true),
            ("127.0.0.1", false),
            ("127.0.0.1:8081", false),
            ("rebound.example:8080", false),
            ("localhost.example:8080", false),
            ("127.0.0.1.example:8080", false),
            ("192.0.2.1:8080", false),
            ("user@localhost:8080/x", true),
            ("", false),
        ] {
            let headers = [(HOST, HeaderValue::from_static(host))].into_iter().collect();
            assert_eq!(is_own_name(&headers, address), own, "{host}");
        }
        assert!(!is_own_name(&HeaderMap::new(), address));
    }

    #[test]
    fn the_token_is_found_among_cookies() {
        for (cookies, expected) in [
            ("lotse_token=a", Some("a")),
            ("other=x; lotse_token=a; more=y", Some("a")),
            ("my_lotse_token=x", None),
            ("lotse_token", None),
        ] {
            let headers = [(COOKIE, HeaderValue::from_static(cookies))].into_iter().collect();
            assert_eq!(token(&headers), expected, "{cookies}");
        }
    }
}
