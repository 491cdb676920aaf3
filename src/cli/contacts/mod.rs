mod export;
mod import;
mod show;

use std::path::Path;

use super::End;
use super::args::{ContactsArgs, ContactsCommand};

pub(super) fn run(args: &ContactsArgs, dir: &Path) -> anyhow::Result<End> {
    match &args.command {
        ContactsCommand::Import(args) => import::run(args, dir),
        ContactsCommand::Export(args) => export::run(args, dir),
        ContactsCommand::Show(args) => show::run(args, dir),
    }
}
