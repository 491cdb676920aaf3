use gen_lsp_types::{
    CreateFile, CreateFileOptions, DocumentChange, OptionalVersionedTextDocumentIdentifier, Position, Range,
    TextDocumentEdit, TextDocumentIdentifier, TextEdit, Uri, WorkspaceEdit,
};

use super::desk::Desk;
use crate::ide::NewFile;

/// A change that makes files first. Such a change is told file by file, so its other parts are too.
pub(super) fn with_new_files(edit: WorkspaceEdit, files: Vec<NewFile>, desk: &Desk) -> WorkspaceEdit {
    if files.is_empty() {
        return edit;
    }
    let mut changes: Vec<DocumentChange> = Vec::new();
    for file in files {
        let Some(uri) = desk.uri(&file.path) else { continue };
        // What somebody else has made in between stays as it is.
        let options = CreateFileOptions { overwrite: Some(false), ignore_if_exists: Some(false) };
        let create = CreateFile { uri: uri.clone(), options: Some(options), annotation_id: None };
        let start = Position { line: 0, character: 0 };
        let text = TextEdit { range: Range { start, end: start }, new_text: file.text };
        changes.extend([create.into(), of_document(uri, vec![text])]);
    }
    let others = edit.changes.unwrap_or_default();
    changes.extend(others.into_iter().map(|(uri, edits)| of_document(uri, edits)));
    WorkspaceEdit { document_changes: Some(changes), ..WorkspaceEdit::default() }
}

fn of_document(uri: Uri, edits: Vec<TextEdit>) -> DocumentChange {
    let text_document = OptionalVersionedTextDocumentIdentifier {
        version: None,
        text_document_identifier: TextDocumentIdentifier { uri },
    };
    TextDocumentEdit { text_document, edits: edits.into_iter().map(Into::into).collect() }.into()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::lsp::desk::Kind;

    #[test]
    fn a_file_is_made_before_it_is_written() {
        let desk = Desk::new(Path::new("/shop"), Kind::Opened);
        let file = NewFile { path: "lotse.yaml".to_owned(), text: "workspace: shop\n".to_owned() };
        let edit = serde_json::to_value(with_new_files(WorkspaceEdit::default(), vec![file], &desk)).unwrap();
        let changes = &edit["documentChanges"];
        assert_eq!(
            (&changes[0]["kind"], &changes[0]["uri"]),
            (&"create".into(), &"file:///shop/lotse.yaml".into())
        );
        assert_eq!(changes[1]["edits"][0]["newText"], "workspace: shop\n");
        assert_eq!(with_new_files(WorkspaceEdit::default(), Vec::new(), &desk), WorkspaceEdit::default());
    }
}
