use super::Fix;
use crate::finding::{Code, Finding, Severity};
use crate::ide::testing::{CONFIG, RECEIPT, SHOP, shop_with};
use crate::ide::{Analysis, TextChange};
use crate::source::{Span, WorkspaceFiles};

/// The fixes for what is wrong at the `¦`, and the workspace they are for.
fn fixes(path: &str, text: &str) -> (Analysis, Vec<Fix>) {
    let (analysis, at) = shop_with(path, text);
    let source = analysis.source(path).unwrap();
    let fixes = analysis.fixes(Span::new(source, at, at));
    (analysis, fixes)
}

/// The text of a file after a fix; the fix that is preferred, or the one whose title begins so.
fn after(path: &str, text: &str, title: &str, changed: &str) -> String {
    let (analysis, fixes) = fixes(path, text);
    let found = fixes.iter().find(|fix| fix.title.starts_with(title) && (!title.is_empty() || fix.preferred));
    let titles: Vec<&str> = fixes.iter().map(|fix| fix.title.as_str()).collect();
    let fix =
        found.unwrap_or_else(|| panic!("{text}: of {titles:?} none is {title:?}\n{:#?}", analysis.findings));
    let source = analysis.source(changed).unwrap();
    let mut text = analysis.files.sources.get(source).text.to_string();
    let mut changes: Vec<&TextChange> =
        fix.changes.iter().filter(|change| change.span.source == source).collect();
    changes.sort_by_key(|change| std::cmp::Reverse(change.span));
    changes.iter().for_each(|change| text.replace_range(change.span.range(), &change.text));
    text
}

fn journey(body: &str) -> String {
    format!(
        "journey more {{\n  enter on newsletter_signup\n  stage first {{\n{body}\n  }}\n  stage second {{ end }}\n}}\n"
    )
}

#[test]
fn what_is_preferred_mends_and_harms_nothing() {
    let wait = |branch: &str| {
        format!(
            "    send email welcome\n    wait up to 1 day {{\n{branch}\n      otherwise {{ end }}\n    }}"
        )
    };
    let is_error = |finding: &&Finding| finding.severity() == Severity::Error && finding.code != Code::E302;
    for (body, meant) in [
        (wait("      on clicked welcome ¦go to second }"), "on clicked welcome { go to second }\n"),
        (wait("      on clicked welcome ¦go to second"), "on clicked welcome { go to second }\n"),
        (wait("      ¦clicked welcome { go to second }"), "on clicked welcome { go to second }\n"),
        ("    ¦done".to_owned(), "    end\n"),
        ("    ¦delay 2 days\n    end".to_owned(), "    wait 2 days\n"),
        ("    ¦in 2 days\n    end".to_owned(), "    wait 2 days\n"),
        ("    send ¦welcome\n    end".to_owned(), "    send email welcome\n"),
        ("    ¦repeat 3 times { wait 1 day }\n    end".to_owned(), "repeat up to 3 times { wait 1 day }"),
        ("    if contact.score ¦over 50 { end }\n    end".to_owned(), "if contact.score > 50 { end }"),
        ("    if has tag ¦hot { end }\n    end".to_owned(), "if has tag \"hot\" { end }"),
        ("    if ¦first_name == \"Ada\" { end }\n    end".to_owned(), "if contact.first_name == \"Ada\""),
        ("    if contact.score >= ¦\"50\" { end }\n    end".to_owned(), "if contact.score >= 50 {"),
        ("    tag ¦\"hot\n    end".to_owned(), "    tag \"hot\"\n"),
        ("    set contact.score ¦+= 5\n    end".to_owned(), "    add 5 to contact.score\n"),
        ("    wait 3¦\n    end".to_owned(), "    wait 3 days\n"),
        // Nothing is wrong where the line begins, but in it.
        ("¦    wait 3\n    end".to_owned(), "    wait 3 days\n"),
        (
            "    if contact.score > 5 { end } ¦otherwise { wait 1 day }\n    end".to_owned(),
            "    if contact.score > 5 { end } else { wait 1 day }\n",
        ),
        ("    if contact.vip ¦end\n    end".to_owned(), "    if contact.vip { end }\n"),
    ] {
        let text = after("more.journey", &journey(&body), "", "more.journey");
        assert!(text.contains(meant), "{body}\n{text}");
        let analysis = shop_with("more.journey", &text).0;
        let errors: Vec<_> = analysis.findings.iter().filter(is_error).collect();
        assert!(errors.is_empty(), "{text}\n{errors:#?}");
    }
}

