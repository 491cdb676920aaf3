//! The commands of the recipes in `docs/guide/ci.md` are run as a build server runs them: line by line, in a shell, in
//! the root of a repository that has its workspace in `journeys/shop`. No recipe is left out.

use std::path::Path;
use std::process::{Command, Output};

use super::lotse;
use crate::docs::fences;

/// What is in a file of this repository.
fn read(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The recipe for a file.
fn recipe(file: &str) -> String {
    let fences = fences(&read("docs/guide/ci.md"));
    fences.into_iter().find(|fence| fence.info == file).unwrap().text
}

/// The commands of the recipe for a file, in their order.
fn commands(file: &str) -> Vec<String> {
    let command = |line: &str| {
        let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ").to_owned();
        line.starts_with("lotse ").then_some(line)
    };
    recipe(file).lines().filter_map(command).collect()
}

/// A repository with what `lotse new` makes.
fn repository() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir(dir.path().join("journeys")).unwrap();
    assert!(
        lotse().current_dir(dir.path()).args(["new", "journeys/shop"]).output().unwrap().status.success()
    );
    dir
}

fn shell(dir: &tempfile::TempDir, line: &str) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_lotse"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_owned())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())),
    );
    Command::new("sh")
        .args(["-ec", line])
        .current_dir(dir.path())
        .env("PATH", path.unwrap())
        .output()
        .unwrap()
}

/// The exit codes of the lines, each run by itself.
fn codes(dir: &tempfile::TempDir, file: &str) -> Vec<Option<i32>> {
    let lines = commands(file);
    assert!(!lines.is_empty(), "{file} has commands");
    lines.iter().map(|line| shell(dir, line).status.code()).collect()
}

/// The hooks of `.pre-commit-config.yaml`, as pre-commit puts their commands together: what is in this repository's
/// `.pre-commit-hooks.yaml`, and the arguments behind it.
fn hooks() -> Vec<String> {
    let value = |line: &str, key: &str| {
        let (found, value) = line.trim().trim_start_matches("- ").split_once(": ")?;
        (found == key).then(|| value.to_owned())
    };
    let values =
        |text: &str, key: &str| text.lines().filter_map(|line| value(line, key)).collect::<Vec<String>>();
    let known = read(".pre-commit-hooks.yaml");
    let known: Vec<_> = values(&known, "id").into_iter().zip(values(&known, "entry")).collect();
    let config = recipe(PRE_COMMIT);
    let entry = |id: &String| &known.iter().find(|(known, _)| known == id).unwrap().1;
    let wanted = values(&config, "id");
    assert_eq!(wanted.len(), known.len(), "every hook is shown");
    let arguments = values(&config, "args").into_iter().map(|args| args.replace(['[', ']', ','], ""));
    wanted.iter().zip(arguments).map(|(id, arguments)| format!("{} {arguments}", entry(id))).collect()
}

const ACTIONS: &str = "yaml .github/workflows/journeys.yml";
const SCANNING: &str = "yaml .github/workflows/scanning.yml";
const GITLAB: &str = "yaml .gitlab-ci.yml";
const PRE_COMMIT: &str = "yaml .pre-commit-config.yaml";
const SHELL: &str = "sh .git/hooks/pre-commit";

#[test]
fn every_recipe_is_run() {
    let page = fences(&read("docs/guide/ci.md"));
    let recipes: Vec<&str> = page.iter().map(|fence| fence.info.as_str()).collect();
    assert_eq!(recipes, [ACTIONS, SCANNING, GITLAB, PRE_COMMIT, SHELL]);
}

#[test]
fn hooks_stop_what_is_wrong_and_lay_out_what_is_not() {
    let dir = repository();
    let hooks = hooks();
    let run = |line: &String| shell(&dir, line).status.success();
    assert!(hooks.iter().chain([&recipe(SHELL)]).all(run), "what is sound passes");
    let journey = dir.path().join("journeys/shop/welcome.journey");
    let text = std::fs::read_to_string(&journey).unwrap();
    std::fs::write(&journey, text.replacen("send email ", "send  email ", 1)).unwrap();
    assert!(!run(&recipe(SHELL)));
    assert!(run(&hooks[0]), "it mends what it finds");
    assert_eq!(std::fs::read_to_string(&journey).unwrap(), text);
    std::fs::write(&journey, text.replacen("send email ", "send email un", 1)).unwrap();
    assert_eq!(hooks.iter().map(run).collect::<Vec<_>>(), [true, false, false]);
    assert!(!run(&recipe(SHELL)));
}

#[test]
fn a_sound_workspace_is_green() {
    let dir = repository();
    assert_eq!(codes(&dir, ACTIONS), [Some(0); 3]);
    assert_eq!(codes(&dir, SCANNING), [Some(0)]);
    assert_eq!(codes(&dir, GITLAB), [Some(0); 4]);
    for file in ["junit.xml", "lcov.info", "lotse.sarif", "gl-code-quality-report.json"] {
        assert!(std::fs::metadata(dir.path().join(file)).unwrap().len() > 0, "{file}");
    }
}

#[test]
fn a_mistake_is_red_and_is_in_the_reports() {
    let dir = repository();
    let journey = dir.path().join("journeys/shop/welcome.journey");
    let text = std::fs::read_to_string(&journey).unwrap();
    std::fs::write(&journey, text.replacen("send email ", "send email un", 1)).unwrap();
    // The form is right, what it says is not, so no test runs.
    assert_eq!(codes(&dir, ACTIONS), [Some(0), Some(1), Some(2)]);
    // A scan that finds something has done its work.
    assert_eq!(codes(&dir, SCANNING), [Some(0)]);
    assert_eq!(codes(&dir, GITLAB), [Some(0), Some(1), Some(2), Some(1)]);
    for file in ["lotse.sarif", "gl-code-quality-report.json"] {
        let report = std::fs::read_to_string(dir.path().join(file)).unwrap();
        assert!(report.contains("E101") && report.contains("journeys/shop/welcome.journey"), "{report}");
    }
    // Neither is one that could not look.
    std::fs::remove_dir_all(dir.path().join("journeys")).unwrap();
    assert_eq!(codes(&dir, SCANNING), [Some(1)]);
}
