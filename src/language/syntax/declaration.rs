use super::node::{Node, Reader, Rule};
use super::tree::{
    Broken, Declaration, Definition, Event, Expression, ExpressionKind, Field, FieldType, Fields, Message,
    MessageBody, Name, Pair, Policy, Setting, SettingValue, Survey, Text, Topic,
};

impl<'t> Reader<'t> {
    pub(super) fn declaration(&self, node: &Node<'t>) -> Declaration {
        match node.rule() {
            Rule::contact_declaration => Declaration::Contact(self.fields(&node.need(Rule::fields))),
            Rule::event_declaration => Declaration::Event(Event {
                span: self.span(node),
                name: self.name_in(node, Rule::name),
                wire: self.maybe_text_in(node),
                fields: self.fields(&node.need(Rule::fields)),
            }),
            Rule::topic_declaration => Declaration::Topic(Topic {
                span: self.span(node),
                name: self.name_in(node, Rule::name),
                label: self.maybe_text_in(node),
                essential: node.has(Rule::k_essential),
            }),
            Rule::measure_declaration => Declaration::Measure(self.definition(node)),
            Rule::segment_declaration => Declaration::Segment(self.definition(node)),
            Rule::survey_declaration => Declaration::Survey(self.survey(node)),
            Rule::policy_declaration => Declaration::Policy(self.policy(node)),
            Rule::message_declaration => Declaration::Message(self.message(node)),
            Rule::journey_declaration => Declaration::Journey(self.journey(node)),
            Rule::test_declaration => Declaration::Test(self.test(node)),
            _ => Declaration::Broken(self.broken_declaration(node)),
        }
    }

    fn definition(&self, node: &Node<'t>) -> Definition {
        let sign = node.need(Rule::definition_sign);
        if let Some(wrong) = sign.get(Rule::wrong_definition_sign) {
            let message = format!("what a name means stands behind `=`, not behind `{}`", wrong.text());
            self.say_write(self.span(&wrong), message, "=");
        }
        Definition {
            span: self.span(node),
            name: self.name_in(node, Rule::name),
            value: self.expression_in(node),
        }
    }

    /// Says that a block is never closed, if it is not.
    pub(super) fn closed(&self, node: &Node<'t>) {
        if node.children().any(|child| is_missing_close(child.rule())) {
            self.never_closed(node);
        }
        if let Some(wrong) = node.get(Rule::wrong_close) {
            self.say_write(
                self.span(&wrong),
                format!("a block ends with `}}`, not with `{}`", wrong.text()),
                "}",
            );
        }
    }

    fn fields(&self, node: &Node<'t>) -> Fields {
        self.closed(node);
        let mut fields = Vec::new();
        for entry in node.children() {
            match entry.rule() {
                Rule::field_declaration => fields.push(self.field_declaration(&entry)),
                Rule::wrong_separator => self.separator(&entry),
                Rule::broken_entry => self.explain(Rule::strict_field, entry.range(), "a field"),
                _ => {}
            }
        }
        Fields { span: self.span(node), fields }
    }

    fn field_declaration(&self, node: &Node<'t>) -> Field {
        self.no_colon(node);
        let name = match node.get(Rule::wrong_two_words) {
            Some(words) => self.name(&words),
            None => self.name_in(node, Rule::name),
        };
        if let Some(wrong) = node.get(Rule::default).and_then(|default| default.get(Rule::wrong_default)) {
            self.say_write(self.span(&wrong), "what a field is where nothing is set stands behind `=`", "=");
        }
        Field {
            name,
            kind: self.field_type(&node.need(Rule::field_type)),
            one_of: node.get(Rule::one_of).map(|one_of| self.one_of(&one_of)),
            default: node.get(Rule::default).map(|default| self.expression_in(&default)),
        }
    }

    fn field_type(&self, node: &Node<'t>) -> FieldType {
        let Some(list) = node.get(Rule::list_type) else {
            let name = node.need(Rule::name);
            return FieldType { list: false, name: Name::new(name.text().to_owned(), self.span(&name)) };
        };
        let wrong = list.get(Rule::wrong_list_type);
        let name = wrong.as_ref().map_or_else(|| list.need(Rule::name), |wrong| wrong.need(Rule::type_word));
        if let Some(wrong) = wrong {
            self.say_write(
                self.span(&wrong),
                "a list is a list of something",
                &format!("list of {}", name.text()),
            );
        }
        FieldType { list: true, name: Name::new(name.text().to_owned(), self.span(&name)) }
    }

    fn one_of(&self, node: &Node<'t>) -> Vec<Expression> {
        if let Some(wrong) = node.get(Rule::wrong_list) {
            let texts: Vec<Text> = wrong.all(Rule::text).map(|text| self.text(&text)).collect();
            let write: Vec<String> = texts.iter().map(|text| format!("{:?}", text.value)).collect();
            self.say_write(self.span(&wrong), "values stand in brackets", &format!("[{}]", write.join(", ")));
            let value = |text: Text| Expression { span: text.span, kind: ExpressionKind::Text(text.value) };
            return texts.into_iter().map(value).collect();
        }
        let wrong = node.get(Rule::wrong_one_of);
        let list = wrong.as_ref().unwrap_or(node).need(Rule::list);
        if wrong.is_some() {
            let message = "the values that a field can have stand behind `one of`";
            self.say_write(self.span(node), message, &format!("one of {}", self.written(&list)));
        }
        list.all(Rule::expression).map(|value| self.expression(&value)).collect()
    }

