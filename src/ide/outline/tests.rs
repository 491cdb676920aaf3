use super::*;

/// Where the author is at the `¦`: the keys that lead there, the key whose value is written, what has been begun,
/// and the other keys of the section.
fn at(text: &str) -> String {
    let offset = text.find('¦').unwrap();
    let text = text.replacen('¦', "", 1);
    let outline = Outline::of(&text, offset);
    let Some(place) = outline.place() else { return "nowhere".to_owned() };
    let key = outline.key(place).unwrap_or("?");
    let others: Vec<&str> = outline.others(place).collect();
    format!("{}/{key} {:?} {}", outline.path(place).join("."), &text[place.begun.clone()], others.join(" "))
}

#[test]
fn the_keys_that_lead_to_a_place_are_known() {
    for (text, expected) in [
        ("¦", "/? \"\" "),
        ("work¦", "/? \"work\" "),
        ("listen: x\n¦\nsecret: y\n", "/? \"\" listen secret"),
        ("timezone: Eur¦", "/timezone \"Eur\" "),
        ("timezone: ¦\nlisten: x", "/timezone \"\" listen"),
        ("timezone: \"Eur¦\"", "/timezone \"Eur\" "),
        ("timezone: x # why¦", "nowhere"),
        ("# so¦", "nowhere"),
        ("senders:\n  ¦", "senders/? \"\" "),
        ("senders:\n  marketing:\n    ¦", "senders.marketing/? \"\" "),
        (
            "senders:\n  marketing:\n    from: x\n    ¦\n    address: y",
            "senders.marketing/? \"\" from address",
        ),
        ("senders:\n  marketing:\n    from: x\n  ¦", "senders/? \"\" marketing"),
        ("senders:\n  marketing:\n    from: x\n¦", "/? \"\" senders"),
        ("senders:\n  a:\n    dkim:\n      domain: ¦", "senders.a.dkim/domain \"\" "),
        ("teams:\n  sales:\n    assign:\n      - ¦", "teams.sales.assign/? \"\" "),
        ("teams:\n  sales:\n    assign:\n      - to: a\n        ¦", "teams.sales.assign/? \"\" to"),
        ("teams:\n  sales:\n    assign:\n    - to: a\n    - wh¦", "teams.sales.assign/? \"wh\" "),
        ("teams:\n  sales:\n    assign:\n      - to: a\n    ¦", "teams.sales/? \"\" assign"),
        ("smtp: { ¦", "smtp/? \"\" "),
        ("smtp: { url: x, ¦ }", "smtp/? \"\" url"),
        ("smtp: { url: x, conn¦, per_second: 2 }", "smtp/? \"conn\" url per_second"),
        ("tracking: { opens: ¦ }", "tracking/opens \"\" "),
        ("tracking: { opens: tr¦, clicks: true }", "tracking/opens \"tr\" clicks"),
        ("senders:\n  a: { dkim: { ¦ }, from: x }", "senders.a.dkim/? \"\" "),
        ("teams: { sales: { assign: [ { to: a, ¦ } ] } }", "teams.sales.assign/? \"\" to"),
        (
            "teams:\n  sales:\n    assign: [ { when: \"contact.¦\" } ]",
            "teams.sales.assign/when \"contact.\" ",
        ),
        ("allow_addresses: [ 10.0.0.1, ¦ ]", "/allow_addresses \"\" "),
        ("smtp: {\n  url: x,\n  ¦\n}\nlisten: y", "smtp/? \"\" url"),
        ("smtp: { url: x\nlisten: ¦", "/listen \"\" smtp"),
        ("senders:\n  a:\n    address: |\n      Street ¦\n", "nowhere"),
        ("public_url: https://a.example\n¦", "/? \"\" public_url"),
    ] {
        assert_eq!(at(text), expected, "{text}");
    }
}

#[test]
fn a_key_is_found_by_itself_and_by_its_value() {
    let text = "smtp: { url: x, connections: 8 }\nsenders:\n  a:\n    from: b <c@d.example>\n";
    for (word, expected) in [
        ("smtp", "smtp"),
        ("url", "smtp.url"),
        ("8", "smtp.connections"),
        ("from", "senders.a.from"),
        ("c@d", "senders.a.from"),
    ] {
        let offset = text.find(word).unwrap();
        let outline = Outline::of(text, offset);
        let (entry, mut path) = outline.entry_at(offset).unwrap();
        path.push(&entry.key);
        assert_eq!(path.join("."), expected);
    }
}

proptest::proptest! {
    #[test]
    fn any_text_has_an_outline(text in "(a|b: |\\{|\\}|\\[|\\]|,|\"|'|#|\n|  |- |:|é|\\|){0,24}", at in 0..30_usize) {
        let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap();
        let outline = Outline::of(&text, at);
        if let Some(place) = outline.place() {
            proptest::prop_assert!(place.begun.start <= place.begun.end && place.begun.end == at);
            proptest::prop_assert!(text.is_char_boundary(place.begun.start));
        }
    }
}
