//! Bytes that wait in queues, added up for each credential and for all: no number of sessions makes the memory
//! they take grow beyond that.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;

use crate::limits::Limits;

/// The sums, for the sessions to share.
#[derive(Debug, Default)]
pub(crate) struct Accounts {
    all: Arc<AtomicUsize>,
    users: Mutex<HashMap<Arc<str>, Arc<AtomicUsize>>>,
}

impl Accounts {
    /// The account of a new session.
    pub(crate) fn open(&self, user: &Arc<str>) -> Account {
        let mut users = self.users.lock();
        // Credentials whose last session is gone leave nothing behind.
        users.retain(|name, sum| name == user || Arc::strong_count(sum) > 1);
        let user = users.entry(user.clone()).or_default().clone();
        Account { all: self.all.clone(), user, charged: 0 }
    }
}

/// What one session's queue adds to the sums. Dropping it takes that back.
#[derive(Debug, Default)]
pub(crate) struct Account {
    all: Arc<AtomicUsize>,
    user: Arc<AtomicUsize>,
    charged: usize,
}

impl Account {
    /// Brings the sums up to date. Called once per batch, not per message, since all cores meet here.
    #[inline]
    pub(crate) fn charge(&mut self, bytes: usize) {
        if bytes == self.charged {
            return;
        }
        for sum in [&self.all, &self.user] {
            // Wrapping, both ways: the difference may be negative.
            sum.fetch_add(bytes.wrapping_sub(self.charged), Relaxed);
        }
        self.charged = bytes;
    }

    /// Whether the sums leave no room for this queue to have `bytes`. What is reserved for each session is
    /// always granted, so that one which fills the sums does not silence the others.
    #[inline]
    pub(crate) fn is_over(&self, bytes: usize, limits: &Limits) -> bool {
        let more = bytes.saturating_sub(self.charged);
        bytes > limits.queue_reserved_bytes
            && (self.all.load(Relaxed).saturating_add(more) > limits.queued_bytes_max
                || self.user.load(Relaxed).saturating_add(more) > limits.queued_bytes_per_user_max)
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        self.charge(0);
    }
}
