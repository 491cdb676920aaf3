use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use super::compose::RawMail;
use crate::time::Moment;

/// The fields that are signed, in this order.
///
/// Each is named whether the mail has it or not, which signs its absence too: nobody can add an unsubscribe
/// link or a `Reply-To` of their own. `from` is named once more than there is one, so that no second one can
/// be put before it (RFC 6376 section 8.15). RFC 8058 asks for both unsubscribe fields.
const SIGNED_FIELDS: [&str; 12] = [
    "from",
    "from",
    "to",
    "subject",
    "date",
    "message-id",
    "reply-to",
    "mime-version",
    "list-unsubscribe",
    "list-unsubscribe-post",
    "list-id",
    "feedback-id",
];

/// How many characters of the signature stand on a line.
const SIGNATURE_LINE_CHARS: usize = 72;

/// Signs mail for a domain (DKIM: RFC 6376, Ed25519 in RFC 8463), both parts canonicalised as `relaxed`.
pub struct Signer {
    domain: String,
    selector: String,
    key: Key,
}

enum Key {
    Rsa(rsa::KeyPair),
    Ed25519(Ed25519KeyPair),
}

/// Why mail cannot be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// A domain or a selector that cannot stand in the DNS.
    #[error(
        "the DKIM domain and selector must be made of letters, digits and hyphens, with dots between them, such as `example.com` and `s1`"
    )]
    Name,
    /// A file that holds no private key.
    #[error(
        "the DKIM key must be a PEM file with an RSA key (`BEGIN PRIVATE KEY` or `BEGIN RSA PRIVATE KEY`) or an Ed25519 key (`BEGIN PRIVATE KEY`), not encrypted"
    )]
    Key,
    /// An RSA key that receivers no longer trust (RFC 8301 section 3.2).
    #[error(
        "the DKIM key is too short: make an RSA key of 2048 bits (`openssl genrsa -out dkim.pem 2048`) and publish it under a new selector"
    )]
    ShortKey,
    /// The cryptographic library gave up.
    #[error("the DKIM signature could not be made")]
    Failed,
}

impl Signer {
    /// Reads the key from PEM: RSA of 2048 to 8192 bits in PKCS#8 or PKCS#1, Ed25519 in PKCS#8.
    ///
    /// # Errors
    /// When the domain or the selector is no DNS name, or the key is none of these.
    pub fn new(domain: &str, selector: &str, pem: &str) -> Result<Self, SignerError> {
        let label = |label: &str| {
            let plain =
                label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
            plain && (1..=63).contains(&label.len())
        };
        for name in [domain, selector] {
            if name.len() > 253 || !name.split('.').all(label) {
                return Err(SignerError::Name);
            }
        }
        let key = Key::from_pem(pem)?;
        Ok(Self { domain: domain.to_ascii_lowercase(), selector: selector.to_owned(), key })
    }

    /// Where the public key is published, such as `s1._domainkey.example.com`.
    pub fn dns_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// What is published there: the text of the TXT record.
    ///
    /// # Errors
    /// When the library cannot write the public key.
    pub fn dns_record(&self) -> Result<String, SignerError> {
        Ok(match &self.key {
            Key::Rsa(key) => {
                let der: PublicKeyX509Der<'_> = key.public_key().as_der().map_err(|_| SignerError::Failed)?;
                format!("v=DKIM1; k=rsa; p={}", STANDARD.encode(der.as_ref()))
            }
            Key::Ed25519(key) => {
                format!("v=DKIM1; k=ed25519; p={}", STANDARD.encode(key.public_key().as_ref()))
            }
        })
    }

    /// Signs a mail: the same bytes with a `DKIM-Signature` before them, the same one for the same mail and
    /// moment. A mail that is signed already gets a second signature, which leaves the first valid.
    ///
    /// An RSA signature of 2048 bits takes half a millisecond of a processor.
    ///
    /// # Errors
    /// When the library gives up.
    pub fn sign(&self, mail: &RawMail, at: Moment) -> Result<RawMail, SignerError> {
        let (header, body) = mail.parts();
        let body_hash = digest::digest(&digest::SHA256, relaxed_body(body).as_bytes());
        let mut signature = format!(
            "DKIM-Signature: v=1; a={}; c=relaxed/relaxed;\r\n\td={}; s={};\r\n\tt={};\r\n\th={};\r\n\tbh={};\r\n\tb=",
            self.key.algorithm(),
            self.domain,
            self.selector,
            at.micros().div_euclid(1_000_000).max(0),
            folded_names(&SIGNED_FIELDS),
            STANDARD.encode(body_hash.as_ref()),
        );
        let mut data = relaxed_fields(header, &SIGNED_FIELDS);
        data.push_str(&relaxed_field(&signature));
        let mut value = STANDARD.encode(self.key.sign(data.as_bytes())?);
        while value.len() > SIGNATURE_LINE_CHARS {
            let behind = value.split_off(SIGNATURE_LINE_CHARS);
            signature.push_str(&value);
            signature.push_str("\r\n\t");
            value = behind;
        }
        signature.push_str(&value);
        signature.push_str("\r\n");
        signature.push_str(mail.as_str());
        RawMail::new(signature).map_err(|_| SignerError::Failed)
    }
}

