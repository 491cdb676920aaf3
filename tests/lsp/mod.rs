//! The language server through editing sessions, over its standard input and output.

mod client;
mod workspaces;

use std::collections::BTreeMap;
use std::path::Path;

use lsp_server::{Message, Notification};
use serde_json::{Value, json};

use client::Client;

const JOURNEY: &str = "spring_sale.journey";

/// The example of the language, as files.
fn example() -> BTreeMap<String, String> {
    client::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/language/example"))
}

/// Where a text stands in an open file.
fn find(client: &Client, path: &str, text: &str) -> usize {
    client.text(path).find(text).unwrap_or_else(|| panic!("{path} has no `{text}`"))
}

#[test]
fn what_is_told_is_what_check_finds_through_a_session() {
    for utf8 in [true, false] {
        let mut client = Client::start(&example(), utf8);
        assert_eq!(client.settled(), client.checked(), "at the start");
        client.open(JOURNEY);
        let written = "\n\n# Für alle 🌼\njourney second \"Zwei 🌼\" {\n  enter by request\n  stage one {\n    \
                       wait up to 1 day {\n      on nothing_known { end }\n    }\n  }\n}\n";
        for (number, letter) in written.chars().enumerate() {
            let end = client.text(JOURNEY).len();
            client.edit(JOURNEY, end..end, &letter.to_string());
            if number % 16 == 0 {
                client.ask_at("textDocument/completion", JOURNEY, end, json!({})).unwrap();
                client.ask_at("textDocument/hover", JOURNEY, end, json!({})).unwrap();
            }
        }
        let told = client.settled();
        assert!(told.iter().any(|(code, ..)| code == "E101"), "{told:?}");
        assert_eq!(told, client.checked(), "typed letter by letter");

        let brace = find(&client, JOURNEY, "{");
        client.edit(JOURNEY, brace..brace + 1, "");
        assert_eq!(client.settled(), client.checked(), "broken");
        client.edit(JOURNEY, brace..brace, "{");
        assert_eq!(client.settled(), client.checked(), "mended");

        let name = find(&client, JOURNEY, "journey second") + "journey ".len();
        let edit =
            client.ask_at("textDocument/rename", JOURNEY, name, json!({ "newName": "dritte" })).unwrap();
        client.apply(edit);
        assert!(client.text(JOURNEY).contains("journey dritte"));
        assert_eq!(client.settled(), client.checked(), "renamed");

        client.close(JOURNEY);
        assert_eq!(client.settled(), client.checked(), "closed");
        assert!(client.end().success());
    }
}

#[test]
fn a_text_with_the_ends_of_lines_of_another_system_is_told_in_its_places() {
    let mut files = example();
    files.values_mut().for_each(|text| *text = text.replace('\n', "\r\n"));
    let mut client = Client::start(&files, false);
    client.open(JOURNEY);
    let end = client.text(JOURNEY).len();
    client.edit(JOURNEY, end..end, "\r\njourney \"🌼\" x {\r\n  🌼 enter on nowhere }\r\n");
    let told = client.settled();
    assert!(!told.is_empty());
    assert_eq!(told, client.checked());
    client.end();
}

#[test]
fn a_name_is_changed_in_files_that_nobody_has_open() {
    let mut client = Client::start(&example(), true);
    let common = "declarations.journey";
    client.open(common);
    let before = client.settled();
    let event = find(&client, common, "\nevent ") + "\nevent ".len();
    let edit =
        client.ask_at("textDocument/rename", common, event, json!({ "newName": "something_else" })).unwrap();
    let files = edit["changes"].as_object().unwrap().len();
    assert!(files > 1, "{edit}");
    client.apply(edit);
    let codes = |told: &[client::Told]| told.iter().map(|told| told.0.clone()).collect::<Vec<_>>();
    let after = client.settled();
    assert_eq!(codes(&after), codes(&before), "{after:?}");
    assert_eq!(after, client.checked());
    let taken = client.ask_at("textDocument/rename", common, event, json!({ "newName": "unsubscribed" }));
    assert!(taken.unwrap_err().contains("already"));
    client.end();
}

#[test]
fn files_that_come_change_and_go_are_noticed() {
    let mut client = Client::start(&example(), true);
    let file = client.folder.path().join("new.journey");
    let uri = client.uri("new.journey");
    let changed = |kind: u8| json!({ "changes": [{ "uri": uri, "type": kind }] });
    std::fs::write(&file, "journey new { enter on nowhere }\n").unwrap();
    client.say("workspace/didChangeWatchedFiles", changed(1));
    assert_eq!(client.settled(), client.checked(), "come");
    std::fs::write(&file, "journey new { enter by request  stage s { end } }\n").unwrap();
    client.say("workspace/didChangeWatchedFiles", changed(2));
    assert_eq!(client.settled(), client.checked(), "changed");
    std::fs::remove_file(&file).unwrap();
    client.say("workspace/didChangeWatchedFiles", changed(3));
    assert_eq!(client.settled(), client.checked(), "gone");
    client.end();
}

