//! Lights that speak one payload by templates.

use model::features::{ColorMode, LightFeatures, LightSchema};
use model::{EntityDescription, Features};

use super::super::super::config::{Config, missing};
use super::super::{add_command, on_off, reported};
use super::json::FLASH_S;
use super::{features, with_plain};
use crate::announcement::Problem;
use crate::template;

/// What the state topic also tells, by a template of its own.
const FIELDS: [&str; 6] = ["brightness", "color_temp", "red", "green", "blue", "effect"];

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for (verb, key) in [("turn_on", "command_on_template"), ("turn_off", "command_off_template")] {
        let payload = config.template(key)?.ok_or_else(|| missing(key))?;
        add_command(entity, verb, config.command("command_topic", payload)?);
    }
    let tells = |field: &str| config.has(&format!("{field}_template"));
    let source = config.mapped_source("state_topic", "state_template", "", on_off("on", "off"))?;
    let source = source.filter(|source| source.template.is_some());
    reported(config, entity, source);
    for field in FIELDS {
        let source = config.source("state_topic", &format!("{field}_template"), field)?;
        entity.sources.extend(source.filter(|source| source.template.is_some()));
    }
    let mut colors = Vec::new();
    colors.extend(tells("color_temp").then_some(ColorMode::ColorTemp));
    colors.extend(["red", "green", "blue"].into_iter().all(tells).then_some(ColorMode::Hs));
    entity.options = config.list("effect_list");
    let brightness = tells("brightness");
    // It can what its template has a place for.
    let on = entity.commands.get("turn_on").map(|command| template::variables(&command.payload));
    let on = on.and_then(Result::ok).unwrap_or_default();
    let takes = |name: &str| on.iter().any(|known| known == name);
    entity.features = Some(Box::new(Features::Light(LightFeatures {
        schema: LightSchema::Template,
        color_modes: with_plain(colors, brightness),
        brightness,
        reports_brightness: brightness,
        transition: takes("transition"),
        flash_s: takes("flash").then_some(FLASH_S),
        effects: tells("effect") || !entity.options.is_empty(),
        ..features(config)
    })));
    Ok(())
}
