use proptest::prelude::*;

use super::*;

/// The keywords and signs that could stand at the end of a text, and the kinds of literals in brackets.
fn next(text: &str) -> String {
    let mut words: Vec<String> = Vec::new();
    for ahead in ahead(text) {
        let within = ahead.within().map_or("", |around| around.rule);
        let word = match ahead.keyword() {
            Some(word) => word.to_owned(),
            None if has_rule(ahead.rule) => format!("<{within} {}>", ahead.rule),
            None => ahead.rule.to_owned(),
        };
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(" ")
}

const STATEMENTS: &str = "send call hand alert wait if experiment repeat stop set clear add tag untag allow refuse \
                          record start go end }";
const CLAUSES: &str = "stage owner enter reenter starts ends permission goal leave control priority quiet cap late \
                       timezone on }";
const DECLARATIONS: &str = "contact event topic measure segment survey policy journey test <channel name>";

#[test]
fn the_grammar_says_what_could_stand_at_the_end() {
    let sent = format!("to with at otherwise {STATEMENTS}");
    let closed = format!("else {STATEMENTS}");
    for (text, expected) in [
        ("", DECLARATIONS),
        ("contact { a text }\njourney x { stage a { end }\n stage b { end }\n}\n", DECLARATIONS),
        ("journey x {\n  ", CLAUSES),
        ("journey x { enter ", "by every after yearly on <duration digits> when"),
        ("journey x {\n  stage a {\n    send email x\n    ", &sent),
        ("journey x { stage a { send ", "first best <send_one name>"),
        ("journey x { stage a { send email ", "<send_one name>"),
        ("journey x { stage a { wait ", "up until <wait_business digits> <duration digits>"),
        ("journey x { stage a { wait 3 ", "business <duration unit>"),
        ("journey x { stage a { wait up to 3 days { ", "on otherwise }"),
        (
            "journey x { stage a { wait up to 3 days { on ",
            "<reaction reaction_kind> reply accepted rejected <trigger name>",
        ),
        ("journey x { stage a { if contact.", "<field name_in_expression> {"),
        (
            "journey x { stage a { if contact.country ",
            "is or and not in != <= >= < > contains starts ends == + - * / <condition stray> {",
        ),
        ("journey x { stage a { if contact.vip { end } ", &closed),
        ("email x { ", "utm in <text_setting setting_word> <message_setting name> }"),
        ("contact { a ", "list <field_type name>"),
        (
            "test \"a\" for j { ",
            "contact held variant allow expect at after event click open bounce complain reply answer accept reject \
             set enter nothing }",
        ),
        (
            "test \"a\" for j { expect no email\n expect ",
            "no stage goal outcome handoff hand call skipped <field scope> <expect_message name>",
        ),
        (
            "test \"a\" for j { expect ",
            "no stage goal outcome handoff hand call skipped <field scope> <expect_message name>",
        ),
    ] {
        assert_eq!(next(text), expected, "{text:?}");
    }
}

#[test]
fn what_goes_on_an_entry_is_not_lost() {
    for text in
        ["journey x { enter on a where ", "segment a = contact.vip and ", "journey x { stage s { if not "]
    {
        assert!(next(text).contains("<field scope>"), "{text:?} {}", next(text));
    }
}

#[test]
fn broken_text_leads_on_behind_it() {
    for text in [
        "journey x { stage a { if foo bar baz\n ",
        "journey x { stage a { wait up to { on clicked x { ",
        "journey { stage { send email x\n ",
        "journey x { enter on\n stage a {\n ",
    ] {
        assert!(next(text).contains("send call"), "{text:?} {}", next(text));
    }
}

#[test]
fn what_stands_around_is_known() {
    let found = ahead("journey spring { stage a { wait up to 1 day { on order_placed { go to ");
    let name = found.iter().find(|ahead| ahead.rule == "name").unwrap();
    assert_eq!(name.within().unwrap().rule, "go_to");
    let text = |rule: &str| {
        let around = name.around.iter().find(|around| around.rule == rule).unwrap();
        around.before.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(text("journey_declaration"), "journey spring");
    assert_eq!(text("on_branch"), "on order_placed");
}

#[test]
fn a_place_lies_in_a_comment_a_text_or_neither() {
    let text = "a \"b\" # c\n\"\"\"d\"\"\" \"e\n";
    for (offset, expected) in [
        (1, Lies::Open),
        (2, Lies::Open),
        (3, Lies::Text(2..5)),
        (4, Lies::Text(2..5)),
        (5, Lies::Open),
        (6, Lies::Open),
        (7, Lies::Comment(6..9)),
        (13, Lies::Text(10..17)),
        (17, Lies::Open),
        (20, Lies::Text(18..20)),
    ] {
        assert_eq!(lies(text, offset), expected, "{offset}");
    }
}

proptest! {
    #[test]
    fn any_text_can_be_asked(text in "(journey |stage |test |\\{|\\}|\"|#|\n| |wait up to |on |a|1|if |\\(|=|@|é){0,24}") {
        ahead(&text);
        lies(&text, text.len());
    }
}
