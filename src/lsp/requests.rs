use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use gen_lsp_types::{
    BaseSymbolInformation, CodeActionRequest, CodeLensRequest, CompletionList, CompletionParams,
    CompletionRequest, CompletionResponse, Contents, Definition, DefinitionParams, DefinitionRequest,
    DefinitionResponse, DocumentFormattingParams, DocumentFormattingRequest, DocumentHighlight,
    DocumentHighlightKind, DocumentHighlightParams, DocumentHighlightRequest, DocumentRangeFormattingParams,
    DocumentRangeFormattingRequest, DocumentSymbolParams, DocumentSymbolRequest, DocumentSymbolResponse,
    ExecuteCommandRequest, FoldingRange, FoldingRangeKind, FoldingRangeParams, FoldingRangeRequest, Hover,
    HoverParams, HoverRequest, InlayHint, InlayHintParams, InlayHintRequest, Label, Location,
    PrepareRenameParams, PrepareRenamePlaceholder, PrepareRenameRequest, PrepareRenameResult, Range,
    ReferenceParams, ReferencesRequest, RenameParams, RenameRequest, Request as LspRequest, SemanticTokens,
    SemanticTokensParams, SemanticTokensRangeParams, SemanticTokensRangeRequest, SemanticTokensRequest,
    TextDocumentPositionParams, TextEdit, Tooltip, Uri, WorkspaceEdit, WorkspaceSymbol,
    WorkspaceSymbolLocation, WorkspaceSymbolParams, WorkspaceSymbolRequest, WorkspaceSymbolResponse,
};
use lsp_server::{ErrorCode, Request, RequestId, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::convert::{self, symbol_kind};
use super::desk::Desk;
use super::documents::{Documents, Place};
use super::lens::{Asked, Tests};
use super::places::Places;
use super::server::Server;
use crate::ide::completion::{COMPLETIONS_MAX, completion};
use crate::ide::hints::hints;
use crate::ide::hover::hover;
use crate::ide::tokens::tokens;
use crate::ide::{FoldKind, TextChange};
use crate::source::Span;
use crate::time::{Clock, SystemClock};

/// A question that cannot be answered, and why.
pub(super) struct Trouble {
    code: i32,
    message: String,
}

/// The answer to a question.
pub(super) type Answer<T> = Result<T, Trouble>;

/// A question whose answer needs a look at the whole workspace.
pub(super) struct Waiting {
    pub(super) id: RequestId,
    pub(super) tests: Tests,
}

impl Trouble {
    /// What was asked cannot be done, for a reason that the author can do something about.
    pub(super) fn refused(why: impl ToString) -> Self {
        // `RequestFailed` of the protocol, which editors show to the author.
        Self { code: -32803, message: why.to_string() }
    }

    fn unread(why: impl ToString) -> Self {
        Self { code: ErrorCode::InvalidParams as i32, message: why.to_string() }
    }

    /// The editor has ended the conversation already.
    pub(super) fn over() -> Self {
        Self { code: ErrorCode::InvalidRequest as i32, message: "the conversation has ended".to_owned() }
    }

    /// The text has changed since it was asked about it; whoever still wants to know asks again.
    pub(super) fn overtaken() -> Self {
        // `ContentModified` of the protocol, which editors keep to themselves.
        Self { code: -32801, message: "the text has changed meanwhile".to_owned() }
    }

    fn ours(what: &str) -> Self {
        Self { code: ErrorCode::InternalError as i32, message: format!("`{what}` fell over") }
    }

    pub(super) fn unknown(what: &str) -> Self {
        Self {
            code: ErrorCode::MethodNotFound as i32,
            message: format!("`{what}` is nothing that can be asked"),
        }
    }
}

impl Server {
    /// Answers a question.
    pub(super) fn request(&mut self, request: Request) {
        let Request { id, method, params } = request;
        let answer = answered(&method, || match method.as_str() {
            name if name == ExecuteCommandRequest::METHOD.as_str() => self.execute(params),
            "lotse/runTests" => read(params).map(Asked::Later),
            "lotse/tests" => self.tests(params).map(Asked::Now),
            "lotse/picture" => self.picture(params).map(Asked::Now),
            "lotse/mail" => self.mail(params).map(Asked::Now),
            name => standard(&self.documents, name, params).map(Asked::Now),
        });
        match answer {
            Ok(Asked::Now(value)) => self.send(Response::new_ok(id, value).into()),
            Ok(Asked::Later(tests)) => {
                self.waiting.push(Waiting { id, tests });
                self.answer_settled();
            }
            Err(trouble) => self.refuse(id, trouble),
        }
    }

    pub(super) fn refuse(&self, id: RequestId, trouble: Trouble) {
        self.send(Response::new_err(id, trouble.code, trouble.message).into());
    }
}

/// What is answered to a question, or that it fell over by a mistake of ours. That leaves nothing behind: only what is
/// known is looked at.
fn answered<T>(question: &str, answer: impl FnOnce() -> Answer<T>) -> Answer<T> {
    catch_unwind(AssertUnwindSafe(answer)).unwrap_or_else(|_| Err(Trouble::ours(question)))
}

/// Answers a question of the protocol.
fn standard(documents: &Documents, method: &str, params: serde_json::Value) -> Answer<serde_json::Value> {
    /// Reads what a question says, and writes what its answer is.
    macro_rules! questions {
        ($($question:ident => $answer:expr,)*) => {
            match method {
                $(name if name == $question::METHOD.as_str() => {
                    answer::<$question>(params, |params| $answer(documents, params))
                })*
                name => Err(Trouble::unknown(name)),
            }
        };
    }
    questions! {
        CompletionRequest => complete,
        HoverRequest => hover_at,
        DefinitionRequest => definition,
        ReferencesRequest => references,
        DocumentHighlightRequest => highlights,
        PrepareRenameRequest => prepare_rename,
        RenameRequest => rename,
        DocumentSymbolRequest => symbols,
        WorkspaceSymbolRequest => find_symbols,
        FoldingRangeRequest => folds,
        DocumentFormattingRequest => format,
        DocumentRangeFormattingRequest => format_range,
        CodeActionRequest => super::actions::fixes,
        CodeLensRequest => super::lens::lenses,
        SemanticTokensRequest => all_tokens,
        SemanticTokensRangeRequest => some_tokens,
        InlayHintRequest => hints_in,
    }
}

fn answer<R: LspRequest>(
    params: serde_json::Value,
    answer: impl FnOnce(R::Params) -> Answer<R::Result>,
) -> Answer<serde_json::Value> {
    written(answer(read(params)?)?)
}

pub(super) fn read<P: DeserializeOwned>(params: serde_json::Value) -> Answer<P> {
    serde_json::from_value(params).map_err(Trouble::unread)
}

pub(super) fn written(answer: impl Serialize) -> Answer<serde_json::Value> {
    serde_json::to_value(answer).map_err(Trouble::refused)
}

/// A place in a file of a workspace; nothing where the file is in none.
pub(super) fn at<'d>(
    documents: &'d Documents,
    at: &TextDocumentPositionParams,
) -> Option<(&'d Desk, Place, u32)> {
    let place = documents.place(&at.text_document.uri)?;
    let desk = documents.desk(place)?;
    let offset = desk.lines(place.source, documents.encoding()).offset(at.position);
    Some((desk, place, offset))
}

