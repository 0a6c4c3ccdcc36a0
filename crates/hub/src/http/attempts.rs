//! Wrong tokens per address, and how long that address has to wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Wrong tokens that cost nothing: typing errors.
const FREE_ATTEMPTS: u32 = 5;
/// Longest wait.
const WAIT_S_MAX: u64 = 60;
/// An address that was quiet for this long starts anew.
const FORGET_S: u64 = 600;
/// Addresses remembered. Beyond it the quietest is forgotten: the token's 142 bits are the real protection.
const ADDRESSES_MAX: usize = 4_096;

#[derive(Default)]
pub(super) struct Attempts {
    addresses: Mutex<HashMap<IpAddr, Failed>>,
}

struct Failed {
    count: u32,
    last: Instant,
}

impl Failed {
    /// 1 s after the free attempts, doubled with each further one.
    fn wait(&self) -> Duration {
        match self.count.checked_sub(FREE_ATTEMPTS) {
            None => Duration::ZERO,
            Some(over) => Duration::from_secs((1_u64 << over.min(16)).min(WAIT_S_MAX)),
        }
    }
}

impl Attempts {
    /// Seconds this address still has to wait, if it has to.
    pub(super) fn wait_s(&self, address: IpAddr) -> Option<u64> {
        let addresses = self.addresses.lock();
        let failed = addresses.get(&address)?;
        let left = failed.wait().checked_sub(failed.last.elapsed())?;
        (!left.is_zero()).then(|| left.as_secs() + 1)
    }

    pub(super) fn failed(&self, address: IpAddr) {
        let mut addresses = self.addresses.lock();
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&address) {
            addresses.retain(|_, failed| failed.last.elapsed().as_secs() < FORGET_S);
            let quietest =
                addresses.iter().min_by_key(|(_, failed)| failed.last).map(|(address, _)| *address);
            if addresses.len() >= ADDRESSES_MAX
                && let Some(quietest) = quietest
            {
                addresses.remove(&quietest);
            }
        }
        let failed = addresses.entry(address).or_insert(Failed { count: 0, last: Instant::now() });
        if failed.last.elapsed().as_secs() >= FORGET_S {
            failed.count = 0;
        }
        failed.count = failed.count.saturating_add(1);
        failed.last = Instant::now();
    }

    pub(super) fn succeeded(&self, address: IpAddr) {
        self.addresses.lock().remove(&address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_slower() {
        let wait = |count| Failed { count, last: Instant::now() }.wait().as_secs();
        assert_eq!([1, 4, 5, 6, 7, 30].map(wait), [0, 0, 1, 2, 4, WAIT_S_MAX]);
    }

    #[test]
    fn one_address_does_not_make_another_wait() {
        let attempts = Attempts::default();
        let (bad, good) = ("10.0.0.1".parse().unwrap(), "10.0.0.2".parse().unwrap());
        (0..10).for_each(|_| attempts.failed(bad));
        assert!(attempts.wait_s(bad).is_some() && attempts.wait_s(good).is_none());
        attempts.succeeded(bad);
        assert!(attempts.wait_s(bad).is_none());
    }

    #[test]
    fn remembering_addresses_has_a_bound() {
        let attempts = Attempts::default();
        (0..4_200_u32).for_each(|n| attempts.failed(IpAddr::from(n.to_be_bytes())));
        assert!(attempts.addresses.lock().len() <= ADDRESSES_MAX);
    }
}