    /// Says that `:` does not stand between a word and its value, where one does.
    pub(super) fn no_colon(&self, node: &Node<'t>) {
        if let Some(colon) = node.get(Rule::wrong_colon) {
            self.separator(&colon);
        }
    }

    fn survey(&self, node: &Node<'t>) -> Survey {
        self.closed(node);
        for broken in node.all(Rule::broken_setting) {
            self.explain(Rule::strict_survey, broken.range(), "a setting of a survey");
        }
        self.once(node, Rule::survey_scale, "scale", "survey");
        self.once(node, Rule::survey_comment, "comment", "survey");
        let scale = node.get(Rule::survey_scale).map(|scale| {
            let mut ends = scale.all(Rule::signed_number).map(|number| self.number(&number));
            let low = ends.next().unwrap_or_else(|| self.number(&scale));
            let high = ends.next().unwrap_or_else(|| low.clone());
            (low, high)
        });
        Survey {
            span: self.span(node),
            name: self.name_in(node, Rule::name),
            question: self.maybe_text_in(node),
            scale,
            comment: node.get(Rule::survey_comment).map(|comment| self.text_in(&comment)),
        }
    }

    fn policy(&self, node: &Node<'t>) -> Policy {
        self.closed(node);
        let mut rules = Vec::new();
        for rule in node.children() {
            match rule.rule() {
                Rule::k_policy | Rule::close | Rule::missing_close => {}
                Rule::broken_clause => {
                    self.explain(Rule::strict_policy_clause, rule.range(), "a rule of the policy")
                }
                _ => rules.push(self.clause(&rule)),
            }
        }
        Policy { span: self.span(node), rules }
    }

    fn message(&self, node: &Node<'t>) -> Message {
        Message {
            span: self.span(node),
            channel: self.name_in(&node.need(Rule::channel), Rule::name),
            name: self.name_in(node, Rule::name),
            body: self.message_body(&node.need(Rule::message_body), false),
        }
    }

    fn message_body(&self, node: &Node<'t>, in_language: bool) -> MessageBody {
        self.closed(node);
        for broken in node.all(Rule::broken_setting) {
            self.explain(Rule::strict_setting, broken.range(), "a setting of a message");
        }
        self.once(node, Rule::message_utm, "utm", "message");
        let for_all = [(Rule::message_utm, "utm"), (Rule::message_language, "in")];
        for (entry, word) in for_all.into_iter().filter_map(|(rule, word)| Some((node.get(rule)?, word))) {
            if in_language {
                let message = format!("`{word}` cannot stand in what is different for a language");
                self.say(self.span(&entry), message, "write it behind the `}`, into the message itself");
            }
        }
        let mut body = MessageBody::default();
        for entry in node.children() {
            match entry.rule() {
                Rule::message_utm => body.utm.extend(self.pairs_in(&entry)),
                Rule::message_language => {
                    let inner = self.message_body(&entry.need(Rule::message_body), true);
                    body.languages.push((self.text_in(&entry), inner));
                }
                Rule::message_setting => body.settings.push(self.setting(&entry)),
                _ => {}
            }
        }
        body
    }

    fn setting(&self, node: &Node<'t>) -> Setting {
        self.no_colon(node);
        if let Some(unquoted) = node.get(Rule::unquoted_text) {
            let (key, span) = (node.need(Rule::text_setting), self.span(&unquoted));
            let write = format!("{:?}", unquoted.text().trim_matches('"'));
            self.say_write(span, format!("`{}` takes a text in quotes", key.text()), &write);
            let value = SettingValue::Text(Text::new(unquoted.text().to_owned(), span));
            return Setting { key: self.name(&key), value };
        }
        let key = node.need(Rule::name);
        let value = match self.maybe_text_in(node) {
            Some(text) => SettingValue::Text(text),
            None => SettingValue::Name(
                node.all(Rule::name).nth(1).map_or_else(|| self.name(&key), |name| self.name(&name)),
            ),
        };
        Setting { key: self.name(&key), value }
    }

    /// The pairs of a `pairs` child; none where there is no such child.
    pub(super) fn pairs_in(&self, node: &Node<'t>) -> Vec<Pair> {
        let Some(pairs) = node.get(Rule::pairs) else { return Vec::new() };
        self.closed(&pairs);
        pairs.all(Rule::pair).filter_map(|pair| self.pair(&pair)).collect()
    }

    pub(super) fn pair(&self, node: &Node<'t>) -> Option<Pair> {
        let entry = node.children().next()?;
        self.no_colon(&entry);
        Some(Pair { key: self.name_in(&entry, Rule::name), value: self.expression_in(&entry) })
    }

    fn broken_declaration(&self, node: &Node<'t>) -> Broken {
        let strict =
            if node.text().starts_with("email") { Rule::strict_message } else { Rule::strict_declaration };
        self.explain(strict, node.range(), "a declaration");
        let words = node.text().split(|c: char| !(c.is_alphanumeric() || c == '_'));
        let names = words.filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Broken { span: self.span(node), names }
    }
}

/// Whether a rule stands for a `}` that is not there.
pub(super) fn is_missing_close(rule: Rule) -> bool {
    matches!(
        rule,
        Rule::missing_close | Rule::stage_missing_close | Rule::if_missing_close | Rule::branch_missing_close
    )
}
