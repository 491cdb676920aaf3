use aws_lc_rs::encoding::Pkcs8V1Der;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ED25519, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

/// The signed message of RFC 8463 appendix A.3, its Ed25519 signature alone.
const RFC_MESSAGE: &str = "From: Joe SixPack <joe@football.example.com>\r\n\
    To: Suzie Q <suzie@shopping.example.net>\r\n\
    Subject: Is dinner ready?\r\n\
    Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)\r\n\
    Message-ID: <20030712040037.46341.5F8J@football.example.com>\r\n\
    \r\n\
    Hi.\r\n\
    \r\n\
    We lost the game.  Are you hungry yet?\r\n\
    \r\n\
    Joe.\r\n";
const RFC_SIGNATURE: &str = "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;\r\n \
    d=football.example.com; i=@football.example.com;\r\n \
    q=dns/txt; s=brisbane; t=1528637909; h=from : to :\r\n \
    subject : date : message-id : from : subject : date;\r\n \
    bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;\r\n \
    b=";
const RFC_SIGNATURE_VALUE: &str =
    "/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11BusFa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==";
const RFC_FIELDS: [&str; 8] = ["from", "to", "subject", "date", "message-id", "from", "subject", "date"];
const RFC_PUBLIC_KEY: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
/// Its private key, in PKCS#8.
const RFC_KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n\
    -----END PRIVATE KEY-----\n";
/// 1,024 bits, as short as receivers still take and shorter than we sign with.
const SHORT_KEY: &str = include_str!("short_key.pem");

fn decoded(text: &str) -> Vec<u8> {
    STANDARD.decode(text).unwrap()
}

fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

fn rsa_key() -> (String, Vec<u8>) {
    let key = rsa::KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der: Pkcs8V1Der<'_> = key.as_der().unwrap();
    (pem("PRIVATE KEY", der.as_ref()), key.public_key().as_ref().to_vec())
}

fn raw(text: &str) -> RawMail {
    RawMail::new(text.to_owned()).unwrap()
}

const MAIL: &str = "From: Brand <news@brand.example>\r\n\
    Subject: A  subject\r\n \tthat is folded \r\n\
    X-Other: not signed\r\n\
    To: <ada@example.org>\r\n\
    List-Unsubscribe: <https://t.brand.example/u/x>\r\n\
    \r\n\
    Hello \t there  \r\n\
    \r\n\
    \t\r\n\
    .\r\n\
    \r\n\
    \r\n";

#[test]
fn the_canonical_form_is_that_of_rfc_8463() {
    let mail = raw(RFC_MESSAGE);
    let (header, body) = mail.parts();
    let hash = digest::digest(&digest::SHA256, relaxed_body(body).as_bytes());
    assert_eq!(STANDARD.encode(hash), "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=");
    let data = relaxed_fields(header, &RFC_FIELDS) + &relaxed_field(RFC_SIGNATURE);
    let hash = digest::digest(&digest::SHA256, data.as_bytes());
    let key = UnparsedPublicKey::new(&ED25519, decoded(RFC_PUBLIC_KEY));
    key.verify(hash.as_ref(), &decoded(RFC_SIGNATURE_VALUE)).unwrap();
    let signer = Signer::new("football.example.com", "brisbane", RFC_KEY).unwrap();
    assert_eq!(signer.key.sign(data.as_bytes()).unwrap(), decoded(RFC_SIGNATURE_VALUE));
    assert_eq!(signer.dns_name(), "brisbane._domainkey.football.example.com");
    assert_eq!(signer.dns_record().unwrap(), format!("v=DKIM1; k=ed25519; p={RFC_PUBLIC_KEY}"));
}

