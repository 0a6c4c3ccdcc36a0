//! What a person changes: names, areas, entities by hand.

use std::collections::BTreeMap;

use model::entity::AvailabilitySpec;
use model::topic::check_topic;
use model::{Area, CommandSpec, Component, Device, EntityDescription, StateSource, TopicFilter, Value};

use super::admission::clean_name;
use super::announce::blank_device;
use super::note::noted;
use super::{DeviceEntry, Home};
use crate::effect::{DeviceRecord, Effect, NoteKind};
use crate::error::RegistryError;
use crate::limits::{AREAS_MAX, DEVICES_MAX, ENTITIES_MAX, ENTITIES_PER_DEVICE_MAX, NAME_CHARS_MAX};
use crate::slug::{slug, unique};
use crate::template::Path;

/// An entity that a person makes from a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct HandMade {
    /// Device to add it to; `None` makes a device of its own, called `device_name`.
    pub device: Option<String>,
    /// Name of the device to make; the entity's name if there is none.
    pub device_name: Option<String>,
    /// Name of the entity.
    pub name: String,
    /// Kind; a sensor if nothing else is known.
    pub component: Component,
    /// Topic or topic filter that brings the value.
    pub topic: String,
    /// Where in a JSON payload the value stands, such as `ENERGY.Power` or `readings[0]`; the whole payload
    /// if there is none.
    pub path: Option<String>,
    /// Unit of measurement.
    pub unit: Option<String>,
    /// Topic that takes `ON` and `OFF`.
    pub command_topic: Option<String>,
}

/// Profile of devices that were made by hand.
const BY_HAND: &str = "by-hand";

/// The commands of something that is switched by `ON` and `OFF`.
fn on_and_off(topic: &str) -> Result<BTreeMap<String, CommandSpec>, RegistryError> {
    let topic = topic.trim();
    check_topic(topic).map_err(|why| {
        RegistryError::BadSource(format!("The command topic {topic:?} cannot be used: {why}."))
    })?;
    let spec = |payload: &str| CommandSpec {
        topic: topic.to_owned(),
        payload: payload.to_owned(),
        ..CommandSpec::default()
    };
    Ok([("turn_on", "ON"), ("turn_off", "OFF")]
        .map(|(verb, payload)| (verb.to_owned(), spec(payload)))
        .into())
}

impl Home {
    /// Gives a device another name; `None` takes back the announced one at its next announcement.
    pub fn rename_device(&mut self, id: &str, name: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        let name = name.map(checked_name).transpose()?;
        let entry = self.devices.get_mut(id).ok_or_else(|| RegistryError::UnknownDevice(id.to_owned()))?;
        let device = &mut entry.record.device;
        device.name_by_owner = name.is_some();
        let before = device.name.clone();
        if let Some(name) = name {
            device.name = name;
        }
        let shown = device.name.clone();
        let mut effects =
            vec![Effect::DeviceChanged(device.clone()), Effect::SaveDevice(entry.record.clone())];
        if shown != before {
            effects.push(noted(id, NoteKind::Renamed, vec![format!("Renamed from {before} to {shown}.")]));
        }
        let slots: Vec<u32> = entry.entities.values().copied().collect();
        for slot in slots {
            let Some(entry) = self.entry_mut(slot) else { continue };
            // The device's one main thing is called as the device is.
            if entry.entity.description.name.is_none()
                && !entry.entity.name_by_owner
                && entry.entity.name != shown
            {
                entry.entity.name.clone_from(&shown);
                effects.push(Effect::EntityChanged(entry.entity.clone()));
            }
        }
        Ok(effects)
    }

