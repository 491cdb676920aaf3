use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Customer journeys as short text: checked, tested, and run for every contact.
#[derive(Debug, Parser)]
#[command(name = "lotse", version, max_term_width = 100, disable_help_subcommand = true)]
pub(super) struct Cli {
    /// The workspace: the folder with lotse.yaml and the journeys
    #[arg(
        short = 'C',
        long,
        global = true,
        default_value = ".",
        value_name = "DIR",
        env = "LOTSE_WORKSPACE"
    )]
    pub(super) workspace: PathBuf,
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show all of Lotse at work, on nothing but this program
    Demo(DemoArgs),
    /// Make a workspace with one journey, its messages and its tests
    New(NewArgs),
    /// Say what is wrong in the journeys, and what to write instead
    Check(CheckArgs),
    /// Write the journeys in the one form that a text of theirs has
    Fmt(FmtArgs),
    /// Say what a finding means, with an example of wrong and right
    Explain(ExplainArgs),
    /// Run the tests of the workspace, in virtual time
    Test(TestArgs),
    /// Show a journey as a picture
    Show(ShowArgs),
    /// Show a message as its recipient gets it
    Preview(PreviewArgs),
    /// Help an editor with journeys, over the Language Server Protocol on standard input and output
    ///
    /// Editors start it; `docs/guide/editors.md` says how. It finds the workspaces in the folder that the editor has
    /// open, and speaks until the editor ends the conversation.
    #[cfg(feature = "lsp")]
    Lsp,
    /// Run the journeys: web, scheduler and delivery in one process
    Run(RunArgs),
    /// Hold everything that would be handed over: mails, messages, calls
    Hold(HoldArgs),
    /// Let go what was held
    Resume,
    /// Bring contacts in and out, and look at one
    Contacts(ContactsArgs),
    /// Enter contacts into a journey
    Enter(EnterArgs),
    /// Say why a contact got what they got, or what they wait for
    Why(WhyArgs),
    /// Look at messages, calls and hand-offs, and try them again
    Deliveries(DeliveriesArgs),
    /// List what came in and could not be taken, and why
    Quarantine(QuarantineArgs),
    /// Say who did what, or prove that the books balance
    Audit(AuditArgs),
    /// Give people and programs access, and take it away
    Token(TokenArgs),
    /// Copy everything into another database, and prove that both hold the same
    Copy(CopyArgs),
    /// Bring the tables of the database up to date
    Migrate(MigrateArgs),
    /// Try everything that lotse.yaml names
    Doctor(DoctorArgs),
    /// Measure how fast this machine is, in a scratch database
    Bench(BenchArgs),
}

/// A workspace as the argument of a command.
#[derive(Debug, Args)]
pub(super) struct Dir {
    /// The workspace, before that of `--workspace`
    #[arg(value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Dir {
    /// The folder that is named here, else that of `--workspace`.
    pub(super) fn or<'a>(&'a self, workspace: &'a Path) -> &'a Path {
        self.dir.as_deref().unwrap_or(workspace)
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
}

#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// Do not open a browser
    #[arg(long)]
    pub(super) no_open: bool,
    /// Where the page is served
    #[arg(long, default_value = "127.0.0.1:0", value_name = "ADDRESS")]
    pub(super) listen: SocketAddr,
    /// How many made-up contacts take part
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(super) contacts: u32,
    /// How many seconds of the demonstration's time pass in one real second
    #[arg(long, default_value_t = 14_400, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    pub(super) speed: u32,
    /// How much is logged: warn, info, debug, or by part, such as info,lotse::runtime=debug
    #[arg(long, default_value = "error", value_name = "LEVELS", env = "LOTSE_LOG")]
    pub(super) log: String,
    /// How the log is written
    #[arg(long, value_enum, default_value_t, env = "LOTSE_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
    /// End by itself after that many real seconds
    #[arg(long, value_name = "SECONDS")]
    pub(super) seconds: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct NewArgs {
    /// The folder to make
    #[arg(value_name = "DIR")]
    pub(super) dir: PathBuf,
}

/// How findings are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum FindingsFormat {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// As workflow commands of GitHub Actions, which it shows beside the changed lines
    Github,
    /// As a report of GitLab's Code Quality, which merge requests show
    Gitlab,
    /// As SARIF 2.1.0, for code scanning and editors
    Sarif,
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    pub(super) workspace: Dir,
    /// How the findings are written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: FindingsFormat,
    /// End with 1 for warnings too
    #[arg(long)]
    pub(super) deny_warnings: bool,
}

#[derive(Debug, Args)]
pub(super) struct FmtArgs {
    #[command(flatten)]
    pub(super) workspace: Dir,
    /// Change nothing; list the files that would change, and end with 1 if there are any
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The code of a finding, such as E101
    pub(super) code: String,
}

/// How the results of tests are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum ResultsFormat {
    /// For people
    #[default]
    Human,
    /// For programs
    Json,
    /// In the XML of JUnit, for build servers
    Junit,
}

