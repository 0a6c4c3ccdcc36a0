//! Failed logins by address: whoever guesses too often is not asked any more for a while.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Failures are counted over this long.
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered; at the bound those whose window is over are forgotten first.
const ADDRESSES_MAX: usize = 4_096;

/// Failed logins by address.
#[derive(Debug)]
pub(crate) struct Guesses {
    max: u32,
    failures: Mutex<HashMap<IpAddr, (Instant, u32)>>,
}

impl Guesses {
    pub(crate) fn new(max: u32) -> Self {
        Self { max, failures: Mutex::default() }
    }

    /// How long this address must wait before it is asked again; `None` when it may try.
    pub(crate) fn wait(&self, address: IpAddr, now: Instant) -> Option<Duration> {
        let failures = self.failures.lock();
        let (since, count) = failures.get(&address)?;
        let left = WINDOW.checked_sub(now.duration_since(*since))?;
        (*count >= self.max).then_some(left)
    }

    pub(crate) fn failed(&self, address: IpAddr, now: Instant) {
        let mut failures = self.failures.lock();
        if failures.len() >= ADDRESSES_MAX && !failures.contains_key(&address) {
            failures.retain(|_, (since, _)| now.duration_since(*since) < WINDOW);
            if failures.len() >= ADDRESSES_MAX {
                failures.clear();
            }
        }
        let entry = failures.entry(address).or_insert((now, 0));
        if now.duration_since(entry.0) >= WINDOW {
            *entry = (now, 0);
        }
        entry.1 += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_guesses_must_wait_and_others_need_not() {
        let guesses = Guesses::new(2);
        let (bad, good) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([127, 0, 0, 2]));
        let start = Instant::now();
        guesses.failed(bad, start);
        assert_eq!(guesses.wait(bad, start), None);
        guesses.failed(bad, start);
        assert!(guesses.wait(bad, start).is_some());
        assert_eq!(guesses.wait(good, start), None);
        assert_eq!(guesses.wait(bad, start + Duration::from_secs(61)), None);
    }
}
