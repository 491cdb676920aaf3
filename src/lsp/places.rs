use std::collections::BTreeMap;

use gen_lsp_types::{Location, Range, Uri};

use super::documents::{Documents, Place};
use super::lines::Lines;
use crate::source::{SourceId, Span};

/// Places of a workspace as an editor finds them. The lines of a file are counted once, however many are asked for.
pub(super) struct Places<'d> {
    documents: &'d Documents,
    desk: usize,
    known: BTreeMap<SourceId, (Lines<'d>, Option<Uri>)>,
}

impl<'d> Places<'d> {
    pub(super) fn of(documents: &'d Documents, desk: usize) -> Self {
        Self { documents, desk, known: BTreeMap::new() }
    }

    fn file(&mut self, source: SourceId) -> Option<&(Lines<'d>, Option<Uri>)> {
        let (documents, place) = (self.documents, Place { desk: self.desk, source });
        let desk = documents.desk(place)?;
        let read = || (desk.lines(source, documents.encoding()), documents.uri(place));
        Some(self.known.entry(source).or_insert_with(read))
    }

    pub(super) fn range(&mut self, span: Span) -> Range {
        self.file(span.source).map(|(lines, _)| lines.range(span)).unwrap_or_default()
    }

    pub(super) fn location(&mut self, span: Span) -> Option<Location> {
        let (lines, uri) = self.file(span.source)?;
        Some(Location { uri: uri.clone()?, range: lines.range(span) })
    }
}
