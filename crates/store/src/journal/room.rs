//! Room on the disk: above its bytes the journal is pruned in turns with writing, so that it never grows faster
//! than it shrinks. Who publishes meanwhile feels it by the backlog.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, Result};

use super::prune::live_bytes;
use super::queue::Group;
use crate::opening::WAL_KEPT_BYTES;

/// Bytes written between two looks at the file.
const LOOK_BYTES: usize = 1024 * 1024;
/// What a row may cost beside topic and payload: a new name takes a page of its own.
const ROW_BYTES: usize = 4 * 1024;
/// Above its bytes by this part, the journal is pruned until it is below, or nothing more may go, before the next
/// group is written: an eighth.
const PART_ABOVE: i64 = 8;
/// One turn of pruning takes as long as the write before it did, but at least and at most this.
const TURN_MIN: Duration = Duration::from_millis(4);
const TURN_MAX: Duration = Duration::from_millis(100);

/// How the journal's files stand to their bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fill {
    Within,
    /// Pruning takes turns with writing.
    Full,
    /// Pruning goes before writing.
    Brimful,
    /// Not even what a reader has not read yet stays.
    Overfull,
}

impl Fill {
    /// As pruning sees it, which takes away what nobody has read above twice the bytes.
    fn of(live: i64, bytes_max: u64) -> Self {
        let max = i64::try_from(bytes_max).unwrap_or(i64::MAX);
        match live {
            live if live <= max => Self::Within,
            live if live <= max.saturating_add(max / PART_ABOVE) => Self::Full,
            live if live <= max.saturating_mul(2) => Self::Brimful,
            _ => Self::Overfull,
        }
    }
}

/// When to look at the files again.
#[derive(Debug)]
pub(super) struct Room {
    wal: PathBuf,
    written: usize,
}

impl Room {
    pub(super) fn new(journal: &Path) -> Self {
        let mut wal = journal.as_os_str().to_owned();
        wal.push("-wal");
        // The first group is followed by a look.
        Self { wal: wal.into(), written: LOOK_BYTES }
    }

    /// Notes what is written; true when it is time to look.
    pub(super) fn wrote(&mut self, group: &Group) -> bool {
        self.written =
            self.written.saturating_add(group.bytes).saturating_add(group.entries.len() * ROW_BYTES);
        self.written >= LOOK_BYTES
    }

    pub(super) fn look(conn: &Connection, bytes_max: u64) -> Result<Fill> {
        Ok(Fill::of(live_bytes(conn)?, bytes_max))
    }

    /// There is no use in looking before more is written.
    pub(super) fn rest(&mut self) {
        self.written = 0;
    }

    /// The write-ahead log is cut back when it is above its bound: under steady load there may always be a reader
    /// in it, and then it would grow on and on. Waits for the readers that are in it, at most as long as for any
    /// lock; while one stays longer, each look waits again, so that the log grows by seconds per [`LOOK_BYTES`].
    pub(super) fn cut_log(&self, conn: &Connection) -> Result<()> {
        let long = |log: std::fs::Metadata| i64::try_from(log.len()).is_ok_and(|len| len > WAL_KEPT_BYTES);
        if std::fs::metadata(&self.wal).is_ok_and(long) {
            conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        }
        Ok(())
    }
}

/// How long a turn of pruning takes after a write that took so long.
pub(super) fn turn(write: Duration) -> Duration {
    write.clamp(TURN_MIN, TURN_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pruning_takes_turns_then_goes_first_then_spares_nothing() {
        let fills = [100, 101, 112, 113, 200, 201].map(|live| Fill::of(live, 100));
        use Fill::*;
        assert_eq!(fills, [Within, Full, Full, Brimful, Brimful, Overfull]);
        assert_eq!(Fill::of(i64::MAX, u64::MAX), Within);
    }

    #[test]
    fn the_file_is_looked_at_again_only_after_a_good_piece_was_written() {
        let mut room = Room::new(Path::new("journal.db"));
        let group = |bytes| Group { bytes, ..Group::default() };
        assert!(room.wrote(&group(0)), "the first time at once");
        room.rest();
        assert!(!room.wrote(&group(LOOK_BYTES - 1)));
        assert!(room.wrote(&group(1)));
    }
}
