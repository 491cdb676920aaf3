use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::http::HeaderValue;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::response::{Html, IntoResponse, Response};

use super::shown::number;
use super::{Console, Frame, Trouble, page};
use crate::http::page::private;
use crate::inbox::{Inbox, Mail};

/// How many mails are listed.
const LISTED: usize = 100;

/// A mail runs nothing, loads nothing, not even its pictures (one of them tells of openings), and is no page of ours;
/// its links open windows of their own, which are as free as any other.
const POLICY: &str = "sandbox allow-popups allow-popups-to-escape-sandbox; default-src 'none'; img-src data:; \
    style-src 'unsafe-inline'; font-src data:; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";

const GONE: Trouble = Trouble::Nothing("This mail is not kept: the inbox holds the last ones only.");

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    frame: Frame,
    count: String,
    /// The latest first.
    mails: Vec<Row>,
}

struct Row {
    id: u64,
    at: String,
    to: String,
    subject: String,
}

/// Lists the latest mails.
pub(super) async fn list(State(console): State<Console>) -> Response {
    let frame = console.frame("inbox");
    let Some(inbox) = &console.0.inbox else { return GONE.say(frame) };
    let latest = inbox.mails().into_iter().rev().take(LISTED);
    let row = |mail: Arc<Mail>| Row {
        id: mail.id,
        at: console.wall(mail.received_at),
        to: mail.to.clone(),
        subject: mail.subject.clone(),
    };
    let count = number(i64::try_from(inbox.count()).unwrap_or(i64::MAX));
    page(&InboxPage { frame, count, mails: latest.map(row).collect() })
}

#[derive(Template)]
#[template(path = "mail.html")]
struct MailPage {
    frame: Frame,
    mail: Arc<Mail>,
    at: String,
    /// The address it went to.
    recipient: String,
    earlier: Option<u64>,
    later: Option<u64>,
}

/// Shows one mail.
pub(super) async fn show(State(console): State<Console>, Path(id): Path<u64>) -> Response {
    let frame = console.frame("inbox");
    let inbox = console.0.inbox.as_ref();
    let Some((inbox, mail)) = inbox.and_then(|inbox| Some((inbox, inbox.get(id)?))) else {
        return GONE.say(frame);
    };
    let kept = |id: u64| inbox.get(id).map(|mail| mail.id);
    page(&MailPage {
        frame,
        at: console.wall(mail.received_at),
        recipient: mail.recipients.first().cloned().unwrap_or_default(),
        earlier: id.checked_sub(1).and_then(kept),
        later: id.checked_add(1).and_then(kept),
        mail,
    })
}

/// The HTML of a mail, for a frame.
pub(super) async fn html(State(console): State<Console>, Path(id): Path<u64>) -> Response {
    let mail = console.0.inbox.as_ref().and_then(|inbox: &Inbox| inbox.get(id));
    let Some(html) = mail.as_ref().and_then(|mail| mail.html.as_deref()) else {
        return GONE.say(console.frame("inbox"));
    };
    let mut response = Html(with_new_windows(html)).into_response();
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    private(&mut response);
    response
}

/// Has all links open a window of their own: inside the frame they would lead nowhere.
fn with_new_windows(html: &str) -> String {
    const BASE: &str = "<base target=\"_blank\">";
    let head = html.find("<head").and_then(|at| html.get(at..)?.find('>').map(|end| at + end + 1));
    match head.and_then(|at| html.split_at_checked(at)) {
        Some((before, behind)) => format!("{before}{BASE}{behind}"),
        None => format!("{BASE}{html}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_open_windows() {
        for (html, expected) in [
            ("<p>x</p>", "<base target=\"_blank\"><p>x</p>"),
            (
                "<!doctype html><html><head lang=\"de\"><title>x",
                "<!doctype html><html><head lang=\"de\"><base target=\"_blank\"><title>x",
            ),
            ("<head", "<base target=\"_blank\"><head"),
        ] {
            assert_eq!(with_new_windows(html), expected);
        }
    }
}