#[derive(Debug, Args)]
pub(super) struct TestArgs {
    #[command(flatten)]
    pub(super) workspace: Dir,
    /// Only tests whose name or journey contains this
    #[arg(long, value_name = "TEXT")]
    pub(super) filter: Option<String>,
    /// How the results are written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: ResultsFormat,
    /// Say how often tests came to each stage and took each way
    #[arg(long)]
    pub(super) coverage: bool,
    /// Write the coverage into a file that LCOV reads
    #[arg(long, value_name = "FILE")]
    pub(super) lcov: Option<PathBuf>,
}

/// What a picture is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum PictureFormat {
    /// For a terminal
    #[default]
    Text,
    /// A Mermaid flowchart, for pages that draw it
    Mermaid,
    /// For Graphviz
    Dot,
    /// A picture for pages and documents, light or dark as the reader has it
    Svg,
    /// Stages, places and ways, for programs
    Json,
}

#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// The journey
    pub(super) journey: String,
    /// What the picture is made of
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: PictureFormat,
}

#[derive(Debug, Args)]
pub(super) struct PreviewArgs {
    /// The message
    pub(super) message: String,
    /// A JSON file with the attributes of a contact, or a contact of the database by id, external id or address
    #[arg(long, value_name = "FILE|ID")]
    pub(super) contact: Option<String>,
    /// The language to show it in
    #[arg(long, value_name = "TAG")]
    pub(super) language: Option<String>,
    /// Write MESSAGE.html, MESSAGE.txt and MESSAGE.eml into this folder
    #[arg(short, long, value_name = "DIR")]
    pub(super) output: Option<PathBuf>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) workspace: Dir,
    /// Do one part alone, where several processes share a database of PostgreSQL
    #[arg(long, value_enum, value_name = "PART")]
    pub(super) only: Option<Only>,
    /// Where to listen, in place of `listen` in lotse.yaml
    #[arg(long, value_name = "ADDRESS", env = "LOTSE_LISTEN")]
    pub(super) listen: Option<SocketAddr>,
    /// Go on where the database belongs to a workspace of another name: its journeys are taken out of force
    #[arg(long)]
    pub(super) take_over: bool,
    /// How many seconds what has begun may take once the program is told to stop
    #[arg(long, default_value_t = 30, value_name = "SECONDS", env = "LOTSE_GRACE")]
    pub(super) grace: u64,
    /// How much is logged: warn, info, debug, or by part, such as info,lotse::runtime=debug
    #[arg(long, default_value = "info", value_name = "LEVELS", env = "LOTSE_LOG")]
    pub(super) log: String,
    /// How the log is written
    #[arg(long, value_enum, default_value_t, env = "LOTSE_LOG_FORMAT")]
    pub(super) log_format: LogFormat,
}

/// A part of the work of `lotse run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Only {
    /// What is asked over HTTP: events, links, forms, the API, the console
    Web,
    /// What moves contacts and hands over; it answers /healthz, /readyz and /metrics alone
    Worker,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// A line for people
    #[default]
    Text,
    /// One JSON object a line, for programs
    Json,
}

#[derive(Debug, Args)]
pub(super) struct BenchArgs {
    /// Where it is measured, on the disk that is meant: sqlite://FILE, which must not be there yet, or postgres://…, a
    /// database without tables, or env:NAME
    #[arg(long, default_value = "sqlite://lotse-bench.db", value_name = "DATABASE")]
    pub(super) database: String,
    /// How many made-up contacts take part
    #[arg(long, default_value_t = 50_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub(super) contacts: u32,
    /// The mails of your busiest day, to be told what part of this machine they take
    #[arg(long, value_name = "COUNT")]
    pub(super) mails_a_day: Option<u64>,
}

#[derive(Debug, Args)]
pub(super) struct CopyArgs {
    /// The database that has everything: sqlite://FILE, postgres://…, or env:NAME
    #[arg(long, value_name = "DATABASE")]
    pub(super) from: String,
    /// The empty database that gets everything, written the same way
    #[arg(long, value_name = "DATABASE")]
    pub(super) to: String,
}

