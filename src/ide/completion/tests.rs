mod editor;

use super::*;
use crate::finding::Severity;
use crate::ide::testing::shop_with;
use editor::Editor;

/// The labels that are offered at the `¦` of a file beside the shop's.
fn labels(path: &str, text: &str) -> Vec<String> {
    let (shop, offset) = shop_with(path, text);
    let source = shop.source(path).unwrap();
    completion(&shop, source, offset).into_iter().map(|item| item.label).collect()
}

/// What is offered first, in the order of the list.
fn offered(text: &str, count: usize) -> String {
    labels("a.journey", text).into_iter().take(count).collect::<Vec<_>>().join(", ")
}

const JOURNEY: &str = "journey spring {\n enter on newsletter_signup\n permission newsletter\n stage one {\n send email welcome\n ";

#[test]
fn names_are_those_that_the_place_wants() {
    for (text, expected) in [
        ("email a { topic ¦", "account, newsletter"),
        ("email a { topic newsletter\n from ¦", "marketing"),
        ("journey a { permission n¦", "newsletter"),
        ("journey a { enter on ¦", "newsletter_signup, order_placed, message_sent"),
        ("journey a { enter on order_placed where event.¦", "order_id, total"),
        ("journey a { goal b on order_placed worth event.¦", "order_id, total"),
        ("journey a { enter on newsletter_signup stage s { if entry.¦", "source"),
        ("journey a { enter on order_placed into t¦\n stage two { end }", ""),
        ("journey a { stage s { go to ¦", ""),
        ("journey a { stage s { end }\n stage two { end }\n stage three { go to ¦", "s, two, three"),
        ("journey a { leave on goal ¦ goal b on order_placed }", "b"),
        ("journey a { stage s { set contact.v¦", "vip"),
        ("journey a { stage s { if contact.country == ¦", "\"DE\", \"AT\", \"CH\""),
        ("journey a { stage s { if contact.country == \"¦\"", "DE, AT, CH"),
        ("journey a { stage s { if contact.country in [\"DE\", ¦", "\"DE\", \"AT\", \"CH\""),
        ("journey a { stage s { set contact.country = ¦", "\"DE\", \"AT\", \"CH\""),
        ("journey a { stage s { set contact.vip = ¦", "true, false"),
        ("journey a { stage s { send ¦", "email, sms, first of"),
        ("journey a { stage s { send email ¦", "receipt, welcome"),
        ("journey a { stage s { send sms ¦", "parcel"),
        ("journey a { stage s { hand off to ¦", "sales"),
        ("journey a { stage s { call ¦", "erp"),
        ("journey a { stage s { start ¦", "a, greeting, other"),
        ("journey a { stage s { wait up to 3 days { on answered ¦", "satisfaction"),
        ("journey a { stage s { if in segment ¦", "regulars"),
        ("journey a { stage s { if last_¦", "last_order"),
        ("journey a { stage s { if count(¦", "newsletter_signup, order_placed"),
        ("journey a { stage s { if sum(order_placed.¦", "order_id, total"),
        ("journey a { stage s { record order_placed { ¦", "order_id, total"),
        ("¦", "journey, email, test, event, topic, segment"),
        ("journey a {\n ¦", "stage, enter on, enter when"),
        ("journey a { stage s {\n if ¦", "contact, entry, not, in segment"),
        ("journey a { stage s {\n if not ¦", "contact, entry, not, in segment"),
        ("journey a { stage s {\n if contact.country ¦", "==, !=, is set, is not set, in, not in, contains"),
        (
            "journey a { stage s {\n if contact.score ¦",
            "==, !=, <, <=, >, >=, is set, is not set, in, not in, and",
        ),
        ("journey a { stage s {\n if contact.vip ¦", "==, !=, is set, is not set, and, or"),
        ("journey a { stage s {\n if contact.interests ¦", "is set, is not set, contains, and, or"),
        ("journey a { stage s {\n if has tag \"x\" ¦", "and, or"),
        ("journey a { stage s { wait until contact.¦", "birthday, renewal_date, created_at"),
        ("journey a { stage s { add 10 to contact.¦", "score"),
        ("journey a { enter yearly on contact.¦", "birthday, renewal_date, created_at"),
        ("journey a { stage s {\n wait ¦", "3 days, until, up to … on, 3 business days"),
        ("journey a { stage s {\n wait up to 1 day { on ¦", "clicked, opened, delivered"),
        ("topic a \"b\" ¦", "essential"),
        ("segment a ¦", "="),
        ("journey welcome ¦", "\"What people call it\" { … }"),
        ("journey welcome \"Welcome\" ¦", "{ … }"),
        ("journey welcome ¦{\n enter by request }", "\"…\""),
        ("journey a { control ¦", "10%"),
        ("policy { cap ¦", "email, any, sms"),
        ("policy { unsure ¦", "hold, resend"),
        ("journey a { on change ¦", "move, finish"),
        ("contact { a ¦", "text, number, boolean, date, datetime, list of"),
        ("test \"t\" for ¦", "greeting, other"),
        ("test \"t\" for greeting { contact { c¦", "country, created_at"),
        ("test \"t\" for greeting { contact { country ¦", "\"DE\", \"AT\", \"CH\""),
        ("test \"t\" for greeting { expect stage ¦", "first, second"),
        ("test \"t\" for greeting { expect goal ¦", "purchase"),
        ("test \"t\" for greeting { expect outcome ¦", "no_reaction, done_well, control"),
        ("test \"t\" for other { expect outcome ¦", "done"),
        ("test \"t\" for greeting { expect skipped welcome because ¦", "no_permission, no_address"),
        ("test \"t\" for greeting { expect email ¦", "receipt, welcome"),
        ("journey a { stage s { tag \"¦\"", "interested"),
        ("email a { template \"¦\"", "emails/receipt.mjml"),
        ("journey a { timezone \"Europe/Berl¦\"", "Europe/Berlin"),
        (
            "email linked { topic account from marketing subject \"a\" body \"https://shop.example/roses\" }\n\
             journey a { stage s { wait up to 1 day { on clicked linked \"¦\"",
            "https://shop.example/roses",
        ),
        ("# allow W60¦1", "W601, W602, W603"),
    ] {
        let count = expected.split(", ").filter(|label| !label.is_empty()).count();
        assert_eq!(offered(text, count), expected, "{text}");
    }
}

