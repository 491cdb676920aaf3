use super::stage::Stage;
use crate::domain::{EventKind, StepKind};
use crate::store::Result;
use crate::time::{Moment, TimeZone, wall_text};

/// How many events are looked at for a time line.
const EVENTS_MAX: u32 = 500;

impl Stage {
    /// What happened, line by line, for whoever wonders why a test failed.
    pub(super) async fn timeline(&self, zone: &TimeZone) -> Result<Vec<String>> {
        let mut unit = self.read().await?;
        let mut lines: Vec<(Moment, u32, String)> = Vec::new();
        for stored in unit.events(self.contact, EVENTS_MAX).await? {
            let event = stored.event;
            let quiet = matches!(event.kind, EventKind::Answer | EventKind::Request);
            let refused: Vec<String> = stored
                .refused
                .iter()
                .map(|(journey, why)| format!("did not enter {journey}: {why}"))
                .collect();
            if !quiet {
                let mut line = event.name.clone();
                for (name, value) in event.properties.iter().filter(|(_, value)| !value.is_null()) {
                    line.push_str(&format!(" {name}={value}"));
                }
                lines.push((event.at, 0, line));
            }
            lines.extend(refused.into_iter().map(|line| (event.at, 1, line)));
        }
        for run in unit.runs(self.contact).await? {
            for step in unit.history(self.contact, run.id).await? {
                let detail = match (step.kind, step.detail.parse::<Moment>()) {
                    (StepKind::Waiting, Ok(until)) => format!("until {}", wall_text(until, zone)),
                    _ => step.detail.clone(),
                };
                let kind = step.kind.as_str().replace('_', " ");
                lines.push((step.at, step.number + 2, format!("{}: {kind} {detail}", run.journey)));
            }
        }
        lines.sort();
        Ok(lines.into_iter().map(|(at, _, line)| format!("{}  {line}", wall_text(at, zone))).collect())
    }
}
