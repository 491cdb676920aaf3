use super::*;

#[test]
fn dump() {
    for path in std::env::var("FMT").unwrap_or_default().split_whitespace() {
        let text = std::fs::read_to_string(path).unwrap();
        match format_text(&text) {
            Ok(text) => println!("== {path}\n{text}"),
            Err(error) => println!("== {path}: {error:?}"),
        }
    }
}