#[test]
fn clauses_are_those_that_can_stand_there() {
    for (text, expected) in [
        ("¦", "journey, email, test, event"),
        ("journey a {\n  ¦", "stage, enter on"),
        ("journey a { stage s {\n  ¦", "send, send first of"),
        ("journey a { stage s { wa¦", "wait 3 days, wait until, wait up to … on"),
        ("journey a { stage s { wait ¦", "up to … on, until"),
        ("journey a { stage s { wait up to 3 days {\n ¦", "on, otherwise"),
        ("journey a { stage s { wait up to 3 days { on ¦", "clicked, opened"),
        ("journey a { stage s { send email welcome ¦", "to, with, at best time within, otherwise"),
        ("email a {\n ¦", "topic, from, subject, preheader, template, body"),
        ("sms a {\n ¦", "topic, title, text"),
        ("journey a { enter ¦", "on, by request"),
        ("test \"t\" for greeting {\n ¦", "contact, expect email"),
    ] {
        let labels = labels("a.journey", text);
        for label in expected.split(", ") {
            assert!(labels.iter().any(|known| known == label), "{text}: no {label} in {labels:?}");
        }
    }
    let statements = labels("a.journey", "journey a { stage s {\n  ¦");
    assert!(!statements.iter().any(|label| label == "owner"), "{statements:?}");
}

#[test]
fn what_a_journey_sends_comes_first() {
    let text = format!("{JOURNEY}wait up to 1 day {{ on clicked ¦");
    assert_eq!(offered(&text, 3), "welcome, parcel, receipt");
}

