//! `siren`: on and off, with a tone, a duration and a volume for those that have them.

use model::features::SirenFeatures;
use model::{EntityDescription, Features};

use super::super::config::{Config, with_value};
use super::{add_command, on_off, reported};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    for (verb, payload, own) in
        [("turn_on", &on, "command_template"), ("turn_off", &off, "command_off_template")]
    {
        let template = match config.template(own)? {
            Some(own) => own,
            // The template of on is the one of off, unless that has its own.
            None => config
                .template("command_template")?
                .unwrap_or_else(|| "{\"state\":{{ value | tojson }}{{ more }}}".to_owned()),
        };
        add_command(entity, verb, config.command("command_topic", with_value("value", payload, &template))?);
    }
    entity.features = Some(Box::new(Features::Siren(SirenFeatures {
        tones: config.list("available_tones"),
        duration: config.flag_or("support_duration", true),
        volume: config.flag_or("support_volume_set", true),
    })));
    let template = if config.has("state_value_template") { "state_value_template" } else { "value_template" };
    let map = on_off(&config.text_or("state_on", &on), &config.text_or("state_off", &off));
    let source = config.mapped_source("state_topic", template, "", map)?;
    reported(config, entity, source);
    Ok(())
}
