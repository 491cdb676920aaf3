//! What an author is helped with, as pure functions over a workspace as it stands in the editor.
//!
//! In come the files of a workspace, unsaved text among them; out goes an [`Analysis`], which knows what `lotse check`
//! would find, and where every name stands. Each file beside this one is one kind of help. Nothing of the language is
//! told here a second time: places of names come from the check, what can stand somewhere from the parser.
//! Places are bytes of the text ([`Span`]); there is no protocol here, no disk and no thread.

mod names;
mod describe;
pub mod words;
pub mod hover;
pub mod completion;
pub mod tokens;
pub mod hints;

#[cfg(test)]
mod chance;
#[cfg(test)]
mod testing;

use crate::config::{self, Config};
use crate::finding::{self, Finding};
use crate::language::check::{Checked, Deployment, Tree, check_with_names};
use crate::source::{SourceId, WorkspaceFiles};

pub use crate::language::check::{NameKind, Occurrence, Role};

/// A workspace as its author sees it now.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The files: what lies on the disk, with unsaved text in its place.
    pub files: WorkspaceFiles,
    /// `lotse.yaml`; where it is missing, the settings of an empty one.
    pub config: Config,
    /// The tree of each journey file, in the order of [`WorkspaceFiles::journeys`].
    pub trees: Vec<Tree>,
    /// What checking gave. Its findings are those of the journeys and templates alone.
    pub checked: Checked,
    /// Everything that is wrong, in `lotse.yaml` too, in the order of the text.
    pub findings: Vec<Finding>,
    /// Every place where a name stands, in the order of the text.
    pub occurrences: Vec<Occurrence>,
}

impl Analysis {
    /// Looks at the files of a workspace.
    pub fn of(files: WorkspaceFiles) -> Self {
        let trees = files.journeys.iter().map(|id| Tree::of(*id, &files.sources.get(*id).text)).collect();
        Self::of_trees(files, trees)
    }

    fn of_trees(files: WorkspaceFiles, trees: Vec<Tree>) -> Self {
        let (config, mut findings) = config::read(&files);
        let deployment = files.config.and_then(|_| Deployment::of(&config));
        let mut checked = check_with_names(&files, &trees, deployment.as_ref());
        findings.extend(checked.findings.iter().cloned());
        finding::sort(&mut findings);
        let mut occurrences = std::mem::take(&mut checked.occurrences);
        occurrences.extend(names::of_settings(&config));
        occurrences.sort_unstable();
        Self { files, config, trees, checked, findings, occurrences }
    }

    /// The tree of a journey file.
    pub fn tree(&self, source: SourceId) -> Option<&Tree> {
        self.trees.iter().find(|tree| tree.source == source)
    }

    /// The file of a path, with `/` between folders.
    pub fn source(&self, path: &str) -> Option<SourceId> {
        self.files.sources.iter().find(|(_, source)| source.path == path).map(|(id, _)| id)
    }
}
