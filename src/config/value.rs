//! Values behind keys: what each kind of value must look like, and what to say where it does not.

use std::fmt::Display;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use url::Url;

use super::section::Wrong;
use super::yaml::{Content, Node};
use crate::domain::Address;
use crate::finding::words::near;
use crate::source::Span;
use crate::time::{Length, TimeZone, Unit, zone, zone_names};

/// The longest time that one call of another system may take.
const TIMEOUT_SECONDS: RangeInclusive<u64> = 1..=300;

/// Any text, without the characters that steer terminals and mail headers.
pub(super) fn text(node: &Node) -> Result<String, Wrong> {
    let text = raw_text(node, "text")?;
    if text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Wrong::value("this text holds a control character", "write it without"));
    }
    Ok(text.trim().to_owned())
}

/// Text with the place of what stands inside its quotes.
pub(super) fn placed_text(node: &Node) -> Result<(String, Span), Wrong> {
    let text = raw_text(node, "text")?;
    let quoted = matches!(node.content, Content::Text { quoted: true, .. });
    let range = node.span.range();
    let span = match quoted && range.len() >= 2 {
        true => Span::new(node.span.source, range.start + 1, range.end - 1),
        false => node.span,
    };
    Ok((text.to_owned(), span))
}

/// `true` or `false`; the `yes` and `on` of older YAML are refused.
pub(super) fn boolean(node: &Node) -> Result<bool, Wrong> {
    const KIND: &str = "`true` or `false`";
    match plain(node, KIND)? {
        "true" => Ok(true),
        "false" => Ok(false),
        "yes" | "on" | "Yes" | "True" => Err(Wrong::Meant { expected: KIND, write: "true" }),
        "no" | "off" | "No" | "False" => Err(Wrong::Meant { expected: KIND, write: "false" }),
        _ => Err(Wrong::Kind(KIND)),
    }
}

/// A whole number in a range.
pub(super) fn whole(range: RangeInclusive<u32>) -> impl Fn(&Node) -> Result<u32, Wrong> {
    move |node| {
        const KIND: &str = "a whole number";
        let text = plain(node, KIND)?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Wrong::Kind(KIND));
        }
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            let help = format!("from {} to {}", range.start(), range.end());
            Wrong::value(format!("`{text}` is out of range"), help)
        })
    }
}

/// An amount of money: a number with a point, not below nothing.
pub(super) fn amount(node: &Node) -> Result<f64, Wrong> {
    const KIND: &str = "a number";
    let text = plain(node, KIND)?;
    let number: f64 = text.parse().map_err(|_| Wrong::Kind(KIND))?;
    if number.is_finite() && number >= 0.0 {
        Ok(number)
    } else {
        Err(Wrong::value(format!("`{text}` is no amount"), "an amount is 0 or more, such as `0.07`"))
    }
}

/// A length of time from a second to five minutes: `10s`, `2m`, or `10 seconds` as journeys write it.
pub(super) fn timeout(node: &Node) -> Result<Duration, Wrong> {
    let text = raw_text(node, "a length of time such as `10s`")?;
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (count, unit) = text.split_at_checked(unit_at).unwrap_or((text, ""));
    let unit = match unit.trim() {
        "s" | "sec" => Some(Unit::Second),
        "m" | "min" => Some(Unit::Minute),
        "h" => Some(Unit::Hour),
        word => Unit::from_word(word),
    };
    let seconds = unit.and_then(|unit| Some(Length::new(count.parse().ok()?, unit).seconds_max()));
    let seconds = seconds.and_then(|seconds| u64::try_from(seconds).ok());
    match seconds {
        Some(seconds) if TIMEOUT_SECONDS.contains(&seconds) => Ok(Duration::from_secs(seconds)),
        Some(_) => Err(Wrong::value(format!("`{text}` is out of range"), "from `1s` to `5m`")),
        None => {
            let message = format!("`{text}` is no length of time");
            Err(Wrong::value(message, "write `10s`, `2m` or `10 seconds`"))
        }
    }
}

/// A time zone by its IANA name.
pub(super) fn time_zone(node: &Node) -> Result<TimeZone, Wrong> {
    let name = text(node)?;
    zone(&name).ok_or_else(|| {
        let message = format!("`{name}` is no time zone");
        let names: Vec<String> = zone_names().collect();
        // `Berlin`: the continent is left out.
        let town = name.trim().replace(' ', "_");
        let by_town = names
            .iter()
            .find(|zone| zone.rsplit_once('/').is_some_and(|(_, own)| own.eq_ignore_ascii_case(&town)));
        match by_town.map(String::as_str).or_else(|| near(&name, names.iter().map(String::as_str))) {
            Some(near) => Wrong::Near { message, near: near.to_owned() },
            None => Wrong::value(message, "zones have names of the IANA database, such as `Europe/Berlin`"),
        }
    })
}

/// Where to listen: an address and a port.
pub(super) fn listen(node: &Node) -> Result<SocketAddr, Wrong> {
    let text = text(node)?;
    text.parse().map_err(|_| {
        let help = "write `127.0.0.1:8080`, or `0.0.0.0:8080` to be reached from other machines";
        Wrong::value(format!("`{text}` is no address to listen at"), help)
    })
}

/// An address that recipients' links begin with.
pub(super) fn public_url(node: &Node) -> Result<Url, Wrong> {
    let text = text(node)?;
    let url = Url::parse(&text).ok().filter(|url| {
        let web = matches!(url.scheme(), "http" | "https");
        let bare = url.query().is_none() && url.fragment().is_none();
        web && bare && url.has_host() && url.username().is_empty() && url.password().is_none()
    });
    url.ok_or_else(|| {
        let help = "write `https://go.example.com`, without user, `?` and `#`";
        Wrong::value(format!("`{text}` is no address that links can lead to"), help)
    })
}

/// A mail address.
pub(super) fn address(node: &Node) -> Result<Address, Wrong> {
    let text = text(node)?;
    text.parse().map_err(|error| {
        let message = format!("`{text}` is no mail address: {error}");
        Wrong::Value { message, help: None }
    })
}

/// Whatever reads itself from text; its error says what is wrong, `help` what is right.
pub(super) fn parsed<T: FromStr<Err: Display>>(help: &'static str) -> impl Fn(&Node) -> Result<T, Wrong> {
    move |node| {
        let text = text(node)?;
        text.parse().map_err(|error: T::Err| Wrong::value(format!("`{text}` {error}"), help))
    }
}

/// Text as it stands, quoted or not.
pub(super) fn raw_text<'a>(node: &'a Node, kind: &'static str) -> Result<&'a str, Wrong> {
    match &node.content {
        Content::Text { text, .. } => Ok(text),
        Content::Broken => Err(Wrong::Known),
        Content::Nothing | Content::List(_) | Content::Section(_) => Err(Wrong::Kind(kind)),
    }
}

fn plain<'a>(node: &'a Node, kind: &'static str) -> Result<&'a str, Wrong> {
    match &node.content {
        Content::Text { quoted: true, .. } => Err(Wrong::Quoted(kind)),
        _ => raw_text(node, kind),
    }
}