pub(super) fn file<'d>(documents: &'d Documents, uri: &Uri) -> Option<(&'d Desk, Place)> {
    let place = documents.place(uri)?;
    Some((documents.desk(place)?, place))
}

pub(super) fn within(documents: &Documents, desk: &Desk, place: Place, range: Range) -> Span {
    desk.lines(place.source, documents.encoding()).span(place.source, range)
}

fn complete(documents: &Documents, params: CompletionParams) -> Answer<Option<CompletionResponse>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let typed = params.context.as_ref().and_then(|context| context.trigger_character.as_deref());
    let before = desk.analysis.files.sources.get(place.source).text.get(..offset as usize);
    if typed == Some("{") && !before.is_some_and(|before| before.ends_with("{{")) {
        // A brace that opens a block asks for nothing: its list would take the Enter that follows.
        return Ok(None);
    }
    let lines = desk.lines(place.source, documents.encoding());
    let found = completion(&desk.analysis, place.source, offset as usize).into_iter().enumerate();
    let items: Vec<_> = found
        .map(|(number, completion)| convert::completion(completion, number, &lines, documents.editor))
        .collect();
    // Whoever goes on writing is asked anew where more would fit than a list shows.
    let is_incomplete = items.len() >= COMPLETIONS_MAX;
    let list = CompletionList { items, is_incomplete, ..CompletionList::default() };
    Ok(Some(CompletionResponse::CompletionList(list)))
}

