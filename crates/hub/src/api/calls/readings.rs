//! Stored values: as they came, downsampled, and the newest.

use std::sync::Arc;

use super::{Result, at_most, blocking};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

/// Readings of one answer unless the caller says otherwise, and at most.
const READINGS_DEFAULT: u32 = 10_000;
const READINGS_MAX: u32 = 100_000;
/// Buckets of one answer.
const BUCKETS_MAX: u32 = 5_000;

fn known_entity(hub: &Hub, id: &str) -> Result<()> {
    match hub.home.read().entity(id) {
        Some(_) => Ok(()),
        None => Err(ApiError::not_found("entity", id)),
    }
}

fn check_span(from_ms: i64, to_ms: i64) -> Result<()> {
    if from_ms < to_ms {
        return Ok(());
    }
    Err(ApiError::invalid("The span of time is empty: `from_ms` must be smaller than `to_ms`."))
}

pub(in crate::api) async fn readings_range(
    hub: &Arc<Hub>,
    _: &Caller,
    range: ReadingsRange,
) -> Result<Readings> {
    known_entity(hub, &range.entity)?;
    check_span(range.from_ms, range.to_ms)?;
    let limit = at_most(range.limit, READINGS_DEFAULT, READINGS_MAX);
    settled(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let found = hub.readings.range(&range.entity, range.from_ms, range.to_ms, limit + 1);
        let mut readings = found.map_err(ApiError::internal)?;
        let more = readings.len() > limit;
        readings.truncate(limit);
        Ok(Readings { readings, more })
    })
    .await
}

/// Waits until what was accepted before this call can be read: whoever saw an acknowledgement finds the reading.
async fn settled(hub: &Hub) -> Result<()> {
    hub.ingested().await;
    hub.readings.flush().await.map_err(ApiError::internal)
}

pub(in crate::api) async fn readings_buckets(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: ReadingsBuckets,
) -> Result<Buckets> {
    known_entity(hub, &wanted.entity)?;
    check_span(wanted.from_ms, wanted.to_ms)?;
    let points = i64::from(wanted.points.clamp(1, BUCKETS_MAX));
    let span = wanted.to_ms.saturating_sub(wanted.from_ms);
    let bucket_ms = round_bucket(span.div_euclid(points).max(1));
    let hub = hub.clone();
    blocking(move || {
        let found = hub.readings.buckets(&wanted.entity, wanted.from_ms, wanted.to_ms, bucket_ms);
        Ok(Buckets { bucket_ms, buckets: found.map_err(ApiError::internal)? })
    })
    .await
}

/// The next length of a bucket that divides a day: buckets then stand still while a chart moves on.
fn round_bucket(at_least_ms: i64) -> i64 {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const LENGTHS: [i64; 19] = [
        100,
        500,
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
    ];
    LENGTHS.into_iter().find(|length| *length >= at_least_ms).unwrap_or_else(|| {
        let days = at_least_ms.saturating_add(DAY - 1) / DAY;
        days.saturating_mul(DAY)
    })
}

pub(in crate::api) async fn last_reading(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<LastReading> {
    known_entity(hub, &by.id)?;
    settled(hub).await?;
    let hub = hub.clone();
    blocking(move || Ok(LastReading { reading: hub.readings.last(&by.id).map_err(ApiError::internal)? }))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_round_lengths() {
        fn check(at_least_ms: i64, expected: i64) {
            assert_eq!(round_bucket(at_least_ms), expected);
        }
        check(1, 100);
        check(432_000, 600_000);
        check(3_600_000, 3_600_000);
        check(100_000_000, 172_800_000);
        check(i64::MAX, (i64::MAX / 86_400_000) * 86_400_000);
    }
}
