fn main() {
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut sources = lotse::source::Sources::default();
    let id = sources.add(path, &text);
    let start = std::time::Instant::now();
    let parsed = lotse::language::syntax::parse(id, &text);
    let time = start.elapsed();
    if std::env::args().nth(2).is_some() {
        println!("{:#?}", parsed.file);
    }
    let mut f = parsed.findings;
    lotse::finding::sort(&mut f);
    for finding in &f {
        println!(
            "{}\n",
            lotse::finding::render_human(
                finding,
                &sources,
                lotse::finding::HumanStyle { colour: false, width: 110 }
            )
        );
    }
    println!("{} declarations, {} findings, {time:?}", parsed.file.declarations.len(), f.len());
}
