//! Mail: the final bytes of a message, its signature, and the conversation with the server that takes it.
//!
//! [`compose()`] makes the bytes (RFC 5322), [`Signer`] signs them (DKIM), [`SmtpRoute`] hands them to the mail
//! server (SMTP) and says with an [`Outcome`] what is known to have become of them.

mod body;
mod compose;
mod dkim;
mod header;
mod outcome;
mod pool;
mod reply;
mod server;
mod smtp;
#[cfg(test)]
mod testing;
mod wire;

pub use compose::{ComposeError, ListHeaders, ListId, Mail, Mailbox, RawMail, compose};
pub use dkim::{Signer, SignerError};
pub use outcome::{Deferral, Envelope, Gate, Letter, MailLease, MailRoute, Outcome, Refusal};
pub use pool::{Lease, RouteConfig, RouteError, SmtpRoute};
pub use server::{Credentials, Security, ServerError, SmtpServer};
pub use smtp::Timeouts;
