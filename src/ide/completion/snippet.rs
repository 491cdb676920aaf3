/// A snippet as it is read where nobody fills it in: what stands in its fields, and of a choice what comes first.
pub fn plain(snippet: &str) -> String {
    let mut text = String::new();
    let mut rest = snippet;
    let mut fields = 0;
    while let Some(at) = rest.find(['$', '}', '\\']) {
        let (before, behind) = rest.split_at(at);
        text.push_str(before);
        let mut characters = behind.chars();
        rest = match characters.next() {
            Some('$') => in_field(characters.as_str(), &mut text, &mut fields),
            Some('}') if fields > 0 => {
                fields -= 1;
                characters.as_str()
            }
            Some('\\') => {
                text.extend(characters.next());
                characters.as_str()
            }
            other => {
                text.extend(other);
                characters.as_str()
            }
        };
    }
    text + rest
}

/// Passes over the number of a field, and over what else could be chosen there; answers what stands in it, and behind.
fn in_field<'s>(field: &'s str, text: &mut String, fields: &mut usize) -> &'s str {
    let digits = |text: &'s str| text.trim_start_matches(|c: char| c.is_ascii_digit());
    let Some(inside) = field.strip_prefix('{').map(digits) else { return digits(field) };
    match inside.strip_prefix('|').and_then(|choices| choices.split_once("|}")) {
        Some((choices, behind)) => {
            text.push_str(choices.split(',').next().unwrap_or(""));
            behind
        }
        None => {
            *fields += 1;
            inside.strip_prefix(':').unwrap_or(inside)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn snippets_are_plain_text_to_an_editor_that_does_not_know_them() {
        let table = [
            ("wait ${1:1} ${2|day,days|}$0", "wait 1 day"),
            ("email ${1:name} {\n  subject \"$2\" {{ url }}\n}", "email name {\n  subject \"\" {{ url }}\n}"),
            ("\\{\\{ contact.${1:name} \\}\\}", "{{ contact.name }}"),
            ("costs \\$5", "costs $5"),
            ("at ${1:2027-03-01 10:00} event", "at 2027-03-01 10:00 event"),
        ];
        for (snippet, text) in table {
            assert_eq!(plain(snippet), text, "{snippet}");
        }
    }
}