#[test]
fn a_title_stands_in_quotes_and_a_name_without() {
    for (text, meant) in [
        (
            "journey more ¦Welcome to the shop {\n  enter by request\n  stage first { end }\n}\n",
            "journey more \"Welcome to the shop\" {",
        ),
        ("journey more ¦flowers {\n  enter by request\n  stage first { end }\n}\n", "journey more_flowers {"),
        (
            "journey more {\n  enter by request\n  stage ¦\"Reminder mail\" { end }\n}\n",
            "stage reminder_mail {",
        ),
        (
            "journey more {\n  ¦on newsletter_signup\n  stage first { end }\n}\n",
            "  enter on newsletter_signup\n",
        ),
    ] {
        let mended = after("more.journey", text, "", "more.journey");
        assert!(mended.contains(meant), "{mended}");
    }
}

#[test]
fn going_on_does_not_read_over_the_end_of_a_line() {
    for text in ["    go to ¦stage\n    send email welcome", "    go to¦\n    send email welcome\n    end"]
    {
        let (analysis, fixes) = fixes("more.journey", &journey(text));
        for fix in fixes.iter().filter(|fix| fix.preferred) {
            let change = &fix.changes[0];
            assert!(!analysis.files.sources.text(change.span).contains("send"), "{fix:?}");
        }
    }
}

#[test]
fn a_field_is_declared_as_what_it_is_used_as() {
    let in_mail = |subject: &str| {
        format!("email more {{ topic account  from marketing  subject \"{subject}\"  body \"Hello\" }}\n")
    };
    for (text, title, meant) in [
        (
            journey("    if contact.¦visits > 5 { end }\n    end"),
            "Declare the field `visits`",
            "  visits number\n}",
        ),
        (journey("    if contact.¦partner { end }\n    end"), "Declare", "  partner boolean\n}"),
        (in_mail("Until {{ contact.¦due | date('%d.%m.%Y') }}"), "Declare", "  due date\n}"),
        (in_mail("Hello {{ contact.¦salutation }}"), "Declare", "  salutation text\n}"),
        (
            in_mail("Hello {{ ¦salutation }}"),
            "Declare the field `salutation`, and write",
            "  salutation text\n}",
        ),
    ] {
        let shop = after("more.journey", &text, title, "shop.journey");
        assert!(shop.contains(meant), "{text}\n{shop}");
    }
    let mended = after("more.journey", &in_mail("Hello {{ ¦salutation }}"), "Declare", "more.journey");
    assert!(mended.contains("{{ contact.salutation }}"), "{mended}");
    let mended = after("more.journey", &in_mail("Hello {{ ¦first_name }}"), "", "more.journey");
    assert!(mended.contains("{{ contact.first_name }}"), "{mended}");
    let mended = after("more.journey", &in_mail("Away {{ ¦unsubscribe }}"), "", "more.journey");
    assert!(mended.contains("{{ unsubscribe_url }}"), "{mended}");
    let mended = after("more.journey", &in_mail("Away {{ contact.first_name ¦}"), "", "more.journey");
    assert!(mended.contains("{{ contact.first_name }}\""), "{mended}");
}

#[test]
fn what_lies_outside_is_added_to_the_settings() {
    let mail = "email more { topic account  from ¦news  subject \"Hello\"  body \"Hello\" }\n";
    for (text, meant) in [
        (mail.to_owned(), "senders:\n  news:\n    from: Shop <news@example.com>\n  marketing:\n"),
        (
            journey("    call ¦shop\n    end"),
            "webhooks:\n  shop:\n    url: https://example.com/shop\n  erp:\n",
        ),
        (
            journey("    hand off to ¦crm\n    end"),
            "teams:\n  crm:\n    url: https://example.com/crm\n  sales:\n",
        ),
    ] {
        let settings = after("more.journey", &text, "Add the", "lotse.yaml");
        assert!(settings.contains(meant), "{settings}");
        assert!(shop_with("lotse.yaml", &settings).0.config.senders.get("marketing").is_some());
    }
    for (settings, meant) in [
        ("workspace: shop\n", "workspace: shop\nsenders:\n  news:\n    from: Shop <news@example.com>\n"),
        (
            "senders: {} # none\nlisten: 127.0.0.1:1\n",
            "senders:\n  news:\n    from: Lotse <news@example.com>\nlisten",
        ),
        (
            "senders: { a: { from: A <a@example.com> } }\n",
            "senders: { news: { from: Lotse <news@example.com> }, a: { from: A <a@example.com> } }\n",
        ),
    ] {
        let files = [("lotse.yaml", settings), ("more.journey", &mail.replace('¦', "") as &str)];
        let analysis = Analysis::of(WorkspaceFiles::from_texts(files));
        let source = analysis.source("more.journey").unwrap();
        let at = mail.find('¦').unwrap();
        let fixes = analysis.fixes(Span::new(source, at, at));
        let fix = fixes.iter().find(|fix| fix.title.starts_with("Add the sender")).unwrap();
        let mut text = settings.to_owned();
        text.replace_range(fix.changes[0].span.range(), &fix.changes[0].text);
        assert!(text.starts_with(meant), "{text}");
    }
}

