use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use similar::{ChangeTag, TextDiff};

use super::End;
use super::args::FmtArgs;
use crate::finding::words;
use crate::language::format::{FormatError, format_text};
use crate::source::{journey_paths, read_text};

/// How many changed lines of a file are shown.
const LINES_SHOWN: usize = 12;

pub(super) fn run(args: &FmtArgs, dir: &Path) -> anyhow::Result<End> {
    let dir = args.workspace.or(dir);
    let paths = journey_paths(dir)?;
    if paths.is_empty() {
        bail!("`{}` holds no `.journey` file", dir.display());
    }
    let (mut changed, mut left) = (0, 0);
    for path in &paths {
        let file = dir.join(path);
        let Some(text) = readable(path, &file) else {
            left += 1;
            continue;
        };
        match format_text(&text) {
            Ok(formatted) if formatted == text => {}
            Ok(formatted) => {
                changed += 1;
                anstream::println!("{path}");
                if args.check {
                    show(&text, &formatted);
                } else {
                    replace(&file, &formatted).with_context(|| format!("`{path}` could not be written"))?;
                }
            }
            Err(FormatError::Mistakes(findings)) => {
                left += 1;
                let mistakes = words::counted(findings.len(), "mistake");
                anstream::eprintln!("{path}: left as it is, with {mistakes}; `lotse check` shows them");
            }
            Err(error @ FormatError::Meaning) => bail!("{path}: {error}"),
        }
    }
    let files = words::counted(paths.len(), "file");
    if args.check {
        anstream::eprintln!("{files} looked at, {changed} to be formatted");
    } else {
        anstream::eprintln!("{files} looked at, {changed} formatted");
    }
    Ok(if left > 0 || args.check && changed > 0 { End::Findings } else { End::Good })
}

/// The text of a file; one that cannot be read is named and left alone.
fn readable(path: &str, file: &Path) -> Option<String> {
    read_text(file).map_err(|error| anstream::eprintln!("{path}: left as it is: {error}")).ok()
}

/// Shows the first lines that change.
fn show(text: &str, formatted: &str) {
    let diff = TextDiff::from_lines(text, formatted);
    let changes: Vec<_> = diff.iter_all_changes().filter(|change| change.tag() != ChangeTag::Equal).collect();
    for change in changes.iter().take(LINES_SHOWN) {
        let line = change.old_index().or(change.new_index()).unwrap_or(0) + 1;
        let value: String = change.value().trim_end_matches('\n').chars().map(seen).collect();
        anstream::println!("  {line:>4} {} {value}", change.tag());
    }
    if changes.len() > LINES_SHOWN {
        anstream::println!("       … and {} more", words::counted(changes.len() - LINES_SHOWN, "line"));
    }
}

/// A character that does something to a terminal, as a sign that does not.
fn seen(c: char) -> char {
    if c.is_control() && c != '\t' || c == '\u{feff}' { char::REPLACEMENT_CHARACTER } else { c }
}

/// Puts another text in the place of a file at once, with the rights it has.
fn replace(file: &Path, text: &str) -> anyhow::Result<()> {
    // What a link points to is what changes, not the link.
    let file = file.canonicalize()?;
    let folder = file.parent().context("it is in no folder")?;
    let mut written = tempfile::NamedTempFile::new_in(folder)?;
    written.write_all(text.as_bytes())?;
    written.as_file().set_permissions(std::fs::metadata(&file)?.permissions())?;
    written.as_file().sync_all()?;
    written.persist(&file)?;
    Ok(())
}
