//! What a message misses: a topic, a sender, a subject, a text, a way to unsubscribe.

use super::{NewFile, Offer, TextChange, label};
use crate::finding::{Finding, Lack};
use crate::ide::{Analysis, NameKind};
use crate::language::model::Topic;
use crate::language::syntax::tree::{Declaration, Message, SettingValue};
use crate::source::Span;
use crate::template::TemplateKind;

/// How many topics are offered for a message that has none.
const TOPICS_OFFERED_MAX: usize = 5;
/// The settings of a message in the order in which people write them.
const ORDER: [&str; 7] = ["topic", "from", "subject", "preheader", "template", "body", "text"];
/// The ending of templates that are made.
const MJML: &str = ".mjml";

impl Analysis {
    /// A topic for a message that has none, of those that there are, or a new one.
    pub(super) fn missing_topic(&self, finding: &Finding) -> Vec<Offer> {
        let Some((declared, _)) = finding.related.first() else { return Vec::new() };
        let Some(message) = self.message_named_at(*declared) else { return Vec::new() };
        let name = &message.name.value;
        let topics = self.checked.model.topics.iter().take(TOPICS_OFFERED_MAX);
        let offer = |topic: &Topic| {
            let change = self.with_setting(message, "topic", &topic.name)?;
            Some(Offer::new(format!("Say that `{name}` is about `{}`", topic.name), [change]))
        };
        let offers: Vec<Offer> = topics.filter_map(offer).collect();
        if !offers.is_empty() {
            return offers;
        }
        let declare = self.beside(*declared, NameKind::Topic, "topic newsletter \"News and offers\"");
        let Some(change) = self.with_setting(message, "topic", "newsletter") else { return Vec::new() };
        vec![Offer::new(
            format!("Declare the topic `newsletter`, and say that `{name}` is about it"),
            [declare, change],
        )]
    }

    /// A subject for a message that has none.
    pub(super) fn missing_subject(&self, finding: &Finding) -> Option<Offer> {
        let message = self.message_named_at(finding.span)?;
        let change = self.with_setting(message, "subject", &format!("\"{}\"", label(&message.name.value)))?;
        Some(Offer::new("Add a subject", [change]).preferred())
    }

    /// A text for a message that says nothing.
    pub(super) fn missing_text(&self, finding: &Finding) -> Option<Offer> {
        let message = self.message_named_at(finding.span)?;
        let (key, text) = match message.channel.value.as_str() {
            "email" => ("body", "\"Hello! {{ unsubscribe_url }}\""),
            _ => ("text", "\"Hello!\""),
        };
        Some(Offer::new("Add a text", [self.with_setting(message, key, text)?]).preferred())
    }

    /// A sender for a message that names none.
    pub(super) fn missing_sender(&self, finding: &Finding) -> Option<Offer> {
        let message = self.message_named_at(finding.span)?;
        let senders = self.config.senders.declared().count();
        let sender = self.first_sender();
        let change = self.with_setting(message, "from", sender)?;
        let offer = Offer::new(format!("Add `from {sender}`"), [change]);
        if senders > 0 {
            return Some(Offer { preferred: senders == 1, ..offer });
        }
        self.with_new_sender(offer)
    }

    /// The same with a sender in `lotse.yaml`, which has none.
    fn with_new_sender(&self, offer: Offer) -> Option<Offer> {
        let sender = self.first_sender();
        let mut settings = self.in_settings(NameKind::Sender, sender)?;
        settings.changes.extend(offer.changes);
        let title = format!("{}, and make `{sender}` a sender in lotse.yaml", offer.title);
        Some(Offer { title, ..settings })
    }

    /// The names that can stand in the place of a text that is none.
    pub(super) fn choose_setting(&self, finding: &Finding, lack: Lack) -> Vec<Offer> {
        let names: Vec<&str> = match lack {
            Lack::Sender => self.config.senders.declared().map(|(sender, _)| sender).collect(),
            _ => self.checked.model.topics.iter().map(|topic| topic.name.as_str()).collect(),
        };
        let write = |name: &str| {
            let change = TextChange { span: finding.span, text: name.to_owned() };
            Offer::new(format!("Write `{name}`"), [change])
        };
        if names.is_empty() && lack == Lack::Sender {
            return self.with_new_sender(write(self.first_sender())).into_iter().collect();
        }
        let only = names.len() == 1;
        let offer = |name: &&str| Offer { preferred: only, ..write(name) };
        names.iter().take(TOPICS_OFFERED_MAX).map(offer).collect()
    }