#[test]
fn tests_run_and_tell_how_they_went() {
    let mut client = Client::start(&example(), true);
    let tests = client.ask("lotse/tests", json!({})).unwrap();
    let tests = tests.as_array().unwrap().clone();
    assert!(!tests.is_empty());
    let results = client.ask("lotse/runTests", json!({})).unwrap();
    assert_eq!(results.as_array().unwrap().len(), tests.len());
    assert!(results.as_array().unwrap().iter().all(|result| result["passed"] == true), "{results}");

    let path = "spring_sale.test.journey";
    client.open(path);
    let uri = client.uri(path);
    let lenses = |client: &mut Client| {
        let lenses = client.ask("textDocument/codeLens", json!({ "textDocument": { "uri": uri } })).unwrap();
        let title = |lens: &Value| lens["command"]["title"].as_str().unwrap().to_owned();
        lenses.as_array().unwrap().iter().map(title).collect::<Vec<String>>()
    };
    assert_eq!(lenses(&mut client)[0], "✓ passes");
    let expected = find(&client, path, "expect ");
    client.edit(path, expected..expected, "expect no email  ");
    assert_eq!(lenses(&mut client)[0], "▷ Run", "of this text nothing is known yet");
    let command = json!({ "command": "lotse.runTest", "arguments": [tests[0]["id"]] });
    let result = client.ask("workspace/executeCommand", command).unwrap();
    assert_eq!(result["passed"], false, "{result}");
    let failure = &result["failures"][0];
    assert!(
        result["message"].as_str().unwrap().starts_with(failure["message"].as_str().unwrap()),
        "{result}"
    );
    assert_eq!(failure["range"]["start"]["line"], client.position(path, expected).line, "{result}");
    assert!(lenses(&mut client)[0].starts_with('✗'));
    client.end();
}

#[test]
fn the_journey_and_the_mail_at_a_place_are_shown() {
    let mut client = Client::start(&example(), true);
    client.open(JOURNEY);
    let send = find(&client, JOURNEY, "send email ") + "send email ".len();
    let picture = client.ask_at("lotse/picture", JOURNEY, send, json!({})).unwrap();
    let svg = picture["svg"].as_str().unwrap();
    assert!(svg.starts_with("<svg") && svg.contains("class=\"stage here\""), "{svg}");
    assert_eq!(picture["title"], "Spring sale 2027");
    let stage = find(&client, JOURNEY, "stage ");
    let picture = client.ask_at("lotse/picture", JOURNEY, stage, json!({})).unwrap();
    assert!(
        picture["svg"].as_str().unwrap().contains("class=\"stage here\""),
        "a stage begins with its word"
    );
    let mail = client.ask_at("lotse/mail", JOURNEY, send, json!({})).unwrap();
    assert!(mail["html"].as_str().unwrap().contains("<html"), "{mail}");
    assert!(!mail["subject"].as_str().unwrap().is_empty());
    client.end();
}

#[test]
fn a_question_that_is_taken_back_is_not_answered() {
    let mut client = Client::start(&example(), true);
    client.open(JOURNEY);
    let id = client.ask_only("lotse/runTests", json!({}));
    client.say("$/cancelRequest", json!({ "id": 2 }));
    let answer = loop {
        if let Some(answer) = client.hear(&id) {
            break answer;
        }
    };
    assert_eq!(answer.unwrap_err(), "the question was taken back");
    assert!(client.ask("lotse/nonsense", json!({})).unwrap_err().contains("lotse/nonsense"));
    assert!(client.end().success());
    assert!(!Client::start(&example(), true).vanish().success(), "an editor that goes without a word");
}

#[test]
fn what_is_said_in_one_go_is_taken_in_in_one_go() {
    const KEYS: usize = 100;
    let mut client = Client::start(&example(), true);
    client.open(JOURNEY);
    client.settled();
    let end = client.text(JOURNEY).len();
    let mut said: Vec<Message> = Vec::new();
    for _ in 0..KEYS {
        said.push(client.changed(JOURNEY, end..end, "x"));
    }
    let uri = client.uri(JOURNEY);
    let params = json!({ "textDocument": { "uri": uri } });
    let (taken_back, question) = client.question("textDocument/documentSymbol", params.clone());
    said.push(question);
    let (wanted, question) = client.question("textDocument/formatting", params);
    said.push(question);
    said.push(Notification::new("$/cancelRequest".to_owned(), json!({ "id": taken_back })).into());
    let before = client.tellings;
    client.say_at_once(said);
    let answer = |client: &mut Client, id| loop {
        if let Some(answer) = client.hear(id) {
            return answer;
        }
    };
    assert_eq!(answer(&mut client, &taken_back).unwrap_err(), "the question was taken back");
    let _ = answer(&mut client, &wanted);
    let tellings = client.tellings - before;
    assert!(tellings < KEYS / 4, "of {KEYS} keys {tellings} were looked at one by one");
    assert_eq!(client.settled(), client.checked());
    assert!(client.end().success());
}

