//! Of what type a field is, by what is done with it where it is not declared yet.

use crate::ide::{Analysis, Occurrence};

/// Words behind which the value itself is true or false.
const CONDITIONS: [&str; 8] = ["if", "and", "or", "not", "where", "when", "elif", "leave"];
/// Words behind a unit of time, before which `since` and `until` ask about a moment.
const SINCE: [&str; 2] = ["since", "until"];

impl Analysis {
    /// The type that a field without a declaration is used as; text where nothing says otherwise.
    pub(super) fn used_as(&self, field: &Occurrence) -> &'static str {
        let text = &self.files.sources.get(field.span.source).text;
        let (start, end) = (field.span.start as usize, field.span.end as usize);
        let before = text.get(..start).and_then(|text| text.rsplit('\n').next()).unwrap_or("");
        let behind = text.get(end..).and_then(|text| text.lines().next()).unwrap_or("");
        by_surroundings(before, behind)
    }
}

/// The type of a field between what stands before it in its line and what stands behind it.
fn by_surroundings(before: &str, behind: &str) -> &'static str {
    let owner = before.rsplit(|c: char| c.is_whitespace() || "({".contains(c)).next().unwrap_or("");
    let before = before.strip_suffix(owner).unwrap_or(before).trim_end();
    let is_named = !owner.ends_with('.');
    let behind = behind.trim_start();
    let (last, sign) =
        (last_word(before), behind.trim_start_matches(['=', '!', '<', '>', '+', '-', '*', '/']));
    if SINCE.contains(&last) || behind.starts_with("| date") || behind.starts_with("at ") {
        return "date";
    }
    if behind.starts_with("| round") || behind.starts_with("| float") || behind.starts_with("| int") {
        return "number";
    }
    if last == "in" && before.contains("for ") && before.contains("{%") {
        return "list of text";
    }
    // `country "AT"`: in a test and behind `with` the value stands right behind the name.
    if sign.len() < behind.len() || is_named {
        return of_value(sign.trim_start());
    }
    if last == "to" && before.trim_start().rsplit_once("add ").is_some() {
        return "number";
    }
    let ends =
        behind.is_empty() || ["{", "}", "%}", ")", "and ", "or "].iter().any(|end| behind.starts_with(end));
    let asked = CONDITIONS.contains(&last) || last == "{%" || before.ends_with('(');
    if ends && asked { "boolean" } else { "text" }
}

/// The type of the value that a text begins with.
fn of_value(text: &str) -> &'static str {
    let word = text.split(|c: char| c.is_whitespace() || ",)}{]".contains(c)).next().unwrap_or("");
    let digits = word.chars().filter(char::is_ascii_digit).count();
    match word {
        "true" | "false" => "boolean",
        "today" => "date",
        "now" => "datetime",
        _ if word.len() == 10 && digits == 8 && word.matches('-').count() == 2 => "date",
        _ if digits > 0 && word.chars().all(|c| c.is_ascii_digit() || "-.".contains(c)) => "number",
        _ if word.starts_with('[') => "list of text",
        _ => "text",
    }
}

fn last_word(text: &str) -> &str {
    text.rsplit(|c: char| c.is_whitespace()).next().unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::by_surroundings;

    #[test]
    fn a_type_follows_from_what_a_field_is_compared_with() {
        for (before, behind, of) in [
            ("    if contact.", " >= 50 {", "number"),
            ("    if contact.", " == \"DE\" {", "text"),
            ("    if contact.", " {", "boolean"),
            ("    if not contact.", " and contact.vip {", "boolean"),
            ("    if contact.", " == true {", "boolean"),
            ("    if contact.", " > 2027-03-01 {", "date"),
            ("    if contact.", " < today {", "date"),
            ("    if days since contact.", " > 3 {", "date"),
            ("    if contact.", " is set {", "text"),
            ("    set contact.", " = 5", "number"),
            ("    add 10 to contact.", "", "number"),
            ("  contact { ", " 45, allows newsletter }", "number"),
            ("  contact { ", " \"AT\" }", "text"),
            ("Hello {{ contact.", " }}", "text"),
            ("until {{ contact.", " | date(\"long\") }}", "date"),
            ("{% if contact.", " %}", "boolean"),
            ("{% if contact.", " > 5 %}", "number"),
            ("{% for interest in contact.", " %}", "list of text"),
        ] {
            assert_eq!(by_surroundings(before, behind), of, "{before}FIELD{behind}");
        }
    }
}
