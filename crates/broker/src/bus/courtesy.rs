//! Giving way to the client that was just written to, before the bus is woken.
//!
//! A write on loopback wakes its reader on the writer's CPU: the kernel trusts that the writer sleeps next. A
//! connection that goes on to wake the bus keeps that reader waiting (decision 6). Giving way costs a microsecond where
//! nobody waits for the CPU.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

/// Giving way took longer than a client needs to read: something else is busy on this CPU, and got it.
const BUSY: Duration = Duration::from_micros(500);
/// So long nobody is given way to after that. What a busy machine costs is a slice of its scheduler's (some 3 ms) in
/// this time.
const BUSY_PAUSE: Duration = Duration::from_secs(1);

/// Whether and how the CPU is left to others.
#[derive(Debug)]
pub(super) struct Courtesy {
    begin: Instant,
    /// µs since `begin` before which the CPU is kept.
    kept_until_us: AtomicU64,
}

impl Courtesy {
    pub(super) fn new() -> Self {
        Self { begin: Instant::now(), kept_until_us: AtomicU64::new(0) }
    }

    /// Lets the threads that wait for this CPU go first, once.
    pub(super) fn give_way(&self) {
        let before = self.begin.elapsed();
        if !self.is_due(before) {
            return;
        }
        std::thread::yield_now();
        self.took(before, self.begin.elapsed());
    }

    fn is_due(&self, now: Duration) -> bool {
        now.as_micros() >= u128::from(self.kept_until_us.load(Relaxed))
    }

    fn took(&self, before: Duration, after: Duration) {
        if after.saturating_sub(before) > BUSY {
            let until = u64::try_from((after + BUSY_PAUSE).as_micros()).unwrap_or(u64::MAX);
            self.kept_until_us.store(until, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_a_busy_machine_the_cpu_is_kept_for_a_second() {
        let courtesy = Courtesy::new();
        let at = Duration::from_secs(10);
        courtesy.took(at, at + BUSY);
        assert!(courtesy.is_due(at + BUSY), "a client that reads is no reason");
        let late = at + Duration::from_millis(3);
        courtesy.took(at, late);
        assert!(!courtesy.is_due(late));
        assert!(!courtesy.is_due(late + BUSY_PAUSE - Duration::from_millis(1)));
        assert!(courtesy.is_due(late + BUSY_PAUSE));
    }
}
