//! The shape of the code: what may use what, what is named where, what must not be left lying about.
//!
//! Each rule is a function over text, and a test shows that it can fail.

use std::fs;
use std::path::Path;

use lotse::finding::Code;

/// The longest source file, in lines.
const LINES_MAX: usize = 600;
/// What code that decides must not name: the world outside, and ways to wait for it.
const OUTSIDE: [&str; 8] =
    ["tokio", "async", "await", "std::fs", "std::net", "SystemTime", "Instant", "std::env"];
/// Modules that decide, and so are pure.
const PURE: [&str; 2] = ["engine", "language"];
/// Words that mark what somebody meant to come back to.
const LEFTOVERS: [&str; 6] = ["dbg!", "todo!", "unimplemented!", "FIXME", "XXX", "TODO"];

/// A file of the repository: its path from the root, and its text.
struct File {
    path: String,
    text: String,
}

/// The text files of a folder, at any depth, or the one file of that name; none where there is no such thing.
fn files(name: &str) -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    let mut paths = vec![root.join(name)];
    while let Some(path) = paths.pop() {
        if path.is_dir() {
            paths.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
        } else if let Ok(text) = fs::read_to_string(&path) {
            found.push(File { path: path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), text });
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

/// The Rust files of the library.
fn sources() -> Vec<File> {
    let mut files = files("src");
    files.retain(|file| file.path.ends_with(".rs"));
    assert!(files.len() > 50, "the sources are found");
    files
}

/// Rust without its comments and texts: what is left of them is blank, so that lines stay lines.
fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let length = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => 1 + text_end(&rest[1..]),
            'r' if rest.starts_with("r#\"") => rest
                .find("\"#")
                .map_or(rest.len(), |_| 3 + rest[3..].find("\"#").map_or(rest.len() - 3, |end| end + 2)),
            '\'' => character_length(rest),
            _ => 0,
        };
        if length == 0 {
            code.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        code.extend(rest[..length].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[length..];
    }
    code
}

/// Where a text ends whose first quote has been passed, its last quote included.
fn text_end(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            _ => escaped = c == '\\' && !escaped,
        }
    }
    rest.len()
}

/// The length of a character in quotes; none where a lifetime begins.
fn character_length(rest: &str) -> usize {
    let mut inner = rest[1..].char_indices();
    let Some((_, first)) = inner.next() else { return 0 };
    if first == '\\' {
        return rest[3..].find('\'').map_or(0, |end| end + 4);
    }
    inner.next().filter(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 2)
}

/// Whether code names something as a whole word.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word)
        .any(|(at, _)| !line[..at].ends_with(part) && !line[at + word.len()..].starts_with(part))
}

/// The modules that a file declares with `pub mod`, in their order.
fn modules(text: &str) -> Vec<String> {
    let module = |line: &str| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned());
    text.lines().filter_map(module).collect()
}

/// The module that a source file is, such as `language::check::names`.
fn module_of(path: &str) -> Vec<&str> {
    let inside = path.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    inside.split('/').collect()
}

/// What a file uses of the crate: the line, and the module from the root.
fn used(path: &str, text: &str) -> Vec<(usize, Vec<String>)> {
    let own: Vec<&str> = module_of(path);
    let mut found = Vec::new();
    let code = code(text);
    for (start, word) in ["crate", "super"]
        .into_iter()
        .flat_map(|word| code.match_indices(word).map(move |(at, _)| (at, word)).collect::<Vec<_>>())
    {
        let before = &code[..start];
        let goes_on = before.ends_with("::") || before.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let Some(mut rest) = code[start + word.len()..].strip_prefix("::") else { continue };
        if goes_on {
            continue;
        }
        let mut module: Vec<String> = Vec::new();
        if word == "super" {
            let mut up = 1;
            while let Some(further) = rest.strip_prefix("super::") {
                (up, rest) = (up + 1, further);
            }
            module.extend(own.iter().take(own.len().saturating_sub(up)).map(ToString::to_string));
        }
        let line = before.matches('\n').count() + 1;
        found.extend(targets(rest).into_iter().map(|target| (line, [module.clone(), target].concat())));
    }
    found
}

