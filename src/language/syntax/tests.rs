mod braces;

use super::*;
use crate::source::Sources;
use tree::Declaration;

fn read(text: &str) -> (Sources, Parsed) {
    let mut sources = Sources::default();
    let id = sources.add("test.journey", text);
    let parsed = parse(id, text);
    (sources, parsed)
}

/// `code "underlined" message | help` for each finding.
fn findings(text: &str) -> Vec<String> {
    let (sources, parsed) = read(text);
    let line = |finding: &Finding| {
        let help = finding.help.as_deref().unwrap_or("");
        format!("{} {:?} {} | {help}", finding.code, sources.text(finding.span), finding.message)
    };
    parsed.findings.iter().map(line).collect()
}

fn in_stage(statements: &str) -> Vec<String> {
    findings(&format!("journey j {{\n  stage s {{\n    {statements}\n  }}\n}}\n"))
}

#[test]
fn habits_of_other_tools_are_answered_with_what_to_write() {
    for (statements, expected) in [
        ("wait 3d", "E001 \"3d\" `3 d` is no length of time | write `3 days`"),
        ("wait 90 mins", "E001 \"90 mins\" `90 mins` is no length of time | write `90 minutes`"),
        ("wait 3 dyas", "E001 \"3 dyas\" `3 dyas` is no length of time | write `3 days`"),
        ("wait until 9am", "E001 \"9am\" `9am` is not how a time of day is written | write `09:00`"),
        ("wait until 25:00", "E002 \"25:00\" `25:00` is no time of day | times go from `00:00` to `23:59`"),
        (
            "wait until 2027-02-30",
            "E002 \"2027-02-30\" there is no 2027-02-30 in the calendar | a date is written `2027-03-01`: year, month, day",
        ),
        (
            "wait until 01.03.2027",
            "E001 \"01.03.2027\" `01.03.2027` is not how a date is written | write `2027-03-01`",
        ),
        (
            "if contact.country = \"DE\" { end }",
            "E001 \"=\" `=` is not the way to compare two values | write `==`",
        ),
        (
            "if contact.a == 1 && contact.b == 2 { end }",
            "E001 \"&&\" `&&` is not the way to say that both must hold | write `and`",
        ),
        ("if contact.a => 1 { end }", "E001 \"=>\" `=>` is not the way to say at least | write `>=`"),
        ("if !contact.vip { end }", "E001 \"!\" `!` is not how one says no here | write `not `"),
        ("set contact.a == 1", "E001 \"==\" `==` does not set a value | write `=`"),
        (
            "if contact.firstName == \"x\" { end }",
            "E001 \"firstName\" `firstName` is no name: names are small letters a to z, digits and `_` | write `first_name`",
        ),
        (
            "if {{ first_name }} == \"x\" { end }",
            "E001 \"{{ first_name }}\" `{{ … }}` belongs into the text of a message, not into a journey | write `contact.first_name`",
        ),
        ("tag “hot”", "E001 \"“hot”\" these quotes are not the ones that hold a text | write `\"hot\"`"),
        ("tag \"hot", "E002 \"\\\"hot\" this text is never closed | write `\"` where it ends"),
        (
            "tag \"a\\qb\"",
            "E002 \"\\\\q\" `\\q` means nothing inside a text | what can stand: `\\\"`, `\\\\`, `\\n`, `\\t`, `\\u{1F33C}`",
        ),
        ("end endif", "E001 \"endif\" `endif` is not needed: a block ends with `}` | take it away"),
        ("sned email x", "E001 \"sned\" `sned` does not begin a statement | did you mean `send`?"),
        ("send email x wth { a 1 }", "E001 \"wth\" `wth` does not begin a statement | did you mean `with`?"),
        (
            "send email \"x\"",
            "E001 \"\\\"x\\\"\" `\"x\"` cannot stand here | names stand without quotes: `x`",
        ),
        ("goto x", "E001 \"goto x\" the statement is two words | write `go to x`"),
        ("go to", "E001 \"to\" something is missing behind `to` | name the stage: `go to STAGE`"),
        ("end as", "E001 \"as\" something is missing behind `as` | it is written `end as OUTCOME`"),
        ("tag \"x\";", "E001 \";\" no `;` stands here | take it away: each thing ends where the next begins"),
        (
            "owner \"x\"",
            "E001 \"owner\" `owner` stands at the head of a journey, not inside a stage | move it above the first stage, or look for a `}` that is missing above",
        ),
    ] {
        assert_eq!(in_stage(statements), [expected], "{statements}");
    }
}

