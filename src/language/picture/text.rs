use super::outline::{Does, Item, Outline, Way};

/// Draws a journey with lines and indents, for a terminal.
pub fn text(outline: &Outline) -> String {
    let mut out = outline.name.clone();
    if !outline.label.is_empty() {
        out.push_str(&format!(" · {}", outline.label));
    }
    out.push('\n');
    for clause in &outline.clauses {
        out.push_str(&format!("  {clause}\n"));
    }
    for stage in &outline.stages {
        out.push_str(&format!("\n■ {}\n", stage.name));
        items(outline, &stage.items, "  ", &mut out);
    }
    out
}

fn items(outline: &Outline, list: &[Item], indent: &str, out: &mut String) {
    for item in list {
        match leads_to(outline, item) {
            Some(target) => out.push_str(&format!("{indent}{target}\n")),
            // Of a condition its ways are all there is to say.
            None if item.does == Does::Something("if") => {}
            None => out.push_str(&format!("{indent}{}\n", item.text)),
        }
        let last = item.ways.len().saturating_sub(1);
        for (index, way) in item.ways.iter().enumerate() {
            let line = if index == last { "   " } else { "│  " };
            let corner = match index {
                // A condition hangs on no line above it.
                0 if item.does == Does::Something("if") => "◇",
                _ if index == last => "└─",
                _ => "├─",
            };
            out.push_str(&format!("{indent}{corner} {}", way.label));
            if let Some(target) = only_target(outline, way) {
                out.push_str(&format!(" {target}\n"));
                continue;
            }
            out.push('\n');
            items(outline, &way.items, &format!("{indent}{line}"), out);
        }
    }
}

/// Where a way leads on which nothing else happens.
fn only_target(outline: &Outline, way: &Way) -> Option<String> {
    match way.items.as_slice() {
        [] => Some("→ on".to_owned()),
        [only] => leads_to(outline, only),
        _ => None,
    }
}

fn leads_to(outline: &Outline, item: &Item) -> Option<String> {
    match item.does {
        Does::GoTo(stage) => Some(format!("→ {}", outline.stages.get(stage)?.name)),
        Does::End => Some(format!("● {}", item.text)),
        Does::Something("stop") => Some("→ out of the loop".to_owned()),
        Does::Something(_) => None,
    }
}
