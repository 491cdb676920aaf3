//! What an author is helped with, as pure functions over a workspace as it stands in the editor.
//!
//! In come the files of a workspace, unsaved text among them; out goes an [`Analysis`], which knows what `lotse check`
//! would find, and where every name stands. Each file beside this one is one kind of help. Nothing of the language is
//! told here a second time: places of names come from the check, what can stand somewhere from the parser.
//! Places are bytes of the text ([`Span`](crate::source::Span)); there is no protocol here, no disk and no thread.

pub mod completion;
mod describe;
mod fix;
mod folding;
mod formatting;
pub mod hints;
pub mod hover;
mod names;
mod outline;
mod rename;
mod shift;
mod symbols;
pub mod tokens;
pub mod words;

#[cfg(test)]
mod chance;
#[cfg(test)]
mod testing;

use crate::config::{self, Config};
use crate::finding::{self, Finding};
use crate::language::check::{
    Checked, Compilations, Deployment, OF_THE_WHOLE, Tree, check_file, check_with_names,
};
use crate::source::{SourceId, WorkspaceFiles};

pub use crate::language::check::{NameKind, Occurrence, Role};
#[cfg(feature = "server")]
pub use fix::Mending;
pub use fix::{Fix, NewFile, TextChange, Unsaid};
pub use folding::{Fold, FoldKind};
pub use formatting::FormatTrouble;
pub use rename::RenameTrouble;
pub use shift::Shift;
pub use symbols::{Symbol, SymbolKind};

/// A workspace as its author sees it now.
///
/// It begins with all files ([`Analysis::of`]). A change of one file is taken in at once ([`Analysis::edit`]): the
/// findings of that file and everything about names follow, findings that depend on the whole workspace stay as they
/// were. [`Analysis::settled`] looks at the whole again, without reading anew what has not changed.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The files: what lies on the disk, with unsaved text in its place.
    pub files: WorkspaceFiles,
    /// `lotse.yaml`; where it is missing, the settings of an empty one.
    pub config: Config,
    /// The tree of each journey file, in the order of [`WorkspaceFiles::journeys`].
    pub trees: Vec<Tree>,
    /// What checking gave; its places of names are in [`Analysis::occurrences`].
    pub checked: Checked,
    /// Everything that is wrong, in `lotse.yaml` too, in the order of the text.
    pub findings: Vec<Finding>,
    /// Every place where a name stands, in the order of the text.
    pub occurrences: Vec<Occurrence>,
    compiled: Compilations,
}

/// The files of a workspace, and what is known of each alone.
#[derive(Clone, Debug, Default)]
pub struct Known {
    files: WorkspaceFiles,
    trees: Vec<Tree>,
    compiled: Compilations,
}

impl Analysis {
    /// Looks at the files of a workspace.
    pub fn of(files: WorkspaceFiles) -> Self {
        let trees = files.journeys.iter().map(|id| Tree::of(*id, &files.sources.get(*id).text)).collect();
        Self::settled(Known { files, trees, compiled: Compilations::default() })
    }

    /// Looks at the whole workspace anew, with the trees and the compiled texts that are known: what [`Analysis::of`]
    /// would say of the same files.
    pub fn settled(known: Known) -> Self {
        Self::settled_while(known, &|| true)
    }

    /// The same for whoever may lose interest: as soon as it is not wanted any more the rest is left out, and what comes
    /// back is worth nothing.
    pub fn settled_while(known: Known, is_wanted: &dyn Fn() -> bool) -> Self {
        let Known { files, trees, mut compiled } = known;
        let (config, mut findings) = config::read(&files);
        let deployment = deployment(&files, &config);
        let mut checked = check_with_names(&files, &trees, deployment.as_ref(), &mut compiled, is_wanted);
        findings.extend(checked.findings.iter().cloned());
        finding::sort(&mut findings);
        let mut occurrences = std::mem::take(&mut checked.occurrences);
        occurrences.extend(names::of_settings(&config));
        occurrences.sort_unstable();
        Self { files, config, trees, checked, findings, occurrences, compiled }
    }