    /// Gives an entity another name; `None` takes back the announced one.
    pub fn rename_entity(&mut self, id: &str, name: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        let name = name.map(checked_name).transpose()?;
        let unknown = || RegistryError::UnknownEntity(id.to_owned());
        let slot = *self.slot_of.get(id).ok_or_else(unknown)?;
        let entity = &self.entry(slot).ok_or_else(unknown)?.entity;
        let announced = entity.description.name.clone();
        let device_name = self.devices.get(&entity.device).map(|device| device.record.device.name.clone());
        let entry = self.entry_mut(slot).ok_or_else(unknown)?;
        entry.entity.name_by_owner = name.is_some();
        let before = std::mem::take(&mut entry.entity.name);
        entry.entity.name = name.or(announced).or(device_name).unwrap_or_default();
        let mut effects = vec![Effect::EntityChanged(entry.entity.clone())];
        if entry.entity.name != before {
            let text = format!("Its {before} is called {} now.", entry.entity.name);
            effects.push(noted(&entry.entity.device, NoteKind::Renamed, vec![text]));
        }
        Ok(effects)
    }

    /// Moves a device to an area, or out of all.
    pub fn move_device(&mut self, id: &str, area: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        if let Some(area) = area
            && !self.areas.contains_key(area)
        {
            return Err(RegistryError::UnknownArea(area.to_owned()));
        }
        let room = |area: Option<&str>| Some(self.areas.get(area?)?.name.clone());
        let to = room(area);
        let entry = self.devices.get(id).ok_or_else(|| RegistryError::UnknownDevice(id.to_owned()))?;
        let from = room(entry.record.device.area.as_deref());
        let entry = self.devices.get_mut(id).ok_or_else(|| RegistryError::UnknownDevice(id.to_owned()))?;
        entry.record.device.area = area.map(ToOwned::to_owned);
        let mut effects = vec![
            Effect::DeviceChanged(entry.record.device.clone()),
            Effect::SaveDevice(entry.record.clone()),
        ];
        let text = match (from, to) {
            (from, to) if from == to => None,
            (Some(from), Some(to)) => Some(format!("Moved from {from} to {to}.")),
            (None, Some(to)) => Some(format!("Put into {to}.")),
            (from, None) => from.map(|from| format!("Taken out of {from}.")),
        };
        effects.extend(text.map(|text| noted(id, NoteKind::Moved, vec![text])));
        Ok(effects)
    }

    /// Removes a device and its entities. A device that announces itself again comes back.
    pub fn remove_device(&mut self, id: &str) -> Result<Vec<Effect>, RegistryError> {
        if !self.devices.contains_key(id) {
            return Err(RegistryError::UnknownDevice(id.to_owned()));
        }
        let mut effects = Vec::new();
        if let Some(entry) = self.devices.remove(id) {
            self.make_void(&entry, &mut effects);
            self.devices.insert(id.to_owned(), entry);
        }
        self.drop_device(id, &mut effects);
        Ok(effects)
    }

