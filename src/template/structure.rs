//! Holds tags against each other: what opens must close, in the same branch of a condition, and nothing that
//! has no place in a mail may stand there.

use std::ops::Range;

use super::TemplateProblem;
use super::lexer::Form;
use super::limits::ELEMENT_DEPTH_MAX;
use super::links::{self, Target};
use super::markup::{Markup, OpenTag, VOID, scan, unescape};
use super::masked::{Kind, Masked, Piece, PlacedTag, has_words, map_words, pieces};

/// Elements that HTML closes by itself (HTML, section 13.1.2.4).
const CLOSE_THEMSELVES: [&str; 17] = [
    "html", "head", "body", "p", "li", "dt", "dd", "tr", "td", "th", "thead", "tbody", "tfoot", "colgroup",
    "caption", "option", "optgroup",
];
/// Elements that no mail program shows, or that would reach out of the mail.
const REFUSED: [&str; 9] =
    ["script", "iframe", "object", "embed", "applet", "base", "frame", "frameset", "noframes"];
/// Attributes that hold an address.
pub(super) const URL_ATTRIBUTES: [&str; 9] =
    ["href", "src", "action", "formaction", "background", "background-url", "poster", "xlink:href", "cite"];

/// How deep the elements of finished HTML stand in each other, leaving out those that close themselves.
pub(super) fn depth(html: &str) -> usize {
    let mut depth = 0_usize;
    let mut deepest = 0;
    for markup in scan(html) {
        let name = match &markup {
            Markup::Open(tag) if tag.is_closed => continue,
            Markup::Open(OpenTag { name, .. }) | Markup::Close { name, .. } => name.clone(),
            _ => continue,
        };
        let name = html.get(name).unwrap_or_default().to_ascii_lowercase();
        if !VOID.contains(&name.as_str()) && !CLOSE_THEMSELVES.contains(&name.as_str()) {
            let is_open = matches!(markup, Markup::Open(_));
            depth = if is_open { depth + 1 } else { depth.saturating_sub(1) };
            deepest = deepest.max(depth);
        }
    }
    deepest
}

/// An element that is open.
struct Element {
    name: String,
    /// Where its name stands in the masked text.
    place: Range<usize>,
}

/// A condition or loop that is open around markup.
#[derive(Clone, Copy)]
struct Frame {
    tag: usize,
    /// How many elements were open before it.
    depth: usize,
}

/// Checks markup item by item and writes it anew, ready for the libraries: statements stand in comments,
/// which no library moves or escapes; the author's own comments are left out, since they are for colleagues.
pub(super) struct Structure<'a> {
    pub masked: &'a Masked,
    pub tags: &'a [PlacedTag],
    pub problems: &'a mut Vec<TemplateProblem>,
    open: Vec<Element>,
    frames: Vec<Frame>,
    /// Whether the markup here is for Outlook alone, where elements need not close.
    is_hidden: bool,
    /// Whether elements need not close here, because another `mj-raw` may do it.
    pub is_lenient: bool,
}

impl<'a> Structure<'a> {
    pub fn new(masked: &'a Masked, tags: &'a [PlacedTag], problems: &'a mut Vec<TemplateProblem>) -> Self {
        Self {
            masked,
            tags,
            problems,
            open: Vec::new(),
            frames: Vec::new(),
            is_hidden: false,
            is_lenient: false,
        }
    }

