//! Access of people and programs: tokens such as `lotse_3f6c…_9a41…`, of whose secret only a hash is kept.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, rand};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::App;
use super::problem::{Kind, Problem};
use crate::store::{Access, StoreError, Token};
use crate::time::Moment;

/// What every token begins with, so that scanners for leaked secrets know it.
const PREFIX: &str = "lotse_";
/// The id only names; nothing depends on nobody guessing it.
const ID_BYTES: usize = 8;
/// 160 bits of chance.
const SECRET_BYTES: usize = 20;
/// How long access is remembered: a token that is taken away lives on for that long at the most.
const REMEMBERED_MICROS: i64 = 10_000_000;
/// How long access is remembered where the database cannot be asked.
const RECALLED_MICROS: i64 = 24 * 60 * 60 * 1_000_000;
/// How many tokens are remembered.
const REMEMBERED_MAX: usize = 1_024;

/// What a token lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Collect data, nothing else: such tokens stand in web pages, where everybody reads them.
    Ingest,
    /// What programs do: collect data, contacts, permissions, journeys, leads, deliveries.
    Api,
    /// Read what is counted, nothing else: for monitoring systems.
    Metrics,
    /// Look at the console.
    Viewer,
    /// Everything.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 5] = [Role::Ingest, Role::Api, Role::Metrics, Role::Viewer, Role::Admin];

    /// How it is written and stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Ingest => "ingest",
            Role::Api => "api",
            Role::Metrics => "metrics",
            Role::Viewer => "viewer",
            Role::Admin => "admin",
        }
    }

    /// Reads how it is written.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether somebody of this role may do what `needed` may. A program that may do all that programs do may collect
    /// data too, and whoever may look at the console may look at what is counted.
    pub fn may(self, needed: Role) -> bool {
        let also = [(Role::Api, Role::Ingest), (Role::Viewer, Role::Metrics)];
        self == needed || self == Role::Admin || also.contains(&(self, needed))
    }
}

/// The machine has no chance to give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the system gives no random numbers: no token can be made")]
pub struct NoChance;

/// Makes access, to be stored, and its token, which is shown once and never again.
///
/// # Errors
/// When the system gives no random numbers.
pub fn new_token(name: &str, role: Role, now: Moment) -> Result<(Access, String), NoChance> {
    let (id, secret) = (random::<ID_BYTES>()?, random::<SECRET_BYTES>()?);
    let text = format!("{PREFIX}{id}_{secret}");
    let token = Token {
        id,
        name: name.to_owned(),
        role: role.as_str().to_owned(),
        created_at: now,
        revoked_at: None,
    };
    Ok((Access { token, hash: hash(&secret) }, text))
}

fn random<const BYTES: usize>() -> Result<String, NoChance> {
    let mut bytes = [0_u8; BYTES];
    rand::fill(&mut bytes).map_err(|_| NoChance)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn hash(secret: &str) -> [u8; 32] {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().try_into().unwrap_or_default()
}

/// The id in a token, and its secret.
fn parse(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let hex = id.len() == 2 * ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    hex.then_some((id, secret))
}

/// Access that was asked for lately, so that not every request asks the store.
#[derive(Default)]
pub(super) struct Doors(Mutex<BTreeMap<String, (Moment, Arc<Access>)>>);

impl Doors {
    /// Access that was asked for no longer ago than `micros`.
    fn remembered(&self, id: &str, now: Moment, micros: i64) -> Option<Arc<Access>> {
        let doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, access) = doors.get(id)?;
        (0..micros).contains(&now.micros_since(*since)).then(|| Arc::clone(access))
    }

    /// Unknown ids are not remembered: who tries many must not push out those that are known.
    fn remember(&self, now: Moment, access: Access) -> Arc<Access> {
        let mut doors = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if doors.len() >= REMEMBERED_MAX {
            doors.clear();
        }
        let access = Arc::new(access);
        doors.insert(access.token.id.clone(), (now, Arc::clone(&access)));
        access
    }
}

