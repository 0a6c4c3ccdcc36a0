//! Readings: spans, buckets, the newest.

use model::{Bucket, Reading};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// Readings of one entity in a span of time.
pub struct ReadingsRange {
    /// Entity id.
    pub entity: String,
    /// From, UTC ms, inclusive.
    pub from_ms: i64,
    /// To, UTC ms, exclusive.
    pub to_ms: i64,
    /// At most this many, the oldest first; 10,000 unless said otherwise, at most 100,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Readings of one entity.
pub struct Readings {
    /// In order of time.
    pub readings: Vec<Reading>,
    /// There are more in the span than the limit let through.
    pub more: bool,
}

/// Downsampled readings of one entity.
pub struct ReadingsBuckets {
    /// Entity id.
    pub entity: String,
    /// From, UTC ms, inclusive.
    pub from_ms: i64,
    /// To, UTC ms, exclusive.
    pub to_ms: i64,
    /// About how many buckets to divide the span into: 1 to 5,000.
    pub points: u32,
}

/// Downsampled readings.
pub struct Buckets {
    /// Length of one bucket, ms.
    pub bucket_ms: i64,
    /// The buckets that hold readings, in order of time.
    pub buckets: Vec<Bucket>,
}

/// The newest reading of an entity.
pub struct LastReading {
    /// The reading; `null` if there is none.
    pub reading: Option<Reading>,
}
}
