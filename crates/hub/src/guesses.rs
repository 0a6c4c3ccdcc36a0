//! Places in the queue for slow password checks, and the passwords that were right in this run: whoever guesses
//! waits in a small queue beside, and never takes a place from the others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::credential::random;

/// Wrong passwords of one address that cost nothing: typing errors.
const FREE_FAILURES: u32 = 3;
/// An address without a failure for this long is no guesser any more, s.
const FORGET_S: u64 = 600;
/// Addresses remembered; beyond it the one that failed longest ago is forgotten.
const ADDRESSES_MAX: usize = 4_096;
/// Places of all addresses that do not guess.
pub(crate) const PLACES_MAX: usize = 32;
/// Places of all that do, and of each of them.
const GUESSER_PLACES_MAX: usize = 8;
const GUESSER_PLACES_OF_ADDRESS_MAX: usize = 2;

/// Who guesses, who waits, and what was right.
#[derive(Default)]
pub(crate) struct Guesses {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    failed: HashMap<IpAddr, (u32, Instant)>,
    /// Waiting by address; guessers and others apart.
    guessing: HashMap<IpAddr, usize>,
    others: HashMap<IpAddr, usize>,
    /// By user. In memory only, under a key of this run.
    right: HashMap<String, [u8; 32]>,
    key: Option<[u8; 32]>,
}

/// A place in the queue, until it is dropped.
pub(crate) struct Place {
    guesses: Arc<Guesses>,
    address: IpAddr,
    guesser: bool,
}

impl Guesses {
    /// A place to wait for a check; `None` when those for this kind of address are taken.
    pub(crate) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Place> {
        let mut state = self.state.lock();
        let guesser = state
            .failed
            .get(&address)
            .is_some_and(|(count, last)| *count > FREE_FAILURES && last.elapsed().as_secs() < FORGET_S);
        let (waiting, max, of_address_max) = if guesser {
            (&mut state.guessing, GUESSER_PLACES_MAX, GUESSER_PLACES_OF_ADDRESS_MAX)
        } else {
            (&mut state.others, PLACES_MAX, PLACES_MAX)
        };
        let of_address = waiting.get(&address).copied().unwrap_or_default();
        if waiting.values().sum::<usize>() >= max || of_address >= of_address_max {
            return None;
        }
        waiting.insert(address, of_address + 1);
        Some(Place { guesses: self.clone(), address, guesser })
    }

    /// A password was wrong.
    pub(crate) fn failed(&self, address: IpAddr) {
        let failed = &mut self.state.lock().failed;
        if failed.len() >= ADDRESSES_MAX && !failed.contains_key(&address) {
            let oldest = failed.iter().min_by_key(|(_, (_, last))| *last).map(|(address, _)| *address);
            oldest.map(|oldest| failed.remove(&oldest));
        }
        let (count, last) = failed.entry(address).or_insert((0, Instant::now()));
        *count = if last.elapsed().as_secs() < FORGET_S { count.saturating_add(1) } else { 1 };
        *last = Instant::now();
    }

    /// A password was right: the next time it is known without the slow check, as long as `kept`, the hash in
    /// the database, is the same.
    pub(crate) fn right(&self, user: &str, kept: &[u8], password: &[u8]) {
        let mut state = self.state.lock();
        if state.key.is_none() {
            state.key = random().ok();
        }
        let Some(key) = state.key else { return };
        if state.right.len() < crate::access::CREDENTIALS_MAX || state.right.contains_key(user) {
            state.right.insert(user.to_owned(), digest(&key, kept, password));
        }
    }

    /// Whether this password was right before.
    pub(crate) fn is_right(&self, user: &str, kept: &[u8], password: &[u8]) -> bool {
        let state = self.state.lock();
        let (Some(key), Some(right)) = (state.key, state.right.get(user).copied()) else { return false };
        drop(state);
        bool::from(digest(&key, kept, password).ct_eq(&right))
    }
}

fn digest(key: &[u8; 32], kept: &[u8], password: &[u8]) -> [u8; 32] {
    let length = (kept.len() as u64).to_be_bytes();
    let inner =
        Sha256::new().chain_update(key).chain_update(length).chain_update(kept).chain_update(password);
    // Hashed twice, so that nothing can be appended to what was hashed.
    Sha256::new().chain_update(key).chain_update(inner.finalize()).finalize().into()
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut state = self.guesses.state.lock();
        let waiting = if self.guesser { &mut state.guessing } else { &mut state.others };
        match waiting.get_mut(&self.address) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                waiting.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_guesses_waits_beside_and_takes_no_place_from_others() {
        let guesses = Arc::new(Guesses::default());
        let at = |last: u8| IpAddr::from([10, 0, 0, last]);
        let take =
            |last, count| -> Vec<Place> { (0..count).filter_map(|_| guesses.take(at(last))).collect() };
        for last in 1..=20 {
            (0..=FREE_FAILURES).for_each(|_| guesses.failed(at(last)));
        }
        let one = take(1, 100);
        assert_eq!(one.len(), GUESSER_PLACES_OF_ADDRESS_MAX);
        let all: Vec<Place> = (2..=20).flat_map(|last| take(last, 100)).collect();
        assert_eq!(one.len() + all.len(), GUESSER_PLACES_MAX);
        assert_eq!(take(100, 100).len(), PLACES_MAX);
        drop(one);
        assert_eq!(take(1, 100).len(), GUESSER_PLACES_OF_ADDRESS_MAX);
    }

    #[test]
    fn a_password_that_was_right_is_known_until_another_one_is_set() {
        let guesses = Guesses::default();
        assert!(!guesses.is_right("phone", b"hash", b"a password"));
        guesses.right("phone", b"hash", b"a password");
        for (user, kept, password, expected) in [
            ("phone", "hash", "a password", true),
            ("phone", "hash", "another one", false),
            ("phone", "hash2", "a password", false),
            ("tablet", "hash", "a password", false),
        ] {
            assert_eq!(
                guesses.is_right(user, kept.as_bytes(), password.as_bytes()),
                expected,
                "{user} {kept}"
            );
        }
    }
}
