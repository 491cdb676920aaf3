use super::{Analysis, NameKind, Occurrence, Role};
use crate::finding::{Code, Finding, Severity};
use crate::language::model::Topic;
use crate::language::syntax::tree::{
    ClauseKind, Declaration, EnterKind, Journey, Message, StatementKind, WaitUpTo,
};
use crate::source::Span;

/// How many topics are offered for a message that has none.
const TOPICS_OFFERED_MAX: usize = 5;

/// A stretch of text and what to write in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// What goes.
    pub span: Span,
    /// What comes.
    pub text: String,
}

/// A change that mends a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, in a few words.
    pub title: String,
    /// What is written.
    pub changes: Vec<TextChange>,
    /// What it mends.
    pub finding: Finding,
    /// Whether it is what was most likely meant.
    pub preferred: bool,
}

impl Analysis {
    /// What can be done about the findings that a stretch of text touches, the likeliest first.
    pub fn fixes(&self, range: Span) -> Vec<Fix> {
        let touched = self
            .findings_in(range.source)
            .iter()
            .filter(|finding| finding.span.start <= range.end && range.start <= finding.span.end);
        touched.flat_map(|finding| self.fixes_of(finding)).collect()
    }

    fn fixes_of(&self, finding: &Finding) -> Vec<Fix> {
        let mut fixes = Vec::new();
        let mut fix = |title: String, changes: Vec<TextChange>, preferred: bool| {
            fixes.push(Fix { title, changes, finding: finding.clone(), preferred });
        };
        if let Some(edit) = &finding.edit {
            let title = match (edit.span.range().is_empty(), edit.replacement.as_str()) {
                (_, "") => format!("Take `{}` away", short(self.files.sources.text(edit.span))),
                (true, text) => format!("Add `{}`", short(text)),
                (false, text) => format!("Write `{}`", short(text)),
            };
            fix(title, vec![TextChange { span: edit.span, text: edit.replacement.clone() }], true);
        }
        for (title, changes) in self.additions(finding) {
            fix(title, changes, false);
        }
        if self.files.sources.text(finding.span).starts_with('#') {
            let gone = TextChange { span: self.line(finding.span), text: String::new() };
            fix("Take the comment away".to_owned(), vec![gone], true);
        } else if finding.severity() == Severity::Warning
            && self.files.journeys.contains(&finding.span.source)
            && let Some(change) = self.silence(finding)
        {
            fix(format!("Silence {} here, with a reason", finding.code), vec![change], false);
        }
        fixes
    }

    /// What a finding misses, and where it would stand.
    fn additions(&self, finding: &Finding) -> Vec<(String, Vec<TextChange>)> {
        let one = |(title, change)| (title, vec![change]);
        match finding.code {
            Code::E301 => self.missing_end(finding).into_iter().collect(),
            Code::E307 => self.missing_in_journey(finding).map(one).into_iter().collect(),
            Code::W603 => self.missing_goal(finding).map(one).into_iter().collect(),
            Code::E403 => self.missing_topic(finding).into_iter().map(one).collect(),
            Code::E101 | Code::E103 | Code::E501 => {
                let missing = |name: &&Occurrence| name.span == finding.span && name.role == Role::Missing;
                let names = self.names_in(finding.span.source).iter().filter(missing);
                names.filter_map(|name| self.declaration(name)).map(one).collect()
            }
            _ => Vec::new(),
        }
    }

    /// `otherwise` for a wait that says nothing for when the time is up, `end` for a path that ends nowhere.
    fn missing_end(&self, finding: &Finding) -> Option<(String, Vec<TextChange>)> {
        let journey = self.journey_around(finding.span)?;
        let wait = waits(journey).into_iter().find(|wait| wait.span.at_start() == finding.span);
        if let Some(wait) = wait {
            let change = self.last_in(wait.span, "otherwise { end }")?;
            return Some(("Add `otherwise { end }`".to_owned(), vec![change]));
        }
        let places = std::iter::once(finding.span).chain(finding.related.iter().map(|(span, _)| *span));
        let end = |place: Span| {
            if self.files.sources.text(place).starts_with('{') {
                return self.last_in(place, "end");
            }
            Some(TextChange { span: place.at_end(), text: format!("\n{}end", self.indent(place)) })
        };
        Some(("End the journey here".to_owned(), places.map(end).collect::<Option<_>>()?))
    }

    /// A way in, or a stage.
    fn missing_in_journey(&self, finding: &Finding) -> Option<(String, TextChange)> {
        let journey =
            self.journey_around(finding.span).filter(|journey| journey.name.span == finding.span)?;
        let enters = journey.clauses.iter().any(|clause| matches!(clause.kind, ClauseKind::Enter(_)));
        if !enters && finding.message.contains("`enter`") {
            let change = self.at_head(journey, "enter by request");
            return Some(("Add `enter by request`".to_owned(), change?));
        }
        if journey.stages.is_empty() {
            let text = "stage start {\n    end\n  }";
            return Some(("Add a stage".to_owned(), self.last_in(journey.span, text)?));
        }
        None
    }

