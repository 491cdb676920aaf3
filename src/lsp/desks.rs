use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use gen_lsp_types::Uri;

use super::desk::{Desk, Kind, Reading};
use crate::source::{CONFIG_FILE, WorkspaceFiles, workspace_folders};

/// The workspaces that are worked on, by numbers that none after them gets again. A file belongs to one of them: to
/// that whose folder is the nearest above it.
#[derive(Default)]
pub(super) struct Desks {
    known: BTreeMap<usize, Desk>,
    made: usize,
    /// The folders that the editor has open.
    roots: BTreeSet<PathBuf>,
    /// Files of which findings were told that nobody looks after any more, as the editor names them.
    left: Vec<Uri>,
    /// Workspaces that nobody works on any more.
    gone: Vec<Desk>,
}

impl Desks {
    pub(super) fn get(&self, number: usize) -> Option<&Desk> {
        self.known.get(&number)
    }

    pub(super) fn get_mut(&mut self, number: usize) -> Option<&mut Desk> {
        self.known.get_mut(&number)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, &Desk)> {
        self.known.iter().map(|(number, desk)| (*number, desk))
    }

    /// The workspace that a file belongs to, and its path there.
    pub(super) fn owner(&self, file: &Path) -> Option<(usize, String)> {
        let (number, desk) = self.nearest(file)?;
        Some((number, desk.path_of(file)?))
    }

    /// Whether a path of a workspace belongs to it, and not to another that lies in its folder.
    pub(super) fn owns(&self, number: usize, path: &str) -> bool {
        let file = self.get(number).map(|desk| desk.folder.join(path));
        file.and_then(|file| self.nearest(&file)).is_none_or(|(owner, _)| owner == number)
    }

    fn nearest(&self, file: &Path) -> Option<(usize, &Desk)> {
        let around = self.iter().filter(|(_, desk)| desk.holds(file));
        around.max_by_key(|(_, desk)| (desk.kind != Kind::Alone, desk.folder.components().count()))
    }

    /// The same for a file that is opened. For one outside of all that are known one more is worked on: that of the
    /// folder above it that has a `lotse.yaml`, else one of nothing but what is open of its folder.
    pub(super) fn home(&mut self, file: &Path) -> Option<(usize, String)> {
        let known = self.nearest(file).map(|(_, desk)| desk.kind);
        if known.is_some_and(|kind| kind != Kind::Alone) {
            return self.owner(file);
        }
        let name = file.file_name()?.to_str()?;
        if !WorkspaceFiles::takes(name) {
            return None;
        }
        let has_settings = |folder: &&Path| folder.join(CONFIG_FILE).is_file();
        let desk = match file.ancestors().skip(1).find(has_settings) {
            Some(folder) => Desk::new(folder, Kind::Visited),
            None if known.is_some() => return self.owner(file),
            None => Desk::new(file.parent()?, Kind::Alone),
        };
        let path = desk.path_of(file)?;
        Some((self.add(desk), path))
    }

    pub(super) fn add(&mut self, desk: Desk) -> usize {
        self.part(&desk);
        let number = self.made;
        self.made += 1;
        self.known.insert(number, desk);
        number
    }

    fn remove(&mut self, number: usize) {
        if let Some(desk) = self.known.remove(&number) {
            self.part(&desk);
            self.left.extend(desk.published.values().map(|told| told.uri.clone()));
            self.gone.push(desk);
        }
    }

    /// Has workspaces read again that a workspace lies in which comes or goes: what is in it is theirs no more, or
    /// again.
    fn part(&mut self, inner: &Desk) {
        if inner.kind == Kind::Alone {
            return;
        }
        for outer in self.known.values_mut() {
            if outer.kind == Kind::Alone || !inner.folder.starts_with(&outer.folder) {
                continue;
            }
            outer.read_again();
            for path in outer.paths_below(&inner.folder) {
                self.left.extend(outer.published.remove(&path).map(|told| told.uri));
            }
        }
    }

