//! Sessions that are kept and bytes that wait in their queues, added up for each credential and for all, so that
//! one credential cannot take the room of the others.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::limits::Limits;

/// What the sessions of one credential, or of all, have.
#[derive(Debug, Default)]
struct Sum {
    bytes: AtomicUsize,
    /// Sessions that outlive their connection.
    kept: AtomicUsize,
}

/// The sums, for the sessions to share.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    all: Arc<Sum>,
    users: Mutex<HashMap<Arc<str>, Arc<Sum>>>,
}

/// There is no room for one more session that lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Full {
    /// All sessions together are at their limit.
    All(usize),
    /// Those of the credential are.
    User(usize),
}

impl Accounts {
    /// The account of a new session. One that ends with its connection always gets it: connections have a limit
    /// of their own.
    pub(crate) fn open(&self, user: &Arc<str>, kept: bool, limits: &Limits) -> Result<Account, Full> {
        let mut users = self.users.lock();
        // Credentials whose last session is gone leave nothing behind.
        users.retain(|name, sum| name == user || Arc::strong_count(sum) > 1);
        let user = users.entry(user.clone()).or_default().clone();
        let mut account = Account { all: self.all.clone(), user, charged: 0, kept: false };
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

    /// Sessions that outlive their connection, and bytes waiting, of all credentials.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn sums(&self) -> (usize, usize) {
        (self.all.kept.load(Relaxed), self.all.bytes.load(Relaxed))
    }

    /// The account of a session that was kept before the start: it is not thrown away for a lowered limit.
    pub(crate) fn reopen(&self, user: &Arc<str>) -> Account {
        let user = self.users.lock().entry(user.clone()).or_default().clone();
        let mut account = Account { all: self.all.clone(), user, charged: 0, kept: false };
        account.keep();
        account
    }
}

/// What one session adds to the sums. Dropping it takes that back.
#[derive(Debug, Default)]
pub(crate) struct Account {
    all: Arc<Sum>,
    user: Arc<Sum>,
    charged: usize,
    kept: bool,
}

impl Account {
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
