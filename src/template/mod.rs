//! Message templates: checked and compiled when a journey is checked or deployed, rendered when it is sent.
//!
//! In come the texts of a message as its author wrote them (subject, preheader, a body in MJML, HTML or plain
//! text); out goes a [`CompiledMessage`], plain data that is stored with the version of the journey, and for
//! each contact a [`Rendered`] mail. Nothing here reads files or the network: included files are handed in.
//!
//! A text passes through these steps, each in a file of its own:
//!
//! ```text
//! lexer ─▶ assemble ─▶ analysis, expression      what is written is within bounds, every name has a meaning
//!              │
//!              └─▶ structure, mjml ─▶ html, text ─▶ emit ─▶ CompiledMessage ─▶ render
//! ```
//!
//! Between lexer and emit every placeholder is a *word* that no library in between can escape, move or trip over
//! (`masked`). Values are only ever filled in: an attribute that looks like a template is text.

mod analysis;
mod assemble;
mod calls;
mod compile;
mod emit;
mod expression;
mod filters;
mod foreign;
mod html;
mod lexer;
mod limits;
mod links;
mod markup;
mod masked;
mod message;
mod mjml;
mod mjml_tags;
mod paths;
mod render;
mod structure;
mod text;
mod unreadable;
mod values;
pub mod vocabulary;
mod writer;

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use crate::finding::Lack;

pub use compile::compile;
pub use foreign::{Foreign, Sure};
pub use message::CompiledMessage;
pub use render::{RenderContext, RenderError, Rendered, Renderer, SurveyUrl, TrackedLink};

/// What the body of a message is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateKind {
    /// MJML, which becomes HTML.
    Mjml,
    /// HTML, whose style sheets are written into its tags.
    Html,
    /// Plain text.
    Text,
}

impl TemplateKind {
    /// The kind of a file by the ending of its path; `None` where it is no template.
    pub fn of_path(path: &str) -> Option<Self> {
        match path.rsplit_once('.')?.1 {
            "mjml" => Some(TemplateKind::Mjml),
            "html" => Some(TemplateKind::Html),
            "txt" => Some(TemplateKind::Text),
            _ => None,
        }
    }
}

/// The texts of one message in one language, as written.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageSource<'a> {
    /// The line in the list of messages; channels other than email have none.
    pub subject: Option<&'a str>,
    /// What the list of messages shows behind the subject.
    pub preheader: Option<&'a str>,
    /// The body, from a template file.
    pub body: Option<(TemplateKind, &'a str)>,
    /// Plain text that stands in the journey itself. Without it the text is made from the body.
    pub text: Option<&'a str>,
    /// What is appended to tracked links as `utm_NAME=VALUE`.
    pub utm: &'a [(String, String)],
}

/// One of the texts of a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The subject.
    Subject,
    /// The preheader.
    Preheader,
    /// The body.
    Body,
    /// The plain text.
    Text,
    /// A file that the body includes, by its path from the folder of the body.
    Include(String),
}

/// Something wrong in a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateProblem {
    /// The text that it is in.
    pub part: Part,
    /// The bytes of that text; `0..0` where the text as a whole is meant.
    pub range: Range<usize>,
    /// One sentence in the author's words.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
    /// The same to the letter, where it is known: what goes of the text, and what comes.
    pub edit: Option<(Range<usize>, String)>,
    /// What is missing, where somebody who knows all names can say what to write.
    pub lack: Option<Lack>,
}

impl TemplateProblem {
    fn new(part: &Part, range: Range<usize>, message: impl Into<String>) -> Self {
        Self { part: part.clone(), range, message: message.into(), help: None, edit: None, lack: None }
    }

    /// Says what belongs in the place of all that is wrong.
    fn instead(self, text: impl Into<String>) -> Self {
        Self { edit: Some((self.range.clone(), text.into())), ..self }
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into()).filter(|help: &String| !help.is_empty());
        self
    }

    fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }
}

/// A value that a template reads, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// The text that reads it.
    pub part: Part,
    /// The bytes of that text.
    pub range: Range<usize>,
    /// Its name, step by step: `contact` and `first_name`, or one step for `unsubscribe_url` and for what the
    /// send hands over `with` it.
    pub path: Vec<String>,
    /// Whether the template does without it: a default stands behind it, or a condition around it.
    pub guarded: bool,
}

/// A link to the page of a survey, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SurveyLink {
    /// The text that it is in.
    pub part: Part,
    /// The bytes of that text.
    pub range: Range<usize>,
    /// The survey.
    pub name: String,
    /// The score that following it answers with, where it is written as a number.
    pub score: Option<i64>,
}

/// A link whose clicks are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What the author calls it, else its address without the query.
    pub name: String,
    /// Its address as written, with its placeholders.
    pub url_source: String,
}

/// A message that holds together, and what is to be known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// What is stored and rendered.
    pub message: Arc<CompiledMessage>,
    /// Every value that it reads, in the order of its texts.
    pub variables: Vec<Variable>,
    /// Every survey that it leads to.
    pub surveys: Vec<SurveyLink>,
    /// Whether its body leads to `unsubscribe_url` or `preferences_url`.
    pub has_unsubscribe: bool,
    /// Its tracked links, by their numbers.
    pub links: Vec<Link>,
    /// What looks like a placeholder of another tool.
    pub foreign: Vec<Foreign>,
}
