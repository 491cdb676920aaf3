use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const SAMPLE: &str = r#"
workspace: spring
timezone: Europe/Berlin            # for contacts without one
database: sqlite://lotse.db        # or postgres://…
listen: 127.0.0.1:8080
public_url: https://go.example.com # where recipients' links lead
secret: env:LOTSE_SECRET           # signs links
smtp: { url: "smtps://user:pass@mail.example.com:465", connections: 8, per_second: 200 }
senders:
  marketing: { from: "Shop <hello@example.com>", reply_to: "hello@example.com", dkim: { domain: example.com, selector: s1, key: "file:dkim.pem" }, address: "Example AG, Musterweg 1, 80331 München" }
channels:
  sms: { url: "https://sms.example.com/send", secret: "env:SMS_SECRET", address: phone, cost: 0.07 }
webhooks:
  erp: { url: "https://erp.example.com/hooks/lotse", secret: "env:ERP_SECRET", timeout: 10s }
teams:
  sales: { url: "https://crm.example.com/leads", secret: "env:SALES_SECRET", assign: [ { to: "anna@example.com", when: "contact.country == \"DE\"" } ] }
approvals: 1                       # other people who must approve a deployment
"#;

fn read_one(text: &str) -> (Config, Vec<Finding>, WorkspaceFiles) {
    let files = WorkspaceFiles::from_texts([("lotse.yaml", text)]);
    let (config, findings) = read(&files);
    (config, findings, files)
}

/// The findings as `LINE:COLUMN CODE |underlined| message`.
fn found(text: &str) -> Vec<String> {
    let (_, findings, files) = read_one(text);
    let line = |finding: &Finding| {
        let at = files.sources.place(finding.span).1;
        let marked = files.sources.text(finding.span);
        format!("{}:{} {} |{marked}| {}", at.line, at.column, finding.code, finding.message)
    };
    findings.iter().map(line).collect()
}

/// An environment of two variables and two files.
struct Outside;

