use gen_lsp_types::{
    Code, CompletionItem, CompletionItemKind, CompletionItemTextEdit, Diagnostic,
    DiagnosticRelatedInformation, DiagnosticSeverity, DiagnosticTag, DocumentSymbol, Documentation,
    InsertTextFormat, MarkupContent, MarkupKind, Message, SemanticToken, SymbolKind, TextEdit,
};

use super::desk::Desk;
use super::editor::Editor;
use super::lines::Lines;
use super::places::Places;
use crate::finding::{self, Finding, Severity};
use crate::ide::completion::{Completion, CompletionKind, plain};
use crate::ide::tokens::{Token, TokenKind};
use crate::ide::{self, NameKind, Symbol, Unsaid};
use crate::simulate::Failure;

/// What words can be, as the protocol knows it.
pub(super) const TOKEN_TYPES: [&str; 14] = [
    "keyword",
    "string",
    "number",
    "operator",
    "comment",
    "function",
    "type",
    "property",
    "variable",
    "event",
    "class",
    "enumMember",
    "namespace",
    "parameter",
];
/// What else can be said of a word.
pub(super) const TOKEN_MODIFIERS: [&str; 1] = ["declaration"];

/// Who says what a finding is.
const SOURCE: &str = "lotse";
/// The same of what a test has found.
const SOURCE_OF_TESTS: &str = "lotse test";
/// The same of what is no mistake.
const SOURCE_OF_HINTS: &str = "lotse lsp";

/// A finding as an editor shows it, with its help below.
pub(super) fn diagnostic(finding: &Finding, places: &mut Places<'_>) -> Diagnostic {
    let message = match &finding.help {
        Some(help) => format!("{}\n{help}", finding.message),
        None => finding.message.clone(),
    };
    let related = finding.related.iter().filter_map(|(span, says)| {
        Some(DiagnosticRelatedInformation { location: places.location(*span)?, message: says.clone() })
    });
    let related: Vec<_> = related.collect();
    let unneeded = matches!(finding.code, finding::Code::W605 | finding::Code::E302);
    Diagnostic {
        range: places.range(finding.span),
        severity: Some(match finding.severity() {
            Severity::Error => DiagnosticSeverity::Error,
            Severity::Warning => DiagnosticSeverity::Warning,
        }),
        code: Some(Code::String(finding.code.name().to_owned())),
        code_description: None,
        source: Some(SOURCE.to_owned()),
        message: Message::String(message),
        tags: unneeded.then(|| vec![DiagnosticTag::Unnecessary]),
        related_information: Some(related).filter(|related| !related.is_empty()),
        data: None,
    }
}

/// What is otherwise than a test expects, as an editor shows it. The check does not find such a thing, running the
/// tests does.
pub(super) fn failed(failure: &Failure, desk: &Desk, places: &mut Places<'_>) -> Diagnostic {
    Diagnostic {
        range: places.range(failure.span),
        severity: Some(DiagnosticSeverity::Warning),
        source: Some(SOURCE_OF_TESTS.to_owned()),
        message: Message::String(failure.told(&desk.analysis.files.sources)),
        ..Diagnostic::default()
    }
}

/// What is left unsaid without a `lotse.yaml`, as an editor shows it. The check finds nothing wrong with that.
pub(super) fn unsaid(unsaid: &Unsaid, places: &mut Places<'_>) -> Diagnostic {
    Diagnostic {
        range: places.range(unsaid.span),
        severity: Some(DiagnosticSeverity::Information),
        source: Some(SOURCE_OF_HINTS.to_owned()),
        message: Message::String(unsaid.message.clone()),
        ..Diagnostic::default()
    }
}

/// What a symbol is called where its name is not written yet: the protocol wants one of each.
const WITHOUT_NAME: &str = "(no name)";

pub(super) fn symbol(symbol: &Symbol, lines: &Lines<'_>) -> DocumentSymbol {
    let name = if symbol.name.trim().is_empty() { WITHOUT_NAME } else { &symbol.name };
    #[expect(deprecated, reason = "the field has to be there")]
    DocumentSymbol {
        name: name.to_owned(),
        detail: symbol.detail.clone(),
        kind: symbol_kind(symbol.kind),
        tags: None,
        deprecated: None,
        range: lines.range(symbol.span.to(symbol.name_span)),
        selection_range: lines.range(symbol.name_span),
        children: Some(symbol.children.iter().map(|child| self::symbol(child, lines)).collect()),
    }
}

