use crate::language::syntax::token::{BlockKind, Entry as EntryKind, Token, TokenKind};

/// A comment on a line of its own.
#[derive(Debug)]
pub(super) struct Comment<'t> {
    pub(super) text: &'t str,
    /// Whether a line is left empty before it.
    pub(super) apart: bool,
}

/// A block, or the whole file.
#[derive(Debug)]
pub(super) struct Block<'t> {
    pub(super) kind: BlockKind,
    /// The comment in the line of the `{`.
    pub(super) behind_open: Option<&'t str>,
    pub(super) entries: Vec<Entry<'t>>,
    /// Comments behind the last entry.
    pub(super) below: Vec<Comment<'t>>,
}

/// What stands in a block, one below the other.
#[derive(Debug)]
pub(super) struct Entry<'t> {
    pub(super) kind: EntryKind,
    pub(super) above: Vec<Comment<'t>>,
    /// Whether a line is left empty before it, behind the comments above.
    pub(super) apart: bool,
    pub(super) parts: Vec<Part<'t>>,
    /// The comment in its last line.
    pub(super) behind: Option<&'t str>,
    /// Whether it stood on one line.
    pub(super) one_line: bool,
}

/// A part of an entry.
#[derive(Debug)]
pub(super) enum Part<'t> {
    Words(Vec<&'t Token<'t>>),
    Block(Block<'t>),
    /// A comment amid the entry, and whether it has a line of its own.
    Comment {
        text: &'t str,
        alone: bool,
    },
}

impl Block<'_> {
    pub(super) fn has_comments(&self) -> bool {
        self.behind_open.is_some()
            || !self.below.is_empty()
            || self.entries.iter().any(|entry| !entry.above.is_empty() || entry.behind.is_some())
    }
}

impl<'t> Entry<'t> {
    pub(super) fn blocks(&self) -> impl Iterator<Item = &Block<'t>> {
        self.parts.iter().filter_map(|part| match part {
            Part::Block(block) => Some(block),
            _ => None,
        })
    }

    /// The words outside of its blocks.
    pub(super) fn words(&self) -> impl Iterator<Item = &str> {
        let words = self.parts.iter().filter_map(|part| match part {
            Part::Words(words) => Some(words),
            _ => None,
        });
        words.flatten().map(|token| token.text.as_ref())
    }

    /// Whether a comment stands directly above that silences a finding of its line: were the entry broken, the
    /// finding could come to stand in another.
    pub(super) fn is_pinned(&self) -> bool {
        let silence =
            |comment: &Comment<'_>| comment.text.trim_start_matches('#').trim_start().starts_with("allow ");
        self.one_line && !self.apart && self.above.iter().any(silence)
    }
}

/// Puts the tokens of a file in order.
pub(super) fn file<'t>(tokens: &'t [Token<'t>]) -> Block<'t> {
    Outline { tokens, at: 0 }.block(BlockKind::File, Vec::new())
}

struct Outline<'t> {
    tokens: &'t [Token<'t>],
    at: usize,
}

impl<'t> Outline<'t> {
    fn peek(&self) -> Option<&'t Token<'t>> {
        self.tokens.get(self.at)
    }

    /// The next token that is no comment.
    fn next_word(&self) -> Option<&'t Token<'t>> {
        self.tokens.get(self.at..)?.iter().find(|token| token.kind != TokenKind::Comment)
    }

    /// What stands up to the `}`, with the comments that stood before the `{`.
    fn block(&mut self, kind: BlockKind, before: Vec<&'t Token<'t>>) -> Block<'t> {
        let mut block = Block { kind, behind_open: None, entries: Vec::new(), below: Vec::new() };
        let mut above: Vec<Comment<'t>> = Vec::new();
        for comment in before {
            block.take_comment(comment, &mut above);
        }
        while let Some(token) = self.peek() {
            match token.kind {
                TokenKind::Comment => {
                    self.at += 1;
                    block.take_comment(token, &mut above);
                }
                TokenKind::Close => {
                    self.at += 1;
                    break;
                }
                _ => {
                    let above = std::mem::take(&mut above);
                    block.entries.push(self.entry(above));
                }
            }
        }
        block.below = above;
        block
    }

    fn entry(&mut self, above: Vec<Comment<'t>>) -> Entry<'t> {
        let begun = self.at;
        let first = self.peek();
        let mut parts: Vec<Part<'t>> = Vec::new();
        while let Some(token) = self.next_word() {
            let ended = token.kind == TokenKind::Close || token.entry.is_some() && self.at > begun;
            if ended {
                break;
            }
            let comments = self.comments();
            self.at += 1;
            if let TokenKind::Open(kind) = token.kind {
                parts.push(Part::Block(self.block(kind, comments)));
                continue;
            }
            for comment in comments {
                parts.push(Part::Comment { text: &comment.text, alone: comment.lines > 0 });
            }
            match parts.last_mut() {
                Some(Part::Words(words)) => words.push(token),
                _ => parts.push(Part::Words(vec![token])),
            }
        }
        let inner = self.tokens.get(begun + 1..self.at).unwrap_or_default();
        Entry {
            kind: first.and_then(|token| token.entry).unwrap_or(EntryKind::Plain),
            apart: first.is_some_and(|token| token.lines > 1),
            above,
            parts,
            behind: None,
            one_line: inner.iter().all(|token| token.lines == 0),
        }
    }

    /// The comments up to the next word.
    fn comments(&mut self) -> Vec<&'t Token<'t>> {
        let rest = self.tokens.get(self.at..).unwrap_or_default();
        let comments: Vec<_> = rest.iter().take_while(|token| token.kind == TokenKind::Comment).collect();
        self.at += comments.len();
        comments
    }
}

impl<'t> Block<'t> {
    /// Puts a comment where it belongs: to the line before, or above what follows.
    fn take_comment(&mut self, comment: &'t Token<'t>, above: &mut Vec<Comment<'t>>) {
        let text = comment.text.as_ref();
        let on_line = comment.lines == 0 && above.is_empty();
        match self.entries.last_mut() {
            Some(entry) if on_line && entry.behind.is_none() => entry.behind = Some(text),
            None if on_line && self.behind_open.is_none() && self.kind != BlockKind::File => {
                self.behind_open = Some(text);
            }
            _ => above.push(Comment { text, apart: comment.lines > 1 }),
        }
    }
}
