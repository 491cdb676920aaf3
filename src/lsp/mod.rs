//! The language server: what [`ide`](crate::ide) knows of a workspace, spoken to editors over the Language Server
//! Protocol 3.17.
//!
//! In come the texts of open files and the questions of an editor; out go answers and findings, always of the text as
//! it stands. Everything happens in one thread in the order in which it came: a change of a file is taken in at once
//! (the file alone, against the names of all), and when nobody has typed for a moment, a second thread looks at the
//! whole workspace and runs its tests, as `lotse check` does. What it finds is thrown away if somebody went on typing.
//! The second thread reads workspaces from the disk, too; questions about one that is not known yet wait for it.
//! Only this module names the crates of the protocol; it has no rules of its own.

mod actions;
mod capabilities;
mod convert;
mod desk;
mod desks;
mod documents;
mod editor;
mod incoming;
mod lens;
mod lines;
mod mail;
mod new_files;
mod places;
mod publish;
mod requests;
mod server;
mod worker;

use lsp_server::Connection;

pub use server::ServerError;

/// Speaks with an editor over standard input and output until it ends the conversation.
///
/// # Errors
/// When the conversation breaks off, or ends in a way that the protocol does not know.
pub fn run() -> Result<(), ServerError> {
    let (connection, threads) = Connection::stdio();
    // The thread that writes ends when nobody can send to it any more.
    server::serve(connection)?;
    threads.join().map_err(ServerError::Io)
}
