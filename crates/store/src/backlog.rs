//! How much waits to be written, and the wish to hear when it is little again.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Rows queued or being written, and their bytes.
#[derive(Debug)]
pub(crate) struct Backlog {
    rows: AtomicUsize,
    bytes: AtomicUsize,
    low: usize,
    bytes_high: usize,
    sank: Notify,
}

impl Backlog {
    /// `low` rows and fewer count as little; more than `bytes_high` bytes are much, half of that is little.
    pub(crate) fn new(low: usize, bytes_high: usize) -> Self {
        let (rows, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { rows, bytes, low, bytes_high, sank: Notify::new() }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows.load(Ordering::Acquire)
    }

    /// Whether the rows have many bytes, however few they are.
    pub(crate) fn is_heavy(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > self.bytes_high
    }

    pub(crate) fn grow(&self, rows: usize, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.rows.fetch_add(rows, Ordering::AcqRel);
    }

    pub(crate) fn shrink(&self, rows: usize, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.rows.fetch_sub(rows, Ordering::AcqRel);
        if self.is_low() {
            self.sank.notify_waiters();
        }
    }

    fn is_low(&self) -> bool {
        self.rows() <= self.low && self.bytes.load(Ordering::Acquire) <= self.bytes_high / 2
    }

    /// Resolves when little waits.
    pub(crate) async fn low(&self) {
        loop {
            let sank = self.sank.notified();
            tokio::pin!(sank);
            // Registered before looking: a shrink between the look and the wait is not missed.
            sank.as_mut().enable();
            if self.is_low() {
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
        let backlog = Arc::new(Backlog::new(2, 100));
        backlog.grow(10, 0);
        let waits = tokio::spawn({
            let backlog = Arc::clone(&backlog);
            async move { backlog.low().await }
        });
        tokio::task::yield_now().await;
        backlog.shrink(7, 0);
        assert!(!waits.is_finished());
        backlog.shrink(1, 0);
        waits.await.unwrap();
        assert_eq!(backlog.rows(), 2);
    }

    #[tokio::test]
    async fn few_rows_can_be_much() {
        let backlog = Arc::new(Backlog::new(2, 100));
        backlog.grow(1, 100);
        assert!(!backlog.is_heavy());
        backlog.grow(1, 1);
        assert!(backlog.is_heavy());
        let waits = tokio::spawn({
            let backlog = Arc::clone(&backlog);
            async move { backlog.low().await }
        });
        tokio::task::yield_now().await;
        backlog.shrink(1, 50);
        assert!(!waits.is_finished(), "51 bytes are more than half");
        backlog.shrink(1, 51);
        waits.await.unwrap();
    }
}