    /// A template that a message names and that no file is.
    pub(super) fn missing_template(&self, finding: &Finding) -> Option<Offer> {
        let path = self.files.sources.text(finding.span).trim_matches('"');
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        let fits = path.ends_with(MJML)
            && path.chars().all(plain)
            && !path.split('/').any(|step| step.starts_with('.'));
        if finding.edit.is_some() || !fits || self.files.templates.contains_key(path) {
            return None;
        }
        let text = "<mjml>\n  <mj-body>\n    <mj-section>\n      <mj-column>\n        <mj-text>Hello!</mj-text>\n        <mj-text><a href=\"{{ unsubscribe_url }}\">Unsubscribe</a></mj-text>\n      </mj-column>\n    </mj-section>\n  </mj-body>\n</mjml>\n";
        let creates = vec![NewFile { path: path.to_owned(), text: text.to_owned() }];
        Some(Offer { creates, ..Offer::new(format!("Make `{path}`"), []) })
    }

    /// A way to unsubscribe, at the end of the text.
    pub(super) fn unsubscribe(&self, finding: &Finding) -> Option<Offer> {
        if finding.edit.is_some() {
            return None;
        }
        let text = &self.files.sources.get(finding.span.source).text;
        let change = if self.files.journeys.contains(&finding.span.source) {
            self.at_end_of_text(finding.span)?
        } else {
            let path = &self.files.sources.get(finding.span.source).path;
            let link = "<a href=\"{{ unsubscribe_url }}\">Unsubscribe</a>";
            let (end, text) = match TemplateKind::of_path(path)? {
                TemplateKind::Mjml => {
                    let section = format!(
                        "  <mj-section><mj-column><mj-text>{link}</mj-text></mj-column></mj-section>\n"
                    );
                    (text.rfind("</mj-body>")?, section)
                }
                TemplateKind::Html => {
                    (text.rfind("</body>").unwrap_or(text.len()), format!("<p>{link}</p>\n"))
                }
                TemplateKind::Text => (text.len(), "\n{{ unsubscribe_url }}\n".to_owned()),
            };
            TextChange { span: Span::new(finding.span.source, end, end), text }
        };
        Some(Offer::new("Add a link to unsubscribe", [change]).preferred())
    }

    /// A link behind the text of a message that stands in a journey.
    fn at_end_of_text(&self, text: Span) -> Option<TextChange> {
        let written = self.files.sources.text(text);
        let quotes = if written.starts_with("\"\"\"") { "\"\"\"" } else { "\"" };
        let inside = written.strip_suffix(quotes)?.trim_end();
        let end = text.start as usize + inside.len();
        let place = Span::new(text.source, end, end);
        let gap = match inside.rsplit_once('\n') {
            Some((_, last)) => {
                let indent: String = last.chars().take_while(|c| matches!(c, ' ' | '\t')).collect();
                format!("\n\n{indent}")
            }
            None => " ".to_owned(),
        };
        Some(TextChange { span: place, text: format!("{gap}{{{{ unsubscribe_url }}}}") })
    }

    /// A setting of a message, where people look for it.
    fn with_setting(&self, message: &Message, key: &str, value: &str) -> Option<TextChange> {
        let rank = |key: &str| ORDER.iter().position(|known| *known == key);
        let entry = format!("{key} {value}");
        let before = message.body.settings.iter().filter(|setting| rank(&setting.key.value) < rank(key));
        let ends = before.map(|setting| match &setting.value {
            SettingValue::Text(text) | SettingValue::Name(text) => setting.key.span.to(text.span),
        });
        match ends.max_by_key(|span| span.end) {
            Some(span) => Some(self.behind(span, &entry)),
            None => self.behind_brace(message.span, &entry),
        }
    }

    /// The setting whose key stands at a place.
    pub(super) fn setting_at(&self, place: Span) -> Option<Span> {
        let declarations = &self.tree(place.source)?.parsed.file.declarations;
        let messages = declarations.iter().filter_map(|declaration| match declaration {
            Declaration::Message(message) => Some(&message.body),
            _ => None,
        });
        let bodies = messages.flat_map(|body| body.languages.iter().map(|(_, body)| body).chain([body]));
        let setting = bodies.flat_map(|body| &body.settings).find(|setting| setting.key.span == place)?;
        Some(match &setting.value {
            SettingValue::Text(text) | SettingValue::Name(text) => setting.key.span.to(text.span),
        })
    }
}
