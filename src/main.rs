//! The program: see `lotse --help`.

use std::process::ExitCode;

/// Rows go from the thread of the database to those that work with them; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    lotse::cli::main()
}
