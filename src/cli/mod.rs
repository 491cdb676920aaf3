//! The command line: what was typed becomes a request, one file a command carries it out.
//!
//! Standard output is the answer, standard error is talk. It ends with 0 when all is well, with 1 when there are
//! findings or failed expectations, with 2 when it could not do what was asked.

mod again;
mod args;
mod audit;
mod bench;
mod check;
mod contacts;
mod copy;
mod database;
mod deliveries;
mod demo;
mod doctor;
mod enter;
mod explain;
mod fmt;
mod hold;
mod log;
#[cfg(feature = "lsp")]
mod lsp;
mod marker;
mod migrate;
mod new;
mod output;
mod preview;
mod quarantine;
mod run;
mod show;
mod test;
mod token;
mod why;
mod workspace;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};

/// How a command ended.
pub(crate) enum End {
    /// All is well.
    Good,
    /// There are findings, or expectations failed.
    Findings,
}

/// Reads the arguments and does what they say.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let talk = error.use_stderr();
            let _ = error.print();
            return if talk { ExitCode::from(2) } else { ExitCode::SUCCESS };
        }
    };
    match act(cli) {
        Ok(End::Good) => ExitCode::SUCCESS,
        Ok(End::Findings) => ExitCode::from(1),
        Err(error) => {
            output::complain(&error);
            ExitCode::from(2)
        }
    }
}

fn act(cli: Cli) -> anyhow::Result<End> {
    let workspace = cli.workspace;
    match cli.command {
        Command::Check(args) => check::run(&args, &workspace),
        Command::Fmt(args) => fmt::run(&args, &workspace),
        Command::Explain(args) => explain::run(&args),
        Command::New(args) => new::run(&args),
        Command::Show(args) => show::run(&args, &workspace),
        Command::Preview(args) => preview::run(&args, &workspace),
        #[cfg(feature = "lsp")]
        Command::Lsp => lsp::run(),
        Command::Test(args) => test::run(&args, &workspace),
        Command::Demo(args) => demo::run(&args),
        Command::Run(args) => run::run(&args, &workspace),
        Command::Hold(args) => hold::hold(&args, &workspace),
        Command::Resume => hold::resume(&workspace),
        Command::Contacts(args) => contacts::run(&args, &workspace),
        Command::Enter(args) => enter::run(&args, &workspace),
        Command::Why(args) => why::run(&args, &workspace),
        Command::Deliveries(args) => deliveries::run(&args, &workspace),
        Command::Quarantine(args) => quarantine::run(&args, &workspace),
        Command::Audit(args) => audit::run(&args, &workspace),
        Command::Token(args) => token::run(&args, &workspace),
        Command::Copy(args) => copy::run(&args, &workspace),
        Command::Bench(args) => bench::run(&args, &workspace),
        Command::Migrate(args) => migrate::run(&args, &workspace),
        Command::Doctor(args) => doctor::run(&args, &workspace),
    }
}
