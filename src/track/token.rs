use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::link::{LinkError, Token};
use super::wire::{FieldReader, FieldWriter};

/// The longest link, in bytes: what mail programs, proxies and old browsers take.
pub const URL_BYTES_MAX: usize = 2_000;
/// The version of the format.
const VERSION: u8 = 1;
/// Version, purpose, key.
const HEADER_BYTES: usize = 3;
/// 128 bits of HMAC-SHA-256 (RFC 2104 section 5 allows half of it).
const TAG_BYTES: usize = 16;
/// A secret shorter than this, in bytes, can be tried out by whoever has one link.
const SECRET_BYTES_STRONG: usize = 16;

/// Declares what links are for: the number on the wire, the key, the path around the token.
macro_rules! purposes {
    ($($(#[$doc:meta])* $variant:ident $number:literal $key:ident $prefix:literal $suffix:literal)*) => {
        /// What a link is for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Purpose {
            $($(#[$doc])* $variant,)*
        }

        impl Purpose {
            /// All of them.
            pub const ALL: &[Purpose] = &[$(Purpose::$variant,)*];

            fn number(self) -> u8 {
                match self { $(Purpose::$variant => $number,)* }
            }

            /// What stands before the token in the path, and what behind it.
            pub fn path(self) -> (&'static str, &'static str) {
                match self { $(Purpose::$variant => ($prefix, $suffix),)* }
            }
        }

        /// A key for each purpose.
        #[derive(Clone)]
        struct PurposeKeys {
            $($key: hmac::Key,)*
        }

        impl PurposeKeys {
            fn new(root: &hmac::Key, workspace: &str) -> Self {
                let key = |purpose: &str| {
                    let name = format!("lotse link {purpose} of {workspace}");
                    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(root, name.as_bytes()).as_ref())
                };
                Self { $($key: key(stringify!($key)),)* }
            }

            fn of(&self, purpose: Purpose) -> &hmac::Key {
                match purpose { $(Purpose::$variant => &self.$key,)* }
            }
        }
    };
}

purposes! {
    /// The image that tells of an opening.
    Open 1 open "/o/" ".gif"
    /// A link in a message.
    Click 2 click "/c/" ""
    /// Taking a permission back.
    Unsubscribe 3 unsubscribe "/u/" ""
    /// What a contact wants.
    Preferences 4 preferences "/p/" ""
    /// A message as a web page.
    View 5 view "/v/" ""
    /// A team's answer to a hand-off.
    Lead 6 lead "/lead/" ""
    /// A survey.
    Survey 7 survey "/s/" ""
    /// The second half of a double opt-in.
    Confirm 8 confirm "/confirm/" ""
}

/// Why there is nothing to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrackerError {
    /// An empty secret signs nothing.
    #[error("the secret that signs links is empty")]
    NoSecret,
}

/// Makes and reads the tokens in links.
///
/// A token is base64url without padding of: version, purpose, key (a byte each), the fields, and the first 16
/// bytes of HMAC-SHA-256 over all that. Each purpose has a key of its own, HMAC-SHA-256 under the secret of the
/// purpose and the name of the workspace: what one workspace or purpose signed, no other believes. Links in mails
/// live for years, so a secret that is replaced goes on being read, and the format is frozen by a test.
#[derive(Clone)]
pub struct Tracker {
    workspace: String,
    current: KeySet,
    previous: Vec<KeySet>,
}

/// The keys that come from one secret.
#[derive(Clone)]
struct KeySet {
    /// Tells which secret signed a token. One in 256 pairs of secrets has the same: then both are tried.
    id: u8,
    keys: PurposeKeys,
}

impl KeySet {
    fn new(secret: &[u8], workspace: &str) -> Result<Self, TrackerError> {
        if secret.is_empty() {
            return Err(TrackerError::NoSecret);
        }
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let id = hmac::sign(&root, b"lotse link key").as_ref().first().copied().unwrap_or(0);
        Ok(Self { id, keys: PurposeKeys::new(&root, workspace) })
    }

    fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; TAG_BYTES] {
        let tag = hmac::sign(self.keys.of(purpose), message);
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

impl Tracker {
    /// Signs with this secret, for this workspace.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn new(secret: &[u8], workspace: &str) -> Result<Self, TrackerError> {
        Ok(Self {
            workspace: workspace.to_owned(),
            current: KeySet::new(secret, workspace)?,
            previous: Vec::new(),
        })
    }

    /// Goes on reading what an earlier secret signed.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn with_previous(mut self, secret: &[u8]) -> Result<Self, TrackerError> {
        self.previous.push(KeySet::new(secret, &self.workspace)?);
        Ok(self)
    }

    /// Whether a secret is so short that whoever has one link can find it by trying.
    pub fn is_weak(secret: &[u8]) -> bool {
        secret.len() < SECRET_BYTES_STRONG
    }

    /// The link below `base`, such as `https://go.example.com`.
    ///
    /// # Errors
    /// When it would be too long, or leads to what is no web address.
    pub fn url<T: Token>(&self, base: &str, token: &T) -> Result<String, LinkError> {
        let mut fields = FieldWriter::default();
        fields.bytes(&[VERSION, T::PURPOSE.number(), self.current.id]);
        token.write(&mut fields)?;
        let mut bytes = fields.finish();
        let tag = self.current.tag(T::PURPOSE, &bytes);
        bytes.extend_from_slice(&tag);
        let (prefix, suffix) = T::PURPOSE.path();
        let text = URL_SAFE_NO_PAD.encode(bytes);
        let url = format!("{}{prefix}{text}{suffix}", base.trim_end_matches('/'));
        if url.len() > URL_BYTES_MAX {
            return Err(LinkError::TooLong(url.len()));
        }
        Ok(url)
    }

    /// Reads a token: what stands in the path behind the prefix of its purpose. Nothing where it was not signed
    /// here, for this purpose, exactly so.
    pub fn read<T: Token>(&self, text: &str) -> Option<T> {
        if text.len() > URL_BYTES_MAX {
            return None;
        }
        let text = text.strip_suffix(T::PURPOSE.path().1)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (message, tag) = bytes.split_last_chunk::<TAG_BYTES>()?;
        let (&[version, purpose, key], payload) = message.split_first_chunk::<HEADER_BYTES>()?;
        if version != VERSION || purpose != T::PURPOSE.number() {
            return None;
        }
        let mut keys = std::iter::once(&self.current).chain(&self.previous).filter(|keys| keys.id == key);
        keys.find(|keys| verify_slices_are_equal(&keys.tag(T::PURPOSE, message), tag).is_ok())?;
        let mut fields = FieldReader::new(payload);
        T::read(&mut fields).filter(|_| fields.is_empty())
    }
}

#[cfg(test)]
mod tests;
