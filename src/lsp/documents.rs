use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use gen_lsp_types::{
    DidChangeTextDocumentParams, DidChangeWatchedFilesParams, DidCloseTextDocumentParams,
    DidOpenTextDocumentParams, DidSaveTextDocumentParams, FileChangeType, LanguageKind,
    TextDocumentContentChangeEvent, Uri, WorkspaceFolder,
};

use super::desk::{Desk, Kind};
use super::desks::Desks;
use super::editor::Editor;
use super::lines::{Encoding, Lines};
use crate::source::{CONFIG_FILE, SourceId};

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
    pub(super) desks: Desks,
    open: HashMap<PathBuf, Document>,
    pub(super) editor: Editor,
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
    pub(super) fn new(editor: Editor) -> Self {
        Self { desks: Desks::default(), open: HashMap::new(), editor }
    }

    pub(super) fn encoding(&self) -> Encoding {
        self.editor.encoding
    }

    /// Takes in a file that was opened. One that means nothing in a workspace is passed over.
    pub(super) fn open(&mut self, params: DidOpenTextDocumentParams) {
        let document = params.text_document;
        let Some(file) = file_of(&document.uri) else { return };
        let home = match is_unsaved(&document.uri) {
            true => self.home_of_unsaved(&document.uri, &document.language_id),
            false => self.desks.home(&file),
        };
        let Some((desk, path)) = home else { return };
        let text = without_mark(document.text);
        let (uri, version) = (document.uri, document.version);
        self.open.insert(file, Document { uri, version, text, desk, path, changed: true });
    }

    /// A text that was never saved stands alone, as the journey that its author says it is.
    fn home_of_unsaved(&mut self, uri: &Uri, language: &LanguageKind) -> Option<(usize, String)> {
        if String::from(language.clone()) != "journey" {
            return None;
        }
        let name = uri.path().rsplit('/').next()?;
        let path = if name.ends_with(".journey") { name.to_owned() } else { format!("{name}.journey") };
        Some((self.desks.add(Desk::new(&file_of(uri)?, Kind::Alone)), path))
    }

    /// Takes in what was typed. The workspace hears of it with [`Documents::take_in`], so that of a run of changes it
    /// looks at the last text alone.
    pub(super) fn change(&mut self, params: DidChangeTextDocumentParams) {
        let Some(file) = file_of(&params.text_document.text_document_identifier.uri) else { return };
        let encoding = self.encoding();
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

    /// A file that is closed has the text of the disk again; one that stood alone is gone.
    pub(super) fn close(&mut self, params: &DidCloseTextDocumentParams) -> Option<File> {
        let document = self.open.remove(&file_of(&params.text_document.uri)?)?;
        let desk = self.desks.get_mut(document.desk)?;
        match desk.kind {
            Kind::Alone => desk.take_out(&document.path),
            _ => desk.put_from_disk(&document.path),
        };
        self.sweep();
        Some(File { desk: document.desk, path: document.path })
    }

    /// Takes in that the editor has opened and closed folders.
    pub(super) fn folders(&mut self, added: &[WorkspaceFolder], removed: &[WorkspaceFolder]) {
        let paths = |folders: &[WorkspaceFolder]| -> BTreeSet<PathBuf> {
            folders.iter().filter_map(|folder| file_of(&folder.uri)).collect()
        };
        self.desks.roots(paths(added), &paths(removed));
        self.settle_in();
    }

    /// Brings open files to the workspaces that they belong to now.
    fn settle_in(&mut self) {
        for (file, document) in &mut self.open {
            if is_unsaved(&document.uri) {
                continue;
            }
            let Some((desk, path)) = self.desks.home(file) else { continue };
            if (desk, &path) == (document.desk, &document.path) {
                continue;
            }
            if let Some(before) = self.desks.get_mut(document.desk) {
                before.take_out(&document.path);
            }
            (document.desk, document.path, document.changed) = (desk, path, true);
        }
        self.sweep();
    }

    fn sweep(&mut self) {
        let Self { desks, open, .. } = self;
        desks.sweep(|number| open.values().any(|document| document.desk == number));
    }

    /// Takes in what changed on the disk; files that are open are the editor's.
    pub(super) fn watched(&mut self, params: &DidChangeWatchedFilesParams) -> Vec<File> {
        let changed = params.changes.iter().filter_map(|change| Some((file_of(&change.uri)?, change.kind)));
        let changed: Vec<(PathBuf, FileChangeType)> = changed.collect();
        let moves_workspaces = |(file, kind): &(PathBuf, FileChangeType)| {
            *kind != FileChangeType::Changed && (is_settings(file) || self.desks.are_in(file))
        };
        let is_arranged_anew = changed.iter().any(moves_workspaces);
        let files: Vec<PathBuf> = changed.into_iter().map(|(file, _)| file).collect();
        let mut news = Vec::new();
        for (number, mut paths) in self.desks.changed(&files) {
            let Some(desk) = self.desks.get_mut(number) else { continue };
            paths.retain(|path| !self.open.contains_key(&desk.folder.join(path)));
            let paths = desk.noticed(paths);
            news.extend(paths.into_iter().map(|path| File { desk: number, path }));
        }
        if is_arranged_anew {
            self.desks.arrange();
            self.settle_in();
        }
        news
    }

    /// Takes in that a file was saved: a `lotse.yaml` makes a workspace of its folder.
    pub(super) fn saved(&mut self, params: &DidSaveTextDocumentParams) {
        if file_of(&params.text_document.uri).is_some_and(|file| is_settings(&file)) {
            self.desks.arrange();
            self.settle_in();
        }
    }

    /// Lets the workspaces hear of what was typed; answers the files with another text or version. A workspace that is
    /// still being read hears of it then.
    pub(super) fn take_in(&mut self) -> Vec<File> {
        let mut news = Vec::new();
        for document in self.open.values_mut().filter(|document| document.changed) {
            let Some(desk) = self.desks.get_mut(document.desk).filter(|desk| desk.is_known()) else {
                continue;
            };
            document.changed = false;
            desk.put(&document.path, &document.text);
            news.push(File { desk: document.desk, path: document.path.clone() });
        }
        news
    }

    /// Whether a workspace has not heard of everything yet.
    pub(super) fn has_news(&self) -> bool {
        let is_known = |desk| self.desks.get(desk).is_some_and(Desk::is_known);
        self.open.values().any(|document| document.changed && is_known(document.desk))
    }

    /// Has a workspace hear of all that is open of it.
    pub(super) fn tell_again(&mut self, desk: usize) {
        let own = self.open.values_mut().filter(|document| document.desk == desk);
        own.for_each(|document| document.changed = true);
    }

    /// The document that is open of a file.
    pub(super) fn document(&self, desk: usize, path: &str) -> Option<&Document> {
        self.open.values().find(|document| document.desk == desk && document.path == path)
    }

    pub(super) fn desk(&self, place: Place) -> Option<&Desk> {
        self.desks.get(place.desk)
    }

    /// The workspace of a file that an editor names, and its path there.
    pub(super) fn named(&self, uri: &Uri) -> Option<File> {
        let file = file_of(uri)?;
        let (desk, path) = match self.open.get(&file) {
            Some(document) => (document.desk, document.path.clone()),
            None => self.desks.owner(&file)?,
        };
        Some(File { desk, path })
    }

    /// The version of a file that is open.
    pub(super) fn version(&self, uri: &Uri) -> Option<i32> {
        Some(self.open.get(&file_of(uri)?)?.version)
    }

    /// The file that an editor names.
    pub(super) fn place(&self, uri: &Uri) -> Option<Place> {
        let File { desk, path } = self.named(uri)?;
        Some(Place { desk, source: self.desks.get(desk)?.analysis.source(&path)? })
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

fn is_settings(file: &Path) -> bool {
    file.ends_with(CONFIG_FILE)
}

/// Whether a text was never saved.
fn is_unsaved(uri: &Uri) -> bool {
    uri.scheme() == "untitled"
}

/// The file that an editor names: one on the disk, or a name that no file has for a text that was never saved. Texts
/// from elsewhere, such as what a file was before, are nobody's.
fn file_of(uri: &Uri) -> Option<PathBuf> {
    match uri.scheme() {
        "file" => uri.to_file_path().ok(),
        _ if is_unsaved(uri) => Some(Path::new(uri.as_str()).to_owned()),
        _ => None,
    }
}

/// A byte-order mark is no part of a text.
fn without_mark(text: String) -> String {
    match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    }
}
