//! Failed logins by address and user name: whoever guesses too often is answered more and more slowly. The right
//! secret is let in at once all the same, so that nobody can lock another out.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures are counted over this long. Above the limit each one begins it anew, so that whoever goes on guessing
/// stays slow.
const WINDOW: Duration = Duration::from_secs(60);
/// What the first failure above the limit costs; each further one twice as much as the one before.
const DELAY: Duration = Duration::from_millis(250);
/// Longest delay. It lies below the time a connection has to log in, else the answer would never come.
const DELAY_MAX: Duration = Duration::from_secs(4);
/// Pairs remembered; at the bound those whose window is over are forgotten first.
const PAIRS_MAX: usize = 4_096;

/// Failed logins by address and user name.
#[derive(Debug)]
pub(crate) struct Guesses {
    max: u32,
    failures: Mutex<HashMap<(IpAddr, u64), (Instant, u32)>>,
}

/// What one failure too many costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Penalty {
    /// How long the answer waits.
    pub(crate) delay: Duration,
    /// How long without a failure until all is forgotten.
    pub(crate) forgotten: Duration,
}

impl Guesses {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, failures: Mutex::default() }
    }

    /// Counts a failure. `Some` when there were too many before.
    pub(crate) fn failed(&self, address: IpAddr, user: Option<&str>, now: Instant) -> Option<Penalty> {
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
        let above = entry.1.checked_sub(self.max).filter(|above| *above > 0)?;
        entry.0 = now;
        let delay = 2u32.checked_pow(above - 1).map_or(DELAY_MAX, |times| DELAY.saturating_mul(times));
        Some(Penalty { delay: delay.min(DELAY_MAX), forgotten: WINDOW })
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
        assert_eq!(guesses.failed(here, Some("a"), start), Some(Penalty { delay: DELAY, forgotten: WINDOW }));
        assert_eq!(guesses.failed(here, Some("b"), start), None);
        assert_eq!(guesses.failed(here, None, start), None);
        assert_eq!(guesses.failed(there, Some("a"), start), None);
        assert_eq!(guesses.failed(here, Some("a"), start + WINDOW), None);
    }

    #[test]
    fn each_further_guess_costs_twice_as_much_up_to_a_bound() {
        let guesses = Guesses::new(1);
        let here = IpAddr::from([127, 0, 0, 1]);
        let mut now = Instant::now();
        let mut fail = |after_s| {
            now += Duration::from_secs(after_s);
            guesses.failed(here, None, now).map(|penalty| penalty.delay.as_millis())
        };
        assert_eq!(fail(0), None);
        let costs: Vec<_> = (0..7).map(|_| fail(10)).collect();
        assert_eq!(costs, [250, 500, 1_000, 2_000, 4_000, 4_000, 4_000].map(Some));
        // Whoever goes on stays slow; who leaves off for a while begins anew.
        assert_eq!(fail(59), Some(4_000));
        assert_eq!(fail(60), None);
        for _ in 0..100 {
            fail(0);
        }
        assert_eq!(fail(0), Some(4_000));
    }
}
