//! How much has left the house: no file lies beside a server that could tell by it whether the database came from a
//! backup, and one row that every process counts in would hold them all up.

use super::super::Result;
use super::Connection;

pub(super) async fn left_the_house(_: &mut Connection, _: usize) -> Result<()> {
    Ok(())
}
