use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context;

use super::super::args::ExportArgs;
use super::super::workspace::{Workspace, block_on};
use super::super::{End, output};
use crate::contact_file::{WriteOptions, Writer, contact_header, contact_row};
use crate::runtime::import_schema;

/// How many contacts are read at once.
const PAGE: u32 = 2_000;

pub(in super::super) fn run(args: &ExportArgs, dir: &Path) -> anyhow::Result<End> {
    match export(args, dir) {
        // Whoever reads has read enough, as `head` does.
        Err(error) if is_broken_pipe(&error) => Ok(End::Good),
        ended => ended,
    }
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let broken = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
    error.downcast_ref::<io::Error>().is_some_and(broken)
}

fn export(args: &ExportArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load_sound(dir)?;
    let target: Box<dyn Write> = match &args.output {
        Some(path) => {
            Box::new(File::create(path).with_context(|| format!("`{}` cannot be written", path.display()))?)
        }
        None => Box::new(io::stdout().lock()),
    };
    let options = WriteOptions { guard_formulas: !args.no_formula_guard, byte_order_mark: args.bom };
    let schema = import_schema(&workspace.checked.model, &workspace.config.timezone);
    let mut writer = Writer::new(BufWriter::new(target), options)?;
    writer.row(contact_header(&schema))?;
    let count = block_on(async {
        let store = workspace.open_store().await?;
        let mut unit = store.read().await?;
        let bar = output::progress(unit.contact_count().await?, "contacts");
        let mut after = None;
        let mut count = 0_u64;
        loop {
            let page = unit.contacts_after(after, PAGE).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.id);
            for (contact, decided) in &page {
                writer.row(contact_row(contact, &schema, |topic| decided.get(topic).copied()))?;
                count += 1;
            }
            bar.set_position(count);
        }
        bar.finish_and_clear();
        Ok(count)
    })?;
    writer.finish()?.flush()?;
    anstream::eprintln!("{count} contacts written");
    Ok(End::Good)
}