    /// A goal, or a control group beside one.
    fn missing_goal(&self, finding: &Finding) -> Option<(String, TextChange)> {
        let journey = self.journey_around(finding.span)?;
        if journey.name.span != finding.span {
            let text = format!("\n{}control 10%", self.indent(finding.span));
            let change = TextChange { span: finding.span.at_end(), text };
            return Some(("Add a control group".to_owned(), change));
        }
        let enters: Vec<&str> = journey
            .clauses
            .iter()
            .filter_map(|clause| match &clause.kind {
                ClauseKind::Enter(enter) => match &enter.kind {
                    EnterKind::On { event } => Some(event.value.as_str()),
                    _ => None,
                },
                _ => None,
            })
            .collect();
        let mut events = self.checked.model.events.iter();
        let event = events.find(|event| !enters.contains(&event.name.as_str()))?;
        let text = format!("goal {0} on {0} within 30 days", event.name);
        Some((format!("Add a goal: `{}`", event.name), self.at_head(journey, &text)?))
    }

    /// A topic for a message that has none, of those that there are.
    fn missing_topic(&self, finding: &Finding) -> Vec<(String, TextChange)> {
        let Some((declared, _)) = finding.related.first() else { return Vec::new() };
        let Some(message) = self.message_named_at(*declared) else { return Vec::new() };
        let topics = self.checked.model.topics.iter().take(TOPICS_OFFERED_MAX);
        let offer = |topic: &Topic| {
            let change = self.behind_brace(message.span, &format!("topic {}", topic.name))?;
            Some((format!("Say that `{}` is about `{}`", message.name.value, topic.name), change))
        };
        topics.filter_map(offer).collect()
    }

    /// The declaration of a name that nothing declares.
    fn declaration(&self, missing: &Occurrence) -> Option<(String, TextChange)> {
        if self.declarations_of(missing).next().is_some() {
            return None;
        }
        let name = &missing.name;
        let here = missing.span;
        let title = format!("Declare the {} `{name}`", missing.kind.noun());
        let change = match missing.kind {
            NameKind::Event => self.beside(here, missing.kind, format!("event {name} {{ }}")),
            NameKind::Topic => self.beside(here, missing.kind, format!("topic {name} \"{}\"", label(name))),
            NameKind::Segment => {
                self.beside(here, missing.kind, format!("segment {name} = contact.email is set"))
            }
            NameKind::Message => {
                let from = self.config.senders.declared().next().map_or("marketing", |(sender, _)| sender);
                let text = format!(
                    "email {name} {{\n  from    {from}\n  subject \"{}\"\n  body    \"\"\"\n    Hello!\n\n    {{{{ unsubscribe_url }}}}\n    \"\"\"\n}}",
                    label(name)
                );
                self.beside(here, missing.kind, text)
            }
            NameKind::Survey => {
                let text =
                    format!("survey {name} \"How likely are you to recommend us?\" {{ scale 0 to 10 }}");
                self.beside(here, missing.kind, text)
            }
            NameKind::Stage => {
                let journey = self.journey_around(here)?;
                self.last_in(journey.span, &format!("stage {name} {{\n    end\n  }}"))?
            }
            NameKind::ContactField => {
                let contact = self.block_of(|declaration| match declaration {
                    Declaration::Contact(fields) => Some(fields.span),
                    _ => None,
                });
                match contact {
                    Some(block) => self.last_in(block, &format!("{name} text"))?,
                    None => self.beside(here, missing.kind, format!("contact {{ {name} text }}")),
                }
            }
            NameKind::EventField => {
                let owner = missing.owner.as_deref()?;
                let event = self.block_of(|declaration| match declaration {
                    Declaration::Event(event) if event.name.value == owner => Some(event.fields.span),
                    _ => None,
                })?;
                self.last_in(event, &format!("{name} text"))?
            }
            _ => return None,
        };
        Some((title, change))
    }

    /// A declaration where others of its kind stand, else at the end of the file in which it is missing.
    fn beside(&self, missing: Span, kind: NameKind, text: String) -> TextChange {
        let own = self.names_in(missing.source).iter().chain(&self.occurrences);
        let others = own.filter(|name| name.kind == kind && name.role == Role::Declaration);
        let in_journeys = others.filter(|name| self.files.journeys.contains(&name.span.source));
        let last = in_journeys.clone().next().and_then(|first| {
            let declarations = &self.tree(first.span.source)?.parsed.file.declarations;
            declarations.iter().rfind(|declaration| declares(declaration, kind)).map(Declaration::span)
        });
        let source = if self.files.journeys.contains(&missing.source) {
            Some(missing.source)
        } else {
            self.files.journeys.first().copied()
        };
        match (last, source) {
            (Some(last), _) => {
                let end = last.start as usize + self.files.sources.text(last).trim_end().len();
                TextChange { span: Span::new(last.source, end, end), text: format!("\n\n{text}") }
            }
            (None, source) => {
                let source = source.unwrap_or(missing.source);
                let whole = &self.files.sources.get(source).text;
                let end = whole.trim_end().len();
                let gap = if end == 0 { "" } else { "\n\n" };
                TextChange { span: Span::new(source, end, whole.len()), text: format!("{gap}{text}\n") }
            }
        }
    }

