use super::*;
use crate::ide::testing::{SHOP, shop_with};

fn shown(path: &str, text: &str) -> String {
    let (shop, offset) = shop_with(path, text);
    let source = shop.source(path).unwrap();
    hover(&shop, source, offset).map_or_else(|| "nothing".to_owned(), |hover| hover.markdown)
}

/// The shop with the pointer behind the first letter of what follows `before`.
fn in_shop(before: &str, word: &str) -> String {
    let at = SHOP.find(before).unwrap_or_else(|| panic!("{before}")) + before.len();
    assert!(SHOP[at..].starts_with(word), "{before}{word}");
    let text = format!("{}¦{}", &SHOP[..=at], &SHOP[at + 1..]);
    shown("shop.journey", &text)
}

#[test]
fn names_say_what_they_stand_for() {
    let mut texts = Vec::new();
    for (before, word) in [
        ("enter      on ", "newsletter_signup"),
        ("worth event.", "total"),
        ("permission ", "newsletter"),
        ("send email ", "welcome"),
        ("go to ", "second"),
        ("segment ", "regulars"),
        ("survey_url(\"", "satisfaction"),
        ("from     ", "marketing"),
        ("template \"", "emails"),
        ("  goal       ", "purchase"),
        ("journey ", "greeting"),
        ("subject \"Welcome, {{ contact.", "first_name"),
        ("email receipt {\n  topic    ", "account"),
    ] {
        texts.push(format!("## {word}\n\n{}", in_shop(before, word)));
    }
    insta::assert_snapshot!(texts.join("\n\n"));
}

#[test]
fn words_say_what_they_do() {
    for (text, expected) in [
        ("journey a { stage s { w¦ait up to 3 days { } } }", "Lets time pass"),
        ("journey a { stage s { wait u¦p to 3 days { } } }", "Waits for the first of several things"),
        ("journey a { stage s { wait until¦ 09:00 } }", "Waits until"),
        ("journey a { stage s { se¦nd email welcome } }", "Sends a message"),
        ("journey a { e¦nter on order_placed }", "how contacts get in"),
        ("journey a { enter o¦n order_placed }", "Lets contacts enter at that event"),
        ("journey a { stage s { wait up to 1 day { on cl¦icked welcome { } } } }", "follows a link"),
        ("email a { subj¦ect \"b\" }", "The subject of the email"),
        ("email a { to¦pic account }", "what the message is about"),
        ("contact { a nu¦mber }", "A number"),
        ("journey a { stage s { if contact.vip a¦nd contact.vip { } } }", "Whether both hold"),
        ("journey a { stage s { if cou¦nt(order_placed) > 3 { } } }", "How many such events"),
        ("# allow W60¦1: why", "deciding by opens alone"),
        ("journey a { sta¦ge s { foo } }", "A part of the journey"),
        ("journey a { stage s { foo ba¦r } }", "nothing"),
        ("jour¦ney a { stage s { send } }", "Declares a journey"),
    ] {
        let shown = shown("a.journey", text);
        assert!(shown.contains(expected), "{text}: {shown}");
    }
}

#[test]
fn lengths_of_time_say_whose_clock_counts() {
    for (text, expected) in [
        (
            "journey a { stage s { wait ¦3 days } }",
            "same clock time, on the contact's clock (Europe/Berlin where it has none)",
        ),
        ("journey a { stage s { wait 3 da¦ys } }", "counted from arriving here"),
        (
            "journey a { timezone \"America/New_York\" stage s { wait 3 da¦ys } }",
            "on the clock of America/New_York",
        ),
        ("journey a { stage s { wait up to 90 min¦utes { } } }", "Exactly that long"),
        ("journey a { goal b on order_placed within 1¦ month }", "counted from entering the journey"),
        ("segment a = count(order_placed in last 36¦5 days) > 2", "counted back from now"),
        ("journey a { stage s { wait 3 business da¦ys } }", "Saturdays and Sundays left out"),
    ] {
        let shown = shown("a.journey", text);
        assert!(shown.contains(expected), "{text}: {shown}");
    }
    assert!(shown("a.journey", "journey a { stage s { wait 3 da¦ys } }").starts_with("**3 days**"));
}

#[test]
fn shares_dates_and_times_say_what_they_mean() {
    for (text, expected) in [
        ("journey a { control ¦10% }", "**10%**, one in 10"),
        ("journey a { control 10¦ % }", "no stage runs for it"),
        ("journey a { stage s { experiment b { variant c ¦50% { } } } }", "One way of an experiment"),
        ("policy { holdout 1.5¦% }", "15 of 1,000"),
        ("journey a { starts 2027-¦03-01 }", "**2027-03-01**, Monday, 1 March 2027"),
        ("journey a { starts 2027-¦03-01 }", "Lets nobody enter before"),
        ("journey a { stage s { wait until 09¦:00 } }", "on the contact's clock (Europe/Berlin"),
        ("journey a { timezone \"UTC\" stage s { wait until 09¦:00 } }", "on the clock of UTC"),
    ] {
        let shown = shown("a.journey", text);
        assert!(shown.contains(expected), "{text}: {shown}");
    }
}

#[test]
fn keys_of_the_settings_say_what_they_do() {
    for (text, expected) in [
        ("time¦zone: UTC", "Whose clock counts"),
        ("timezone: UT¦C", "Whose clock counts"),
        ("senders:\n  a:\n    fr¦om: b", "What recipients see"),
        ("smtp: { url: x, conn¦ections: 3 }", "How many connections are open at once"),
        ("tracking:\n  opens: fa¦lse", "an image that tells of their opening"),
        ("teams:\n  sales:\n    assign:\n      - to: x\n        wh¦en: y", "For which contacts"),
        ("sen¦ders:\n", "from: Shop <hello@example.com>"),
        ("not_a¦_key: 1", "nothing"),
    ] {
        let shown = shown("lotse.yaml", text);
        assert!(shown.contains(expected), "{text}: {shown}");
    }
}

#[test]
fn filters_of_templates_show_how_they_are_written() {
    let round = shown("emails/receipt.mjml", "{{ contact.score | ro¦und }}");
    assert_eq!(round, "`round(2)`\n\nRounds a number to so many digits behind the point.");
    let in_quotes =
        shown("a.journey", "email a { subject \"Hi {{ contact.first_name | def¦ault('you') }}\" }");
    assert!(in_quotes.contains("where the value is not set"), "{in_quotes}");
    assert_eq!(shown("emails/receipt.mjml", "ro¦und"), "nothing");
    assert!(shown("emails/receipt.mjml", "{{ unsub¦scribe_url }}").contains("refuse"));
}
