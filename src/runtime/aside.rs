use std::collections::BTreeMap;
use std::time::Duration;

use super::Runtime;
use super::setback::Setback;
use super::tick::hold;
use crate::language::plan::Needs;
use crate::store::{Result, StoreError, TurnBatch, Waiting};
use crate::time::Moment;

/// What must be known of whoever is set aside.
pub(super) const NEEDS: Needs =
    Needs { permissions: false, events: BTreeMap::new(), messages: None, watch: true, left: false };

impl Runtime {
    /// Where an error is that a row of somebody cannot be read, takes what waits for them out of the way, so that all
    /// others go on; whether it was that.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) async fn set_aside(&self, error: &StoreError, waiting: Waiting, now: Moment) -> Result<bool> {
        let StoreError::Damaged { contact: Some(contact), .. } = error else { return Ok(false) };
        tracing::error!(%contact, %error, "a contact is set aside: it cannot be read");
        let mut unit = self.store.write().await?;
        unit.set_aside(*contact, waiting, &error.to_string(), now).await?;
        if waiting == Waiting::Turns {
            // What of it can be read is held, so that nothing else that happens moves it on.
            match unit.states(&[*contact], &NEEDS, now).await {
                Ok(states) => {
                    let contacts = states.into_iter().map(|state| hold(state, now)).collect();
                    unit.record(TurnBatch { now, contacts, events: Vec::new() }).await?;
                }
                Err(StoreError::Damaged { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        unit.commit().await?;
        Ok(true)
    }

    /// How long to wait after what is due could not be read: not at all where one contact was to blame.
    pub(super) async fn after(
        &self,
        error: &StoreError,
        waiting: Waiting,
        now: Moment,
        setback: &mut Setback,
    ) -> Duration {
        if matches!(self.set_aside(error, waiting, now).await, Ok(true)) {
            return Duration::ZERO;
        }
        tracing::error!(%error, "what is due could not be read; it is tried again");
        setback.wait()
    }
}
