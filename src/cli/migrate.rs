use std::path::Path;

use anyhow::Context;

use super::End;
use super::args::MigrateArgs;
use super::database::Database;
use super::workspace::{Workspace, block_on};
use crate::config;

pub(super) fn run(args: &MigrateArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(args.workspace.or(dir))?;
    // To look must not make a database.
    if let (true, config::Database::Sqlite(path)) = (args.dry_run, Database::place(&workspace)?) {
        let path = workspace.dir.join(path);
        if !path.exists() {
            anstream::println!("{} is not there yet: `lotse migrate` makes it", path.display());
            return Ok(End::Good);
        }
    }
    block_on(async {
        let database = Database::open(&workspace).await?;
        let path = database.name();
        if args.dry_run {
            match database.store().pending_migrations().await? {
                0 => anstream::println!("{path} is up to date"),
                steps => anstream::println!("{path} is {steps} steps behind"),
            }
        } else {
            match database.migrate().await.with_context(|| path.clone())? {
                0 => anstream::println!("{path} was up to date"),
                steps => anstream::println!("{path} is up to date now, {steps} steps were taken"),
            }
        }
        database.store().close().await;
        Ok(End::Good)
    })
}
