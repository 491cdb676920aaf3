use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{SourceId, Sources};

/// The file that makes a folder a workspace, and says what differs between a laptop, staging and production.
pub const CONFIG_FILE: &str = "lotse.yaml";
/// The largest file that is read, in bytes; a journey or a template beyond it is a mistake.
pub const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;
/// How deep folders are followed below a workspace.
const FOLDER_DEPTH_MAX: usize = 16;
/// The endings of message templates.
const TEMPLATE_ENDINGS: [&str; 3] = ["mjml", "html", "txt"];
/// Folders that hold other people's files.
const FOLDERS_SKIPPED: [&str; 2] = ["target", "node_modules"];

/// All files of a workspace that mean something: `lotse.yaml`, journeys, templates.
///
/// Reading is the only step that touches the disk; everything from here on works on this value, so that
/// tests and editors can hand over text that is in no file.
#[derive(Clone, Debug, Default)]
pub struct WorkspaceFiles {
    /// The text of every file.
    pub sources: Sources,
    /// `lotse.yaml`, where there is one.
    pub config: Option<SourceId>,
    /// `*.journey`, by path.
    pub journeys: Vec<SourceId>,
    /// Templates (`.mjml`, `.html`, `.txt`) by path.
    pub templates: BTreeMap<String, SourceId>,
    /// Files that were taken out; the next ones that come get their ids.
    removed: Vec<SourceId>,
}

/// Why a workspace could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such folder.
    #[error("there is no folder `{}`", .0.display())]
    NoFolder(PathBuf),
    /// A folder without a single file of ours.
    #[error("`{}` holds neither `lotse.yaml` nor a `.journey` file: `lotse new {}` makes a workspace", .0.display(), .0.display())]
    Nothing(PathBuf),
    /// The system refused.
    #[error("`{}` could not be read: {error}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// A file that is no text of ours.
    #[error("`{}` is not UTF-8 text (the first bad byte is in line {line}): save it as UTF-8 in your editor", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// The line of the first byte that cannot be.
        line: usize,
    },
    /// A file over the limit.
    #[error("`{}` is larger than {} MiB", .0.display(), FILE_BYTES_MAX / 1024 / 1024)]
    TooLarge(PathBuf),
}

impl WorkspaceFiles {
    /// Reads a workspace folder, at any depth, in the order of the paths.
    ///
    /// # Errors
    /// When the folder is missing, holds nothing of ours, or a file in it cannot be read as text.
    pub fn read(folder: &Path) -> Result<Self, ReadError> {
        if !folder.is_dir() {
            return Err(ReadError::NoFolder(folder.to_owned()));
        }
        let mut paths = Vec::new();
        collect(folder, "", 0, &mut paths)?;
        paths.sort();
        let mut files = Self::default();
        for path in paths {
            let text = read_text(&folder.join(&path))?;
            files.add(&path, &text);
        }
        if files.config.is_none() && files.journeys.is_empty() {
            return Err(ReadError::Nothing(folder.to_owned()));
        }
        Ok(files)
    }

    /// The same for an editor, to whom a workspace may be empty, or have files that cannot be read: those are left out,
    /// and answered with why. Files whose paths are not `wanted` are left alone.
    pub fn read_what_can_be(folder: &Path, wanted: impl Fn(&str) -> bool) -> (Self, Vec<ReadError>) {
        let mut files = Self::default();
        let mut paths = Vec::new();
        let mut errors: Vec<ReadError> = collect(folder, "", 0, &mut paths).err().into_iter().collect();
        paths.retain(|path| wanted(path));
        paths.sort();
        for path in paths {
            match read_text(&folder.join(&path)) {
                Ok(text) => drop(files.add(&path, &text)),
                Err(error) => errors.push(error),
            }
        }
        (files, errors)
    }