#[test]
fn settings_are_made_where_there_are_none() {
    let text = "topic account \"Orders\" essential\nemail more { topic account  subject \"Hello\"  body \"Hello\" }\n";
    let analysis = Analysis::of(WorkspaceFiles::from_texts([("more.journey", text)]));
    let source = analysis.source("more.journey").unwrap();
    let at = text.find("more").unwrap();
    let fixes = analysis.fixes(Span::new(source, at, at));
    let fix = fixes.iter().find(|fix| fix.title.starts_with("Add `from marketing`")).unwrap();
    assert_eq!(fix.creates[0].path, "lotse.yaml");
    assert_eq!(fix.creates[0].text, "senders:\n  marketing:\n    from: Lotse <marketing@example.com>\n");
    assert!(fix.finding.help.as_deref().unwrap().contains("lotse.yaml"), "{:?}", fix.finding);
}

#[test]
fn a_marketing_mail_gets_a_way_out() {
    let template = RECEIPT.replace("¦", "");
    let texts = [("emails/receipt.mjml", &*template), ("lotse.yaml", CONFIG), ("shop.journey", SHOP)];
    let mail = "email more {\n  topic newsletter\n  from marketing\n  subject \"Hi\"\n  body \"\"\"\n    Hello!\n    \"\"\"\n}\n";
    let by_file = "email again { topic newsletter  from marketing  subject \"Hi\"  template \"emails/receipt.mjml\" }\n";
    let analysis = Analysis::of(WorkspaceFiles::from_texts(
        texts.into_iter().chain([("a.journey", mail), ("b.journey", by_file)]),
    ));
    let missing: Vec<_> = analysis.findings.iter().filter(|finding| finding.code.name() == "E404").collect();
    assert_eq!(missing.len(), 2, "{:#?}", analysis.findings);
    for finding in missing {
        let fixes = analysis.fixes(finding.span);
        let fix = fixes.iter().find(|fix| fix.finding.code.name() == "E404" && fix.preferred).unwrap();
        let mut text = analysis.files.sources.get(finding.span.source).text.to_string();
        text.replace_range(fix.changes[0].span.range(), &fix.changes[0].text);
        let mut after = analysis.clone();
        after.edit(finding.span.source, &text);
        assert!(
            !after.findings_in(finding.span.source).iter().any(|found| found.code.name() == "E404"),
            "{text}"
        );
    }
}

#[test]
fn a_goal_is_not_what_led_in() {
    let text = "journey ¦more {\n  enter on order_placed\n  stage first { end }\n}\n";
    let mended = after("more.journey", text, "Add a goal", "more.journey");
    assert!(mended.contains("goal newsletter_signup on newsletter_signup within 30 days"), "{mended}");
    let alone = "event signup { }\njourney more {\n  enter on signup\n  stage first { end }\n}\n";
    let analysis = Analysis::of(WorkspaceFiles::from_texts([("more.journey", alone)]));
    let source = analysis.source("more.journey").unwrap();
    let at = alone.find("more").unwrap();
    let fixes = analysis.fixes(Span::new(source, at, at));
    let fix = fixes.iter().find(|fix| fix.title.starts_with("Add a goal")).unwrap();
    assert_eq!(fix.title, "Add a goal, and declare its event `purchase`");
    assert!(fix.changes.iter().any(|change| change.text.contains("event purchase { }")), "{fix:?}");
}

/// The titles of what is offered at the `¦`, the preferred one with a `*`.
fn titles(path: &str, text: &str) -> Vec<String> {
    let (_, fixes) = fixes(path, text);
    let title = |fix: &Fix| format!("{}{}", if fix.preferred { "*" } else { "" }, fix.title);
    fixes.iter().map(title).collect()
}

