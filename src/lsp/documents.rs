use std::collections::HashMap;
use std::path::PathBuf;

use gen_lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, TextDocumentContentChangeEvent, Uri,
};

use super::desk::Desk;
use super::lines::{Encoding, Lines};
use crate::source::{SourceId, WorkspaceFiles};

/// Of how many changed files the whole workspace is read again.
const CHANGES_MAX: usize = 32;

/// A file that is open in the editor: its text is the editor's, whatever the disk says.
pub(super) struct Document {
    /// How the editor names it.
    pub(super) uri: Uri,
    pub(super) version: i32,
    pub(super) text: String,
    /// The workspace and the path in it.
    desk: usize,
    path: String,
    /// Whether the workspace has not heard of the text yet.
    changed: bool,
}

/// The workspaces that are worked on, and the files that are open.
pub(super) struct Documents {
    pub(super) desks: Vec<Desk>,
    open: HashMap<PathBuf, Document>,
    pub(super) encoding: Encoding,
}

/// A file of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) desk: usize,
    pub(super) source: SourceId,
}

/// A path in a workspace, where a file may be or have been.
pub(super) struct File {
    pub(super) desk: usize,
    pub(super) path: String,
}

impl Documents {
    pub(super) fn new(encoding: Encoding) -> Self {
        Self { desks: Vec::new(), open: HashMap::new(), encoding }
    }

    /// Takes in a file that was opened. One that means nothing in a workspace is passed over.
    pub(super) fn open(&mut self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let Ok(file) = document.uri.to_file_path() else { return };
        let Some((desk, path)) = self.desk_for(&file) else { return };
        let text = without_mark(document.text);
        let (uri, version) = (document.uri, document.version);
        self.open.insert(file, Document { uri, version, text, desk, path, changed: true });
    }

    /// The workspace of a file. One outside of all that are known has a workspace of its own: the folder above it that
    /// has a `lotse.yaml`, else nothing but what is open.
    fn desk_for(&mut self, file: &std::path::Path) -> Option<(usize, String)> {
        let known = |(number, desk): (usize, &Desk)| Some((number, desk.path_of(file)?));
        let known = self.desks.iter().enumerate().filter_map(known);
        if let Some(found) = known.min_by_key(|(_, path)| path.len()) {
            return Some(found);
        }
        let name = file.file_name()?.to_str()?;
        if !WorkspaceFiles::takes(name) {
            return None;
        }
        let folder = file.ancestors().skip(1).find(|folder| folder.join("lotse.yaml").is_file());
        let desk = match folder {
            Some(folder) => Desk::read(folder).0,
            None => Desk::empty(file.parent()?),
        };
        let path = desk.path_of(file)?;
        self.desks.push(desk);
        Some((self.desks.len() - 1, path))
    }

    /// Takes in what was typed. The workspace hears of it with [`Documents::take_in`], so that of a run of changes it
    /// looks at the last text alone.
    pub(super) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let Ok(file) = params.text_document.text_document_identifier.uri.to_file_path() else { return };
        let encoding = self.encoding;
        let Some(document) = self.open.get_mut(&file) else { return };
        document.version = params.text_document.version;
        document.changed = true;
        for change in params.content_changes {
            match change {
                TextDocumentContentChangeEvent::TextDocumentContentChangePartial(part) => {
                    let span = Lines::of(&document.text, encoding).span(SourceId::default(), part.range);
                    document.text.replace_range(span.range(), &part.text);
                }
                TextDocumentContentChangeEvent::TextDocumentContentChangeWholeDocument(whole) => {
                    document.text = without_mark(whole.text);
                }
            }
        }
    }

    /// A file that is closed has the text of the disk again.
    pub(super) fn close(&mut self, params: &DidCloseTextDocumentParams) -> Option<File> {
        let file = params.text_document.uri.to_file_path().ok()?;
        let document = self.open.remove(&file)?;
        self.desks.get_mut(document.desk)?.put_from_disk(&document.path);
        Some(File { desk: document.desk, path: document.path })
    }

    /// Takes in what changed on the disk; files that are open are the editor's.
    pub(super) fn watched(&mut self, params: &DidChangeWatchedFilesParams) -> Vec<File> {
        let mut news = Vec::new();
        let changed = params.changes.iter().filter_map(|change| change.uri.to_file_path().ok());
        let files: Vec<PathBuf> = changed.filter(|file| !self.open.contains_key(file)).collect();
        for (number, desk) in self.desks.iter_mut().enumerate() {
            if files.len() > CHANGES_MAX && files.iter().any(|file| file.starts_with(&desk.folder)) {
                let (read, _) = Desk::read(&desk.folder);
                let revision = desk.revision + 1;
                *desk = Desk { revision, published: std::mem::take(&mut desk.published), ..read };
                let own = self.open.values_mut().filter(|document| document.desk == number);
                own.for_each(|document| document.changed = true);
                continue;
            }
            for file in &files {
                let Ok(below) = file.strip_prefix(&desk.folder) else { continue };
                let paths = match desk.path_of(file) {
                    Some(path) => vec![path],
                    None => desk.paths_below(&below.to_string_lossy().replace('\\', "/")),
                };
                for path in paths {
                    if desk.put_from_disk(&path) {
                        news.push(File { desk: number, path });
                    }
                }
            }
        }
        news
    }

    /// Lets the workspaces hear of what was typed; answers the files with another text or version.
    pub(super) fn take_in(&mut self) -> Vec<File> {
        let mut news = Vec::new();
        for document in self.open.values_mut().filter(|document| document.changed) {
            document.changed = false;
            let Some(desk) = self.desks.get_mut(document.desk) else { continue };
            desk.put(&document.path, &document.text);
            news.push(File { desk: document.desk, path: document.path.clone() });
        }
        news
    }

    /// Whether a workspace has not heard of everything yet.
    pub(super) fn has_news(&self) -> bool {
        self.open.values().any(|document| document.changed)
    }

    /// The document that is open of a file.
    pub(super) fn document(&self, desk: usize, path: &str) -> Option<&Document> {
        self.open.values().find(|document| document.desk == desk && document.path == path)
    }

    pub(super) fn desk(&self, place: Place) -> Option<&Desk> {
        self.desks.get(place.desk)
    }

    /// The file that an editor names.
    pub(super) fn place(&self, uri: &Uri) -> Option<Place> {
        let file = uri.to_file_path().ok()?;
        let of_desk = |(number, desk): (usize, &Desk)| {
            let source = desk.analysis.source(&desk.path_of(&file)?)?;
            Some(Place { desk: number, source })
        };
        match self.open.get(&file) {
            Some(document) => of_desk((document.desk, self.desks.get(document.desk)?)),
            None => self.desks.iter().enumerate().find_map(of_desk),
        }
    }

    /// How an editor names a file.
    pub(super) fn uri(&self, place: Place) -> Option<Uri> {
        self.uri_of(place.desk, self.desk(place)?.path(place.source))
    }

    /// The same for one that may have gone.
    pub(super) fn uri_of(&self, desk: usize, path: &str) -> Option<Uri> {
        let open = self.document(desk, path).map(|document| document.uri.clone());
        open.or_else(|| self.desks.get(desk)?.uri(path))
    }
}

/// A byte-order mark is no part of a text.
fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}