impl Environment for Outside {
    fn variable(&self, name: &str) -> Option<String> {
        let known = BTreeMap::from([
            ("LOTSE_SECRET", "correct horse"),
            ("EMPTY", ""),
            ("MAIL", "smtps://ada:geheim@mail.example.com"),
            ("HTTP", "https://hooks.example.com/T0KEN"),
        ]);
        known.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, path: &Path, bytes_max: usize) -> io::Result<Vec<u8>> {
        match path.to_str() {
            Some("key.pem") => Ok(b"line 1\nline 2\r\n".to_vec()),
            Some("key.der") => Ok(vec![0xff, 0xfe]),
            Some("large") => Ok(vec![b'a'; bytes_max + 1]),
            _ => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

#[test]
fn the_sample_reads_clean_and_whole() {
    assert_eq!(found(SAMPLE), Vec::<String>::new());
    let (config, _, files) = read_one(SAMPLE);
    assert!(config.complete);
    assert_eq!(config.workspace, "spring");
    assert_eq!(config.timezone.iana_name(), Some("Europe/Berlin"));
    assert_eq!(config.database, Deferred::Known(Database::Sqlite("lotse.db".into())));
    assert_eq!(config.base_url(), "https://go.example.com");
    let smtp = config.smtp.unwrap();
    assert_eq!((smtp.connections, smtp.per_second), (8, Some(200)));
    let sender = config.senders.get("marketing").unwrap();
    assert_eq!(sender.from.to_string(), "Shop <hello@example.com>");
    assert_eq!(sender.dkim.as_ref().unwrap().key.origin, Origin::File("dkim.pem".into()));
    assert_eq!(sender.address.as_deref(), Some("Example AG, Musterweg 1, 80331 München"));
    let sms = config.channels.get("sms").unwrap();
    assert_eq!((sms.address.as_str(), sms.cost), ("phone", 0.07));
    assert_eq!(config.webhooks.get("erp").unwrap().endpoint.timeout, Duration::from_secs(10));
    let condition = config.teams.get("sales").unwrap().assign[0].when.clone().unwrap();
    assert_eq!(condition.text, "contact.country == \"DE\"");
    assert_eq!(files.sources.text(condition.span), "contact.country == \\\"DE\\\"");
    assert_eq!(files.sources.text(config.webhooks.span("erp").unwrap()), "erp");
    assert_eq!(config.approvals, 1);
}

#[test]
fn what_is_left_out_has_its_default() {
    for text in ["", "# nothing\n", "---\n", "senders:\nsmtp: ~\napprovals: null\n"] {
        assert_eq!(found(text), Vec::<String>::new(), "{text:?}");
        assert_eq!(read_one(text).0, Config::default(), "{text:?}");
    }
    assert_eq!(read(&WorkspaceFiles::default()), (Config::default(), Vec::new()));
    let (config, ..) = read_one("listen: 0.0.0.0:9090\ntracking: { opens: false }\n");
    assert_eq!(config.base_url(), "http://127.0.0.1:9090");
    assert_eq!(config.tracking, Tracking { opens: false, clicks: true });
}

#[test]
fn each_mistake_has_its_code_its_place_and_its_words() {
    for (text, expected) in [
        ("timezone: Mars/Base", "1:11 E002 |Mars/Base| `Mars/Base` is no time zone"),
        ("workspace: my shop", "1:12 E002 |my shop| `my shop` cannot be the name of a workspace"),
        ("listen: 8080", "1:9 E002 |8080| `8080` is no address to listen at"),
        ("listen: [1]", "1:9 E201 |[1]| `listen` is text, and here stands a list"),
        (
            "database: mysql://x/y",
            "1:11 E002 |mysql://x/y| this begins with none of `sqlite://` and `postgres://`",
        ),
        (
            "database: 'postgres://db/lotse?passwd=geheim'",
            "1:11 E002 |'postgres://db/lotse?passwd=geheim'| this has a parameter `passwd` that nobody knows: did you \
            mean `password`?",
        ),
        (
            "database: postgres://db/lotse?keepalives=1",
            "1:11 E002 |postgres://db/lotse?keepalives=1| this has a parameter `keepalives` that nobody knows: there are \
            `sslmode`, `sslrootcert`, `sslcert`, `sslkey`, `host`, `port`, `user`, `password`, `application_name` and `options`",
        ),
        (
            "database: 'postgres://db/lotse?ssl_mode=require'",
            "1:11 E002 |'postgres://db/lotse?ssl_mode=require'| this has a parameter `ssl_mode` that nobody knows: did \
            you mean `sslmode`?",
        ),
        (
            "database: 'postgres://db/lotse?sslmode=verify_full'",
            "1:11 E002 |'postgres://db/lotse?sslmode=verify_full'| this has `sslmode=verify_full`: did you mean \
            `verify-full`?",
        ),
        (
            "database: 'postgres://db/lotse?sslmode=on'",
            "1:11 E002 |'postgres://db/lotse?sslmode=on'| this has `sslmode=on`: there are `disable`, `prefer`, \
            `require`, `verify-ca` and `verify-full`",
        ),
        ("database: postgres://db/", "1:11 E002 |postgres://db/| this names no database"),
        ("database: postgres://db", "1:11 E002 |postgres://db| this names no database"),
        ("database: 'sqlite://'", "1:11 E002 |'sqlite://'| this names no file"),
        (
            "public_url: https://a.example/?x",
            "1:13 E002 |https://a.example/?x| `https://a.example/?x` is no address that links can lead to",
        ),
        (
            "public_url: ftp://a.example",
            "1:13 E002 |ftp://a.example| `ftp://a.example` is no address that links can lead to",
        ),
        ("secret: 'env:1 A'", "1:9 E002 |'env:1 A'| `1 A` is no name of an environment variable"),
        ("secret: ''", "1:9 E002 |''| this secret is empty"),
        ("approvals: many", "1:12 E201 |many| `approvals` is a whole number, and here stands text"),
        (
            "approvals: \"1\"",
            "1:12 E201 |\"1\"| `approvals` is a whole number, and here stands text in quotes",
        ),
        ("approvals: 11", "1:12 E002 |11| `11` is out of range"),
        ("approvals: -1", "1:12 E002 |-1| `-1` is out of range"),
        (
            "tracking: { opens: yes }",
            "1:20 E201 |yes| `tracking.opens` is `true` or `false`, and here stands text",
        ),
        (
            "smtp: smtps://mail.example.com",
            "1:7 E201 |smtps://mail.example.com| `smtp` is a section of `key: value` lines, and here stands text",
        ),
        ("smtp: { connections: 8 }", "1:1 E103 |smtp| `smtp` has no `url`"),
        (
            "smtp: { url: 'https://a.example' }",
            "1:14 E002 |'https://a.example'| this begins with none of `smtp://` and `smtps://`",
        ),
        ("smtp: { url: 'smtp://a.example', connections: 65 }", "1:47 E002 |65| `65` is out of range"),
        (
            "senders: [a]",
            "1:10 E201 |[a]| `senders` is a section of `key: value` lines, and here stands a list",
        ),
        ("senders: { my-shop: { from: a@b.example } }", "1:12 E002 |my-shop| `my-shop` cannot be a name"),
        (
            "senders: { a: { from: a@b } }",
            "1:23 E002 |a@b| `a@b` is no mailbox: the part behind the `@` is not a domain such as `example.com`",
        ),
        (
            "senders: { a: { from: \"A\\r\\nBcc: <a@b.example>\" } }",
            "1:23 E002 |\"A\\r\\nBcc: <a@b.example>\"| this text holds a control character",
        ),
        (
            "senders: { a: }",
            "1:12 E201 |a| `senders.a` is a section of `key: value` lines, and here stands nothing",
        ),
        ("channels: { sms: { url: 'http://a.example', cost: -1 } }", "1:51 E002 |-1| `-1` is no amount"),
        (
            "channels: { sms: { url: 'http://a.example', address: 'the phone' } }",
            "1:54 E002 |'the phone'| `the phone` cannot be a name",
        ),
        (
            "channels: { email: { url: 'http://a.example' } }",
            "1:13 E102 |email| `email` cannot be the name of a channel",
        ),
        (
            "webhooks: { a: { url: 'http://a.example', timeout: 10 } }",
            "1:52 E002 |10| `10` is no length of time",
        ),
        ("webhooks: { a: { url: 'http://a.example', timeout: 6m } }", "1:52 E002 |6m| `6m` is out of range"),
        (
            "webhooks: { a: { url: '//a.example' } }",
            "1:23 E002 |'//a.example'| this is no address: relative URL without a base",
        ),
        ("teams: { a: { assign: [] } }", "1:10 E103 |a| `teams.a` has neither a `url` nor an `email`"),
        (
            "teams: { a: { email: a@b.example, assign: [ { when: x } ] } }",
            "1:45 E103 || `teams.a.assign` has no `to`",
        ),
        (
            "teams: { a: { email: a@b.example, assign: [ anna ] } }",
            "1:45 E201 |anna| `teams.a.assign` is a section of `key: value` lines, and here stands text",
        ),
        (
            "allow_addresses: [10.0.0]",
            "1:19 E002 |10.0.0| `10.0.0` is no address, no range of addresses and no name",
        ),
        ("secrte: x", "1:1 E103 |secrte| `lotse.yaml` has no key `secrte`"),
        ("approvals: 1\napprovals: 2", "2:1 E102 |approvals| `approvals` stands here twice"),
    ] {
        assert_eq!(found(text), [expected], "{text}");
    }
}

#[test]
fn what_is_no_yaml_is_said_in_plain_words() {
    for (text, expected) in [
        ("a: 1\n\tb: 2\n", "2:1 E001 |\t| a tab stands where YAML takes spaces alone"),
        ("smtp: { url: a\n", "1:15 E001 || a `{` without its `}`, or a comma missing"),
        ("allow_addresses: [a\n", "1:20 E001 || a `[` without its `]`, or a comma missing"),
        ("secret: \"ü\nlisten: x\n", "1:9 E001 |\"| a quote that is never closed"),
        ("secret: 'it's'\n", "1:13 E001 |s| text behind a closing quote"),
        ("secret: a: b\n", "1:10 E001 |:| a second `:` in one value"),
        ("secret: @b\n", "1:9 E001 |@| a sign that no value begins with"),
        ("secret: *b\n", "1:9 E001 |*| a `*` that no value begins with"),
        ("secret: \"\\q\"\n", "1:9 E001 |\"| a `\\` that YAML does not know"),
        ("workspace: a\nlisten\n", "2:7 E001 || a line without `key: value`"),
        ("smtp:\n  url: x\n url: y\n", "3:2 E001 |u| a line indented differently from its neighbours"),
        ("secret: \u{1}\n", "1:9 E001 |\u{1}| a control character (U+0001)"),
        ("- a\n- b\n", "1:1 E001 |- a\n- b| here stand no settings"),
        ("secret: a\n---\nb: 1\n", "2:1 E001 |---| a second document begins here"),
        ("? [secret]\n: a\n", "1:3 E001 |[secret]| a key is a single word"),
        ("\"\": a\n", "1:1 E001 |\"\"| a key is a single word"),
        ("senders: { [a]: { from: a } }\n", "1:12 E001 |[a]| a key is a single word"),
        ("secret: !env A\n", "1:9 E001 || a tag means nothing here"),
    ] {
        assert_eq!(found(text), [expected], "{text}");
    }
    assert!(!read_one("senders: { a: { from: a@b.example }").0.complete);
    let deep = format!("secret: {}", "[".repeat(200));
    assert_eq!(found(&deep), ["1:24 E001 |[| more than 16 levels inside each other"]);
    let large = "# a comment\n".repeat(100_000);
    assert_eq!(found(&large), ["1:1 E001 || `lotse.yaml` is larger than 1024 KiB"]);
}

#[test]
fn what_is_no_yaml_is_mended_where_one_change_does_it() {
    for (text, meant) in [
        ("workspace shop\n", "workspace: shop\n"),
        ("workspace shop\ntimezone: Europe/Berlin\n", "workspace: shop\ntimezone: Europe/Berlin\n"),
        (
            "workspace: shop\nsenders\n  a:\n    from: a@b.test\n",
            "workspace: shop\nsenders:\n  a:\n    from: a@b.test\n",
        ),
        ("workspace = shop\n", "workspace: shop\n"),
        ("senders:\n\ta:\n\t\tfrom: a@b.test\n", "senders:\n  a:\n    from: a@b.test\n"),
        ("smtp:\n  url: x\n url: y\n", "smtp:\n  url: x\n  url: y\n"),
        (" workspace: shop\ntimezone: UTC\n", "workspace: shop\ntimezone: UTC\n"),
    ] {
        let (_, findings, _) = read_one(text);
        let edit = findings.first().and_then(|finding| finding.edit.clone()).expect(text);
        let mut mended = text.to_owned();
        mended.replace_range(edit.span.range(), &edit.replacement);
        assert_eq!(mended, meant);
    }
    assert_eq!(read_one("- a\n- b\n").1[0].edit, None);
}

#[test]
fn anchors_are_refused_where_they_are_set_and_where_they_are_used() {
    let text = "secret: &s env:A\nteams: { a: { email: *s } }\n";
    assert_eq!(
        found(text),
        [
            "1:9 E001 || this value is marked to be repeated elsewhere",
            "2:22 E001 |*s| `*s` stands for another place",
        ]
    );
}

#[test]
fn all_mistakes_are_found_in_one_go_in_the_order_of_the_text() {
    let text = "workspace: spring\r\n\
        # Grüße 🌼\r\n\
        timezone: Europa/Köln\r\n\
        smtp: { url: \"smtps://mail.example.com\", conections: 8, per_second: zwölf }\r\n\
        senders:\r\n\
        \x20 märz: { from: \"Bücher <hallo@bücher.example>\", reply_to: nobody }\r\n\
        webhooks:\r\n\
        \x20 erp: { url: \"ftp://erp.example.com\", timeout: 1h }\r\n\
        \x20 erp: { url: \"https://erp.example.com\" }\r\n\
        approval: 1\r\n";
    assert_eq!(
        found(text),
        [
            "3:11 E002 |Europa/Köln| `Europa/Köln` is no time zone",
            "4:42 E103 |conections| `smtp` has no key `conections`",
            "4:69 E201 |zwölf| `smtp.per_second` is a whole number, and here stands text",
            "6:3 E002 |märz| `märz` cannot be a name",
            "6:60 E002 |nobody| `nobody` is no mailbox: a mail address has one `@`",
            "8:15 E002 |\"ftp://erp.example.com\"| this begins with none of `https://` and `http://`",
            "8:49 E002 |1h| `1h` is out of range",
            "9:3 E102 |erp| `erp` stands here twice",
            "10:1 E103 |approval| `lotse.yaml` has no key `approval`",
        ]
    );
    let (config, findings, _) = read_one(text);
    assert_eq!(findings[8].help.as_deref(), Some("did you mean `approvals`?"));
    assert_eq!(config.timezone, TimeZone::UTC);
    assert_eq!(config.webhooks.get("erp"), None);
    assert_eq!(config.webhooks.declared().map(|(name, _)| name).collect::<Vec<_>>(), ["erp"]);
    assert_eq!(config.smtp.unwrap().connections, 8);
}

#[test]
fn lengths_of_time_are_read_as_people_write_them() {
    for (text, seconds) in
        [("10s", 10), ("10 s", 10), ("2m", 120), ("90 sec", 90), ("1 minute", 60), ("'10 seconds'", 10)]
    {
        let (config, ..) =
            read_one(&format!("webhooks: {{ a: {{ url: 'http://a.example', timeout: {text} }} }}"));
        let timeout = config.webhooks.get("a").map(|webhook| webhook.endpoint.timeout);
        assert_eq!(timeout, Some(Duration::from_secs(seconds)), "{text}");
    }
}

#[test]
fn mailboxes_are_read_as_people_write_them() {
    for (text, name, address) in [
        ("hello@example.com", None, "hello@example.com"),
        ("<hello@example.com>", None, "hello@example.com"),
        ("Shop <hello@example.com>", Some("Shop"), "hello@example.com"),
        ("\"Shop, Inc.\" <hello@example.com>", Some("Shop, Inc."), "hello@example.com"),
        ("Bücher & Mehr<hello@bücher.example>", Some("Bücher & Mehr"), "hello@xn--bcher-kva.example"),
    ] {
        let mailbox: Mailbox = text.parse().unwrap();
        assert_eq!((mailbox.name.as_deref(), mailbox.address.as_str()), (name, address), "{text}");
    }
    for text in ["", "Shop", "Shop <hello@example.com", "Shop <a@b.example> x", "A\nB <a@b.example>", "<>"] {
        assert!(text.parse::<Mailbox>().is_err(), "{text:?}");
    }
}

#[test]
fn secrets_are_looked_up_when_they_are_needed() {
    let resolve = |text: &str| {
        let (config, findings, _) = read_one(&format!("secret: {text}"));
        assert_eq!(findings, [], "{text}");
        config.secret.unwrap().resolve(&Outside).map_err(|error| error.to_string())
    };
    for (text, value) in [
        ("env:LOTSE_SECRET", Ok("correct horse")),
        ("file:key.pem", Ok("line 1\nline 2")),
        ("'p w '", Ok("p w ")),
        ("env:NONE", Err("the environment variable `NONE` is not set")),
        ("env:EMPTY", Err("the environment variable `EMPTY` is empty")),
        ("file:none", Err("the file `none` cannot be read: entity not found")),
        ("file:key.der", Err("the file `key.der` is no secret: it is no text, or larger than 64 KiB")),
        ("file:large", Err("the file `large` is no secret: it is no text, or larger than 64 KiB")),
    ] {
        assert_eq!(resolve(text), value.map(str::to_owned).map_err(str::to_owned), "{text}");
    }
}

#[test]
fn settings_with_secrets_inside_are_looked_up_and_then_checked() {
    let url = |text: &str| {
        let (config, ..) = read_one(&format!("smtp: {{ url: '{text}' }}"));
        let url = config.smtp.unwrap().url.resolve(&Outside);
        url.map(|url| url.url().to_string()).map_err(|error| error.to_string())
    };
    assert_eq!(url("smtp://localhost:2525"), Ok("smtp://localhost:2525".into()));
    assert_eq!(url("env:MAIL"), Ok("smtps://ada:geheim@mail.example.com".into()));
    let wrong = "the environment variable `HTTP` begins with none of `smtp://` and `smtps://`";
    assert_eq!(url("env:HTTP"), Err(wrong.into()));
}

#[test]
fn nothing_prints_a_secret() {
    let text = "secret: geheim-1\n\
        database: postgres://ada:geheim-2@db.example.com/lotse?password=geheim-3\n\
        smtp: { url: 'smtps://ada:geheim-4@mail.example.com' }\n\
        webhooks: { chat: { url: 'https://chat.example.com/geheim-5?t=geheim-6', secret: geheim-7 } }\n\
        senders: { a: { from: a@b.example, dkim: { domain: b.example, selector: s, key: geheim-8 } } }\n";
    let (config, findings, _) = read_one(text);
    assert_eq!(findings, []);
    let shown = format!("{config:?}");
    assert!(!shown.contains("geheim"), "{shown}");
    assert!(shown.contains("postgres://db.example.com/lotse"), "{shown}");
    let (_, findings, _) = read_one("smtp: { url: 'https://ada:geheim@mail.example.com' }\n");
    assert!(!findings[0].message.contains("geheim"), "{}", findings[0].message);
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "([a-zäß🌼:{}\\[\\],\"'#&*!|>?~\\- \t\r\n]|smtp: |url: |teams:\n  a:\n    |assign: )*") {
        let (_, findings, files) = read_one(&text);
        for finding in findings {
            let text = &files.sources.get(finding.span.source).text;
            prop_assert!(text.get(finding.span.range()).is_some(), "{:?}", finding);
        }
    }
}