impl Key {
    fn from_pem(pem: &str) -> Result<Self, SignerError> {
        let rejected = |error: aws_lc_rs::error::KeyRejected| match error.description_() {
            "TooSmall" => SignerError::ShortKey,
            _ => SignerError::Key,
        };
        match PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| SignerError::Key)? {
            PrivateKeyDer::Pkcs1(der) => {
                rsa::KeyPair::from_der(der.secret_pkcs1_der()).map(Key::Rsa).map_err(rejected)
            }
            PrivateKeyDer::Pkcs8(der) => {
                let der = der.secret_pkcs8_der();
                Ed25519KeyPair::from_pkcs8(der)
                    .map(Key::Ed25519)
                    .or_else(|_| rsa::KeyPair::from_pkcs8(der).map(Key::Rsa).map_err(rejected))
            }
            _ => Err(SignerError::Key),
        }
    }

    fn algorithm(&self) -> &'static str {
        match self {
            Key::Rsa(_) => "rsa-sha256",
            Key::Ed25519(_) => "ed25519-sha256",
        }
    }

    fn sign(&self, data: &[u8]) -> Result<Vec<u8>, SignerError> {
        match self {
            Key::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), data, &mut signature)
                    .map_err(|_| SignerError::Failed)?;
                Ok(signature)
            }
            // RFC 8463 section 3: what is signed is the SHA-256 hash of the data.
            Key::Ed25519(key) => {
                let hash = digest::digest(&digest::SHA256, data);
                key.try_sign(hash.as_ref())
                    .map(|signature| signature.as_ref().to_vec())
                    .map_err(|_| SignerError::Failed)
            }
        }
    }
}

/// The names with colons between them, on lines of their own where they would be too long.
fn folded_names(names: &[&str]) -> String {
    let mut folded = String::new();
    let mut column = "\th=".len();
    for (index, name) in names.iter().enumerate() {
        if index > 0 {
            folded.push(':');
            if column + name.len() > SIGNATURE_LINE_CHARS {
                folded.push_str("\r\n\t ");
                column = 2;
            }
        }
        folded.push_str(name);
        column += name.len() + 1;
    }
    folded
}

/// The named fields as they are hashed: of several with one name the last first, of those that are not there
/// nothing (RFC 6376 section 5.4.2).
fn relaxed_fields(header: &str, names: &[&str]) -> String {
    let fields: Vec<String> = split_fields(header).into_iter().map(relaxed_field).collect();
    let mut out = String::with_capacity(header.len());
    for (index, name) in names.iter().enumerate() {
        let before = names.iter().take(index).filter(|other| *other == name).count();
        let named = |field: &&String| field.split_once(':').is_some_and(|(own, _)| own == *name);
        if let Some(field) = fields.iter().rev().filter(named).nth(before) {
            out.push_str(field);
            out.push_str("\r\n");
        }
    }
    out
}

/// Cuts a header into its fields, folded lines with the field they belong to.
fn split_fields(header: &str) -> Vec<&str> {
    let mut fields = Vec::new();
    let mut rest = header;
    while !rest.is_empty() {
        let ends = |at: &usize| !rest.get(at + 2..).is_some_and(|next| next.starts_with([' ', '\t']));
        let end = rest.match_indices("\r\n").map(|(at, _)| at).find(ends).map_or(rest.len(), |at| at + 2);
        let (field, behind) = rest.split_at(end);
        fields.push(field);
        rest = behind;
    }
    fields
}

/// A field by the `relaxed` rules, without its line end (RFC 6376 section 3.4.2).
fn relaxed_field(field: &str) -> String {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    let mut out = name.trim_end_matches([' ', '\t']).to_ascii_lowercase();
    out.push(':');
    let words = value.split([' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// A body by the `relaxed` rules (RFC 6376 section 3.4.4).
fn relaxed_body(body: &str) -> String {
    let mut out = String::with_capacity(body.len() + 2);
    let mut empty_lines = 0;
    for line in body.split("\r\n") {
        let line = line.trim_end_matches([' ', '\t']);
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        for _ in 0..empty_lines {
            out.push_str("\r\n");
        }
        empty_lines = 0;
        let mut in_space = false;
        for c in line.chars() {
            let space = c == ' ' || c == '\t';
            if !space {
                out.push(c);
            } else if !in_space {
                out.push(' ');
            }
            in_space = space;
        }
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests;