    /// Makes a workspace from texts in memory.
    pub fn from_texts<'a>(texts: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut files = Self::default();
        for (path, text) in texts {
            files.add(path, text);
        }
        files
    }

    /// Puts a file in, whether there is one of that path or not. Journeys stay in the order of their paths.
    pub fn put(&mut self, path: &str, text: &str) -> SourceId {
        if let Some(id) = self.source(path) {
            self.sources.replace(id, text);
            return id;
        }
        let id = match self.removed.pop() {
            Some(id) => {
                self.sources.reuse(id, path, text);
                self.sort_in(path, id);
                id
            }
            None => self.add(path, text),
        };
        self.journeys.sort_by_key(|id| &self.sources.get(*id).path);
        id
    }

    /// Takes a file out. Its id is that of another file some day: nothing may be kept that names it.
    pub fn remove(&mut self, id: SourceId) {
        self.sources.replace(id, "");
        self.removed.push(id);
        self.journeys.retain(|known| *known != id);
        self.templates.retain(|_, known| *known != id);
        self.config = self.config.filter(|known| *known != id);
    }

    /// The file of a path.
    pub fn source(&self, path: &str) -> Option<SourceId> {
        let of_path = |id: &SourceId| self.sources.get(*id).path == path;
        let all = self.journeys.iter().chain(&self.config).copied();
        self.templates.get(path).copied().or_else(|| all.into_iter().find(of_path))
    }

    /// Whether a path below a workspace is that of a file which means something in it.
    pub fn takes(path: &str) -> bool {
        let mut folders = path.split('/').rev().skip(1);
        if folders.any(|folder| folder.starts_with('.') || FOLDERS_SKIPPED.contains(&folder)) {
            return false;
        }
        match path.rsplit_once('.') {
            Some((_, "journey")) => true,
            Some((_, ending)) if TEMPLATE_ENDINGS.contains(&ending) => true,
            _ => path == CONFIG_FILE,
        }
    }

    /// Adds one file, sorted by what its name says it is; a name that says nothing is kept as text alone.
    pub fn add(&mut self, path: &str, text: &str) -> SourceId {
        let id = self.sources.add(path, text);
        self.sort_in(path, id);
        id
    }

    fn sort_in(&mut self, path: &str, id: SourceId) {
        match path.rsplit_once('.') {
            Some((_, "journey")) => self.journeys.push(id),
            Some((_, ending)) if TEMPLATE_ENDINGS.contains(&ending) => {
                self.templates.insert(path.to_owned(), id);
            }
            _ if path == CONFIG_FILE => self.config = Some(id),
            _ => {}
        }
    }
}

/// The folders of the workspaces in a folder: itself, or where it has no `lotse.yaml`, those below it that have one.
pub fn workspace_folders(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    below(folder, 0, &mut found);
    found.sort();
    if found.is_empty() { vec![folder.to_owned()] } else { found }
}

/// How deep a `lotse.yaml` is looked for.
const WORKSPACE_DEPTH_MAX: usize = 4;

fn below(folder: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    if folder.join(CONFIG_FILE).is_file() {
        found.push(folder.to_owned());
        return;
    }
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for entry in entries.filter(|_| depth < WORKSPACE_DEPTH_MAX) {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let skipped = name.starts_with('.') || FOLDERS_SKIPPED.contains(&&*name);
        if !skipped && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            below(&entry.path(), depth + 1, found);
        }
    }
}

/// The `*.journey` files of a workspace folder, by their paths below it in order.
///
/// # Errors
/// When the folder is missing or cannot be read.
pub fn journey_paths(folder: &Path) -> Result<Vec<String>, ReadError> {
    if !folder.is_dir() {
        return Err(ReadError::NoFolder(folder.to_owned()));
    }
    let mut paths = Vec::new();
    collect(folder, "", 0, &mut paths)?;
    paths.retain(|path| path.ends_with(".journey"));
    paths.sort();
    Ok(paths)
}

fn collect(folder: &Path, prefix: &str, depth: usize, paths: &mut Vec<String>) -> Result<(), ReadError> {
    let failed = |error| ReadError::Io { path: folder.to_owned(), error };
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let kind = entry.file_type().map_err(failed)?;
        if kind.is_dir() {
            let skipped = name.starts_with('.') || FOLDERS_SKIPPED.contains(&name.as_str());
            if !skipped && depth < FOLDER_DEPTH_MAX {
                collect(&entry.path(), &format!("{prefix}{name}/"), depth + 1, paths)?;
            }
        } else {
            let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
            let ours = ending == "journey" || TEMPLATE_ENDINGS.contains(&ending);
            if ours || (prefix.is_empty() && name == CONFIG_FILE) {
                paths.push(format!("{prefix}{name}"));
            }
        }
    }
    Ok(())
}

/// Reads a file of a workspace as it stands, with its byte-order mark.
///
/// # Errors
/// When it cannot be read, is too large, or is not UTF-8.
pub fn read_text(path: &Path) -> Result<String, ReadError> {
    let failed = |error| ReadError::Io { path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(failed)?.len() > FILE_BYTES_MAX {
        return Err(ReadError::TooLarge(path.to_owned()));
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(good).filter(|byte| **byte == b'\n').count();
        ReadError::NotText { path: path.to_owned(), line }
    })
}
