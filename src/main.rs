//! The program: see `lotse --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lotse::cli::main()
}
