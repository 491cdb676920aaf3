use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, after, never, select};
use gen_lsp_types::{
    CodeLensRefreshRequest, DidChangeTextDocumentNotification, DidChangeWatchedFilesNotification,
    DidChangeWorkspaceFoldersNotification, DidChangeWorkspaceFoldersParams, DidCloseTextDocumentNotification,
    DidOpenTextDocumentNotification, DidSaveTextDocumentNotification, InitializeParams, InitializeResult,
    MessageType, Notification as _, RegistrationRequest, ServerInfo, ShowMessageNotification,
    ShowMessageParams, Uri, WorkspaceFolder, WorkspaceFolders,
};
use lsp_server::{Connection, ErrorCode, Message, Notification, ProtocolError, Request, RequestId, Response};
use serde::de::DeserializeOwned;

use super::capabilities::capabilities;
use super::desk::{Desk, Known, Read, Settled};
use super::documents::{Documents, File};
use super::editor::{Editor, watch};
use super::incoming::{Incoming, taken_back};
use super::requests::{Trouble, Waiting};
use super::worker::{Done, Job, Worker};

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

/// A question about a workspace that is still being read.
struct Held {
    request: Request,
    /// The version of the text that it is about.
    version: Option<i32>,
}

/// A conversation with an editor.
pub(super) struct Server {
    sender: Sender<Message>,
    pub(super) documents: Documents,
    worker: Worker,
    /// Where the second thread is told, while it looks at a workspace, that somebody went on typing; and which it is.
    at_work: Option<(usize, Arc<AtomicBool>)>,
    /// When nobody has typed for a moment.
    pause: Receiver<std::time::Instant>,
    /// Questions whose answer needs a look at the whole.
    pub(super) waiting: Vec<Waiting>,
    held: Vec<Held>,
    /// How many questions the editor was asked.
    asked: i32,
    /// Whether the editor has ended the conversation but for its last word.
    is_over: bool,
}

/// Speaks with an editor until it ends the conversation.
pub(super) fn serve(connection: Connection) -> Result<(), ServerError> {
    let (id, params) = connection.initialize_start()?;
    let params: InitializeParams = serde_json::from_value(params)?;
    let editor = Editor::of(&params);
    let version = Some(env!("CARGO_PKG_VERSION").to_owned());
    let result = InitializeResult {
        capabilities: capabilities(editor.encoding),
        server_info: Some(ServerInfo { name: "lotse".to_owned(), version }),
    };
    connection.initialize_finish(id, serde_json::to_value(result)?)?;
    let Connection { sender, receiver } = connection;
    let mut server = Server {
        sender,
        documents: Documents::new(editor),
        worker: Worker::start()?,
        at_work: None,
        pause: never(),
        waiting: Vec::new(),
        held: Vec::new(),
        asked: 0,
        is_over: false,
    };
    if editor.watches {
        server.ask::<RegistrationRequest>(watch());
    }
    server.documents.folders(&folders(params), &[]);
    server.follow();
    server.converse(Incoming::of(receiver)?)
}

/// The folders that an editor has open.
fn folders(params: InitializeParams) -> Vec<WorkspaceFolder> {
    match params.workspace_folders_initialize_params.workspace_folders {
        Some(WorkspaceFolders::WorkspaceFolderList(folders)) => folders,
        #[expect(deprecated, reason = "some editors say nothing else")]
        _ => params.root_uri.map(|uri| WorkspaceFolder { uri, name: String::new() }).into_iter().collect(),
    }
}

