//! An author's keystrokes in a workspace of 1,000 journeys, through the program over its standard input and output.

use std::io::{BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use gen_lsp_types::Uri;
use lsp_server::{Message, Notification, Request};
use serde_json::{Value, json};

use crate::check::{COMMON, journey};
use crate::memory::peak_mib;

const JOURNEYS: usize = 1_000;
const KEYSTROKES: usize = 400;
const COMPLETIONS: usize = 200;
/// After so many keystrokes the author thinks for a moment, and the whole workspace is looked at meanwhile.
const THINKS_AFTER: usize = 20;
const THINKS_FOR: Duration = Duration::from_millis(150);

struct Editor {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    asked: i32,
}

impl Editor {
    fn start() -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_lotse"))
            .arg("lsp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout, asked: 0 }
    }

    fn say(&mut self, method: &str, params: Value) {
        Message::from(Notification::new(method.to_owned(), params)).write(&mut self.stdin).unwrap();
        self.stdin.flush().unwrap();
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        let request = Request::new(self.asked.into(), method.to_owned(), params);
        Message::from(request).write(&mut self.stdin).unwrap();
        self.stdin.flush().unwrap();
        loop {
            if let Message::Response(response) = self.hear() {
                return response.response_result.unwrap();
            }
        }
    }

    fn hear(&mut self) -> Message {
        Message::read(&mut self.stdout).unwrap().expect("the program speaks")
    }

    /// Waits for the findings of a version of a file.
    fn findings(&mut self, uri: &Uri, version: usize) -> usize {
        loop {
            let Message::Notification(told) = self.hear() else { continue };
            if told.params["uri"] == json!(uri) && told.params["version"] == version {
                return told.params["diagnostics"].as_array().unwrap().len();
            }
        }
    }
}

pub fn run() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("common.journey"), COMMON).unwrap();
    for number in 0..JOURNEYS {
        std::fs::write(folder.path().join(format!("j{number}.journey")), journey(number)).unwrap();
    }
    let root = Uri::from_directory_path(folder.path()).unwrap();
    let uri = Uri::from_file_path(folder.path().join("j500.journey")).unwrap();
    let text = journey(500);

    let begun = Instant::now();
    let mut editor = Editor::start();
    let params = json!({ "processId": null, "rootUri": root, "capabilities": {} });
    editor.ask("initialize", params);
    editor.say("initialized", json!({}));
    let document = json!({ "uri": uri, "languageId": "journey", "version": 0, "text": text });
    editor.say("textDocument/didOpen", json!({ "textDocument": document }));
    editor.findings(&uri, 0);
    println!(
        "desk: {JOURNEYS} journeys, start to first findings in {:.2} s; needed 1.00 s",
        begun.elapsed().as_secs_f64()
    );

    // The whole has been looked at when its tests have run.
    editor.ask("lotse/runTests", json!({}));
    let line = text.lines().position(|line| line.contains("stage reminder")).unwrap() + 2;
    let mut took = Vec::new();
    for version in 1..=KEYSTROKES {
        if version % THINKS_AFTER == 0 {
            std::thread::sleep(THINKS_FOR);
        }
        let place = json!({ "line": line, "character": 4 });
        let change = json!({ "range": { "start": place, "end": place }, "text": "w" });
        let document = json!({ "uri": uri, "version": version });
        let typed = Instant::now();
        editor.say("textDocument/didChange", json!({ "textDocument": document, "contentChanges": [change] }));
        assert!(editor.findings(&uri, version) > 0, "what is typed there cannot be right");
        took.push(typed.elapsed());
    }
    show("  keystroke to findings", took, 16);

    let send = text.lines().position(|line| line.contains("send email")).unwrap();
    let place = json!({ "line": send, "character": 15 });
    let mut took = Vec::new();
    for _ in 0..COMPLETIONS {
        let asked = Instant::now();
        let found = editor
            .ask("textDocument/completion", json!({ "textDocument": { "uri": uri }, "position": place }));
        took.push(asked.elapsed());
        assert!(!found["items"].as_array().unwrap().is_empty());
    }
    show("  completion", took, 30);
    if let Some(peak) = peak_mib(editor.child.id()) {
        println!("  with {peak} MiB of memory at the most; needed 300 MiB");
    }
    editor.ask("shutdown", Value::Null);
    editor.say("exit", Value::Null);
    assert!(editor.child.wait().unwrap().success());
}

fn show(what: &str, mut took: Vec<Duration>, needed: u32) {
    took.sort_unstable();
    let at = |share: usize| took[(took.len() - 1) * share / 100].as_secs_f64() * 1_000.0;
    println!("{what}: {:.1} ms, at the 99th percentile {:.1} ms; needed {needed} ms", at(50), at(99));
}
