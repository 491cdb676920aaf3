//! What Lotse knows about the world: contacts, permissions, events, runs, messages. Plain data for everything
//! below, without rules and without a database.

mod contact;
mod event;
mod id;
mod value;

pub use contact::{Address, AddressError, Attributes, Contact, Permission};
pub use event::{Event, EventKind, SystemEvent};
pub use id::{CallId, ContactId, EventId, IdHasher, MessageId, RunId, SLOT_COUNT, Slot};
pub use value::{Value, ValueType};
