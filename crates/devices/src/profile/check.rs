//! Checks a profile as a whole before it is used: every template and expression can be read.

use model::topic::check_topic;
use regex::Regex;

use super::fingerprint::Fingerprint;
use super::provision::Provision;
use super::schema::{Announce, CommandBlock, File, SCHEMA};
use super::topic::Pattern;
use super::{Rule, describe, schema};
use crate::template;

/// What is wrong: a text that stands in the line to look at, and the reason.
pub(super) type Fault = (String, String);

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
    let rules = file.announce.iter().map(rule).collect::<Result<Vec<_>, _>>()?;
    let needs_device = |rule: &Rule| matches!(rule, Rule::Json { .. } | Rule::Fingerprint(_));
    if rules.iter().any(needs_device) && file.device.is_none() {
        return Err((
            "[[announce]]".to_owned(),
            "[device] is missing. Add it, with at least an id.".to_owned(),
        ));
    }
    for identify in &file.identify {
        for topic in identify.topic.iter().chain(&identify.will) {
            Pattern::parse(topic).map_err(|why| (topic.clone(), format!("the topic: {why}.")))?;
        }
        if let Some(pattern) = &identify.client_id {
            Regex::new(pattern).map_err(|why| (pattern.clone(), format!("the client id: {why}.")))?;
        }
        let says_something = identify.topic.is_some()
            || identify.client_id.is_some()
            || identify.will.is_some()
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
    file.values.values().try_for_each(|source| expression(source))?;
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
    file.onconnect.publish.iter().chain(&file.onstart.publish).try_for_each(command)?;
    // These are sent as they are: nothing is known of any device yet.
    file.onstart.publish.iter().try_for_each(|block| {
        check_topic(&block.topic).map_err(|why| (block.topic.clone(), format!("the topic: {why}.")))
    })?;
    file.provision.iter().try_for_each(Provision::check)?;
    Ok(rules)
}

fn rule(announce: &Announce) -> Result<Rule, Fault> {
    let pattern =
        |topic: &String| Pattern::parse(topic).map_err(|why| (topic.clone(), format!("the topic: {why}.")));
    Ok(match announce {
        Announce::HaDiscovery { prefix } => Rule::HaDiscovery { prefix: prefix.clone() },
        Announce::Tree {} => Rule::Tree,
        Announce::ShellyGen2 {} => Rule::ShellyGen2,
        Announce::Zigbee2mqtt { topic } => Rule::Zigbee2mqtt { pattern: pattern(topic)? },
        Announce::Json { topic, part, key, require, optional } => {
            require.iter().try_for_each(|require| expression(require))?;
            key.iter().try_for_each(|key| text(key))?;
            Rule::Json { pattern: pattern(topic)?, part: part.clone(), key: key.clone(), optional: *optional }
        }
        Announce::Fingerprint { topic, part, payload, when, after, keep, optional } => {
            when.iter().try_for_each(|when| expression(when))?;
            let payload = payload.as_deref().map(|source| {
                Regex::new(source).map_err(|why| (source.to_owned(), format!("the payload: {why}.")))
            });
            Rule::Fingerprint(Fingerprint {
                pattern: pattern(topic)?,
                part: part.clone(),
                payload: payload.transpose()?,
                when: when.clone(),
                after: after.clone(),
                keep: *keep,
                optional: *optional,
            })
        }
    })
}

fn entity(block: &schema::EntityBlock) -> Result<(), Fault> {
    let lists = block.for_each.iter().flat_map(schema::OneOrMore::texts);
    lists.chain(&block.when).chain(&block.options).try_for_each(|source| expression(source))?;
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
    if let Some(features) = &block.features {
        describe::features(features)
            .map_err(|why| ("features".to_owned(), format!("the features: {why}.")))?;
    }
    optional.into_iter().flatten().try_for_each(|source| text(source))?;
    for state in &block.state {
        state.when.iter().chain(&state.value_of).try_for_each(|source| expression(source))?;
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

pub(super) fn text(source: &str) -> Result<(), Fault> {
    template::check(source).map_err(|why| (source.to_owned(), format!("the template `{source}`: {why}.")))
}

pub(super) fn expression(source: &str) -> Result<(), Fault> {
    template::check_expression(source)
        .map_err(|why| (source.to_owned(), format!("the expression `{source}`: {why}.")))
}