#[test]
fn a_word_that_has_been_begun_is_replaced() {
    let (shop, offset) = shop_with("a.journey", "email a { topic news¦");
    let source = shop.source("a.journey").unwrap();
    let found = completion(&shop, source, offset);
    assert_eq!(found[0].label, "newsletter");
    assert_eq!(found[0].replaces, Span::new(source, 16, 20));
}

#[test]
fn what_is_offered_is_explained() {
    let (shop, offset) = shop_with("a.journey", "journey a { stage s { send email ¦");
    let found = completion(&shop, shop.source("a.journey").unwrap(), offset);
    let receipt = found.iter().find(|item| item.label == "receipt").unwrap();
    assert!(receipt.documentation.as_ref().unwrap().contains("subject: “Your order”"));
    let (shop, offset) = shop_with("a.journey", "journey a { stage s { wa¦");
    let found = completion(&shop, shop.source("a.journey").unwrap(), offset);
    assert!(found[0].documentation.as_ref().unwrap().contains("Waits that long"), "{found:?}");
}

#[test]
fn broken_text_takes_nothing_away() {
    for text in [
        "journey a {{ stage s {\n send email ¦",
        "email { subject \"open\n}\njourney a { stage s { send email ¦",
        "foo bar }\njourney a {\n enter on\n stage s { send email ¦",
        "journey a { stage s { wait up to { on clicked welcome { send email ¦",
    ] {
        assert_eq!(offered(text, 2), "receipt, welcome", "{text}");
    }
}

#[test]
fn templates_know_what_they_can_show() {
    for (text, expected) in [
        ("{{ ¦", "contact, entry, unsubscribe_url"),
        ("{{ contact.¦", "first_name, country"),
        ("{{ contact.first_name | d¦", "default, d, date"),
        ("{% ¦", "if, elif, else"),
        ("{{ survey_url(\"¦", "satisfaction"),
        ("{{ a }} ¦", ""),
        ("<¦", "mjml"),
        ("<mjml><mj-body><mj-section><¦", "mj-group, mj-column"),
        ("<mjml><mj-body><mj-section><mj-column><mj-spacer h¦", "height"),
    ] {
        let labels = labels("emails/receipt.mjml", text);
        let count = expected.split(", ").filter(|label| !label.is_empty()).count();
        assert_eq!(labels[..count.min(labels.len())].join(", "), expected, "{text}");
    }
}

/// What is written under a label at the `¦` of a template.
fn in_template(text: &str, label: &str) -> String {
    let (shop, offset) = shop_with("emails/receipt.mjml", text);
    let found = completion(&shop, shop.source("emails/receipt.mjml").unwrap(), offset);
    found.into_iter().find(|item| item.label == label).unwrap_or_else(|| panic!("{text}")).insert
}

#[test]
fn placeholders_are_closed_where_their_line_does_not() {
    for (text, label, expected) in [
        ("{{ contact.first¦", "first_name", "first_name$1 }}$0"),
        ("{{ contact.first¦ and more", "first_name", "first_name$1 }}$0"),
        ("{{ contact.first¦ {{ contact.country }}", "first_name", "first_name$1 }}$0"),
        ("{{ contact.first¦ }}", "first_name", "first_name"),
        ("{{ contact.first¦}}", "first_name", "first_name"),
        ("{{ cont¦", "contact", "contact$1 }}$0"),
        ("{{ cont¦ }}", "contact", "contact"),
        ("{{ uns¦", "unsubscribe_url", "unsubscribe_url$1 }}$0"),
        ("{{ contact.first_name | def¦", "default", "default('there')$1 }}$0"),
        ("{% el¦", "else", "else %}"),
        ("{% el¦}", "else", "else %"),
        ("{% el¦ %}", "else", "else"),
    ] {
        assert_eq!(in_template(text, label), expected, "{text}");
    }
}

