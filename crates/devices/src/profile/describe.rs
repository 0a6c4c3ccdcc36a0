//! From the parts of an announcement to a device and its entities.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value as Known;
use model::entity::{AvailabilityMode, AvailabilitySource, AvailabilitySpec};
use model::{
    CommandSpec, Component, DeviceDescription, EntityDescription, Features, QoS, StateSource, Value,
};
use serde_json::Value as Json;

use super::bind::bind;
use super::fingerprint::Fingerprint;
use super::schema::{Announce, CommandBlock, EntityBlock, MapValue, Native, StateBlock};
use super::{Profile, Rule};
use crate::announcement::{Announcement, Described, Problem};
use crate::ha;
use crate::limits::{ENTITIES_PER_DEVICE_MAX, OPTIONS_MAX, SOURCES_MAX};
use crate::tasmota;
use crate::template::{self, TemplateError};

impl Profile {
    /// Puts the parts of an announcement together. [`Announcement::Nothing`] while one is missing;
    /// [`Announcement::Removed`] when none that counts is left.
    pub(super) fn describe_parts(
        &self,
        captures: &BTreeMap<String, String>,
        parts: &BTreeMap<String, Json>,
    ) -> Announcement {
        let needed = self.rules.iter().filter_map(Rule::part).filter(|(.., optional)| !optional);
        let is_there = |part: &str| {
            let under = format!("{part}/");
            parts.contains_key(part)
                || parts.range(under.clone()..).next().is_some_and(|(name, _)| name.starts_with(&under))
        };
        let there: Vec<bool> = needed.map(|(_, part, _)| is_there(part)).collect();
        if !there.contains(&true) {
            return if parts.is_empty() { Announcement::Removed } else { Announcement::Nothing };
        }
        if there.contains(&false) {
            return Announcement::Nothing;
        }
        match self.described(captures, parts) {
            Ok(described) => Announcement::Described(Box::new(described)),
            Err(problem) => Announcement::Refused(problem),
        }
    }

    fn described(
        &self,
        captures: &BTreeMap<String, String>,
        parts: &BTreeMap<String, Json>,
    ) -> Result<Described, Problem> {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        known.insert("tables".to_owned(), Known::from(minijinja::value::Serde(&self.file.tables)));
        known.extend(captures.iter().map(|(name, value)| (name.clone(), Known::from(value.as_str()))));
        // An optional part that has not come reads as an empty one; a part with captures of its own is a list.
        let own = |print: &Fingerprint| print.pattern.names().any(|name| !self.shared.contains(name));
        let lists: BTreeSet<&str> = self
            .rules
            .iter()
            .filter_map(|rule| match rule {
                Rule::Fingerprint(print) if own(print) => Some(print.part.as_str()),
                _ => None,
            })
            .collect();
        for (_, part, _) in self.rules.iter().filter_map(Rule::part) {
            let is_list = lists.contains(part);
            let value = if is_list {
                let under = format!("{part}/");
                let items = parts.iter().filter(|(name, _)| name.starts_with(&under));
                Known::from(items.map(|(_, item)| template::from_json(item)).collect::<Vec<_>>())
            } else {
                parts.get(part).map_or_else(|| Known::from(()), template::from_json)
            };
            known.insert(part.to_owned(), value);
        }
        let base = Known::from(known.clone());
        for announce in &self.file.announce {
            if let Announce::Json { require: Some(require), part, .. } = announce
                && parts.contains_key(part)
                && !self.is_true(require, &base)?
            {
                return Err(Problem::new(
                    format!("The announcement does not meet `{require}`, which {} asks for", self.name()),
                    "Update the firmware, or the profile if the firmware is newer.",
                ));
            }
        }
        for (name, expression) in &self.file.values {
            let value = template::evaluate(expression, Known::from(known.clone()))
                .map_err(|why| self.broken(expression, &why))?;
            known.insert(name.clone(), value);
        }
        let base = Known::from(known.clone());
        for (name, source) in &self.file.vars {
            let value = self.text(source, &base, name)?;
            known.insert(name.clone(), Known::from(value));
        }
        let known = Known::from(known);
        let mut described = Described { device: self.device(&known)?, ..Described::default() };
        for poll in &self.file.onconnect.publish {
            described.on_connect.push(self.command(poll, &known)?);
        }
        for block in &self.file.entity {
            self.entities(block, &known, &mut described)?;
        }
        if self.file.native == Some(Native::Tasmota) {
            described.device.entities.extend(tasmota::entities(&known));
        }
        Ok(described)
    }

