//! Addresses of links and pictures: which are allowed, which are tracked, what is appended to them.

use std::borrow::Cow;

use url::Url;

/// What an address leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// `http` or `https`, with a host.
    Web,
    /// `mailto`, `tel` or `sms`.
    Person,
    /// A place in the same mail.
    Anchor,
    /// Nothing.
    Empty,
    /// A path without a host.
    Relative,
    /// A picture that the mail carries itself.
    Embedded,
    /// Anything that has no place in a mail.
    Refused(Refusal),
}

/// Why an address has no place in a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// `javascript:`, `data:`, `file:` and all others.
    Scheme,
    /// `//host`, which means another thing in each program.
    NoScheme,
    /// Line ends and the like, which browsers leave out: `java⏎script:`.
    Control,
    /// An address that no browser could read.
    Broken,
}

impl Refusal {
    /// What is wrong, and what to write instead.
    pub fn wording(self, address: &str) -> (String, &'static str) {
        let what = match self {
            Refusal::Scheme => format!("`{address}` is no address that a mail can lead to"),
            Refusal::NoScheme => format!("`{address}` does not say whether it is `https`"),
            Refusal::Control => "an address with a line break or a control character in it".to_owned(),
            Refusal::Broken => format!("`{address}` is not an address"),
        };
        let help = match self {
            Refusal::NoScheme => "begin it with `https://`",
            Refusal::Control => "write it in one line",
            Refusal::Scheme | Refusal::Broken => "write a whole address that begins with `https://`",
        };
        (what, help)
    }
}

/// Judges an address as a browser would read it.
pub(super) fn target(address: &str) -> Target {
    let address = address.trim_matches([' ', '\t', '\n', '\r', '\u{c}']);
    if address.chars().any(char::is_control) {
        return Target::Refused(Refusal::Control);
    }
    if address.is_empty() {
        return Target::Empty;
    }
    if address.starts_with('#') {
        return Target::Anchor;
    }
    if address.starts_with(['/', '\\']) && address.get(1..).is_some_and(|rest| rest.starts_with(['/', '\\']))
    {
        return Target::Refused(Refusal::NoScheme);
    }
    let Some((scheme, rest)) = scheme(address) else { return Target::Relative };
    match scheme.to_ascii_lowercase().as_str() {
        "http" | "https" => {
            let has_host = rest.starts_with("//") && !rest.get(2..).is_none_or(|host| host.starts_with('/'));
            let reads = has_host && Url::parse(address).is_ok_and(|url| url.has_host());
            if reads { Target::Web } else { Target::Refused(Refusal::Broken) }
        }
        "mailto" | "tel" | "sms" => Target::Person,
        "cid" => Target::Embedded,
        "data" if rest.trim_start().to_ascii_lowercase().starts_with("image/") => Target::Embedded,
        _ => Target::Refused(Refusal::Scheme),
    }
}

/// Splits off the scheme (RFC 3986, section 3.1), without the colon.
fn scheme(address: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = address.split_once(':')?;
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '.' | '-');
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(fits);
    is_scheme.then_some((scheme, rest))
}

/// An address without its query and fragment, which serves as the name of a link that has none.
pub(super) fn without_query(address: &str) -> &str {
    address.find(['?', '#']).and_then(|at| address.get(..at)).unwrap_or(address)
}

/// Appends the pairs that the address does not have yet, before its fragment; nothing else is changed, so
/// that an address which carries a signature of its own stays valid.
pub(super) fn with_utm<'a>(address: &'a str, utm: &[(String, String)]) -> Cow<'a, str> {
    let (before, fragment) = match address.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (address, None),
    };
    let query = before.split_once('?').map(|(_, query)| query);
    let has = |key: &str| {
        query.is_some_and(|query| query.split('&').any(|pair| pair.split('=').next() == Some(key)))
    };
    let mut out = String::new();
    for (name, value) in utm {
        let key = format!("utm_{name}");
        if has(&key) {
            continue;
        }
        if out.is_empty() {
            out.push_str(before);
            out.push_str(match query {
                None => "?",
                Some(query) if query.is_empty() || query.ends_with('&') => "",
                Some(_) => "&",
            });
        } else {
            out.push('&');
        }
        out.push_str(&percent_encoded(&key, ""));
        out.push('=');
        out.push_str(&percent_encoded(value, ""));
    }
    if out.is_empty() {
        return Cow::Borrowed(address);
    }
    if let Some(fragment) = fragment {
        out.push('#');
        out.push_str(fragment);
    }
    Cow::Owned(out)
}