#[test]
fn words_of_other_tools_find_what_is_meant() {
    for (text, expected, filter) in [
        ("journey a { stage s {\n del¦", "wait 3 days", "delay wait 3 days pause sleep"),
        ("journey a { stage s {\n jump¦", "go to", "jump go to continue goto move next"),
        ("journey a { stage s {\n ma¦", "send", "mail send email message newsletter sms"),
        ("journey a { stage s { send mai¦", "email", "mail email message newsletter"),
        ("journey a { stage s { wait up to 3 days {\n el¦", "otherwise", "else otherwise default timeout"),
        ("camp¦", "journey", "campaign journey automation flow workflow"),
        ("journey a { stage s {\n wa¦", "wait 3 days", "wait 3 days delay pause sleep"),
    ] {
        let (shop, offset) = shop_with("a.journey", text);
        let found = completion(&shop, shop.source("a.journey").unwrap(), offset);
        let item = found.iter().take(3).find(|item| item.label == expected);
        assert_eq!(item.and_then(|item| item.filter.as_deref()), Some(filter), "{text}: {found:#?}");
    }
}

#[test]
fn zones_begin_with_the_likely_ones() {
    assert_eq!(offered("journey a { timezone \"¦\"", 3), "Europe/Berlin, UTC, Europe/Amsterdam");
}

#[test]
fn templates_in_quotes_are_templates() {
    for (text, expected) in [
        ("email a { subject \"Hi {{ contact.¦", "first_name, country"),
        ("email a { body \"\"\"\n Hi {{ uns¦\n\"\"\" }", "unsubscribe_url"),
        ("journey a { stage s { alert sales \"{{ contact.em¦", "email"),
    ] {
        let count = expected.split(", ").count();
        assert_eq!(offered(text, count), expected, "{text}");
    }
}

#[test]
fn settings_have_the_keys_that_are_read_and_not_there_yet() {
    for (text, expected) in [
        ("sen¦", "senders"),
        ("workspace: a\n¦\nlisten: 127.0.0.1:1", "timezone, database, database_pool, public_url"),
        ("senders:\n  marketing:\n    ¦", "from, reply_to, return_path, dkim, address"),
        ("senders:\n  marketing:\n    from: a@b.example\n    ¦", "reply_to, return_path, dkim, address"),
        ("senders:\n  a:\n    from: a@b.example\n    dkim:\n      ¦", "domain, selector, key"),
        ("senders:\n  ¦", "marketing"),
        ("senders:\n  marketing:\n    from: a@b.example\n  ¦", ""),
        ("teams:\n  sales:\n    url: x\n    a¦", "assign"),
        ("teams:\n  sales:\n    assign:\n      - ¦", "to, when"),
        ("teams:\n  sales:\n    assign:\n      - to: a\n        ¦", "when"),
        ("smtp: { url: x, ¦ }", "connections, per_second"),
        ("tracking: { opens: ¦ }", "true, false"),
        ("tracking: { op¦ }", "opens"),
        ("smtp: { url: x, broken\nli¦", "listen"),
        ("timezone: Europe/Berl¦", "Europe/Berlin"),
        ("listen:¦", "127.0.0.1:8080, 0.0.0.0:8080"),
        ("secret: ¦", "env:LOTSE_SECRET, file:secret.txt"),
        ("channels:\n  sms:\n    address: ¦", "first_name, country, id, email, phone"),
        ("teams: { sales: { assign: [ { to: a, when: contact.co¦", "country"),
        ("teams:\n  sales:\n    assign:\n      - when: in segment ¦", "regulars"),
        ("teams:\n  sales:\n    assign:\n      - when: \"contact.country == ¦\"", "\"DE\", \"AT\", \"CH\""),
        ("workspace: a # ¦", ""),
    ] {
        let labels = labels("lotse.yaml", text);
        let count = expected.split(", ").filter(|label| !label.is_empty()).count();
        let shown = if count == 0 { labels.join(", ") } else { labels[..count.min(labels.len())].join(", ") };
        assert_eq!(shown, expected, "{text}");
    }
}

