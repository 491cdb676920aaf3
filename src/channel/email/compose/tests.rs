use mail_parser::{MessageParser, MimeHeaders};
use proptest::prelude::*;

use super::*;

fn mailbox(name: &str, address: &str) -> Mailbox {
    Mailbox { name: (!name.is_empty()).then(|| name.to_owned()), address: address.parse().unwrap() }
}

fn mail() -> Mail {
    Mail {
        id: "019a0000-0000-8000-8000-000000000001".parse().unwrap(),
        from: mailbox("Brand", "news@brand.example"),
        reply_to: None,
        to: mailbox("", "ada@example.org"),
        subject: "Welcome".into(),
        text: "Hello Ada\n".into(),
        html: None,
        date: "2027-03-01T09:00:00Z".parse().unwrap(),
        list: None,
        feedback_id: None,
        auto_submitted: false,
    }
}

fn marketing_mail() -> Mail {
    Mail {
        reply_to: Some(mailbox("", "help@brand.example")),
        to: mailbox("Jörg Müller", "joerg@example.org"),
        subject: "Grüße aus Köln, für Dich allein".into(),
        text: "Für Dich: 50 % = halb so viel\n".into(),
        html: Some("<p>Für Dich</p>\n".into()),
        list: Some(ListHeaders {
            unsubscribe_url: "https://t.brand.example/u/TOKEN".into(),
            unsubscribe_mailto: Some("u+TOKEN@bounce.brand.example".parse().unwrap()),
            list_id: Some(ListId { label: "Brand news".into(), id: "news.brand.example".into() }),
        }),
        feedback_id: Some("spring:welcome:marketing:brand".into()),
        auto_submitted: true,
        ..mail()
    }
}

#[test]
fn a_plain_mail_is_what_it_should_be() {
    let raw = compose(&mail()).unwrap();
    let expected = "From: Brand <news@brand.example>\r\n\
        To: <ada@example.org>\r\n\
        Subject: Welcome\r\n\
        Date: Mon, 01 Mar 2027 09:00:00 +0000\r\n\
        Message-ID: <019a0000-0000-8000-8000-000000000001@brand.example>\r\n\
        MIME-Version: 1.0\r\n\
        Content-Type: text/plain; charset=utf-8\r\n\
        Content-Transfer-Encoding: quoted-printable\r\n\
        \r\n\
        Hello Ada\r\n";
    assert_eq!(raw.as_str(), expected);
}

