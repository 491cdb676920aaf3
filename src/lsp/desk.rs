use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gen_lsp_types::{Diagnostic, Uri};

use super::lines::{Encoding, Lines};
use crate::finding;
use crate::ide::{Analysis, Unsaid};
use crate::simulate::{Failure, TestResult, tried};
use crate::source::{ReadError, SourceId, WorkspaceFiles, read_text};

/// Of how many changed files the whole workspace is read again, by the second thread.
const CHANGES_MAX: usize = 8;

/// Why a workspace is looked after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The editor has its folder open.
    Opened,
    /// Somebody has a file of it open; it goes with the last of them.
    Visited,
    /// Files of one folder are open that belong to no workspace. What else lies in that folder has no part in it.
    Alone,
}

/// A workspace that is being worked on.
pub(super) struct Desk {
    /// Where it lies.
    pub(super) folder: PathBuf,
    pub(super) kind: Kind,
    /// How it stands, unsaved text in it.
    pub(super) analysis: Analysis,
    /// How often something in it has changed.
    pub(super) revision: u64,
    /// What its tests came to when it was last looked at as a whole, and at which revision that was.
    pub(super) results: Option<(u64, Vec<TestResult>)>,
    /// What was not as its tests expect then, where it stands now.
    pub(super) failures: Vec<Failure>,
    /// What the editor was told last of each file by its path.
    pub(super) published: BTreeMap<String, Published>,
    disk: Disk,
}

/// What an editor was told of a file.
pub(super) struct Published {
    /// How it is named there.
    pub(super) uri: Uri,
    /// The version of the text, where it is open.
    pub(super) version: Option<i32>,
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// How far the files on the disk are known.
#[derive(Debug, Default)]
struct Disk {
    /// They were read once.
    is_known: bool,
    /// They have to be read, and nobody does it yet.
    is_wanted: bool,
    /// They are being read.
    is_being_read: bool,
    /// Those that have changed meanwhile.
    missed: BTreeSet<String>,
}

impl Desk {
    /// A workspace that has yet to be read, but for files that stand alone: of them nothing is.
    pub(super) fn new(folder: &Path, kind: Kind) -> Self {
        let is_alone = kind == Kind::Alone;
        Self {
            folder: folder.to_owned(),
            kind,
            analysis: Analysis::of(WorkspaceFiles::default()),
            revision: 1,
            results: None,
            failures: Vec::new(),
            published: BTreeMap::new(),
            disk: Disk { is_known: is_alone, is_wanted: !is_alone, ..Disk::default() },
        }
    }

    /// Whether a file is in its folder.
    pub(super) fn holds(&self, file: &Path) -> bool {
        match self.kind {
            Kind::Alone => file.parent() == Some(&*self.folder),
            _ => file.starts_with(&self.folder),
        }
    }

    /// The path of a file below the workspace, where it is one that means something there.
    pub(super) fn path_of(&self, file: &Path) -> Option<String> {
        path_below(&self.folder, file).filter(|path| WorkspaceFiles::takes(path))
    }

    /// Takes in what a file holds now; answers whether that is news.
    pub(super) fn put(&mut self, path: &str, text: &str) -> bool {
        let known = self.analysis.source(path).map(|source| &*self.analysis.files.sources.get(source).text);
        if known == Some(text) {
            return false;
        }
        self.revision += 1;
        let shift = self.analysis.put(path, text);
        let place = |failure: Failure| Some(Failure { span: shift.place(failure.span)?, ..failure });
        self.failures = std::mem::take(&mut self.failures).into_iter().filter_map(place).collect();
        true
    }

    /// Takes in what lies on the disk under a path: a file, nothing, or no file any more.
    pub(super) fn put_from_disk(&mut self, path: &str) -> bool {
        match read_text(&self.folder.join(path)) {
            Ok(text) => self.put(path, text.strip_prefix('\u{feff}').unwrap_or(&text)),
            Err(_) => self.take_out(path),
        }
    }