#[test]
fn uses_follow_a_name_that_was_changed_by_hand() {
    let text = |stage: &str, used: &str| {
        format!(
            "journey more {{\n  enter on newsletter_signup\n  stage first {{\n    if contact.vip {{ go to {used} }}\n    go to reminder\n  }}\n  stage {stage} {{ end }}\n}}\n\
             test \"it ends\" for more {{\n  at 2027-03-01 10:00 event newsletter_signup\n  expect stage reminder\n}}\n"
        )
    };
    let written = text("reminder_mail", "¦reminder");
    let meant = text("reminder_mail", "reminder_mail")
        .replace("go to reminder\n", "go to reminder_mail\n")
        .replace("expect stage reminder\n", "expect stage reminder_mail\n");
    assert_eq!(after("more.journey", &written, "Rename `reminder` to", "more.journey"), meant);
    let offered = titles("more.journey", &written);
    assert_eq!(offered[0], "*Rename `reminder` to `reminder_mail` everywhere", "{offered:?}");
    assert_eq!(offered.iter().filter(|title| title.starts_with('*')).count(), 1, "{offered:?}");
    // What nothing uses is not taken away where something looks for it by another name.
    let mail = "email ¦spring_offer {\n  topic account\n  from marketing\n  subject \"Hi\"\n  body \"Hi\"\n}\n\
                journey more {\n  enter by request\n  stage first { send email spring_intro  end }\n}\n";
    let offered = titles("more.journey", mail);
    assert_eq!(offered[0], "*Write `spring_offer` for `spring_intro`", "{offered:?}");
}

#[test]
fn where_to_go_is_chosen_among_the_stages() {
    let text = |statement: &str| {
        format!(
            "journey more {{\n  enter by request\n  stage first {{\n    {statement}\n  }}\n  stage second {{ go to third }}\n  stage third {{ end }}\n}}\n"
        )
    };
    assert_eq!(titles("more.journey", &text("go to¦")), ["Write `go to second`", "Write `go to third`"]);
    assert_eq!(titles("more.journey", &text("se¦cond"))[0], "*Write `go to second`");
    let mended =
        after("more.journey", &text("wait 1 day  if contact.vip { ¦second }\n    end"), "", "more.journey");
    assert!(mended.contains("{ go to second }"), "{mended}");
    let fields = titles("more.journey", &text("if contact¦. { end }\n    end"));
    assert_eq!(fields[0], "Write `contact.vip`", "{fields:?}");
}

#[test]
fn a_second_thing_of_a_name_gets_another_one() {
    let text = "journey more {\n  enter by request\n  stage first { go to second }\n  stage second { end }\n  stage ¦second { end }\n}\n";
    let mended = after("more.journey", text, "Call this one", "more.journey");
    assert!(mended.contains("stage second { end }\n  stage second_2 { end }"), "{mended}");
}

#[test]
fn a_placeholder_of_another_tool_becomes_one() {
    let in_mail = |subject: &str| {
        format!("email more {{ topic account  from marketing  subject \"{subject}\"  body \"Hello\" }}\n")
    };
    for (written, meant) in [
        ("Hello {¦ contact.first_name }", "Hello {{ contact.first_name | default('there') }}"),
        ("Hello {¦first_name|friend}", "Hello {{ contact.first_name | default('friend') }}"),
        ("Hello *¦|FNAME|*", "Hello {{ contact.first_name | default('there') }}"),
        ("Hello %¦first_name%", "Hello {{ contact.first_name | default('there') }}"),
        ("Hello [¦FIRST_NAME]", "Hello {{ contact.first_name | default('there') }}"),
        ("Hello {¦ contact.first_name | default('you') }", "Hello {{ contact.first_name | default('you') }}"),
        ("To {¦country}", "To {{ contact.country }}"),
        ("To ${¦contact.email}", "To {{ contact.email }}"),
        (
            "Hello {{ contact.first_name ¦| default: 'you' }}",
            "Hello {{ contact.first_name | default('you') }}",
        ),
    ] {
        let mended = after("more.journey", &in_mail(written), "", "more.journey");
        assert_eq!(mended, in_mail(meant));
    }
    let offered = titles("more.journey", &in_mail("Hello {{ contact.¦ | default('you') }}"));
    assert!(offered.contains(&"Write `contact.first_name`".to_owned()), "{offered:?}");
}

#[test]
fn a_name_alone_becomes_a_section() {
    let config = |senders: &str| format!("workspace: shop\nsenders: {senders}\n");
    for (written, meant) in [
        ("ma¦rketing", "\n  marketing:\n    from: Shop <marketing@example.com>"),
        ("sh¦op@example.org", "\n  marketing:\n    from: shop@example.org"),
    ] {
        let mended = after("lotse.yaml", &config(written), "", "lotse.yaml");
        assert_eq!(mended, format!("workspace: shop\nsenders:{meant}\n"));
    }
}

