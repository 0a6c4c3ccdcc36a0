//! Stored values and buckets of them.

use serde::{Deserialize, Serialize};

use crate::value::Value;

/// One value of one entity at one time. Its identity is (entity, time, message): storing it again changes
/// nothing, and two messages in the same millisecond are two readings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Reading {
    /// Entity id.
    pub entity: String,
    /// When the gate accepted the message, UTC ms.
    pub time_ms: i64,
    /// Journal id of the message it came from.
    pub message_id: u64,
    /// The value.
    pub value: Value,
}

/// The numeric readings of one entity in one span of time. Only spans with readings have a bucket: a gap is
/// a gap.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Bucket {
    /// Start of the span, UTC ms; a multiple of the bucket's length.
    pub start_ms: i64,
    /// Readings in it, at least 1.
    pub count: u64,
    /// Smallest.
    pub min: f64,
    /// Arithmetic mean of the readings.
    pub mean: f64,
    /// Largest.
    pub max: f64,
    /// The newest in the span.
    pub last: f64,
}
