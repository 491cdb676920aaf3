//! An editor without a window: it speaks with the program over its standard input and output, keeps the texts that it
//! has open, and looks at every answer whether it is about the text as it stands.

use std::collections::BTreeMap;
use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use gen_lsp_types::{Diagnostic, Position, PublishDiagnosticsParams, Range, TextEdit, Uri, WorkspaceEdit};
use lsp_server::{Message, Notification, Request, RequestId, Response};
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the program may take for an answer before something is wrong with it.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a finding says and where: the code, the path, the line and the column from 1, the message.
pub type Told = (String, String, u64, u64, String);

pub struct Client {
    child: Child,
    stdin: ChildStdin,
    come: Receiver<Message>,
    asked: i32,
    utf8: bool,
    pub folder: TempDir,
    /// The open files by their paths: version and text.
    open: BTreeMap<String, (i32, String)>,
    /// What was told of each file.
    told: BTreeMap<String, Vec<Diagnostic>>,
    /// How often something was told of any.
    pub tellings: usize,
    /// What the program has asked for.
    pub demands: Vec<Request>,
    /// The version of each file that the program is known to have seen: it must not speak of an older one.
    seen: BTreeMap<String, i32>,
}

impl Client {
    /// Starts the program on a workspace of these files.
    pub fn start(files: &BTreeMap<String, String>, utf8: bool) -> Self {
        Self::start_in(files, &[""], utf8, json!({}))
    }

