use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use serde_json::json;

use super::super::again::again;
use super::super::args::{Format, ImportArgs};
use super::super::workspace::{Workspace, block_on};
use super::super::{End, audit, output};
use crate::contact_file::{Problem, Reader};
use crate::finding::words;
use crate::runtime::{import_row, import_schema, passes_run_out};
use crate::store::{Deed, DeedKind, ImportCounts, ImportRow, Store};
use crate::time::{Clock, SystemClock};

/// How many rows are written at once.
const BATCH: usize = 2_000;
/// How many problems are shown; the rest is counted.
const PROBLEMS_SHOWN: usize = 50;

/// What became of a file.
#[derive(Default)]
struct Report {
    counts: ImportCounts,
    rows: u64,
    problems: Vec<Problem>,
    problem_count: u64,
    repeated: u64,
    /// Whether somebody refuses something.
    refuses: bool,
}

pub(in super::super) fn run(args: &ImportArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(dir)?;
    let model = &workspace.checked.model;
    for topic in &args.allow {
        if model.topic(topic).is_none() {
            let known = model.topics.iter().map(|topic| topic.name.as_str());
            let near = words::did_you_mean(topic, "topics there are", known).unwrap_or_default();
            bail!("there is no topic `{topic}`; {near}");
        }
    }
    let renames: Vec<(String, String)> = args
        .map
        .iter()
        .map(|pair| match pair.split_once('=') {
            Some((column, attribute)) => Ok((column.trim().to_owned(), attribute.trim().to_owned())),
            None => bail!("`{pair}` is not COLUMN=ATTRIBUTE"),
        })
        .collect::<anyhow::Result<_>>()?;
    let shown = args.file.display();
    let file = File::open(&args.file).with_context(|| format!("`{shown}` cannot be read"))?;
    let schema = import_schema(model, &workspace.config.timezone);
    let mut reader = Reader::open(file, schema, &renames).with_context(|| format!("`{shown}`"))?;
    tell_columns(&reader);
    let source = args.source.clone().unwrap_or_else(|| format!("import of {}", file_name(&args.file)));
    let report = block_on(async {
        let store = if args.dry_run { None } else { Some(workspace.open_store().await?) };
        import(&mut reader, store.as_deref(), &args.allow, &source).await
    })?;
    answer(&report, args)?;
    Ok(if report.problem_count > 0 { End::Findings } else { End::Good })
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn tell_columns<R: std::io::Read + std::io::Seek>(reader: &Reader<R>) {
    let skipped: Vec<&str> = reader
        .columns()
        .iter()
        .filter(|column| column.becomes.is_none())
        .map(|column| column.name.as_str())
        .collect();
    anstream::eprintln!("read as {}, columns divided by {:?}", reader.encoding(), reader.delimiter());
    if !skipped.is_empty() {
        let some: Vec<&str> = skipped.iter().take(8).copied().collect();
        let more = skipped.len() - some.len();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        anstream::eprintln!(
            "columns that are skipped: {}{more} (declare them in `contact {{ … }}`, or say what they are with --map)",
            words::all_of(&some)
        );
    }
}

async fn import<R: std::io::Read + std::io::Seek>(
    reader: &mut Reader<R>,
    store: Option<&dyn Store>,
    allow: &[String],
    source: &str,
) -> anyhow::Result<Report> {
    let (_, total) = reader.progress();
    let bar = output::progress(total, "contacts");
    let mut report = Report::default();
    // The same for every batch, so that one import is one deed.
    let deed = audit::deed(DeedKind::Imported, format!("contacts from `{source}`"));
    let mut batch: Vec<ImportRow> = Vec::with_capacity(BATCH);
    while let Some(row) = reader.next() {
        match row? {
            Ok(row) => {
                report.rows += 1;
                report.repeated += u64::from(row.repeats.is_some());
                report.refuses |= row.draft.allows.iter().any(|(_, allowed)| !allowed);
                batch.push(import_row(row.draft, allow, source));
            }
            Err(problem) => {
                report.problem_count += 1;
                if report.problems.len() < PROBLEMS_SHOWN {
                    report.problems.push(problem);
                }
            }
        }
        if batch.len() >= BATCH {
            write(store, &deed, &mut batch, &mut report.counts).await?;
            bar.set_position(reader.progress().0);
        }
    }
    write(store, &deed, &mut batch, &mut report.counts).await?;
    bar.finish_and_clear();
    if report.refuses && store.is_some() {
        // When this program ends, nothing goes any more that is refused in the file.
        passes_run_out().await;
    }
    Ok(report)
}

async fn write(
    store: Option<&dyn Store>,
    deed: &Deed,
    batch: &mut Vec<ImportRow>,
    counts: &mut ImportCounts,
) -> anyhow::Result<()> {
    let rows = std::mem::take(batch);
    let Some(store) = store.filter(|_| !rows.is_empty()) else { return Ok(()) };
    let done = again(store, async || {
        let mut unit = store.write().await?;
        let done = unit.import(rows.clone(), SystemClock.now()).await?;
        unit.note(deed.clone()).await?;
        unit.commit().await?;
        Ok(done)
    })
    .await?;
    counts.added += done.added;
    counts.changed += done.changed;
    counts.conflicts += done.conflicts;
    counts.refusals_kept += done.refusals_kept;
    counts.unreadable += done.unreadable;
    Ok(())
}

fn answer(report: &Report, args: &ImportArgs) -> anyhow::Result<()> {
    if args.format == Format::Json {
        let problems: Vec<serde_json::Value> = report
            .problems
            .iter()
            .map(|problem| json!({ "line": problem.line, "column": problem.column, "message": problem.message }))
            .collect();
        return output::json(&json!({
            "rows": report.rows,
            "added": report.counts.added,
            "changed": report.counts.changed,
            "repeated_addresses": report.repeated,
            "address_conflicts": report.counts.conflicts,
            "refusals_kept": report.counts.refusals_kept,
            "unreadable": report.counts.unreadable,
            "problems": problems,
            "problem_count": report.problem_count,
            "dry_run": args.dry_run,
        }));
    }
    for problem in &report.problems {
        anstream::println!("{problem}");
    }
    let hidden = report.problem_count - report.problems.len() as u64;
    if hidden > 0 {
        anstream::println!("and {} left out", counted(hidden, "more row"));
    }
    if args.dry_run {
        anstream::println!(
            "{} read, {} left out; nothing was changed",
            counted(report.rows, "contact"),
            counted(report.problem_count, "row")
        );
        return Ok(());
    }
    anstream::println!(
        "{} added, {} changed; {} left out",
        counted(report.counts.added, "contact"),
        report.counts.changed,
        counted(report.problem_count, "row")
    );
    let notes = [
        (report.repeated, "addresses that come again further down, where the later row counts"),
        (report.counts.conflicts, "rows taken without their address, which somebody with another id has"),
        (report.counts.refusals_kept, "permissions not taken over, for the person has refused"),
        (report.counts.unreadable, "rows left out, for what is stored of the person cannot be read"),
    ];
    for (count, what) in notes.iter().filter(|(count, _)| *count > 0) {
        anstream::println!("{what}: {count}");
    }
    Ok(())
}

fn counted(count: u64, noun: &str) -> String {
    words::counted(usize::try_from(count).unwrap_or(usize::MAX), noun)
}
