//! `availability_topic` and `availability`: how to tell that an entity is there.

use model::entity::{AvailabilityMode, AvailabilitySource, AvailabilitySpec};
use serde_json::{Map, Value as Json};

use super::config::Config;
use crate::announcement::Problem;
use crate::limits::SOURCES_MAX;

/// Reads either form; the defaults are `online` and `offline`.
pub(super) fn read(config: &Config) -> Result<AvailabilitySpec, Problem> {
    let mode = match config.text("availability_mode").as_deref() {
        Some("all") => AvailabilityMode::All,
        Some("any") => AvailabilityMode::Any,
        _ => AvailabilityMode::Latest,
    };
    if config.has("availability") && config.has("availability_topic") {
        return Err(Problem::new(
            "`availability` and `availability_topic` exclude each other",
            "Announce the entity again with one of them.",
        ));
    }
    let mut sources = Vec::new();
    if let Some(topic) = config.topic("availability_topic")? {
        sources.push(AvailabilitySource {
            topic,
            template: config.template("availability_template")?,
            online: config.text_or("payload_available", "online"),
            offline: config.text_or("payload_not_available", "offline"),
        });
    }
    let listed: Vec<&Map<String, Json>> = match config.json("availability") {
        Some(Json::Array(list)) => list.iter().take(SOURCES_MAX).filter_map(Json::as_object).collect(),
        Some(Json::Object(one)) => vec![one],
        _ => Vec::new(),
    };
    for members in listed {
        let source = Config::new(members.clone());
        let Some(topic) = source.topic("topic")? else { continue };
        sources.push(AvailabilitySource {
            topic,
            template: source.template("value_template")?,
            online: source.text_or("payload_available", "online"),
            offline: source.text_or("payload_not_available", "offline"),
        });
    }
    Ok(AvailabilitySpec { mode, sources, sleepy: false })
}
