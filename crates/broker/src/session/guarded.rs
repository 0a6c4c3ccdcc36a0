//! Guarded messages that wait for one client: in time, or never.
//!
//! What was let through with seconds between must not arrive at once. So they wait beside the queue and go before it,
//! not for long, and a client that acknowledges gets the next one of a topic once it has the one before.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::delivery::Delivery;

/// Longest wait of a guarded message for its client; after it the message is dropped and counted.
pub(crate) const GUARDED_WAIT: Duration = Duration::from_secs(2);
/// Most that wait for one client; above it the oldest is dropped and counted.
const WAITING_MAX: usize = 256;

/// One of them.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) delivery: Delivery,
    /// When it is too late.
    pub(crate) by: Instant,
}

/// What was not taken in time, since it was told last.
#[derive(Debug, Default)]
pub(crate) struct Late {
    pub(crate) count: u64,
    /// Topic of the newest.
    pub(crate) topic: Option<Arc<str>>,
}

impl Late {
    pub(crate) fn add(&mut self, delivery: &Delivery) {
        self.count += 1;
        self.topic = Some(delivery.message.topic.clone());
    }
}

/// The guarded messages that wait for one client, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Guarded {
    waiting: VecDeque<Waiting>,
    late: Late,
}

impl Guarded {
    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn bytes(&self) -> usize {
        self.deliveries().map(Delivery::bytes).sum()
    }

    pub(crate) fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.waiting.iter().map(|waiting| &waiting.delivery)
    }

    /// A message waits from now on.
    pub(crate) fn push(&mut self, delivery: Delivery, now: Instant) {
        self.expire(now);
        if self.waiting.len() >= WAITING_MAX
            && let Some(oldest) = self.waiting.pop_front()
        {
            self.late.add(&oldest.delivery);
        }
        self.waiting.push_back(Waiting { delivery, by: now + GUARDED_WAIT });
    }

    /// Drops what has waited too long.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(waiting) = self.waiting.pop_front_if(|waiting| waiting.by <= now) {
            self.late.add(&waiting.delivery);
        }
    }

    /// Drops all: the client is gone.
    pub(crate) fn end(&mut self) {
        while let Some(waiting) = self.waiting.pop_front() {
            self.late.add(&waiting.delivery);
        }
    }

    /// Takes the oldest that may go now. Of one topic none goes before an older one.
    pub(crate) fn pop(&mut self, may_go: impl Fn(&Delivery) -> bool) -> Option<Waiting> {
        let first = |at: &usize| {
            let topic = |at: usize| self.waiting.get(at).map(|waiting| &waiting.delivery.message.topic);
            !(0..*at).any(|older| topic(older) == topic(*at))
        };
        let may_go = |at: &usize| self.waiting.get(*at).is_some_and(|waiting| may_go(&waiting.delivery));
        let at = (0..self.waiting.len()).find(|at| first(at) && may_go(at))?;
        self.waiting.remove(at)
    }

    pub(crate) fn retain(&mut self, kept: impl Fn(&Delivery) -> bool) {
        self.waiting.retain(|waiting| kept(&waiting.delivery));
    }

    /// One that does not wait here is late.
    pub(crate) fn missed(&mut self, delivery: &Delivery) {
        self.late.add(delivery);
    }

    /// What was not taken in time since this was asked last.
    pub(crate) fn take_late(&mut self) -> Late {
        std::mem::take(&mut self.late)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use model::{Message, Publisher, QoS};

    use super::*;

    fn delivery(text: &str) -> Delivery {
        let (topic, payload) = text.split_once(' ').unwrap();
        let message = Message {
            id: 1,
            time_ms: 0,
            topic: topic.into(),
            payload: Bytes::copy_from_slice(payload.as_bytes()),
            qos: QoS::AtMostOnce,
            retain: false,
            publisher: Arc::new(Publisher::hub("test")),
            cause: None,
            properties: None,
        };
        Delivery {
            message: Arc::new(message),
            identifiers: None,
            qos: QoS::AtMostOnce,
            retain: false,
            dup: false,
            replayed: false,
            debt: None,
        }
    }

    #[test]
    fn of_one_topic_none_goes_before_an_older_one() {
        let mut guarded = Guarded::default();
        let now = Instant::now();
        for text in ["a 1", "a 2", "b 1", "b 2"] {
            guarded.push(delivery(text), now);
        }
        let mut check = |blocked: &str, expected: Option<&str>| {
            let popped = guarded.pop(|delivery| &*delivery.message.topic != blocked);
            let text = popped.map(|Waiting { delivery: Delivery { message, .. }, .. }| {
                format!("{} {}", message.topic, String::from_utf8_lossy(&message.payload))
            });
            assert_eq!(text.as_deref(), expected, "with {blocked} blocked");
        };
        check("a", Some("b 1"));
        check("b", Some("a 1"));
        check("a", Some("b 2"));
        check("a", None);
        check("", Some("a 2"));
        check("", None);
    }

    #[test]
    fn what_waits_is_bounded_in_time_and_number_and_what_goes_is_counted() {
        let mut guarded = Guarded::default();
        let now = Instant::now();
        let mut check = |at: Duration, waiting: usize, late: u64| {
            guarded.push(delivery("a x"), now + at);
            assert_eq!((guarded.len(), guarded.take_late().count), (waiting, late), "at {at:?}");
        };
        let moment = Duration::from_millis(1);
        check(Duration::ZERO, 1, 0);
        check(GUARDED_WAIT - moment, 2, 0);
        check(GUARDED_WAIT, 2, 1);
        check(GUARDED_WAIT * 2 - moment, 2, 1);
        for waiting in 3..=WAITING_MAX {
            check(GUARDED_WAIT * 2 - moment, waiting, 0);
        }
        check(GUARDED_WAIT * 2 - moment, WAITING_MAX, 1);
    }
}
