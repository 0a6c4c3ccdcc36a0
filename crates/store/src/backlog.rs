//! How much waits to be written, and the wish to hear when it is little again.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Rows queued or being written.
#[derive(Debug)]
pub(crate) struct Backlog {
    rows: AtomicUsize,
    low: usize,
    sank: Notify,
}

impl Backlog {
    /// `low` rows and fewer count as little.
    pub(crate) fn new(low: usize) -> Self {
        Self { rows: AtomicUsize::new(0), low, sank: Notify::new() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.load(Ordering::Acquire)
    }

    pub(crate) fn grow(&self, rows: usize) {
        self.rows.fetch_add(rows, Ordering::AcqRel);
    }

    pub(crate) fn shrink(&self, rows: usize) {
        let before = self.rows.fetch_sub(rows, Ordering::AcqRel);
        if before.saturating_sub(rows) <= self.low {
            self.sank.notify_waiters();
        }
    }

    /// Resolves when little waits.
    pub(crate) async fn low(&self) {
        loop {
            let sank = self.sank.notified();
            tokio::pin!(sank);
            // Registered before looking: a shrink between the look and the wait is not missed.
            sank.as_mut().enable();
            if self.rows() <= self.low {
                return;
            }
            sank.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[tokio::test]
    async fn low_resolves_when_the_rows_are_written() {
        let backlog = Arc::new(Backlog::new(2));
        backlog.grow(10);
        let waits = tokio::spawn({
            let backlog = Arc::clone(&backlog);
            async move { backlog.low().await }
        });
        tokio::task::yield_now().await;
        backlog.shrink(7);
        assert!(!waits.is_finished());
        backlog.shrink(1);
        waits.await.unwrap();
        assert_eq!(backlog.rows(), 2);
    }
}
