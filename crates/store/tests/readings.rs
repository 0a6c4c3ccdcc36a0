//! Readings, checked against the plainest way to answer the same questions.
#![allow(clippy::unwrap_used, reason = "a test")]

use model::{Bucket, Reading, Value};
use proptest::prelude::*;
use store::{ReadingsDb, log_checked};

fn open(folder: &std::path::Path) -> ReadingsDb {
    ReadingsDb::open(&folder.join("readings.db"), log_checked()).unwrap()
}

fn reading(entity: &str, time_ms: i64, message_id: u64, value: Value) -> Reading {
    Reading { entity: entity.into(), time_ms, message_id, value }
}

fn number(entity: &str, time_ms: i64, value: f64) -> Reading {
    reading(entity, time_ms, time_ms.unsigned_abs(), Value::Number(value))
}

#[test]
fn a_reading_is_kept_once_with_its_cursor() {
    let folder = tempfile::tempdir().unwrap();
    let values = [
        Value::Number(21.5),
        Value::Number(-3.0),
        Value::Number(-0.0),
        Value::Number(1e300),
        Value::Number(9_007_199_254_740_993.0),
        Value::Bool(true),
        Value::Bool(false),
        Value::Text("über".into()),
        Value::Text(String::new()),
    ];
    let readings: Vec<_> = (0..)
        .zip(&values)
        .map(|(n, value)| reading("living.temperature", 1_000 + n, n.unsigned_abs(), value.clone()))
        .collect();
    {
        let db = open(folder.path());
        db.append(readings.clone(), 41).unwrap();
        db.append(readings.clone(), 42).unwrap();
        db.flush().wait().unwrap();
        assert_eq!(db.cursor(), 42);
    }
    let db = open(folder.path());
    assert_eq!(db.cursor(), 42);
    assert_eq!(db.count().unwrap(), 9);
    let back = db.range("living.temperature", 0, i64::MAX, 100).unwrap();
    assert_eq!(format!("{back:?}"), format!("{readings:?}"), "the sign of zero included");
    assert_eq!(db.last("living.temperature").unwrap().as_ref(), readings.last());
    assert_eq!(db.span("living.temperature").unwrap(), Some((1_000, 1_008)));
    assert_eq!(db.range("living.temperature", 1_001, 1_003, 100).unwrap(), readings[1..3]);
    assert_eq!(db.range("living.temperature", 0, i64::MAX, 2).unwrap(), readings[..2]);
    assert_eq!(db.last("never").unwrap(), None);
    assert_eq!(db.entities().unwrap(), ["living.temperature"]);
}

#[test]
fn the_readings_of_a_replaced_board_go_on_in_one_series() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let text = |entity: &str, n: i64| reading(entity, n, n.unsigned_abs(), Value::Text("up".into()));
    db.append(vec![number("old", 1, 1.0), number("old", 2, 2.0), number("new", 2, 2.0)], 0).unwrap();
    db.append(vec![number("new", 3, 3.0), text("new", 4)], 0).unwrap();
    db.move_entity("new", "old").wait().unwrap();
    db.move_entity("new", "old").wait().unwrap();
    db.append(vec![number("old", 5, 5.0), number("new", 6, 6.0)], 0).unwrap();
    db.flush().wait().unwrap();
    let expected = [
        number("old", 1, 1.0),
        number("old", 2, 2.0),
        number("old", 3, 3.0),
        text("old", 4),
        number("old", 5, 5.0),
    ];
    assert_eq!(db.range("old", 0, i64::MAX, 100).unwrap(), expected);
    assert_eq!(db.range("new", 0, i64::MAX, 100).unwrap(), [number("new", 6, 6.0)]);
    assert_eq!(db.count().unwrap(), 6, "what both had is counted once");
}

#[test]
fn readings_are_written_without_being_flushed() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    db.append(vec![number("a", 1, 1.0)], 1).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        while db.cursor() < 1 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    });
    assert_eq!(db.backlog(), 0);
    assert_eq!(db.count().unwrap(), 1);
}

#[test]
fn a_removed_entity_leaves_nothing_and_may_come_back() {
    let folder = tempfile::tempdir().unwrap();
    {
        let db = open(folder.path());
        db.append((0..5_000).map(|n| number("a", n, 1.0)).collect(), 1).unwrap();
        db.append(vec![number("b", 1, 1.0)], 2).unwrap();
        db.remove_entity("a").wait().unwrap();
        assert_eq!(db.count().unwrap(), 1);
        assert!(db.range("a", 0, i64::MAX, 10).unwrap().is_empty());
        db.append(vec![number("a", 7, 2.0)], 3).unwrap();
        db.flush().wait().unwrap();
        assert_eq!(db.range("a", 0, i64::MAX, 10).unwrap(), [number("a", 7, 2.0)]);
    }
    let db = open(folder.path());
    assert_eq!(db.count().unwrap(), 2);
    assert_eq!(db.range("a", 0, i64::MAX, 10).unwrap(), [number("a", 7, 2.0)]);
}

