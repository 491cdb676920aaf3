//! Writes addresses into rendered text, once all of them are known.

use std::borrow::Cow;

use super::CompiledMessage;
use super::emit::{ADDRESS, ADDRESS_END, ADDRESS_TEXT, PIXEL};
use super::links::{self, Target};
use super::markup::escape;
use super::render::{RenderContext, TrackedLink};

/// Writes addresses into rendered text.
pub(super) struct Writer<'a> {
    pub message: &'a CompiledMessage,
    pub context: &'a RenderContext<'a>,
}

impl Writer<'_> {
    /// Writes a rendered part anew; `is_html` says that addresses are escaped in it.
    pub fn write(&self, rendered: &str, is_html: bool) -> String {
        let mut out = String::with_capacity(rendered.len() + rendered.len() / 4);
        let mut rest = rendered;
        while let Some((before, behind)) = rest.split_once(ADDRESS) {
            out.push_str(before);
            let (number, behind) = behind.split_once(ADDRESS_TEXT).unwrap_or((behind, ""));
            let (text, behind) = behind.split_once(ADDRESS_END).unwrap_or((behind, ""));
            rest = behind;
            if number == PIXEL {
                self.pixel(&mut out);
                continue;
            }
            let address = self.address(number, text);
            if address.is_empty() && out.ends_with(" (") && rest.starts_with(')') {
                // A link that leads nowhere leaves no brackets behind its text.
                out.truncate(out.len() - 2);
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            out.push_str(&if is_html { escape(&address) } else { Cow::Borrowed(address.as_ref()) });
        }
        out.push_str(rest);
        out
    }

    fn pixel(&self, out: &mut String) {
        if let Some(url) = self.context.open_pixel_url {
            out.push_str("<img src=\"");
            out.push_str(&escape(url));
            out.push_str("\" width=\"1\" height=\"1\" alt=\"\">");
        }
    }

    /// The address of that number, as it is to stand in the message; empty where it leads where no mail may.
    fn address<'b>(&'b self, number: &str, text: &'b str) -> Cow<'b, str> {
        let known = number.parse().ok().and_then(|number: usize| self.message.addresses.get(number));
        let Some(known) = known else { return Cow::Borrowed("") };
        let url = match &known.fixed {
            Some(fixed) => Cow::Borrowed(fixed.as_str()),
            None => match links::target(text) {
                Target::Person | Target::Anchor => return Cow::Borrowed(text.trim()),
                Target::Embedded if known.link.is_none() => return Cow::Borrowed(text.trim()),
                Target::Web if known.link.is_some() && !self.is_own(text) => {
                    spaced(links::with_utm(text.trim(), &self.message.utm))
                }
                Target::Web => return spaced(Cow::Borrowed(text.trim())),
                _ => return Cow::Borrowed(""),
            },
        };
        let link = known.link.and_then(|index| Some((index, self.message.links.get(index)?)));
        match (link, self.context.track_link) {
            (Some((index, link)), Some(track)) if !self.is_own(&url) => {
                Cow::Owned(track(&TrackedLink { index, name: &link.name, url: &url }))
            }
            _ => url,
        }
    }

    /// Whether an address is one of those that every message has. They are never tracked: who wants to leave
    /// must get there even when tracking does not work.
    fn is_own(&self, address: &str) -> bool {
        let own = [self.context.unsubscribe_url, self.context.preferences_url, self.context.view_url];
        own.iter().any(|own| !own.is_empty() && address.trim().starts_with(own))
    }
}

/// An address without blanks, which would end it in a text.
fn spaced(address: Cow<'_, str>) -> Cow<'_, str> {
    if address.contains(' ') { Cow::Owned(address.replace(' ', "%20")) } else { address }
}