impl Server {
    /// Takes what the editor says, one after the other, until it ends the conversation. What the second thread has done
    /// is looked at when nothing else is left, so that it is of the text as it stands.
    fn converse(&mut self, mut incoming: Incoming) -> Result<(), ServerError> {
        let mut done = None;
        loop {
            match incoming.next() {
                Some(Message::Request(request)) => {
                    if incoming.takes_back(&request.id) {
                        self.cancelled(request.id);
                    } else {
                        self.take_question(request);
                    }
                }
                Some(Message::Notification(notification)) if notification.method == "exit" => {
                    return if self.is_over { Ok(()) } else { Err(ServerError::Gone) };
                }
                Some(Message::Notification(notification)) => self.live_on(|it| it.notification(notification)),
                Some(Message::Response(_)) => {}
                None if self.documents.has_news() => self.take_in(),
                None => match done.take() {
                    Some(done) => self.live_on(|it| it.done(done)),
                    None => select! {
                        recv(incoming.messages) -> come => incoming.put(come.map_err(|_| ServerError::Gone)?),
                        recv(self.worker.done) -> work => done = work.ok(),
                        recv(self.pause) -> _ => self.look(),
                    },
                },
            }
        }
    }

    /// Does something that nobody waits for. Where it falls over, by a mistake of ours, the conversation goes on, and the
    /// next look at the whole sets right what is half done.
    fn live_on(&mut self, what: impl FnOnce(&mut Self)) {
        // What it was about is not known any more, so that nothing can be said of it.
        let _ = catch_unwind(AssertUnwindSafe(|| what(self)));
    }

    /// Answers a question, or keeps it until the workspace is known that it is about.
    fn take_question(&mut self, request: Request) {
        if self.is_over {
            self.refuse(request.id, Trouble::over());
        } else if request.method == "shutdown" {
            self.is_over = true;
            self.send(Response::new_ok(request.id, ()).into());
        } else if self.is_known(&request) {
            self.take_in();
            self.request(request);
        } else {
            let version = about(&request).and_then(|uri| self.documents.version(&uri));
            self.held.push(Held { request, version });
        }
    }

    /// Whether all has been read that a question is about: the workspace of the file that it names, else every one.
    fn is_known(&self, request: &Request) -> bool {
        let desks = &self.documents.desks;
        match about(request).map(|uri| self.documents.named(&uri)) {
            Some(file) => file.and_then(|file| desks.get(file.desk)).is_none_or(Desk::is_known),
            None => desks.iter().all(|(_, desk)| desk.is_known()),
        }
    }

    /// Answers questions that were kept, as far as it can be done by now.
    fn answer_held(&mut self) {
        for held in std::mem::take(&mut self.held) {
            if !self.is_known(&held.request) {
                self.held.push(held);
            } else if about(&held.request).and_then(|uri| self.documents.version(&uri)) == held.version {
                self.request(held.request);
            } else {
                self.refuse(held.request.id, Trouble::overtaken());
            }
        }
    }

    fn notification(&mut self, notification: Notification) {
        let method = notification.method.as_str();
        if method == DidChangeTextDocumentNotification::METHOD.as_str() {
            if let Some(params) = read(notification) {
                self.documents.change(params);
            }
            return;
        }
        if let Some(id) = taken_back(&notification) {
            self.take_back(id);
            return;
        }
        if method == DidOpenTextDocumentNotification::METHOD.as_str() {
            if let Some(params) = read(notification) {
                self.documents.open(params);
            }
        } else if method == DidCloseTextDocumentNotification::METHOD.as_str() {
            self.take_in();
            let file = read(notification).and_then(|params| self.documents.close(&params));
            file.into_iter().for_each(|file| self.publish(file));
        } else if method == DidSaveTextDocumentNotification::METHOD.as_str() {
            if let Some(params) = read(notification) {
                self.documents.saved(&params);
            }
        } else if method == DidChangeWatchedFilesNotification::METHOD.as_str() {
            self.take_in();
            let news = read(notification).map(|params| self.documents.watched(&params));
            news.into_iter().flatten().for_each(|file| self.publish(file));
        } else if method == DidChangeWorkspaceFoldersNotification::METHOD.as_str() {
            let params = read::<DidChangeWorkspaceFoldersParams>(notification);
            let event = params.map(|params| params.event).unwrap_or_default();
            self.documents.folders(&event.added, &event.removed);
        } else {
            return;
        }
        self.follow();
    }