    fn device(&self, known: &Known) -> Result<DeviceDescription, Problem> {
        let Some(block) = &self.file.device else {
            return Err(Problem::new(
                format!("The profile {} has no [device]", self.name()),
                "Add it, with at least an id.",
            ));
        };
        let text = |source: &Option<String>, what: &str| -> Result<Option<String>, Problem> {
            let text = source.as_deref().map(|source| self.text(source, known, what)).transpose()?;
            Ok(text.filter(|text| !text.is_empty() && text != "None"))
        };
        let id = self.text(&block.id, known, "id")?;
        if id.is_empty() {
            return Err(Problem::new(
                "The announcement does not say which device it is",
                "Update the firmware.",
            ));
        }
        let mac = text(&block.mac, "mac")?.and_then(|mac| ha::mac(&mac));
        let mut identities = vec![format!("{}:{id}", self.id())];
        identities.extend(mac.iter().map(|mac| format!("mac:{mac}")));
        for connection in &block.connections {
            identities.push(self.text(connection, known, "connections")?);
        }
        let url = text(&block.url, "url")?;
        Ok(DeviceDescription {
            profile: self.id().to_owned(),
            identities,
            name: text(&block.name, "name")?.unwrap_or(id),
            manufacturer: text(&block.manufacturer, "manufacturer")?,
            model: text(&block.model, "model")?,
            sw_version: text(&block.sw, "sw")?,
            hw_version: text(&block.hw, "hw")?,
            mac,
            ip: text(&block.ip, "ip")?,
            url: url.filter(|url| url.starts_with("http://") || url.starts_with("https://")),
            suggested_area: None,
            availability: self.availability(known)?,
            entities: Vec::new(),
        })
    }

    fn availability(&self, known: &Known) -> Result<AvailabilitySpec, Problem> {
        let Some(block) = &self.file.availability else { return Ok(AvailabilitySpec::default()) };
        let topic = self.topic(&block.topic, known)?;
        let texts = |sources: &[String]| -> Result<Vec<String>, Problem> {
            sources.iter().map(|source| self.text(source, known, "availability")).collect()
        };
        let (online, offline) = (texts(block.online.texts())?, texts(block.offline.texts())?);
        let sleepy = match &block.sleepy {
            Some(source) => self.text(source, known, "sleepy")? == "True",
            None => false,
        };
        // A source has one word for each; several words are several sources of the same topic.
        let word = |words: &[String], at: usize| words.get(at).or(words.last()).cloned().unwrap_or_default();
        let sources = (0..online.len().max(offline.len()))
            .map(|at| AvailabilitySource {
                topic: topic.clone(),
                template: None,
                online: word(&online, at),
                offline: word(&offline, at),
            })
            .collect();
        Ok(AvailabilitySpec { mode: AvailabilityMode::Latest, sources, sleepy })
    }

    fn entities(&self, block: &EntityBlock, known: &Known, described: &mut Described) -> Result<(), Problem> {
        let items = match &block.for_each {
            None => vec![None],
            Some(lists) => {
                let lists: Vec<Vec<Known>> =
                    lists.texts().iter().map(|list| self.items(list, known)).collect::<Result<_, _>>()?;
                product(lists).into_iter().map(Some).collect()
            }
        };
        for (index, item) in items.into_iter().enumerate() {
            let scope = match item {
                None => known.clone(),
                Some(item) => scope_of(known, item, index),
            };
            if let Some(when) = &block.when
                && !self.is_true(when, &scope)?
            {
                continue;
            }
            match self.entity(block, &scope) {
                Ok(Some(entity)) => described.device.entities.push(entity),
                Ok(None) => {}
                Err(problem) => described.problems.push(problem),
            }
        }
        Ok(())
    }

