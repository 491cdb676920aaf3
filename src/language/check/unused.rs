use super::Checker;
use super::names::NameKind;
use crate::finding::{Code, Finding};
use crate::source::Span;

impl Checker<'_> {
    /// Declarations that nothing uses.
    pub(super) fn unused(&self) {
        let names = &self.names;
        let declared = names
            .events
            .values()
            .map(|event| (NameKind::Event, &event.name, event.span))
            .chain(names.topics.values().map(|topic| (NameKind::Topic, &topic.name, topic.span)))
            .chain(names.segments.iter().map(|(name, segment)| (NameKind::Segment, name, segment.name.span)))
            .chain(names.measures.iter().map(|(name, measure)| (NameKind::Measure, name, measure.name.span)))
            .chain(names.messages.iter().map(|(name, message)| (NameKind::Message, name, message.name.span)))
            .chain(names.surveys.iter().map(|(name, survey)| (NameKind::Survey, name, survey.name.span)));
        let unused: Vec<(NameKind, String, Span)> = declared
            .filter(|(kind, name, _)| !self.used.borrow().contains(&(*kind, (*name).clone())))
            .map(|(kind, name, span)| (kind, name.clone(), span))
            .collect();
        for (kind, name, span) in unused {
            let what = match kind {
                NameKind::Message => "no journey sends the message",
                NameKind::Event => "no journey asks for the event",
                NameKind::Topic => "no message is about the topic",
                _ => "nothing uses",
            };
            let noun = if what == "nothing uses" { format!(" the {}", kind.noun()) } else { String::new() };
            self.report(
                Finding::new(Code::W605, span, format!("{what}{noun} `{name}`"))
                    .help("take it away, or use it"),
            );
        }
    }
}
