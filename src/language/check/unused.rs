use super::Checker;
use super::names::Kind;
use crate::finding::{Code, Finding};
use crate::source::Span;

impl Checker<'_> {
    /// Declarations that nothing uses.
    pub(super) fn unused(&self) {
        let names = &self.names;
        let declared = names
            .events
            .values()
            .map(|event| (Kind::Event, &event.name, event.span))
            .chain(names.topics.values().map(|topic| (Kind::Topic, &topic.name, topic.span)))
            .chain(names.segments.iter().map(|(name, segment)| (Kind::Segment, name, segment.name.span)))
            .chain(names.measures.iter().map(|(name, measure)| (Kind::Measure, name, measure.name.span)))
            .chain(names.messages.iter().map(|(name, message)| (Kind::Message, name, message.name.span)))
            .chain(names.surveys.iter().map(|(name, survey)| (Kind::Survey, name, survey.name.span)));
        let unused: Vec<(Kind, String, Span)> = declared
            .filter(|(kind, name, _)| !self.used.borrow().contains(&(*kind, (*name).clone())))
            .map(|(kind, name, span)| (kind, name.clone(), span))
            .collect();
        for (kind, name, span) in unused {
            let what = match kind {
                Kind::Message => "no journey sends the message",
                Kind::Event => "no journey asks for the event",
                Kind::Topic => "no message is about the topic",
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
