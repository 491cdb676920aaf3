//! Lotse runs customer journeys that marketers write as short, readable text.
//!
//! The modules stand in the order in which data flows through them; each uses only those above it.
//! `docs/architecture.md` walks through them, and a test holds the order.

pub mod domain;
pub mod finding;
pub mod language;
pub mod source;
pub mod template;
pub mod time;
