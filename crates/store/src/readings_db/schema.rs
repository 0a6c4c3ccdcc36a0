//! The format of `readings.db`, one step per version. A step that was released is never edited; add another.
//!
//! A series holds values of one kind, so that later each can be sealed into chunks by the codec that fits; an
//! entity whose values change kind has a series for each. `reading` is the table the newest rows are in;
//! whoever reads goes through [`super::query`], where sealed rows will be added.

use crate::opening::Format;

pub(super) static FORMAT: Format =
    Format { application_id: i32::from_be_bytes(*b"Hrt3"), steps: &[STEP_1], checkpoint_pages: 2_000 };

const STEP_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta (key, value) VALUES ('cursor', 0), ('count', 0);
CREATE TABLE series (
  id INTEGER PRIMARY KEY,
  entity TEXT NOT NULL,
  kind TEXT NOT NULL, -- number, bool or text
  UNIQUE (entity, kind)
);
CREATE TABLE text_value (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE reading (
  series INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  message_id INTEGER NOT NULL,
  value, -- number: INTEGER or REAL; bool: 0 or 1; text: text_value.id
  PRIMARY KEY (series, time_ms, message_id)
) WITHOUT ROWID;
-- Series of removed entities: nobody sees them any more, their rows are deleted bit by bit.
CREATE TABLE removed (series INTEGER PRIMARY KEY);
CREATE VIEW reading_all (entity, time, value) AS
  SELECT series.entity,
    strftime('%Y-%m-%dT%H:%M:%S', reading.time_ms / 1000, 'unixepoch') || printf('.%03dZ', reading.time_ms % 1000),
    CASE series.kind
      WHEN 'text' THEN (SELECT text FROM text_value WHERE id = reading.value)
      WHEN 'bool' THEN CASE reading.value WHEN 0 THEN 'off' ELSE 'on' END
      ELSE reading.value
    END
  FROM reading JOIN series ON series.id = reading.series;
";

/// Keys of `meta`.
pub(super) mod key {
    /// Every message up to this journal id has been read and its readings are stored.
    pub(in crate::readings_db) const CURSOR: &str = "cursor";
    /// Readings of entities that have not been removed.
    pub(in crate::readings_db) const COUNT: &str = "count";
}

pub(super) fn meta(conn: &rusqlite::Connection, key: &str) -> rusqlite::Result<i64> {
    conn.prepare_cached("SELECT value FROM meta WHERE key = ?1")?.query_row([key], |row| row.get(0))
}

pub(super) fn set_meta(conn: &rusqlite::Connection, key: &str, value: i64) -> rusqlite::Result<()> {
    conn.prepare_cached("UPDATE meta SET value = ?2 WHERE key = ?1")?.execute((key, value))?;
    Ok(())
}
