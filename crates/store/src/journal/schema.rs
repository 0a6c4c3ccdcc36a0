//! The format of `journal.db`, one step per version. A step that was released is never edited; add another.
//!
//! There is no index from topics to messages. Measured with 1,000 topics in groups of 1,000 rows, one costs
//! three times the CPU and writes 2,900 instead of 200 bytes per row, because each row of a group touches
//! another page. Instead each message holds how far back the one before it on the same topic is (`back`, under
//! one byte per row), and `topic.last_id` is where such a chain begins.
//!
//! `topic` and `publisher` are brought up to date every few thousand rows, not with each group, for the same
//! reason; `meta.names_cursor` tells up to which message they are.

use crate::opening::Format;

pub(super) static FORMAT: Format = Format {
    application_id: i32::from_be_bytes(*b"Hrt2"),
    steps: &[STEP_1, STEP_2],
    checkpoint_pages: 2_000,
};

const STEP_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE topic (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  count INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  last_time_ms INTEGER NOT NULL
);
CREATE TABLE publisher (
  id INTEGER PRIMARY KEY,
  user TEXT NOT NULL,
  client_id TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_id INTEGER NOT NULL,
  last_time_ms INTEGER NOT NULL,
  UNIQUE (user, client_id)
);
CREATE TABLE message (
  id INTEGER PRIMARY KEY,
  time_ms INTEGER NOT NULL,
  topic_id INTEGER NOT NULL,
  publisher_id INTEGER NOT NULL,
  flags INTEGER NOT NULL, -- QoS, + 4 when retained
  back INTEGER NOT NULL,  -- id minus the id of the message before it on this topic; 0 when there was none
  payload BLOB NOT NULL,
  cause TEXT,             -- JSON
  properties TEXT         -- JSON
);
CREATE INDEX message_retained ON message(id) WHERE flags >= 4;
CREATE TABLE handshake (
  client_id TEXT NOT NULL,
  outbound INTEGER NOT NULL,
  packet_id INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  released INTEGER NOT NULL,
  PRIMARY KEY (client_id, outbound, packet_id)
) WITHOUT ROWID;
";

/// Which copy of its message an outbound handshake is about, as a number of the sender's.
const STEP_2: &str = "ALTER TABLE handshake ADD COLUMN copied INTEGER NOT NULL DEFAULT 0;";

/// Keys of `meta`.
pub(super) mod key {
    /// Ids up to this one may have been given out. Written ahead of the ids, so that after a kill none is given
    /// twice, not even one whose row never reached the disk.
    pub(in crate::journal) const RESERVED: &str = "reserved";
    /// `topic` and `publisher` count every message up to this id.
    pub(in crate::journal) const NAMES_CURSOR: &str = "names_cursor";
}

pub(super) fn meta(conn: &rusqlite::Connection, key: &str) -> rusqlite::Result<u64> {
    use rusqlite::OptionalExtension;
    let mut statement = conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?;
    let value: Option<i64> = statement.query_row([key], |row| row.get(0)).optional()?;
    Ok(value.unwrap_or(0).cast_unsigned())
}

pub(super) fn set_meta(conn: &rusqlite::Connection, key: &str, value: u64) -> rusqlite::Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
        .execute((key, value.cast_signed()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::handshake;
    use crate::opening::open_writer;

    #[test]
    fn a_journal_of_the_first_format_is_brought_up_to_date_and_keeps_its_handshakes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.db");
        let first = Format { steps: &[STEP_1], ..FORMAT };
        let conn = open_writer(&path, &first).unwrap();
        conn.execute_batch("INSERT INTO handshake VALUES ('c', 1, 7, 3, 1)").unwrap();
        drop(conn);
        let conn = open_writer(&path, &FORMAT).unwrap();
        let kept = handshake::all(&conn).unwrap();
        let kept: Vec<_> = kept.iter().map(|row| (row.packet_id, row.released, row.copied)).collect();
        assert_eq!(kept, [(7, true, 0)]);
    }
}
