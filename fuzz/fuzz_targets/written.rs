//! The journey files that `tests/written.rs` makes of bytes, and what becomes of them by chance.

#[path = "../../tests/written.rs"]
#[allow(dead_code, reason = "each target uses a part of it")]
mod words;

/// Bytes as a text: some as they are, some as a file that is right, some as one with pieces moved and missing.
pub fn text(data: &[u8]) -> String {
    let Some((first, rest)) = data.split_first() else { return String::new() };
    let (between, choices) = rest.split_at(rest.len() / 4);
    match first % 4 {
        0 | 1 => String::from_utf8_lossy(rest).into_owned(),
        2 => right(choices, between),
        _ => {
            let mut words = words::words(choices);
            for pair in between.chunks_exact(2) {
                let index = pair[0] as usize % words.len().max(1);
                match pair[1] % 4 {
                    0 if index < words.len() => drop(words.remove(index)),
                    1 if index < words.len() => words.insert(index, words[index].clone()),
                    2 => words.insert(index, char::from(pair[1]).to_string()),
                    _ => {}
                }
            }
            words::commented(&words, &[&[0], between].concat())
        }
    }
}

/// A file that is right, with blanks and comments as bytes choose.
pub fn right(choices: &[u8], between: &[u8]) -> String {
    words::commented(&words::words(choices), &[&[0], between].concat())
}