fn hover_at(documents: &Documents, params: HoverParams) -> Answer<Option<Hover>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let found = hover(&desk.analysis, place.source, offset as usize);
    Ok(found.map(|hover| Hover {
        range: Some(Places::of(documents, place.desk).range(hover.span)),
        contents: Contents::MarkupContent(convert::markdown(hover.markdown)),
    }))
}

fn locations(documents: &Documents, place: Place, spans: Vec<Span>) -> Vec<Location> {
    let mut places = Places::of(documents, place.desk);
    spans.into_iter().filter_map(|span| places.location(span)).collect()
}

fn definition(documents: &Documents, params: DefinitionParams) -> Answer<Option<DefinitionResponse>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let found = locations(documents, place, desk.analysis.definitions(place.source, offset));
    Ok(Some(DefinitionResponse::Definition(Definition::LocationList(found))))
}

fn references(documents: &Documents, params: ReferenceParams) -> Answer<Option<Vec<Location>>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let found = desk.analysis.references(place.source, offset, params.context.include_declaration);
    Ok(Some(locations(documents, place, found)))
}

fn highlights(
    documents: &Documents,
    params: DocumentHighlightParams,
) -> Answer<Option<Vec<DocumentHighlight>>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let lines = desk.lines(place.source, documents.encoding());
    let found = desk.analysis.references(place.source, offset, true).into_iter();
    let here = found.filter(|span| span.source == place.source);
    let highlight =
        |span| DocumentHighlight { range: lines.range(span), kind: Some(DocumentHighlightKind::Text) };
    Ok(Some(here.map(highlight).collect()))
}

fn prepare_rename(documents: &Documents, params: PrepareRenameParams) -> Answer<Option<PrepareRenameResult>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let name = desk.analysis.renamable(place.source, offset).map_err(Trouble::refused)?;
    let range = Places::of(documents, place.desk).range(name.span);
    let placeholder = PrepareRenamePlaceholder { range, placeholder: name.name.clone() };
    Ok(Some(PrepareRenameResult::PrepareRenamePlaceholder(placeholder)))
}

fn rename(documents: &Documents, params: RenameParams) -> Answer<Option<WorkspaceEdit>> {
    let Some((desk, place, offset)) = at(documents, &params.text_document_position_params) else {
        return Ok(None);
    };
    let changes = desk.analysis.rename(place.source, offset, &params.new_name).map_err(Trouble::refused)?;
    Ok(Some(edit(documents, place, changes)))
}

/// Changes of files as an editor makes them.
pub(super) fn edit(documents: &Documents, place: Place, changes: Vec<TextChange>) -> WorkspaceEdit {
    let mut edits: HashMap<Uri, Vec<TextEdit>> = HashMap::new();
    let mut places = Places::of(documents, place.desk);
    for change in changes {
        if let Some(location) = places.location(change.span) {
            let edit = TextEdit { range: location.range, new_text: change.text };
            edits.entry(location.uri).or_default().push(edit);
        }
    }
    WorkspaceEdit { changes: Some(edits), ..WorkspaceEdit::default() }
}

fn symbols(documents: &Documents, params: DocumentSymbolParams) -> Answer<Option<DocumentSymbolResponse>> {
    let Some((desk, place)) = file(documents, &params.text_document.uri) else { return Ok(None) };
    let lines = desk.lines(place.source, documents.encoding());
    let found = desk.analysis.symbols(place.source);
    let list = found.iter().map(|symbol| convert::symbol(symbol, &lines)).collect();
    Ok(Some(DocumentSymbolResponse::DocumentSymbolList(list)))
}

fn find_symbols(
    documents: &Documents,
    params: WorkspaceSymbolParams,
) -> Answer<Option<WorkspaceSymbolResponse>> {
    let mut found = Vec::new();
    for (number, desk) in documents.desks.iter() {
        let mut places = Places::of(documents, number);
        for symbol in desk.analysis.find_symbols(&params.query) {
            let Some(location) = places.location(symbol.name_span) else { continue };
            found.push(WorkspaceSymbol {
                location: WorkspaceSymbolLocation::Location(location),
                data: None,
                base_symbol_information: BaseSymbolInformation {
                    name: symbol.name,
                    kind: symbol_kind(symbol.kind),
                    tags: None,
                    container_name: symbol.detail,
                },
            });
        }
    }
    Ok(Some(WorkspaceSymbolResponse::WorkspaceSymbolList(found)))
}

