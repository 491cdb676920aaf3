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
