//! The one clock of the gate.

use std::time::{SystemTime, UNIX_EPOCH};

/// UTC, ms since 1970.
pub(crate) fn now_ms() -> i64 {
    #[cfg(feature = "fuzzing")]
    if let Some(ms) = virtual_clock::now_ms() {
        return ms;
    }
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Under the paused clock of a test the time of day moves with it, or a session would never expire.
#[cfg(feature = "fuzzing")]
pub(crate) mod virtual_clock {
    use std::cell::Cell;

    use tokio::time::Instant;

    /// What the clock shows at the beginning: 2027-01-15, 08:00 UTC.
    const BEGIN_MS: i64 = 1_800_000_000_000;

    thread_local! {
        static BEGIN: Cell<Option<Instant>> = const { Cell::new(None) };
    }

    /// This thread's clock follows tokio's from now on; its runtime is one of a single thread.
    pub(crate) fn begin() {
        BEGIN.set(Some(Instant::now()));
    }

    /// `None` on a thread whose clock is the real one.
    pub(crate) fn now_ms() -> Option<i64> {
        let since = Instant::now().saturating_duration_since(BEGIN.get()?);
        Some(BEGIN_MS.saturating_add(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)))
    }
}
