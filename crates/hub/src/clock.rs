//! The one place that reads the system's clock.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now, UTC ms since 1970.
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// Now by the home's wall clock, as if it were UTC: for rules that speak of the time of day.
pub fn local_ms() -> i64 {
    let offset_s = chrono::Local::now().offset().local_minus_utc();
    now_ms() + i64::from(offset_s) * 1_000
}
