//! Other systems that Lotse calls over HTTP: channels, webhooks, teams.

use std::time::Duration;

use super::names::name;
use super::secret::{Deferred, Secret};
use super::section::{Section, Wrong};
use super::server::EndpointUrl;
use super::value::{address, amount, placed_text, text, timeout};
use crate::domain::Address;
use crate::finding::{Code, Finding};
use crate::source::Span;

/// How long one call may take where the settings do not say.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Channels that exist without a declaration, or mean all of them.
const CHANNELS_BUILT_IN: [&str; 2] = ["email", "any"];

/// Where calls go, and how they prove that they come from Lotse.
#[derive(Clone, Debug, PartialEq)]
pub struct Endpoint {
    /// `url`: where calls go; may be `env:NAME`.
    pub url: Deferred<EndpointUrl>,
    /// `secret`: signs calls as Standard Webhooks. Nothing runs where it is left out, so that checking needs none.
    pub secret: Option<Secret>,
    /// `timeout`: how long one call may take, answer and all, 1 second to 5 minutes; 10 seconds where left out.
    pub timeout: Duration,
}

impl Endpoint {
    /// Reads the keys that every endpoint has; nothing where there is no good `url`.
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let url =
            section.value("url", Deferred::read("write `https://erp.example.com/hooks`, or `env:NAME`"));
        let secret = section.value("secret", Secret::read);
        let timeout = section.value("timeout", timeout).unwrap_or(TIMEOUT);
        Some(Self { url: url?, secret, timeout })
    }

    fn required(section: &mut Section<'_>) -> Option<Self> {
        if !section.has("url") {
            section.missing("url");
        }
        Self::read(section)
    }
}

/// A way to reach people beside email: `sms`, `push`, `letter`.
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    /// Who delivers.
    pub endpoint: Endpoint,
    /// `address`: the attribute of the contact that says where to; `phone` where left out.
    pub address: String,
    /// `cost`: what one message costs, in the money of the workspace; nothing where left out.
    pub cost: f64,
}

impl Channel {
    pub(super) fn read(name: &str, section: &mut Section<'_>) -> Option<Self> {
        if CHANNELS_BUILT_IN.contains(&name) {
            let message = format!("`{name}` cannot be the name of a channel");
            let help = "`email` goes over `smtp` and its `senders`, and `any` means all channels";
            section.find(Finding::new(Code::E102, section.span(), message).help(help));
        }
        let endpoint = Endpoint::required(section);
        let address = section.value("address", attribute).unwrap_or_else(|| "phone".to_owned());
        let cost = section.value("cost", amount).unwrap_or(0.0);
        Some(Self { endpoint: endpoint?, address, cost })
    }
}

/// A system that journeys call: what `call` names.
#[derive(Clone, Debug, PartialEq)]
pub struct Webhook {
    /// Where it is.
    pub endpoint: Endpoint,
}

impl Webhook {
    pub(super) fn read(_: &str, section: &mut Section<'_>) -> Option<Self> {
        Endpoint::required(section).map(|endpoint| Self { endpoint })
    }
}

/// Who takes leads over and is told of what matters: what `hand off to` and `alert` name.
#[derive(Clone, Debug, PartialEq)]
pub struct Team {
    /// Its system, for leads and alerts.
    pub endpoint: Option<Endpoint>,
    /// `email`: where alerts go by mail. A team has a `url`, an `email` or both.
    pub email: Option<Address>,
    /// `assign`: who in the team gets a lead; the first that fits.
    pub assign: Vec<Assignment>,
}

impl Team {
    pub(super) fn read(_: &str, section: &mut Section<'_>) -> Option<Self> {
        let named = section.has("url") || section.has("email");
        if !named {
            let message = format!("`{}` has neither a `url` nor an `email`", section.path());
            let help = "add `url: …` and `secret: …` for leads and alerts, or `email: …` for alerts alone";
            section.find(Finding::new(Code::E103, section.span(), message).help(help));
        }
        let endpoint = Endpoint::read(section);
        let email = section.value("email", address);
        let assign = section.sections("assign", Assignment::read);
        (endpoint.is_some() || email.is_some()).then_some(Self { endpoint, email, assign })
    }
}

/// Who gets a lead, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Assignment {
    /// `to`: the person, as the team's system names people; often an address.
    pub to: String,
    /// `when`: for which contacts; all where left out.
    pub when: Option<Condition>,
}

impl Assignment {
    fn read(section: &mut Section<'_>) -> Option<Self> {
        let to = section.required("to", |node| {
            let to = text(node)?;
            if to.is_empty() {
                Err(Wrong::value("this names nobody", "write an address or a name"))
            } else {
                Ok(to)
            }
        });
        let when = section.value("when", placed_text);
        Some(Self { to: to?, when: when.map(|(text, span)| Condition { text, span }) })
    }
}

/// A condition in the language of journeys, not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The text, escapes of YAML resolved.
    pub text: String,
    /// Where it stands, without its quotes. Where that is as long as the text, bytes of the one are bytes of
    /// the other; else there were escapes.
    pub span: Span,
}

fn attribute(node: &super::yaml::Node) -> Result<String, Wrong> {
    let text = text(node)?;
    name(&text)?;
    Ok(text)
}
