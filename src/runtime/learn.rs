use std::sync::{Arc, PoisonError};

use super::{Runtime, experiments};
use crate::domain::{Learned, Picked};
use crate::engine::Plans;
use crate::store::{Result, TallyRow};
use crate::time::Moment;

impl Runtime {
    /// What contacts have shown together, as it was when it was looked at last.
    pub fn learned(&self) -> Arc<Learned> {
        Arc::clone(&self.learned.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the counts anew, and picks the variants of experiments that are beyond doubt the best.
    ///
    /// # Errors
    /// When the store fails; what was known before stays.
    pub async fn learn(&self, now: Moment) -> Result<()> {
        let plans = self.plans();
        let mut unit = self.store.read().await?;
        let rows = unit.tallies(None).await?;
        let mut picked = unit.picked().await?;
        drop(unit);
        let new = experiments::picks(&rows, &plans, &picked, now);
        if !new.is_empty() {
            for Picked { journey, experiment, variant, .. } in &new {
                tracing::info!(journey, experiment, variant, "a variant was picked: all get it from now on");
            }
            let mut unit = self.store.write().await?;
            unit.pick(new).await?;
            picked = unit.picked().await?;
            unit.commit().await?;
        }
        let mut learned = from_counts(&rows, &plans);
        for Picked { journey, experiment, variant, .. } in picked {
            learned.picked.entry(journey).or_default().insert(experiment, variant);
        }
        let learned = Arc::new(learned);
        *self.learned.write().unwrap_or_else(PoisonError::into_inner) = learned;
        Ok(())
    }
}

/// What the counts tell.
fn from_counts(rows: &[TallyRow], plans: &Plans) -> Learned {
    let mut learned = Learned::default();
    for row in rows {
        let count = u64::try_from(row.count).unwrap_or(0);
        if row.what == "hour" {
            let Some((channel, hour)) = row.detail.split_once(' ') else { continue };
            let hours = &mut learned.channels.entry(channel.to_owned()).or_default().hours;
            if let Some(sum) = hour.parse().ok().and_then(|hour: usize| hours.get_mut(hour)) {
                *sum += count;
            }
            continue;
        }
        let message = plans.version(row.version).and_then(|plan| plan.messages.get(&row.detail));
        let Some(message) = message else { continue };
        let channel = learned.channels.entry(message.channel.clone()).or_default();
        match row.what.as_str() {
            "sent" => channel.sent += count,
            "clicked" => channel.answered += count,
            _ => {}
        }
    }
    learned
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_come_from_the_counts() {
        let row = |what: &str, detail: &str, count| TallyRow {
            journey: "j".to_owned(),
            version: 1,
            arm: "treated".to_owned(),
            day: 0,
            what: what.to_owned(),
            detail: detail.to_owned(),
            count,
            worth: 0.0,
        };
        let rows = [
            row("hour", "email 09", 3),
            row("hour", "email 09", 4),
            row("hour", "sms 23", 1),
            row("hour", "x", 1),
        ];
        let learned = from_counts(&rows, &Plans::default());
        assert_eq!(learned.channels["email"].hours[9], 7);
        assert_eq!(learned.channels["sms"].hours[23], 1);
        assert_eq!(learned.channels["email"].sent, 0);
    }
}
