//! The messages that are on the bus, at hand for the readers.

use std::collections::VecDeque;
use std::sync::Arc;

use model::Message;

/// What a message costs beside what it carries.
const MESSAGE_BYTES: usize = 256;

/// The newest messages by id, bounded in count and bytes.
#[derive(Debug)]
pub(super) struct Ring {
    messages: VecDeque<Arc<Message>>,
    bytes: usize,
    messages_max: usize,
    bytes_max: usize,
}

impl Ring {
    pub(super) fn new(messages_max: usize, bytes_max: usize) -> Self {
        Self { messages: VecDeque::new(), bytes: 0, messages_max, bytes_max }
    }

    /// Adds a message; its id is above all before it.
    pub(super) fn push(&mut self, message: Arc<Message>) {
        self.bytes += cost(&message);
        self.messages.push_back(message);
        while self.messages.len() > self.messages_max || self.bytes > self.bytes_max {
            let Some(oldest) = self.messages.pop_front() else { return };
            self.bytes -= cost(&oldest);
        }
    }

    pub(super) fn get(&self, id: u64) -> Option<Arc<Message>> {
        // Ids mostly follow each other, so the place is known; where they do not, it is searched for.
        let first = self.messages.front()?.id;
        let place = usize::try_from(id.checked_sub(first)?).ok()?;
        if let Some(message) = self.messages.get(place).filter(|message| message.id == id) {
            return Some(message.clone());
        }
        let place = self.messages.binary_search_by_key(&id, |message| message.id).ok()?;
        self.messages.get(place).cloned()
    }

    pub(super) fn clear(&mut self) {
        self.messages = VecDeque::new();
        self.bytes = 0;
    }
}

fn cost(message: &Message) -> usize {
    message.bytes() + MESSAGE_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Publisher, QoS};

    #[test]
    fn the_oldest_leave_and_the_rest_are_found_by_id() {
        let mut ring = Ring::new(3, usize::MAX);
        for id in [1, 2, 5, 9] {
            ring.push(Arc::new(Message {
                id,
                time_ms: 0,
                topic: "a".into(),
                payload: "x".into(),
                qos: QoS::AtMostOnce,
                retain: false,
                publisher: Arc::new(Publisher::hub("test")),
                cause: None,
                properties: None,
            }));
        }
        let found: Vec<u64> = (0..12).filter(|id| ring.get(*id).is_some_and(|m| m.id == *id)).collect();
        assert_eq!(found, [2, 5, 9]);
    }
}