pub(super) fn symbol_kind(kind: ide::SymbolKind) -> SymbolKind {
    use ide::SymbolKind as K;
    match kind {
        K::Contact => SymbolKind::Struct,
        K::Event => SymbolKind::Event,
        K::Field => SymbolKind::Field,
        K::Topic => SymbolKind::EnumMember,
        K::Measure | K::Segment => SymbolKind::Variable,
        K::Survey | K::Message => SymbolKind::Object,
        K::Policy => SymbolKind::Namespace,
        K::Journey => SymbolKind::Class,
        K::Stage => SymbolKind::Method,
        K::Goal => SymbolKind::Constant,
        K::Test => SymbolKind::Function,
        K::Setting => SymbolKind::Key,
    }
}

/// What could be written, `number` being its place in the list.
pub(super) fn completion(
    completion: Completion,
    number: usize,
    lines: &Lines<'_>,
    editor: Editor,
) -> CompletionItem {
    let (format, new_text) = match completion.is_snippet {
        true if editor.takes_snippets => (InsertTextFormat::Snippet, completion.insert),
        true => (InsertTextFormat::PlainText, plain(&completion.insert)),
        false => (InsertTextFormat::PlainText, completion.insert),
    };
    let edit = TextEdit { range: lines.range(completion.replaces), new_text };
    CompletionItem {
        label: completion.label,
        kind: Some(completion_kind(completion.kind)),
        detail: completion.detail,
        documentation: completion.documentation.map(|text| Documentation::MarkupContent(markdown(text))),
        sort_text: Some(format!("{number:04}")),
        filter_text: completion.filter,
        insert_text_format: Some(format),
        text_edit: Some(CompletionItemTextEdit::TextEdit(edit)),
        ..CompletionItem::default()
    }
}

fn completion_kind(kind: CompletionKind) -> CompletionItemKind {
    match kind {
        CompletionKind::Word => CompletionItemKind::Keyword,
        CompletionKind::Name(kind) => match kind {
            NameKind::Event => CompletionItemKind::Event,
            NameKind::ContactField | NameKind::EventField => CompletionItemKind::Field,
            NameKind::Journey => CompletionItemKind::Class,
            NameKind::Stage => CompletionItemKind::Method,
            NameKind::Template => CompletionItemKind::File,
            NameKind::Topic | NameKind::Variant | NameKind::Outcome | NameKind::Tag => {
                CompletionItemKind::EnumMember
            }
            _ => CompletionItemKind::Reference,
        },
        CompletionKind::Value => CompletionItemKind::Value,
        CompletionKind::Variable => CompletionItemKind::Variable,
        CompletionKind::Function => CompletionItemKind::Function,
        CompletionKind::Tag => CompletionItemKind::Struct,
        CompletionKind::Setting => CompletionItemKind::Property,
        CompletionKind::File => CompletionItemKind::File,
    }
}

pub(super) fn markdown(text: String) -> MarkupContent {
    MarkupContent { kind: MarkupKind::Markdown, value: text }
}

/// Tokens as the protocol tells them, each by its distance from the one before.
pub(super) fn tokens(tokens: &[Token], lines: &Lines<'_>) -> Vec<SemanticToken> {
    let (mut line, mut start) = (0, 0);
    let token = |token: &Token| {
        let range = lines.range(token.span);
        let delta_line = range.start.line - line;
        let delta_start = if delta_line == 0 { range.start.character - start } else { range.start.character };
        (line, start) = (range.start.line, range.start.character);
        SemanticToken {
            delta_line,
            delta_start,
            length: range.end.character.saturating_sub(range.start.character),
            token_type: token_type(token.kind),
            token_modifiers_bitset: u32::from(token.is_declaration),
        }
    };
    tokens.iter().map(token).collect()
}

/// The index in [`TOKEN_TYPES`].
fn token_type(kind: TokenKind) -> u32 {
    let word = match kind {
        TokenKind::Keyword => "keyword",
        TokenKind::Text => "string",
        TokenKind::Number => "number",
        TokenKind::Operator => "operator",
        TokenKind::Comment => "comment",
        TokenKind::Function => "function",
        TokenKind::Type => "type",
        TokenKind::Key | TokenKind::Name(NameKind::ContactField | NameKind::EventField) => "property",
        TokenKind::Name(NameKind::Event) => "event",
        TokenKind::Name(NameKind::Journey | NameKind::Message | NameKind::Survey) => "class",
        TokenKind::Name(NameKind::Topic | NameKind::Variant | NameKind::Outcome | NameKind::Tag) => {
            "enumMember"
        }
        TokenKind::Name(NameKind::Stage | NameKind::Goal | NameKind::Experiment) => "namespace",
        TokenKind::Name(
            NameKind::Sender | NameKind::Webhook | NameKind::Team | NameKind::Channel | NameKind::Template,
        ) => "parameter",
        TokenKind::Name(NameKind::Segment | NameKind::Measure | NameKind::Value) | TokenKind::Unknown => {
            "variable"
        }
    };
    let index = TOKEN_TYPES.iter().position(|known| *known == word);
    index.and_then(|index| u32::try_from(index).ok()).unwrap_or(0)
}