#[test]
fn each_mistake_is_told_once_and_reading_goes_on() {
    let found =
        in_stage("sned email a\n wait 3d\n foo bar { baz }\n tag hot\n send email b\n on x { }\n go to\n");
    let codes: Vec<&str> = found.iter().map(|line| line.split('"').nth(1).unwrap()).collect();
    assert_eq!(codes, ["sned", "3d", "foo", "hot", "on", "to"], "{found:#?}");
}

#[test]
fn a_missing_brace_is_found_where_it_is_missing() {
    let text = "journey a {\n  stage one {\n    wait up to 3 days {\n      otherwise { end }\n  }\n  stage two { end }\n}\n";
    let (sources, parsed) = read(text);
    let [finding] = parsed.findings.as_slice() else { panic!("{:#?}", parsed.findings) };
    assert_eq!(sources.place(finding.span).1.line, 3);
    let [Declaration::Journey(journey)] = parsed.file.declarations.as_slice() else { panic!() };
    assert_eq!(journey.stages.len(), 2);
}

#[test]
fn a_brace_too_many_is_told_where_the_journey_ends_too_early() {
    let found = findings("journey a {\n  stage one { end }\n  }\n  stage two { end }\n}\n");
    assert_eq!(
        found,
        [
            "E001 \"stage\" `stage` stands inside a journey | look for a `}` too many above: it closes the journey too early"
        ]
    );
}

#[test]
fn keywords_are_reserved_only_where_they_can_stand() {
    let text = "event on { wait number one text }\njourney end {\n  enter on on where event.wait > 1\n  leave on goal\n  control 10%\n  \
                stage contact { go to stage }\n  stage stage { set contact.set = event.event end as end }\n}\n";
    let (_, parsed) = read(text);
    assert_eq!(parsed.findings, []);
    let Declaration::Journey(journey) = &parsed.file.declarations[1] else { panic!() };
    assert_eq!(journey.clauses.len(), 3);
    assert!(matches!(&journey.clauses[1].kind, tree::ClauseKind::LeaveOnGoal { name: None }));
    assert_eq!(journey.stages[1].body.statements.len(), 2);
}

#[test]
fn long_texts_lose_their_common_indent_and_keep_their_places() {
    let text = "email a {\n  body \"\"\"\n    Hello,\n      you\n    \"\"\"\n}\n";
    let (sources, parsed) = read(text);
    assert_eq!(parsed.findings, []);
    let Declaration::Message(message) = &parsed.file.declarations[0] else { panic!() };
    let tree::SettingValue::Text(body) = &message.body.settings[0].value else { panic!() };
    assert_eq!(body.value, "Hello,\n  you");
    let place = place_in_text(sources.text(body.span), body.span, 9..12);
    assert_eq!(sources.text(place), "you");
    let escaped = "email a { subject \"\\u{1F33C} \\\"hi\\\" you\" }";
    let (sources, parsed) = read(escaped);
    let Declaration::Message(message) = &parsed.file.declarations[0] else { panic!() };
    let tree::SettingValue::Text(subject) = &message.body.settings[0].value else { panic!() };
    assert_eq!(subject.value, "🌼 \"hi\" you");
    let at = subject.value.find("you").unwrap();
    assert_eq!(sources.text(place_in_text(sources.text(subject.span), subject.span, at..at + 3)), "you");
}

#[test]
fn a_blank_that_does_not_break_is_part_of_the_text() {
    let text = "email a {\n  body \"\"\"\n    Hello,\n   \u{a0}20\u{a0}% off\n    \"\"\"\n}\n";
    let (_, parsed) = read(text);
    assert_eq!(parsed.findings, []);
    let Declaration::Message(message) = &parsed.file.declarations[0] else { panic!() };
    let tree::SettingValue::Text(body) = &message.body.settings[0].value else { panic!() };
    assert_eq!(body.value, " Hello,\n\u{a0}20\u{a0}% off");
}