#[test]
fn the_examples_of_rfc_6376_are_canonical() {
    // Section 3.4.5.
    assert_eq!(relaxed_field("A: X\r\n"), "a:X");
    assert_eq!(relaxed_field("B : Y\t\r\n\tZ  \r\n"), "b:Y Z");
    assert_eq!(relaxed_body(" C \r\nD \t E\r\n\r\n\r\n"), " C\r\nD E\r\n");
    for empty in ["", "\r\n", "\r\n\r\n", " \r\n\t\r\n"] {
        assert_eq!(relaxed_body(empty), "", "{empty:?}");
    }
    assert_eq!(relaxed_body("\r\n\r\na"), "\r\n\r\na\r\n");
}

/// What a receiver does, written anew: cuts the header by looking ahead at each line, canonicalises with plain
/// replacements, and checks both the body and the signature.
fn verify(mail: &str, check: impl Fn(&[u8], &[u8]) -> bool) -> bool {
    let (header, body) = mail.split_once("\r\n\r\n").unwrap();
    let mut fields: Vec<(String, String)> = Vec::new();
    for line in header.split("\r\n") {
        match line.strip_prefix([' ', '\t']) {
            Some(_) => fields.last_mut().unwrap().1.push_str(line),
            None => {
                let (name, value) = line.split_once(':').unwrap();
                fields.push((name.trim().to_lowercase(), value.to_owned()));
            }
        }
    }
    let squeeze = |text: &str| {
        let mut text = text.replace('\t', " ");
        while text.contains("  ") {
            text = text.replace("  ", " ");
        }
        text
    };
    let (_, signature) = fields.remove(0);
    let tags: Vec<(String, String)> = signature
        .split(';')
        .map(|tag| tag.split_once('=').unwrap())
        .map(|(name, value)| (name.trim().to_owned(), value.split_whitespace().collect()))
        .collect();
    let tag = |name: &str| tags.iter().find(|tag| tag.0 == name).map(|tag| tag.1.clone()).unwrap();

    let lines: Vec<String> = body.split("\r\n").map(|line| squeeze(line).trim_end().to_owned()).collect();
    let body = lines.join("\r\n");
    let body = match body.trim_end_matches("\r\n") {
        "" => String::new(),
        body => format!("{body}\r\n"),
    };
    if STANDARD.encode(digest::digest(&digest::SHA256, body.as_bytes())) != tag("bh") {
        return false;
    }
    let mut data = String::new();
    for name in tag("h").split(':') {
        if let Some(index) = fields.iter().rposition(|field| field.0 == name) {
            let (name, value) = fields.remove(index);
            data.push_str(&format!("{name}:{}\r\n", squeeze(&value).trim()));
        }
    }
    let unsigned = format!("{}b=", signature.rsplit_once("b=").unwrap().0);
    data.push_str(&format!("dkim-signature:{}", squeeze(&unsigned).trim()));
    check(data.as_bytes(), &decoded(&tag("b")))
}

#[test]
fn a_receiver_finds_the_signatures_valid() {
    let at = Moment::from_seconds(1_800_000_000);
    let (rsa_pem, rsa_public) = rsa_key();
    let by_rsa = |data: &[u8], signature: &[u8]| {
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &rsa_public).verify(data, signature).is_ok()
    };
    let by_ed25519 = |data: &[u8], signature: &[u8]| {
        let hash = digest::digest(&digest::SHA256, data);
        let key = UnparsedPublicKey::new(&ED25519, decoded(RFC_PUBLIC_KEY));
        key.verify(hash.as_ref(), signature).is_ok()
    };
    for (pem, is_rsa) in [(rsa_pem.as_str(), true), (RFC_KEY, false)] {
        let check = |data: &[u8], signature: &[u8]| {
            if is_rsa { by_rsa(data, signature) } else { by_ed25519(data, signature) }
        };
        let signer = Signer::new("brand.example", "s1", pem).unwrap();
        let signed = signer.sign(&raw(MAIL), at).unwrap();
        assert!(verify(signed.as_str(), check));
        assert_eq!(signed, signer.sign(&raw(MAIL), at).unwrap(), "the same bytes each time");
        assert!(signed.as_str().ends_with(MAIL));
        for line in signed.as_str().lines() {
            assert!(line.len() <= 78, "{line}");
        }
        for (from, to) in [
            ("A  subject", "Another subject"),
            ("Hello", "Hullo"),
            ("List-Unsubscribe:", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nList-Unsubscribe:"),
            ("To:", "From: Eve <eve@example.net>\r\nTo:"),
            ("From: Brand", "From: Eve <eve@example.net>\r\nFrom: Brand"),
            ("To:", "Reply-To: <eve@example.net>\r\nTo:"),
            ("t=1800000000", "t=1800000001"),
        ] {
            let changed = signed.as_str().replacen(from, to, 1);
            assert_ne!(changed, signed.as_str());
            assert!(!verify(&changed, check), "{to}");
        }
        let harmless = signed
            .as_str()
            .replace("X-Other: not signed", "X-Other: changed")
            .replace("Subject: A  ", "SUBJECT:A ");
        assert!(verify(&harmless, check));
    }
}

