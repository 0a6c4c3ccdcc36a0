//! Questions about readings. Everything that reads rows goes through [`walk`], which is where sealed rows will
//! join in.

use model::{Bucket, Reading, Value};
use rusqlite::{Connection, OptionalExtension, Row};

use super::schema::{key, meta};
use super::series::Kind;
use crate::error::{Result, StoreError};

/// Most readings one question returns.
pub const RANGE_MAX: usize = 1_000_000;
/// Most buckets one question returns.
pub const BUCKETS_MAX: usize = 100_000;

struct Series {
    id: i64,
    kind: Kind,
}

fn series_of(conn: &Connection, entity: &str) -> Result<Vec<Series>> {
    let mut statement = conn.prepare_cached("SELECT id, kind FROM series WHERE entity = ?1 ORDER BY id")?;
    let mut rows = statement.query([entity])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(kind) = Kind::from_name(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?) {
            all.push(Series { id: row.get(0)?, kind });
        }
    }
    Ok(all)
}

/// One row with the kind of its series.
struct Cell<'r> {
    kind: Kind,
    row: &'r Row<'r>,
}

impl Cell<'_> {
    fn time_ms(&self) -> rusqlite::Result<i64> {
        self.row.get(0)
    }

    fn number(&self) -> rusqlite::Result<f64> {
        self.row.get(2)
    }

    fn reading(&self, conn: &Connection, entity: &str) -> Result<Reading> {
        let value = match self.kind {
            Kind::Number => Value::Number(self.number()?),
            Kind::Bool => Value::Bool(self.row.get::<_, i64>(2)? != 0),
            Kind::Text => Value::Text(
                conn.prepare_cached("SELECT text FROM text_value WHERE id = ?1")?
                    .query_row([self.row.get::<_, i64>(2)?], |row| row.get(0))?,
            ),
        };
        Ok(Reading {
            entity: entity.to_owned(),
            time_ms: self.time_ms()?,
            message_id: self.row.get::<_, i64>(1)?.cast_unsigned(),
            value,
        })
    }
}

