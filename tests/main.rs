//! The tests that look at the program from outside, in one binary: the language against its fixtures, the pages of
//! the findings, the fences of the docs, and the shape of the code itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    missing_docs,
    reason = "a test that finds something amiss fails"
)]

mod case;
mod conditions;
mod demo;
mod docs;
mod faults;
mod findings;
mod format;
mod ide;
mod language;
#[cfg(feature = "lsp")]
mod lsp;
mod program;
mod refusing;
mod samples;
mod schema;
mod sending;
mod simulation;
mod tidy;
mod written;
mod zones;
