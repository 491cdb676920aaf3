use crate::source::{Sources, Span};

/// Something that is not as a test expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of the test.
    pub test: String,
    /// The line that is not as it says; the name of the test where no line is.
    pub span: Span,
    /// When it was looked at, on the clock of the journey; `None` where no line is.
    pub at: Option<String>,
    /// What is so instead, and why, as far as it is known.
    pub message: String,
    /// What can be done about it.
    pub help: Option<String>,
    /// What to write in the test, the likeliest first.
    pub mends: Vec<Mend>,
}

/// A change of a test after which a line that failed may hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// Its contact allows a topic.
    Allow(String),
    /// Its contact has something more: a field and its value, as they are written.
    Give(String),
    /// The line says what came, as it is written here.
    Write(String),
    /// One more line stands behind all others.
    Add(String),
}

impl Failure {
    /// What the line says, and what is so instead.
    pub fn in_short(&self, sources: &Sources) -> String {
        match &self.at {
            Some(_) => format!("`{}`, but {}", self.written(sources), self.message),
            None => self.message.clone(),
        }
    }

    /// The same with the name of the test and the moment; in a second line what can be done about it.
    pub fn told(&self, sources: &Sources) -> String {
        let at = self.at.as_ref().map(|at| format!(" at {at}")).unwrap_or_default();
        let help = self.help.as_ref().map(|help| format!("\n{help}")).unwrap_or_default();
        format!("“{}” fails{at}: {}{help}", self.test, self.in_short(sources))
    }

    /// The first line of what it is about.
    pub fn written<'s>(&self, sources: &'s Sources) -> &'s str {
        sources.text(self.span).lines().next().unwrap_or("").trim()
    }
}

/// What is so in place of what a line of a test says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Instead {
    pub(super) says: String,
    pub(super) help: Option<String>,
    pub(super) mends: Vec<Mend>,
}

impl<T: Into<String>> From<T> for Instead {
    fn from(says: T) -> Self {
        Self { says: says.into(), help: None, mends: Vec::new() }
    }
}

impl Instead {
    /// The same with what can be done about it.
    pub(super) fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// The same with one more thing to write.
    pub(super) fn or(mut self, mend: Mend) -> Self {
        self.mends.push(mend);
        self
    }

    /// The same as the reason of something else.
    pub(super) fn because_of(self, what: &str) -> Self {
        Self { says: format!("{what}: {}", self.says), ..self }
    }
}
