use crate::source::Span;

/// A message of some channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Its name, unique across channels.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// The channel it goes by.
    pub channel: String,
    /// What it is about, where it says so itself.
    pub topic: Option<String>,
    /// The sender in `lotse.yaml`, where it names one.
    pub sender: Option<String>,
    /// The attribute of the contact that says where to, for other channels than email.
    pub address: Option<String>,
    /// Pairs that are added to its links.
    pub utm: Vec<(String, String)>,
    /// Its text for everybody whose language has none of its own.
    pub text: MessageText,
    /// Its texts by language tag.
    pub languages: Vec<(String, MessageText)>,
}

impl Message {
    /// The template files that its texts name, by their paths.
    pub fn text_files(&self) -> impl Iterator<Item = &str> {
        let languages = self.languages.iter().map(|(_, text)| text);
        languages.chain([&self.text]).filter_map(|text| text.template.as_deref())
    }
}

/// The text of a message in one language.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageText {
    /// The subject, as a template.
    pub subject: Option<String>,
    /// What mail programs show behind the subject, as a template.
    pub preheader: Option<String>,
    /// The path of the template file.
    pub template: Option<String>,
    /// The text itself where it stands in the journey file: `body` of an email, `text` of other channels.
    pub body: Option<String>,
}
