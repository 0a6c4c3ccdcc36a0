//! The events that wait for one script. Bounded; what goes when it is full depends on the kind of event.

use std::collections::VecDeque;
use std::sync::Arc;

use model::{Message, StateChange};

/// Something that set a trigger off.
#[derive(Debug, Clone)]
pub(crate) enum Happening {
    Message(Arc<Message>),
    Change(Arc<StateChange>),
    Started,
}

/// One event for one handler.
#[derive(Debug, Clone)]
pub(crate) struct Mail {
    /// Which handler of the script, by position.
    pub(crate) handler: usize,
    pub(crate) happening: Happening,
}

impl Mail {
    /// Whether this one makes `older` outdated: same handler, same entity, newer state.
    fn replaces(&self, older: &Mail) -> bool {
        match (&self.happening, &older.happening) {
            (Happening::Change(new), Happening::Change(old)) => {
                self.handler == older.handler && new.entity == old.entity
            }
            _ => false,
        }
    }
}

/// The queue of one script.
#[derive(Debug)]
pub(crate) struct Inbox {
    waiting: VecDeque<Mail>,
    capacity: usize,
    /// Whether the script stands in the pool's queue or has a thread: it never has two.
    pub(crate) scheduled: bool,
    /// Events that were dropped.
    pub(crate) dropped: u64,
    /// State events replaced by a newer one of the same entity.
    pub(crate) replaced: u64,
}

impl Inbox {
    pub(crate) fn new(capacity: usize) -> Inbox {
        Inbox {
            waiting: VecDeque::new(),
            capacity: capacity.max(1),
            scheduled: false,
            dropped: 0,
            replaced: 0,
        }
    }

    /// Adds an event. When the inbox is full a state event takes the place of an older one for the same
    /// handler and entity: the newest is what counts. Otherwise the oldest message goes, and only when
    /// there is none the oldest state.
    pub(crate) fn push(&mut self, mail: Mail) {
        if self.waiting.len() >= self.capacity {
            if let Some(older) = self.waiting.iter().position(|older| mail.replaces(older)) {
                self.waiting.remove(older);
                self.replaced += 1;
            } else {
                let oldest_message =
                    self.waiting.iter().position(|mail| !matches!(mail.happening, Happening::Change(_)));
                self.waiting.remove(oldest_message.unwrap_or(0));
                self.dropped += 1;
            }
        }
        self.waiting.push_back(mail);
    }

    pub(crate) fn pop(&mut self) -> Option<Mail> {
        self.waiting.pop_front()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use model::{Publisher, QoS, State, Value};

    fn message(topic: &str) -> Mail {
        Mail {
            handler: 0,
            happening: Happening::Message(Arc::new(Message {
                id: 1,
                time_ms: 0,
                topic: topic.into(),
                payload: Bytes::new(),
                qos: QoS::AtMostOnce,
                retain: false,
                publisher: Arc::new(Publisher::hub("test")),
                cause: None,
                properties: None,
            })),
        }
    }

    fn change(entity: &str, value: f64) -> Mail {
        Mail {
            handler: 0,
            happening: Happening::Change(Arc::new(StateChange {
                entity: entity.to_owned(),
                old: None,
                new: State { value: Value::number(value), ..State::default() },
                fresh: true,
            })),
        }
    }

    fn words(inbox: &mut Inbox) -> Vec<String> {
        std::iter::from_fn(|| inbox.pop())
            .map(|mail| match mail.happening {
                Happening::Message(message) => message.topic.to_string(),
                Happening::Change(change) => {
                    format!(
                        "{}={}",
                        change.entity,
                        change.new.value.as_ref().map(ToString::to_string).unwrap_or_default()
                    )
                }
                Happening::Started => "started".to_owned(),
            })
            .collect()
    }

    #[test]
    fn a_full_inbox_keeps_the_newest() {
        fn check(mails: Vec<Mail>, expected: &[&str], dropped: u64, replaced: u64) {
            let mut inbox = Inbox::new(3);
            mails.into_iter().for_each(|mail| inbox.push(mail));
            assert_eq!((inbox.dropped, inbox.replaced), (dropped, replaced), "{expected:?}");
            assert_eq!(words(&mut inbox), expected);
        }
        check(vec![change("a", 1.0), change("a", 2.0)], &["a=1", "a=2"], 0, 0);
        check(vec![message("t1"), message("t2"), message("t3"), message("t4")], &["t2", "t3", "t4"], 1, 0);
        check(
            vec![change("a", 1.0), message("t"), change("b", 1.0), change("a", 2.0)],
            &["t", "b=1", "a=2"],
            0,
            1,
        );
        check(
            vec![change("a", 1.0), message("t"), change("b", 1.0), change("c", 1.0)],
            &["a=1", "b=1", "c=1"],
            1,
            0,
        );
        check(
            vec![change("a", 1.0), change("b", 1.0), change("c", 1.0), change("d", 1.0)],
            &["b=1", "c=1", "d=1"],
            1,
            0,
        );
    }
}
