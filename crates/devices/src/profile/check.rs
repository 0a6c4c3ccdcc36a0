//! Checks a profile as a whole before it is used: every template and expression can be read.

use super::schema::{Announce, CommandBlock, File, SCHEMA};
use super::topic::Pattern;
use super::{Rule, schema};
use crate::template;

/// What is wrong: a text that stands in the line to look at, and the reason.
type Fault = (String, String);

/// Checks everything and gets the announce rules ready.
pub(super) fn rules(file: &File) -> Result<Vec<Rule>, Fault> {
    if file.schema != SCHEMA {
        return Err((
            "schema".to_owned(),
            format!(
                "the schema is {}; this program reads {SCHEMA}. Update Hearth or the profile.",
                file.schema
            ),
        ));
    }
    let id = &file.firmware.id;
    if id.is_empty() || !id.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-') {
        return Err((id.clone(), format!("the id {id:?} may have a to z, 0 to 9 and -. Choose another.")));
    }
    let mut rules = Vec::new();
    for announce in &file.announce {
        rules.push(match announce {
            Announce::HaDiscovery { prefix } => Rule::HaDiscovery { prefix: prefix.clone() },
            Announce::Json { topic, part, require, optional } => {
                let pattern =
                    Pattern::parse(topic).map_err(|why| (topic.clone(), format!("the topic: {why}.")))?;
                require.iter().try_for_each(|require| expression(require))?;
                Rule::Json { pattern, part: part.clone(), optional: *optional }
            }
        });
    }
    let has_json = rules.iter().any(|rule| matches!(rule, Rule::Json { .. }));
    if has_json && file.device.is_none() {
        return Err((
            "[[announce]]".to_owned(),
            "[device] is missing. Add it, with at least an id.".to_owned(),
        ));
    }
    for identify in &file.identify {
        if let Some(topic) = &identify.topic {
            Pattern::parse(topic).map_err(|why| (topic.clone(), format!("the topic: {why}.")))?;
        }
        let says_something = identify.topic.is_some()
            || identify.client_id.is_some()
            || identify.mdns.is_some()
            || identify.http.is_some()
            || !identify.payload.is_empty();
        if !says_something {
            return Err((
                "[[identify]]".to_owned(),
                "[[identify]] is empty. Give it a topic or remove it.".to_owned(),
            ));
        }
    }
    file.vars.values().try_for_each(|source| text(source))?;
    if let Some(device) = &file.device {
        let optional = [
            &device.name,
            &device.manufacturer,
            &device.model,
            &device.sw,
            &device.hw,
            &device.mac,
            &device.ip,
            &device.url,
        ];
        text(&device.id)?;
        optional.into_iter().flatten().chain(&device.connections).try_for_each(|source| text(source))?;
    }
    if let Some(availability) = &file.availability {
        text(&availability.topic)?;
        let words = availability.online.texts().iter().chain(availability.offline.texts());
        words.chain(&availability.sleepy).try_for_each(|source| text(source))?;
    }
    file.entity.iter().try_for_each(entity)?;
    file.acl.write.iter().chain(&file.acl.read).try_for_each(|source| text(source))?;
    file.onconnect.publish.iter().try_for_each(command)?;
    file.provision.iter().try_for_each(provision)?;
    Ok(rules)
}

fn entity(block: &schema::EntityBlock) -> Result<(), Fault> {
    block
        .for_each
        .iter()
        .chain(&block.when)
        .chain(&block.options)
        .try_for_each(|source| expression(source))?;
    let optional = [
        &block.name,
        &block.unit,
        &block.device_class,
        &block.state_class,
        &block.icon,
        &block.category,
        &block.off_delay,
    ];
    text(&block.component)?;
    text(&block.id)?;
    optional.into_iter().flatten().try_for_each(|source| text(source))?;
    for state in &block.state {
        state.when.iter().try_for_each(|source| expression(source))?;
        state
            .topic
            .texts()
            .iter()
            .chain(&state.value)
            .chain(state.map.keys())
            .try_for_each(|source| text(source))?;
    }
    block.commands.values().try_for_each(command)
}

fn command(block: &CommandBlock) -> Result<(), Fault> {
    text(&block.topic)?;
    text(&block.payload)?;
    if block.qos > 2 {
        return Err((block.topic.clone(), format!("qos is {}; it can be 0, 1 or 2.", block.qos)));
    }
    Ok(())
}

fn provision(block: &schema::Provision) -> Result<(), Fault> {
    block.text.iter().try_for_each(|source| text(source))?;
    let empty = block.text.is_none() && block.steps.is_empty() && block.detect.is_none();
    if empty {
        return Err((
            "[[provision]]".to_owned(),
            format!("a [[provision]] over {:?} says nothing. Give it a text or steps.", block.transport),
        ));
    }
    Ok(())
}

fn text(source: &str) -> Result<(), Fault> {
    template::check(source).map_err(|why| (source.to_owned(), format!("the template `{source}`: {why}.")))
}

fn expression(source: &str) -> Result<(), Fault> {
    template::check_expression(source)
        .map_err(|why| (source.to_owned(), format!("the expression `{source}`: {why}.")))
}
