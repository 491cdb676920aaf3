//! The commands of the recipes in `docs/guide/ci.md` are run as a build server runs them: line by line, in a shell, in
//! the root of a repository that has its workspace in `journeys/shop`.

use std::path::Path;
use std::process::{Command, Output};

use super::lotse;
use crate::docs::fences;

/// The commands of the recipe for a file, in their order.
fn commands(file: &str) -> Vec<String> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/ci.md");
    let fences = fences(&std::fs::read_to_string(page).unwrap());
    let fence = fences.iter().find(|fence| fence.info == format!("yaml {file}")).unwrap();
    let command = |line: &str| {
        let line = line.trim().trim_start_matches("- ").trim_start_matches("run: ").to_owned();
        line.starts_with("lotse ").then_some(line)
    };
    fence.text.lines().filter_map(command).collect()
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

const ACTIONS: &str = ".github/workflows/journeys.yml";
const SCANNING: &str = ".github/workflows/scanning.yml";
const GITLAB: &str = ".gitlab-ci.yml";

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
