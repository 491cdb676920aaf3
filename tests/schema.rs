//! The tables of both databases: the same, and such that they could be spread over many servers by slot.

use std::collections::BTreeMap;
use std::path::Path;

/// What one database has alone: which file it is, and which process took a row.
const ALONE: [(&str, &str); 5] = [
    ("instance", "id"),
    ("instance", "name"),
    ("instance", "sent"),
    ("message", "worker"),
    ("call", "worker"),
];

/// A table: its columns in order, and those of its key.
#[derive(Debug, PartialEq)]
struct Table {
    columns: Vec<String>,
    key: Vec<String>,
}

fn migration(database: &str) -> String {
    let path = format!("migrations/{database}/0001_initial.sql");
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The tables that a migration makes.
fn tables(sql: &str) -> BTreeMap<String, Table> {
    let mut tables = BTreeMap::new();
    for text in sql.split("CREATE TABLE ").skip(1) {
        let (name, rest) = text.split_once(" (").unwrap();
        let mut table = Table { columns: Vec::new(), key: Vec::new() };
        for line in rest.lines().skip(1).take_while(|line| !line.starts_with(')')).map(str::trim) {
            let first = line.split(' ').next().unwrap();
            if let Some(key) = line.strip_prefix("PRIMARY KEY (") {
                table.key = key.split(')').next().unwrap().split(", ").map(str::to_owned).collect();
            } else if !first.is_empty() && first.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
                if line.contains("PRIMARY KEY") {
                    table.key = vec![first.to_owned()];
                }
                table.columns.push(first.to_owned());
            }
        }
        table.columns.retain(|column| !ALONE.contains(&(name, column)));
        if !table.columns.is_empty() {
            tables.insert(name.to_owned(), table);
        }
    }
    assert!(tables.len() > 15, "{tables:?}");
    tables
}

/// What keeps tables from being spread by slot.
fn obstacles(sql: &str) -> Vec<String> {
    let mut found = Vec::new();
    for word in ["REFERENCES", "SERIAL", "SEQUENCE", "AUTOINCREMENT", "GENERATED", "TRIGGER"] {
        if sql.to_ascii_uppercase().contains(word) {
            found.push(word.to_owned());
        }
    }
    for (name, table) in tables(sql) {
        let is_of_a_contact = table.columns.iter().any(|column| column == "contact" || column == "slot");
        if is_of_a_contact && table.key.first().is_none_or(|first| first != "slot") {
            found.push(name);
        }
    }
    found
}

#[test]
fn both_databases_have_the_same_tables() {
    assert_eq!(tables(&migration("sqlite")), tables(&migration("postgres")));
}

#[test]
fn what_is_of_a_contact_leads_its_key_with_the_slot() {
    for database in ["sqlite", "postgres"] {
        let sql = migration(database);
        assert_eq!(obstacles(&sql), Vec::<String>::new(), "{database}");
        let spoilt =
            sql.replace("PRIMARY KEY (slot, contact, topic, at)", "PRIMARY KEY (contact, topic, at)");
        assert_eq!(obstacles(&spoilt), ["permission"]);
        let spoilt = sql.replace("plan    TEXT", "plan    TEXT REFERENCES run");
        assert_eq!(obstacles(&spoilt), ["REFERENCES"]);
    }
}

