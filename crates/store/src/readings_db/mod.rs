//! `readings.db`: what entities measured, by series.

use std::path::Path;

use model::{Bucket, Reading};

use crate::Written;
use crate::error::Result;
use crate::opening::OnChecked;

/// The queue to the disk is full; these were not taken. Wait for [`ReadingsDb::backlog_low`] and append again.
#[derive(Debug)]
pub struct QueueFull(pub Vec<Reading>);

/// The readings.
pub struct ReadingsDb {}

#[allow(unused_variables, clippy::todo, missing_docs)]
impl ReadingsDb {
    pub fn open(path: &Path, on_checked: OnChecked) -> Result<Self> {
        todo!()
    }
    /// Queues readings; they are written within 250 ms or 2,000 readings. `cursor`: every message up to this id has been
    /// read and its readings appended; it is stored in the same transaction.
    pub fn append(&self, readings: Vec<Reading>, cursor: u64) -> Result<(), QueueFull> {
        todo!()
    }
    pub fn cursor(&self) -> u64 {
        todo!()
    }
    pub fn backlog(&self) -> usize {
        todo!()
    }
    pub async fn backlog_low(&self) {
        todo!()
    }
    pub fn failure(&self) -> Option<String> {
        todo!()
    }
    pub fn flush(&self) -> Written<()> {
        todo!()
    }
    /// Readings of one entity with `from_ms <= time < to_ms`, oldest first, at most `limit`.
    pub fn range(&self, entity: &str, from_ms: i64, to_ms: i64, limit: usize) -> Result<Vec<Reading>> {
        todo!()
    }
    pub fn buckets(&self, entity: &str, from_ms: i64, to_ms: i64, bucket_ms: i64) -> Result<Vec<Bucket>> {
        todo!()
    }
    pub fn last(&self, entity: &str) -> Result<Option<Reading>> {
        todo!()
    }
    /// Readings of all entities.
    pub fn count(&self) -> Result<u64> {
        todo!()
    }
    /// Forgets an entity's readings. Resolves when no question sees them any more; the space is freed later.
    pub fn remove_entity(&self, entity: &str) -> Written<()> {
        todo!()
    }
    pub fn close(self) -> Result<()> {
        todo!()
    }
}
