//! Which workspaces the server looks after: folders that are opened and closed, lie in each other, or are none.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::client::Client;

const SETTINGS: &str = "workspace: shop\n";
const EVENT: &str = "event signed_up { source text }\n";
/// A journey of an event that is declared in another file.
const JOURNEY: &str = "journey one {\n  enter on signed_up\n  stage s { end }\n}\n";

fn files(files: &[(&str, &str)]) -> BTreeMap<String, String> {
    files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn start(written: &[(&str, &str)], folders: &[&str]) -> Client {
    Client::start_in(&files(written), folders, true, json!({}))
}

/// The codes and messages of what is told of a file once all was looked at.
fn told(client: &mut Client, path: &str) -> Vec<String> {
    client.settled();
    client.told(path).into_iter().map(|(_, says, _)| says).collect()
}

/// Whether the event is known to a file.
fn knows_event(client: &mut Client, path: &str) -> bool {
    let told = told(client, path);
    assert!(!told.is_empty(), "of {path} nothing is told");
    !told.iter().any(|says| says.starts_with("E101"))
}

fn watched(client: &mut Client, path: &str, kind: u8) {
    let change = json!({ "uri": client.uri(path), "type": kind });
    client.say("workspace/didChangeWatchedFiles", json!({ "changes": [change] }));
}

#[test]
fn a_file_that_stands_alone_takes_nothing_else_with_it() {
    let loose = "journey loose { enter on nowhere }\n";
    let inner = [("home/inner/lotse.yaml", SETTINGS), ("home/inner/a.journey", EVENT)];
    let mut written = vec![("home/loose.journey", loose), ("shop/lotse.yaml", SETTINGS)];
    written.extend(inner);
    written.push(("home/inner/b.journey", JOURNEY));
    let mut client = start(&written, &["shop"]);
    client.open("home/loose.journey");
    assert!(told(&mut client, "home/loose.journey").iter().any(|says| says.starts_with("E101")));
    client.open("home/inner/b.journey");
    assert!(knows_event(&mut client, "home/inner/b.journey"), "it is of the workspace that it lies in");
    std::fs::write(client.folder.path().join("home/other.journey"), "journey\n").unwrap();
    watched(&mut client, "home/other.journey", 1);
    assert!(told(&mut client, "home/other.journey").is_empty(), "it is nobody's");

    client.close("home/loose.journey");
    assert!(told(&mut client, "home/loose.journey").is_empty(), "nobody looks after it any more");
    client.close("home/inner/b.journey");
    assert!(told(&mut client, "home/inner/b.journey").is_empty(), "nor after a workspace that is not open");
    assert!(client.end().success());
}

#[test]
fn a_workspace_that_is_visited_is_known_to_the_first_question() {
    let written = [("shop/lotse.yaml", SETTINGS), ("other/lotse.yaml", SETTINGS), ("other/a.journey", EVENT)];
    let mut client = start(&written, &["shop"]);
    client.open_with("other/b.journey", JOURNEY.to_owned());
    let event = JOURNEY.find("signed_up").unwrap();
    let found = client.ask_at("textDocument/definition", "other/b.journey", event, json!({})).unwrap();
    assert_eq!(found[0]["uri"], json!(client.uri("other/a.journey")), "{found}");
    client.end();
}

#[test]
fn a_question_that_waited_is_not_answered_of_another_text() {
    let written = [("shop/lotse.yaml", SETTINGS), ("other/lotse.yaml", SETTINGS), ("other/a.journey", EVENT)];
    let mut client = start(&written, &["shop"]);
    client.settled();
    let (path, place) = ("other/b.journey", JOURNEY.find("signed_up").unwrap());
    let opened = client.opened(path, JOURNEY.to_owned());
    let position = client.position(path, place);
    let params = json!({ "textDocument": { "uri": client.uri(path) }, "position": position });
    let (id, question) = client.question("textDocument/definition", params);
    let changed = client.changed(path, 0..0, "# a line above\n");
    client.say_at_once(vec![opened, question, changed]);
    let answer = loop {
        if let Some(answer) = client.hear(&id) {
            break answer;
        }
    };
    // Where it was read before the change was heard, the answer is that of the text as it was.
    match answer {
        Ok(found) => assert_eq!(found[0]["uri"], json!(client.uri("other/a.journey")), "{found}"),
        Err(why) => assert_eq!(why, "the text has changed meanwhile"),
    }
    assert!(knows_event(&mut client, path));
    client.end();
}

#[test]
fn of_workspaces_in_each_other_a_file_belongs_to_the_innermost() {
    let written = [
        ("lotse.yaml", SETTINGS),
        ("a.journey", EVENT),
        ("b.journey", JOURNEY),
        ("inner/lotse.yaml", SETTINGS),
        ("inner/a.journey", EVENT),
        ("inner/b.journey", JOURNEY),
        ("mails/c.journey", "topic news \"News\"\n"),
    ];
    let mut client = start(&written, &["", "inner", "mails"]);
    let twice = |client: &mut Client| {
        let told = client.settled();
        told.into_iter().filter(|(code, ..)| code == "E102").map(|told| told.1).collect::<Vec<_>>()
    };
    assert_eq!(twice(&mut client), Vec::<String>::new());
    assert!(knows_event(&mut client, "b.journey") && knows_event(&mut client, "inner/b.journey"));
    client.open("inner/b.journey");
    assert!(knows_event(&mut client, "inner/b.journey"));
    std::fs::write(client.folder.path().join("inner/a.journey"), "event other { }\n").unwrap();
    watched(&mut client, "inner/a.journey", 2);
    assert!(!knows_event(&mut client, "inner/b.journey") && knows_event(&mut client, "b.journey"));

    let removed = [client.folder("inner")];
    let event = json!({ "added": [], "removed": removed });
    client.say("workspace/didChangeWorkspaceFolders", json!({ "event": event }));
    assert_eq!(twice(&mut client), ["inner/b.journey"], "it is a part of the outer one now");
    client.end();
}

#[test]
fn folders_that_are_opened_and_closed_are_noticed() {
    let written = [
        ("one/lotse.yaml", SETTINGS),
        ("one/b.journey", JOURNEY),
        ("two/lotse.yaml", SETTINGS),
        ("two/b.journey", JOURNEY),
    ];
    let mut client = start(&written, &["one"]);
    assert!(!knows_event(&mut client, "one/b.journey"));
    assert!(told(&mut client, "two/b.journey").is_empty());
    let (one, two) = (client.folder("one"), client.folder("two"));
    let change = |added: &Value, removed: &Value| json!({ "event": { "added": added, "removed": removed } });
    client.say("workspace/didChangeWorkspaceFolders", change(&json!([two]), &json!([one])));
    assert!(!knows_event(&mut client, "two/b.journey"));
    assert!(told(&mut client, "one/b.journey").is_empty());
    client.end();
}

#[test]
fn settings_that_are_written_make_a_workspace_of_their_folder() {
    let mut client = start(&[("shop/a.journey", EVENT), ("open/c.journey", EVENT)], &["open"]);
    client.open_with("shop/b.journey", JOURNEY.to_owned());
    assert!(!knows_event(&mut client, "shop/b.journey"), "it stands alone");
    std::fs::write(client.folder.path().join("shop/lotse.yaml"), SETTINGS).unwrap();
    let uri = client.uri("shop/lotse.yaml");
    client.say("textDocument/didSave", json!({ "textDocument": { "uri": uri } }));
    assert!(knows_event(&mut client, "shop/b.journey"));
    client.end();
}

#[test]
fn a_text_that_was_never_saved_is_helped_with() {
    let mut client = start(&[("lotse.yaml", SETTINGS), ("a.journey", EVENT)], &[""]);
    let text = format!("{EVENT}{JOURNEY}");
    let path = "untitled:Untitled-1";
    client.open_with(path, text.clone());
    assert!(knows_event(&mut client, path));
    let place = text.rfind("signed_up").unwrap();
    let hover = client.ask_at("textDocument/hover", path, place, json!({})).unwrap();
    assert!(hover["contents"]["value"].as_str().unwrap().contains("signed_up"), "{hover}");
    client.edit(path, place..place + 1, "z");
    assert!(!knows_event(&mut client, path));
    client.close(path);
    assert!(told(&mut client, path).is_empty());
    client.end();
}

#[test]
fn a_folder_that_goes_takes_its_files_with_it() {
    let written = [("lotse.yaml", SETTINGS), ("shared/a.journey", EVENT), ("b.journey", JOURNEY)];
    let watches = json!({ "workspace": { "didChangeWatchedFiles": { "dynamicRegistration": true } } });
    let mut client = Client::start_in(&files(&written), &[""], true, watches);
    assert!(knows_event(&mut client, "b.journey"));
    let asked = client.demands.iter().find(|request| request.method == "client/registerCapability").unwrap();
    let watchers = asked.params["registrations"][0]["registerOptions"]["watchers"].as_array().unwrap();
    let deleted = |watcher: &&Value| watcher["globPattern"] == "**/*" && watcher["kind"] == 4;
    assert!(watchers.iter().any(|watcher| deleted(&watcher)), "{watchers:?}");

    std::fs::remove_dir_all(client.folder.path().join("shared")).unwrap();
    watched(&mut client, "shared", 3);
    assert!(!knows_event(&mut client, "b.journey"));
    assert_eq!(client.settled(), client.checked());
    client.end();
}

#[test]
fn many_files_that_change_at_once_are_read_while_questions_are_answered() {
    let mut client = start(&[("lotse.yaml", SETTINGS), ("b.journey", JOURNEY)], &[""]);
    client.open("b.journey");
    assert!(!knows_event(&mut client, "b.journey"));
    let mut changes = vec![json!({ "uri": client.uri("a.journey"), "type": 1 })];
    std::fs::write(client.folder.path().join("a.journey"), EVENT).unwrap();
    for number in 0..40 {
        let path = format!("many/j{number}.journey");
        let file = client.folder.path().join(&path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, JOURNEY.replace("one", &format!("many_{number}"))).unwrap();
        changes.push(json!({ "uri": client.uri(&path), "type": 1 }));
    }
    client.say("workspace/didChangeWatchedFiles", json!({ "changes": changes }));
    client.edit("b.journey", 0..0, "# typed meanwhile\n");
    let name = client.text("b.journey").find("one").unwrap();
    let found = client.ask_at("textDocument/definition", "b.journey", name, json!({})).unwrap();
    assert!(!found.as_array().unwrap().is_empty(), "it is answered from what is known");
    assert!(knows_event(&mut client, "b.journey"));
    assert_eq!(client.settled(), client.checked());
    client.end();
}
