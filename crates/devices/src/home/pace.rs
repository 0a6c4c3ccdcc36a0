//! How fast a credential's announcements are worked through. An announcement that comes in parts is read as a whole
//! with each of them, so a client that says a small thing again and again could keep everybody else's messages
//! waiting. Whoever is ahead of its allowance is heard later, in order, while the others go on.

use std::collections::{HashMap, VecDeque};

use model::Message;

use super::{Announcer, Home};
use crate::effect::Effect;
use crate::limits::{LATER_BYTES_MAX, LATER_MAX, PARTS_READ_AT_ONCE, PARTS_READ_PER_S};

/// The allowances of those who are not at rest, and what they have said that is heard later.
#[derive(Debug, Default)]
pub(super) struct Pace {
    by_user: HashMap<String, Account>,
    /// Somebody's messages are being heard that had waited.
    catching_up: bool,
}

#[derive(Debug)]
struct Account {
    /// Parts that may be read now; below zero, what was read too much.
    parts: i64,
    /// As of when, UTC ms.
    at_ms: i64,
    later: VecDeque<(Announcer, Message)>,
    bytes: usize,
}

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// It is heard now.
    Now,
    /// It is heard later.
    Later,
    /// Too much waits already.
    Never,
}

impl Account {
    /// Time brings back what was spent. A clock that was set back brings nothing.
    fn refill(&mut self, now_ms: i64) {
        let passed_ms = (now_ms - self.at_ms).clamp(0, 60_000);
        self.parts = (self.parts + passed_ms * PARTS_READ_PER_S / 1_000).min(PARTS_READ_AT_ONCE);
        self.at_ms = now_ms;
    }

    fn may(&self) -> bool {
        self.parts > 0
    }
}

impl Pace {
    /// Whether a part that a user says may be read now.
    pub(super) fn turn(&mut self, announcer: Announcer, message: &Message) -> Turn {
        if self.catching_up {
            return Turn::Now;
        }
        let Some(account) = self.by_user.get_mut(&message.publisher.user) else { return Turn::Now };
        account.refill(message.time_ms);
        if account.later.is_empty() && account.may() {
            return Turn::Now;
        }
        let bytes = message.topic.len() + message.payload.len();
        if account.later.len() >= LATER_MAX || account.bytes + bytes > LATER_BYTES_MAX {
            return Turn::Never;
        }
        account.bytes += bytes;
        account.later.push_back((announcer, message.clone()));
        Turn::Later
    }

    /// So many parts were read for a user.
    pub(super) fn spend(&mut self, user: &str, parts: usize, now_ms: i64) {
        let cost = i64::try_from(parts).unwrap_or(i64::MAX);
        let account = self.by_user.entry(user.to_owned()).or_insert_with(|| Account {
            parts: PARTS_READ_AT_ONCE,
            at_ms: now_ms,
            later: VecDeque::new(),
            bytes: 0,
        });
        account.refill(now_ms);
        account.parts = account.parts.saturating_sub(cost);
    }

    /// A credential is no more.
    pub(super) fn forget(&mut self, user: &str) {
        self.by_user.remove(user);
    }

    /// When somebody who waits may go on, UTC ms.
    pub(super) fn next_due(&self) -> Option<i64> {
        let waiting = self.by_user.values().filter(|account| !account.later.is_empty());
        waiting.map(|account| account.at_ms + 1_000 * (1 - account.parts).max(0) / PARTS_READ_PER_S).min()
    }

    /// The next message of somebody who may go on; who is at rest again is forgotten.
    fn next(&mut self, now_ms: i64) -> Option<(Announcer, Message)> {
        self.by_user.retain(|_, account| {
            account.refill(now_ms);
            !account.later.is_empty() || account.parts < PARTS_READ_AT_ONCE
        });
        let account = self.by_user.values_mut().find(|account| !account.later.is_empty() && account.may())?;
        let (announcer, message) = account.later.pop_front()?;
        account.bytes -= message.topic.len() + message.payload.len();
        Some((announcer, message))
    }
}

impl Home {
    /// Hears what had to wait, as far as its turn has come.
    pub(super) fn catch_up(&mut self, now_ms: i64, effects: &mut Vec<Effect>) {
        while let Some((announcer, message)) = self.pace.next(now_ms) {
            self.pace.catching_up = true;
            // Heard as of now, so that its allowance is that of now.
            self.announce(announcer, &Message { time_ms: now_ms, ..message }, effects);
            self.pace.catching_up = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::{Publisher, QoS};

    use super::*;

    fn said(user: &str, payload: &str, time_ms: i64) -> Message {
        Message {
            id: 1,
            time_ms,
            topic: "t".into(),
            payload: payload.to_owned().into(),
            qos: QoS::AtMostOnce,
            retain: false,
            publisher: Arc::new(Publisher { user: user.to_owned(), client_id: String::new() }),
            cause: None,
            properties: None,
        }
    }

    const FIRST: Announcer = Announcer { profile: 0, rule: 0 };

    #[test]
    fn who_spent_its_allowance_waits_for_its_time_and_nobody_else_does() {
        let mut pace = Pace::default();
        assert_eq!(pace.turn(FIRST, &said("a", "", 0)), Turn::Now);
        pace.spend("a", PARTS_READ_AT_ONCE as usize + PARTS_READ_PER_S as usize, 0);
        assert_eq!(pace.turn(FIRST, &said("a", "1", 0)), Turn::Later);
        assert_eq!(pace.turn(FIRST, &said("a", "2", 5_000)), Turn::Later, "behind the one before");
        assert_eq!(pace.turn(FIRST, &said("b", "", 0)), Turn::Now);
        let mut heard = std::iter::from_fn(|| pace.next(6_000)).map(|(_, message)| message.payload);
        assert!(heard.by_ref().eq(["1", "2"]));
        assert_eq!(pace.turn(FIRST, &said("a", "", 6_000)), Turn::Now);
    }

    #[test]
    fn so_much_waits_and_no_more() {
        let mut pace = Pace::default();
        pace.spend("a", PARTS_READ_AT_ONCE as usize, 0);
        for _ in 0..LATER_MAX {
            assert_eq!(pace.turn(FIRST, &said("a", "", 0)), Turn::Later);
        }
        assert_eq!(pace.turn(FIRST, &said("a", "", 0)), Turn::Never);
        pace.forget("a");
        pace.spend("a", PARTS_READ_AT_ONCE as usize, 0);
        assert_eq!(pace.turn(FIRST, &said("a", &"x".repeat(LATER_BYTES_MAX), 0)), Turn::Never);
    }

    #[test]
    fn it_is_due_when_its_allowance_is_back() {
        let mut pace = Pace::default();
        assert_eq!(pace.next_due(), None);
        pace.spend("a", PARTS_READ_AT_ONCE as usize + 2 * PARTS_READ_PER_S as usize, 1_000);
        assert_eq!(pace.next_due(), None, "nothing waits");
        pace.turn(FIRST, &said("a", "", 1_000));
        assert_eq!(pace.next_due(), Some(3_000));
    }
}
