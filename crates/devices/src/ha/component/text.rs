//! `text`: a text within a length, by default 0 to 255 characters.

use model::features::TextFeatures;
use model::{EntityDescription, Features};

use super::super::config::Config;
use super::{add_command, reported};
use crate::announcement::Problem;
use crate::limits::{PATTERN_BYTES_MAX, TEXT_CHARS_MAX};
use crate::template;

pub(super) fn read(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    config.required_topic("command_topic")?;
    let longest = TEXT_CHARS_MAX as f64;
    let (min, max) = (config.number("min").unwrap_or(0.0), config.number("max").unwrap_or(longest));
    if min > max || max > longest {
        return Err(Problem::new(
            format!("`min` is {min} and `max` is {max}"),
            "Announce the text again with `min` at most `max`, and `max` at most 255.",
        ));
    }
    (entity.min, entity.max) = (Some(min), Some(max));
    let pattern = config.word("pattern");
    let can_be_read =
        |pattern: &String| pattern.len() <= PATTERN_BYTES_MAX && template::matches(pattern, "").is_some();
    if !pattern.as_ref().is_none_or(can_be_read) {
        return Err(Problem::new(
            format!("`pattern` cannot be read, or has more than {PATTERN_BYTES_MAX} bytes"),
            "Announce the text again with a simpler regular expression, or without it.",
        ));
    }
    entity.features = Some(Box::new(Features::Text(TextFeatures {
        pattern,
        password: config.word("mode").as_deref() == Some("password"),
    })));
    add_command(entity, "set", config.value_command("command_topic", "command_template")?);
    let source = config.source("state_topic", "value_template", "")?;
    reported(config, entity, source);
    Ok(())
}
