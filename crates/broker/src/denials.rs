//! A flood of denials or drops is not a flood of events: the same thing is told once in a while.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::watch::Action;

/// The same denial is told again after this long.
const DENIAL_QUIET: Duration = Duration::from_secs(60);
/// Drops of one client are told again after this long.
const DROP_QUIET: Duration = Duration::from_secs(1);
/// Things remembered; at the bound all are forgotten, which at worst tells some of them again.
const REMEMBERED_MAX: usize = 4_096;

/// What was told lately.
#[derive(Debug, Default)]
pub(crate) struct Denials {
    told: Mutex<HashMap<u64, Instant>>,
    drops: Mutex<HashMap<u64, Drops>>,
}

#[derive(Debug)]
struct Drops {
    told: Instant,
    since: u64,
}

impl Denials {
    /// Whether this denial is worth an event.
    pub(crate) fn is_news(&self, session: u64, topic: &str, action: Action) -> bool {
        let mut hasher = DefaultHasher::new();
        (session, topic, action).hash(&mut hasher);
        let now = Instant::now();
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
        let now = Instant::now();
        let mut drops = self.drops.lock();
        if drops.len() >= REMEMBERED_MAX {
            drops.clear();
        }
        let Some(entry) = drops.get_mut(&session) else {
            drops.insert(session, Drops { told: now, since: 0 });
            return Some(count);
        };
        entry.since += count;
        if now.duration_since(entry.told) < DROP_QUIET {
            return None;
        }
        entry.told = now;
        Some(std::mem::take(&mut entry.since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_denials_is_one_event() {
        let denials = Denials::default();
        assert!(denials.is_news(1, "a", Action::Publish));
        assert!(!denials.is_news(1, "a", Action::Publish));
        assert!(denials.is_news(1, "a", Action::Subscribe));
        assert!(denials.is_news(2, "a", Action::Publish));
    }
}
