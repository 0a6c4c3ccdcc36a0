//! Sessions that are kept, bytes that wait in their queues, and bytes they hold for their subscriptions and wills,
//! added up for each credential and for all, so that one credential cannot take the room of the others.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::limits::Limits;

/// What the sessions of one credential, or of all, have.
#[derive(Debug, Default)]
struct Sum {
    bytes: AtomicUsize,
    /// For subscriptions and wills.
    held: AtomicUsize,
    /// Of large packets that are not here yet.
    begun: AtomicUsize,
    /// Sessions that outlive their connection.
    kept: AtomicUsize,
}

/// The sums, for the sessions to share.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    all: Arc<Sum>,
    users: Mutex<HashMap<Arc<str>, Arc<Sum>>>,
}

/// There is no room: for one more session that lasts, or for what a session wants to hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    /// All sessions together are at their limit.
    #[error("{0} sessions are kept, which is the limit")]
    All(usize),
    /// Those of the credential are.
    #[error("{0} sessions are kept for its credential, which is the limit")]
    User(usize),
    /// All sessions together hold so many bytes.
    #[error(
        "the subscriptions and last wills of all clients would take more than {0} bytes, which is the limit"
    )]
    AllHeld(usize),
    /// Those of the credential do.
    #[error(
        "the subscriptions and last wills of its credential would take more than {0} bytes, which is the limit"
    )]
    UserHeld(usize),
    /// The session does.
    #[error("its subscriptions would take more than {0} bytes, which is the limit")]
    SessionHeld(usize),
}

impl Accounts {
    /// The account of a new session. One that ends with its connection always gets it: connections have a limit
    /// of their own.
    pub(crate) fn open(&self, user: &Arc<str>, kept: bool, limits: &Limits) -> Result<Account, Full> {
        let mut users = self.users.lock();
        // Credentials whose last session is gone leave nothing behind.
        users.retain(|name, sum| name == user || Arc::strong_count(sum) > 1);
        let user = users.entry(user.clone()).or_default().clone();
        let mut account = Account::new(&self.all, user);
        if kept {
            // Sessions are only added here, inside the lock, so the sums cannot grow in between.
            if account.all.kept.load(Relaxed) >= limits.sessions_max {
                return Err(Full::All(limits.sessions_max));
            }
            if account.user.kept.load(Relaxed) >= limits.sessions_per_user_max {
                return Err(Full::User(limits.sessions_per_user_max));
            }
            account.keep();
        }
        Ok(account)
    }

    /// Room for what is no session's but its credential's: the will of a connection.
    pub(crate) fn hold(&self, user: &Arc<str>, bytes: usize, limits: &Limits) -> Result<Held, Full> {
        let user = self.users.lock().entry(user.clone()).or_default().clone();
        Account::new(&self.all, user).hold(bytes, limits)
    }

    /// Room for a packet of so many bytes that comes in pieces; else the limit that leaves none.
    pub(crate) fn begin(&self, user: &Arc<str>, bytes: usize, limits: &Limits) -> Result<Begun, usize> {
        let user = self.users.lock().entry(user.clone()).or_default().clone();
        let begun = Begun { all: self.all.clone(), user, bytes };
        let bounds = [(&begun.all, limits.begun_bytes_max), (&begun.user, limits.begun_bytes_per_user_max)];
        let sums = bounds.map(|(sum, max)| (sum.begun.fetch_add(bytes, Relaxed) + bytes, max));
        match sums.into_iter().find(|(sum, max)| *sum > bytes && sum > max) {
            Some((_, max)) => Err(max),
            None => Ok(begun),
        }
    }

    /// Sessions that outlive their connection, bytes waiting and bytes held, of all credentials.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn sums(&self) -> (usize, usize, usize) {
        (self.all.kept.load(Relaxed), self.all.bytes.load(Relaxed), self.all.held.load(Relaxed))
    }

    /// The account of a session that was kept before the start: it is not thrown away for a lowered limit.
    pub(crate) fn reopen(&self, user: &Arc<str>) -> Account {
        let user = self.users.lock().entry(user.clone()).or_default().clone();
        let mut account = Account::new(&self.all, user);
        account.keep();
        account
    }
}

/// What one session adds to the sums. Dropping it takes that back.
#[derive(Debug, Default)]
pub(crate) struct Account {
    all: Arc<Sum>,
    user: Arc<Sum>,
    /// Bytes the session holds.
    own: Arc<AtomicUsize>,
    charged: usize,
    kept: bool,
}

/// A large packet that was begun and is not here yet; counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Begun {
    all: Arc<Sum>,
    user: Arc<Sum>,
    bytes: usize,
}

impl Drop for Begun {
    fn drop(&mut self) {
        for sum in [&self.all, &self.user] {
            sum.begun.fetch_sub(self.bytes, Relaxed);
        }
    }
}

/// Bytes of memory that are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    all: Arc<Sum>,
    user: Arc<Sum>,
    own: Arc<AtomicUsize>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        for sum in [&self.all.held, &self.user.held, &self.own] {
            sum.fetch_sub(self.bytes, Relaxed);
        }
    }
}