    /// Takes in that a file has another text: reads it and checks what stands in it against the names of all files.
    /// Answers where the places of the file have gone.
    pub fn edit(&mut self, source: SourceId, text: &str) -> Shift {
        let before = self.files.sources.get(source).text.clone();
        self.files.sources.replace(source, text);
        let shift = Shift::between(source, &before, &self.files.sources.get(source).text);
        let mut findings = Vec::new();
        let mut occurrences = Vec::new();
        if let Some(tree) = self.trees.iter_mut().find(|tree| tree.source == source) {
            *tree = Tree::of(source, &self.files.sources.get(source).text);
        } else if self.files.config == Some(source) {
            (self.config, findings) = config::read(&self.files);
            occurrences.extend(names::of_settings(&self.config));
        }
        let deployment = deployment(&self.files, &self.config);
        let mut checked = std::mem::take(&mut self.checked);
        let mut others = std::mem::take(&mut checked.findings);
        self.checked =
            check_file(&self.files, &self.trees, deployment.as_ref(), source, checked, &mut self.compiled);
        findings.extend(self.checked.findings.iter().cloned());
        others.retain(|finding| finding.span.source != source);
        self.checked.findings.append(&mut others);
        occurrences.append(&mut self.checked.occurrences);
        occurrences.sort_unstable();
        self.keep_findings(source, &shift, findings);
        let place = |name: &Occurrence| name.span.source;
        let first = self.occurrences.partition_point(|name| place(name) < source);
        let behind = self.occurrences.partition_point(|name| place(name) <= source);
        self.occurrences.splice(first..behind, occurrences);
        shift
    }

    /// Puts the findings of a file that has changed in the place of those that were. What only a look at the whole can
    /// find is kept until the next one, where its text stands now.
    fn keep_findings(&mut self, source: SourceId, shift: &Shift, own: Vec<Finding>) {
        let is_kept = |finding: &Finding| {
            finding.span.source != source
                || OF_THE_WHOLE.contains(&finding.code)
                    && !self.checked.silenced.silences(&self.files.sources, finding)
        };
        let kept = std::mem::take(&mut self.findings).into_iter();
        self.findings = kept.filter_map(|finding| shift.finding(finding)).filter(is_kept).collect();
        self.findings.extend(own);
        finding::sort(&mut self.findings);
    }

    /// Takes a file in, whether there is one of that path or not, and checks what stands in it. Answers where the
    /// places of the file have gone.
    pub fn put(&mut self, path: &str, text: &str) -> Shift {
        let source = self.files.source(path).unwrap_or_else(|| self.add(path));
        self.edit(source, text)
    }

    /// Takes a file in that nothing stands in yet.
    fn add(&mut self, path: &str) -> SourceId {
        let source = self.files.put(path, "");
        if let Some(at) = self.files.journeys.iter().position(|known| *known == source) {
            self.trees.insert(at.min(self.trees.len()), Tree::of(source, ""));
        }
        source
    }

    /// Takes a file out.
    pub fn remove(&mut self, source: SourceId) {
        self.edit(source, "");
        self.files.remove(source);
        self.trees.retain(|tree| tree.source != source);
        self.findings.retain(|finding| finding.span.source != source);
    }

    /// What [`Analysis::settled`] begins with.
    pub fn known(&self) -> Known {
        Known { files: self.files.clone(), trees: self.trees.clone(), compiled: self.compiled.clone() }
    }

    /// What is wrong in a file.
    pub fn findings_in(&self, source: SourceId) -> &[Finding] {
        let first = self.findings.partition_point(|finding| finding.span.source < source);
        let behind = self.findings.partition_point(|finding| finding.span.source <= source);
        self.findings.get(first..behind).unwrap_or_default()
    }

    /// The tree of a journey file.
    pub fn tree(&self, source: SourceId) -> Option<&Tree> {
        self.trees.iter().find(|tree| tree.source == source)
    }

    /// The file of a path, with `/` between folders.
    pub fn source(&self, path: &str) -> Option<SourceId> {
        self.files.source(path)
    }
}

fn deployment(files: &WorkspaceFiles, config: &Config) -> Option<Deployment> {
    files.config.and_then(|_| Deployment::of(config))
}
