use std::sync::{Arc, PoisonError};

use super::Runtime;
use crate::domain::Learned;
use crate::engine::Plans;
use crate::store::{Result, TallyRow};

impl Runtime {
    /// What contacts have shown together, as it was when it was looked at last.
    pub fn learned(&self) -> Arc<Learned> {
        Arc::clone(&self.learned.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks at the counts anew.
    ///
    /// # Errors
    /// When the store fails; what was known before stays.
    pub async fn learn(&self) -> Result<()> {
        let rows = self.store.read().await?.tallies(None).await?;
        let learned = Arc::new(from_counts(&rows, &self.plans()));
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
