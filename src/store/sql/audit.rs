//! Counting what must balance.

use std::collections::BTreeMap;

use super::rows::Columns;
use super::{Connection, failed};
use crate::store::audit::Rule;
use crate::store::{Audit, Result};

pub(super) async fn audit(connection: &mut Connection) -> Result<Audit> {
    let mut audit = Audit {
        entered: count(connection, "SELECT count(*) FROM run").await?,
        inside: count(connection, "SELECT count(*) FROM run WHERE ended_at IS NULL").await?,
        ended: count(connection, "SELECT count(*) FROM run WHERE ended_at IS NOT NULL").await?,
        pending_events: count(connection, "SELECT count(*) FROM event WHERE pending").await?,
        messages: by_state(connection, "SELECT state, count(*) FROM message GROUP BY state").await?,
        calls: by_state(connection, "SELECT state, count(*) FROM call GROUP BY state").await?,
        broken: Vec::new(),
    };
    for rule in Rule::ALL {
        let broken = count(connection, breaches(rule)).await?;
        if broken > 0 {
            audit.broken.push(rule.broken(broken));
        }
    }
    Ok(audit)
}

/// How often a rule is broken.
fn breaches(rule: Rule) -> &'static str {
    match rule {
        Rule::EndedHaveOutcomes => "SELECT count(*) FROM run WHERE ended_at IS NOT NULL AND outcome IS NULL",
        Rule::EndedDoNotWait => "SELECT count(*) FROM run WHERE ended_at IS NOT NULL AND wake_at IS NOT NULL",
        Rule::SkippedHaveReasons => "SELECT count(*) FROM message WHERE state = 'skipped' AND reason IS NULL",
        Rule::ControlGetsNothing => {
            "SELECT count(*) FROM message AS m JOIN run AS r ON r.slot = m.slot AND r.contact = m.contact
            AND r.id = m.run WHERE r.arm <> 'treated'"
        }
        Rule::InsideOnce => {
            "SELECT count(*) FROM (SELECT 1 FROM run WHERE ended_at IS NULL
            GROUP BY slot, contact, journey, key HAVING count(*) > 1) AS double"
        }
        Rule::EnteredAreCounted => {
            "SELECT CAST(abs((SELECT count(*) FROM run)
            - (SELECT coalesce(sum(count), 0) FROM tally WHERE what = 'entered')) AS BIGINT)"
        }
        Rule::EndedAreCounted => {
            "SELECT CAST(abs((SELECT count(*) FROM run WHERE ended_at IS NOT NULL)
            - (SELECT coalesce(sum(count), 0) FROM tally WHERE what = 'ended')) AS BIGINT)"
        }
        Rule::HistoryHasNoGaps => {
            "SELECT count(*) FROM run WHERE steps <> (SELECT count(*) FROM history AS h
            WHERE h.slot = run.slot AND h.run = run.id)"
        }
        Rule::DecidedAreDue => "SELECT count(*) FROM message WHERE state = 'decided' AND due_at IS NULL",
        Rule::EventsHaveContacts => {
            "SELECT count(*) FROM event AS e WHERE pending AND NOT EXISTS
            (SELECT 1 FROM contact AS c WHERE c.slot = e.slot AND c.id = e.contact)"
        }
    }
}

async fn count(connection: &mut Connection, sql: &'static str) -> Result<u64> {
    let row = sqlx::query(sql).fetch_one(&mut *connection).await.map_err(failed)?;
    Columns::of(&row, "run").number()
}

async fn by_state(connection: &mut Connection, sql: &'static str) -> Result<BTreeMap<String, u64>> {
    let found = sqlx::query(sql).fetch_all(&mut *connection).await.map_err(failed)?;
    let read = |row| {
        let mut columns = Columns::of(row, "message");
        Ok((columns.text()?, columns.number()?))
    };
    found.iter().map(read).collect()
}