    /// The same with these of its folders open, and with more that the editor can do.
    pub fn start_in(
        files: &BTreeMap<String, String>,
        folders: &[&str],
        utf8: bool,
        mut capabilities: Value,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), files);
        let mut child = Command::new(env!("CARGO_BIN_EXE_lotse"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (sender, come) = channel();
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            while let Ok(Some(message)) = Message::read(&mut stdout) {
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        let (open, told, tellings, seen, demands) = Default::default();
        let mut client =
            Self { child, stdin, come, asked: 0, utf8, folder, open, told, tellings, seen, demands };
        let encodings = if utf8 { json!(["utf-16", "utf-8"]) } else { json!(null) };
        capabilities["general"] = json!({ "positionEncodings": encodings });
        let folders: Vec<Value> = folders.iter().map(|folder| client.folder(folder)).collect();
        let answer = client.ask(
            "initialize",
            json!({
                "processId": null, "rootUri": null, "workspaceFolders": folders, "capabilities": capabilities,
            }),
        );
        let encoding = if utf8 { "utf-8" } else { "utf-16" };
        assert_eq!(answer.unwrap()["capabilities"]["positionEncoding"], encoding);
        client.say("initialized", json!({}));
        client
    }

    /// A folder as an editor names it that has it open.
    pub fn folder(&self, path: &str) -> Value {
        json!({ "uri": Uri::from_directory_path(self.folder.path().join(path)).unwrap(), "name": path })
    }

    /// How a file is named, or a text that was never saved (`untitled:…`).
    pub fn uri(&self, path: &str) -> Uri {
        if path.starts_with("untitled:") {
            return path.parse().unwrap();
        }
        Uri::from_file_path(self.folder.path().join(path)).unwrap()
    }

    fn path(&self, uri: &Uri) -> String {
        if uri.scheme() == "untitled" {
            return uri.to_string();
        }
        let file = uri.to_file_path().unwrap();
        file.strip_prefix(self.folder.path()).unwrap().to_str().unwrap().to_owned()
    }

    fn send(&mut self, message: &Message) {
        message.write(&mut self.stdin).unwrap();
        self.stdin.flush().unwrap();
    }

    pub fn say(&mut self, method: &str, params: Value) {
        self.send(&Notification::new(method.to_owned(), params).into());
    }

    /// Asks, and hears what is told until the answer comes.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value, String> {
        let id = self.ask_only(method, params);
        loop {
            if let Some(answer) = self.hear(&id) {
                return answer;
            }
        }
    }

    /// Asks without waiting for the answer.
    pub fn ask_only(&mut self, method: &str, params: Value) -> RequestId {
        let (id, question) = self.question(method, params);
        self.send(&question);
        id
    }

    /// Hears one message; answers what it says if it is the answer to `id`.
    pub fn hear(&mut self, id: &RequestId) -> Option<Result<Value, String>> {
        match self.come.recv_timeout(PATIENCE).expect("the program speaks") {
            Message::Response(Response { id: of, response_result }) if of == *id => {
                // Whatever was typed before the question is known where it is answered.
                self.seen = self.open.iter().map(|(path, (version, _))| (path.clone(), *version)).collect();
                Some(response_result.map_err(|error| error.message))
            }
            Message::Response(other) => panic!("an answer to nothing: {other:?}"),
            Message::Request(request) => {
                self.send(&Response::new_ok(request.id.clone(), Value::Null).into());
                self.demands.push(request);
                None
            }
            Message::Notification(notification) => {
                if notification.method == "textDocument/publishDiagnostics" {
                    self.hear_findings(serde_json::from_value(notification.params).unwrap());
                }
                None
            }
        }
    }

    fn hear_findings(&mut self, params: PublishDiagnosticsParams) {
        let path = self.path(&params.uri);
        if let (Some(version), Some(seen)) = (params.version, self.seen.get(&path)) {
            assert!(version >= *seen, "{path}: findings of version {version} after an answer about {seen}");
        }
        self.tellings += 1;
        self.told.insert(path, params.diagnostics);
    }

    /// What is told of a file by now: who says it, what, and the text that it is about.
    pub fn told(&self, path: &str) -> Vec<(String, String, String)> {
        let text = match self.open.get(path) {
            Some((_, text)) => text.clone(),
            None => std::fs::read_to_string(self.folder.path().join(path)).unwrap_or_default(),
        };
        let said = |diagnostic: &Diagnostic| {
            let value = serde_json::to_value(diagnostic).unwrap();
            let Range { start, end } = diagnostic.range;
            let about = text[self.offset(&text, start)..self.offset(&text, end)].to_owned();
            let said = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
            (said("source"), format!("{} {}", said("code"), said("message")), about)
        };
        self.told.get(path).into_iter().flatten().map(said).collect()
    }

    pub fn open(&mut self, path: &str) {
        let text = std::fs::read_to_string(self.folder.path().join(path)).unwrap_or_default();
        self.open_with(path, text);
    }

    /// Opens a file of another text than the disk has.
    pub fn open_with(&mut self, path: &str, text: String) {
        let opened = self.opened(path, text);
        self.send(&opened);
    }

    /// The same, for whoever says it later.
    pub fn opened(&mut self, path: &str, text: String) -> Message {
        let uri = self.uri(path);
        self.open.insert(path.to_owned(), (1, text.clone()));
        let document = json!({ "uri": uri, "languageId": "journey", "version": 1, "text": text });
        Notification::new("textDocument/didOpen".to_owned(), json!({ "textDocument": document })).into()
    }

    pub fn close(&mut self, path: &str) {
        self.open.remove(path);
        self.seen.remove(path);
        let uri = self.uri(path);
        self.say("textDocument/didClose", json!({ "textDocument": { "uri": uri } }));
    }

    pub fn text(&self, path: &str) -> &str {
        &self.open[path].1
    }

    /// The place of a byte of an open file.
    pub fn position(&self, path: &str, offset: usize) -> Position {
        let before = &self.text(path)[..offset];
        let line = before.matches('\n').count();
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let width = if self.utf8 { offset - start } else { before[start..].encode_utf16().count() };
        Position::new(u32::try_from(line).unwrap(), u32::try_from(width).unwrap())
    }

    /// The byte of a place.
    fn offset(&self, text: &str, position: Position) -> usize {
        let start = text.split_inclusive('\n').take(position.line as usize).map(str::len).sum::<usize>();
        let line = text[start..].split('\n').next().unwrap();
        let mut width = 0;
        let within = line.char_indices().find(|(_, c)| {
            let here = width == position.character as usize;
            width += if self.utf8 { c.len_utf8() } else { c.len_utf16() };
            here
        });
        start + within.map_or(line.len(), |(at, _)| at)
    }

    /// Puts a text in the place of bytes of an open file, as somebody types it.
    pub fn edit(&mut self, path: &str, bytes: std::ops::Range<usize>, text: &str) {
        let change = self.changed(path, bytes, text);
        self.send(&change);
    }

    /// Says much in one go, so that the program has heard the last before it has looked at the first.
    pub fn say_at_once(&mut self, messages: Vec<Message>) {
        let mut said = Vec::new();
        messages.iter().for_each(|message| message.write(&mut said).unwrap());
        self.stdin.write_all(&said).unwrap();
        self.stdin.flush().unwrap();
    }

    /// The same as [`Client::edit`], for whoever says it later.
    pub fn changed(&mut self, path: &str, bytes: std::ops::Range<usize>, text: &str) -> Message {
        let range = Range::new(self.position(path, bytes.start), self.position(path, bytes.end));
        let uri = self.uri(path);
        let (version, whole) = self.open.get_mut(path).unwrap();
        *version += 1;
        whole.replace_range(bytes, text);
        let version = *version;
        let params = json!({
            "textDocument": { "uri": uri, "version": version },
            "contentChanges": [{ "range": range, "text": text }],
        });
        Notification::new("textDocument/didChange".to_owned(), params).into()
    }

    /// A question, for whoever asks it later.
    pub fn question(&mut self, method: &str, params: Value) -> (RequestId, Message) {
        self.asked += 1;
        let id = RequestId::from(self.asked);
        (id.clone(), Request::new(id, method.to_owned(), params).into())
    }

    /// Makes changes that the program has proposed; those of files that are not open are written to the disk.
    pub fn apply(&mut self, edit: Value) {
        let edit: WorkspaceEdit = serde_json::from_value(edit).unwrap();
        for (uri, mut edits) in edit.changes.unwrap() {
            let path = self.path(&uri);
            edits.sort_by_key(|edit| std::cmp::Reverse((edit.range.start.line, edit.range.start.character)));
            if self.open.contains_key(&path) {
                for TextEdit { range, new_text } in edits {
                    let text = self.text(&path).to_owned();
                    let bytes = self.offset(&text, range.start)..self.offset(&text, range.end);
                    self.edit(&path, bytes, &new_text);
                }
                continue;
            }
            let file = self.folder.path().join(&path);
            let mut text = std::fs::read_to_string(&file).unwrap();
            for TextEdit { range, new_text } in edits {
                text.replace_range(self.offset(&text, range.start)..self.offset(&text, range.end), &new_text);
            }
            std::fs::write(&file, text).unwrap();
            self.say("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri, "type": 2 }] }));
        }
    }

    /// Asks about a place of an open file.
    pub fn ask_at(&mut self, method: &str, path: &str, offset: usize, more: Value) -> Result<Value, String> {
        let (uri, position) = (self.uri(path), self.position(path, offset));
        let mut params = json!({ "textDocument": { "uri": uri }, "position": position, "uri": uri });
        params.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        self.ask(method, params)
    }

    /// What is told of the workspace once it was looked at as a whole.
    pub fn settled(&mut self) -> Vec<Told> {
        // It is answered when the tests have run, be it by saying that they cannot.
        let _ = self.ask("lotse/runTests", json!({}));
        let mut told = Vec::new();
        for (path, diagnostics) in &self.told {
            let text = match self.open.get(path) {
                Some((_, text)) => text.clone(),
                None => std::fs::read_to_string(self.folder.path().join(path)).unwrap_or_default(),
            };
            // What tests came to is nothing that the check says.
            for diagnostic in diagnostics.iter().filter(|told| told.source.as_deref() == Some("lotse")) {
                let value = serde_json::to_value(diagnostic).unwrap();
                let start = diagnostic.range.start;
                let offset = self.offset(&text, start);
                let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
                let message = value["message"].as_str().unwrap().lines().next().unwrap().to_owned();
                let column = text[line..offset].chars().count() as u64 + 1;
                let code = value["code"].as_str().unwrap().to_owned();
                told.push((code, path.clone(), u64::from(start.line) + 1, column, message));
            }
        }
        told.sort();
        told
    }

    /// What `lotse check` says of the same texts.
    pub fn checked(&self) -> Vec<Told> {
        let folder = tempfile::tempdir().unwrap();
        let mut files = read(self.folder.path());
        files.extend(self.open.iter().map(|(path, (_, text))| (path.clone(), text.clone())));
        write(folder.path(), &files);
        let output = Command::new(env!("CARGO_BIN_EXE_lotse"))
            .args(["check", "--format", "json"])
            .arg(folder.path())
            .output()
            .unwrap();
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        let findings = answer["findings"].as_array().unwrap().iter().map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap().to_owned();
            let number = |key: &str| finding[key].as_u64().unwrap();
            (text("code"), text("path"), number("line"), number("column"), text("message"))
        });
        let mut findings: Vec<Told> = findings.collect();
        findings.sort();
        findings
    }

    /// Ends the conversation as the protocol wants it.
    pub fn end(mut self) -> ExitStatus {
        self.ask("shutdown", Value::Null).unwrap();
        self.say("exit", Value::Null);
        self.child.wait().unwrap()
    }

    /// Goes away without a word.
    pub fn vanish(mut self) -> ExitStatus {
        drop(self.stdin);
        self.child.wait().unwrap()
    }
}

fn write(folder: &Path, files: &BTreeMap<String, String>) {
    for (path, text) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }
}

/// The files of a folder, at any depth, by their paths.
pub fn read(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(inside) = folders.pop() {
        for entry in std::fs::read_dir(inside).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                files.insert(path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned(), text);
            }
        }
    }
    files
}
