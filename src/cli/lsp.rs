use super::End;
use crate::lsp::{ServerError, run as serve};

pub(super) fn run() -> anyhow::Result<End> {
    match serve() {
        Ok(()) => Ok(End::Good),
        // The protocol wants 1 where an editor goes without ending the conversation; there is nobody to talk to.
        Err(ServerError::Gone) => Ok(End::Findings),
        Err(error) => Err(error.into()),
    }
}
