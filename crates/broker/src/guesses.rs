//! Failed logins by address and user name: whoever guesses too often is answered slowly. The right secret is let
//! in at once all the same, so that nobody can lock another out.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures are counted over this long.
const WINDOW: Duration = Duration::from_secs(60);
/// Pairs remembered; at the bound those whose window is over are forgotten first.
const PAIRS_MAX: usize = 4_096;

/// Failed logins by address and user name.
#[derive(Debug)]
pub(crate) struct Guesses {
    max: u32,
    failures: Mutex<HashMap<(IpAddr, u64), (Instant, u32)>>,
}

impl Guesses {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, failures: Mutex::default() }
    }

    /// Counts a failure. `Some` when there were too many before: how long until they are forgotten.
    pub(crate) fn failed(&self, address: IpAddr, user: Option<&str>, now: Instant) -> Option<Duration> {
        let key = key(address, user);
        let mut failures = self.failures.lock();
        if failures.len() >= PAIRS_MAX && !failures.contains_key(&key) {
            failures.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
            if failures.len() >= PAIRS_MAX {
                failures.clear();
            }
        }
        let entry = failures.entry(key).or_insert((now, 0));
        if now.duration_since(entry.0) >= WINDOW {
            *entry = (now, 0);
        }
        entry.1 = entry.1.saturating_add(1);
        (entry.1 > self.max).then(|| WINDOW.saturating_sub(now.duration_since(entry.0)))
    }
}

/// The name is not kept: it may be long, and it may be a password in the wrong field.
fn key(address: IpAddr, user: Option<&str>) -> (IpAddr, u64) {
    let mut hasher = DefaultHasher::new();
    user.hash(&mut hasher);
    (address, hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_too_often_is_known_by_address_and_name() {
        let guesses = Guesses::new(2);
        let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let start = Instant::now();
        for _ in 0..2 {
            assert_eq!(guesses.failed(here, Some("a"), start), None);
        }
        assert_eq!(guesses.failed(here, Some("a"), start), Some(WINDOW));
        assert_eq!(guesses.failed(here, Some("b"), start), None);
        assert_eq!(guesses.failed(here, None, start), None);
        assert_eq!(guesses.failed(there, Some("a"), start), None);
        assert_eq!(guesses.failed(here, Some("a"), start + WINDOW), None);
    }
}
