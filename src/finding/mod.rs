//! Findings: what is wrong in a workspace, where, and what to write instead.
//!
//! In come facts from whoever looked at a file; out go [`Finding`]s, plain data without colour or layout,
//! and the renderers that draw them for people and programs. Wording, after the custom of good compilers:
//! small first letter, no full stop, the author's text in backticks, no word of our own implementation;
//! the remedy stands apart, in [`Finding::help`].

mod code;
mod github;
mod gitlab;
mod human;
mod json;
mod sarif;
pub mod words;

pub use code::{Code, Severity};
pub use github::render_github;
pub use gitlab::render_gitlab;
pub use human::{HumanStyle, render_human};
pub use json::render_json;
pub use sarif::{Base, render_sarif};

use crate::source::Span;

/// One thing that is wrong, with its place and, where there is one, its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What kind of mistake it is.
    pub code: Code,
    /// Exactly what is wrong.
    pub span: Span,
    /// One sentence in the author's words.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// Other places that matter, each with what it has to do with this.
    pub related: Vec<(Span, String)>,
    /// A change that mends it.
    pub edit: Option<Edit>,
    /// What is missing there, where that is what is wrong: what to write is known to who knows all names.
    pub lack: Option<Lack>,
}

/// What is missing at the place of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Lack {
    /// A message names no sender.
    Sender,
    /// A message names no topic.
    Topic,
    /// An email has no subject.
    Subject,
    /// A message says nothing.
    Text,
    /// A journey has no way in.
    Enter,
    /// A journey has no stage.
    Stage,
    /// `go to` does not say where to.
    Destination,
    /// A field, behind `contact.` and the like.
    Field,
}

/// A change of text that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub replacement: String,
}

impl Finding {
    /// A finding without help yet.
    pub fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { code, span, message: message.into(), help: None, related: Vec::new(), edit: None, lack: None }
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says it where there is something to say.
    #[must_use]
    pub fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }

    /// Points at another place.
    #[must_use]
    pub fn related(mut self, span: Span, what: impl Into<String>) -> Self {
        self.related.push((span, what.into()));
        self
    }

    /// Offers a change of the text itself.
    #[must_use]
    pub fn edit(mut self, span: Span, replacement: impl Into<String>) -> Self {
        self.edit = Some(Edit { span, replacement: replacement.into() });
        self
    }

    /// Says what is missing there.
    #[must_use]
    pub fn lacks(self, lack: Lack) -> Self {
        Self { lack: Some(lack), ..self }
    }

    /// How grave it is.
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }
}

/// Puts findings in the order of the text, and drops what is said twice of one place.
pub fn sort(findings: &mut Vec<Finding>) {
    findings.sort_by(|a, b| (a.span, a.code, &a.message).cmp(&(b.span, b.code, &b.message)));
    findings.dedup();
}

#[cfg(test)]
mod tests;