/// The paths that stand behind `crate::`, one level deep and, in braces, two: `a::b`, `{a, b::{c}}`.
fn targets(rest: &str) -> Vec<Vec<String>> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    if let Some(inside) = rest.strip_prefix('{') {
        let (mut depth, mut at) = (0_usize, 0);
        let mut found = Vec::new();
        for (index, c) in inside.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    found.extend(targets(inside[at..index].trim()));
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.extend(targets(inside[at..index].trim()));
                    at = index + 1;
                }
                _ => {}
            }
        }
        return found;
    }
    let first: String = rest.chars().take_while(|c| is_word(*c)).collect();
    if first.is_empty() {
        return Vec::new();
    }
    match rest[first.len()..].strip_prefix("::") {
        Some(behind) if behind.starts_with('{') => {
            targets(behind).into_iter().map(|inner| [vec![first.clone()], inner].concat()).collect()
        }
        Some(behind) => {
            let second: String = behind.chars().take_while(|c| is_word(*c)).collect();
            vec![vec![first, second]]
        }
        None => vec![vec![first]],
    }
}

/// Uses of modules that stand below the one that uses them; `order` is that of the modules inside `parent`.
fn against_the_flow(file: &File, parent: &[&str], order: &[String]) -> Vec<String> {
    let own = module_of(&file.path);
    let rank = |module: &[String]| -> Option<usize> {
        let inside = module.len() > parent.len() && module.iter().zip(parent).all(|(a, b)| a == b);
        if inside { order.iter().position(|known| *known == module[parent.len()]) } else { None }
    };
    let own: Vec<String> = own.iter().map(ToString::to_string).collect();
    let Some(own_rank) = rank(&own) else { return Vec::new() };
    used(&file.path, &file.text)
        .into_iter()
        .filter(|(_, module)| rank(module).is_some_and(|rank| rank > own_rank))
        .map(|(line, module)| {
            format!("{}:{line} uses {}, which stands below it", file.path, module.join("::"))
        })
        .collect()
}

/// Names of the world outside in a module that decides.
fn outside(file: &File) -> Vec<String> {
    if !PURE.contains(&module_of(&file.path)[0]) {
        return Vec::new();
    }
    let code = code(&file.text);
    let lines = (1..).zip(code.lines());
    lines
        .flat_map(|(number, line)| {
            let named = OUTSIDE.into_iter().filter(move |word| names(line, word));
            named.map(move |word| (number, word))
        })
        .map(|(number, word)| format!("{}:{number} names `{word}`", file.path))
        .collect()
}

/// Files that are too long, and stages that do not say what they are for.
fn shape(file: &File) -> Vec<String> {
    let lines = file.text.lines().count();
    let too_long = (lines > LINES_MAX).then(|| format!("{} has {lines} lines", file.path));
    let stage = file.path.ends_with("/mod.rs") && file.path.matches('/').count() == 2;
    let silent = stage && !file.text.starts_with("//! ");
    let silent = silent.then(|| format!("{} does not say what the stage is for", file.path));
    too_long.into_iter().chain(silent).collect()
}

/// Words that should have gone before the change was made.
fn leftovers(file: &File) -> Vec<String> {
    let lines = (1..).zip(file.text.lines());
    lines
        .flat_map(|(number, line)| {
            let left = LEFTOVERS.into_iter().filter(move |word| {
                if word.ends_with('!') { line.contains(word) } else { names(line, word) }
            });
            left.map(move |word| (number, word))
        })
        .map(|(number, word)| format!("{}:{number} still says `{word}`", file.path))
        .collect()
}

/// Pages of findings that no code has.
fn orphaned(file: &File) -> Option<String> {
    let name = file.path.rsplit('/').next().unwrap_or("");
    let known = Code::ALL.iter().any(|code| format!("{code}.md") == name);
    (!known).then(|| format!("{} belongs to no code", file.path))
}

