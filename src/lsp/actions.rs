use gen_lsp_types::{CodeAction, CodeActionKind, CodeActionParams, CodeActionResponse, Range, WorkspaceEdit};

use super::convert::{self, diagnostic, failed};
use super::desk::Desk;
use super::documents::{Documents, Place};
use super::new_files::with_new_files;
use super::places::Places;
use super::requests::{Answer, edit, file, within};

/// What can be done about what is found at a place.
pub(super) fn fixes(
    documents: &Documents,
    params: CodeActionParams,
) -> Answer<Option<Vec<CodeActionResponse>>> {
    let Some((desk, place)) = file(documents, &params.text_document.uri) else { return Ok(None) };
    let wanted = |only: &Vec<CodeActionKind>| {
        only.iter().any(|kind| matches!(kind, CodeActionKind::QuickFix | CodeActionKind::Empty))
    };
    if !params.context.only.as_ref().is_none_or(wanted) {
        return Ok(Some(Vec::new()));
    }
    let mut places = Places::of(documents, place.desk);
    let range = within(documents, desk, place, params.range);
    let mut found = of_failures(documents, desk, place, params.range);
    let action = |fix: crate::ide::Fix| {
        CodeActionResponse::CodeAction(CodeAction {
            title: fix.title,
            kind: Some(CodeActionKind::QuickFix),
            diagnostics: Some(vec![diagnostic(&fix.finding, &mut places)]),
            is_preferred: fix.preferred.then_some(true),
            edit: Some(with_new_files(edit(documents, place, fix.changes), fix.creates, desk)),
            ..CodeAction::default()
        })
    };
    found.extend(desk.analysis.fixes(range).into_iter().map(action));
    let unsaid = desk.unsaid(place.source).filter(|hint| {
        let line = places.range(hint.span).start.line;
        params.range.start.line <= line && line <= params.range.end.line
    });
    found.extend(unsaid.map(|hint| {
        let (title, creates) = desk.analysis.settings_to_make();
        CodeActionResponse::CodeAction(CodeAction {
            diagnostics: Some(vec![convert::unsaid(&hint, &mut places)]),
            title,
            kind: Some(CodeActionKind::QuickFix),
            edit: Some(with_new_files(WorkspaceEdit::default(), vec![creates], desk)),
            ..CodeAction::default()
        })
    }));
    Ok(Some(found))
}

/// What can be done about lines of tests that failed, where the text is the one that was tried.
fn of_failures(documents: &Documents, desk: &Desk, place: Place, range: Range) -> Vec<CodeActionResponse> {
    let mut found = Vec::new();
    let mut places = Places::of(documents, place.desk);
    let failures = desk.failures.iter().filter(|failure| failure.span.source == place.source);
    for failure in failures.filter(|_| desk.is_settled()) {
        let line = places.range(failure.span);
        if line.start.line > range.end.line || range.start.line > line.end.line {
            continue;
        }
        let diagnostics = vec![failed(failure, desk, &mut places)];
        found.extend(desk.analysis.mendings(failure).into_iter().map(|mending| {
            CodeActionResponse::CodeAction(CodeAction {
                title: mending.title,
                kind: Some(CodeActionKind::QuickFix),
                diagnostics: Some(diagnostics.clone()),
                is_preferred: mending.preferred.then_some(true),
                edit: Some(edit(documents, place, vec![mending.change])),
                ..CodeAction::default()
            })
        }));
    }
    found
}