    fn block_of(&self, block: impl Fn(&Declaration) -> Option<Span>) -> Option<Span> {
        self.trees.iter().flat_map(|tree| &tree.parsed.file.declarations).find_map(block)
    }

    /// An entry as the last of a block.
    fn last_in(&self, block: Span, entry: &str) -> Option<TextChange> {
        let text = self.files.sources.text(block);
        let inside = text.trim_end().strip_suffix('}')?;
        let end = block.start as usize + inside.trim_end().len();
        let close = block.start as usize + inside.len();
        let indent = self.indent(block);
        let before = if inside.trim_end().ends_with('{') || inside.contains('\n') {
            format!("\n{indent}  {entry}\n{indent}")
        } else {
            format!("  {entry} ")
        };
        Some(TextChange { span: Span::new(block.source, end, close), text: before })
    }

    /// An entry as the first of the block that a declaration has.
    fn behind_brace(&self, declaration: Span, entry: &str) -> Option<TextChange> {
        let brace = self.files.sources.text(declaration).find('{')?;
        let place = declaration.start as usize + brace + 1;
        let text = format!("\n{}  {entry}", self.indent(declaration));
        Some(TextChange { span: Span::new(declaration.source, place, place), text })
    }

    /// A clause behind those that a journey has.
    fn at_head(&self, journey: &Journey, clause: &str) -> Option<TextChange> {
        let Some(last) = journey.clauses.last() else { return self.behind_brace(journey.span, clause) };
        let text = format!("\n{}{clause}", self.indent(last.span));
        let end = last.span.start as usize + self.files.sources.text(last.span).trim_end().len();
        Some(TextChange { span: Span::new(last.span.source, end, end), text })
    }

    /// The comment that silences a finding, above its line.
    fn silence(&self, finding: &Finding) -> Option<TextChange> {
        let start = self.line(finding.span).at_start();
        let indent = self.indent(finding.span);
        let comment = format!("{indent}# allow {}: this is meant so\n", finding.code);
        Some(TextChange { span: start, text: comment })
    }

    /// The whole line that a place begins in, with its end.
    fn line(&self, place: Span) -> Span {
        let text = &self.files.sources.get(place.source).text;
        let before = text.get(..place.start as usize).unwrap_or("");
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let length = text.get(start..).unwrap_or("").split_inclusive('\n').next().map_or(0, str::len);
        Span::new(place.source, start, start + length)
    }

    /// The blanks with which the line of a place begins.
    fn indent(&self, place: Span) -> String {
        let line = self.files.sources.text(self.line(place));
        line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
    }

    fn journey_around(&self, place: Span) -> Option<&Journey> {
        self.tree(place.source)?.parsed.file.declarations.iter().find_map(|declaration| match declaration {
            Declaration::Journey(journey) if journey.span.contains(place) => Some(journey),
            _ => None,
        })
    }

    fn message_named_at(&self, place: Span) -> Option<&Message> {
        self.tree(place.source)?.parsed.file.declarations.iter().find_map(|declaration| match declaration {
            Declaration::Message(message) if message.name.span == place => Some(message),
            _ => None,
        })
    }
}

fn declares(declaration: &Declaration, kind: NameKind) -> bool {
    matches!(
        (declaration, kind),
        (Declaration::Event(_), NameKind::Event)
            | (Declaration::Topic(_), NameKind::Topic)
            | (Declaration::Segment(_), NameKind::Segment)
            | (Declaration::Message(_), NameKind::Message)
            | (Declaration::Survey(_), NameKind::Survey)
            | (Declaration::Contact(_), NameKind::ContactField)
    )
}

fn waits(journey: &Journey) -> Vec<&WaitUpTo> {
    let mut waits = Vec::new();
    for stage in &journey.stages {
        stage.body.each(&mut |statement| {
            let kind: &StatementKind = &statement.kind;
            waits.extend(kind.wait());
        });
    }
    waits
}

/// A name as people would say it: `order_placed` is "Order placed".
fn label(name: &str) -> String {
    let words = name.replace(['_', '-'], " ");
    let mut rest = words.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

/// A text on one line, cut where it is long.
fn short(text: &str) -> String {
    let line: Vec<&str> = text.split_whitespace().collect();
    let line = line.join(" ");
    if line.chars().count() > 40 { line.chars().take(39).chain(['…']).collect() } else { line }
}
