//! Wording that several findings share: lists, plurals, and names that are near.

/// Writes a list as people say it: `a`, `a or b`, `a, b or c`.
pub fn one_of<T: AsRef<str>>(items: &[T]) -> String {
    joined(items, "or")
}

/// Writes a list as people say it: `a`, `a and b`, `a, b and c`.
pub fn all_of<T: AsRef<str>>(items: &[T]) -> String {
    joined(items, "and")
}

/// Puts each item in backticks and lists them with "or".
pub fn one_of_ticked<T: AsRef<str>>(items: &[T]) -> String {
    let ticked: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    one_of(&ticked)
}

/// Puts each item in backticks and lists them with "and".
pub fn all_of_ticked<T: AsRef<str>>(items: &[T]) -> String {
    let ticked: Vec<String> = items.iter().map(|item| format!("`{}`", item.as_ref())).collect();
    all_of(&ticked)
}

fn joined<T: AsRef<str>>(items: &[T], word: &str) -> String {
    match items {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {word} {}", first.join(", "), last.as_ref())
        }
    }
}

/// `1 message`, `2 messages`, `0 messages`.
pub fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The declared name that was probably meant: within a third of its length, and never more than three
/// letters away, so that no far-fetched guess is offered. A word of it that differs must be near by itself: `first_name`
/// is not `last_name`.
pub fn near<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let letters = wrong.chars().count();
    let limit = (letters / 3).clamp(1, 3);
    names
        .into_iter()
        // No two names are nearer than their lengths.
        .filter(|name| name.chars().count().abs_diff(letters) <= limit)
        .map(|name| (distance(wrong, name), name))
        .filter(|(distance, name)| *distance <= limit && *name != wrong && words_are_near(wrong, name))
        .min_by_key(|(distance, name)| (*distance, *name))
        .map(|(_, name)| name)
}

/// Whether no word of a name is another one in the other, where both have as many.
fn words_are_near(wrong: &str, name: &str) -> bool {
    let words = wrong.split('_').zip(name.split('_'));
    let is_near = |(wrong, word): (&str, &str)| {
        let letters = wrong.chars().count().max(word.chars().count());
        wrong == word || distance(wrong, word) <= (letters / 2).max(1)
    };
    wrong.split('_').count() != name.split('_').count() || words.into_iter().all(is_near)
}

/// "did you mean `x`?", or, where nothing is near, what there is to choose from (up to eight names).
pub fn did_you_mean<'a>(
    wrong: &str,
    noun: &str,
    names: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    if let Some(name) = near(wrong, names.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let mut known: Vec<&str> = names.into_iter().collect();
    known.sort_unstable();
    known.dedup();
    match known.len() {
        0 => None,
        1..=8 => Some(format!("{noun}: {}", all_of(&ticked(&known)))),
        more => Some(format!(
            "{noun}: {} and {} more",
            ticked(known.get(..7).unwrap_or_default()).join(", "),
            more - 7
        )),
    }
}

fn ticked(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("`{name}`")).collect()
}

/// Letters to add, drop, change or swap to get from one to the other (Damerau–Levenshtein, adjacent swaps),
/// where capitals and small letters count as the same.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.to_lowercase().chars().collect();
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX / 2);
            let mut best =
                (at(&above, j) + usize::from(ca != cb)).min(at(&above, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(cb) && b.get(j - 1) == Some(ca);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_read_like_speech() {
        assert_eq!(one_of(&["a"]), "a");
        assert_eq!(one_of(&["a", "b"]), "a or b");
        assert_eq!(all_of(&["a", "b", "c"]), "a, b and c");
        assert_eq!(one_of_ticked(&["a", "b"]), "`a` or `b`");
        assert_eq!(counted(1, "mail"), "1 mail");
        assert_eq!(counted(0, "mail"), "0 mails");
    }

    #[test]
    fn near_names_are_near() {
        let names = ["reminder", "purchase", "thank_you"];
        assert_eq!(near("remnider", names), Some("reminder"));
        assert_eq!(near("Purchase", names), Some("purchase"));
        assert_eq!(near("thankyou", names), Some("thank_you"));
        assert_eq!(near("goodbye", names), None);
        assert_eq!(near("x", ["y"]), Some("y"));
        assert_eq!(near("last_name", ["first_name"]), None);
        assert_eq!(near("frist_nam", ["first_name"]), Some("first_name"));
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("ab", "ba"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
