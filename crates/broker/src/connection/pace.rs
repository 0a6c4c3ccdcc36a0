//! How fast one client may publish. Whoever is faster is read more slowly; nothing of it is dropped.

use std::time::{Duration, Instant};

use crate::limits::Limits;

/// What may be sent at once after a pause, in seconds of the rate.
const BURST_S: f64 = 1.0;
/// Waits shorter than this are saved up: a timer is no more exact.
const WAIT_MIN: Duration = Duration::from_millis(5);

/// The two rates of a connection.
#[derive(Debug)]
pub(super) struct Pace {
    messages: Option<Bucket>,
    bytes: Option<Bucket>,
}

/// A client is ahead of its rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Ahead {
    /// How long it is not read.
    pub(super) wait: Duration,
    /// The rate, per second.
    pub(super) rate: u64,
    /// What is counted: `messages` or `bytes`.
    pub(super) of: &'static str,
}

#[derive(Debug)]
struct Bucket {
    per_s: f64,
    /// Below 0 it is in debt, which is waited for.
    tokens: f64,
    filled: Instant,
}

impl Pace {
    /// `None` when nothing is limited, so that it costs nothing.
    pub(super) fn new(limits: &Limits, now: Instant) -> Option<Self> {
        let bucket = |per_s: u64| (per_s > 0).then(|| Bucket::new(per_s as f64, now));
        let pace = Self {
            messages: bucket(limits.publish_messages_per_s),
            bytes: bucket(limits.publish_bytes_per_s),
        };
        (pace.messages.is_some() || pace.bytes.is_some()).then_some(pace)
    }

    /// Takes what was read; how long to wait before reading on, if at all.
    pub(super) fn spend(&mut self, messages: u64, bytes: u64, now: Instant) -> Option<Ahead> {
        let ahead = |bucket: &mut Option<Bucket>, count: u64, of: &'static str| {
            let bucket = bucket.as_mut()?;
            let wait = bucket.spend(count as f64, now);
            Some(Ahead { wait, rate: bucket.per_s as u64, of })
        };
        let both = [ahead(&mut self.messages, messages, "messages"), ahead(&mut self.bytes, bytes, "bytes")];
        both.into_iter().flatten().filter(|ahead| ahead.wait >= WAIT_MIN).max_by_key(|ahead| ahead.wait)
    }
}

impl Bucket {
    fn new(per_s: f64, now: Instant) -> Self {
        Self { per_s, tokens: per_s * BURST_S, filled: now }
    }

    fn spend(&mut self, count: f64, now: Instant) -> Duration {
        let passed_s = now.saturating_duration_since(self.filled).as_secs_f64();
        self.filled = now;
        self.tokens = (self.tokens + passed_s * self.per_s).min(self.per_s * BURST_S) - count;
        Duration::from_secs_f64((-self.tokens / self.per_s).max(0.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(messages: u64, bytes: u64) -> Limits {
        Limits { publish_messages_per_s: messages, publish_bytes_per_s: bytes, ..Limits::default() }
    }

    #[test]
    fn a_burst_is_let_through_and_what_is_more_waits_as_long_as_it_is_worth() {
        let start = Instant::now();
        let mut pace = Pace::new(&limits(100, 0), start).unwrap();
        assert_eq!(pace.spend(100, 1_000_000, start), None);
        let ahead = pace.spend(50, 0, start).unwrap();
        assert_eq!((ahead.wait, ahead.rate, ahead.of), (Duration::from_millis(500), 100, "messages"));
        let later = start + Duration::from_millis(500);
        assert_eq!(pace.spend(0, 0, later), None, "paid");
        assert!(pace.spend(1, 0, later).is_some());
    }

    #[test]
    fn a_pause_saves_no_more_than_a_burst() {
        let start = Instant::now();
        let mut pace = Pace::new(&limits(0, 1_000), start).unwrap();
        let ahead = pace.spend(1, 3_000, start + Duration::from_secs(3_600)).unwrap();
        assert_eq!((ahead.wait, ahead.of), (Duration::from_secs(2), "bytes"));
    }

    #[test]
    fn without_a_limit_there_is_nothing_to_count() {
        assert!(Pace::new(&limits(0, 0), Instant::now()).is_none());
    }
}