    /// Adds an entity by hand; returns its id. Its last retained message comes through [`Effect::Recall`].
    pub fn add_entity_by_hand(
        &mut self,
        made: HandMade,
        now_ms: i64,
    ) -> Result<(String, Vec<Effect>), RegistryError> {
        let name = checked_name(&made.name)?;
        let filter = TopicFilter::new(made.topic.trim()).map_err(|why| {
            RegistryError::BadSource(format!("The topic {:?} cannot be used: {why}.", made.topic))
        })?;
        let template = match made.path.as_deref().map(str::trim).filter(|path| !path.is_empty()) {
            None => None,
            Some(text) => {
                let path = Path::parse(text).ok_or_else(|| {
                    RegistryError::BadSource(format!(
                        "The path {text:?} cannot be read. Write it as `ENERGY.Power` or `readings[0]`."
                    ))
                })?;
                Some(path.to_template())
            }
        };
        let commands = made.command_topic.as_deref().map(on_and_off).transpose()?.unwrap_or_default();
        let mut effects = Vec::new();
        let device = match &made.device {
            Some(id) if self.devices.contains_key(id) => id.clone(),
            Some(id) => return Err(RegistryError::UnknownDevice(id.clone())),
            None => {
                let device_name = made.device_name.as_deref().map(checked_name).transpose()?;
                self.make_device_by_hand(device_name.as_deref().unwrap_or(&name), now_ms, &mut effects)?
            }
        };
        let entry = self.devices.get(&device).ok_or_else(|| RegistryError::UnknownDevice(device.clone()))?;
        if entry.entities.len() >= ENTITIES_PER_DEVICE_MAX {
            return Err(RegistryError::Full { what: "entities of one device", max: ENTITIES_PER_DEVICE_MAX });
        }
        if self.slot_of.len() >= ENTITIES_MAX {
            return Err(RegistryError::Full { what: "entities", max: ENTITIES_MAX });
        }
        let mut description = EntityDescription::new("", made.component);
        description.unit =
            made.unit.filter(|unit| !unit.trim().is_empty()).map(|unit| unit.trim().to_owned());
        description.sources = vec![StateSource {
            topic: filter.as_str().to_owned(),
            template,
            field: String::new(),
            map: words_for(made.component),
        }];
        description.commands = commands;
        let id = self.add_described(&device, name, description, &mut effects).id;
        effects.push(Effect::Recall { filters: vec![filter.as_str().to_owned()] });
        Ok((id, effects))
    }

    pub(super) fn make_device_by_hand(
        &mut self,
        name: &str,
        now_ms: i64,
        effects: &mut Vec<Effect>,
    ) -> Result<String, RegistryError> {
        if self.devices.len() >= DEVICES_MAX {
            return Err(RegistryError::Full { what: "devices", max: DEVICES_MAX });
        }
        let id = unique(&non_empty(slug(name), "device"), |id| self.devices.contains_key(id));
        let identity = format!("hand:{id}");
        let device = Device {
            id: id.clone(),
            identities: vec![identity.clone()],
            profile: BY_HAND.to_owned(),
            name: name.to_owned(),
            name_by_owner: true,
            first_seen_ms: now_ms,
            ..blank_device()
        };
        let record = DeviceRecord {
            device: device.clone(),
            availability: AvailabilitySpec::default(),
            on_connect: Vec::new(),
            announced: Vec::new(),
        };
        effects.push(Effect::DeviceChanged(device));
        effects.push(Effect::SaveDevice(record.clone()));
        self.identities.insert(identity, id.clone());
        self.devices.insert(id.clone(), DeviceEntry::new(record));
        Ok(id)
    }

    /// Removes an entity that was made by hand, and its device if that was made for it and is now empty.
    pub fn remove_entity(&mut self, id: &str) -> Result<Vec<Effect>, RegistryError> {
        let entity = self.entity(id).ok_or_else(|| RegistryError::UnknownEntity(id.to_owned()))?;
        if !entity.by_hand {
            return Err(RegistryError::NotByHand(id.to_owned()));
        }
        let device = entity.device.clone();
        let mut effects = Vec::new();
        self.drop_entity(id, &mut effects);
        let left_over = self
            .devices
            .get(&device)
            .is_some_and(|entry| entry.entities.is_empty() && entry.record.device.profile == BY_HAND);
        if left_over {
            self.drop_device(&device, &mut effects);
        }
        Ok(effects)
    }

    /// Makes an area, behind all others; returns its id. As long as nobody has ordered them they stand by name.
    pub fn add_area(&mut self, name: &str) -> Result<(String, Vec<Effect>), RegistryError> {
        let name = checked_name(name)?;
        if self.areas.len() >= AREAS_MAX {
            return Err(RegistryError::Full { what: "areas", max: AREAS_MAX });
        }
        self.check_area_name(&name, None)?;
        let id = unique(&non_empty(slug(&name), "area"), |id| self.areas.contains_key(id));
        let last = self.areas.values().map(|area| area.place).max().unwrap_or(0);
        let place = if last == 0 { 0 } else { last.saturating_add(1) };
        let area = Area { id: id.clone(), name, place };
        self.areas.insert(id.clone(), area.clone());
        Ok((id, vec![Effect::AreaChanged(area)]))
    }

