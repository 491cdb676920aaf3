use std::borrow::Cow;

use super::node::Rule;
use super::text::with_fewest_escapes;

/// A literal as it is written best. `count` is the whole number that stands before it, where one does.
pub(super) fn canonical<'t>(rule: Rule, text: &'t str, count: Option<&str>) -> Cow<'t, str> {
    match rule {
        Rule::plain_text => with_fewest_escapes(text).into(),
        Rule::long_text if text.contains("\r\n") => text.replace("\r\n", "\n").into(),
        Rule::digits | Rule::number => without_zeros(text).into(),
        Rule::signed_number => match text.strip_prefix('-') {
            Some(number) => format!("-{}", without_zeros(number)).into(),
            None => without_zeros(text).into(),
        },
        Rule::share => {
            let number = text.trim_end_matches('%').trim_end();
            format!("{}%", without_zeros(number)).into()
        }
        Rule::clock_time if text.len() == 4 => format!("0{text}").into(),
        Rule::unit | Rule::k_days | Rule::k_times => {
            let one = text.strip_suffix('s').unwrap_or(text);
            if count == Some("1") { one.into() } else { format!("{one}s").into() }
        }
        _ => text.into(),
    }
}

/// `7` for `007`, and `0.5` for `00.5`.
fn without_zeros(number: &str) -> &str {
    let without = number.trim_start_matches('0');
    let kept =
        if without.starts_with(|c: char| c.is_ascii_digit()) { without.len() } else { without.len() + 1 };
    number.get(number.len().saturating_sub(kept)..).unwrap_or(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_have_one_form() {
        for (rule, text, count, best) in [
            (Rule::number, "007", None, "7"),
            (Rule::number, "0", None, "0"),
            (Rule::number, "000", None, "0"),
            (Rule::number, "00.50", None, "0.50"),
            (Rule::number, "49.90", None, "49.90"),
            (Rule::signed_number, "-010", None, "-10"),
            (Rule::share, "05 %", None, "5%"),
            (Rule::clock_time, "9:00", None, "09:00"),
            (Rule::clock_time, "10:00", None, "10:00"),
            (Rule::unit, "days", Some("1"), "day"),
            (Rule::unit, "day", Some("2"), "days"),
            (Rule::unit, "day", None, "days"),
            (Rule::k_times, "time", Some("0"), "times"),
            (Rule::long_text, "\"\"\"\r\n a\r\n\"\"\"", None, "\"\"\"\n a\n\"\"\""),
            (
                Rule::plain_text,
                r#""a \"b\" \\ \n\t\u{1F33C}\u{a0}""#,
                None,
                "\"a \\\"b\\\" \\\\ \\n\\t🌼\\u{A0}\"",
            ),
            (Rule::plain_text, "\"a\tb\u{200B}\"", None, "\"a\\tb\\u{200B}\""),
        ] {
            assert_eq!(canonical(rule, text, count), best, "{text}");
        }
    }
}
