/// The longest line that is shown of a statement, in characters.
const CHARACTERS_MAX: usize = 120;

/// A statement as people refer to it: its text up to its block, on one line, without comments.
pub(in crate::language) fn headline(text: &str) -> String {
    let mut head = String::new();
    let mut quoted = false;
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted => {
                head.push(c);
                head.extend(characters.next());
                continue;
            }
            '"' => quoted = !quoted,
            '{' if !quoted => break,
            // A comment runs to the end of its line.
            '#' if !quoted => {
                characters.by_ref().find(|c| *c == '\n');
                head.push(' ');
                continue;
            }
            _ => {}
        }
        head.push(c);
    }
    let words: Vec<&str> = head.split_whitespace().collect();
    let line = words.join(" ");
    let line = line.strip_suffix(" otherwise").unwrap_or(&line);
    match line.char_indices().nth(CHARACTERS_MAX) {
        Some(_) => line.chars().take(CHARACTERS_MAX - 1).chain(['…']).collect(),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_shown_up_to_its_block() {
        for (text, shown) in [
            ("send email hello otherwise { end }", "send email hello"),
            ("wait up  to\n 3 days { on x { } }", "wait up to 3 days"),
            ("tag \"a#b\" # a remark", "tag \"a#b\""),
            ("set contact.a = # why\n 3", "set contact.a = 3"),
            ("alert sales \"Hot: {{ contact.email }}\"", "alert sales \"Hot: {{ contact.email }}\""),
            ("tag \"say \\\"hi\\\" {\"", "tag \"say \\\"hi\\\" {\""),
        ] {
            assert_eq!(headline(text), shown);
        }
        let cut = headline(&"é".repeat(CHARACTERS_MAX + 1));
        assert_eq!((cut.chars().count(), cut.ends_with("é…")), (CHARACTERS_MAX, true));
        assert!(!headline(&"é".repeat(CHARACTERS_MAX)).contains('…'));
    }
}