/// Writes text so that it means nothing in an address (RFC 3986, section 2.1); `kept` are further characters
/// that stay as they are.
pub(super) fn percent_encoded(text: &str, kept: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '~') || kept.contains(c) {
            out.push(c);
        } else {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                // Writing to a text cannot fail.
                let _ = write!(out, "%{byte:02X}");
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_judged_as_a_browser_reads_them() {
        let table = [
            ("https://shop.test/a?b=c#d", Target::Web),
            (" HTTP://shop.test ", Target::Web),
            ("mailto:a@b.test", Target::Person),
            ("tel:+49123", Target::Person),
            ("#top", Target::Anchor),
            ("", Target::Empty),
            ("  ", Target::Empty),
            ("/path", Target::Relative),
            ("shop.test/a", Target::Relative),
            ("shop.test/a:b", Target::Relative),
            ("cid:logo", Target::Embedded),
            ("data:image/png;base64,AA==", Target::Embedded),
            ("javascript:alert(1)", Target::Refused(Refusal::Scheme)),
            ("JaVaScRiPt:alert(1)", Target::Refused(Refusal::Scheme)),
            ("java\nscript:alert(1)", Target::Refused(Refusal::Control)),
            ("java\tscript:alert(1)", Target::Refused(Refusal::Control)),
            ("https://shop.test/\u{7}", Target::Refused(Refusal::Control)),
            ("data:text/html,<script>", Target::Refused(Refusal::Scheme)),
            ("vbscript:x", Target::Refused(Refusal::Scheme)),
            ("file:///etc/passwd", Target::Refused(Refusal::Scheme)),
            ("//evil.test", Target::Refused(Refusal::NoScheme)),
            ("/\\evil.test", Target::Refused(Refusal::NoScheme)),
            ("https:evil.test", Target::Refused(Refusal::Broken)),
            ("https:///evil.test", Target::Refused(Refusal::Broken)),
            ("https://", Target::Refused(Refusal::Broken)),
            ("https://a b/", Target::Refused(Refusal::Broken)),
        ];
        for (address, expected) in table {
            assert_eq!(target(address), expected, "{address:?}");
        }
    }

    #[test]
    fn utm_pairs_are_appended_once_and_change_nothing_else() {
        let utm = [("campaign".to_owned(), "spring 27".to_owned()), ("source".to_owned(), "mail".to_owned())];
        let table = [
            ("https://a.test", "https://a.test?utm_campaign=spring%2027&utm_source=mail"),
            (
                "https://a.test/?x=1&sig=%2f+",
                "https://a.test/?x=1&sig=%2f+&utm_campaign=spring%2027&utm_source=mail",
            ),
            ("https://a.test/?utm_source=x#f", "https://a.test/?utm_source=x&utm_campaign=spring%2027#f"),
            ("https://a.test/?", "https://a.test/?utm_campaign=spring%2027&utm_source=mail"),
            ("https://a.test/?utm_campaign&utm_source=", "https://a.test/?utm_campaign&utm_source="),
        ];
        for (address, expected) in table {
            assert_eq!(with_utm(address, &utm), expected);
        }
        assert_eq!(with_utm("https://a.test/?a=%zz#", &[]), "https://a.test/?a=%zz#");
    }

    #[test]
    fn the_name_of_a_link_is_its_address_without_the_query() {
        assert_eq!(without_query("https://a.test/b?c=d#e"), "https://a.test/b");
        assert_eq!(without_query("https://a.test/b#e?"), "https://a.test/b");
        assert_eq!(without_query("https://a.test/b"), "https://a.test/b");
    }
}
