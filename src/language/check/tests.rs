use super::*;

const HEAD: &str = r#"
contact { first_name text  country text one of ["DE", "AT"]  score number = 0  vip boolean = false  since date  interests list of text }
event signup { source text }
event order_placed "Order Completed" { order_id text  total number }
topic news "News"
topic account "Orders" essential
segment germans = contact.country == "DE"
email hello { topic news  from marketing  subject "Hi"  body "Hi {{ unsubscribe_url }}" }
email thanks { topic account  from marketing  subject "Thanks"  body "Thanks" }
"#;

/// `CODE "underlined"` for each finding in a journey's head and stages, without those of no interest here.
fn findings(journey: &str) -> Vec<String> {
    let text = format!("{HEAD}\n{journey}");
    let files = WorkspaceFiles::from_texts([("test.journey", text.as_str())]);
    let checked = check(&files, None);
    let noise = |finding: &&Finding| !matches!(finding.code, Code::W605 | Code::W603);
    let line = |finding: &Finding| format!("{} {}", finding.code, files.sources.text(finding.span));
    checked.findings.iter().filter(noise).map(line).collect()
}

fn in_stage(statements: &str) -> Vec<String> {
    findings(&format!(
        "journey j {{ enter on signup  permission news  stage s {{ {statements} }} stage t {{ go to s }} }}"
    ))
    .into_iter()
    .filter(|line| line != "E302 t")
    .collect()
}

fn in_condition(condition: &str) -> Vec<String> {
    in_stage(&format!("if {condition} {{ wait 1 day }} end"))
}

#[test]
fn names_are_resolved() {
    for (statements, expected) in [
        ("send email helo end", "E101 helo"),
        ("send email thanks  go to u", "E101 u"),
        ("send sms hello end", "E101 sms"),
        ("wait up to 1 day { on order { end } otherwise { end } }", "E101 order"),
        ("wait up to 1 day { on clicked { end } otherwise { end } }", "E101 clicked"),
        ("if contact.name == \"x\" { wait 1 day } end", "E103 name"),
        ("if entry.total > 1 { wait 1 day } end", "E103 total"),
        ("if in segment germns { wait 1 day } end", "E101 germns"),
        ("if allows newz { wait 1 day } end", "E101 newz"),
        ("if country == \"DE\" { wait 1 day } end", "E101 country"),
        ("if event.total > 1 { wait 1 day } end", "E306 event.total"),
        ("if reply.x == 1 { wait 1 day } end", "E306 reply.x"),
        ("wait up to 1 day { on reply { end } otherwise { end } }", "E306 reply"),
        ("wait up to 1 day { on accepted { end } otherwise { end } }", "E306 accepted"),
    ] {
        assert_eq!(in_stage(statements), [expected], "{statements}");
    }
}

#[test]
fn types_must_fit() {
    for (condition, expected) in [
        ("contact.score == \"5\"", "E201 =="),
        ("contact.first_name > \"a\"", "E201 >"),
        ("contact.first_name", "E201 contact.first_name"),
        ("contact.score and contact.vip", "E201 contact.score"),
        ("contact.country in \"DE\"", "E201 \"DE\""),
        ("contact.score in [\"a\"]", "E201 contact.score"),
        ("contact.interests == \"tea\"", "E201 =="),
        ("contact.interests contains 5", "E201 5"),
        ("contact.score contains 5", "E201 contact.score"),
        ("contact.since > \"2027-01-01\"", "E201 >"),
        ("days since contact.score > 3", "E201 contact.score"),
        ("contact.since - 3 > today", "E201 -"),
        ("contact.score + \"a\" == 1", "E201 +"),
        ("contact.country in [\"DE\", \"FR\"]", "E202 [\"DE\", \"FR\"]"),
        ("contact.country == \"FR\"", "W607 \"FR\""),
        ("1 == 1", "W607 1 == 1"),
        ("contact.score is set", "W607 contact.score is set"),
        ("contact.vip and false", "W607 contact.vip and false"),
    ] {
        assert_eq!(in_condition(condition), [expected], "{condition}");
    }
    for good in [
        "contact.score * 2 + 1 >= 50 / 2",
        "contact.since + 3 days > today and contact.created_at < now - 2 hours",
        "days since contact.since > 3 or weeks until contact.since < 1",
        "contact.interests contains \"tea\" and contact.tags contains \"x\" and contact.first_name contains \"a\"",
        "not (contact.vip or has tag \"x\") and in segment germans",
        "contact.first_name starts with \"A\" and contact.email ends with \".de\"",
        "contact.country not in [\"DE\"] and contact.country is set and entry.source == \"x\"",
        "contact.since >= 2027-01-01 and contact.created_at < 2027-01-01 09:00",
        "allows news",
    ] {
        assert_eq!(in_condition(good), Vec::<String>::new(), "{good}");
    }
}

