use std::collections::VecDeque;
use std::thread;

use crossbeam_channel::{Receiver, unbounded};
use gen_lsp_types::{CancelNotification, Notification as _};
use lsp_server::{Message, Notification, RequestId};

/// What the editor has said and nobody has taken in yet.
///
/// The channel of a connection holds nothing, so that of what an editor says in one go the second word would be heard
/// when the first has been answered. Here all of it is, and is known to whoever is about to answer.
pub(super) struct Incoming {
    /// Where more comes in.
    pub(super) messages: Receiver<Message>,
    queue: VecDeque<Message>,
}

impl Incoming {
    /// Listens in a thread of its own, which ends with the connection.
    pub(super) fn of(connection: Receiver<Message>) -> std::io::Result<Self> {
        let (sender, messages) = unbounded();
        let listen = move || connection.into_iter().try_for_each(|message| sender.send(message));
        thread::Builder::new().name("incoming".to_owned()).spawn(listen)?;
        Ok(Self { messages, queue: VecDeque::new() })
    }

    /// What was said first of all that is not taken in.
    pub(super) fn next(&mut self) -> Option<Message> {
        self.queue.extend(self.messages.try_iter());
        self.queue.pop_front()
    }

    /// Takes in what has just come, when nothing else is left.
    pub(super) fn put(&mut self, message: Message) {
        self.queue.push_back(message);
    }

    /// Whether the editor has taken a question back already.
    pub(super) fn takes_back(&mut self, id: &RequestId) -> bool {
        let word = self.queue.iter().position(|message| match message {
            Message::Notification(notification) => taken_back(notification).as_ref() == Some(id),
            _ => false,
        });
        word.and_then(|at| self.queue.remove(at)).is_some()
    }
}

/// The question that a notification takes back, where it is one that does.
pub(super) fn taken_back(notification: &Notification) -> Option<RequestId> {
    if notification.method != CancelNotification::METHOD.as_str() {
        return None;
    }
    serde_json::from_value(notification.params.get("id")?.clone()).ok()
}
