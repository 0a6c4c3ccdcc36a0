//! Keeping the journal within its bounds, a few milliseconds at a time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension as _, Result};

use super::names::{Names, Used};

/// How long one step may take before it commits. The step is checked after each piece of
/// [`PIECE_ROWS`] or [`PIECE_BYTES`].
const STEP: Duration = Duration::from_millis(4);
const PIECE_ROWS: usize = 256;
/// A large payload lies in pages of its own, each of which has to be visited.
const PIECE_BYTES: i64 = 1024 * 1024;
/// Topics or publishers looked at in one step.
const PIECE_NAMES: i64 = 2_000;
/// Pages given back to the disk in one step.
const PIECE_PAGES: i64 = 128;
/// Free pages that are kept for the next messages instead of being given back: a quarter of the file.
const FREE_KEPT: i64 = 4;

const DAY_MS: i64 = 86_400_000;

/// What is to be reached, and how far it is.
#[derive(Debug, Clone)]
pub(super) struct Goal {
    now_ms: i64,
    days_max: i64,
    bytes_max: i64,
    /// Every reader has read up to here.
    lowest_cursor: u64,
    /// Topics to be forgotten altogether.
    forget: Vec<Chain>,
    phase: Phase,
}

/// The messages of one topic, from the newest back.
#[derive(Debug, Clone)]
struct Chain {
    topic: Arc<str>,
    /// The next to be deleted; `None` before the first.
    at: Option<i64>,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    Messages,
    /// Names nobody uses any more; looked at up to this row.
    Topics(i64),
    Publishers(i64),
    Space,
}

/// What one step did.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pruned {
    pub(super) rows: u64,
    /// Of these, rows above the lowest cursor.
    pub(super) unread: u64,
    pub(super) done: bool,
}

impl Goal {
    pub(super) fn new(now_ms: i64, days_max: u32, bytes_max: u64, lowest_cursor: u64) -> Self {
        let bytes_max = i64::try_from(bytes_max).unwrap_or(i64::MAX / 2).min(i64::MAX / 2);
        let (days_max, forget) = (days_max.into(), Vec::new());
        Self { now_ms, days_max, bytes_max, lowest_cursor, forget, phase: Phase::Messages }
    }

    /// A goal that deletes these topics and nothing else: with these bounds no message is due.
    pub(super) fn forget(topics: Vec<Arc<str>>) -> Self {
        let forget = topics.into_iter().map(|topic| Chain { topic, at: None }).collect();
        Self { forget, ..Self::new(0, 0, u64::MAX, 0) }
    }

    /// A goal of bytes alone, whatever the messages' age.
    pub(super) fn room(bytes_max: u64, lowest_cursor: u64) -> Self {
        Self::new(0, 0, bytes_max, lowest_cursor)
    }

    /// Takes over what another goal had still to forget.
    pub(super) fn also_forget(&mut self, other: Self) {
        if !other.forget.is_empty() {
            self.forget.extend(other.forget);
            self.phase = Phase::Messages;
        }
    }

    /// Goes on where an older goal was: goals that follow each other quickly come to an end all the same.
    pub(super) fn go_on_from(&mut self, older: Self) {
        self.phase = older.phase;
        self.also_forget(older);
    }

    fn cutoff_ms(&self, times: i64) -> i64 {
        self.now_ms.saturating_sub(self.days_max.saturating_mul(DAY_MS).saturating_mul(times))
    }
}

/// One step inside the writer's transaction. `unread_retained`: rows above this id have not reached the
/// retained messages yet and stay whatever the budget.
pub(super) fn step(
    conn: &Connection,
    names: &mut Names,
    goal: &mut Goal,
    unread_retained: Option<u64>,
) -> Result<Pruned> {
    let begin = Instant::now();
    let mut pruned = Pruned::default();
    while begin.elapsed() < STEP && !pruned.done {
        if let Some(chain) = goal.forget.last_mut() {
            if unread_retained.is_some() {
                // A message that took a retained one away has to be read before it may go.
                break;
            }
            if forget_piece(conn, names, chain, &mut pruned)? {
                goal.forget.pop();
            }
            continue;
        }
        match goal.phase {
            Phase::Messages => {
                if !delete_piece(conn, names, goal, unread_retained, &mut pruned)? {
                    goal.phase = Phase::Topics(0);
                }
            }
            Phase::Topics(after) => {
                let next = delete_names(conn, names, "topic", after)?;
                goal.phase = next.map_or(Phase::Publishers(0), Phase::Topics);
            }
            Phase::Publishers(after) => {
                let next = delete_names(conn, names, "publisher", after)?;
                goal.phase = next.map_or(Phase::Space, Phase::Publishers);
            }
            Phase::Space => pruned.done = !give_back_space(conn)?,
        }
    }
    Ok(pruned)
}

/// Deletes the oldest messages until the goal's bytes are kept, no more may go, or the time is over. Like [`step`]
/// inside the writer's transaction.
pub(super) fn make_room(
    conn: &Connection,
    names: &mut Names,
    goal: &Goal,
    unread_retained: Option<u64>,
    time: Duration,
) -> Result<Pruned> {
    let begin = Instant::now();
    let mut pruned = Pruned::default();
    while !pruned.done {
        pruned.done = !delete_piece(conn, names, goal, unread_retained, &mut pruned)?;
        if begin.elapsed() >= time {
            break;
        }
    }
    Ok(pruned)
}

