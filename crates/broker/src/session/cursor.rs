//! How far a persistent session is.
//!
//! The cursor says: every message up to this id is done for this session. It may be too low (QoS 1 messages
//! are then repeated after a crash) and never too high (they would be lost). So it stays below
//! - the session's lowest message that is queued or on the way,
//! - the lowest message some publisher is just delivering (`settled`), which may not have reached the inbox,
//! - the durable end of the journal.

use super::State;

impl State {
    /// The cursor as far as it may move; `settled` was read before the session was locked. `None` when it
    /// stays where it is.
    pub(crate) fn advance(&mut self, settled: u64) -> Option<u64> {
        let open = self.outbox.lowest_open().map_or(u64::MAX, |id| id.saturating_sub(1));
        let cursor = settled.min(open);
        if cursor <= self.cursor {
            return None;
        }
        self.cursor = cursor;
        Some(cursor)
    }
}
