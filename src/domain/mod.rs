//! What Lotse knows about the world: contacts, permissions, events, runs, messages. Plain data for everything
//! below, without rules and without a database.

mod contact;
mod event;
mod id;
mod learned;
mod message;
mod run;
mod survey;
mod turn;
mod value;
mod watch;

pub use contact::{Address, AddressError, Attributes, Contact, Permission};
pub use event::{Event, EventKind, SystemEvent};
pub use id::{
    CallId, ContactId, EventId, IdHasher, MessageId, RunId, SLOT_COUNT, Slot, id_of_step, is_of_step,
};
pub use learned::{ChannelCounts, Learned, Picked};
pub use message::{Call, CallKind, CallState, Message, MessageState, PastMessage, SkipReason};
pub use run::{
    Arm, DueRun, Exposure, GoalReached, HeldFor, HistoryStep, Holding, Reacted, Run, RunState, Sent, StepKind,
};
pub use survey::Survey;
pub use turn::{ContactState, Effects, Happened, Passed, Past, RefusalReason, Refused, StageMove};
pub use value::{Value, ValueType};
pub use watch::{Watch, WatchState};
