//! How often each reading of a board is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::json;
use testkit::hearth::Hearth;
use tokio::time::{Instant, sleep};

use crate::board::{Board, ROUND_STEP};

/// Later than any reading, UTC ms.
const END_OF_TIME_MS: i64 = 9_999_999_999_999;
/// Most readings the API gives at once.
const LIMIT: u32 = 100_000;
/// Longest what is in the journal may take to become readings.
const APPLIED_TIMEOUT: Duration = Duration::from_secs(30);
const APPLIED_STEP: Duration = Duration::from_millis(100);

/// Readings of one entity, and how often each is stored.
#[derive(Debug, Default)]
pub(crate) struct Counts(BTreeMap<u32, u32>);

impl Counts {
    /// Reads until every acknowledged reading of the board is there.
    pub(crate) async fn await_all(hearth: &Hearth, board: &Board, round: u32) -> Result<Self> {
        let deadline = Instant::now() + APPLIED_TIMEOUT;
        loop {
            let counts = Self::read(hearth, &board.entity).await?;
            let missing: Vec<_> =
                board.acked_readings().into_iter().filter(|value| counts.count(*value) == 0).collect();
            if missing.is_empty() {
                return Ok(counts);
            }
            ensure!(
                Instant::now() < deadline,
                "round {round}: {} lost {} acknowledged readings: {missing:?}",
                board.entity,
                missing.len()
            );
            sleep(APPLIED_STEP).await;
        }
    }

    async fn read(hearth: &Hearth, entity: &str) -> Result<Self> {
        let span = json!({ "entity": entity, "from_ms": 0, "to_ms": END_OF_TIME_MS, "limit": LIMIT });
        let answer = hearth.call("readings_range", span).await?;
        ensure!(answer["more"] == json!(false), "{entity} has more readings than can be read at once");
        let mut counts = Self::default();
        for reading in answer["readings"].as_array().context("readings_range has no readings")? {
            let value = reading["value"].as_f64().with_context(|| format!("{reading} is no number"))?;
            *counts.0.entry(value as u32).or_default() += 1;
        }
        Ok(counts)
    }

    /// How often a reading is stored.
    pub(crate) fn count(&self, value: u32) -> u32 {
        self.0.get(&value).copied().unwrap_or(0)
    }

    /// The readings of one round with their counts.
    pub(crate) fn of_round(&self, round: u32) -> impl Iterator<Item = (u32, u32)> {
        let of_round = round * ROUND_STEP..(round + 1) * ROUND_STEP;
        self.0.range(of_round).map(|(value, count)| (*value, *count))
    }
}
