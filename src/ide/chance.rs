use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::completion::{Completion, completion};
use super::hover::hover;
use super::testing::shop_with;
use super::tokens::tokens;
use super::{Analysis, Role};
use crate::language::syntax;
use crate::source::{Span, WorkspaceFiles};

/// The workspaces that come with Lotse.
fn workspaces() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("journeys");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.retain(|folder| folder.is_dir());
    folders.sort();
    assert!(folders.len() > 10);
    folders
}

/// Their journeys.
fn journeys() -> Vec<String> {
    let mut texts = Vec::new();
    for folder in workspaces() {
        let files = WorkspaceFiles::read(&folder).unwrap();
        texts.extend(files.journeys.iter().map(|id| files.sources.get(*id).text.to_string()));
    }
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

/// Every so many words are looked at.
const EVERY: usize = 7;

/// The words of the journeys that come with Lotse, and the names that are used there, are offered where they stand to
/// whoever has written what is before them.
#[test]
fn what_people_wrote_would_have_been_offered() {
    let mut missed = Vec::new();
    let mut count = 0;
    for folder in workspaces() {
        let whole = Analysis::of(WorkspaceFiles::read(&folder).unwrap());
        for id in &whole.files.journeys {
            let text = &whole.files.sources.get(*id).text;
            for leaf in syntax::leaves(text, 0..text.len()) {
                let at = Span::new(*id, leaf.range.start, leaf.range.start);
                let names = whole.names_at(*id, at.start).iter();
                let is_use =
                    names.into_iter().any(|name| name.role == Role::Use && name.span.at_start() == at);
                if !is_use && !leaf.rule.starts_with("k_") {
                    continue;
                }
                count += 1;
                if count % EVERY == 0 && !is_offered(&whole, at, &text[leaf.range.clone()]) {
                    missed.push(text[..leaf.range.end].rsplit('\n').next().unwrap().to_owned());
                }
            }
        }
    }
    assert!(count > 4_000, "{count}");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Whether a word is offered at a place where the text ends.
fn is_offered(whole: &Analysis, at: Span, word: &str) -> bool {
    let mut analysis = whole.clone();
    let sources = &whole.files.sources;
    analysis.files = WorkspaceFiles::from_texts(sources.iter().map(|(id, file)| {
        let end = if id == at.source { at.range().start } else { file.text.len() };
        (file.path.as_str(), &file.text[..end])
    }));
    let offers = |item: &Completion| {
        let written = item.insert.replace("${1:", "").replace("${1|", "");
        written.starts_with(word.trim()) || item.label.starts_with(word)
    };
    completion(&analysis, at.source, at.range().start).iter().any(offers)
}