fn assert_none(problems: Vec<String>) {
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn modules_use_only_those_above_them() {
    let top = modules(&files("src/lib.rs")[0].text);
    let language = modules(&files("src/language/mod.rs")[0].text);
    assert!(top.len() > 5 && language.len() > 3, "the orders are found: {top:?}, {language:?}");
    let problems = sources().into_iter().flat_map(|file| {
        let mut problems = against_the_flow(&file, &[], &top);
        problems.extend(against_the_flow(&file, &["language"], &language));
        problems
    });
    assert_none(problems.collect());
}

#[test]
fn what_decides_does_not_reach_outside() {
    assert_none(sources().iter().flat_map(outside).collect());
}

#[test]
fn files_are_short_and_stages_say_what_they_are_for() {
    assert_none(sources().iter().flat_map(shape).collect());
}

#[test]
fn nothing_is_left_lying_about() {
    let places = ["src", "grammar", "docs", "journeys", "README.md"];
    assert_none(places.into_iter().flat_map(files).flat_map(|file| leftovers(&file)).collect());
}

#[test]
fn every_page_of_a_finding_belongs_to_a_code() {
    let pages = files("docs/findings");
    assert!(!pages.is_empty());
    assert_none(pages.iter().filter_map(orphaned).collect());
}

mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn code_is_what_is_neither_comment_nor_text() {
        let text = "a // b\n\"c \\\" d\" e /* f\n */ 'g' '\\'' <'h> r#\"i \" j\"# k";
        let words: Vec<String> = code(text).split_whitespace().map(str::to_owned).collect();
        assert_eq!(words, ["a", "e", "<'h>", "k"]);
        assert_eq!(code(text).lines().count(), 3);
    }

    #[test]
    fn a_use_against_the_flow_is_seen() {
        let order = modules("pub mod one;\npub mod two;\nmod other;\npub mod three;\n");
        assert_eq!(order, ["one", "two", "three"]);
        for (text, found) in [
            ("use crate::one::A;", 0),
            ("use crate::two::A;", 0),
            ("use crate::three::A;", 1),
            ("use crate::{one, three::{A, B}};", 2),
            ("fn a() { crate::three::b() }", 1),
            ("use super::super::three;", 1),
            ("use super::inner;", 0),
            ("// crate::three\nlet a = \"crate::three\";", 0),
            ("use mycrate::three;", 0),
        ] {
            let problems = against_the_flow(&file("src/two/inner.rs", text), &[], &order);
            assert_eq!(problems.len(), found, "{text}: {problems:?}");
        }
        assert_eq!(against_the_flow(&file("src/main.rs", "use crate::three;"), &[], &order).len(), 0);
    }

    #[test]
    fn a_use_against_the_flow_inside_a_module_is_seen() {
        let order = modules("pub mod syntax;\npub mod model;\n");
        for (path, text, found) in [
            ("src/language/syntax/mod.rs", "use crate::language::model::A;", 1),
            ("src/language/syntax/mod.rs", "use super::model::A;", 1),
            ("src/language/syntax/mod.rs", "use crate::language::{model, syntax};", 1),
            ("src/language/model/mod.rs", "use crate::language::syntax::tree;", 0),
            ("src/engine/mod.rs", "use crate::language::model;", 0),
        ] {
            let problems = against_the_flow(&file(path, text), &["language"], &order);
            assert_eq!(problems.len(), found, "{path}: {text}: {problems:?}");
        }
    }

    #[test]
    fn a_reach_outside_is_seen() {
        for (path, text, found) in [
            ("src/engine/turn.rs", "async fn a() {}", 1),
            ("src/engine/turn.rs", "use std::fs;\nlet a = SystemTime::now();", 2),
            ("src/language/plan/mod.rs", "// async\nlet asynchronous = \"tokio\";", 0),
            ("src/store/mod.rs", "async fn a() {}", 0),
        ] {
            assert_eq!(outside(&file(path, text)).len(), found, "{path}: {text}");
        }
    }

    #[test]
    fn long_files_and_silent_stages_are_seen() {
        assert_eq!(shape(&file("src/a.rs", &"\n".repeat(LINES_MAX + 1))).len(), 1);
        assert_eq!(shape(&file("src/a.rs", &"\n".repeat(LINES_MAX))).len(), 0);
        assert_eq!(shape(&file("src/a/mod.rs", "mod b;\n")).len(), 1);
        assert_eq!(shape(&file("src/a/mod.rs", "//! What it is for.\n")).len(), 0);
        assert_eq!(shape(&file("src/a/b/mod.rs", "mod c;\n")).len(), 0);
    }

    #[test]
    fn leftovers_are_seen() {
        assert_eq!(leftovers(&file("a.md", "fine\nTODO: more\ndbg!(x) FIXME\nTODOS\n")).len(), 3);
    }

    #[test]
    fn pages_without_a_code_are_seen() {
        assert!(orphaned(&file("docs/findings/E999.md", "")).is_some());
        assert!(orphaned(&file("docs/findings/E101.md", "")).is_none());
    }
}
