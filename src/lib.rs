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
pub mod contact_file;
pub mod template;
pub mod language;
pub mod engine;
pub mod channel;
pub mod track;
pub mod store;
pub mod runtime;
pub mod simulate;
pub mod inbox;
pub mod http;
pub mod demo;
pub mod cli;
