//! What the words of the language do: the one table that hover, completion and signatures read.
//!
//! Each entry belongs to a rule of the grammar, so that what can stand at a place (`syntax::ahead`) and what stands
//! there already lead to the same text. A test holds that every keyword of the grammar has an entry, and that
//! every example is well-formed and checks.

mod condition;
mod file;
mod head;
mod stage;
mod synonyms;
mod test;

use std::collections::BTreeMap;
use std::sync::LazyLock;

pub use synonyms::synonyms;

/// A clause of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word {
    /// The rule of the grammar.
    pub rule: &'static str,
    /// The words it begins with, as lists show it.
    pub label: &'static str,
    /// The whole clause, with `${1:what}` for what is to be filled in, in the order of the numbers.
    pub snippet: &'static str,
    /// What it does, in a sentence.
    pub what: &'static str,
    /// How it looks.
    pub example: &'static str,
    /// The rule that it goes on, with the words that stand before it there: `wait` before `until 09:00`.
    pub behind: Option<(&'static str, &'static str)>,
    /// Where it stands.
    pub place: Place,
}

/// Where a clause stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// At the top of a file.
    File,
    /// Among the fields of a contact or an event.
    Fields,
    /// In an email.
    Message,
    /// In a survey.
    Survey,
    /// In the policy.
    Policy,
    /// At the head of a journey.
    Head,
    /// In a stage.
    Stage,
    /// In a wait.
    Wait,
    /// In an experiment.
    Experiment,
    /// In an expression.
    Condition,
    /// In a test.
    Test,
}

impl Place {
    /// An entry of this place: its rule, how lists show it and what it is written out to, what it does, how it looks.
    const fn word(
        self,
        rule: &'static str,
        [label, snippet]: [&'static str; 2],
        what: &'static str,
        example: &'static str,
    ) -> Word {
        Word { rule, label, snippet, what, example, behind: None, place: self }
    }
}

impl Word {
    /// Says that it goes on another rule, behind these words.
    const fn behind(self, rule: &'static str, words: &'static str) -> Self {
        Self { behind: Some((rule, words)), ..self }
    }
}

/// All entries, in the order in which lists show them.
pub fn all() -> impl Iterator<Item = &'static Word> + Clone {
    [file::WORDS, head::WORDS, stage::WORDS, condition::WORDS, test::WORDS].into_iter().flatten()
}

/// The entries of a rule of the grammar.
pub fn of(rule: &str) -> &'static [&'static Word] {
    static BY_RULE: LazyLock<BTreeMap<&'static str, Vec<&'static Word>>> = LazyLock::new(|| {
        let mut by_rule: BTreeMap<&str, Vec<&Word>> = BTreeMap::new();
        for word in all() {
            by_rule.entry(word.rule).or_default().push(word);
        }
        by_rule
    });
    BY_RULE.get(rule).map_or(&[], Vec::as_slice)
}

/// The entries that go on a rule of the grammar.
pub fn behind(rule: &str) -> impl Iterator<Item = &'static Word> {
    all().filter(move |word| word.behind.is_some_and(|(behind, _)| behind == rule))
}

/// The number of an entry in the order in which lists show them.
pub fn number(word: &Word) -> usize {
    all().position(|known| std::ptr::eq(known, word)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
