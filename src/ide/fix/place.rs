//! Where in a file something is written, so that the line and its neighbours look as if it had always stood there.

use super::TextChange;
use crate::ide::{Analysis, NameKind, Role};
use crate::language::syntax::tree::{Declaration, Journey, Message};
use crate::source::Span;

impl Analysis {
    /// A declaration where others of its kind stand, else at the end of the file in which it is missing.
    pub(super) fn beside(&self, missing: Span, kind: NameKind, text: &str) -> TextChange {
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

    pub(super) fn block_of(&self, block: impl Fn(&Declaration) -> Option<Span>) -> Option<Span> {
        self.trees.iter().flat_map(|tree| &tree.parsed.file.declarations).find_map(block)
    }

    /// An entry as the last of a block.
    pub(super) fn last_in(&self, block: Span, entry: &str) -> Option<TextChange> {
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
    pub(super) fn behind_brace(&self, declaration: Span, entry: &str) -> Option<TextChange> {
        let text = self.files.sources.text(declaration);
        let brace = text.find('{')?;
        let place = declaration.start as usize + brace + 1;
        let text = if text.contains('\n') {
            format!("\n{}  {entry}", self.indent(declaration))
        } else {
            format!(" {entry} ")
        };
        Some(TextChange { span: Span::new(declaration.source, place, place), text })
    }

    /// A clause behind those that a journey has.
    pub(super) fn at_head(&self, journey: &Journey, clause: &str) -> Option<TextChange> {
        let Some(last) = journey.clauses.last() else { return self.behind_brace(journey.span, clause) };
        Some(self.behind(last.span, clause))
    }

    /// An entry behind another of the same block: on the next line, or on the same where others stand on it.
    pub(super) fn behind(&self, other: Span, entry: &str) -> TextChange {
        let end = other.start as usize + self.files.sources.text(other).trim_end().len();
        let text = if self.begins_line(other) {
            format!("\n{}{entry}", self.indent(other))
        } else {
            format!("  {entry}")
        };
        TextChange { span: Span::new(other.source, end, end), text }
    }

    /// An entry before another of the same block.
    pub(super) fn before(&self, other: Span, entry: &str) -> TextChange {
        let gap = if self.begins_line(other) { format!("\n{}", self.indent(other)) } else { "  ".to_owned() };
        TextChange { span: other.at_start(), text: format!("{entry}{gap}") }
    }

    /// Takes a stretch of text away, with its lines where nothing else stands on them.
    pub(super) fn gone(&self, span: Span) -> TextChange {
        let text = &self.files.sources.get(span.source).text;
        let end = span.start as usize + self.files.sources.text(span).trim_end().len();
        let behind = text.get(end..).unwrap_or("");
        let rest = behind.split_inclusive('\n').next().unwrap_or("");
        let (start, end) = if self.begins_line(span) && rest.trim().is_empty() {
            (self.line(span).start as usize, end + rest.len())
        } else {
            let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            (span.start as usize, end + blank)
        };
        TextChange { span: Span::new(span.source, start, end), text: String::new() }
    }

    /// A word that goes, with one of the blanks around it.
    pub(super) fn with_gap(&self, word: Span) -> Span {
        let text = &self.files.sources.get(word.source).text;
        let (before, behind) = (text.get(..word.start as usize), text.get(word.end as usize..));
        let blank = behind.map_or(0, |behind| behind.len() - behind.trim_start_matches([' ', '\t']).len());
        let is_between =
            before.is_some_and(|before| before.ends_with([' ', '\t']) && !self.begins_line(word));
        let blank = if is_between { blank } else { 0 };
        Span::new(word.source, word.start as usize, word.end as usize + blank)
    }

    /// Whether nothing but blanks stands before a place on its line.
    fn begins_line(&self, place: Span) -> bool {
        let text = &self.files.sources.get(place.source).text;
        let line = self.line(place).start as usize;
        text.get(line..place.start as usize).is_some_and(|before| before.trim().is_empty())
    }

    /// The whole line that a place begins in, with its end.
    pub(super) fn line(&self, place: Span) -> Span {
        let text = &self.files.sources.get(place.source).text;
        let before = text.get(..place.start as usize).unwrap_or("");
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let length = text.get(start..).unwrap_or("").split_inclusive('\n').next().map_or(0, str::len);
        Span::new(place.source, start, start + length)
    }

    /// The blanks with which the line of a place begins.
    pub(super) fn indent(&self, place: Span) -> String {
        let line = self.files.sources.text(self.line(place));
        line.chars().take_while(|c| matches!(c, ' ' | '\t')).collect()
    }

    pub(super) fn journey_around(&self, place: Span) -> Option<&Journey> {
        self.tree(place.source)?.parsed.file.declarations.iter().find_map(|declaration| match declaration {
            Declaration::Journey(journey) if journey.span.contains(place) => Some(journey),
            _ => None,
        })
    }

    pub(super) fn message_named_at(&self, place: Span) -> Option<&Message> {
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
