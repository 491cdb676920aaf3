/// Names one file of a workspace, valid for the [`Sources`](super::Sources) that gave it out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(pub(super) u32);

/// A stretch of source text: bytes `start..end` of one file.
///
/// Both ends lie on character boundaries of that file; an empty span marks the place between two characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte behind the last.
    pub end: u32,
}

impl Span {
    /// Makes a span from byte offsets; offsets past 4 GiB are cut, which no accepted file reaches.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let start = u32::try_from(start).unwrap_or(u32::MAX);
        let end = u32::try_from(end).unwrap_or(u32::MAX);
        Self { source, start, end: end.max(start) }
    }

    /// The bytes it covers, for slicing.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// The smallest span over both; both lie in one file.
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.source, other.source, "a span stays in one file");
        Span { source: self.source, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span at its start.
    pub fn at_start(self) -> Span {
        Span { end: self.start, ..self }
    }

    /// The empty span at its end.
    pub fn at_end(self) -> Span {
        Span { start: self.end, ..self }
    }

    /// Whether `other` lies wholly inside.
    pub fn contains(self, other: Span) -> bool {
        self.source == other.source && self.start <= other.start && other.end <= self.end
    }
}