#[test]
fn the_signature_names_what_it_must() {
    let signer = Signer::new("Brand.example", "s1", RFC_KEY).unwrap();
    let signed = signer.sign(&raw(MAIL), Moment::from_seconds(1_800_000_000)).unwrap();
    let (signature, _) = signed.as_str().split_once("\r\nFrom:").unwrap();
    let signature: String = signature.split_whitespace().collect();
    let before_value = signature.split(";b=").next().unwrap();
    let bh = STANDARD.encode(digest::digest(&digest::SHA256, b"Hello there\r\n\r\n\r\n.\r\n"));
    assert_eq!(
        before_value,
        format!(
            "DKIM-Signature:v=1;a=ed25519-sha256;c=relaxed/relaxed;d=brand.example;s=s1;t=1800000000;\
             h=from:from:to:subject:date:message-id:reply-to:mime-version:list-unsubscribe:\
             list-unsubscribe-post:list-id:feedback-id;bh={bh}"
        )
    );
}

#[test]
fn keys_are_read_in_every_usual_form() {
    let (pkcs8, _) = rsa_key();
    assert_eq!(Signer::new("a.example", "s1", &pkcs8).map(|signer| signer.key.algorithm()), Ok("rsa-sha256"));
    assert_eq!(
        Signer::new("a.example", "s1", RFC_KEY).map(|signer| signer.key.algorithm()),
        Ok("ed25519-sha256")
    );
    // PKCS#8 version 1 of RSA is 26 bytes around PKCS#1.
    let der = decoded(&pkcs8.lines().skip(1).take_while(|line| !line.starts_with('-')).collect::<String>());
    let signer = Signer::new("a.example", "s1", &pem("RSA PRIVATE KEY", &der[26..])).unwrap();
    assert_eq!(signer.key.algorithm(), "rsa-sha256");
    assert!(signer.dns_record().is_ok_and(|record| record.starts_with("v=DKIM1; k=rsa; p=MIIB")));
}

#[test]
fn what_cannot_sign_is_refused() {
    let failure = |domain: &str, selector: &str, pem: &str| Signer::new(domain, selector, pem).err();
    assert_eq!(failure("a.example", "s1", SHORT_KEY), Some(SignerError::ShortKey));
    for key in ["", "not a key", &pem("PRIVATE KEY", b"nonsense"), &pem("EC PRIVATE KEY", b"x")] {
        assert_eq!(failure("a.example", "s1", key), Some(SignerError::Key), "{key}");
    }
    for name in ["", "a..b", "a b", "a;b", "bücher.example", &"a".repeat(64)] {
        assert_eq!(failure(name, "s1", RFC_KEY), Some(SignerError::Name), "{name}");
        assert_eq!(failure("a.example", name, RFC_KEY), Some(SignerError::Name), "{name}");
    }
}