    /// Takes a file out; answers whether that is news.
    pub(super) fn take_out(&mut self, path: &str) -> bool {
        let Some(source) = self.analysis.source(path) else { return false };
        self.analysis.remove(source);
        self.failures.retain(|failure| failure.span.source != source);
        self.revision += 1;
        true
    }

    /// Takes in that files have changed on the disk; answers those with news. Of many of them all are read again.
    pub(super) fn noticed(&mut self, mut paths: BTreeSet<String>) -> Vec<String> {
        if self.disk.is_being_read {
            self.disk.missed.append(&mut paths);
        } else if paths.len() > CHANGES_MAX {
            self.disk.is_wanted = true;
        }
        if self.disk.is_wanted || self.disk.is_being_read {
            return Vec::new();
        }
        paths.into_iter().filter(|path| self.put_from_disk(path)).collect()
    }

    /// The files below a folder, by their paths.
    pub(super) fn paths_below(&self, folder: &Path) -> Vec<String> {
        let Some(below) = path_below(&self.folder, folder) else { return Vec::new() };
        let is_below = |path: &&String| {
            below.is_empty() || path.strip_prefix(&below).is_some_and(|rest| rest.starts_with('/'))
        };
        let files = self.analysis.files.sources.iter().map(|(_, source)| &source.path);
        files.filter(is_below).cloned().collect()
    }

    /// Wants its files read again.
    pub(super) fn read_again(&mut self) {
        self.disk.is_wanted = self.kind != Kind::Alone;
    }

    /// Whether its files have to be read; whoever asks goes and reads them.
    pub(super) fn wants_reading(&mut self) -> bool {
        let wanted = self.disk.is_wanted && !self.disk.is_being_read;
        if wanted {
            self.disk.is_wanted = false;
            self.disk.is_being_read = true;
        }
        wanted
    }

    /// Whether its files are known: before that nothing can be said of them.
    pub(super) fn is_known(&self) -> bool {
        self.disk.is_known
    }

    /// Takes in its files as they were read; answers what is not needed any more.
    pub(super) fn take(&mut self, read: Analysis) -> Analysis {
        let before = std::mem::replace(&mut self.analysis, read);
        self.revision += 1;
        self.failures.clear();
        let Disk { is_wanted, missed, .. } = std::mem::take(&mut self.disk);
        self.disk = Disk { is_known: true, is_wanted, ..Disk::default() };
        self.noticed(missed);
        before
    }

    /// Whether it was looked at as a whole since the last change.
    pub(super) fn is_settled(&self) -> bool {
        self.results.as_ref().is_some_and(|(revision, _)| *revision == self.revision)
    }

    /// Takes in what its tests came to at a revision.
    pub(super) fn tested(&mut self, revision: u64, results: Vec<TestResult>) {
        self.failures = results.iter().flat_map(|result| &result.failures).cloned().collect();
        self.results = Some((revision, results));
    }

    /// What is left unsaid of a file without a `lotse.yaml`, where one can be made.
    pub(super) fn unsaid(&self, source: SourceId) -> Option<Unsaid> {
        self.analysis.unsaid(source).filter(|_| self.folder.is_absolute())
    }

    pub(super) fn path(&self, source: SourceId) -> &str {
        &self.analysis.files.sources.get(source).path
    }

    /// The place of a file as an editor names it.
    pub(super) fn uri(&self, path: &str) -> Option<Uri> {
        Uri::from_file_path(self.folder.join(path)).ok()
    }

    pub(super) fn lines(&self, source: SourceId, encoding: Encoding) -> Lines<'_> {
        Lines::of(&self.analysis.files.sources.get(source).text, encoding)
    }
}

/// A path below a folder, with `/` between folders.
fn path_below(folder: &Path, file: &Path) -> Option<String> {
    let below = file.strip_prefix(folder).ok()?;
    let steps: Option<Vec<&str>> = below.components().map(|step| step.as_os_str().to_str()).collect();
    Some(steps?.join("/"))
}