#[test]
fn anyone_can_read_them_with_plain_sql() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let at = 1_700_000_000_007;
    let readings = [Value::Number(21.5), Value::Bool(true), Value::Text("open".into())];
    db.append((0..).zip(readings).map(|(n, value)| reading("door", at + n, 1, value)).collect(), 1).unwrap();
    db.flush().wait().unwrap();
    let plain = rusqlite::Connection::open(folder.path().join("readings.db")).unwrap();
    let mut statement =
        plain.prepare("SELECT entity || ' ' || time || ' ' || value FROM reading_all ORDER BY time").unwrap();
    let lines: Vec<String> = statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(
        lines,
        [
            "door 2023-11-14T22:13:20.007Z 21.5",
            "door 2023-11-14T22:13:20.008Z on",
            "door 2023-11-14T22:13:20.009Z open"
        ]
    );
}

#[test]
fn senseless_buckets_are_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let db = open(folder.path());
    let refused = db.buckets("a", 0, 1, 0).unwrap_err().to_string();
    assert_eq!(refused, "A bucket lasts at least 1 ms, not 0.");
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        6 => (-1_000..1_000i32).prop_map(|n| Value::Number(f64::from(n) / 8.0)),
        1 => any::<bool>().prop_map(Value::Bool),
        1 => "[a-c]".prop_map(Value::Text),
    ]
}

/// What the readings are, said in the plainest way: sorted, the first of each identity.
fn oracle(readings: &[Reading]) -> Vec<Reading> {
    let mut sorted: Vec<Reading> = readings.to_vec();
    sorted.sort_by_key(|reading| (reading.time_ms, reading.message_id));
    sorted.dedup_by_key(|reading| (reading.time_ms, reading.message_id));
    sorted
}

fn oracle_buckets(readings: &[Reading], bucket_ms: i64) -> Vec<Bucket> {
    let numbers: Vec<(i64, f64)> =
        readings.iter().filter_map(|reading| Some((reading.time_ms, reading.value.as_number()?))).collect();
    let mut starts: Vec<i64> =
        numbers.iter().map(|(time, _)| time.div_euclid(bucket_ms) * bucket_ms).collect();
    starts.dedup();
    let bucket = |start_ms: i64| {
        let inside: Vec<f64> = numbers
            .iter()
            .filter(|(time, _)| (start_ms..start_ms + bucket_ms).contains(time))
            .map(|(_, number)| *number)
            .collect();
        Bucket {
            start_ms,
            count: inside.len() as u64,
            min: inside.iter().copied().fold(f64::INFINITY, f64::min),
            mean: inside.iter().sum::<f64>() / inside.len() as f64,
            max: inside.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            last: inside[inside.len() - 1],
        }
    };
    starts.into_iter().map(bucket).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn range_and_buckets_agree_with_the_oracle(
        values in prop::collection::vec((-500..500i64, value()), 0..200),
        from in -600..600i64,
        length in 0..700i64,
        bucket_ms in 1..90i64,
        limit in 1..50usize,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let db = open(folder.path());
        let readings: Vec<Reading> =
            (0..).zip(&values).map(|(id, (time_ms, value))| reading("e", *time_ms, id, value.clone())).collect();
        db.append(vec![reading("other", 0, 0, Value::Number(1e9))], 1).unwrap();
        db.append(readings.clone(), 2).unwrap();
        // Read again after a crash.
        db.append(readings.iter().take(50).cloned().collect(), 3).unwrap();
        db.flush().wait().unwrap();

        let all = oracle(&readings);
        let to = from + length;
        let inside: Vec<Reading> =
            all.iter().filter(|reading| (from..to).contains(&reading.time_ms)).cloned().collect();
        prop_assert_eq!(db.range("e", from, to, usize::MAX).unwrap(), inside.clone());
        prop_assert_eq!(db.range("e", from, to, limit).unwrap(), inside[..limit.min(inside.len())].to_vec());
        prop_assert_eq!(db.buckets("e", from, to, bucket_ms).unwrap(), oracle_buckets(&inside, bucket_ms));
        prop_assert_eq!(db.last("e").unwrap(), all.last().cloned());
        prop_assert_eq!(db.count().unwrap(), all.len() as u64 + 1);
    }
}