#[test]
fn attributes_are_set_with_fitting_values() {
    for (statements, expected) in [
        ("set contact.score = \"5\" end", "E201 \"5\""),
        ("set contact.country = \"FR\" end", "E202 \"FR\""),
        ("set contact.id = \"5\" end", "E201 contact.id"),
        ("set entry.source = \"5\" end", "E201 entry.source"),
        ("add 5 to contact.first_name end", "E201 first_name"),
        ("add \"5\" to contact.score end", "E201 \"5\""),
        ("clear contact.nothing end", "E103 nothing"),
    ] {
        assert_eq!(in_stage(statements), [expected], "{statements}");
    }
}

#[test]
fn paths_end_somewhere() {
    for (statements, expected) in [
        ("wait 1 day", vec!["E301 wait 1 day"]),
        ("if contact.vip { end }", vec!["E301 if contact.vip { end }"]),
        ("wait up to 1 day { on order_placed { } otherwise { end } }", vec!["E301 { }"]),
        ("wait up to 1 day { on order_placed { end } } end", vec!["E301 "]),
        ("end send email hello", vec!["E302 send email hello"]),
        ("wait 1 day if contact.vip { end } else { go to t } tag \"x\"", vec!["E302 tag \"x\""]),
        ("go to t", vec!["E303 go to s"]),
        ("if contact.vip { wait 1 day } go to t", vec!["E303 go to s"]),
        ("wait 0 days go to t", vec!["E303 go to s", "W606 0 days"]),
        ("wait up to 1 day { on clicked hello { end } otherwise { end } }", vec!["E305 clicked hello"]),
        ("send email hello otherwise { end } end", vec![]),
        ("wait 1 day go to t", vec![]),
        ("send email hello wait up to 1 day { on clicked hello { go to t } otherwise { go to t } }", vec![]),
    ] {
        let mut found = in_stage(statements);
        found.sort();
        assert_eq!(found, expected, "{statements}");
    }
}

#[test]
fn messages_before_a_wait_are_known_over_stages_and_circles() {
    let journey = |first: &str| {
        format!(
            "journey j {{ enter on signup  permission news
             stage a {{ {first}  wait 1 day  go to b }}
             stage b {{ wait up to 1 day {{ on clicked hello {{ end }} otherwise {{ go to c }} }} }}
             stage c {{ send email hello  wait 1 day  go to b }} }}"
        )
    };
    // On the first pass nobody has it, on the second everybody: it may have been sent.
    assert_eq!(findings(&journey("")), Vec::<String>::new());
    let without = journey("").replace("send email hello", "send email thanks");
    assert_eq!(findings(&without), ["E305 clicked hello"]);
}