/// The one thing that is offered under a label at the `¦` of `lotse.yaml`.
fn written(text: &str, label: &str) -> String {
    let (shop, offset) = shop_with("lotse.yaml", text);
    let found = completion(&shop, shop.source("lotse.yaml").unwrap(), offset);
    let item = found.into_iter().find(|item| item.label == label).unwrap_or_else(|| panic!("{text}"));
    assert!(item.documentation.is_some() || item.kind != CompletionKind::Setting, "{label}");
    item.insert
}

#[test]
fn settings_are_written_as_the_section_is() {
    for (text, label, expected) in [
        ("¦", "senders", "senders:\n  ${1:marketing}:\n    from: ${2:Shop <hello@example.com>}"),
        ("¦", "tracking", "tracking:\n  $0"),
        ("senders: { ¦ }", "marketing", "marketing: { from: ${1:Shop <hello@example.com>} }"),
        (
            "senders:\n  a:\n    ¦",
            "dkim",
            "dkim:\n  domain: ${1:example.com}\n  selector: ${2:s1}\n  key: ${3:file:dkim.pem}",
        ),
        ("tracking:\n  ¦", "opens", "opens: ${1|true,false|}"),
        ("timezone:¦", "Europe/Berlin", " Europe/Berlin"),
        ("teams:\n  sales:\n    assign:\n      - when: \"contact.country == ¦\"", "\"DE\"", "\\\"DE\\\""),
    ] {
        assert_eq!(written(text, label), expected, "{text}");
    }
}

/// A place where nothing is declared yet is no dead end, and a clause that is begun goes on as the table says.
#[test]
fn no_place_is_empty_in_an_empty_workspace() {
    for (text, expected) in [
        ("journey a { permission ¦", "newsletter"),
        ("email a { from ¦", "marketing"),
        ("journey a { enter on ¦", "signed_up"),
        ("journey a { stage s { send email ¦", "welcome"),
        ("journey a { stage s { go to ¦", "reminder"),
        ("journey a { stage s { hand off to ¦", "sales"),
        ("journey a { goal ¦", "purchase on signed_up within 30 days"),
        ("journey a { owner ¦", "\"you@example.com\""),
        ("journey a { enter every day at ¦", "09:00"),
        ("journey a { starts ¦", "2027-03-01"),
        ("journey a { priority ¦", "50"),
        ("journey a { stage s { wait until ¦", "09:00"),
        ("test \"t\" for a { at ¦", "2027-03-01 10:00 event signed_up"),
        ("journey ¦", "name \"What people call it\" { … }"),
        ("topic ¦", "name \"What recipients read\""),
    ] {
        let analysis_of = text.replacen('¦', "", 1);
        let files = crate::source::WorkspaceFiles::from_texts([("a.journey", analysis_of.as_str())]);
        let analysis = Analysis::of(files);
        let found = completion(&analysis, analysis.source("a.journey").unwrap(), text.find('¦').unwrap());
        let labels: Vec<&str> = found.iter().map(|item| item.label.as_str()).collect();
        assert!(labels.contains(&expected), "{text}: no {expected} in {labels:?}");
    }
}

