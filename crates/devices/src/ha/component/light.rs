//! `light`: on and off, with brightness from 0 to 255 and colour as attributes. Schemas `basic`, `json` and
//! `template`.

use model::{EntityDescription, StateSource};

use super::super::config::{Config, missing};
use super::{add_command, assume, on_off};
use crate::announcement::Problem;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    match config.text("schema").as_deref() {
        Some("json") => json(config, entity),
        Some("template") => template(config, entity),
        _ => basic(config, entity),
    }
}

/// Attributes that a JSON light reports and takes under the same name.
const JSON_ATTRIBUTES: [&str; 4] = ["color_temp", "color_mode", "color", "effect"];

fn json(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let scale = config.number("brightness_scale").filter(|scale| *scale > 0.0).unwrap_or(255.0);
    let has_brightness = config.flag("brightness") || config.has("supported_color_modes");
    let brightness = if scale == 255.0 {
        "brightness".to_owned()
    } else {
        format!("(brightness * {scale} / 255) | round")
    };
    let mut on = String::from("{\"state\": \"ON\"");
    if has_brightness {
        on.push_str(&format!(
            "{{% if brightness is defined %}}, \"brightness\": {{{{ {brightness} }}}}{{% endif %}}"
        ));
    }
    for name in ["color_temp", "color", "effect", "transition", "flash"] {
        on.push_str(&format!(
            "{{% if {name} is defined %}}, \"{name}\": {{{{ {name} | tojson }}}}{{% endif %}}"
        ));
    }
    on.push('}');
    let off =
        "{\"state\": \"OFF\"{% if transition is defined %}, \"transition\": {{ transition }}{% endif %}}";
    add_command(entity, "turn_on", config.command("command_topic", on)?);
    add_command(entity, "turn_off", config.command("command_topic", off.to_owned())?);
    let Some(topic) = config.topic("state_topic")? else {
        assume(entity, Default::default());
        for source in &mut entity.sources {
            source.template = Some("{{ value_json.state }}".to_owned());
            source.map = on_off("ON", "OFF");
        }
        return Ok(());
    };
    let source = |template: String, field: &str| StateSource {
        topic: topic.clone(),
        template: Some(template),
        field: field.to_owned(),
        map: Default::default(),
    };
    let mut state = source("{{ value_json.state }}".to_owned(), "");
    state.map = on_off("ON", "OFF");
    entity.sources.push(state);
    if has_brightness {
        let template = if scale == 255.0 {
            "{{ value_json.brightness }}".to_owned()
        } else {
            format!("{{{{ (value_json.brightness | is_defined | float * 255 / {scale}) | round }}}}")
        };
        entity.sources.push(source(template, "brightness"));
    }
    for name in JSON_ATTRIBUTES {
        entity.sources.push(source(format!("{{{{ value_json.{name} }}}}"), name));
    }
    entity.options = config.list("effect_list");
    Ok(())
}

fn basic(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let (on, off) = (config.text_or("payload_on", "ON"), config.text_or("payload_off", "OFF"));
    add_command(entity, "turn_on", config.command("command_topic", on.clone())?);
    add_command(entity, "turn_off", config.command("command_topic", off.clone())?);
    match config.source("state_topic", "state_value_template", "")? {
        Some(mut source) => {
            // Older firmwares put the template of the state under the general name.
            source.template = source.template.or(config.template("value_template")?);
            source.map = on_off(&on, &off);
            entity.sources.push(source);
        }
        None => assume(entity, on_off(&on, &off)),
    }
    let scale = config.number("brightness_scale").filter(|scale| *scale > 0.0).unwrap_or(255.0);
    if let Some(mut command) =
        config.value_command("brightness_command_topic", "brightness_command_template")?
    {
        if scale != 255.0 {
            let scaled = format!("{{% set value = (value * {scale} / 255) | round %}}");
            command.payload = scaled + &command.payload;
        }
        entity.commands.insert("set_brightness".to_owned(), command);
    }
    if let Some(mut source) =
        config.source("brightness_state_topic", "brightness_value_template", "brightness")?
    {
        if scale != 255.0 {
            let reported = source.template.unwrap_or_else(|| "{{ value }}".to_owned());
            source.template = Some(format!(
                "{{% set b %}}{reported}{{% endset %}}{{{{ (b | float * 255 / {scale}) | round }}}}"
            ));
        }
        entity.sources.push(source);
    }
    for name in ["color_temp", "effect", "hs", "rgb", "rgbw", "rgbww", "xy", "white"] {
        let command =
            config.value_command(&format!("{name}_command_topic"), &format!("{name}_command_template"))?;
        add_command(entity, &format!("set_{name}"), command);
        entity.sources.extend(config.source(
            &format!("{name}_state_topic"),
            &format!("{name}_value_template"),
            name,
        )?);
    }
    entity.options = config.list("effect_list");
    Ok(())
}

fn template(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    for (verb, key) in [("turn_on", "command_on_template"), ("turn_off", "command_off_template")] {
        let payload = config.template(key)?.ok_or_else(|| missing(key))?;
        add_command(entity, verb, config.command("command_topic", payload)?);
    }
    match config.source("state_topic", "state_template", "")? {
        Some(mut source) if source.template.is_some() => {
            source.map = on_off("on", "off");
            entity.sources.push(source);
        }
        _ => entity.assumed_state = true,
    }
    for name in ["brightness", "color_temp", "effect"] {
        if let Some(source) = config.source("state_topic", &format!("{name}_template"), name)?
            && source.template.is_some()
        {
            entity.sources.push(source);
        }
    }
    entity.options = config.list("effect_list");
    Ok(())
}