/// Deletes a piece of a topic's messages; true when none is left and the name is gone, too, unless a new message
/// has come meanwhile.
fn forget_piece(
    conn: &Connection,
    names: &mut Names,
    chain: &mut Chain,
    pruned: &mut Pruned,
) -> Result<bool> {
    names.flush(conn)?;
    names.drop_held();
    if chain.at.is_none() {
        let mut last = conn.prepare_cached("SELECT last_id FROM topic WHERE name = ?1")?;
        chain.at = last.query_row([&*chain.topic], |row| row.get(0)).optional()?;
    }
    let mut delete = conn.prepare_cached("DELETE FROM message WHERE id = ?1 RETURNING back")?;
    for _ in 0..PIECE_ROWS {
        let Some(at) = chain.at else { break };
        let back: Option<i64> = delete.query_row([at], |row| row.get(0)).optional()?;
        pruned.rows += u64::from(back.is_some());
        chain.at = back.filter(|back| *back != 0).map(|back| at - back);
    }
    if chain.at.is_none() {
        conn.prepare_cached(
            "DELETE FROM topic WHERE name = ?1 AND NOT EXISTS (SELECT 1 FROM message WHERE id = topic.last_id)",
        )?
        .execute([&*chain.topic])?;
    }
    Ok(chain.at.is_none())
}

/// Deletes the oldest messages as far as they are due, and the names nobody has any more; false when none is. The
/// names go with their messages, because with ever new topics they, not the messages, fill the file.
fn delete_piece(
    conn: &Connection,
    names: &mut Names,
    goal: &Goal,
    unread_retained: Option<u64>,
    pruned: &mut Pruned,
) -> Result<bool> {
    let live = live_bytes(conn)?;
    let (full, overfull) = (live > goal.bytes_max, live > goal.bytes_max.saturating_mul(2));
    let (old_ms, far_too_old_ms) = (goal.cutoff_ms(1), goal.cutoff_ms(2));
    let mut statement = conn.prepare_cached(
        "SELECT id, time_ms, length(payload), topic_id, publisher_id FROM message ORDER BY id LIMIT ?1",
    )?;
    let mut rows = statement.query([PIECE_ROWS as i64])?;
    let (mut seen, mut bytes) = (Pruned::default(), 0);
    let (mut used, mut up_to) = (Used::default(), None);
    while let Some(row) = rows.next()? {
        let (id, time_ms): (i64, i64) = (row.get(0)?, row.get(1)?);
        let unread = id.cast_unsigned() > goal.lowest_cursor;
        let beyond = overfull || time_ms < far_too_old_ms;
        if unread_retained.is_some_and(|read| id.cast_unsigned() > read) || (unread && !beyond) {
            break;
        }
        used.add(row.get(3)?, row.get(4)?);
        seen.rows += 1;
        seen.unread += u64::from(unread);
        // Ids are in the order of time but for a clock that was set back between two runs; a row that is due
        // takes those before it along.
        if beyond || full || time_ms < old_ms {
            up_to = Some(id);
            pruned.rows += std::mem::take(&mut seen.rows);
            pruned.unread += std::mem::take(&mut seen.unread);
        }
        bytes += row.get::<_, i64>(2)?;
        if bytes > PIECE_BYTES {
            break;
        }
    }
    drop(rows);
    let Some(up_to) = up_to else { return Ok(false) };
    conn.prepare_cached("DELETE FROM message WHERE id <= ?1")?.execute([up_to])?;
    names.remove_unused(conn, &used.once(), up_to)?;
    Ok(true)
}

/// Deletes names whose last message is gone. Returns where to go on.
fn delete_names(conn: &Connection, names: &mut Names, table: &str, after: i64) -> Result<Option<i64>> {
    names.flush(conn)?;
    let last: Option<i64> = conn.query_row(
        &format!(
            "SELECT max(id) FROM (SELECT id FROM {table} WHERE id > ?1 ORDER BY id LIMIT {PIECE_NAMES})"
        ),
        [after],
        |row| row.get(0),
    )?;
    let Some(last) = last else { return Ok(None) };
    let oldest: Option<i64> = conn.query_row("SELECT min(id) FROM message", [], |row| row.get(0))?;
    let oldest = oldest.unwrap_or(i64::MAX);
    let deleted = conn.execute(
        &format!("DELETE FROM {table} WHERE id > ?1 AND id <= ?2 AND last_id < ?3"),
        [after, last, oldest],
    )?;
    if deleted > 0 {
        names.drop_below(oldest.cast_unsigned());
    }
    Ok(Some(last))
}

/// Gives pages back to the disk when a good part of the file is free; false when there is nothing to do.
fn give_back_space(conn: &Connection) -> Result<bool> {
    let pages: i64 = conn.pragma_query_value(None, "page_count", |row| row.get(0))?;
    let free: i64 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free < PIECE_PAGES || free < pages / FREE_KEPT {
        return Ok(false);
    }
    let mut statement = conn.prepare(&format!("PRAGMA incremental_vacuum({PIECE_PAGES})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(true)
}

/// Bytes in use in the file, without its free pages.
pub(super) fn live_bytes(conn: &Connection) -> Result<i64> {
    let number = |pragma| conn.prepare_cached(pragma)?.query_row([], |row| row.get::<_, i64>(0));
    let (pages, free) = (number("PRAGMA page_count")?, number("PRAGMA freelist_count")?);
    Ok((pages - free) * number("PRAGMA page_size")?)
}
