//! The journey language, from text to executable plan. No I/O, no clock, no async.
//!
//! [`syntax`] turns text into trees, [`mod@format`] text into its canonical form, [`check`] turns trees into a [`model`]
//! and findings, [`plan`] turns a model into what the engine runs. `docs/reference/language.md` is the specification.

pub mod syntax;
pub mod format;
pub mod model;
pub mod check;
pub mod picture;
pub mod plan;
