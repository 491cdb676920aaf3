//! What `fmt` does to files, and how it ends.

use std::fs;
use std::process::Output;

use super::lotse;

const CROOKED: &str = "topic   news   \"News\"  # what we write about\n\n\n\ntopic account essential\n";
const STRAIGHT: &str = "topic news \"News\"  # what we write about\n\ntopic account essential\n";
const BROKEN: &str = "topic   a\njourney   {";

fn workspace(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn fmt(dir: &tempfile::TempDir, arguments: &[&str]) -> (Output, String) {
    let output = lotse().current_dir(dir.path()).arg("fmt").args(arguments).output().unwrap();
    let answer = String::from_utf8(output.stdout.clone()).unwrap();
    (output, answer)
}

#[test]
fn files_come_into_their_form_and_stay_in_it() {
    let dir = workspace(&[("crooked.journey", CROOKED), ("straight.journey", STRAIGHT)]);
    let (output, answer) = fmt(&dir, &["--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(answer.starts_with("crooked.journey\n     1 - topic   news"), "{answer}");
    assert!(!answer.contains("straight.journey"), "{answer}");
    assert_eq!(fs::read_to_string(dir.path().join("crooked.journey")).unwrap(), CROOKED, "only looked at");

    let (output, answer) = fmt(&dir, &[]);
    assert_eq!((output.status.code(), answer.as_str()), (Some(0), "crooked.journey\n"));
    assert_eq!(fs::read_to_string(dir.path().join("crooked.journey")).unwrap(), STRAIGHT);

    let (output, answer) = fmt(&dir, &["--check"]);
    assert_eq!((output.status.code(), answer.as_str()), (Some(0), ""));
}

#[test]
fn a_file_with_mistakes_is_left_alone_and_the_others_are_not() {
    let dir = workspace(&[("broken.journey", BROKEN), ("crooked.journey", CROOKED)]);
    let (output, answer) = fmt(&dir, &[]);
    assert_eq!((output.status.code(), answer.as_str()), (Some(1), "crooked.journey\n"));
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(talk.contains("broken.journey: left as it is, with"), "{talk}");
    assert_eq!(fs::read_to_string(dir.path().join("broken.journey")).unwrap(), BROKEN);
    assert_eq!(fs::read_to_string(dir.path().join("crooked.journey")).unwrap(), STRAIGHT);
}

#[test]
fn it_cannot_run_where_there_is_no_journey() {
    let dir = workspace(&[("lotse.yaml", "workspace: tests\n")]);
    for arguments in [&[][..], &["--check"], &["no_such_folder"]] {
        let (output, answer) = fmt(&dir, arguments);
        assert_eq!((output.status.code(), answer.as_str()), (Some(2), ""), "{arguments:?}");
    }
}
