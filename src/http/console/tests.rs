use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_SECURITY_POLICY, COOKIE, HOST, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, Request, StatusCode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::ServiceExt;

use super::Console;
use crate::http::access::Role;
use crate::http::router_with;
use crate::http::testing::Stand;
use crate::inbox::Inbox;
use crate::time::Clock;

const OPEN: &str = "127.0.0.1:8080";

/// A page: its status, its headers and its text.
type Page = (StatusCode, HeaderMap, String);

async fn ask(router: &Router, request: Request<Body>) -> Page {
    let (parts, body) = router.clone().oneshot(request).await.unwrap().into_parts();
    let text = String::from_utf8(to_bytes(body, usize::MAX).await.unwrap().to_vec()).unwrap();
    (parts.status, parts.headers, text)
}

/// Asks with headers.
async fn get(router: &Router, path: &str, headers: &[(&str, &str)]) -> Page {
    let request =
        headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
    ask(router, request.body(Body::empty()).unwrap()).await
}

fn closed(stand: &Stand) -> Router {
    router_with(stand.app.clone(), Console::new(stand.app.clone()))
}

/// An open console, and its inbox.
fn open(stand: &Stand) -> (Router, Inbox) {
    let clock: Arc<dyn Clock> = Arc::<crate::time::ManualClock>::clone(&stand.clock);
    let inbox = Inbox::new(10, clock);
    let address: SocketAddr = OPEN.parse().unwrap();
    let console = Console::open(stand.app.clone(), inbox.clone(), address, "only <shown>".to_owned());
    (router_with(stand.app.clone(), console), inbox)
}

async fn look(router: &Router, path: &str) -> String {
    let (status, headers, text) = get(router, path, &[(HOST.as_str(), OPEN)]).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().contains("default-src 'none'"), "{path}");
    assert_eq!(
        (&headers["cache-control"], &headers["x-content-type-options"]),
        (&"no-store".parse().unwrap(), &"nosniff".parse().unwrap())
    );
    text
}

async fn sign_in(router: &Router, token: &str, site: &str) -> Page {
    let request = Request::post("/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", site);
    ask(router, request.body(Body::from(format!("token={token}"))).unwrap()).await
}

#[tokio::test]
async fn who_has_not_signed_in_sees_nothing() {
    let stand = Stand::new().await;
    stand.ada().await;
    let router = closed(&stand);
    let program = format!("lotse_token={}", stand.key);
    for path in ["/", "/contacts", "/contacts/ada", "/contacts?who=ada"] {
        for cookie in ["", "lotse_token=lotse_0123456789abcdef_x", program.as_str()] {
            let (status, headers, text) = get(&router, path, &[(COOKIE.as_str(), cookie)]).await;
            assert_eq!((status, &headers[LOCATION]), (StatusCode::SEE_OTHER, &"/login".parse().unwrap()));
            assert_eq!(text, "");
        }
    }
    let (status, ..) = get(&router, "/inbox", &[]).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "there is no inbox");
}

