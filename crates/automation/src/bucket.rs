//! A token bucket: a short burst is fine, a flood is not.

/// Grants actions at a steady rate with a burst, by the clock it is told.
#[derive(Debug)]
pub(crate) struct Bucket {
    burst: f64,
    per_ms: f64,
    tokens: f64,
    filled_ms: i64,
}

impl Bucket {
    /// A full bucket.
    pub(crate) fn new(burst: u32, per_second: u32, now_ms: i64) -> Bucket {
        Bucket {
            burst: f64::from(burst),
            per_ms: f64::from(per_second) / 1000.0,
            tokens: f64::from(burst),
            filled_ms: now_ms,
        }
    }

    /// Takes one token if there is one. A clock that goes back gives nothing and takes nothing.
    pub(crate) fn take(&mut self, now_ms: i64) -> bool {
        let passed_ms = now_ms.saturating_sub(self.filled_ms).max(0) as f64;
        self.tokens = (self.tokens + passed_ms * self.per_ms).min(self.burst);
        self.filled_ms = now_ms;
        let granted = self.tokens >= 1.0;
        if granted {
            self.tokens -= 1.0;
        }
        granted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_the_steady_rate() {
        let mut bucket = Bucket::new(3, 50, 1_000);
        let mut check = |now_ms, asked: usize, expected: usize| {
            let granted = (0..asked).filter(|_| bucket.take(now_ms)).count();
            assert_eq!(granted, expected, "at {now_ms}");
        };
        check(1_000, 5, 3);
        check(1_019, 1, 0);
        check(1_040, 5, 2);
        check(500, 1, 0);
        check(60_000, 5, 3);
    }
}