/// A workspace that has to be read.
pub(super) struct Reading {
    pub(super) desk: usize,
    pub(super) folder: PathBuf,
    /// Folders in it that are workspaces of their own.
    pub(super) without: Vec<PathBuf>,
}

/// A workspace as it lies on the disk.
pub(super) struct Read {
    pub(super) desk: usize,
    pub(super) analysis: Analysis,
    /// What of it could not be read, and is left out.
    pub(super) errors: Vec<ReadError>,
}

impl Reading {
    pub(super) fn read(self) -> Read {
        let is_own = |path: &str| !self.without.iter().any(|other| self.folder.join(path).starts_with(other));
        let (files, errors) = WorkspaceFiles::read_what_can_be(&self.folder, is_own);
        Read { desk: self.desk, analysis: Analysis::of(files), errors }
    }
}

impl Read {
    /// One of which nothing could be read.
    pub(super) fn nothing(desk: usize) -> Self {
        Self { desk, analysis: Analysis::of(WorkspaceFiles::default()), errors: Vec::new() }
    }
}

/// What a look at the whole begins with: the files, and what is known of those that have not changed.
pub(super) struct Known {
    pub(super) desk: usize,
    pub(super) revision: u64,
    analysis: crate::ide::Known,
    /// Whether somebody has gone on typing, so that nobody waits for it any more.
    overtaken: Arc<AtomicBool>,
}

/// A workspace looked at as a whole.
pub(super) struct Settled {
    pub(super) desk: usize,
    pub(super) revision: u64,
    pub(super) analysis: Analysis,
    pub(super) results: Vec<TestResult>,
}

impl Known {
    /// What a look at a workspace has to know.
    pub(super) fn of(number: usize, desk: &Desk, overtaken: Arc<AtomicBool>) -> Self {
        let (revision, analysis) = (desk.revision, desk.analysis.known());
        Self { desk: number, revision, analysis, overtaken }
    }

    /// Looks at all of it, and runs its tests, as `lotse check` does. Nothing where it was overtaken.
    pub(super) fn settle(self) -> Option<Settled> {
        let is_wanted = || !self.overtaken.load(Ordering::Relaxed);
        let mut analysis = Analysis::settled_while(self.analysis, &is_wanted);
        if !is_wanted() {
            return None;
        }
        let sources = &analysis.files.sources;
        let (results, unvisited) = tried(&analysis.checked, sources, &analysis.config.timezone, is_wanted);
        if !is_wanted() {
            return None;
        }
        analysis.findings.extend(unvisited);
        finding::sort(&mut analysis.findings);
        Some(Settled { desk: self.desk, revision: self.revision, analysis, results })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Span;

    #[test]
    fn a_file_that_gets_the_place_of_another_takes_nothing_over() {
        let mut desk = Desk::new(Path::new("/shop"), Kind::Alone);
        desk.put("a.journey", "journey a { enter on nowhere  stage s { go to t } }\n");
        let a = desk.analysis.source("a.journey").unwrap();
        assert!(!desk.analysis.findings_in(a).is_empty() && !desk.analysis.names_in(a).is_empty());
        desk.failures.push(Failure {
            test: "t".to_owned(),
            span: Span::new(a, 0, 7),
            at: None,
            message: "it was not sent".to_owned(),
            help: None,
            mends: Vec::new(),
        });
        let asked = Known::of(0, &desk, Arc::default());
        desk.take_out("a.journey");
        let text = "topic news \"News\"\n";
        desk.put("b.journey", text);
        let b = desk.analysis.source("b.journey").unwrap();
        assert_eq!((a, desk.path(b)), (b, "b.journey"));
        assert!(desk.failures.is_empty());
        assert!(asked.revision < desk.revision, "what is found of the former text is thrown away");
        let fresh = Analysis::of(WorkspaceFiles::from_texts([("b.journey", text)]));
        assert_eq!(desk.analysis.occurrences, fresh.occurrences);
        let settled = Known::of(0, &desk, Arc::default()).settle().unwrap().analysis;
        assert_eq!((settled.findings, settled.occurrences), (fresh.findings, fresh.occurrences));
    }
}