#[tokio::test]
async fn a_viewer_signs_in_and_out() {
    let stand = Stand::new().await;
    let router = closed(&stand);
    let viewer = stand.new_key(Role::Viewer).await;
    let (status, headers, _) = sign_in(&router, &viewer, "same-origin").await;
    assert_eq!((status, &headers[LOCATION]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let cookie = headers[SET_COOKIE].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict"), "{cookie}");
    let cookie = cookie.split(';').next().unwrap().to_owned();
    let (status, _, text) = get(&router, "/", &[(COOKIE.as_str(), &cookie)]).await;
    assert!(status == StatusCode::OK && text.contains("Welcome") && text.contains("Sign out"), "{text}");

    let (status, headers, text) = sign_in(&router, &stand.key, "same-origin").await;
    assert!(headers.get(SET_COOKIE).is_none() && text.contains("no such token"), "{status} {text}");
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert_eq!(sign_in(&router, "x", "none").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(sign_in(&router, &viewer, "cross-site").await.0, StatusCode::FORBIDDEN);

    let (status, headers, _) = ask(&router, Request::post("/logout").body(Body::empty()).unwrap()).await;
    assert!(status == StatusCode::SEE_OTHER && headers[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
}

#[tokio::test]
async fn journeys_have_their_counts() {
    let stand = Stand::new().await;
    stand.ada().await;
    let (router, _) = open(&stand);
    let text = look(&router, "/").await;
    for part in [
        "<h2>Welcome</h2>",
        "data-count=\"welcome entered\">1<",
        "data-count=\"welcome first here\">1<",
        "data-count=\"welcome sales here\">0<",
        "data-count=\"welcome hello sent\">1<",
        "only &#60;shown&#62;",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    stand.later(2 * 24 * 3_600);
    stand.tick().await;
    let text = look(&router, "/").await;
    for part in [
        "data-count=\"welcome first here\">0<",
        "data-count=\"welcome first reached\">1<",
        "data-count=\"welcome sales here\">1<",
        "data-count=\"welcome hand-off crm\">1<",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn a_contact_has_a_story() {
    let stand = Stand::new().await;
    let (ada, _) = stand.ada().await;
    let (router, _) = open(&stand);
    let list = look(&router, "/contacts").await;
    assert!(list.contains("ada@example.org") && list.contains("welcome: first"), "{list}");
    let path = format!("/contacts/{}", ada.id);
    for who in ["ada", "ada@example.org", "ada%40example.org"] {
        let (status, headers, _) =
            get(&router, &format!("/contacts?who={who}"), &[(HOST.as_str(), OPEN)]).await;
        assert_eq!((status, headers[LOCATION].to_str().unwrap()), (StatusCode::SEE_OTHER, path.as_str()));
    }
    let text = look(&router, &path).await;
    for part in [
        "<dd>&#60;b&#62;DE</dd>",
        "waits until 2027-03-02 09:00",
        "entered: <code>signup</code> led in",
        "<span class=\"mark yes\">allowed</span> <code>news</code>",
        "<li class=\"theirs\"><time>2027-03-01 09:00</time><span>signup",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let nobody = look(&router, "/contacts?who=%3Cscript%3E").await;
    assert!(nobody.contains("No contact is called <strong>&#60;script&#62;</strong>"), "{nobody}");
    let (status, ..) = get(&router, "/contacts/nobody", &[(HOST.as_str(), OPEN)]).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn mails_run_nothing_and_are_no_part_of_the_page() {
    let stand = Stand::new().await;
    let (router, inbox) = open(&stand);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = inbox.clone();
    tokio::spawn(async move { serving.serve(listener, std::future::pending()).await });
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let mail = "EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<ada@example.org>\r\nDATA\r\nSubject: <b>Hi\r\n\
        Content-Type: text/html\r\n\r\n<html><head></head><script>alert(1)</script>\r\n.\r\nQUIT\r\n";
    stream.write_all(mail.as_bytes()).await.unwrap();
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    let list = look(&router, "/inbox").await;
    assert!(list.contains("<a href=\"/inbox/1\">&#60;b&#62;Hi</a>"), "{list}");
    let shown = look(&router, "/inbox/1").await;
    assert!(shown.contains("sandbox=\"allow-popups allow-popups-to-escape-sandbox\""), "{shown}");
    assert!(!shown.contains("alert"), "{shown}");
    let (_, headers, html) = get(&router, "/inbox/1/html", &[(HOST.as_str(), OPEN)]).await;
    let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
    assert!(policy.starts_with("sandbox ") && !policy.contains("script") && !policy.contains("same-origin"));
    assert!(html.contains("<head><base target=\"_blank\"></head>"), "{html}");
    for path in ["/inbox/2", "/inbox/0", "/inbox/2/html"] {
        assert_eq!(get(&router, path, &[(HOST.as_str(), OPEN)]).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn an_open_console_answers_to_its_own_names_alone() {
    let stand = Stand::new().await;
    let (router, _) = open(&stand);
    for path in ["/", "/inbox", "/inbox/1", "/inbox/1/html", "/contacts", "/contacts/ada"] {
        for host in ["rebound.example:8080", "127.0.0.1:9", ""] {
            let (status, _, text) = get(&router, path, &[(HOST.as_str(), host)]).await;
            assert_eq!(status, StatusCode::MISDIRECTED_REQUEST, "{path} {host}: {text}");
        }
    }
    assert_eq!(get(&router, "/login", &[(HOST.as_str(), OPEN)]).await.0, StatusCode::NOT_FOUND);
}
