//! How wide text is at the most, for whatever sans-serif font the reader has: after the widest of the common ones
//! (DejaVu Sans, Verdana), so that text never leaves its box.

use unicode_width::UnicodeWidthChar;

/// The width of a text in a font of that size, in the unit of the size.
pub(super) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(em).sum::<f64>() * size
}

fn em(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | ' ' => 0.40,
        'f' | 't' | 'r' | '"' | '[' | ']' | '/' | '-' => 0.47,
        'm' | 'w' | 'M' | 'W' | '%' | '@' | '→' | '↺' => 1.0,
        'A'..='Z' | '=' | '<' | '>' | '+' | '&' => 0.84,
        _ if c.is_ascii() => 0.66,
        _ => match c.width().unwrap_or(0) {
            0 => 0.0,
            1 => 0.84,
            _ => 1.1,
        },
    }
}

/// Breaks a text into lines that fit: between words, where they allow it behind an underscore, else anywhere.
pub(super) fn wrap(text: &str, size: f64, width_max: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let Some(line) = lines.last_mut() else { break };
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&longer, size) <= width_max {
            *line = longer;
        } else if line.is_empty() {
            *line = word.to_owned();
        } else {
            lines.push(word.to_owned());
        }
        break_last(&mut lines, size, width_max);
    }
    lines
}

/// Breaks the last line as long as it does not fit.
fn break_last(lines: &mut Vec<String>, size: f64, width_max: f64) {
    while let Some(line) = lines.pop() {
        let mut wide = 0.0;
        let fits = line.char_indices().find_map(|(at, c)| {
            wide += em(c) * size;
            (wide > width_max && at > 0).then_some(at)
        });
        let Some(end) = fits else { return lines.push(line) };
        let head = line.get(..end).unwrap_or_default();
        let at = head.rfind('_').map_or(end, |underscore| underscore + 1);
        let (head, rest) = line.split_at(at);
        lines.push(head.to_owned());
        lines.push(rest.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_fit_and_lose_nothing() {
        for (text, lines) in [
            ("", &[""][..]),
            ("wait up to 3 days", &["wait up to 3", "days"]),
            ("abandoned_basket_reminder", &["abandoned_", "basket_", "reminder"]),
            ("WWWWWWWWWWWWWW", &["WWWWWWWW", "WWWWWW"]),
            ("送信メールの確認を送る", &["送信メールの確", "認を送る"]),
        ] {
            let wrapped = wrap(text, 10.0, 82.0);
            assert_eq!(wrapped, lines, "{text}");
            assert!(wrapped.iter().all(|line| width(line, 10.0) <= 82.0), "{wrapped:?}");
        }
    }
}
