use gen_lsp_types::{
    DidChangeWatchedFilesNotification, DidChangeWatchedFilesRegistrationOptions, FileSystemWatcher,
    GlobPattern, InitializeParams, Notification as _, Registration, RegistrationParams, WatchKind,
};

use super::lines::Encoding;

/// What an editor can do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Editor {
    /// How it counts characters.
    pub(super) encoding: Encoding,
    /// It fills in what is proposed field by field.
    pub(super) takes_snippets: bool,
    /// It tells of files that change, if it is asked to.
    pub(super) watches: bool,
    /// It asks for code lenses again, if it is told to.
    pub(super) refreshes_lenses: bool,
}

impl Editor {
    pub(super) fn of(params: &InitializeParams) -> Self {
        let offered = params.capabilities.general.as_ref();
        let encodings = offered.and_then(|general| general.position_encodings.as_deref());
        let texts = params.capabilities.text_document.as_ref();
        let items = texts.and_then(|texts| texts.completion.as_ref()?.completion_item.as_ref());
        let workspace = params.capabilities.workspace.as_ref();
        let watched = workspace.and_then(|workspace| workspace.did_change_watched_files.as_ref());
        let lenses = workspace.and_then(|workspace| workspace.code_lens.as_ref());
        Self {
            encoding: Encoding::of(encodings),
            takes_snippets: items.and_then(|items| items.snippet_support).unwrap_or(false),
            watches: watched.and_then(|watched| watched.dynamic_registration).unwrap_or(false),
            refreshes_lenses: lenses.and_then(|lenses| lenses.refresh_support).unwrap_or(false),
        }
    }
}

/// Asks an editor to tell of files of workspaces that come, change and go. Of a folder that goes, many tell but of
/// itself, and its name says nothing.
pub(super) fn watch() -> RegistrationParams {
    let watcher = |pattern: &str, kind: u32| FileSystemWatcher {
        glob_pattern: GlobPattern::Pattern(pattern.to_owned()),
        kind: Some(WatchKind::from(kind)),
    };
    let written = u32::from(WatchKind::Create) | u32::from(WatchKind::Change);
    let watchers = vec![
        watcher("**/*.{journey,mjml,html,txt}", written),
        watcher("**/lotse.yaml", written),
        watcher("**/*", WatchKind::Delete.into()),
    ];
    let options = DidChangeWatchedFilesRegistrationOptions { watchers };
    let registration = Registration {
        id: "files".to_owned(),
        method: DidChangeWatchedFilesNotification::METHOD.as_str().to_owned(),
        register_options: serde_json::to_value(options).ok(),
    };
    RegistrationParams { registrations: vec![registration] }
}
