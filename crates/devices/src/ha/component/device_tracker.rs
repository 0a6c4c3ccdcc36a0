//! `device_tracker`: at home, away, or in another zone.

use model::{EntityDescription, Value};

use super::super::config::{Config, missing};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    if !config.has("state_topic") && !config.has("json_attributes_topic") {
        return Err(missing("state_topic"));
    }
    let word = |state: &str, key: &str| (config.text_or(key, state), Value::Text(state.to_owned()));
    let map = [word("home", "payload_home"), word("not_home", "payload_not_home")].into();
    entity.sources.extend(config.mapped_source("state_topic", "value_template", "", map)?);
    Ok(())
}