#[test]
fn clauses_stand_once_and_the_needed_ones_stand() {
    for (journey, expected) in [
        ("journey j { owner \"a\" owner \"b\" enter on signup stage s { end } }", vec!["E307 owner \"b\""]),
        ("journey j { stage s { end } }", vec!["E307 j"]),
        ("journey j { enter on signup }", vec!["E307 j"]),
        ("journey j { enter on signup stage s { end } stage s { end } }", vec!["E102 s"]),
        ("journey j { enter on signup leave on goal stage s { end } }", vec!["E101 leave on goal"]),
        ("journey j { enter on signup per event.nothing stage s { end } }", vec!["E103 nothing"]),
        ("journey j { enter on signup into u stage s { end } }", vec!["E101 u"]),
        (
            "journey j { enter on signup goal a on order_placed worth event.order_id stage s { end } }",
            vec!["E201 event.order_id"],
        ),
        (
            "journey j { enter on signup timezone \"Europe/Berln\" stage s { end } }",
            vec!["E002 \"Europe/Berln\""],
        ),
        ("journey j { enter on signup stage s { send email thanks end } }", vec![]),
        (
            "email bare { from m subject \"x\" body \"x\" } journey j { enter on signup stage s { send email bare end } }",
            vec!["E403 bare"],
        ),
    ] {
        assert_eq!(findings(journey), expected, "{journey}");
    }
}

#[test]
fn deciding_by_opens_alone_is_told() {
    for (statements, expected) in [
        (
            "send email hello wait up to 1 day { on opened hello { end } otherwise { end } }",
            vec!["W601 opened hello"],
        ),
        ("send email hello wait 1 day if opened(hello) { end } end", vec!["W601 if opened(hello) "]),
        ("send email hello wait 1 day if opened(hello) and clicked(hello) { end } end", vec![]),
        (
            "send email hello wait up to 1 day { on opened hello { end } on clicked hello { end } otherwise { end } }",
            vec![],
        ),
    ] {
        assert_eq!(in_stage(statements), expected, "{statements}");
    }
}

#[test]
fn one_slip_gives_one_finding() {
    // A name misspelt where it is declared must not make everybody who uses it wrong, too.
    assert_eq!(findings("journey j { enter on signup  stage s { send email hello wait 3d go to t } stage t { wai 1 day end } }").len(), 2);
    assert_eq!(
        findings("journey j { enter on signp  stage s { if entry.source == \"x\" { wait 1 day } end } }"),
        ["E101 signp"]
    );
}

#[test]
fn lines_silence_warnings_with_a_reason() {
    let journey = |comment: &str| {
        format!(
            "journey j {{ enter on signup permission news stage s {{ send email hello wait up to 1 day {{\n{comment}\non opened hello {{ end }} otherwise {{ end }} }} }} }}"
        )
    };
    assert_eq!(findings(&journey("# allow W601: opens are all we have for this list")), Vec::<String>::new());
    assert_eq!(findings(&journey("# allow W601")), ["E001 # allow W601", "W601 opened hello"]);
    assert_eq!(
        findings(&journey("# allow E101: because")),
        ["E001 # allow E101: because", "W601 opened hello"]
    );
    assert_eq!(
        findings(&journey("# allow W699: because")),
        ["E001 # allow W699: because", "W601 opened hello"]
    );
    assert_eq!(findings(&journey("# allow me to say")), ["W601 opened hello"]);
}

#[test]
fn tests_name_what_is_there() {
    let test = |line: &str| {
        findings(&format!(
            "journey j {{ enter on signup permission news goal buy on order_placed stage s {{ send email hello end as ok }} }}
             test \"t\" for j {{ {line} }}"
        ))
    };
    for (line, expected) in [
        ("at 2027-03-01 10:00 event sgnup", "E501 sgnup"),
        ("at 2027-03-01 10:00 event signup { sorce \"x\" }", "E103 sorce"),
        ("at 2027-03-01 10:00 event order_placed { total \"x\" }", "E201 \"x\""),
        ("at 2027-03-01 10:00 event message_clicked", "E501 at 2027-03-01 10:00 event message_clicked"),
        ("after 1 day click hullo", "E501 hullo"),
        ("expect stage t", "E501 t"),
        ("expect goal sell", "E501 sell"),
        ("expect outcome done", "E501 done"),
        ("expect email helo", "E501 helo"),
        ("expect sms hello", "E501 sms"),
        ("expect skipped hello because tired", "E501 tired"),
        ("contact { allows newz }", "E501 newz"),
        ("contact { country \"FR\" }", "E202 \"FR\""),
        ("contact { nothing 1 }", "E103 nothing"),
        ("expect contact.score == \"x\"", "E201 \"x\""),
    ] {
        assert_eq!(test(line), [expected], "{line}");
    }
    assert_eq!(findings("test \"t\" for nothing { }"), ["E501 nothing"]);
}