/// The files whose statements go to a database that may be spread.
fn sources() -> Vec<(String, String)> {
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = Vec::new();
    for folder in ["sql", "postgres"] {
        for entry in std::fs::read_dir(store.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // What tells the two databases apart reads the catalogue, and tests are nobody's burden.
            if path.is_file() && !["tests.rs", "testing.rs", "tables.rs"].contains(&name.as_str()) {
                found.push((format!("{folder}/{name}"), std::fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 20, "{found:?}");
    found
}

/// The texts in quotes of each item of a source, one after the other.
fn statements(source: &str) -> Vec<String> {
    let code: Vec<&str> = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let mut found = Vec::new();
    for item in code.join("\n").split(";\n") {
        let mut statement = String::new();
        for text in item.split('"').skip(1).step_by(2) {
            if ["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "WITH "].iter().any(|verb| text.starts_with(verb))
            {
                found.push(std::mem::take(&mut statement));
            }
            statement.push_str(text);
            statement.push(' ');
        }
        found.push(statement);
    }
    found
}

/// The parts of a statement that have nothing to do with each other: of a union, and what is counted for itself.
fn parts(statement: &str) -> Vec<String> {
    let bound = statement.replace("EXISTS (SELECT", "EXISTS (-").replace("IN (SELECT", "IN (-");
    bound.replace("UNION ALL", "(SELECT").split("(SELECT").map(str::to_owned).collect()
}

/// How often a statement reads or writes tables that are spread, and how often it says that slots are the same.
fn spread_tables(statement: &str, spread: &[String]) -> (usize, usize) {
    let words: Vec<&str> =
        statement.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.' || c == '=')).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let names_one = |pair: &[&str]| {
        ["FROM", "JOIN", "UPDATE", "INTO"].contains(&pair[0]) && spread.iter().any(|table| table == pair[1])
    };
    let tables = words.windows(2).filter(|pair| names_one(pair)).count();
    let is_slot = |word: &str| word == "slot" || word.ends_with(".slot");
    // `a.slot = b.slot`, or what is written has the slot of what is read, which both lists of columns begin with.
    let is_same = |three: &[&str]| is_slot(three[0]) && three[1] == "=" && is_slot(three[2]);
    let is_read = |pair: &[&str]| pair[0] == "SELECT" && is_slot(pair[1]) && words[0] == "INSERT";
    let same = words.windows(3).filter(|three| is_same(three)).count();
    (tables, same + words.windows(2).filter(|pair| is_read(pair)).count())
}

#[test]
fn what_is_joined_is_in_one_slot() {
    let tables = tables(&migration("postgres"));
    let has_slot = |(name, table): (String, Table)| {
        table.key.first().is_some_and(|first| first == "slot").then_some(name)
    };
    let spread: Vec<String> = tables.into_iter().filter_map(has_slot).collect();
    let (mut joins, mut broken) = (0, Vec::new());
    for (file, source) in sources() {
        for statement in statements(&source).iter().flat_map(|text| parts(text)) {
            let (tables, same) = spread_tables(&statement, &spread);
            if tables > 1 {
                joins += 1;
                if same + 1 < tables {
                    broken.push(format!(
                        "{file}: {tables} tables, {same} slots that are the same:\n{statement}"
                    ));
                }
            }
        }
    }
    // Two contacts in two slots that become one: what is the one's moves, so that this alone concerns two slots.
    broken.retain(|text| !text.contains("UPDATE history SET slot = $3"));
    assert!(broken.is_empty(), "{}", broken.join("\n\n"));
    assert!(joins > 5, "{joins}");
    let spoilt = "SELECT 1 FROM run AS r JOIN history AS h ON h.run = r.id";
    assert_eq!(spread_tables(spoilt, &spread), (2, 0));
}

#[test]
fn every_table_is_spread_by_slot_or_lies_everywhere() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations/citus/0001_spread.sql");
    let spreading = std::fs::read_to_string(path).unwrap();
    let tables = tables(&migration("postgres"));
    for (name, table) in &tables {
        let by_slot = format!("create_distributed_table('{name}', 'slot'");
        let everywhere = format!("create_reference_table('{name}')");
        let leads_with_slot = table.key.first().is_some_and(|first| first == "slot");
        assert_eq!(spreading.matches(&by_slot).count(), usize::from(leads_with_slot), "{name}");
        assert_eq!(spreading.matches(&everywhere).count(), usize::from(!leads_with_slot), "{name}");
    }
    assert_eq!(spreading.matches("SELECT create_").count(), tables.len(), "tables that are not there");
}