#[test]
fn nothing_is_offered_that_cannot_be_meant() {
    for (text, not) in [
        ("journey a { stage s { if allows ¦", "==, and, contains"),
        ("journey a { owner \"x\"\n ¦ }", "owner"),
        ("journey a { permission newsletter\n control 10%\n ¦\n stage s { end } }", "permission, control"),
        ("email a { topic newsletter\n ¦ }", "topic"),
        ("¦", "contact"),
        ("journey welcome ¦ {\n enter by request }", "{ … }"),
        ("journey a { stage s {\n if contact.¦", "{ … }, =="),
        ("journey a { stage s {\n ¦", "stop, send first"),
        ("journey a {\n ¦", "leave, enter"),
    ] {
        let labels = labels("a.journey", text);
        for label in not.split(", ") {
            assert!(!labels.iter().any(|known| known == label), "{text}: {label} in {labels:?}");
        }
    }
    for (text, only) in [
        (
            "journey a { stage s { wait until ¦",
            "not, in segment, has tag, allows, true, count, sum, clicked, days since",
        ),
        ("journey a { stage s { wait until contact.birthday ¦", "==, <, is set, contains"),
        ("journey a { stage s {\n end ¦", "send, wait 3 days, if, end"),
        ("journey a { stage s {\n go to s\n ¦", "send, wait 3 days, if, end"),
        (
            "journey a { stage s { if contact.score == ¦",
            "not, in segment, has tag, allows, true, today, clicked, first",
        ),
    ] {
        let labels = labels("a.journey", text);
        for label in only.split(", ") {
            assert!(!labels.iter().any(|known| known == label), "{text}: {label} in {labels:?}");
        }
    }
    let inside = labels("a.journey", "journey a { stage s { repeat up to 3 times {\n ¦");
    assert!(inside.iter().any(|label| label == "stop"), "{inside:?}");
    let behind = labels("a.journey", "journey a { enter on order_placed where event.total ¦");
    let place = |label: &str| behind.iter().position(|known| known == label);
    assert!(place("==") < place("per") && place("==") < place("into"), "{behind:?}");
}

#[test]
fn names_that_there_are_are_filled_in() {
    for (text, label, expected) in [
        ("journey a { stage s {\n ¦", "call", "call ${1:erp} with { ${2:customer} ${3:contact.id} }"),
        ("journey a { stage s {\n ¦", "allow", "allow ${1|account,newsletter|}"),
        ("journey a { stage s { go to t }\n ¦ }", "stage", "stage ${1:t} {\n  $0\n}"),
        ("journey a { stage s { if contact.score ¦", "==", "== ${1:50}"),
        ("journey a { stage s { if contact.country ¦", "==", "== ${1|\"DE\",\"AT\",\"CH\"|}"),
        ("journey a { stage s { if contact.country ¦", "in", "in [${1:\"DE\"}, ${2:\"AT\"}]"),
        ("journey a { stage s { if contact.birthday ¦", "<", "< ${1:2027-03-01}"),
        (
            "journey a {\n ¦",
            "goal",
            "goal ${1:purchase} on ${2|order_placed,newsletter_signup|} within ${3:30} days",
        ),
        ("test \"t\" for greeting { expect handoff sales { r¦", "reason", "reason $1"),
        ("journey a { goal b on order_placed ¦", "within", "within ${1:30} days"),
        ("journey a {\n ¦", "control", "control ${1:10}%"),
        ("journey a { stage s {\n ¦", "send", "send ${2:email} ${1|parcel,receipt,welcome|}"),
        ("journey a { stage s {\n if ¦", "contact", "contact"),
        ("test \"t\" for other { expect o¦", "outcome", "outcome ${1:done}"),
        (
            "test \"t\" for greeting {\n ¦",
            "expect outcome",
            "expect outcome ${1|no_reaction,done_well,control|}",
        ),
    ] {
        const LEAD: &str =
            "journey lead { enter by request stage s { hand off to sales with { reason \"x\" } end } }\n";
        let (shop, offset) = shop_with("a.journey", &format!("{LEAD}{text}"));
        let found = completion(&shop, shop.source("a.journey").unwrap(), offset);
        let item = found.iter().find(|item| item.label == label).unwrap_or_else(|| panic!("{text}"));
        assert_eq!(item.insert, expected, "{text}");
    }
}

