//! Questions about the past, newest first, each bounded in the rows it looks at.

use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;

use model::Message;
use rusqlite::{Connection, OptionalExtension, Row};

use super::message::{Rows, SELECT};
use super::schema::{key, meta};
use super::{History, HistoryQuery, TopicLast, TopicsPage};
use crate::error::Result;

/// Most messages one question returns.
const LIMIT_MAX: usize = 10_000;
/// Topics whose chains are followed side by side; for more, rows are looked at one after the other.
const CHAINS_MAX: usize = 256;
/// Links followed to get to `before`; a topic with more newer messages is frequent, and found by looking.
const LINKS_MAX: usize = 5_000;
/// Rows looked at one after the other in one question.
const SCAN_MAX: usize = 100_000;
/// Bytes of names in one page of topics.
pub(super) const TOPICS_BYTES_MAX: usize = 16 * 1024 * 1024;

pub(super) fn history(conn: &Connection, query: &HistoryQuery) -> Result<History> {
    let limit = query.limit.clamp(1, LIMIT_MAX);
    let before = query.before.map_or(i64::MAX, |before| i64::try_from(before).unwrap_or(i64::MAX));
    if query.topic.is_none() && query.filter.is_none() {
        return scan(conn, |_| Ok(true), before, limit);
    }
    if let Some(starts) = starts(conn, query)? {
        if let Some(heads) = heads(conn, starts.values().copied(), before)? {
            return follow(conn, heads, limit);
        }
        return scan(conn, |topic| Ok(starts.contains_key(&topic)), before, limit);
    }
    // Of very many topics only those of the rows looked at are remembered.
    let mut looked_up: HashMap<i64, bool> = HashMap::new();
    let mut name = conn.prepare_cached("SELECT name FROM topic WHERE id = ?1")?;
    let wanted = |topic| {
        if let Some(wanted) = looked_up.get(&topic) {
            return Ok(*wanted);
        }
        let matches = |row: &Row<'_>| {
            let name = row.get_ref(0)?.as_str()?;
            Ok(query.filter.as_ref().is_none_or(|filter| filter.matches(name)))
        };
        let wanted = name.query_row([topic], matches)?;
        looked_up.insert(topic, wanted);
        Ok(wanted)
    };
    scan(conn, wanted, before, limit)
}

/// The newest message of each topic meant: by topic row, its id. `None` when there are too many to follow.
fn starts(conn: &Connection, query: &HistoryQuery) -> Result<Option<HashMap<i64, i64>>> {
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
                if starts.len() > CHAINS_MAX {
                    return Ok(None);
                }
            }
        }
    }
    for (topic, tail) in tail(conn)? {
        if let Some(start) = starts.get_mut(&topic) {
            *start = tail.last_id;
        }
    }
    Ok(Some(starts))
}

/// The newest messages of each topic, one topic after the other: at most `max` of it, and no more behind the one that
/// brings it to `bytes_max` bytes.
pub(super) fn newest_of_each<'t>(
    conn: &Connection,
    topics: impl Iterator<Item = &'t str>,
    (max, bytes_max): (usize, usize),
    mut take: impl FnMut(Vec<Message>),
) -> Result<()> {
    let tail = tail(conn)?;
    let mut start = conn.prepare_cached("SELECT id, last_id FROM topic WHERE name = ?1")?;
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let mut names = Rows::new(conn);
    for topic in topics {
        let found: Option<(i64, i64)> =
            start.query_row([topic], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((id, last_id)) = found else { continue };
        let mut next = tail.get(&id).map_or(last_id, |tail| tail.last_id.max(last_id));
        let (mut messages, mut bytes) = (Vec::new(), 0);
        while next > 0 && messages.len() < max && bytes < bytes_max {
            let mut rows = statement.query([next])?;
            // Pruned: the chain ends here.
            let Some(row) = rows.next()? else { break };
            let back: i64 = row.get(8)?;
            next = if back > 0 { next - back } else { 0 };
            let message = names.read(row)?;
            bytes += message.payload.len();
            messages.push(message);
        }
        take(messages);
    }
    Ok(())
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
fn scan(
    conn: &Connection,
    mut wanted: impl FnMut(i64) -> rusqlite::Result<bool>,
    before: i64,
    limit: usize,
) -> Result<History> {
    let mut statement = conn.prepare_cached(&format!("{SELECT} WHERE id < ?1 ORDER BY id DESC"))?;
    let mut rows = statement.query([before])?;
    let mut names = Rows::new(conn);
    let mut messages = Vec::new();
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        looked_at += 1;
        if wanted(row.get(2)?)? {
            messages.push(names.read(row)?);
        }
        if messages.len() >= limit || looked_at >= SCAN_MAX {
            let next_before = Some(row.get::<_, i64>(0)?.cast_unsigned());
            return Ok(History { messages, next_before });
        }
    }
    Ok(History { messages, next_before: None })
}

/// The wanted topics behind `after`, by name.
pub(super) fn topics(
    conn: &Connection,
    after: Option<&str>,
    limit: usize,
    bytes_max: usize,
    wanted: impl Fn(&str) -> bool,
) -> Result<TopicsPage> {
    let mut tail = tail(conn)?;
    // No topic is empty, so all are behind the empty one.
    let mut statement = conn.prepare_cached(
        "SELECT id, name, count, last_id, last_time_ms FROM topic WHERE name > ?1 ORDER BY name",
    )?;
    let mut rows = statement.query([after.unwrap_or_default()])?;
    let (mut topics, mut bytes) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        let name = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        if !wanted(name) {
            continue;
        }
        if topics.len() >= limit || bytes >= bytes_max {
            return Ok(TopicsPage { topics, more: true });
        }
        bytes += name.len();
        let mut last = Tail { count: row.get(2)?, last_id: row.get(3)?, last_time_ms: row.get(4)? };
        if let Some(newer) = tail.remove(&row.get(0)?) {
            last = Tail { count: last.count + newer.count, ..newer };
        }
        topics.push(TopicLast {
            topic: Arc::from(name),
            count: last.count.cast_unsigned(),
            last_id: last.last_id.cast_unsigned(),
            last_time_ms: last.last_time_ms,
        });
    }
    Ok(TopicsPage { topics, more: false })
}