fn folds(documents: &Documents, params: FoldingRangeParams) -> Answer<Option<Vec<FoldingRange>>> {
    let Some((desk, place)) = file(documents, &params.text_document.uri) else { return Ok(None) };
    let lines = desk.lines(place.source, documents.encoding());
    let fold = |fold: &crate::ide::Fold| {
        let range = lines.range(fold.span);
        FoldingRange {
            start_line: range.start.line,
            end_line: range.end.line,
            kind: Some(match fold.kind {
                FoldKind::Block => FoldingRangeKind::Region,
                FoldKind::Comment => FoldingRangeKind::Comment,
            }),
            ..FoldingRange::default()
        }
    };
    Ok(Some(desk.analysis.folds(place.source).iter().map(fold).collect()))
}

fn edits(documents: &Documents, place: Place, changes: Vec<TextChange>) -> Vec<TextEdit> {
    let mut places = Places::of(documents, place.desk);
    let edit = |change: TextChange| TextEdit { range: places.range(change.span), new_text: change.text };
    changes.into_iter().map(edit).collect()
}

fn format(documents: &Documents, params: DocumentFormattingParams) -> Answer<Option<Vec<TextEdit>>> {
    let Some((desk, place)) = file(documents, &params.text_document.uri) else { return Ok(None) };
    let changes = desk.analysis.format(place.source).map_err(Trouble::refused)?;
    Ok(Some(edits(documents, place, changes)))
}

fn format_range(
    documents: &Documents,
    params: DocumentRangeFormattingParams,
) -> Answer<Option<Vec<TextEdit>>> {
    let Some((desk, place)) = file(documents, &params.text_document.uri) else { return Ok(None) };
    let range = within(documents, desk, place, params.range);
    let changes = desk.analysis.format_within(range).map_err(Trouble::refused)?;
    Ok(Some(edits(documents, place, changes)))
}

fn tokens_in(documents: &Documents, uri: &Uri, range: Option<Range>) -> Option<SemanticTokens> {
    let (desk, place) = file(documents, uri)?;
    let lines = desk.lines(place.source, documents.encoding());
    let whole = 0..desk.analysis.files.sources.get(place.source).text.len();
    let range = range.map_or(whole, |range| lines.span(place.source, range).range());
    let found = tokens(&desk.analysis, place.source, range);
    Some(SemanticTokens { result_id: None, data: convert::tokens(&found, &lines) })
}

fn all_tokens(documents: &Documents, params: SemanticTokensParams) -> Answer<Option<SemanticTokens>> {
    Ok(tokens_in(documents, &params.text_document.uri, None))
}

fn some_tokens(documents: &Documents, params: SemanticTokensRangeParams) -> Answer<Option<SemanticTokens>> {
    Ok(tokens_in(documents, &params.text_document.uri, Some(params.range)))
}

fn hints_in(documents: &Documents, params: InlayHintParams) -> Answer<Option<Vec<InlayHint>>> {
    let Some((desk, place)) = file(documents, &params.text_document.uri) else { return Ok(None) };
    let lines = desk.lines(place.source, documents.encoding());
    let range = lines.span(place.source, params.range).range();
    let found = hints(&desk.analysis, place.source, range, SystemClock.now());
    let hint = |hint: crate::ide::hints::Hint| InlayHint {
        position: lines.position(hint.span.start),
        label: Label::String(hint.label),
        kind: None,
        text_edits: None,
        tooltip: Some(Tooltip::String(hint.tooltip.to_owned())),
        padding_left: Some(true),
        padding_right: None,
        data: None,
    };
    Ok(Some(found.into_iter().map(hint).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_that_falls_over_is_answered_with_that() {
        let trouble = answered::<()>("textDocument/hover", || panic!("by a mistake of ours")).unwrap_err();
        assert_eq!(trouble.code, ErrorCode::InternalError as i32);
        assert_eq!(trouble.message, "`textDocument/hover` fell over");
        assert_eq!(answered("textDocument/hover", || Ok(1)).ok(), Some(1));
    }
}
