//! Entities made from some of the topics: each acknowledged message is one reading, stored once.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::world::World;

/// Most readings the API gives at once.
const LIMIT: u32 = 100_000;
/// Later than any reading, UTC ms.
const END_OF_TIME_MS: i64 = 9_999_999_999_999;
/// What is younger is left for the next look, UTC ms: it may still be on its way.
const YOUNG_MS: i64 = 2_000;
/// Stories told of one entity.
const TOLD_MAX: usize = 5;

/// An entity and how often each number of its topic was found stored.
#[derive(Debug)]
struct Entity {
    id: String,
    topic: String,
    counts: Vec<u8>,
}

/// The readings that were looked at so far.
#[derive(Debug)]
pub(super) struct Readings {
    entities: Vec<Entity>,
    /// Everything before was counted, UTC ms.
    counted_to_ms: i64,
}

impl Readings {
    /// Makes an entity of each topic.
    pub(super) async fn begin(world: &World, topics: Vec<String>) -> Result<Self> {
        let mut entities = Vec::new();
        for topic in topics {
            let wanted =
                json!({ "topic": topic, "path": null, "name": topic.replace('/', " "), "unit": "W" });
            let made = world.api.call("add_entity", wanted).await?;
            let id = made["id"].as_str().with_context(|| format!("add_entity answered {made}"))?.to_owned();
            entities.push(Entity { id, topic, counts: Vec::new() });
        }
        Ok(Self { entities, counted_to_ms: 0 })
    }

    /// Counts what has come since the last look and holds it against the book; `last` for the last look, when
    /// nothing is under way.
    pub(super) async fn look(&mut self, world: &World, last: bool) -> Result<()> {
        let info = world.api.call("info", Value::Null).await?;
        let now_ms = info["now_ms"].as_i64().context("info has no time")?;
        let acked_before = world.now_ms();
        let to_ms = if last { END_OF_TIME_MS } else { now_ms - YOUNG_MS };
        for entity in &mut self.entities {
            let mut from_ms = self.counted_to_ms;
            loop {
                let span = json!({ "entity": entity.id, "from_ms": from_ms, "to_ms": to_ms, "limit": LIMIT });
                let answer = world.api.call("readings_range", span).await?;
                let readings = answer["readings"].as_array().context("readings_range has no readings")?;
                let more = answer["more"] == json!(true);
                let last_ms = readings.last().and_then(|reading| reading["time_ms"].as_i64());
                for reading in readings {
                    // Those of the last millisecond may go on behind the limit: they are read again.
                    if more && reading["time_ms"].as_i64() == last_ms {
                        continue;
                    }
                    let number =
                        reading["value"].as_f64().with_context(|| format!("{reading} is no number"))?;
                    let place = number as usize;
                    if entity.counts.len() <= place {
                        entity.counts.resize(place + 1, 0);
                    }
                    entity.counts[place] = entity.counts[place].saturating_add(1);
                }
                match last_ms {
                    Some(last_ms) if more => from_ms = last_ms,
                    _ => break,
                }
            }
            let young_ms = if last { 0 } else { YOUNG_MS as u32 };
            let stories = entity.compare(world, acked_before.saturating_sub(young_ms));
            for story in stories.into_iter().take(TOLD_MAX) {
                world.broken(story);
            }
        }
        self.counted_to_ms = to_ms;
        world.did("readings compared");
        Ok(())
    }
}

impl Entity {
    fn compare(&self, world: &World, acked_to_ms: u32) -> Vec<String> {
        let book = world.book();
        let Some(topic) = book.find(&self.topic) else { return Vec::new() };
        let mut stories = Vec::new();
        for (number, sent) in topic.messages() {
            let count = self.counts.get(number as usize).copied().unwrap_or(0);
            let most = if topic.qos == 2 { 1 } else { u32::from(sent.times) };
            if count == 0 && sent.acked_by(acked_to_ms) {
                stories.push(format!("no reading of {}", book.story(&self.topic, number)));
            }
            if u32::from(count) > most {
                stories.push(format!("{count} readings of {}", book.story(&self.topic, number)));
            }
        }
        let known = topic.last() as usize + 1;
        if self.counts.len() > known {
            stories.push(format!("readings of {} that were never sent", self.topic));
        }
        stories
    }
}