/// Finds out who holds a key, and whether they may do what `needed` may. An unknown key, a wrong secret and a key that
/// was taken away are told apart by nobody.
pub(super) async fn admit(app: &App, key: Option<&str>, needed: Role) -> Result<Arc<Access>, Problem> {
    let (id, secret) = parts(key)?;
    let known = look_up(app, id).await?;
    judge(known, secret, needed)
}

/// As [`admit`], and where the database does not answer within `limit`, by what it said of the key in the last day.
/// Whether it answered.
pub(super) async fn admit_or_recall(
    app: &App,
    key: Option<&str>,
    needed: Role,
    limit: Duration,
) -> Result<bool, Problem> {
    let (id, secret) = parts(key)?;
    let (known, answered) = match tokio::time::timeout(limit, look_up(app, id)).await {
        Ok(Ok(known)) => (known, true),
        Ok(Err(_)) | Err(_) => {
            let known = app.doors.remembered(id, app.clock.now(), RECALLED_MICROS);
            let unknown =
                || Problem::new(Kind::Unavailable, "the database does not answer: come back in a moment");
            (Some(known.ok_or_else(unknown)?), false)
        }
    };
    judge(known, secret, needed).map(|_| answered)
}

fn nobody() -> Problem {
    Problem::new(Kind::NoAccess, "there is no such key, or it was taken away: `lotse token create` makes one")
}

/// The id and the secret of the key that somebody sent.
fn parts(key: Option<&str>) -> Result<(&str, &str), Problem> {
    let key = key.filter(|key| !key.is_empty()).ok_or_else(|| {
        let detail =
            "no key was sent: write it behind `Authorization: Bearer`; `lotse token create` makes one";
        Problem::new(Kind::NoAccess, detail)
    })?;
    parse(key).ok_or_else(nobody)
}

async fn look_up(app: &App, id: &str) -> Result<Option<Arc<Access>>, StoreError> {
    let now = app.clock.now();
    if let Some(access) = app.doors.remembered(id, now, REMEMBERED_MICROS) {
        return Ok(Some(access));
    }
    let found = app.runtime.store().read().await?.access(id).await?;
    Ok(found.map(|access| app.doors.remember(now, access)))
}

fn judge(known: Option<Arc<Access>>, secret: &str, needed: Role) -> Result<Arc<Access>, Problem> {
    // Where nobody is known there is something to compare with all the same, and that takes as long.
    let expected = known.as_ref().map_or([0; 32], |access| access.hash);
    let same = verify_slices_are_equal(&expected, &hash(secret)).is_ok();
    let access = known.filter(|access| same && access.token.revoked_at.is_none()).ok_or_else(nobody)?;
    match Role::from_text(&access.token.role) {
        Some(role) if role.may(needed) => Ok(access),
        _ => {
            let (needed, role) = (needed.as_str(), &access.token.role);
            let detail =
                format!("this needs a key of the role `{needed}`, and this one is of the role `{role}`");
            Err(Problem::new(Kind::WrongRole, detail))
        }
    }
}

/// The key of a program: `Authorization: Bearer KEY` (RFC 6750 section 2.1).
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    credentials(headers, "bearer")
}

/// The key of whoever collects data: as the user of basic authentication with any password (RFC 7617), which is how
/// the SDKs send it, or like a program's.
pub(super) fn write_key(headers: &HeaderMap) -> Option<String> {
    if let Some(key) = bearer(headers) {
        return Some(key.to_owned());
    }
    let bytes = STANDARD.decode(credentials(headers, "basic")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    Some(text.split_once(':').map_or(text.as_str(), |(user, _)| user).to_owned())
}

fn credentials<'a>(headers: &'a HeaderMap, wanted: &str) -> Option<&'a str> {
    let (scheme, credentials) = headers.get(AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then(|| credentials.trim())
}

/// The name of the token that a program came with.
#[derive(Clone, Debug)]
pub(super) struct Caller(pub(super) String);

/// Lets only programs through, and says who they are.
pub(super) async fn programs_only(
    State(app): State<App>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let access = admit(&app, bearer(request.headers()), Role::Api).await?;
    request.extensions_mut().insert(Caller(access.token.name.clone()));
    Ok(next.run(request).await)
}