    /// Takes in that the editor has opened and closed folders.
    pub(super) fn roots(&mut self, added: impl IntoIterator<Item = PathBuf>, removed: &BTreeSet<PathBuf>) {
        self.roots.retain(|root| !removed.contains(root));
        self.roots.extend(added);
        self.arrange();
    }

    /// Works on the workspaces in the folders that the editor has open. A folder without a `lotse.yaml` that lies in
    /// one of them is a part of that.
    pub(super) fn arrange(&mut self) {
        let found: BTreeSet<PathBuf> = self.roots.iter().flat_map(|root| workspace_folders(root)).collect();
        let lies_in_another =
            |folder: &PathBuf| found.iter().any(|other| other != folder && folder.starts_with(other));
        let is_own = |folder: &&PathBuf| folder.join(CONFIG_FILE).is_file() || !lies_in_another(folder);
        let wanted: BTreeSet<&PathBuf> = found.iter().filter(is_own).collect();
        let is_over =
            |(_, desk): &(usize, &Desk)| desk.kind == Kind::Opened && !wanted.contains(&desk.folder);
        let over: Vec<usize> = self.iter().filter(is_over).map(|(number, _)| number).collect();
        over.into_iter().for_each(|number| self.remove(number));
        for folder in wanted {
            let known = self.known.values_mut();
            match known.into_iter().find(|desk| desk.kind != Kind::Alone && desk.folder == *folder) {
                Some(desk) => desk.kind = Kind::Opened,
                None => drop(self.add(Desk::new(folder, Kind::Opened))),
            }
        }
    }

    /// Lets go of those that are worked on for open files alone where none is.
    pub(super) fn sweep(&mut self, is_needed: impl Fn(usize) -> bool) {
        let idle = |(number, desk): &(usize, &Desk)| desk.kind != Kind::Opened && !is_needed(*number);
        let idle: Vec<usize> = self.iter().filter(idle).map(|(number, _)| number).collect();
        idle.into_iter().for_each(|number| self.remove(number));
    }

    /// Files of which nothing is to be told any more, each once.
    pub(super) fn take_left(&mut self) -> Vec<Uri> {
        std::mem::take(&mut self.left)
    }

    /// Workspaces that nobody works on any more, each once.
    pub(super) fn take_gone(&mut self) -> Vec<Desk> {
        std::mem::take(&mut self.gone)
    }

    /// Workspaces that have to be read, each once.
    pub(super) fn take_readings(&mut self) -> Vec<Reading> {
        let wanted =
            self.known.iter_mut().filter_map(|(number, desk)| desk.wants_reading().then_some(*number));
        let wanted: Vec<usize> = wanted.collect();
        let reading = |desk: usize| {
            let folder = self.get(desk)?.folder.clone();
            let others = self.iter().filter(|(_, other)| other.kind != Kind::Alone && other.folder != folder);
            let inside = others.filter(|(_, other)| other.folder.starts_with(&folder));
            let without = inside.map(|(_, other)| other.folder.clone()).collect();
            Some(Reading { desk, folder, without })
        };
        wanted.into_iter().filter_map(reading).collect()
    }

    /// Whether a folder is, or holds, one of a workspace.
    pub(super) fn are_in(&self, folder: &Path) -> bool {
        self.iter().any(|(_, desk)| desk.folder.starts_with(folder))
    }

    /// The paths of files that have changed on the disk, each at the workspace that it belongs to; of a folder that is
    /// there no more, all that were in it.
    pub(super) fn changed(&mut self, files: &[PathBuf]) -> BTreeMap<usize, BTreeSet<String>> {
        let mut paths: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
        for file in files {
            if let Some((number, path)) = self.owner(file) {
                paths.entry(number).or_default().insert(path);
                continue;
            }
            for (number, desk) in &mut self.known {
                if desk.folder.starts_with(file) {
                    desk.read_again();
                } else if file.starts_with(&desk.folder) && desk.kind != Kind::Alone {
                    paths.entry(*number).or_default().extend(desk.paths_below(file));
                }
            }
        }
        paths.retain(|number, _| self.get(*number).is_some_and(|desk| desk.kind != Kind::Alone));
        paths
    }
}
