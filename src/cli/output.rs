use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::finding::HumanStyle;

/// How findings are drawn: with colour where a terminal shows them and nobody said no (<https://no-color.org>).
pub(super) fn human_style() -> HumanStyle {
    let colour = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    HumanStyle { colour, width: width() }
}

fn width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    columns.unwrap_or(120)
}

/// Writes an error with its causes.
pub(super) fn complain(error: &anyhow::Error) {
    let red = if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        ("\u{1b}[1;31m", "\u{1b}[0m")
    } else {
        ("", "")
    };
    anstream::eprintln!("{}error{}: {error}", red.0, red.1);
    for cause in error.chain().skip(1) {
        anstream::eprintln!("  {cause}");
    }
}

/// A bar for work that takes longer than a second, where a terminal can show one.
pub(super) fn progress(total: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent}% {elapsed} of some {duration}");
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_message(what);
    bar
}

/// Writes a value for programs.
pub(super) fn json(value: &impl serde::Serialize) -> anyhow::Result<()> {
    anstream::println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

/// Rows under headings, in columns as wide as they need.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) {
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        let heading = headings.get(column).map_or(0, |heading| heading.chars().count());
        cells.chain([heading]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width_of).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded: Vec<String> = cells
            .zip(&widths)
            .map(|(cell, width)| format!("{cell}{}", " ".repeat(width.saturating_sub(cell.chars().count()))))
            .collect();
        anstream::println!("{}", padded.join("  ").trim_end());
    };
    line(&mut headings.iter().copied());
    for row in rows {
        line(&mut row.iter().map(String::as_str));
    }
}

/// A run as people tell it from others of its journey: with the value of `per`, where there is one.
pub(super) fn run_name(journey: &str, key: &str) -> String {
    if key.is_empty() { journey.to_owned() } else { format!("{journey} ({key})") }
}