/// Visits the rows of these series with `from_ms <= time < to_ms` in the order of (time, message) until
/// `visit` says that it has enough. An entity nearly always has one series; several are merged.
fn walk(
    conn: &Connection,
    series: &[Series],
    (from_ms, to_ms): (i64, i64),
    mut visit: impl FnMut(&Cell<'_>) -> Result<bool>,
) -> Result<()> {
    if let [only] = series {
        let mut statement = conn.prepare_cached(
            "SELECT time_ms, message_id, value FROM reading
             WHERE series = ?1 AND time_ms >= ?2 AND time_ms < ?3 ORDER BY time_ms, message_id",
        )?;
        let mut rows = statement.query((only.id, from_ms, to_ms))?;
        while let Some(row) = rows.next()? {
            if !visit(&Cell { kind: only.kind, row })? {
                break;
            }
        }
        return Ok(());
    }
    // Each arm is in order already, so SQLite merges them without sorting.
    let arms: Vec<String> = series
        .iter()
        .enumerate()
        .map(|(index, series)| {
            format!(
                "SELECT time_ms, message_id, value, {index} FROM reading
                 WHERE series = {} AND time_ms >= ?1 AND time_ms < ?2",
                series.id
            )
        })
        .collect();
    if arms.is_empty() {
        return Ok(());
    }
    let mut statement = conn.prepare(&format!("{} ORDER BY 1, 2, 4", arms.join(" UNION ALL ")))?;
    let mut rows = statement.query((from_ms, to_ms))?;
    while let Some(row) = rows.next()? {
        let Some(series) = series.get(usize::from(row.get::<_, u8>(3)?)) else { continue };
        if !visit(&Cell { kind: series.kind, row })? {
            break;
        }
    }
    Ok(())
}

pub(super) fn range(conn: &Connection, entity: &str, span: (i64, i64), limit: usize) -> Result<Vec<Reading>> {
    let limit = limit.min(RANGE_MAX);
    let mut readings = Vec::new();
    if limit == 0 {
        return Ok(readings);
    }
    walk(conn, &series_of(conn, entity)?, span, |cell| {
        readings.push(cell.reading(conn, entity)?);
        Ok(readings.len() < limit)
    })?;
    Ok(readings)
}

pub(super) fn buckets(
    conn: &Connection,
    entity: &str,
    span: (i64, i64),
    bucket_ms: i64,
) -> Result<Vec<Bucket>> {
    if bucket_ms <= 0 {
        return Err(StoreError::Question(format!("A bucket lasts at least 1 ms, not {bucket_ms}.")));
    }
    let mut series = series_of(conn, entity)?;
    series.retain(|series| series.kind != Kind::Text);
    let mut buckets: Vec<Bucket> = Vec::new();
    let mut sum = 0.0;
    walk(conn, &series, span, |cell| {
        let (time_ms, number) = (cell.time_ms()?, cell.number()?);
        let start_ms = time_ms.saturating_sub(time_ms.rem_euclid(bucket_ms));
        match buckets.last_mut() {
            Some(bucket) if bucket.start_ms == start_ms => {
                bucket.count += 1;
                bucket.min = bucket.min.min(number);
                bucket.max = bucket.max.max(number);
                bucket.last = number;
                sum += number;
            }
            open => {
                if let Some(bucket) = open {
                    bucket.mean = sum / bucket.count as f64;
                }
                if buckets.len() >= BUCKETS_MAX {
                    return Err(StoreError::Question(format!(
                        "That would be more than {BUCKETS_MAX} points. Choose a shorter span or longer buckets."
                    )));
                }
                buckets.push(Bucket {
                    start_ms,
                    count: 1,
                    min: number,
                    mean: number,
                    max: number,
                    last: number,
                });
                sum = number;
            }
        }
        Ok(true)
    })?;
    if let Some(bucket) = buckets.last_mut() {
        bucket.mean = sum / bucket.count as f64;
    }
    Ok(buckets)
}

pub(super) fn last(conn: &Connection, entity: &str) -> Result<Option<Reading>> {
    let mut newest: Option<Reading> = None;
    for series in series_of(conn, entity)? {
        let mut statement = conn.prepare_cached(
            "SELECT time_ms, message_id, value FROM reading WHERE series = ?1
             ORDER BY time_ms DESC, message_id DESC LIMIT 1",
        )?;
        let mut rows = statement.query([series.id])?;
        let Some(row) = rows.next()? else { continue };
        let reading = Cell { kind: series.kind, row }.reading(conn, entity)?;
        let is_newer = newest.as_ref().is_none_or(|newest| {
            (newest.time_ms, newest.message_id) <= (reading.time_ms, reading.message_id)
        });
        if is_newer {
            newest = Some(reading);
        }
    }
    Ok(newest)
}

pub(super) fn count(conn: &Connection) -> Result<u64> {
    Ok(meta(conn, key::COUNT)?.max(0).cast_unsigned())
}

/// Entities that have readings.
pub(super) fn entities(conn: &Connection) -> Result<Vec<String>> {
    let mut statement = conn.prepare_cached("SELECT DISTINCT entity FROM series ORDER BY entity")?;
    Ok(statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
}

/// The span of one entity's readings: time of the first and of the last, UTC ms.
pub(super) fn span(conn: &Connection, entity: &str) -> Result<Option<(i64, i64)>> {
    let mut whole: Option<(i64, i64)> = None;
    for series in series_of(conn, entity)? {
        let end = |order: &str| {
            conn.prepare_cached(&format!(
                "SELECT time_ms FROM reading WHERE series = ?1 ORDER BY time_ms {order} LIMIT 1"
            ))?
            .query_row([series.id], |row| row.get::<_, i64>(0))
            .optional()
        };
        if let (Some(first), Some(last)) = (end("ASC")?, end("DESC")?) {
            let (from, to) = whole.unwrap_or((first, last));
            whole = Some((from.min(first), to.max(last)));
        }
    }
    Ok(whole)
}
