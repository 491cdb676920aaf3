use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::time::Moment;

/// What a secret begins with whose bytes are written in Base64.
const BASE64_PREFIX: &str = "whsec_";
/// The shortest secret that Standard Webhooks allows, in bytes.
const SECRET_BYTES_MIN: usize = 24;

/// What a receiver and we both know, and nobody else.
#[derive(Clone)]
pub struct Secret(hmac::Key);

/// Hides it.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// Why a text is no secret. Never holds the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// `whsec_` and something that is not Base64.
    #[error("what follows `whsec_` in a secret must be Base64")]
    Base64,
    /// Too short to be safe.
    #[error(
        "a secret must have at least {SECRET_BYTES_MIN} bytes: make one with `openssl rand -base64 32` and write `whsec_` before it"
    )]
    Short,
}

impl Secret {
    /// Reads a secret: `whsec_` and Base64, or text whose bytes are the secret.
    ///
    /// # Errors
    /// When it is too short or not in that form.
    pub fn new(text: &str) -> Result<Self, SecretError> {
        let bytes = match text.strip_prefix(BASE64_PREFIX) {
            // Some makers of secrets leave the padding out.
            Some(encoded) => {
                STANDARD_NO_PAD.decode(encoded.trim_end_matches('=')).map_err(|_| SecretError::Base64)?
            }
            None => text.as_bytes().to_vec(),
        };
        if bytes.len() < SECRET_BYTES_MIN {
            return Err(SecretError::Short);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// The value of `webhook-signature` for a body, and of `webhook-timestamp` beside it (Standard Webhooks,
    /// "Signature scheme"). The id must have no dot.
    pub(super) fn sign(&self, id: &str, at: Moment, body: &[u8]) -> (String, String) {
        let timestamp = at.micros().div_euclid(1_000_000).to_string();
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        (format!("v1,{}", STANDARD.encode(context.sign())), timestamp)
    }

    /// Whether one of the signatures in `webhook-signature`, divided by blanks, is that of a body. How old
    /// `webhook-timestamp` may be is up to the caller.
    pub fn verifies(&self, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
        let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
        let mut found = signatures.split(' ').filter_map(|signature| signature.strip_prefix("v1,"));
        found.any(|signature| {
            let decoded = STANDARD.decode(signature);
            decoded.is_ok_and(|decoded| hmac::verify(&self.0, &signed, &decoded).is_ok())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_those_of_the_standard() {
        // The example that the libraries of the standard test themselves with.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let at = Moment::from_micros(1_614_265_330_999_999);
        let (signature, timestamp) =
            secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", at, br#"{"test": 2432232314}"#);
        assert_eq!(timestamp, "1614265330");
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn only_our_own_signatures_are_taken() {
        let secret = Secret::new("a secret of thirty-two bytes ....").unwrap();
        let (signature, timestamp) = secret.sign("id", Moment::from_seconds(1_700_000_000), b"{}");
        let verifies = |id, body, signature: &str| secret.verifies(id, &timestamp, body, signature);
        assert!(verifies("id", b"{}", &signature));
        assert!(verifies("id", b"{}", &format!("v1,AAAA v2,x {signature}")), "one of several");
        assert!(!verifies("other", b"{}", &signature));
        assert!(!verifies("id", b"{ }", &signature));
        assert!(!verifies("id", b"{}", &signature.replace("v1,", "")));
        assert!(!verifies("id", b"{}", ""));
        assert!(!secret.verifies("id", "1700000001", b"{}", &signature));
        let other = Secret::new("another secret of many bytes ....").unwrap();
        assert!(!other.verifies("id", &timestamp, b"{}", &signature));
    }

    #[test]
    fn secrets_are_read_in_both_forms() {
        let bytes = "a secret of thirty-two bytes ....";
        let encoded = format!("whsec_{}", STANDARD.encode(bytes));
        let sign = |secret: &str| Secret::new(secret).unwrap().sign("id", Moment::default(), b"{}");
        assert_eq!(sign(bytes), sign(&encoded));
        assert_eq!(sign(bytes), sign(encoded.trim_end_matches('=')));
        assert_ne!(sign(bytes), sign("another secret of many bytes ...."));
    }

    #[test]
    fn weak_secrets_are_refused_and_none_is_shown() {
        assert_eq!(Secret::new("").err(), Some(SecretError::Short));
        assert_eq!(Secret::new("twenty-three bytes long").err(), Some(SecretError::Short));
        assert_eq!(Secret::new("whsec_c2hvcnQ=").err(), Some(SecretError::Short));
        assert_eq!(Secret::new("whsec_not base64 at all, but long").err(), Some(SecretError::Base64));
        assert_eq!(format!("{:?}", Secret::new("a secret of thirty-two bytes ....").unwrap()), "Secret");
    }
}
