use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, after, never, select};
use gen_lsp_types::{
    CancelNotification, CodeLensRefreshRequest, DidChangeTextDocumentNotification,
    DidChangeWatchedFilesNotification, DidChangeWatchedFilesRegistrationOptions,
    DidCloseTextDocumentNotification, DidOpenTextDocumentNotification, FileSystemWatcher, GlobPattern,
    InitializeParams, InitializeResult, MessageType, Notification as _, PublishDiagnosticsNotification,
    PublishDiagnosticsParams, Registration, RegistrationParams, RegistrationRequest, ServerInfo,
    ShowMessageNotification, ShowMessageParams, Uri, WorkspaceFolders,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, RequestId, Response};
use serde::de::DeserializeOwned;

use super::capabilities::capabilities;
use super::convert::diagnostic;
use super::desk::{Desk, Settled};
use super::documents::{Documents, File};
use super::lines::Encoding;
use super::requests::{Trouble, Waiting};
use super::worker::{Fallen, Job, Worker};
use crate::source::workspace_folders;

/// How long nobody has typed before the whole workspace is looked at.
const PAUSE: Duration = Duration::from_millis(120);
/// How often an editor is told that a file cannot be read; a folder full of them is one trouble.
const TROUBLES_MAX: usize = 3;

/// Why the conversation with an editor broke off.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The editor said something that the protocol does not know.
    #[error("the editor does not keep to the protocol: {0}")]
    Protocol(#[from] ProtocolError),
    /// What it said cannot be read.
    #[error("the editor said something that cannot be read: {0}")]
    Message(#[from] serde_json::Error),
    /// The editor has gone without a word.
    #[error("the editor has gone without ending the conversation")]
    Gone,
    /// The machine refused.
    #[error("the machine refuses: {0}")]
    Io(#[from] std::io::Error),
}

/// What an editor can do.
#[derive(Clone, Copy, Debug, Default)]
struct Client {
    /// It tells of files that change, if it is asked to.
    watches: bool,
    /// It asks for code lenses again, if it is told to.
    refreshes_lenses: bool,
}

/// A conversation with an editor.
pub(super) struct Server {
    sender: Sender<Message>,
    client: Client,
    pub(super) documents: Documents,
    worker: Worker,
    /// Whether the second thread is at work.
    at_work: bool,
    /// When nobody has typed for a moment.
    pause: Receiver<std::time::Instant>,
    /// Questions whose answer needs a look at the whole.
    pub(super) waiting: Vec<Waiting>,
    /// How many questions the editor was asked.
    asked: i32,
    /// Whether the editor has ended the conversation but for its last word.
    is_over: bool,
}

/// Speaks with an editor until it ends the conversation.
pub(super) fn serve(connection: &Connection) -> Result<(), ServerError> {
    let (id, params) = connection.initialize_start()?;
    let params: InitializeParams = serde_json::from_value(params)?;
    let offered = params.capabilities.general.as_ref();
    let encoding = Encoding::of(offered.and_then(|general| general.position_encodings.as_deref()));
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let result = InitializeResult {
        capabilities: capabilities(encoding),
        server_info: Some(ServerInfo { name: "lotse".to_owned(), version }),
    };
    connection.initialize_finish(id, serde_json::to_value(result)?)?;
    let mut server = Server {
        sender: connection.sender.clone(),
        client: Client::of(&params),
        documents: Documents::new(encoding),
        worker: Worker::start()?,
        at_work: false,
        pause: never(),
        waiting: Vec::new(),
        asked: 0,
        is_over: false,
    };
    server.watch();
    server.read_workspaces(&params);
    server.converse(connection)
}

impl Client {
    fn of(params: &InitializeParams) -> Self {
        let Some(workspace) = &params.capabilities.workspace else { return Self::default() };
        let watched = workspace.did_change_watched_files.as_ref();
        let lenses = workspace.code_lens.as_ref();
        Self {
            watches: watched.and_then(|watched| watched.dynamic_registration).unwrap_or(false),
            refreshes_lenses: lenses.and_then(|lenses| lenses.refresh_support).unwrap_or(false),
        }
    }
}

/// The folders that an editor has open.
fn folders(params: &InitializeParams) -> Vec<Uri> {
    match &params.workspace_folders_initialize_params.workspace_folders {
        Some(WorkspaceFolders::WorkspaceFolderList(folders)) => {
            folders.iter().map(|folder| folder.uri.clone()).collect()
        }
        #[expect(deprecated, reason = "some editors say nothing else")]
        _ => params.root_uri.iter().cloned().collect(),
    }
}

impl Server {
    /// Asks the editor to tell of files that change.
    fn watch(&mut self) {
        if !self.client.watches {
            return;
        }
        let watcher = |pattern: &str| FileSystemWatcher {
            glob_pattern: GlobPattern::Pattern(pattern.to_owned()),
            kind: None,
        };
        let watchers = ["**/*.{journey,mjml,html,txt}", "**/lotse.yaml"].map(watcher).to_vec();
        let options = DidChangeWatchedFilesRegistrationOptions { watchers };
        let registration = Registration {
            id: "files".to_owned(),
            method: DidChangeWatchedFilesNotification::METHOD.as_str().to_owned(),
            register_options: serde_json::to_value(options).ok(),
        };
        self.ask::<RegistrationRequest>(RegistrationParams { registrations: vec![registration] });
    }

    fn read_workspaces(&mut self, params: &InitializeParams) {
        let folders = folders(params);
        let roots = folders.iter().filter_map(|uri| uri.to_file_path().ok());
        for folder in roots.flat_map(|root| workspace_folders(&root)) {
            let (desk, errors) = Desk::read(&folder);
            for error in errors.iter().take(TROUBLES_MAX) {
                self.notify::<ShowMessageNotification>(ShowMessageParams {
                    kind: MessageType::Warning,
                    message: error.to_string(),
                });
            }
            self.documents.desks.push(desk);
        }
        for desk in 0..self.documents.desks.len() {
            self.publish_all(desk);
        }
        self.look_soon();
    }

    /// Takes what the editor says, one after the other, until it ends the conversation.
    fn converse(&mut self, connection: &Connection) -> Result<(), ServerError> {
        let mut come: VecDeque<Message> = VecDeque::new();
        loop {
            come.extend(connection.receiver.try_iter());
            match come.pop_front() {
                Some(Message::Request(request)) => {
                    if self.is_over {
                        self.refuse(request.id, Trouble::over());
                        continue;
                    }
                    if request.method == "shutdown" {
                        self.is_over = true;
                        self.send(Response::new_ok(request.id, ()).into());
                        continue;
                    }
                    if is_cancelled(&request.id, &come) {
                        self.cancelled(request.id);
                        continue;
                    }
                    self.take_in();
                    self.request(request);
                }
                Some(Message::Notification(notification)) => {
                    if notification.method == "exit" {
                        return if self.is_over { Ok(()) } else { Err(ServerError::Gone) };
                    }
                    self.notification(notification);
                }
                Some(Message::Response(_)) => {}
                None if self.documents.has_news() => self.take_in(),
                None => select! {
                    recv(connection.receiver) -> message => come.push_back(message.map_err(|_| ServerError::Gone)?),
                    recv(self.worker.settled) -> settled => {
                        if let Ok(settled) = settled {
                            self.settled(settled);
                        }
                    }
                    recv(self.pause) -> _ => self.look(),
                },
            }
        }
    }

    fn notification(&mut self, notification: Notification) {
        let method = notification.method.as_str();
        if method == DidOpenTextDocumentNotification::METHOD.as_str() {
            if let Some(params) = read(notification) {
                self.documents.open(params);
            }
        } else if method == DidChangeTextDocumentNotification::METHOD.as_str() {
            if let Some(params) = read(notification) {
                self.documents.change(params);
            }
        } else if method == DidCloseTextDocumentNotification::METHOD.as_str() {
            self.take_in();
            let file = read(notification).and_then(|params| self.documents.close(&params));
            file.into_iter().for_each(|file| self.publish(file));
            self.look_soon();
        } else if method == DidChangeWatchedFilesNotification::METHOD.as_str() {
            self.take_in();
            let news = read(notification).map(|params| self.documents.watched(&params));
            news.into_iter().flatten().for_each(|file| self.publish(file));
            self.look_soon();
        } else if method == CancelNotification::METHOD.as_str() {
            let id = notification.params.get("id").cloned();
            let id = id.and_then(|id| serde_json::from_value::<RequestId>(id).ok());
            let waiting = self.waiting.iter().position(|waiting| Some(&waiting.id) == id.as_ref());
            if let Some(index) = waiting {
                let waiting = self.waiting.swap_remove(index);
                self.cancelled(waiting.id);
            }
        }
    }

    /// Lets the workspaces hear of what was typed, and tells what is wrong with it.
    fn take_in(&mut self) {
        let news = self.documents.take_in();
        if news.is_empty() {
            return;
        }
        news.into_iter().for_each(|file| self.publish(file));
        self.look_soon();
    }

    /// Looks at the whole when nobody has typed for a moment.
    fn look_soon(&mut self) {
        self.pause = after(PAUSE);
    }

    /// Has the second thread look at a workspace that has changed since it was looked at.
    pub(super) fn look(&mut self) {
        self.pause = never();
        if self.at_work {
            return;
        }
        if let Some(desk) = self.documents.desks.iter().find(|desk| !desk.is_settled()) {
            self.worker.give(Job::Settle(desk.known()));
            self.at_work = true;
        }
    }

    /// Takes what the second thread has found, unless somebody went on typing.
    fn settled(&mut self, settled: Result<Box<Settled>, Fallen>) {
        self.at_work = false;
        match settled {
            Ok(settled) => self.keep(settled),
            Err(Fallen { folder, revision }) => {
                let same = |desk: &&mut Desk| desk.folder == folder;
                if let Some(desk) = self.documents.desks.iter_mut().find(same) {
                    desk.results = Some((revision, Vec::new()));
                }
                self.answer_settled();
            }
        }
        if self.documents.desks.iter().any(|desk| !desk.is_settled()) {
            self.look_soon();
        }
    }

    fn keep(&mut self, mut settled: Box<Settled>) {
        let same = |desk: &Desk| desk.folder == settled.folder && desk.revision == settled.revision;
        let found = self.documents.desks.iter().position(same);
        if let Some((number, desk)) = found.and_then(|at| Some((at, self.documents.desks.get_mut(at)?))) {
            std::mem::swap(&mut desk.analysis, &mut settled.analysis);
            desk.results = Some((settled.revision, std::mem::take(&mut settled.results)));
            self.publish_all(number);
            self.answer_settled();
            if self.client.refreshes_lenses {
                self.ask::<CodeLensRefreshRequest>(());
            }
        }
        self.worker.give(Job::Drop(settled));
    }

    /// Tells what is wrong in all files of a workspace.
    fn publish_all(&mut self, desk: usize) {
        let Some(known) = self.documents.desks.get(desk) else { return };
        let mut paths: BTreeSet<String> = known.published.keys().cloned().collect();
        let found = known.analysis.findings.chunk_by(|a, b| a.span.source == b.span.source);
        let found = found.filter_map(|findings| findings.first());
        paths.extend(found.map(|finding| known.path(finding.span.source).to_owned()));
        paths.into_iter().for_each(|path| self.publish(File { desk, path }));
    }

    /// Tells what is wrong in a file, where it is not what was told last.
    fn publish(&mut self, file: File) {
        let File { desk: number, path } = file;
        let version = self.documents.document(number, &path).map(|document| document.version);
        let Some(desk) = self.documents.desks.get(number) else { return };
        let mut diagnostics = Vec::new();
        if let Some(source) = desk.analysis.source(&path) {
            let lines = desk.lines(source, self.documents.encoding);
            let findings = desk.analysis.findings_in(source).iter();
            diagnostics.extend(findings.map(|finding| diagnostic(finding, &lines, &self.documents, number)));
        }
        let news = match desk.published.get(&path) {
            Some((told_version, told)) => *told_version != version || *told != diagnostics,
            None => version.is_some() || !diagnostics.is_empty(),
        };
        let Some(uri) = self.documents.uri_of(number, &path).filter(|_| news) else { return };
        if let Some(desk) = self.documents.desks.get_mut(number) {
            desk.published.insert(path, (version, diagnostics.clone()));
        }
        let params = PublishDiagnosticsParams { uri, version, diagnostics };
        self.notify::<PublishDiagnosticsNotification>(params);
    }

    fn notify<N: gen_lsp_types::Notification>(&self, params: N::Params) {
        self.send(Notification::new(N::METHOD.as_str().to_owned(), params).into());
    }

    fn ask<R: gen_lsp_types::Request>(&mut self, params: R::Params) {
        self.asked += 1;
        let id = RequestId::from(self.asked);
        self.send(Request::new(id, R::METHOD.as_str().to_owned(), params).into());
    }

    pub(super) fn send(&self, message: Message) {
        // An editor that has gone is noticed where it is listened to.
        let _ = self.sender.send(message);
    }

    fn cancelled(&self, id: RequestId) {
        let message = "the question was taken back".to_owned();
        self.send(Response::new_err(id, ErrorCode::RequestCanceled as i32, message).into());
    }
}

/// What a notification says; nothing where it cannot be read, since nobody waits for an answer.
fn read<P: DeserializeOwned>(notification: Notification) -> Option<P> {
    serde_json::from_value(notification.params).ok()
}

/// Whether the editor has taken a question back already.
fn is_cancelled(id: &RequestId, come: &VecDeque<Message>) -> bool {
    come.iter().any(|message| match message {
        Message::Notification(notification) if notification.method == CancelNotification::METHOD.as_str() => {
            let cancelled = notification.params.get("id").cloned();
            cancelled.and_then(|id| serde_json::from_value::<RequestId>(id).ok()).as_ref() == Some(id)
        }
        _ => false,
    })
}