/// A path that ends nowhere is told where it breaks off, and looked for at the head of its stage as well.
#[test]
fn a_stage_that_ends_nowhere_is_mended_from_its_head() {
    let text =
        "journey more {\n  enter on newsletter_signup\n  stage ¦first {\n    send email welcome\n  }\n}\n";
    let meant = "    send email welcome\n    end\n";
    let mended = after("more.journey", text, "End the journey here", "more.journey");
    assert!(mended.contains(meant), "{mended}");
    let elsewhere = fixes("more.journey", &text.replace('¦', "").replace("enter on", "enter ¦on"));
    assert!(elsewhere.1.iter().all(|fix| fix.finding.code != Code::E301), "{:?}", elsewhere.1);
}

#[test]
fn what_a_message_says_to_write_is_offered() {
    let wait = "    send email welcome\n    wait 1 day\n    end";
    let of_test = |lines: &str| {
        format!(
            "test \"it ends\" for greeting {{\n{lines}\n  at 2027-03-01 10:00 event newsletter_signup\n  expect email welcome\n}}\n"
        )
    };
    for (written, meant) in [
        (journey("    wait 1 day\n    ¦send welcome").replace("\n  }\n  stage second { end }", " }"), "send email welcome"),
        (journey("    if contact.first_name == ¦Anna { end }\n    end"), "== \"Anna\" {"),
        (
            journey(wait).replace("  stage first", "  goal more on order_placed ¦within 14\n  stage first"),
            "within 14 days\n",
        ),
        (journey("    ¦after 3 days\n    end"), "    wait 3 days\n    end"),
        (of_test("  at 2027-03-01 10:00 event newsletter_signup\n  ¦after 3 days"), "  after 3 days nothing\n"),
        (format!("{}¦}}\n", journey(wait)), "stage second { end }\n}\n"),
        (
            of_test("  contact { first_name ¦\"Anna, email \"ada@example.org\", allows newsletter }"),
            "first_name \"Anna\", email \"ada@example.org\", allows newsletter }",
        ),
        (
            journey("    if contact.first_name = ¦\"Anna\"\n      wait 1 day\n    }\n    end"),
            "if contact.first_name = \"Anna\" {",
        ),
        (journey("    if contact.first_name == ¦\"Anna {\"\n      wait 1 day\n    }\n    end"), "== \"Anna\" {\n"),
        (
            journey("    wait 1 day\n    ¦stage reminder {\n      end\n    }").replace("first {", "zero { go to first }\n  stage first {"),
            "    wait 1 day\n  }\n\n  stage reminder {\n    end\n  }\n",
        ),
        (journey("    wait 3 days ¦then send email welcome\n    end"), "    wait 3 days send email welcome\n"),
        (of_test("  expect outcome ¦fertig"), "  expect outcome done_well\n"),
        (
            "email more { topic account  from marketing  subject \"{{ contact.first_name | ¦upercase }}\"  body \"Hi\" }\n".to_owned(),
            "{{ contact.first_name | upper }}",
        ),
    ] {
        let (analysis, found) = fixes("more.journey", &written);
        let first = found.first().unwrap_or_else(|| panic!("{written}\n{:#?}", analysis.findings));
        let mended = after("more.journey", &written, &first.title, "more.journey");
        assert!(mended.contains(meant), "{mended}");
        for fix in &found {
            let mended = after("more.journey", &written, &fix.title, "more.journey");
            let left = shop_with("more.journey", &mended).0.findings;
            let is_same = |other: &Finding| {
                (other.code, &other.message, other.span) == (fix.finding.code, &fix.finding.message, fix.finding.span)
            };
            assert!(!left.iter().any(is_same), "{}\n{mended}", fix.title);
        }
    }
    let settings = after("lotse.yaml", "workspace: shop\ntimezone: Ber¦lin\n", "", "lotse.yaml");
    assert!(settings.ends_with("timezone: Europe/Berlin\n"), "{settings}");
}

#[test]
fn the_stage_to_which_nothing_leads_was_meant() {
    let text = "journey more {\n  enter by request\n  stage hello { go to ¦erinnerung }\n  stage letzte { go to other }\n  stage other { end }\n}\n";
    assert_eq!(titles("more.journey", text)[0], "*Write `letzte` for `erinnerung`");
}
