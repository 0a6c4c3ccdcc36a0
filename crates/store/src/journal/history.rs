//! Questions about the past, newest first, each bounded in the rows it looks at.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use super::message::{Rows, SELECT};
use super::schema::{key, meta};
use super::{History, HistoryQuery, TopicLast};
use crate::error::Result;

/// Most messages one question returns.
const LIMIT_MAX: usize = 10_000;
/// Topics whose chains are followed side by side; for more, rows are looked at one after the other.
const CHAINS_MAX: usize = 256;
/// Links followed to get to `before`; a topic with more newer messages is frequent, and found by looking.
const LINKS_MAX: usize = 5_000;
/// Rows looked at one after the other in one question.
const SCAN_MAX: usize = 100_000;

pub(super) fn history(conn: &Connection, query: &HistoryQuery) -> Result<History> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let before = query.before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    if query.topic.is_none() && query.filter.is_none() {
        return scan(conn, None, before, limit);
    }
    let starts = starts(conn, query)?;
    if starts.len() <= CHAINS_MAX
        && let Some(heads) = heads(conn, starts.values().copied(), before)?
    {
        return follow(conn, heads, limit);
    }
    scan(conn, Some(&starts), before, limit)
}

/// The newest message of each topic meant: by topic row, its id.
fn starts(conn: &Connection, query: &HistoryQuery) -> Result<HashMap<i64, i64>> {
    let mut starts = HashMap::new();
    if let Some(topic) = &query.topic {
        let found: Option<(i64, i64)> = conn
            .prepare_cached("SELECT id, last_id FROM topic WHERE name = ?1")?
            .query_row([topic], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        starts.extend(found);
    } else if let Some(filter) = &query.filter {
        let mut statement = conn.prepare_cached("SELECT id, last_id, name FROM topic")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if filter.matches(row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?) {
                starts.insert(row.get(0)?, row.get(1)?);
            }
        }
    }
    for (topic, tail) in tail(conn)? {
        if let Some(start) = starts.get_mut(&topic) {
            *start = tail.last_id;
        }
    }
    Ok(starts)
}

struct Tail {
    count: i64,
    last_id: i64,
    last_time_ms: i64,
}

/// What came after the `topic` table was last brought up to date; a few thousand rows at most.
fn tail(conn: &Connection) -> Result<HashMap<i64, Tail>> {
    let cursor = meta(conn, key::NAMES_CURSOR)?.cast_signed();
    let mut statement = conn.prepare_cached(
        "SELECT topic_id, count(*), max(id), max(time_ms) FROM message WHERE id > ?1 GROUP BY topic_id",
    )?;
    let rows = statement.query_map([cursor], |row| {
        Ok((row.get(0)?, Tail { count: row.get(1)?, last_id: row.get(2)?, last_time_ms: row.get(3)? }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Follows each chain to its first message below `before`; `None` when that takes too many links.
fn heads(
    conn: &Connection,
    starts: impl Iterator<Item = i64>,
    before: i64,
) -> Result<Option<BinaryHeap<i64>>> {
    let mut link = conn.prepare_cached("SELECT back FROM message WHERE id = ?1")?;
    let mut links = 0;
    let mut heads = BinaryHeap::new();
    for mut id in starts {
        while id >= before {
            links += 1;
            if links > LINKS_MAX {
                return Ok(None);
            }
            let back: Option<i64> = link.query_row([id], |row| row.get(0)).optional()?;
            match back {
                Some(back) if back > 0 => id -= back,
                _ => id = 0,
            }
        }
        if id > 0 {
            heads.push(id);
        }
    }
    Ok(Some(heads))
}

/// Merges the chains, newest first.
fn follow(conn: &Connection, mut heads: BinaryHeap<i64>, limit: usize) -> Result<History> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut names = Rows::new(conn);
    let mut messages = Vec::new();
    while messages.len() < limit
        && let Some(id) = heads.pop()
    {
        let mut rows = statement.query([id])?;
        // Pruned: the chain ends here.
        let Some(row) = rows.next()? else { continue };
        let back: i64 = row.get(8)?;
        if back > 0 {
            heads.push(id - back);
        }
        messages.push(names.read(row)?);
    }
    let next_before = if heads.is_empty() { None } else { messages.last().map(|message| message.id) };
    Ok(History { messages, next_before })
}

/// Looks at row after row, newest first.
fn scan(conn: &Connection, topics: Option<&HashMap<i64, i64>>, before: i64, limit: usize) -> Result<History> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id < ?1 ORDER BY id DESC"))?;
    let mut rows = statement.query([before])?;
    let mut names = Rows::new(conn);
    let mut messages = Vec::new();
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        looked_at += 1;
        let wanted =
            topics.is_none_or(|topics| row.get(2).is_ok_and(|topic: i64| topics.contains_key(&topic)));
        if wanted {
            messages.push(names.read(row)?);
        }
        if messages.len() >= limit || looked_at >= SCAN_MAX {
            let next_before = Some(row.get::<_, i64>(0)?.cast_unsigned());
            return Ok(History { messages, next_before });
        }
    }
    Ok(History { messages, next_before: None })
}

/// Every topic the journal has messages of, by name.
pub(super) fn topics(conn: &Connection) -> Result<Vec<TopicLast>> {
    let mut tail = tail(conn)?;
    let mut statement =
        conn.prepare_cached("SELECT id, name, count, last_id, last_time_ms FROM topic ORDER BY name")?;
    let mut rows = statement.query([])?;
    let mut topics = Vec::new();
    while let Some(row) = rows.next()? {
        let mut last = Tail { count: row.get(2)?, last_id: row.get(3)?, last_time_ms: row.get(4)? };
        if let Some(newer) = tail.remove(&row.get(0)?) {
            last = Tail { count: last.count + newer.count, ..newer };
        }
        topics.push(TopicLast {
            topic: Arc::from(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?),
            count: last.count.cast_unsigned(),
            last_id: last.last_id.cast_unsigned(),
            last_time_ms: last.last_time_ms,
        });
    }
    Ok(topics)
}