/// Somebody who has never seen the language, led by lists alone.
#[test]
fn a_workspace_is_written_from_empty_files() {
    let mut settings = Editor::new("lotse.yaml");
    settings.accept("workspace").fill("shop").enter();
    settings.accept("timezone").fill("Europe/Berlin").enter();
    settings.accept("secret").choose("env:LOTSE_SECRET").enter();
    settings.accept("smtp").choose("env:LOTSE_SMTP").enter();
    settings.accept("per_second").fill("50").enter_at_margin();
    settings.accept("senders").fill("marketing").keep().enter();
    settings.accept("address").keep().enter_at_margin();
    settings.accept("teams").fill("sales").keep().enter();
    settings.accept("assign").fill("anna@example.com").enter();
    settings.accept("when").fill("contact.language == \"de\"").enter_at_margin();
    settings.accept("tracking").stop();
    settings.accept("opens").choose("false");
    let findings = settings.findings();
    assert!(findings.is_empty(), "{findings:#?}\n{}", settings.text());
    let journey = a_journey(settings.text());
    insta::assert_snapshot!(format!("{}\n---\n{journey}", settings.text()));
}

/// A journey of three stages, an email and two tests, beside these settings.
fn a_journey(settings: &str) -> String {
    let mut editor = Editor::new("a.journey").beside("lotse.yaml", settings);
    editor.accept("topic").fill("newsletter").fill("News and offers").enter();
    editor.accept("event").fill("signed_up").fill("source").keep().enter_behind_block();
    editor.accept("event").fill("bought").fill("total").choose("number").enter_behind_block();
    editor
        .accept("email")
        .fill("hello")
        .choose("newsletter")
        .choose("marketing")
        .fill("Hello")
        .keep()
        .enter_behind_block();
    editor.accept("journey").fill("welcome").fill("Welcome").fill("crm@example.com");
    editor.choose("signed_up").choose("newsletter").fill("purchase").choose("bought").fill("30");
    editor.fill("greet").stop();
    editor.accept("send").choose("hello").keep().enter();
    editor.accept("wait up to … on").fill("3").choose("hello");
    editor
        .accept("go to")
        .fill("interested")
        .accept("go to")
        .fill("remind")
        .enter_behind_block()
        .enter_behind_block();
    editor.accept("stage").choose("interested").stop();
    editor.accept("wait 3 days").fill("2").enter();
    editor.accept("end as").fill("bought").enter_behind_block();
    editor.accept("stage").choose("remind").stop();
    editor.accept("send").choose("hello").keep().enter();
    editor.accept("end").enter_behind_block().enter_behind_block();
    editor.accept("test").fill("a click tells interest").choose("welcome").choose("newsletter").keep();
    editor.choose("signed_up").choose("hello").stop();
    editor.accept("after").fill("2").accept("click").choose("hello").enter();
    editor.accept("expect stage").choose("interested").enter();
    editor.accept("after").fill("2").accept("nothing").enter();
    editor.accept("expect outcome").choose("bought").enter_behind_block();
    editor
        .accept("test")
        .fill("who does not click is reminded")
        .choose("welcome")
        .choose("newsletter")
        .keep();
    editor.choose("signed_up").choose("hello").stop();
    editor.accept("after").fill("3").accept("nothing").enter();
    editor.accept("expect email").choose("hello").enter_behind_block();
    let findings = editor.findings();
    assert!(findings.is_empty(), "{findings:#?}\n{}", editor.text());
    editor.text().to_owned()
}

/// Who begins with the journey declares afterwards what it names, with those names at hand.
#[test]
fn what_is_named_first_is_declared_next() {
    let mut editor = Editor::new("a.journey");
    editor.accept("journey").fill("welcome").fill("Welcome").keep().keep().keep().keep().keep().keep();
    editor.fill("hello").stop();
    editor.accept("send").keep().keep().enter();
    editor.accept("end").enter_behind_block().enter_behind_block();
    editor.accept("topic").choose("newsletter").keep().enter();
    editor.accept("event").choose("signed_up").keep().keep().enter_behind_block();
    editor.accept("email").choose("welcome").choose("newsletter").keep().keep().keep().enter_behind_block();
    let findings = editor.findings();
    assert!(findings.iter().all(|finding| finding.severity() == Severity::Warning), "{findings:#?}");
}
