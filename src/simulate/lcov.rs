use std::collections::BTreeMap;

use super::Coverage;
use super::coverage::{JourneyCoverage, StageCoverage};

/// Coverage as a tracefile of LCOV (<https://github.com/linux-test-project/lcov>, geninfo(1)), for tools that show
/// it beside the text: a line for each statement, a function for each stage, a branch for each way on.
///
/// `folder` stands before the paths of the workspace, with a `/` at its end, or is empty.
pub fn lcov(coverage: &Coverage, folder: &str) -> String {
    let mut files: BTreeMap<&str, Vec<&JourneyCoverage>> = BTreeMap::new();
    for journey in &coverage.journeys {
        files.entry(&journey.path).or_default().push(journey);
    }
    let record = |(path, journeys): (&str, Vec<&JourneyCoverage>)| {
        format!("TN:lotse\nSF:{folder}{path}\n{}end_of_record\n", file(&journeys))
    };
    files.into_iter().map(record).collect()
}

fn file(journeys: &[&JourneyCoverage]) -> String {
    let stages: Vec<(&str, &StageCoverage)> = journeys
        .iter()
        .flat_map(|journey| journey.stages.iter().map(|stage| (journey.name.as_str(), stage)))
        .collect();
    let mut out = String::new();
    for (journey, stage) in &stages {
        out.push_str(&format!("FN:{},{journey}.{}\n", stage.line, stage.name));
    }
    for (journey, stage) in &stages {
        out.push_str(&format!("FNDA:{},{journey}.{}\n", stage.visits, stage.name));
    }
    let visited = stages.iter().filter(|(_, stage)| stage.visits > 0).count();
    out.push_str(&format!("FNF:{}\nFNH:{visited}\n", stages.len()));
    out.push_str(&branches(&stages));
    let mut lines: BTreeMap<u32, u32> = BTreeMap::new();
    for (_, stage) in &stages {
        let own = std::iter::once((stage.line, stage.visits));
        for (line, count) in own.chain(stage.statements.iter().copied()) {
            // Of several statements in a line the one that was come to most often counts.
            let known = lines.entry(line).or_default();
            *known = count.max(*known);
        }
    }
    for (line, count) in &lines {
        out.push_str(&format!("DA:{line},{count}\n"));
    }
    let hit = lines.values().filter(|count| **count > 0).count();
    out.push_str(&format!("LF:{}\nLH:{hit}\n", lines.len()));
    out
}

/// The ways on; those of one statement are a block.
fn branches(stages: &[(&str, &StageCoverage)]) -> String {
    let mut out = String::new();
    let (mut block, mut branch) = (0, 0);
    let (mut found, mut taken) = (0, 0);
    let mut before: Option<(&str, &str)> = None;
    for (journey, way) in
        stages.iter().flat_map(|(journey, stage)| stage.ways.iter().map(move |way| (*journey, way)))
    {
        let statement = (journey, way.place.as_str());
        match before {
            Some(before) if before == statement => branch += 1,
            Some(_) => (block, branch) = (block + 1, 0),
            None => {}
        }
        before = Some(statement);
        // A dash says that nobody came to where the ways part.
        let count = if way.visits == 0 { "-".to_owned() } else { way.taken.to_string() };
        out.push_str(&format!("BRDA:{},{block},{branch},{count}\n", way.line));
        found += 1;
        taken += usize::from(way.taken > 0);
    }
    out.push_str(&format!("BRF:{found}\nBRH:{taken}\n"));
    out
}
