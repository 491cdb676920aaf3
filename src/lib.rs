//! Lotse runs customer journeys that marketers write as short, readable text.
//!
//! The modules stand in the order in which data flows through them; each uses only those above it.
//! `docs/architecture.md` walks through them, and a test holds the order.

#![cfg_attr(test, allow(clippy::string_slice, reason = "a test that slices amiss fails"))]

pub mod source;
pub mod finding;
pub mod time;
pub mod domain;
pub mod config;
#[cfg(feature = "server")]
pub mod contact_file;
pub mod template;
pub mod language;
#[cfg(feature = "server")]
pub mod engine;
#[cfg(feature = "server")]
pub mod channel;
#[cfg(feature = "server")]
pub mod track;
#[cfg(feature = "server")]
pub mod metrics;
#[cfg(feature = "server")]
pub mod store;
#[cfg(feature = "server")]
pub mod runtime;
#[cfg(feature = "server")]
pub mod simulate;
#[cfg(feature = "server")]
pub mod inbox;
#[cfg(feature = "server")]
pub mod http;
#[cfg(feature = "server")]
pub mod demo;
#[cfg(feature = "server")]
pub mod bench;
pub mod ide;
#[cfg(feature = "lsp")]
pub mod lsp;
#[cfg(feature = "server")]
pub mod cli;
