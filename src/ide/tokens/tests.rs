use proptest::prelude::*;

use super::*;
use crate::ide::testing::{SHOP, shop_with};

fn drawn(text: &str) -> String {
    let (shop, _) = shop_with("a.journey", text);
    let source = shop.source("a.journey").unwrap();
    let tokens = tokens(&shop, source, 0..text.len()).into_iter();
    tokens
        .map(|token| {
            let written = shop.files.sources.text(token.span);
            let declares = if token.is_declaration { " declares" } else { "" };
            format!("{written} {:?}{declares}", token.kind)
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn words_are_what_they_mean() {
    insta::assert_snapshot!(drawn(
        "# greets\nemail hello {\n  topic newsletter\n  subject \"Hi {{ contact.first_name }}!\"\n  body \"\"\"\n  Hello\n  \"\"\"\n}\n\
         journey a {\n  enter on order_placed where event.total >= 20\n  stage s {\n    wait up to 3 days {\n      \
         on clicked hello { set contact.score = 1 }\n      otherwise { send email gone }\n    }\n    end as done_it\n  }\n}\n"
    ));
}

#[test]
fn broken_text_keeps_its_colours() {
    let shown = drawn("journey a {\n  stage s {\n    wait foo bar 3 \"x\n    send email welcome\n  }\n}\n");
    assert!(shown.contains("wait Keyword") && shown.contains("send Keyword"), "{shown}");
    assert!(shown.contains("welcome Name(Message)"), "{shown}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn tokens_never_overlap(from in 0..SHOP.len(), length in 0..200_usize) {
        let keep = |at: usize| SHOP.is_char_boundary(at);
        prop_assume!(keep(from) && keep((from + length).min(SHOP.len())));
        let text = format!("{}{}", &SHOP[..from], &SHOP[(from + length).min(SHOP.len())..]).replace('|', "");
        let (shop, _) = shop_with("shop.journey", &text);
        let source = shop.source("shop.journey").unwrap();
        let mut end = 0;
        for token in tokens(&shop, source, 0..text.len()) {
            prop_assert!(token.span.start >= end, "{:?}", shop.files.sources.text(token.span));
            prop_assert!(!shop.files.sources.text(token.span).contains('\n'));
            end = token.span.end;
        }
    }
}
