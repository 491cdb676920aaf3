use std::collections::BTreeMap;

use super::Checker;
use super::expression::a;
use super::names::NameKind;
use crate::domain::{Contact, Value, ValueType};
use crate::finding::words;
use crate::finding::{Code, Finding, Lack};
use crate::language::model::{Expr, Message, MessageText};
use crate::language::syntax;
use crate::language::syntax::tree::{self, SettingValue};
use crate::source::Span;

/// What can stand in an email.
pub const EMAIL_SETTINGS: [&str; 6] = ["topic", "from", "subject", "preheader", "template", "body"];
/// What can stand in a message of another channel, whose provider takes it as it comes.
pub const OTHER_SETTINGS: [&str; 3] = ["topic", "title", "text"];

impl Checker<'_> {
    /// Resolves a message that is declared.
    pub(super) fn message(&self, tree: &tree::Message) -> Message {
        let is_email = tree.channel.value == "email";
        let mut message = Message {
            name: tree.name.value.clone(),
            span: tree.name.span,
            channel: tree.channel.value.clone(),
            topic: None,
            sender: None,
            address: None,
            utm: Vec::new(),
            text: MessageText::default(),
            languages: Vec::new(),
        };
        if !self.channel(tree) {
            return message;
        }
        if !is_email {
            message.address = Some(self.address_of(&tree.channel));
        }
        self.settings(&tree.body, is_email, false);
        for setting in &tree.body.settings {
            match (setting.key.value.as_str(), &setting.value) {
                ("topic", SettingValue::Name(topic)) if self.topic(topic) => {
                    message.topic = Some(topic.value.clone())
                }
                ("from", SettingValue::Name(sender))
                    if is_email && self.outside(Code::E101, NameKind::Sender, sender) =>
                {
                    message.sender = Some(sender.value.clone());
                }
                _ => {}
            }
        }
        message.text = self.message_text(&tree.body);
        self.keys_once("utm value", &tree.body.utm);
        for pair in &tree.body.utm {
            if let Some(value) = self.constant(&pair.value, None) {
                let text = match value {
                    Value::Text(text) => text,
                    other => other.to_string(),
                };
                message.utm.push((pair.key.value.clone(), text));
            }
        }
        self.languages(tree, is_email, &mut message);
        self.complete_message(tree, is_email, &message);
        message
    }

    /// Whether the word before the name is a channel; a declaration misspelt looks like a message of one.
    fn channel(&self, tree: &tree::Message) -> bool {
        let channel = &tree.channel;
        let declarations = [
            "contact", "event", "topic", "segment", "measure", "survey", "policy", "journey", "test", "email",
        ];
        let channels =
            self.deployment.iter().flat_map(|deployment| deployment.channels.keys().map(String::as_str));
        let near = words::near(&channel.value, declarations.into_iter().chain(channels));
        let known = match self.deployment {
            Some(deployment) => deployment.channels.contains_key(&channel.value),
            // Without a lotse.yaml any word may be a channel, unless it is nearly another and holds what that would.
            None => near.is_none() || tree.body.settings.iter().all(|setting| is_other_setting(&setting.key)),
        };
        if channel.value == "email" || known {
            self.used_here(NameKind::Channel, channel, None);
            return true;
        }
        let message = format!("`{}` is neither a declaration nor a channel of lotse.yaml", channel.value);
        let finding = Finding::new(Code::E101, channel.span, message);
        self.report(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")).edit(channel.span, near),
            None => {
                self.missing_here(NameKind::Channel, channel, None);
                finding.help(format!("add `{}` under `channels` in lotse.yaml", channel.value))
            }
        });
        false
    }

    /// The attribute of the contact that says where messages of a channel go.
    fn address_of(&self, channel: &tree::Name) -> String {
        let known = self.deployment.and_then(|deployment| deployment.channels.get(&channel.value));
        let address = known.map_or("phone", String::as_str);
        let declared = self.names.contact.iter().find(|field| field.name == address);
        let of = declared.map(|field| field.of.clone()).or_else(|| Contact::built_in_type(address));
        let (code, what) = match of {
            Some(ValueType::Text) => return address.to_owned(),
            Some(of) => (Code::E201, format!("which is {}", a(&of))),
            None if self.names.contact_is_broken => return address.to_owned(),
            None => (Code::E103, "which no contact has".to_owned()),
        };
        let message =
            format!("messages of the channel `{}` go to `contact.{address}`, {what}", channel.value);
        let help = format!(
            "declare `{address} text` in `contact {{ … }}`, or mend `address` of the channel in lotse.yaml"
        );
        self.report(Finding::new(code, channel.span, message).help(help));
        address.to_owned()
    }

    /// Which settings stand there, each once and each with the right kind of value.
    fn settings(&self, body: &tree::MessageBody, is_email: bool, in_language: bool) {
        let known: &[&str] = if is_email { &EMAIL_SETTINGS } else { &OTHER_SETTINGS };
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for setting in &body.settings {
            let key = &setting.key;
            let takes_name = matches!(key.value.as_str(), "topic" | "from");
            if !known.contains(&key.value.as_str()) || in_language && takes_name {
                let near = words::near(&key.value, known.iter().copied());
                let what = if is_email { "an email" } else { "such a message" };
                let finding =
                    Finding::new(Code::E001, key.span, format!("`{}` is no setting of {what}", key.value));
                self.report(match near {
                    Some(near) => finding.help(format!("did you mean `{near}`?")).edit(key.span, near),
                    None => finding.help(format!("its settings are {}", words::one_of_ticked(known))),
                });
                continue;
            }
            if let Some(before) = seen.insert(&key.value, key.span) {
                self.report(
                    Finding::new(
                        Code::E307,
                        key.span,
                        format!("`{}` stands twice in this message", key.value),
                    )
                    .related(before, "it stands here already")
                    .help("take one of them away"),
                );
            }
            match &setting.value {
                SettingValue::Text(text) if takes_name => self.name_in_quotes(key, text),
                _ => {}
            }
        }
    }

    fn name_in_quotes(&self, key: &tree::Name, text: &tree::Text) {
        let message = format!("`{}` takes a name, without quotes", key.value);
        let finding = Finding::new(Code::E001, text.span, message);
        let in_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if text.value.starts_with(|c: char| c.is_ascii_lowercase()) && text.value.chars().all(in_name) {
            let help = format!("write `{} {}`", key.value, text.value);
            self.report(finding.help(help).edit(text.span, text.value.clone()));
        } else if key.value == "from" {
            let help = "write `from NAME`, with a sender of lotse.yaml";
            self.report(finding.help(help).lacks(Lack::Sender));
        } else {
            self.report(finding.help("write `topic NAME`, with a topic that is declared").lacks(Lack::Topic));
        }
    }

    fn message_text(&self, body: &tree::MessageBody) -> MessageText {
        let text = |key: &str| text_setting(body, key).map(|text| text.value.clone());
        let template = text_setting(body, "template").and_then(|template| {
            if self.files.templates.contains_key(&template.value) {
                self.used_in_text(NameKind::Template, &template.value, template.span);
                return Some(template.value.clone());
            }
            self.no_template(template);
            None
        });
        MessageText {
            subject: text("subject").or_else(|| text("title")),
            preheader: text("preheader"),
            template,
            body: text("body").or_else(|| text("text")),
        }
    }

    fn no_template(&self, template: &tree::Text) {
        let known = self.files.templates.keys().map(String::as_str);
        let name = template.value.rsplit('/').next().unwrap_or("");
        // A file of that name in another folder is meant more often than one of a similar name.
        let same_name = known.clone().find(|path| path.rsplit('/').next() == Some(name));
        let near = same_name.or_else(|| words::near(&template.value, known));
        let finding =
            Finding::new(Code::E401, template.span, format!("there is no template `{}`", template.value));
        self.report(match near {
            Some(near) => {
                finding.help(format!("did you mean `{near}`?")).edit(template.span, format!("\"{near}\""))
            }
            None => finding.help(
                "templates are .mjml, .html or .txt files, named by their path from the folder of lotse.yaml",
            ),
        });
    }

    fn languages(&self, tree: &tree::Message, is_email: bool, message: &mut Message) {
        let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
        for (language, body) in &tree.body.languages {
            if let Some(before) = seen.insert(&language.value, language.span) {
                self.twice("language", &language.value, before, language.span);
                continue;
            }
            let tag = language.value.len() >= 2
                && language.value.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
            if !tag {
                self.report(
                    Finding::new(Code::E002, language.span, format!("`{}` is no language", language.value))
                        .help("write a language tag such as \"de\" or \"pt-BR\""),
                );
            }
            self.settings(body, is_email, true);
            if let (Some(template), Some(text)) = (text_setting(body, "template"), text_setting(body, "body"))
            {
                self.report(
                    Finding::new(
                        Code::E307,
                        text.span,
                        "`template` and `body` both stand there for this language",
                    )
                    .related(template.span, "the template stands here")
                    .help("take one of them away"),
                );
            }
            let own = self.message_text(body);
            let base = &message.text;
            let has_own_body = own.template.is_some() || own.body.is_some();
            message.languages.push((
                language.value.clone(),
                MessageText {
                    subject: own.subject.or_else(|| base.subject.clone()),
                    preheader: own.preheader.or_else(|| base.preheader.clone()),
                    template: if has_own_body { own.template } else { base.template.clone() },
                    body: if has_own_body { own.body } else { base.body.clone() },
                },
            ));
        }
    }

    /// What a message must have.
    fn complete_message(&self, tree: &tree::Message, is_email: bool, message: &Message) {
        // What is misspelt is not missing as well.
        let known: &[&str] = if is_email { &EMAIL_SETTINGS } else { &OTHER_SETTINGS };
        let misspelt = tree.body.settings.iter().any(|setting| !known.contains(&setting.key.value.as_str()));
        if self.is_broken(tree.span) || misspelt {
            return;
        }
        let has = |key: &str| tree.body.settings.iter().any(|setting| setting.key.value == key);
        let missing = |code, what: &str, lack, help: &str| {
            let message = format!("the message `{}` has no {what}", message.name);
            let finding = Finding::new(code, tree.name.span, message).help(help);
            self.report(Finding { lack, ..finding });
        };
        if !is_email {
            if !has("text") {
                missing(Code::E401, "text", Some(Lack::Text), "write what it says: `text \"…\"`");
            }
            return;
        }
        if !has("from") {
            let help = match self.files.config {
                Some(_) => "write who it comes from: `from NAME`, with a sender of lotse.yaml",
                None => {
                    "write who it comes from: `from NAME`, with a sender of lotse.yaml, a file that is missing here"
                }
            };
            missing(Code::E101, "sender", Some(Lack::Sender), help);
        }
        if !has("subject") {
            let help = "write what stands in the subject line: `subject \"…\"`";
            missing(Code::E401, "subject", Some(Lack::Subject), help);
        }
        match (has("template"), has("body")) {
            (false, false) => missing(
                Code::E401,
                "text",
                Some(Lack::Text),
                "write `template \"emails/FILE.mjml\"`, or `body \"\"\" … \"\"\"`",
            ),
            (true, true) => missing(
                Code::E307,
                "single text: `template` and `body` both stand there",
                None,
                "take one of them away",
            ),
            _ => {}
        }
    }

    /// The message that `CHANNEL NAME` stands for in a journey or a test.
    pub(super) fn message_in_channel(
        &self,
        channel: &tree::Name,
        name: &tree::Name,
        code: Code,
    ) -> Option<&tree::Message> {
        let Some(message) = self.names.messages.get(&name.value) else {
            if self.incomplete(channel, name) || self.is_survey(code, name) {
                return None;
            }
            self.unknown(code, NameKind::Message, name, self.names.messages.keys().map(String::as_str));
            return None;
        };
        self.uses(NameKind::Message, &name.value);
        self.used_here(NameKind::Message, name, None);
        if message.channel.value != channel.value {
            self.report(
                Finding::new(
                    code,
                    channel.span,
                    format!("`{}` is no message of the channel `{}`", name.value, channel.value),
                )
                .related(message.channel.span, "its channel stands here")
                .help(format!("write `{} {}`", message.channel.value, name.value))
                .edit(channel.span, message.channel.value.clone()),
            );
            return None;
        }
        self.used_here(NameKind::Channel, channel, None);
        Some(message)
    }

    /// Says so where a survey was to be sent.
    fn is_survey(&self, code: Code, name: &tree::Name) -> bool {
        let survey = &name.value;
        if !self.names.surveys.contains_key(survey) {
            return false;
        }
        self.uses(NameKind::Survey, survey);
        let message = format!("`{survey}` is a survey, and a survey goes out as a link in a message");
        let help = format!("send a message whose text has `{{{{ survey_url(\"{survey}\") }}}}`");
        self.report(Finding::new(code, name.span, message).help(help));
        true
    }

    /// Whether a word is known to name a channel: by lotse.yaml, or by a message that goes by it.
    pub(super) fn is_channel(&self, word: &str) -> bool {
        word == "email"
            || self.deployment.is_some_and(|deployment| deployment.channels.contains_key(word))
            || self.names.messages.values().any(|message| message.channel.value == word)
    }

    /// Says so where a word is missing, so that one behind was taken for the name of a message.
    fn incomplete(&self, channel: &tree::Name, name: &tree::Name) -> bool {
        let found = self.names.messages.get(&channel.value).filter(|_| !self.is_channel(&channel.value));
        let (message, help) = match found {
            Some(message) => (
                format!("the channel is missing before `{}`", channel.value),
                format!("write `{} {}`", message.channel.value, channel.value),
            ),
            None if syntax::begins_statement(&name.value) && channel.value == "email" => (
                "the name of the message is missing behind `email`".to_owned(),
                "write `send email NAME`".to_owned(),
            ),
            None => return false,
        };
        let finding = Finding::new(Code::E001, channel.span, message).help(help);
        self.report(match found {
            Some(message) => {
                self.uses(NameKind::Message, &channel.value);
                finding.edit(channel.span, format!("{} {}", message.channel.value, channel.value))
            }
            None => finding,
        });
        true
    }

    /// Reports names that stand twice among pairs.
    pub(super) fn keys_once(&self, noun: &str, pairs: &[tree::Pair]) {
        let mut known: BTreeMap<&str, Span> = BTreeMap::new();
        for pair in pairs {
            if let Some(before) = known.insert(&pair.key.value, pair.key.span) {
                self.twice(noun, &pair.key.value, before, pair.key.span);
            }
        }
    }

    /// The values of `with` as they stand in a test.
    pub(super) fn literals(&self, pairs: &[tree::Pair]) -> Vec<(String, Expr)> {
        self.keys_once("value", pairs);
        let value = |pair: &tree::Pair| Some((pair.key.value.clone(), self.literal(&pair.value, None)?.expr));
        pairs.iter().filter_map(value).collect()
    }
}

fn is_other_setting(key: &tree::Name) -> bool {
    OTHER_SETTINGS.contains(&key.value.as_str())
}

/// The text of a setting, and where it stands.
pub(super) fn text_setting<'t>(body: &'t tree::MessageBody, key: &str) -> Option<&'t tree::Text> {
    body.settings.iter().find(|setting| setting.key.value == key).and_then(|setting| match &setting.value {
        SettingValue::Text(text) => Some(text),
        SettingValue::Name(_) => None,
    })
}