#[test]
fn a_marketing_mail_has_every_field_that_receivers_ask_for() {
    let raw = compose(&marketing_mail()).unwrap();
    insta::assert_snapshot!(raw.as_str().replace('\r', ""), @r#"
    From: Brand <news@brand.example>
    Reply-To: <help@brand.example>
    To: =?utf-8?q?J=C3=B6rg_M=C3=BCller?= <joerg@example.org>
    Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe_aus_K=C3=B6ln=2C_f=C3=BCr_Dich_allein?=
    Date: Mon, 01 Mar 2027 09:00:00 +0000
    Message-ID: <019a0000-0000-8000-8000-000000000001@brand.example>
    List-Unsubscribe: <https://t.brand.example/u/TOKEN>,
     <mailto:u+TOKEN@bounce.brand.example>
    List-Unsubscribe-Post: List-Unsubscribe=One-Click
    List-Id: Brand news <news.brand.example>
    Feedback-ID: spring:welcome:marketing:brand
    Auto-Submitted: auto-generated
    MIME-Version: 1.0
    Content-Type: multipart/alternative;
     boundary="=_019a0000000080008000000000000001"

    --=_019a0000000080008000000000000001
    Content-Type: text/plain; charset=utf-8
    Content-Transfer-Encoding: quoted-printable

    F=C3=BCr Dich: 50 % =3D halb so viel
    --=_019a0000000080008000000000000001
    Content-Type: text/html; charset=utf-8
    Content-Transfer-Encoding: quoted-printable

    <p>F=C3=BCr Dich</p>
    --=_019a0000000080008000000000000001--
    "#);
}

#[test]
fn another_program_reads_what_was_written() {
    let mail = marketing_mail();
    let raw = compose(&mail).unwrap();
    let read = MessageParser::default().parse(raw.as_str().as_bytes()).unwrap();
    assert_eq!(read.subject(), Some(mail.subject.as_str()));
    let to = read.to().and_then(|to| to.first()).unwrap();
    assert_eq!((to.name(), to.address()), (Some("Jörg Müller"), Some("joerg@example.org")));
    assert_eq!(read.body_text(0).as_deref(), Some("Für Dich: 50 % = halb so viel"));
    assert_eq!(read.body_html(0).as_deref(), Some("<p>Für Dich</p>"));
    assert_eq!(read.date().map(|date| date.to_timestamp()), Some(mail.date.micros() / 1_000_000));
    assert_eq!(read.content_type().and_then(|kind| kind.subtype()), Some("alternative"));
}

#[test]
fn the_same_mail_has_the_same_bytes() {
    assert_eq!(compose(&marketing_mail()), compose(&marketing_mail()));
}

#[test]
fn control_characters_are_refused_in_every_header() {
    for text in ["N\r\nBcc: e@x", "N\nX", "N\rX", "\0", "a\tb", "a\u{2028}b", "a\u{85}b"] {
        let text = text.to_owned();
        let mut list = marketing_mail().list.unwrap();
        list.list_id = Some(ListId { label: text.clone(), id: "a.b".into() });
        let mails = [
            Mail { subject: text.clone(), ..mail() },
            Mail { feedback_id: Some(text.clone()), ..mail() },
            Mail { from: Mailbox { name: Some(text.clone()), ..mail().from }, ..mail() },
            Mail { to: Mailbox { name: Some(text.clone()), ..mail().to }, ..mail() },
            Mail { reply_to: Some(Mailbox { name: Some(text.clone()), ..mail().to }), ..mail() },
            Mail { list: Some(list), ..mail() },
        ];
        for mail in mails {
            let error = compose(&mail).unwrap_err();
            assert!(matches!(error, ComposeError::ControlCharacter { .. }), "{text:?}: {error}");
        }
    }
}

#[test]
fn links_and_list_ids_are_checked() {
    let with = |url: &str, id: &str| {
        let list = ListHeaders {
            unsubscribe_url: url.into(),
            unsubscribe_mailto: None,
            list_id: Some(ListId { label: String::new(), id: id.into() }),
        };
        compose(&Mail { list: Some(list), ..mail() })
    };
    let raw = with("https://t.brand.example/u/x", "news.brand.example").unwrap();
    assert!(raw.as_str().contains("\r\nList-Id: <news.brand.example>\r\n"));
    assert!(raw.as_str().contains("\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"));
    let clear = with("http://127.0.0.1:8080/u/x", "news.brand.example").unwrap();
    assert!(!clear.as_str().contains("List-Unsubscribe-Post"), "one click is for https alone");
    let long = format!("https://t.brand.example/{}", "x".repeat(1_000));
    for url in [
        "",
        "ftp://x",
        "https://x/ y",
        "https://x/>,<mailto:a@b>",
        "https://x/\r\nBcc: a",
        "https://ü/",
        &long,
    ] {
        assert!(matches!(with(url, "a.b"), Err(ComposeError::Link { .. })), "{url}");
    }
    for id in ["", "news", "a..b", "a.b>", "a b.c", "ü.b"] {
        assert!(matches!(with("https://x", id), Err(ComposeError::ListId { .. })), "{id}");
    }
}

#[test]
fn addresses_in_links_are_escaped() {
    assert_eq!(mailto(&"u+a.b-c_d@example.org".parse().unwrap()), "u+a.b-c_d@example.org");
    assert_eq!(mailto(&"u?bcc=x&ü@example.org".parse().unwrap()), "u%3Fbcc%3Dx%26%C3%BC@example.org");
}

#[test]
fn every_line_of_any_text_is_sound() {
    let texts = [
        "x".repeat(1_200),
        "🌼".repeat(500),
        "a\rb\r.\rc\n.\n\r\n.\r\nMAIL FROM:<x>\r\n".into(),
        "\0\u{7f}".into(),
    ];
    for text in texts {
        let subject: String = text.chars().filter(|c| !c.is_control()).collect();
        let mail = Mail { subject: subject.clone(), text: text.clone(), html: Some(text), ..mail() };
        let mail = Mail { to: Mailbox { name: Some(subject), ..mail.to.clone() }, ..mail };
        let raw = compose(&mail).unwrap();
        for line in raw.as_str().split("\r\n") {
            assert!(line.len() <= 78 && !line.contains(['\r', '\n', '\0']), "{line:?}");
            assert!(!line.starts_with('.'), "{line:?}");
        }
    }
}

#[test]
fn letters_beyond_ascii_in_an_address_need_smtputf8() {
    assert!(!compose(&marketing_mail()).unwrap().needs_utf8());
    let raw = compose(&Mail { to: mailbox("Jörg", "jörg@bücher.example"), ..mail() }).unwrap();
    assert!(raw.needs_utf8());
    assert!(raw.as_str().contains("<jörg@xn--bcher-kva.example>\r\n"));
}

#[test]
fn raw_mails_that_could_smuggle_are_refused() {
    for (text, line) in [
        ("", 1),
        ("From: a@b.example\r\n", 2),
        ("From: a@b.example\r\n\r\nhello", 3),
        ("From: a@b.example\r\n\r\nhello\n.\nMAIL FROM:<x>\r\n", 3),
        ("From: a@b.example\r\n\r\nhello\r.\r\r\n", 3),
        ("From: a@b.example\r\n\r\nhe\0llo\r\n", 3),
        ("From: a@b.example\r\n\r\ngrüße\r\n", 3),
        ("From: a@b.example\nBcc: c\r\n\r\nhello\r\n", 1),
    ] {
        assert_eq!(RawMail::new(text.into()), Err(ComposeError::Line { line }), "{text:?}");
    }
    let long = format!("From: a@b.example\r\n\r\n{}\r\n", "x".repeat(999));
    assert_eq!(RawMail::new(long), Err(ComposeError::Line { line: 3 }));
    assert!(RawMail::new("From: a@b.example\r\n\r\n.\r\n".into()).is_ok());
}

#[test]
fn the_bytes_are_not_printed() {
    assert!(!format!("{:?}", compose(&mail()).unwrap()).contains("ada"));
}

/// A text as it arrives: lines ended by CRLF, except that the last line end may be missing.
fn lines(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.strip_suffix('\n').unwrap_or(&text).split('\n').map(str::to_owned).collect()
}

fn words(text: &str) -> Vec<&str> {
    text.split(' ').filter(|word| !word.is_empty()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_text_arrives_as_it_was(
        text in "([ -~]|[\\.=\t\r\n]|From |[äöüß]|\\PC){0,300}",
        subject in "[^\\p{C}\u{2028}\u{2029}]{1,200}",
        name in "([ -~]|[äöü]){1,100}",
    ) {
        let to = Mailbox { name: Some(name.clone()), ..mail().to };
        let raw = compose(&Mail { subject: subject.clone(), text: text.clone(), to, ..mail() }).unwrap();
        prop_assert!(raw.as_str().lines().all(|line| line.len() <= 78 && !line.starts_with('.')));
        let read = MessageParser::default().parse(raw.as_str().as_bytes()).unwrap();
        prop_assert_eq!(lines(std::str::from_utf8(read.text_bodies().next().unwrap().contents()).unwrap()), lines(&text));
        prop_assert_eq!(words(read.subject().unwrap_or("")), words(&subject));
        let to = read.to().and_then(|to| to.first()).unwrap();
        prop_assert_eq!(words(to.name().unwrap_or("")), words(&name));
        prop_assert_eq!(to.address(), Some("ada@example.org"));
    }
}
