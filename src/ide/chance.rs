use std::path::Path;

use proptest::prelude::*;

use crate::ide::completion::completion;
use crate::ide::hover::hover;
use crate::ide::testing::shop_with;
use crate::ide::tokens::tokens;

/// The journeys that come with Lotse.
fn journeys() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let mut texts = Vec::new();
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "journey") {
                texts.push(std::fs::read_to_string(path).unwrap());
            }
        }
    }
    texts.sort();
    assert!(texts.len() > 10);
    texts
}

/// The nearest place before that lies between two characters.
fn place(text: &str, part: f64) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a short text"
    )]
    let at = (text.len() as f64 * part) as usize;
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Wherever somebody stops to write, or takes something away, help comes without a fault, and what is offered
    /// takes the place of what has been begun there alone.
    #[test]
    fn help_comes_anywhere(
        which in 0..100_usize,
        cut in 0.0..1.0_f64,
        length in 0.0..0.1_f64,
        whole in any::<bool>(),
    ) {
        let journeys = journeys();
        let text = &journeys[which % journeys.len()];
        let from = place(text, cut);
        let to = if whole { text.len() } else { place(text, (cut + length).min(1.0)) };
        let text = format!("{}¦{}", &text[..from], &text[to..]);
        let (shop, offset) = shop_with("a.journey", &text);
        let source = shop.source("a.journey").unwrap();
        let file = &shop.files.sources.get(source).text;
        for item in completion(&shop, source, offset) {
            prop_assert!(item.replaces.range().end == offset && item.replaces.range().start <= offset);
            prop_assert!(!file[item.replaces.range()].contains('\n'), "{}", item.label);
        }
        hover(&shop, source, offset);
        tokens(&shop, source, 0..file.len());
    }
}