    /// What a list expression gives. A board that does not have the list has nothing of it.
    fn items(&self, expression: &str, known: &Known) -> Result<Vec<Known>, Problem> {
        let list =
            template::evaluate(expression, known.clone()).map_err(|why| self.broken(expression, &why))?;
        Ok(list.try_iter().map(|items| items.take(ENTITIES_PER_DEVICE_MAX + 1).collect()).unwrap_or_default())
    }

    fn entity(&self, block: &EntityBlock, scope: &Known) -> Result<Option<EntityDescription>, Problem> {
        let word = |source: &Option<String>, what: &str| -> Result<Option<String>, Problem> {
            let text = source.as_deref().map(|source| self.text(source, scope, what)).transpose()?;
            Ok(text.filter(|text| !text.is_empty() && text != "None"))
        };
        let component = self.text(&block.component, scope, "component")?;
        if component.is_empty() {
            return Ok(None);
        }
        let component: Component = serde_json::from_value(Json::from(component.as_str())).map_err(|_| {
            Problem::new(
                format!("The profile {} makes a `{component}`, which does not exist", self.name()),
                "Correct `component` in the profile.",
            )
        })?;
        let mut entity = EntityDescription::new(self.text(&block.id, scope, "id")?, component);
        entity.name = word(&block.name, "name")?;
        entity.device_class = word(&block.device_class, "device_class")?;
        entity.unit = word(&block.unit, "unit")?
            .and_then(|unit| ha::normalise_unit(&unit, entity.device_class.as_deref()));
        entity.state_class = word(&block.state_class, "state_class")?;
        entity.icon = word(&block.icon, "icon")?;
        entity.category = word(&block.category, "category")?;
        entity.precision = block.precision;
        (entity.min, entity.max, entity.step) = (block.min, block.max, block.step);
        entity.expire_after_s = block.expire_after;
        entity.off_delay_s =
            word(&block.off_delay, "off_delay")?.and_then(|seconds| seconds.trim().parse().ok());
        entity.force_update = block.force_update;
        if let Some(table) = &block.features {
            // It was read when the profile was checked.
            entity.features = features(table).ok().map(Box::new);
        }
        if let Some(options) = &block.options {
            let list =
                template::evaluate(options, scope.clone()).map_err(|why| self.broken(options, &why))?;
            if let Ok(items) = list.try_iter() {
                entity.options = items.take(OPTIONS_MAX).map(|item| template::print(&item)).collect();
            }
        }
        for state in &block.state {
            self.sources(state, scope, &mut entity)?;
        }
        for (verb, command) in &block.commands {
            entity.commands.insert(verb.clone(), self.command(command, scope)?);
        }
        entity.assumed_state = entity.sources.is_empty() && !entity.commands.is_empty();
        Ok(Some(entity))
    }

    fn sources(
        &self,
        block: &StateBlock,
        scope: &Known,
        entity: &mut EntityDescription,
    ) -> Result<(), Problem> {
        if let Some(when) = &block.when
            && !self.is_true(when, scope)?
        {
            return Ok(());
        }
        let mut map = BTreeMap::new();
        for (word, means) in &block.map {
            map.insert(self.text(word, scope, "map")?, meaning(means, entity.component));
        }
        let mut source = block.value.clone();
        if let Some(expression) = &block.value_of {
            let value =
                template::evaluate(expression, scope.clone()).map_err(|why| self.broken(expression, &why))?;
            source = value.as_str().map(ToOwned::to_owned);
        }
        let template = source
            .map(|source| bind(&source, scope).map_err(|why| self.broken(&source, &why)))
            .transpose()?;
        for topic in block.topic.texts() {
            if entity.sources.len() < SOURCES_MAX {
                entity.sources.push(StateSource {
                    topic: self.topic(topic, scope)?,
                    template: template.clone(),
                    field: block.field.clone(),
                    map: map.clone(),
                });
            }
        }
        Ok(())
    }

