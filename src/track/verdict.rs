use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::agents::{AgentKind, machine};
use crate::time::Moment;

/// The headers by which browsers and proxies say that nobody has asked for a page yet; the first that is there
/// goes into [`Hit::purpose`].
pub const PURPOSE_HEADERS: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// Sooner than this after the hand-over no mail has reached a person who read it and chose a link.
const SOON_MICROS: i64 = 2_000_000;
/// Who follows this many different links of one message within this time, is no reader.
const BURST_LINKS: usize = 3;
/// See [`BURST_LINKS`].
const BURST_MICROS: i64 = 10_000_000;
/// How many neighbours are looked at: more of them tell no more.
const NEIGHBOURS_MAX: usize = 64;
/// The longest text of others that is kept as evidence, in characters.
const EVIDENCE_CHARACTERS_MAX: usize = 64;

/// What somebody did with a message, or something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HitKind {
    /// The image was loaded.
    Open,
    /// A link was followed.
    Click,
}

/// A request over the image or a link of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Image or link.
    pub kind: HitKind,
    /// When it came.
    pub at: Moment,
    /// The method of the request.
    pub method: String,
    /// The header `User-Agent`.
    pub user_agent: Option<String>,
    /// The first header of [`PURPOSE_HEADERS`].
    pub purpose: Option<String>,
    /// Which link of the message.
    pub link: Option<u16>,
    /// Whether it is a link that people cannot see.
    pub hidden: bool,
}

/// Another request over a link of the same message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// When it came.
    pub at: Moment,
    /// Which link of the message.
    pub link: u16,
    /// Whether it is a link that people cannot see.
    pub hidden: bool,
}

/// Whether a person made a request, and what speaks against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether it was a program of its own accord.
    pub machine: bool,
    /// By what that shows; nothing where it was a person.
    pub evidence: Vec<Evidence>,
}

/// What shows that a program made a request. Stored as JSON beside the event; the codes never change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Evidence {
    /// A method that following a link or loading an image does not use, such as `HEAD`.
    Method {
        /// The method.
        method: String,
    },
    /// A header that says nobody has asked for this yet.
    Prefetch {
        /// What the header says.
        purpose: String,
    },
    /// No name at all, which every browser gives.
    NoUserAgent,
    /// The name of a program.
    UserAgent {
        /// What kind of program it is.
        kind: AgentKind,
        /// What in the name tells it.
        sign: String,
    },
    /// A click before a person could have read the message.
    TooSoon {
        /// How long after the hand-over, in milliseconds; negative where it came before.
        milliseconds: i64,
    },
    /// A link that people cannot see.
    HiddenLink,
    /// A link that people cannot see was followed at about the same time.
    NearHiddenLink {
        /// How far apart, in milliseconds.
        milliseconds: i64,
    },
    /// More links at about the same time than a person follows.
    Burst {
        /// How many different ones.
        links: usize,
    },
}

/// Decides whether a person made a request.
///
/// `others` are the clicks on the same message, before and after, as far as they are known; those within ten
/// seconds matter. The first clicks of a burst look like a person's until the next ones come: a caller who must
/// not be wrong about them waits these ten seconds and judges then.
///
/// What a person asks of a site (`DNT`, `Sec-GPC`) says nothing about who they are, and is not looked at.
pub fn judge(hit: &Hit, handed_over_at: Moment, others: &[Neighbour]) -> Verdict {
    let near: Vec<Neighbour> = others
        .iter()
        .copied()
        .filter(|other| distance(hit, other) <= BURST_MICROS)
        .take(NEIGHBOURS_MAX)
        .collect();
    let rules = [
        method(hit),
        prefetch(hit),
        user_agent(hit),
        too_soon(hit, handed_over_at),
        hidden_link(hit, &near),
        burst(hit, &near),
    ];
    let evidence: Vec<Evidence> = rules.into_iter().flatten().collect();
    Verdict { machine: !evidence.is_empty(), evidence }
}

fn method(hit: &Hit) -> Option<Evidence> {
    // A mail program that unsubscribes or answers a survey at one click sends POST.
    let person = ["GET", "POST"].iter().any(|method| hit.method.eq_ignore_ascii_case(method));
    (!person).then(|| Evidence::Method { method: shortened(&hit.method) })
}

fn prefetch(hit: &Hit) -> Option<Evidence> {
    let purpose = hit.purpose.as_ref()?;
    let words = purpose.to_lowercase();
    let ahead = ["prefetch", "prerender", "preview"].iter().any(|word| words.contains(word));
    ahead.then(|| Evidence::Prefetch { purpose: shortened(purpose) })
}

fn user_agent(hit: &Hit) -> Option<Evidence> {
    let Some(name) = hit.user_agent.as_deref().filter(|name| !name.trim().is_empty()) else {
        return Some(Evidence::NoUserAgent);
    };
    machine(name, hit.kind).map(|(kind, sign)| Evidence::UserAgent { kind, sign: sign.to_owned() })
}

fn too_soon(hit: &Hit, handed_over_at: Moment) -> Option<Evidence> {
    let passed = hit.at.micros_since(handed_over_at);
    let soon = hit.kind == HitKind::Click && passed < SOON_MICROS;
    soon.then_some(Evidence::TooSoon { milliseconds: passed.div_euclid(1_000) })
}

fn hidden_link(hit: &Hit, near: &[Neighbour]) -> Option<Evidence> {
    if hit.hidden {
        return Some(Evidence::HiddenLink);
    }
    let hidden = near.iter().filter(|other| hit.kind == HitKind::Click && other.hidden);
    let micros = hidden.map(|other| distance(hit, other)).min()?;
    Some(Evidence::NearHiddenLink { milliseconds: micros / 1_000 })
}

/// The most different links within any ten seconds that this click is part of.
fn burst(hit: &Hit, near: &[Neighbour]) -> Option<Evidence> {
    let own = hit.link.filter(|_| hit.kind == HitKind::Click)?;
    let starts = near.iter().map(|other| other.at).filter(|at| *at <= hit.at).chain([hit.at]);
    let within = |start: Moment| {
        let inside = near.iter().filter(|other| (0..=BURST_MICROS).contains(&other.at.micros_since(start)));
        inside.map(|other| other.link).chain([own]).collect::<BTreeSet<u16>>().len()
    };
    let links = starts.map(within).max()?;
    (links >= BURST_LINKS).then_some(Evidence::Burst { links })
}

fn distance(hit: &Hit, other: &Neighbour) -> i64 {
    hit.at.micros_since(other.at).saturating_abs()
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(EVIDENCE_CHARACTERS_MAX).collect()
}

#[cfg(test)]
mod tests;
