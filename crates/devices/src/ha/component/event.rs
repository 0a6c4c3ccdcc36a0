//! `event`: something happens, again and again.

use model::features::EventFeatures;
use model::{EntityDescription, Features};

use super::super::config::{Config, missing};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("state_topic")?;
    if !config.has("event_types") {
        return Err(missing("event_types"));
    }
    let event_types = config.list("event_types");
    entity.options.clone_from(&event_types);
    entity.features = Some(Box::new(Features::Event(EventFeatures { event_types })));
    // The same again is something that happened again.
    entity.force_update = true;
    entity.sources.extend(config.source("state_topic", "value_template", "")?);
    Ok(())
}