#[test]
fn a_test_that_fails_says_so_at_the_line_that_expects_it() {
    let path = "spring_sale.test.journey";
    let mut client = Client::start(&example(), true);
    client.open(path);
    client.settled();
    let failures = |client: &Client| {
        let told = client.told(path).into_iter();
        let told = told.filter(|(source, ..)| source == "lotse test").map(|told| told.2);
        told.filter(|line| line.starts_with("expect")).collect::<Vec<_>>()
    };
    assert_eq!(failures(&client), Vec::<String>::new());
    let expected = find(&client, path, "expect email spring_intro");
    client.edit(path, expected..expected + "expect ".len(), "expect no ");
    assert_eq!(client.settled(), client.checked(), "the check says nothing of it");
    assert_eq!(failures(&client), ["expect no email spring_intro"]);
    client.edit(path, 0..0, "# a line above\n");
    let _ = client.ask("lotse/tests", json!({})).unwrap();
    assert_eq!(failures(&client), ["expect no email spring_intro"], "it moves with its line");
    let expected = find(&client, path, "expect no ");
    client.edit(path, expected..expected + "expect no ".len(), "expect ");
    client.settled();
    assert_eq!(failures(&client), Vec::<String>::new(), "mended");
    client.end();
}

#[test]
fn what_only_a_look_at_the_whole_finds_moves_with_the_text() {
    let mut client = Client::start(&example(), true);
    client.open(JOURNEY);
    let end = client.text(JOURNEY).len();
    client.edit(
        JOURNEY,
        end..end,
        "# allow W603: for a while\njourney idle { enter by request  stage s { end } }\n",
    );
    client.settled();
    let of_the_whole = |client: &Client| {
        let told = client.told(JOURNEY).into_iter().filter(|(_, says, _)| says.starts_with("W60"));
        told.map(|(_, says, about)| (says, about)).collect::<Vec<_>>()
    };
    let before = of_the_whole(&client);
    assert!(before.iter().any(|(says, _)| says.starts_with("W604")), "{before:?}");
    for (at, key) in [(0, "# \n"), (2, "🌼"), (2, "a"), (0, "\n"), (0, "\n\n")] {
        client.edit(JOURNEY, at..at, key);
        client.ask("lotse/tests", json!({})).unwrap();
        assert_eq!(of_the_whole(&client), before, "{key:?}");
    }
    client.end();
}

#[test]
fn an_editor_without_snippets_is_offered_plain_text() {
    let offered = |capabilities: Value| {
        let mut client = Client::start_in(&example(), &[""], true, capabilities);
        client.open(JOURNEY);
        let found = client.ask_at("textDocument/completion", JOURNEY, 0, json!({})).unwrap();
        client.end();
        let items = found["items"].as_array().unwrap().clone();
        let journey = items.into_iter().find(|item| item["label"] == "journey").unwrap();
        (journey["insertTextFormat"].clone(), journey["textEdit"]["newText"].as_str().unwrap().to_owned())
    };
    let (format, text) = offered(json!({}));
    assert!(format == 1 && text.starts_with("journey name \"") && !text.contains('$'), "{format} {text}");
    let can = json!({ "textDocument": { "completion": { "completionItem": { "snippetSupport": true } } } });
    let (format, text) = offered(can);
    assert!(format == 2 && text.contains("${1:name}"), "{format} {text}");
}

#[test]
fn a_brace_that_opens_a_block_offers_nothing_by_itself() {
    let mut client = Client::start_in(&example(), &[""], true, json!({}));
    client.open(JOURNEY);
    let mut offered = |typed: &str, context: Value| {
        client.edit(JOURNEY, 0..0, typed);
        let context = json!({ "context": context });
        let found = client.ask_at("textDocument/completion", JOURNEY, typed.len(), context).unwrap();
        client.edit(JOURNEY, 0..typed.len(), "");
        found["items"].as_array().map_or(0, Vec::len)
    };
    let by_brace = json!({ "triggerKind": 2, "triggerCharacter": "{" });
    let block = "journey a {\n  stage b {";
    assert_eq!(offered(block, by_brace.clone()), 0);
    assert!(offered(block, json!({ "triggerKind": 1 })) > 0);
    let mail = "email a {\n  subject \"{{";
    assert!(offered(mail, by_brace) > 0);
    client.end();
}
