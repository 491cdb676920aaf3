//! Contacts whose rows cannot be read. Nothing of theirs is read here: what waits for them is taken out of the way, and
//! stays for somebody to look at.

use super::rows::slot;
use super::{Connection, failed, guard, intake};
use crate::domain::ContactId;
use crate::store::{Result, Waiting};
use crate::time::Moment;

const TURNS: [&str; 3] = [
    "UPDATE event SET pending = FALSE WHERE slot = $1 AND contact = $2 AND pending <> FALSE",
    "UPDATE run SET wake_at = NULL WHERE slot = $1 AND contact = $2 AND wake_at IS NOT NULL",
    "UPDATE watch SET due_at = NULL WHERE slot = $1 AND contact = $2 AND due_at IS NOT NULL",
];
const MESSAGES: &str = "UPDATE message SET state = 'refused', due_at = NULL, settled_at = $3, answer = $4
    WHERE slot = $1 AND contact = $2 AND state = 'decided'";
const CALLS: &str = "UPDATE call SET state = 'dead', due_at = NULL, settled_at = $3, answer = $4,
    attempts = attempts + 1 WHERE slot = $1 AND contact = $2 AND state = 'pending'";

/// Takes what waits for a contact out of the way, and notes why.
pub(super) async fn set_aside(
    connection: &mut Connection,
    contact: ContactId,
    waiting: Waiting,
    why: &str,
    now: Moment,
) -> Result<()> {
    guard::mover(connection, contact).await?;
    match waiting {
        Waiting::Turns => {
            for sql in TURNS {
                let statement = sqlx::query(sql).bind(slot(contact)).bind(contact.0);
                statement.execute(&mut *connection).await.map_err(failed)?;
            }
        }
        Waiting::Messages => settle(connection, MESSAGES, contact, why, now).await?,
        Waiting::Calls => settle(connection, CALLS, contact, why, now).await?,
    }
    let noted = (format!("the contact is set aside: {why}"), format!("{{\"contact\":\"{contact}\"}}"));
    intake::quarantine(connection, now, &[noted]).await
}

async fn settle(
    connection: &mut Connection,
    sql: &'static str,
    contact: ContactId,
    why: &str,
    now: Moment,
) -> Result<()> {
    let statement = sqlx::query(sql).bind(slot(contact)).bind(contact.0).bind(now.micros()).bind(why);
    statement.execute(connection).await.map_err(failed)?;
    Ok(())
}