#[test]
fn shares_written_otherwise_are_mended_into_what_was_meant() {
    for (written, meant) in [
        ("0.5 percent", "0.5%"),
        ("10 percent", "10%"),
        ("0.1", "10%"),
        ("0.07", "7%"),
        ("1", "1%"),
        ("0,5%", "0.5%"),
    ] {
        let (_, parsed) =
            read(&format!("journey a {{ enter by request  control {written}  stage s {{ end }} }}"));
        let [finding] = parsed.findings.as_slice() else { panic!("{written}: {:?}", parsed.findings) };
        let edit = finding.edit.as_ref().map(|edit| edit.replacement.as_str());
        assert_eq!(edit, Some(meant), "{written}");
    }
}

#[test]
fn hostile_text_is_refused_in_bounded_time_and_stack() {
    for text in [
        "{ ".repeat(10_000),
        "journey a { stage b {\n".to_owned() + &"if contact.x == 1 {\n".repeat(10_000),
        "journey a {\nstage b {\nif contact.x == 1 {\n".repeat(3_000),
        "segment a = ".to_owned() + &"(".repeat(10_000),
        "segment a = ".to_owned() + &"-".repeat(10_000) + "1",
        "segment a = ".to_owned() + &"not ".repeat(10_000) + "true",
        "segment a = ".to_owned() + &"days since ".repeat(10_000) + "now",
        "email a { ".repeat(60) + &"x ".repeat(20_000),
        "journey a { stage b { ".to_owned() + &"send \n".repeat(20_000),
        "} ".repeat(20_000),
        "\u{0}\u{feff}\u{1f33c}\"\"\"".to_owned(),
    ] {
        assert!(!findings(&text).is_empty());
    }
}

#[test]
fn a_limit_is_told_once_and_named() {
    let told = |text: &str| {
        let found = findings(text);
        assert_eq!(found.len(), 1, "{found:#?}");
        found[0].split('|').next().unwrap().rsplit('"').next().unwrap().trim().to_owned()
    };
    let brackets = "more than 64 brackets lie inside one another here";
    assert_eq!(told(&("{ ".repeat(10_000) + &"} ".repeat(10_000))), brackets);
    assert_eq!(told(&format!("segment a = {}1{}", "(".repeat(65), ")".repeat(65))), brackets);
    let operators = "more than 256 operators stand in one expression here";
    assert_eq!(told(&format!("segment a = 1{}", " + 1".repeat(257))), operators);
    assert_eq!(told(&format!("segment a = true{}", " and contact.x == 1".repeat(100_000))), operators);
    let halves = format!("({0}) and ({0})", "1".to_owned() + &" + 1".repeat(128));
    assert_eq!(told(&format!("segment a = {halves}")), operators, "brackets hide none");
    assert_eq!(findings(&format!("segment a = 1{}", " + 1".repeat(256))), Vec::<String>::new());
}

#[test]
fn a_number_with_a_comma_is_told_from_a_list() {
    for list in
        ["[1,5]", "[1,5, 7]", "[ 1,5 # five\n , \"a]b\", contact.a_name_that_is_long ]", "[1,000.50, -3,]"]
    {
        assert_eq!(findings(&format!("segment a = contact.x in {list}")), Vec::<String>::new(), "{list}");
    }
    for number in ["set contact.x = 1,5", "add 1,5 to contact.x", "if contact.x == 1,5 { end }"] {
        let found = in_stage(&format!("{number}\n tag \"[]\""));
        assert!(found[0].starts_with("E001 \"1,5\"") || found[0].starts_with("E002 \"1,5\""), "{found:#?}");
        assert_eq!(found.len(), 1, "{found:#?}");
    }
}

#[test]
fn a_text_without_its_last_quote_ends_before_the_brackets_of_its_line() {
    for (text, marked) in [("tag \"hot  } x\n", "\"hot  } x"), ("tag \"hot\n", "\"hot")] {
        let found = in_stage(text);
        assert!(found[0].starts_with(&format!("E002 {marked:?} ")), "{found:#?}");
    }
}
