//! What a change holds so that nobody else changes it meanwhile. One writes at a time here: nothing is held.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::super::identity::NameOf;
use super::super::{MessageKey, Result, TurnBatch};
use super::{Connection, Statement};
use crate::domain::ContactId;
use crate::time::Moment;

/// How contacts are held.
#[derive(Clone, Copy, Debug)]
pub(super) enum Grip {
    /// They do not become others.
    Stay,
    /// Nobody else changes them.
    Change,
}

/// Contacts as they were when a turn began.
#[derive(Debug, Default)]
pub(super) struct Seen {}

/// The slots that a claim has got.
pub(super) struct Slots;

impl Slots {
    /// Binds them behind the parameters that are bound already.
    pub(super) fn bind<'q>(&self, statement: Statement<'q>) -> Statement<'q> {
        statement
    }

    /// Whether there are none.
    pub(super) fn are_none(&self) -> bool {
        false
    }

    /// How many of a kind may be taken before there may be more.
    pub(super) fn most_each(&self, limit: u32) -> usize {
        limit as usize
    }
}

pub(super) async fn slots(_: &mut Connection, _: Moment, _: u32, _: &[u32]) -> Result<Slots> {
    Ok(Slots)
}

pub(super) async fn slots_between(_: &mut Connection, _: i32, _: i32) -> Result<()> {
    Ok(())
}

pub(super) async fn names(_: &mut Connection, _: &BTreeSet<NameOf>) -> Result<()> {
    Ok(())
}

/// Whether all of them are there and are held.
pub(super) async fn contacts(_: &mut Connection, _: &[ContactId], _: Grip) -> Result<bool> {
    Ok(true)
}

impl Seen {
    pub(super) async fn look(&mut self, _: &mut Connection, _: &[ContactId]) -> Result<()> {
        Ok(())
    }

    pub(super) async fn check(&self, _: &mut Connection, _: &TurnBatch) -> Result<()> {
        Ok(())
    }
}

pub(super) async fn merge(_: &mut Connection, _: &[(ContactId, ContactId, Moment)]) -> Result<()> {
    Ok(())
}

pub(super) async fn messages(_: &mut Connection, _: &[MessageKey]) -> Result<()> {
    Ok(())
}

pub(super) async fn mover(_: &mut Connection, _: ContactId) -> Result<()> {
    Ok(())
}

pub(super) async fn gate(_: &mut Connection, _: &[MessageKey]) -> Result<()> {
    Ok(())
}

pub(super) async fn house(_: &mut Connection) -> Result<()> {
    Ok(())
}

pub(super) async fn versions(_: &mut Connection) -> Result<()> {
    Ok(())
}

pub(super) async fn take_messages(
    _: &mut Connection,
    _: impl Iterator<Item = (ContactId, Uuid)>,
) -> Result<()> {
    Ok(())
}

pub(super) async fn give_messages_back(
    _: &mut Connection,
    _: impl Iterator<Item = (ContactId, Uuid)>,
) -> Result<()> {
    Ok(())
}

pub(super) async fn take_calls(_: &mut Connection, _: impl Iterator<Item = (ContactId, Uuid)>) -> Result<()> {
    Ok(())
}