#[derive(Debug, Args)]
pub(super) struct HoldArgs {
    /// Why, for those who find it held
    #[arg(long, value_name = "TEXT")]
    pub(super) because: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct ContactsArgs {
    #[command(subcommand)]
    pub(super) command: ContactsCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum ContactsCommand {
    /// Bring contacts in from a CSV file
    Import(ImportArgs),
    /// Write all contacts as CSV
    Export(ExportArgs),
    /// Show one contact with everything that is known
    Show(ContactArgs),
}

#[derive(Debug, Args)]
pub(super) struct ImportArgs {
    /// The file
    #[arg(value_name = "FILE.csv")]
    pub(super) file: PathBuf,
    /// Everybody in the file allows this topic; may be given several times
    #[arg(long, value_name = "TOPIC")]
    pub(super) allow: Vec<String>,
    /// Where the permissions come from, such as "fair 2027": kept as their proof
    #[arg(long, value_name = "TEXT")]
    pub(super) source: Option<String>,
    /// What a column is, where its name does not say; may be given several times
    #[arg(long, value_name = "COLUMN=ATTRIBUTE")]
    pub(super) map: Vec<String>,
    /// Read and check the file, change nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// The file; standard output where it is left out
    #[arg(short, long, value_name = "FILE.csv")]
    pub(super) output: Option<PathBuf>,
    /// Write cells as they are, also where a spreadsheet would take them for formulas
    #[arg(long)]
    pub(super) no_formula_guard: bool,
    /// Begin with a byte-order mark, which Excel needs to see UTF-8
    #[arg(long)]
    pub(super) bom: bool,
}

#[derive(Debug, Args)]
pub(super) struct ContactArgs {
    /// An id, an external id or an address
    #[arg(value_name = "WHO")]
    pub(super) who: String,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct EnterArgs {
    /// The journey
    pub(super) journey: String,
    /// Ids, external ids or addresses
    #[arg(value_name = "WHO", required = true)]
    pub(super) who: Vec<String>,
    /// What `entry.NAME` will be; may be given several times
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) with: Vec<String>,
}

#[derive(Debug, Args)]
pub(super) struct WhyArgs {
    /// An id, an external id or an address
    #[arg(value_name = "WHO")]
    pub(super) who: String,
    /// Only this journey
    pub(super) journey: Option<String>,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct DeliveriesArgs {
    #[command(subcommand)]
    pub(super) command: DeliveriesCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum DeliveriesCommand {
    /// List them: dead letters first, then what nobody is sure of
    List(DeliveriesListArgs),
    /// Try one again at once
    Retry(DeliveriesRetryArgs),
}

#[derive(Debug, Args)]
pub(super) struct DeliveriesListArgs {
    /// All, not only those that need somebody
    #[arg(long)]
    pub(super) all: bool,
    /// How many at the most
    #[arg(long, default_value_t = 100)]
    pub(super) limit: u32,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct DeliveriesRetryArgs {
    /// The ids of messages, calls or hand-offs, as `list` shows them
    #[arg(value_name = "ID", required_unless_present = "state")]
    pub(super) ids: Vec<uuid::Uuid>,
    /// All that are in this state
    #[arg(long, value_enum, value_name = "STATE")]
    pub(super) state: Option<RetryState>,
}

/// What can be tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum RetryState {
    /// Messages of which nobody knows whether they were taken: some recipients may get them twice
    Unsure,
    /// Messages that were refused
    Refused,
    /// Calls, hand-offs and alerts that were given up
    Dead,
}

impl RetryState {
    /// As it is stored.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            RetryState::Unsure => "unsure",
            RetryState::Refused => "refused",
            RetryState::Dead => "dead",
        }
    }
}

#[derive(Debug, Args)]
pub(super) struct QuarantineArgs {
    /// How many at the most
    #[arg(long, default_value_t = 100)]
    pub(super) limit: u32,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct AuditArgs {
    /// Prove that nothing is lost or doubled; end with 1 where something is
    #[arg(long)]
    pub(super) verify: bool,
    /// How many deeds at the most
    #[arg(long, default_value_t = 100)]
    pub(super) limit: u32,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[derive(Debug, Args)]
pub(super) struct TokenArgs {
    #[command(subcommand)]
    pub(super) command: TokenCommand,
}

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Role {
    /// Send events and contacts, read nothing: for shops, apps and their SDKs
    Ingest,
    /// Contacts, permissions, journeys, leads and deliveries: for other programs
    Api,
    /// Read /metrics, nothing else: for monitoring systems
    Metrics,
    /// Look at everything, change nothing: for people
    Viewer,
    /// Everything
    Admin,
}

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token and show it, once
    Create {
        /// What it is for, such as "shop"
        name: String,
        /// What it may do
        #[arg(long, value_enum)]
        role: Role,
    },
    /// List tokens, without their secrets
    List {
        /// How the answer is written
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take access away
    Revoke {
        /// The id of the token, as `list` shows it
        id: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct MigrateArgs {
    #[command(flatten)]
    pub(super) workspace: Dir,
    /// Only say what would be done
    #[arg(long)]
    pub(super) dry_run: bool,
}

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    pub(super) workspace: Dir,
    /// How the answer is written
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_workspace_is_named_before_the_command_or_behind_it() {
        for (arguments, folder) in [
            (["-C", "shop", "check"].as_slice(), "shop"),
            (&["check", "-C", "shop"], "shop"),
            (&["check", "shop"], "shop"),
            (&["-C", "shop", "check", "fair"], "fair"),
        ] {
            let cli = Cli::try_parse_from(["lotse"].iter().chain(arguments)).unwrap();
            let Command::Check(args) = &cli.command else { panic!("{arguments:?}") };
            assert_eq!(args.workspace.or(&cli.workspace), Path::new(folder), "{arguments:?}");
        }
    }
}
