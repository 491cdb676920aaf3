use std::path::Path;

use super::End;
use super::args::MigrateArgs;
use super::workspace::{Workspace, block_on};
use crate::store::Store;

pub(super) fn run(args: &MigrateArgs, dir: &Path) -> anyhow::Result<End> {
    let workspace = Workspace::load(args.workspace.or(dir))?;
    block_on(async {
        let store = workspace.open_sqlite().await?;
        let path = store.path().display().to_string();
        if args.dry_run {
            match store.pending_migrations().await? {
                0 => anstream::println!("{path} is up to date"),
                steps => anstream::println!("{path} is {steps} steps behind"),
            }
        } else {
            match store.migrate().await? {
                0 => anstream::println!("{path} was up to date"),
                steps => anstream::println!("{path} is up to date now, {steps} steps were taken"),
            }
        }
        Ok(End::Good)
    })
}