/// The findings of a workspace with one email, whose template is given.
fn in_template(template: &str, with: &str) -> Vec<String> {
    let text = format!(
        "{HEAD}\nemail news_mail {{ topic news from marketing subject \"Hi\" template \"mails/a.html\" }}
         journey j {{ enter on signup permission news stage s {{ send email news_mail {with} end }} }}"
    );
    let files = WorkspaceFiles::from_texts([("a.journey", text.as_str()), ("mails/a.html", template)]);
    let checked = check(&files, None);
    let noise = |finding: &&Finding| !matches!(finding.code, Code::W605 | Code::W603);
    let line = |finding: &Finding| {
        let (path, at) = files.sources.place(finding.span);
        format!("{} {path}:{} {}", finding.code, at.line, files.sources.text(finding.span))
    };
    checked.findings.iter().filter(noise).map(line).collect()
}

#[test]
fn templates_are_checked_inside() {
    let mail = |inner: &str| {
        format!("<html><body>\n<p>{inner}</p>\n<a href=\"{{{{ unsubscribe_url }}}}\">out</a></body></html>")
    };
    for (inner, with, expected) in [
        ("Hi {{ contact.first_name }} {{ contact.email }} {{ entry.source }} {{ view_url }}", "", vec![]),
        ("{{ contact.frist_name }}", "", vec!["E402 mails/a.html:2 contact.frist_name"]),
        ("{{ entry.total }}", "", vec!["E402 mails/a.html:2 entry.total"]),
        ("{{ first_name }}", "", vec!["E402 mails/a.html:2 first_name"]),
        ("{{ code }}", "with { code \"x\" }", vec![]),
        ("{{ code }}", "", vec!["E402 mails/a.html:2 code"]),
        ("{{ code | default('x') }}", "", vec![]),
        ("{{ contact.first_name ", "", vec!["E401 mails/a.html:2 {{"]),
    ] {
        let found = in_template(&mail(inner), with);
        let starts = found.len() == expected.len()
            && found.iter().zip(&expected).all(|(found, start)| found.starts_with(start));
        assert!(starts, "{inner}: {found:?}");
    }
    assert_eq!(in_template("<html><body><p>Hi</p></body></html>", ""), ["E404 mails/a.html:1 "]);
}

#[test]
fn the_longest_condition_is_checked_in_the_stack_of_a_thread() {
    let condition = "contact.score == 1".to_owned() + &" or contact.score == 1".repeat(127);
    let text = format!(
        "{HEAD}\njourney j {{ enter on signup where {condition}  permission news  stage s {{ if {condition} {{ wait 1 day }} end }} }}"
    );
    let files = WorkspaceFiles::from_texts([("test.journey", text.as_str())]);
    let checked = check(&files, None);
    assert!(!checked.has_errors(), "{:#?}", checked.findings);
}

#[test]
fn many_names_that_nothing_declares_cost_no_time() {
    let mails: String = (0..600).map(|number| format!("email mail_{number} {{ topic news }}\n")).collect();
    let sends: String = (0..600).map(|number| format!("send email mial_{number}\n")).collect();
    let found = findings(&format!(
        "{mails} journey j {{ enter on signup  permission news  stage s {{ {sends} end }} }}"
    ));
    let unknown = found.iter().filter(|line| line.starts_with("E101 mial_")).count();
    assert_eq!(unknown, 600, "each is told, with a guess or without");
}

#[test]
fn loops_in_loops_are_looked_at_in_bounded_time() {
    for (depth, inside) in [(12, ""), (12, "send email hello wait 1 day"), (40, "")] {
        let loops = "repeat up to 1000 times { ".repeat(depth) + inside + &" }".repeat(depth);
        let text = format!(
            "policy {{ cap any 20 per 7 days }} journey j {{ enter on signup  permission news  stage s {{ {loops} end }} }}"
        );
        // Whatever it finds.
        findings(&text);
    }
}