    fn command(&self, block: &CommandBlock, scope: &Known) -> Result<CommandSpec, Problem> {
        Ok(CommandSpec {
            topic: self.topic(&block.topic, scope)?,
            payload: bind(&block.payload, scope).map_err(|why| self.broken(&block.payload, &why))?,
            qos: QoS::try_from(block.qos).unwrap_or_default(),
            retain: block.retain,
        })
    }

    fn text(&self, source: &str, known: &Known, _what: &str) -> Result<String, Problem> {
        template::render_once(source, known.clone()).map_err(|why| self.broken(source, &why))
    }

    /// A topic with what the board says of itself filled in, which may widen nothing.
    fn topic(&self, source: &str, known: &Known) -> Result<String, Problem> {
        let topic = self.text(source, known, "topic")?;
        if topic.contains(['+', '#']) && !source.contains(['+', '#']) {
            return Err(Problem::new(
                format!("The topic {topic:?} has a wildcard, for the board calls something so"),
                "Give the board a name and a topic without + and #.",
            ));
        }
        Ok(topic)
    }

    fn is_true(&self, expression: &str, known: &Known) -> Result<bool, Problem> {
        template::evaluate(expression, known.clone())
            .map(|value| value.is_true())
            .map_err(|why| self.broken(expression, &why))
    }

    fn broken(&self, source: &str, why: &TemplateError) -> Problem {
        Problem::new(
            format!("`{source}` in the profile {} failed: {why}", self.name()),
            "The board announced something the profile does not expect. Update the profile.",
        )
    }
}

/// What only one kind of entity has, as a profile writes it.
pub(super) fn features(table: &toml::Table) -> Result<Features, String> {
    let json = serde_json::to_value(table).map_err(|why| why.to_string())?;
    serde_json::from_value(json).map_err(|why| why.to_string())
}

/// The items of one list; of two, all pairs.
fn product(lists: Vec<Vec<Known>>) -> Vec<Known> {
    let mut lists = lists.into_iter();
    let (Some(first), second) = (lists.next(), lists.next()) else { return Vec::new() };
    match second {
        None => first,
        Some(second) => first
            .iter()
            .flat_map(|one| second.iter().map(move |other| Known::from(vec![one.clone(), other.clone()])))
            .take(ENTITIES_PER_DEVICE_MAX + 1)
            .collect(),
    }
}

/// The variables of one item.
fn scope_of(known: &Known, item: Known, index: usize) -> Known {
    let mut scope: BTreeMap<String, Known> = known
        .try_iter()
        .map(|names| {
            names.filter_map(|name| Some((name.as_str()?.to_owned(), known.get_item(&name).ok()?))).collect()
        })
        .unwrap_or_default();
    if item.kind() == minijinja::value::ValueKind::Map
        && let Ok(names) = item.try_iter()
    {
        for name in names {
            if let (Some(text), Ok(value)) = (name.as_str(), item.get_item(&name)) {
                scope.insert(text.to_owned(), value);
            }
        }
    }
    scope.insert("item".to_owned(), item);
    scope.insert("index0".to_owned(), Known::from(index));
    scope.insert("index1".to_owned(), Known::from(index + 1));
    Known::from(scope)
}

/// `ON` and `OFF` mean on and off for what can only be either.
fn meaning(value: &MapValue, component: Component) -> Value {
    let two_state = matches!(
        component,
        Component::Switch | Component::BinarySensor | Component::Light | Component::Fan | Component::Siren
    );
    match value {
        MapValue::Bool(on) => Value::Bool(*on),
        MapValue::Number(number) => Value::number(*number).unwrap_or(Value::Number(0.0)),
        MapValue::Text(text) if two_state && text == "ON" => Value::Bool(true),
        MapValue::Text(text) if two_state && text == "OFF" => Value::Bool(false),
        MapValue::Text(text) => Value::Text(text.clone()),
    }
}
