//! Source text: the files of a workspace, and places in them.
//!
//! In come files (read once, here, or handed over from memory); out go [`Sources`], in which every
//! [`Span`] can be turned back into a path, a line and a column. Nothing above this module reads a
//! workspace from the disk.

mod span;
mod text;
mod workspace;

pub use span::{SourceId, Span};
pub use text::{Position, Source, Sources};
pub use workspace::{CONFIG_FILE, ReadError, WorkspaceFiles, journey_paths, read_text, workspace_folders};