impl Account {
    fn new(all: &Arc<Sum>, user: Arc<Sum>) -> Self {
        Self { all: all.clone(), user, own: Arc::default(), charged: 0, kept: false }
    }

    /// Counts what the session holds anyhow: what was kept before the start, or stands in the place of the same.
    pub(crate) fn hold_anyhow(&self, bytes: usize) -> Held {
        for sum in [&self.all.held, &self.user.held, &self.own] {
            sum.fetch_add(bytes, Relaxed);
        }
        Held { all: self.all.clone(), user: self.user.clone(), own: self.own.clone(), bytes }
    }

    /// Room for a subscription. What is reserved for each session is always granted.
    pub(crate) fn hold(&self, bytes: usize, limits: &Limits) -> Result<Held, Full> {
        let held = self.hold_anyhow(bytes);
        let own = self.own.load(Relaxed);
        if own > limits.session_held_bytes_max {
            return Err(Full::SessionHeld(limits.session_held_bytes_max));
        }
        if own > limits.held_reserved_bytes {
            if self.all.held.load(Relaxed) > limits.held_bytes_max {
                return Err(Full::AllHeld(limits.held_bytes_max));
            }
            if self.user.held.load(Relaxed) > limits.held_bytes_per_user_max {
                return Err(Full::UserHeld(limits.held_bytes_per_user_max));
            }
        }
        Ok(held)
    }

    fn keep(&mut self) {
        self.kept = true;
        for sum in [&self.all, &self.user] {
            sum.kept.fetch_add(1, Relaxed);
        }
    }

    /// Brings the sums up to date. Called once per batch, not per message, since all cores meet here.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) {
        if bytes == self.charged {
            return;
        }
        for sum in [&self.all, &self.user] {
            // Wrapping, both ways: the difference may be negative.
            sum.bytes.fetch_add(bytes.wrapping_sub(self.charged), Relaxed);
        }
        self.charged = bytes;
    }

    /// Whether the sums leave no room for this queue to have `bytes`. What is reserved for each session is
    /// always granted, so that one which fills the sums does not silence the others.
    #[inline]
    pub(crate) fn is_over(&self, bytes: usize, limits: &Limits) -> bool {
        let more = bytes.saturating_sub(self.charged);
        bytes > limits.queue_reserved_bytes
            && (self.all.bytes.load(Relaxed).saturating_add(more) > limits.queued_bytes_max
                || self.user.bytes.load(Relaxed).saturating_add(more) > limits.queued_bytes_per_user_max)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.charge(0);
        if self.kept {
            for sum in [&self.all, &self.user] {
                sum.kept.fetch_sub(1, Relaxed);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_bounded_for_a_session_a_credential_and_all_and_given_back() {
        let limits = Limits {
            session_held_bytes_max: 100,
            held_bytes_per_user_max: 150,
            held_bytes_max: 200,
            held_reserved_bytes: 20,
            ..Limits::default()
        };
        let accounts = Accounts::default();
        let (one, two) = (Arc::from("one"), Arc::from("two"));
        let open = |user| accounts.open(user, false, &limits).unwrap();
        let (a, b, c) = (open(&one), open(&one), open(&two));
        let first = a.hold(90, &limits).unwrap();
        assert_eq!(a.hold(11, &limits).unwrap_err(), Full::SessionHeld(100));
        assert_eq!(b.hold(61, &limits).unwrap_err(), Full::UserHeld(150));
        let second = b.hold(60, &limits).unwrap();
        assert_eq!(c.hold(51, &limits).unwrap_err(), Full::AllHeld(200));
        let _third = c.hold(50, &limits).unwrap();
        assert!(open(&one).hold(20, &limits).is_ok(), "what is reserved is granted");
        assert_eq!(accounts.hold(&two, 21, &limits).unwrap_err(), Full::AllHeld(200));
        drop(first);
        assert!(a.hold(90, &limits).is_ok(), "what was given back is there for others");
        let _more = b.hold_anyhow(1_000);
        assert_eq!(b.hold(1, &limits).unwrap_err(), Full::SessionHeld(100));
        drop(second);
    }

    #[test]
    fn large_packets_that_are_begun_are_bounded_for_a_credential_and_all_and_the_first_is_let_in() {
        let limits = Limits { begun_bytes_per_user_max: 100, begun_bytes_max: 150, ..Limits::default() };
        let accounts = Accounts::default();
        let (one, two) = (Arc::from("one"), Arc::from("two"));
        let large = accounts.begin(&one, 120, &limits).unwrap();
        assert_eq!(accounts.begin(&one, 1, &limits).unwrap_err(), 100);
        assert_eq!(accounts.begin(&two, 40, &limits).unwrap_err(), 150);
        let small = accounts.begin(&two, 30, &limits).unwrap();
        drop((large, small));
        assert!(accounts.begin(&one, 100, &limits).is_ok());
    }
}