    pub fn text(&self, range: &Range<usize>) -> &'a str {
        self.masked.text.get(range.clone()).unwrap_or_default()
    }

    pub fn problem(&mut self, range: &Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        let (part, range) = self.masked.locate(range);
        self.problems.push(TemplateProblem::new(&part, range, message).help(help));
    }

    /// The name of the innermost open element.
    pub fn parent(&self) -> Option<&str> {
        self.open.last().map(|element| element.name.as_str())
    }

    /// Checks one item of HTML and writes it.
    pub fn html(&mut self, markup: &Markup, out: &mut String) {
        match markup {
            Markup::Text(range) => self.html_text(range, out),
            Markup::Open(tag) => {
                self.html_open(tag);
                out.push_str(self.text(&tag.range));
            }
            Markup::Close { name, range } => {
                self.close(name);
                out.push_str(self.text(range));
            }
            Markup::Comment(range) => {
                self.balanced(range);
                if self.text(range).contains("<![endif]") {
                    out.push_str(self.text(range));
                }
            }
            Markup::Conditional { range, hides } => {
                self.balanced(range);
                self.is_hidden = *hides;
                out.push_str(self.text(range));
            }
            Markup::Declaration(range) => out.push_str(self.text(range)),
            Markup::Unfinished(range) => {
                let written = self.text(range).to_owned();
                self.problem(range, format!("`{written}` never ends"), "close it with `>`");
            }
        }
    }

    fn html_text(&mut self, range: &Range<usize>, out: &mut String) {
        let raw = self.parent().filter(|name| matches!(*name, "style" | "script" | "title" | "textarea"));
        let raw = if self.is_hidden { None } else { raw.map(str::to_owned) };
        if let Some(element) = raw {
            self.raw_text(range, &element);
            out.push_str(self.text(range));
            return;
        }
        for piece in pieces(self.text(range)) {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Word(kind, number) => out.push_str(&self.word(kind, number)),
            }
        }
    }

    /// Checks the text of an element that knows no tags inside.
    pub fn raw_text(&mut self, range: &Range<usize>, element: &str) {
        self.balanced(range);
        let has_statement = self.words(range).any(|tag| !tag.tag.form.is_output());
        match element {
            "script" if has_words(self.text(range)) => {
                self.problem(range, "a placeholder in a `<script>`", "put it where text can stand");
            }
            "style" | "mj-style" if has_statement => {
                let help = "put the condition around the value: `color: {{ \"red\" if contact.vip else \"black\" }}`";
                self.problem(range, "a condition or loop in a style sheet", help);
            }
            _ => {}
        }
    }

    /// The word for a tag between elements.
    pub fn word(&mut self, kind: Kind, number: usize) -> String {
        let word = kind.word(number);
        let Some(tag) = self.tags.get(number).filter(|_| kind == Kind::Tag) else { return word };
        match tag.tag.form {
            Form::Output(_) => return word,
            Form::If(_) | Form::For { .. } => self.frames.push(Frame { tag: number, depth: self.open.len() }),
            Form::Elif(_) | Form::Else => self.branch_ends(number, false),
            Form::EndIf | Form::EndFor => self.branch_ends(number, true),
            Form::Set { .. } | Form::Comment => {}
        }
        if self.is_hidden { word } else { format!("<!--{word}-->") }
    }

    fn words(&self, range: &Range<usize>) -> impl Iterator<Item = &'a PlacedTag> + use<'a> {
        let tags = self.tags;
        pieces(self.text(range)).filter_map(move |piece| match piece {
            Piece::Word(Kind::Tag, number) => tags.get(number),
            _ => None,
        })
    }

    /// Sees to it that every element that a branch opened is closed in it.
    fn branch_ends(&mut self, number: usize, is_last: bool) {
        let frame = if is_last { self.frames.pop() } else { self.frames.last().copied() };
        let Some(frame) = frame else { return };
        let statement = self.tags.get(frame.tag).map_or("", PlacedTag::text).to_owned();
        let end = self.tags.get(number).map_or("", PlacedTag::text).to_owned();
        for element in self.open.split_off(frame.depth.min(self.open.len())) {
            if !CLOSE_THEMSELVES.contains(&element.name.as_str()) {
                let message = format!(
                    "`<{}>` opens behind `{statement}` and is not closed before `{end}`",
                    element.name
                );
                self.problem(
                    &element.place,
                    message,
                    format!("close it with `</{}>` in the same branch", element.name),
                );
            }
        }
    }

    /// Sees to it that conditions and loops in a value, a comment or a text end where they begin.
    pub fn balanced(&mut self, range: &Range<usize>) {
        let mut open: Vec<&PlacedTag> = Vec::new();
        for tag in self.words(range) {
            let fits = match tag.tag.form {
                Form::If(_) | Form::For { .. } => {
                    open.push(tag);
                    true
                }
                Form::Elif(_) | Form::Else => !open.is_empty(),
                Form::EndIf | Form::EndFor => open.pop().is_some(),
                _ => true,
            };
            if !fits {
                self.torn(tag);
                return;
            }
        }
        if let Some(tag) = open.last() {
            self.torn(tag);
        }
    }

    fn torn(&mut self, tag: &PlacedTag) {
        let message = format!("`{}` and what belongs to it stand in different places", tag.text());
        let problem = TemplateProblem::new(&tag.part, tag.tag.range.clone(), message);
        self.problems.push(problem.help("begin and end it inside the same value, or around whole elements"));
    }

    fn html_open(&mut self, tag: &OpenTag) {
        let name = self.text(&tag.name).to_ascii_lowercase();
        let is_data = name == "script"
            && tag
                .attribute(&self.masked.text, "type")
                .is_some_and(|kind| kind.eq_ignore_ascii_case("application/ld+json"));
        if REFUSED.contains(&name.as_str()) && !is_data {
            self.problem(&tag.name, format!("`<{name}>` does not work in a mail"), "take it out");
        }
        self.attributes(tag);
        let is_void = VOID.contains(&name.as_str());
        let is_foreign =
            name.contains(':') || name == "svg" || self.open.iter().any(|element| element.name == "svg");
        if tag.is_closed && !is_void && !is_foreign && !self.is_hidden {
            let help = format!("write `<{name}></{name}>`");
            self.problem(&tag.name, format!("`<{name} />` does not close itself in HTML"), help);
        } else if !tag.is_closed && !is_void {
            self.open(&name, &tag.name);
        }
    }

    /// Notes that an element is open.
    pub fn open(&mut self, name: &str, place: &Range<usize>) {
        if self.is_hidden || self.is_lenient {
            return;
        }
        if CLOSE_THEMSELVES.contains(&name) {
            self.close_sibling(name);
        }
        // Said once, where it begins to be too deep.
        if self.open.len() == ELEMENT_DEPTH_MAX {
            let message = format!("tags more than {ELEMENT_DEPTH_MAX} deep");
            self.problem(
                place,
                message,
                "mail programs give up long before: use fewer tags inside each other",
            );
        }
        self.open.push(Element { name: name.to_owned(), place: place.clone() });
    }

    /// Closes what the next of its kind closes: an entry of a list the one before, a row the cells before.
    fn close_sibling(&mut self, name: &str) {
        let floor = self.frames.last().map_or(0, |frame| frame.depth);
        let run =
            self.open.iter().rev().take_while(|element| CLOSE_THEMSELVES.contains(&element.name.as_str()));
        let above = run.take(self.open.len().saturating_sub(floor)).position(|element| element.name == name);
        if let Some(above) = above {
            self.open.truncate(self.open.len() - above - 1);
        }
    }

    /// Notes that an element is closed, and says what was left open inside it.
    pub fn close(&mut self, name: &Range<usize>) {
        let written = self.text(name).to_ascii_lowercase();
        if self.is_hidden || self.is_lenient || VOID.contains(&written.as_str()) {
            return;
        }
        let floor = self.frames.last().map_or(0, |frame| frame.depth);
        let Some(at) = self.open.iter().rposition(|element| element.name == written) else {
            self.problem(
                name,
                format!("`</{written}>` closes nothing"),
                format!("take it out, or write `<{written}>` before it"),
            );
            return;
        };
        if at < floor {
            let statement =
                self.frames.last().and_then(|frame| self.tags.get(frame.tag)).map_or("", PlacedTag::text);
            let message = format!("`</{written}>` closes behind `{statement}` what was opened before it");
            self.problem(name, message, "close it in the same branch");
            return;
        }
        for element in self.open.split_off(at).into_iter().skip(1) {
            self.unclosed(&element);
        }
    }

    /// Takes the innermost element of that name for closed, with all that is in it.
    pub fn forget(&mut self, name: &str) {
        if let Some(at) = self.open.iter().rposition(|element| element.name == name) {
            self.open.truncate(at);
        }
    }

    /// Says what is still open at the end of the text.
    pub fn finish(&mut self) {
        for element in std::mem::take(&mut self.open) {
            self.unclosed(&element);
        }
    }

    fn unclosed(&mut self, element: &Element) {
        if !CLOSE_THEMSELVES.contains(&element.name.as_str()) {
            let help = format!("write `</{}>` where it ends", element.name);
            self.problem(&element.place, format!("`<{}>` is never closed", element.name), help);
        }
    }

    /// Checks the attributes of a tag: where placeholders stand, and where addresses lead.
    pub fn attributes(&mut self, tag: &OpenTag) {
        if has_words(self.text(&tag.name)) {
            self.problem(&tag.name, "a placeholder in the name of a tag", "write the name itself");
        }
        for attribute in &tag.attributes {
            let name = self.text(&attribute.name).to_ascii_lowercase();
            if has_words(&name) {
                let help = "put it inside the value: `class=\"{% if contact.vip %}vip{% endif %}\"`";
                self.problem(&attribute.name, "a placeholder between the attributes of a tag", help);
                continue;
            }
            if name.starts_with("on") && !self.is_hidden {
                self.problem(&attribute.name, format!("`{name}` does not work in a mail"), "take it out");
            }
            let Some(value) = &attribute.value else { continue };
            self.balanced(value);
            if URL_ATTRIBUTES.contains(&name.as_str()) {
                self.address(tag, &name, value);
            }
        }
    }

    /// Checks an address as far as it is known before anything is filled in.
    fn address(&mut self, tag: &OpenTag, attribute: &str, value: &Range<usize>) {
        let written = self.text(value);
        if pieces(written.trim_start()).next().is_some_and(|piece| matches!(piece, Piece::Word(..))) {
            return;
        }
        // What is filled in behind the beginning cannot change where it leads to.
        let known = map_words(written, |_, _, out| out.push('x'));
        let known = unescape(&known);
        let is_link = attribute == "href";
        let element = self.text(&tag.name);
        let (message, help) = match links::target(&known) {
            Target::Web | Target::Person | Target::Anchor | Target::Empty => return,
            Target::Embedded if !is_link => return,
            // The bar itself has the beginning of the address.
            Target::Relative if element == "mj-navbar-link" => return,
            Target::Relative => {
                let what = if is_link { "a link" } else { "a picture" };
                (
                    format!("`{known}` is not {what} that a mail program can find"),
                    "write the whole address, from `https://` on",
                )
            }
            Target::Embedded => (
                format!("`{known}` is no address that a mail can lead to"),
                "write a whole address that begins with `https://`",
            ),
            Target::Refused(refusal) => refusal.wording(&known),
        };
        self.problem(value, message, help);
    }
}
