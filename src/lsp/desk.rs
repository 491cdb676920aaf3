use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gen_lsp_types::{Diagnostic, Uri};

use super::lines::{Encoding, Lines};
use crate::finding;
use crate::ide::Analysis;
use crate::simulate::{TestResult, tried};
use crate::source::{ReadError, SourceId, Span, WorkspaceFiles, read_text};

/// A workspace that is being worked on.
pub(super) struct Desk {
    /// Where it lies.
    pub(super) folder: PathBuf,
    /// How it stands, unsaved text in it.
    pub(super) analysis: Analysis,
    /// How often something in it has changed.
    pub(super) revision: u64,
    /// What its tests came to when it was last looked at as a whole, and at which revision that was.
    pub(super) results: Option<(u64, Vec<TestResult>)>,
    /// What the client was told last of each file by its path, with the version of its text.
    pub(super) published: BTreeMap<String, (Option<i32>, Vec<Diagnostic>)>,
}

/// A workspace looked at as a whole.
pub(super) struct Settled {
    pub(super) folder: PathBuf,
    pub(super) revision: u64,
    pub(super) analysis: Analysis,
    pub(super) results: Vec<TestResult>,
}

impl Desk {
    /// Reads a workspace from the disk; what of it cannot be read is left out.
    pub(super) fn read(folder: &Path) -> (Self, Vec<ReadError>) {
        let (files, errors) = WorkspaceFiles::read_what_can_be(folder);
        (Self::of(folder, files), errors)
    }

    /// A workspace of nothing but what is open.
    pub(super) fn empty(folder: &Path) -> Self {
        Self::of(folder, WorkspaceFiles::default())
    }

    fn of(folder: &Path, files: WorkspaceFiles) -> Self {
        let analysis = Analysis::of(files);
        let folder = folder.to_owned();
        Self { folder, analysis, revision: 1, results: None, published: BTreeMap::new() }
    }

    /// The path of a file below the workspace, where it is one that means something there.
    pub(super) fn path_of(&self, file: &Path) -> Option<String> {
        let below = file.strip_prefix(&self.folder).ok()?;
        let steps: Option<Vec<&str>> = below.components().map(|step| step.as_os_str().to_str()).collect();
        Some(steps?.join("/")).filter(|path| WorkspaceFiles::takes(path))
    }

    /// Takes in what a file holds now; answers whether that is news.
    pub(super) fn put(&mut self, path: &str, text: &str) -> bool {
        let known = self.analysis.source(path).map(|source| &*self.analysis.files.sources.get(source).text);
        if known == Some(text) {
            return false;
        }
        self.analysis.put(path, text);
        self.revision += 1;
        true
    }

    /// Takes in what lies on the disk under a path: a file, nothing, or no file any more.
    pub(super) fn put_from_disk(&mut self, path: &str) -> bool {
        if let Ok(text) = read_text(&self.folder.join(path)) {
            return self.put(path, text.strip_prefix('\u{feff}').unwrap_or(&text));
        }
        let Some(source) = self.analysis.source(path) else { return false };
        self.analysis.remove(source);
        self.revision += 1;
        true
    }

    /// The files below a folder that is one no more.
    pub(super) fn paths_below(&self, folder: &str) -> Vec<String> {
        let files = self.analysis.files.sources.iter().map(|(_, source)| &source.path);
        files
            .filter(|path| path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
            .cloned()
            .collect()
    }

    /// Whether it was looked at as a whole since the last change.
    pub(super) fn is_settled(&self) -> bool {
        self.results.as_ref().is_some_and(|(revision, _)| *revision == self.revision)
    }

    /// What a look at the whole has to know.
    pub(super) fn known(&self) -> Known {
        Known { folder: self.folder.clone(), revision: self.revision, analysis: self.analysis.known() }
    }

    pub(super) fn path(&self, source: SourceId) -> &str {
        &self.analysis.files.sources.get(source).path
    }

    /// The place of a file as a client names it.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        Uri::from_file_path(self.folder.join(path)).ok()
    }

    pub(super) fn lines(&self, source: SourceId, encoding: Encoding) -> Lines<'_> {
        Lines::of(&self.analysis.files.sources.get(source).text, encoding)
    }

    pub(super) fn range(&self, span: Span, encoding: Encoding) -> gen_lsp_types::Range {
        self.lines(span.source, encoding).range(span)
    }
}

/// What a look at the whole begins with: the files, and what is known of those that have not changed.
pub(super) struct Known {
    pub(super) folder: PathBuf,
    pub(super) revision: u64,
    analysis: crate::ide::Known,
}

impl Known {
    /// Looks at all of it, and runs its tests, as `lotse check` does.
    pub(super) fn settle(self) -> Settled {
        let mut analysis = Analysis::settled(self.analysis);
        let sources = &analysis.files.sources;
        let (results, unvisited) = tried(&analysis.checked, sources, &analysis.config.timezone);
        analysis.findings.extend(unvisited);
        finding::sort(&mut analysis.findings);
        Settled { folder: self.folder, revision: self.revision, analysis, results }
    }
}