    /// Gives an area another name.
    pub fn rename_area(&mut self, id: &str, name: &str) -> Result<Vec<Effect>, RegistryError> {
        let name = checked_name(name)?;
        self.check_area_name(&name, Some(id))?;
        let area = self.areas.get_mut(id).ok_or_else(|| RegistryError::UnknownArea(id.to_owned()))?;
        area.name = name;
        Ok(vec![Effect::AreaChanged(area.clone())])
    }

    /// Puts areas into an order; those that are not named stay behind them, as they are.
    pub fn order_areas(&mut self, ids: &[String]) -> Result<Vec<Effect>, RegistryError> {
        if let Some(unknown) = ids.iter().find(|id| !self.areas.contains_key(*id)) {
            return Err(RegistryError::UnknownArea(unknown.clone()));
        }
        let mut order: Vec<String> = Vec::with_capacity(self.areas.len());
        let rest = self.areas().map(|area| &area.id);
        for id in ids.iter().chain(rest) {
            if !order.contains(id) {
                order.push(id.clone());
            }
        }
        let mut effects = Vec::new();
        for (place, id) in (0..).zip(&order) {
            if let Some(area) = self.areas.get_mut(id)
                && area.place != place
            {
                area.place = place;
                effects.push(Effect::AreaChanged(area.clone()));
            }
        }
        Ok(effects)
    }

    /// Removes an area; its devices stay, in no area.
    pub fn remove_area(&mut self, id: &str) -> Result<Vec<Effect>, RegistryError> {
        if self.areas.remove(id).is_none() {
            return Err(RegistryError::UnknownArea(id.to_owned()));
        }
        let mut effects = Vec::new();
        for entry in self.devices.values_mut().filter(|entry| entry.record.device.area.as_deref() == Some(id))
        {
            entry.record.device.area = None;
            effects.push(Effect::DeviceChanged(entry.record.device.clone()));
            effects.push(Effect::SaveDevice(entry.record.clone()));
        }
        effects.push(Effect::AreaRemoved { id: id.to_owned() });
        Ok(effects)
    }

    fn check_area_name(&self, name: &str, but: Option<&str>) -> Result<(), RegistryError> {
        let lower = name.to_lowercase();
        let taken =
            self.areas.values().any(|area| area.name.to_lowercase() == lower && but != Some(&area.id));
        if taken { Err(RegistryError::AreaExists(name.to_owned())) } else { Ok(()) }
    }
}

pub(super) fn checked_name(name: &str) -> Result<String, RegistryError> {
    let length = name.trim().chars().count();
    if length == 0 || length > NAME_CHARS_MAX {
        return Err(RegistryError::BadName { length, max: NAME_CHARS_MAX });
    }
    let name = clean_name(name);
    if name.is_empty() { Err(RegistryError::BadName { length: 0, max: NAME_CHARS_MAX }) } else { Ok(name) }
}

pub(super) fn non_empty(slug: String, otherwise: &str) -> String {
    if slug.is_empty() { otherwise.to_owned() } else { slug }
}

/// The words for on and off that boards use, for a thing that can only be either.
pub(crate) fn words_for(component: Component) -> BTreeMap<String, Value> {
    let on = ["ON", "on", "On", "1", "true", "True", "open", "OPEN"];
    let off = ["OFF", "off", "Off", "0", "false", "False", "closed", "CLOSED"];
    match component {
        Component::BinarySensor | Component::Switch | Component::Light => on
            .into_iter()
            .map(|word| (word.to_owned(), Value::Bool(true)))
            .chain(off.into_iter().map(|word| (word.to_owned(), Value::Bool(false))))
            .collect(),
        _ => BTreeMap::new(),
    }
}
