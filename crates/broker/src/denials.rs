//! A flood of denials or drops is not a flood of events: the same thing is told once in a while, and ever new
//! things at a bounded rate.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::watch::{Action, GateEvent};

/// The same denial is told again after this long; a session that was denied nothing for so long starts anew.
const DENIAL_QUIET: Duration = Duration::from_secs(60);
/// Denials of one session that are told one by one; after them, one event stands for many.
const TOLD_IN_DETAIL: u32 = 3;
/// Between two events that stand for many, and between two about the drops of one client.
const RATE: Duration = Duration::from_secs(1);
/// Things remembered; at the bound all are forgotten, which at worst tells some of them again.
const REMEMBERED_MAX: usize = 4_096;
/// Characters kept of the topic of a denial that is told later.
const TOPIC_CHARS_MAX: usize = 256;

/// What was told lately.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    told: Mutex<HashMap<u64, Instant>>,
    rates: Mutex<HashMap<u64, Rate>>,
    drops: Mutex<HashMap<u64, Drops>>,
    not_retained: Mutex<HashMap<String, Drops>>,
}

/// Something that was denied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Denial<'a> {
    /// Number of the session.
    pub(crate) session: u64,
    pub(crate) client_id: &'a str,
    pub(crate) user: &'a str,
    pub(crate) topic: &'a str,
    pub(crate) action: Action,
}

/// What one session was denied.
#[derive(Debug)]
struct Rate {
    in_detail: u32,
    told: Instant,
    /// Denials since the last event.
    untold: u64,
    /// The newest of them, as it will be told.
    newest: Option<GateEvent>,
}

impl Rate {
    /// The event for everything untold, when it is time for one.
    fn due(&mut self, now: Instant) -> Option<GateEvent> {
        if now.duration_since(self.told) < RATE {
            return None;
        }
        let mut event = self.newest.take()?;
        let untold = std::mem::take(&mut self.untold);
        if let GateEvent::Denied { more, .. } = &mut event {
            *more = untold.saturating_sub(1);
        }
        self.told = now;
        Some(event)
    }
}

#[derive(Debug)]
struct Drops {
    told: Instant,
    since: u64,
}

impl Denials {
    /// Takes a denial; the event to tell now, if any. The rest is told by [`Denials::due`].
    pub(crate) fn denied(&self, denial: Denial<'_>, now: Instant) -> Option<GateEvent> {
        if !self.is_news(denial, now) {
            return None;
        }
        let mut rates = self.rates.lock();
        if rates.len() >= REMEMBERED_MAX && !rates.contains_key(&denial.session) {
            rates.retain(|_, rate| now.duration_since(rate.told) < DENIAL_QUIET);
            if rates.len() >= REMEMBERED_MAX {
                rates.clear();
            }
        }
        let start = || Rate { in_detail: 0, told: now, untold: 0, newest: None };
        let rate = rates.entry(denial.session).or_insert_with(start);
        if rate.newest.is_none() && now.duration_since(rate.told) >= DENIAL_QUIET {
            *rate = start();
        }
        let Denial { client_id, user, topic, action, .. } = denial;
        let event = |topic: String| GateEvent::Denied {
            client_id: client_id.to_owned(),
            user: user.to_owned(),
            topic,
            action,
            more: 0,
        };
        if rate.in_detail < TOLD_IN_DETAIL {
            rate.in_detail += 1;
            rate.told = now;
            return Some(event(topic.to_owned()));
        }
        rate.untold += 1;
        let due = now.duration_since(rate.told) >= RATE;
        if due || rate.newest.is_none() {
            rate.newest = Some(event(topic.chars().take(TOPIC_CHARS_MAX).collect()));
        }
        rate.due(now)
    }

    /// The events that stand for what was denied and not told yet. Asked for once a second.
    pub(crate) fn due(&self, now: Instant) -> Vec<GateEvent> {
        self.rates.lock().values_mut().filter_map(|rate| rate.due(now)).collect()
    }

    /// Whether the same was not denied lately.
    fn is_news(&self, denial: Denial<'_>, now: Instant) -> bool {
        let mut hasher = DefaultHasher::new();
        (denial.session, denial.topic, denial.action).hash(&mut hasher);
        let mut told = self.told.lock();
        if told.len() >= REMEMBERED_MAX {
            told.clear();
        }
        match told.insert(hasher.finish(), now) {
            Some(before) if now.duration_since(before) < DENIAL_QUIET => {
                told.insert(hasher.finish(), before);
                false
            }
            _ => true,
        }
    }

    /// Adds dropped messages of a session; the count since the last event when it is time for one.
    pub(crate) fn drops(&self, session: u64, count: u64) -> Option<u64> {
        since_told(&mut self.drops.lock(), session, count)
    }

    /// Adds a message of a credential that found no room in the retained table; the count likewise.
    pub(crate) fn not_retained(&self, user: &str) -> Option<u64> {
        since_told(&mut self.not_retained.lock(), user.to_owned(), 1)
    }
}

fn since_told<K: Eq + Hash>(counts: &mut HashMap<K, Drops>, key: K, count: u64) -> Option<u64> {
    let now = Instant::now();
    if counts.len() >= REMEMBERED_MAX {
        counts.clear();
    }
    let Some(entry) = counts.get_mut(&key) else {
        counts.insert(key, Drops { told: now, since: 0 });
        return Some(count);
    };
    entry.since += count;
    if now.duration_since(entry.told) < RATE {
        return None;
    }
    entry.told = now;
    Some(std::mem::take(&mut entry.since))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denial(session: u64, topic: &str) -> Denial<'_> {
        Denial { session, client_id: "c", user: "u", topic, action: Action::Publish }
    }

    fn more(event: Option<GateEvent>) -> Option<u64> {
        match event {
            Some(GateEvent::Denied { more, .. }) => Some(more),
            _ => None,
        }
    }

    #[test]
    fn the_same_denial_is_told_once() {
        let (denials, now) = (Denials::default(), Instant::now());
        assert_eq!(more(denials.denied(denial(1, "a"), now)), Some(0));
        assert_eq!(more(denials.denied(denial(1, "a"), now)), None);
        assert_eq!(more(denials.denied(denial(2, "a"), now)), Some(0));
        let other = Denial { action: Action::Subscribe, ..denial(1, "a") };
        assert_eq!(more(denials.denied(other, now)), Some(0));
    }

    #[test]
    fn ever_new_denials_are_told_once_a_second_with_their_count() {
        let (denials, now) = (Denials::default(), Instant::now());
        let told = |from: u32, to: u32, now: Instant| -> Vec<u64> {
            (from..to).filter_map(|n| more(denials.denied(denial(1, &n.to_string()), now))).collect()
        };
        assert_eq!(told(0, 1_000, now), [0; TOLD_IN_DETAIL as usize]);
        assert!(denials.due(now).is_empty());
        let due = denials.due(now + RATE);
        assert_eq!(due.into_iter().map(|event| more(Some(event))).collect::<Vec<_>>(), [Some(996)]);
        assert!(denials.due(now + 2 * RATE).is_empty(), "nothing is told twice");
        assert_eq!(told(1_000, 1_100, now + 3 * RATE), [0]);
        assert_eq!(told(1_100, 1_101, now + 5 * RATE), [99]);
        assert_eq!(told(2_000, 2_100, now + 2 * DENIAL_QUIET), [0; TOLD_IN_DETAIL as usize]);
    }
}
