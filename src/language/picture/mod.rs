//! A journey as a picture: text for a terminal, SVG for a page, Mermaid and Graphviz for other tools that draw, JSON
//! for programs.
//!
//! In comes a checked journey; out goes an [`Outline`] of what its author wrote, and from it any of the pictures.
//! They show stages as boxes, what happens in them as lines, and what each way on depends on.

mod dot;
mod graph;
mod headline;
mod json;
mod mermaid;
mod outline;
mod svg;
mod text;

pub use dot::dot;
pub use json::json;
pub use mermaid::mermaid;
pub use outline::{Does, Item, Outline, Outlines, StageOutline, Way};
pub use svg::{svg, svg_with_mark};
pub use text::text;

pub(super) use headline::headline;

#[cfg(test)]
mod tests;