    /// Does what follows when files and workspaces come and go: reads what is not known, tells nothing more of what is
    /// not worked on.
    fn follow(&mut self) {
        self.publish_left();
        for desk in self.documents.desks.take_gone() {
            self.worker.give(Job::Drop(Box::new(desk)));
        }
        for reading in self.documents.desks.take_readings() {
            self.worker.give(Job::Read(reading));
        }
        self.look_soon();
    }

    /// Takes a question back that is not answered yet.
    fn take_back(&mut self, id: RequestId) {
        let waiting = self.waiting.iter().position(|waiting| waiting.id == id);
        let held = self.held.iter().position(|held| held.request.id == id);
        if let Some(index) = waiting {
            self.waiting.swap_remove(index);
        } else if let Some(index) = held {
            self.held.remove(index);
        } else {
            return;
        }
        self.cancelled(id);
    }

    /// Lets the workspaces hear of what was typed, and tells what is wrong with it.
    fn take_in(&mut self) {
        // Where it falls over, by a mistake of ours, the next look at the whole sets it right.
        let news = catch_unwind(AssertUnwindSafe(|| self.documents.take_in())).unwrap_or_default();
        if news.is_empty() {
            return;
        }
        if let Some((_, overtaken)) = self.at_work.as_ref().filter(|(desk, _)| is_of(*desk, &news)) {
            overtaken.store(true, Ordering::Relaxed);
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
        if self.at_work.is_some() {
            return;
        }
        let mut desks = self.documents.desks.iter();
        if let Some((number, desk)) = desks.find(|(_, desk)| desk.is_known() && !desk.is_settled()) {
            let overtaken = Arc::new(AtomicBool::new(false));
            self.worker.give(Job::Settle(Known::of(number, desk, overtaken.clone())));
            self.at_work = Some((number, overtaken));
        }
    }

    /// Takes what the second thread has done.
    fn done(&mut self, done: Done) {
        if !matches!(done, Done::Read(_)) {
            self.at_work = None;
        }
        match done {
            Done::Read(read) => {
                self.keep_read(*read);
                return;
            }
            Done::Settled(settled) => self.keep(settled),
            Done::Overtaken => {}
            Done::Fallen { desk, revision } => {
                if let Some(desk) = self.documents.desks.get_mut(desk) {
                    desk.tested(revision, Vec::new());
                }
                self.answer_settled();
            }
        }
        if self.documents.desks.iter().any(|(_, desk)| !desk.is_settled()) {
            self.look_soon();
        }
    }

    /// Takes in a workspace as it lies on the disk, and what is open of it.
    fn keep_read(&mut self, read: Read) {
        let Read { desk: number, analysis, errors } = read;
        let known = self.documents.desks.get_mut(number);
        let before = match known {
            Some(desk) => desk.take(analysis),
            None => analysis,
        };
        self.worker.give(Job::Drop(Box::new(before)));
        for error in errors.iter().take(TROUBLES_MAX) {
            let message = error.to_string();
            self.notify::<ShowMessageNotification>(ShowMessageParams { kind: MessageType::Warning, message });
        }
        self.documents.tell_again(number);
        self.take_in();
        self.publish_all(number);
        self.follow();
        self.answer_held();
    }

    fn keep(&mut self, mut settled: Box<Settled>) {
        let (number, revision) = (settled.desk, settled.revision);
        let known = self.documents.desks.get_mut(number).filter(|desk| desk.revision == revision);
        if let Some(desk) = known {
            std::mem::swap(&mut desk.analysis, &mut settled.analysis);
            desk.tested(revision, std::mem::take(&mut settled.results));
            self.publish_all(number);
            self.answer_settled();
            if self.documents.editor.refreshes_lenses {
                self.ask::<CodeLensRefreshRequest>(());
            }
        }
        self.worker.give(Job::Drop(settled));
    }

    pub(super) fn notify<N: gen_lsp_types::Notification>(&self, params: N::Params) {
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

/// The file that a question names.
fn about(request: &Request) -> Option<Uri> {
    let named = request.params.pointer("/textDocument/uri").or_else(|| request.params.get("uri"))?;
    named.as_str()?.parse().ok()
}

fn is_of(desk: usize, news: &[File]) -> bool {
    news.iter().any(|file| file.desk == desk)
}
