//! `binary_sensor`: one of two, and some only ever report one.

use model::EntityDescription;

use super::super::config::Config;
use super::on_off;
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("state_topic")?;
    let map = on_off(&config.text_or("payload_on", "ON"), &config.text_or("payload_off", "OFF"));
    entity.sources.extend(config.source("state_topic", "value_template", "")?.map(|mut source| {
        source.map = map;
        source
    }));
    entity.off_delay_s =
        config.number("off_delay").filter(|seconds| *seconds >= 0.0).map(|seconds| seconds as u32);
    Ok(())
}
