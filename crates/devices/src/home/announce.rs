//! Announcements: from what a profile read to the difference it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::entity::AvailabilitySpec;
use model::{
    Component, Device, DeviceDescription, Entity, EntityDescription, Message, Publisher, State, StateChange,
};
use serde_json::Value as Json;

use super::admission::{check, clean_name};
use super::{Announcer, DeviceEntry, Home};
use crate::announcement::{Announcement, Described, Problem};
use crate::effect::{Announced, DeviceRecord, Effect, Refused};
use crate::limits::{
    ANNOUNCEMENT_BYTES_MAX, DEVICES_MAX, ENTITIES_MAX, ENTITIES_PER_DEVICE_MAX, IDENTITIES_MAX, PENDING_MAX,
    PROBLEMS_MAX,
};
use crate::profile::Heard;
use crate::slug::{slug, unique};

/// One announcement on its way into the registry.
struct Arrival<'a> {
    key: &'a str,
    profile: &'a str,
    parts: BTreeMap<String, Json>,
    message: &'a Message,
}

impl Home {
    /// Reads a message as an announcement and makes the difference.
    pub(super) fn announce(&mut self, announcer: Announcer, message: &Message, effects: &mut Vec<Effect>) {
        let Some(profile) = self.profiles.get(announcer.profile) else { return };
        let profile_id = profile.id().to_owned();
        if message.payload.len() > ANNOUNCEMENT_BYTES_MAX {
            let problem = Problem::new(
                format!("An announcement of {} bytes is too large", message.payload.len()),
                format!("Split it: one message can have {ANNOUNCEMENT_BYTES_MAX} bytes."),
            );
            effects.push(refused(message, problem));
            return;
        }
        let (key, parts, announcement) = match profile.hear(announcer.rule, &message.topic, &message.payload)
        {
            None => return,
            Some(Heard::Whole { announcement }) => (message.topic.to_string(), BTreeMap::new(), announcement),
            Some(Heard::Part { key, captures, part, json }) => {
                let mut parts = self.parts_of(&key, &message.publisher);
                match json {
                    Some(json) => parts.insert(part.to_owned(), json),
                    None => parts.remove(part),
                };
                let announcement = profile.describe(&captures, &parts);
                (key, parts, announcement)
            }
        };
        let foreign = self.announced_by.get(&key).and_then(|device| self.foreign(device, &message.publisher));
        if let Some(problem) = foreign {
            effects.push(refused(message, problem));
            return;
        }
        let arrival = Arrival { key: &key, profile: &profile_id, parts, message };
        match announcement {
            Announcement::Nothing => {
                // A part without which the rest says nothing may have been taken away.
                self.withdraw(&key, effects);
                self.keep_pending(arrival, effects);
            }
            Announcement::Released => {}
            Announcement::Removed => {
                self.pending.remove(&half(&key, &message.publisher));
                self.withdraw(&key, effects);
            }
            Announcement::Refused(problem) => effects.push(refused(message, problem)),
            Announcement::Described(described) => {
                self.pending.remove(&half(&key, &message.publisher));
                self.apply(arrival, *described, effects);
            }
        }
    }

    fn parts_of(&self, key: &str, publisher: &Publisher) -> BTreeMap<String, Json> {
        let announced = self
            .announced_by
            .get(key)
            .and_then(|device| self.devices.get(device))
            .and_then(|device| device.record.announced.iter().find(|announced| announced.key == key));
        match announced {
            Some(announced) => announced.parts.clone(),
            None => self.pending.get(&half(key, publisher)).cloned().unwrap_or_default(),
        }
    }

    fn keep_pending(&mut self, arrival: Arrival, effects: &mut Vec<Effect>) {
        let half = half(arrival.key, &arrival.message.publisher);
        if arrival.parts.is_empty() {
            self.pending.remove(&half);
        } else if self.pending.len() < PENDING_MAX || self.pending.contains_key(&half) {
            self.pending.insert(half, arrival.parts);
        } else {
            effects.push(refused(
                arrival.message,
                Problem::new(
                    format!("{PENDING_MAX} announcements already wait for their other half"),
                    "Check which devices announce only a part of themselves.",
                ),
            ));
        }
    }

    fn apply(&mut self, arrival: Arrival, described: Described, effects: &mut Vec<Effect>) {
        let Described { mut device, mut on_connect, mut problems } = described;
        if let Err(problem) = check(&mut device) {
            effects.push(refused(arrival.message, problem));
            return;
        }
        let was_empty = device.entities.is_empty();
        problems.extend(self.check_topics(&mut device, &mut on_connect, &arrival.message.publisher));
        let more = problems.len().saturating_sub(PROBLEMS_MAX);
        problems.truncate(PROBLEMS_MAX);
        if let Some(last) = problems.last_mut().filter(|_| more > 0) {
            last.why = format!("{} (and {more} more parts of it are as wrong)", last.why);
        }
        effects.extend(problems.into_iter().map(|problem| refused(arrival.message, problem)));
        if device.entities.is_empty() && !was_empty {
            return;
        }
        let known = device.identities.iter().find_map(|identity| self.identities.get(identity)).cloned();
        let foreign = known.as_deref().and_then(|id| self.foreign(id, &arrival.message.publisher));
        if let Some(problem) = foreign.or_else(|| self.check_room(arrival.key, known.as_deref()).err()) {
            effects.push(refused(arrival.message, problem));
            return;
        }
        if let Some(before) = self.announced_by.get(arrival.key)
            && known.as_ref() != Some(before)
        {
            // The same announcement now speaks of another device.
            self.withdraw(arrival.key, effects);
        }
        let is_new = known.is_none();
        let id = match known {
            Some(id) => id,
            None if self.devices.len() >= DEVICES_MAX => {
                effects.push(refused(
                    arrival.message,
                    Problem::new(
                        format!("There are already {DEVICES_MAX} devices"),
                        "Remove devices that are no longer there.",
                    ),
                ));
                return;
            }
            None => {
                let id = self.make_device(&device, &arrival);
                self.put_where_it_says(&id, device.suggested_area.as_deref(), effects);
                id
            }
        };
        let before = if is_new { None } else { self.device(&id).cloned() };
        let mut differs = is_new;
        self.describe_device(&id, &device, arrival.message);
        if !on_connect.is_empty()
            && let Some(entry) = self.devices.get_mut(&id)
            && entry.record.on_connect != on_connect
        {
            entry.record.on_connect = on_connect;
            differs = true;
        }
        let mut recall = BTreeSet::new();
        let availability = self.devices.get(&id).map(|entry| &entry.record.availability);
        if !device.availability.sources.is_empty() && availability != Some(&device.availability) {
            differs = true;
            self.unlisten_device(&id);
            if let Some(entry) = self.devices.get_mut(&id) {
                entry.record.availability = device.availability;
            }
            self.listen_device(&id);
            let entry = self.devices.get(&id);
            recall.extend(
                entry
                    .iter()
                    .flat_map(|entry| &entry.record.availability.sources)
                    .map(|source| source.topic.clone()),
            );
        }
        let mut later = Vec::new();
        let entities = self.apply_entities(&id, device.entities, &arrival, &mut recall, &mut later);
        differs |= self.note_announced(&id, arrival, entities, &mut later);
        if let Some(entry) = self.devices.get(&id) {
            if before.as_ref() != Some(&entry.record.device) {
                effects.push(Effect::DeviceChanged(entry.record.device.clone()));
                differs = true;
            }
            if differs {
                effects.push(Effect::SaveDevice(entry.record.clone()));
            }
        }
        if differs || later.iter().any(|effect| matches!(effect, Effect::EntityChanged(_))) {
            self.forgive(&id);
        }
        effects.append(&mut later);
        if !recall.is_empty() {
            effects.push(Effect::Recall { filters: recall.into_iter().collect() });
        }
    }

    fn make_device(&mut self, device: &DeviceDescription, arrival: &Arrival) -> String {
        let name = shown_name(device);
        let wanted = match slug(&name) {
            empty if empty.is_empty() => "device".to_owned(),
            slug => slug,
        };
        let id = unique(&wanted, |id| self.devices.contains_key(id));
        let publisher = &arrival.message.publisher;
        let by_hub = publisher.user == Publisher::HUB;
        let record = DeviceRecord {
            device: Device {
                id: id.clone(),
                name,
                profile: arrival.profile.to_owned(),
                credential: (!by_hub).then(|| publisher.user.clone()),
                demo: publisher.is_demo(),
                first_seen_ms: arrival.message.time_ms,
                ..blank_device()
            },
            availability: AvailabilitySpec::default(),
            on_connect: Vec::new(),
            announced: Vec::new(),
        };
        self.devices.insert(id.clone(), DeviceEntry::new(record));
        id
    }

    /// A new device goes into the room it names. Later announcements leave it where its owner put it.
    fn put_where_it_says(&mut self, id: &str, room: Option<&str>, effects: &mut Vec<Effect>) {
        let Some(room) = room else { return };
        let lower = room.trim().to_lowercase();
        let known = self.areas.values().find(|area| area.name.to_lowercase() == lower);
        let area = match known.map(|area| area.id.clone()) {
            Some(known) => known,
            None => {
                // A name that cannot be one, or a room too many, is no reason to refuse the device.
                let Ok((made, mut announced)) = self.add_area(room) else { return };
                effects.append(&mut announced);
                made
            }
        };
        if let Some(entry) = self.devices.get_mut(id) {
            entry.record.device.area = Some(area);
        }
    }

    /// Takes over what the board says about itself. What it does not say this time stays.
    fn describe_device(&mut self, id: &str, said: &DeviceDescription, message: &Message) {
        let Some(entry) = self.devices.get_mut(id) else { return };
        let device = &mut entry.record.device;
        if !device.name_by_owner && !said.name.is_empty() {
            device.name.clone_from(&said.name);
        }
        let update = |kept: &mut Option<String>, said: &Option<String>| {
            if said.is_some() && kept != said {
                kept.clone_from(said);
            }
        };
        update(&mut device.manufacturer, &said.manufacturer);
        update(&mut device.model, &said.model);
        update(&mut device.sw_version, &said.sw_version);
        update(&mut device.hw_version, &said.hw_version);
        update(&mut device.mac, &said.mac);
        update(&mut device.ip, &said.ip);
        update(&mut device.url, &said.url);
        if device.credential.is_none() && message.publisher.user != Publisher::HUB {
            device.credential = Some(message.publisher.user.clone());
        }
        for identity in &said.identities {
            // An identity that already leads to another device stays there.
            if device.identities.len() < IDENTITIES_MAX && !self.identities.contains_key(identity) {
                self.identities.insert(identity.clone(), id.to_owned());
                device.identities.push(identity.clone());
            }
        }
    }

    /// Adds and changes entities; returns the ids of all that the announcement speaks of.
    fn apply_entities(
        &mut self,
        device: &str,
        descriptions: Vec<EntityDescription>,
        arrival: &Arrival,
        recall: &mut BTreeSet<String>,
        effects: &mut Vec<Effect>,
    ) -> Vec<String> {
        let mut ids = Vec::with_capacity(descriptions.len());
        for description in descriptions {
            let Some(entry) = self.devices.get(device) else { break };
            let key = (description.component, description.unique_id.clone());
            match entry.entities.get(&key) {
                Some(&slot) => ids.extend(self.change_entity(slot, description, recall, effects)),
                None if entry.entities.len() >= ENTITIES_PER_DEVICE_MAX => {
                    effects.push(refused(
                        arrival.message,
                        Problem::new(
                            format!(
                                "{:?} announces more than {ENTITIES_PER_DEVICE_MAX} entities",
                                entry.record.device.name
                            ),
                            "Announce the rest as another device.",
                        ),
                    ));
                    break;
                }
                None if self.slot_of.len() >= ENTITIES_MAX => {
                    effects.push(refused(
                        arrival.message,
                        Problem::new(
                            format!("There are already {ENTITIES_MAX} entities"),
                            "Remove devices that are no longer there.",
                        ),
                    ));
                    break;
                }
                None => ids.push(self.make_entity(device, description, recall, effects)),
            }
        }
        ids.sort_unstable();
        ids.dedup();
        ids
    }

    fn make_entity(
        &mut self,
        device: &str,
        description: EntityDescription,
        recall: &mut BTreeSet<String>,
        effects: &mut Vec<Effect>,
    ) -> String {
        let device_name = self.devices.get(device).map_or("", |entry| &entry.record.device.name);
        let name = description.name.clone().unwrap_or_else(|| device_name.to_owned());
        let wanted = format!("{device}.{}", entity_slug(&description, device_name));
        let id = unique(&wanted, |id| self.slot_of.contains_key(id));
        let entity = Entity {
            id: id.clone(),
            device: device.to_owned(),
            name,
            name_by_owner: false,
            by_hand: false,
            description,
        };
        let slot = self.insert_entity(entity, State::default());
        if let Some(entry) = self.entry(slot) {
            recall.extend(topics_of(&entry.entity.description));
            effects.push(Effect::EntityChanged(entry.entity.clone()));
            effects.push(Effect::StateChanged(StateChange {
                entity: id.clone(),
                old: None,
                new: entry.state.clone(),
                fresh: false,
            }));
        }
        id
    }

    fn change_entity(
        &mut self,
        slot: u32,
        mut description: EntityDescription,
        recall: &mut BTreeSet<String>,
        effects: &mut Vec<Effect>,
    ) -> Option<String> {
        let entry = self.entry(slot)?;
        let device_name =
            self.devices.get(&entry.entity.device).map(|device| device.record.device.name.clone());
        let id = entry.entity.id.clone();
        if entry.entity.by_hand {
            return Some(id);
        }
        let before = entry.entity.clone();
        let same_topics = before.description.sources == description.sources
            && before.description.availability == description.availability;
        if same_topics {
            let entry = self.entry_mut(slot)?;
            std::mem::swap(&mut entry.entity.description, &mut description);
        } else {
            self.unlisten(slot);
            let entry = self.entry_mut(slot)?;
            entry.entity.description = description;
            entry.floor = 0;
            entry.complained = false;
            self.listen(slot);
            recall.extend(topics_of(&self.entry(slot)?.entity.description));
        }
        let entry = self.entry_mut(slot)?;
        if !entry.entity.name_by_owner {
            let announced = entry.entity.description.name.clone();
            entry.entity.name = announced.or(device_name).unwrap_or_default();
        }
        if entry.entity != before {
            effects.push(Effect::EntityChanged(entry.entity.clone()));
        }
        Some(id)
    }

    /// Writes down what the announcement brought and removes what it no longer brings; whether that is
    /// something new.
    fn note_announced(
        &mut self,
        device: &str,
        arrival: Arrival,
        entities: Vec<String>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(entry) = self.devices.get_mut(device) else { return false };
        let announced = &mut entry.record.announced;
        let before = match announced.iter_mut().find(|announced| announced.key == arrival.key) {
            Some(known)
                if known.entities == entities
                    && known.parts == arrival.parts
                    && known.profile == arrival.profile =>
            {
                return false;
            }
            Some(known) => {
                known.parts = arrival.parts;
                arrival.profile.clone_into(&mut known.profile);
                std::mem::replace(&mut known.entities, entities)
            }
            None => {
                announced.push(Announced {
                    key: arrival.key.to_owned(),
                    profile: arrival.profile.to_owned(),
                    entities,
                    parts: arrival.parts,
                });
                Vec::new()
            }
        };
        let gone: Vec<String> = before
            .into_iter()
            .filter(|id| !announced.iter().any(|announced| announced.entities.contains(id)))
            .collect();
        self.announced_by.insert(arrival.key.to_owned(), device.to_owned());
        for id in gone {
            self.drop_entity(&id, effects);
        }
        true
    }

    /// Removes what was announced under a key. A device without entities goes too, unless its owner gave it
    /// a name or a place: then it waits to be announced again.
    fn withdraw(&mut self, key: &str, effects: &mut Vec<Effect>) {
        let Some(device) = self.announced_by.remove(key) else { return };
        let Some(entry) = self.devices.get_mut(&device) else { return };
        let announced = &mut entry.record.announced;
        let Some(at) = announced.iter().position(|announced| announced.key == key) else { return };
        let withdrawn = announced.remove(at);
        let gone: Vec<String> = withdrawn
            .entities
            .into_iter()
            .filter(|id| !announced.iter().any(|announced| announced.entities.contains(id)))
            .collect();
        for id in gone {
            self.drop_entity(&id, effects);
        }
        let Some(entry) = self.devices.get(&device) else { return };
        let known = &entry.record.device;
        if entry.record.announced.is_empty()
            && entry.entities.is_empty()
            && !known.name_by_owner
            && known.area.is_none()
        {
            self.drop_device(&device, effects);
        } else {
            effects.push(Effect::SaveDevice(entry.record.clone()));
        }
    }

    pub(super) fn drop_entity(&mut self, id: &str, effects: &mut Vec<Effect>) {
        if let Some(slot) = self.slot_of.get(id).copied()
            && self.take_entity(slot).is_some()
        {
            effects.push(Effect::EntityRemoved { id: id.to_owned() });
        }
    }

    pub(super) fn drop_device(&mut self, id: &str, effects: &mut Vec<Effect>) {
        let slots: Vec<u32> =
            self.devices.get(id).map(|entry| entry.entities.values().copied().collect()).unwrap_or_default();
        for slot in slots {
            if let Some(entry) = self.take_entity(slot) {
                effects.push(Effect::EntityRemoved { id: entry.entity.id });
            }
        }
        self.unlisten_device(id);
        if let Some(entry) = self.devices.remove(id) {
            for identity in &entry.record.device.identities {
                self.identities.remove(identity);
            }
            for announced in &entry.record.announced {
                self.announced_by.remove(&announced.key);
            }
            effects.push(Effect::DeviceRemoved { id: id.to_owned() });
        }
    }
}

pub(super) fn refused(message: &Message, problem: Problem) -> Effect {
    Effect::Refused(Refused {
        topic: message.topic.to_string(),
        publisher: Arc::clone(&message.publisher),
        why: problem.why,
        advice: problem.advice,
    })
}

fn shown_name(device: &DeviceDescription) -> String {
    if !device.name.is_empty() {
        return device.name.clone();
    }
    device.model.clone().or_else(|| device.identities.first().cloned()).map_or_else(
        || "Device".to_owned(),
        |name| clean_name(name.split_once(':').map_or(name.as_str(), |(_, identity)| identity)),
    )
}

/// The entity's part of its id. Boards like to repeat their own name in front.
fn entity_slug(description: &EntityDescription, device_name: &str) -> String {
    let device = slug(device_name);
    let name = description.name.as_deref().map(slug).unwrap_or_default();
    let short = name.strip_prefix(&device).map_or(name.as_str(), |rest| rest.trim_start_matches('_'));
    if !short.is_empty() {
        return short.to_owned();
    }
    description
        .device_class
        .as_deref()
        .map(slug)
        .filter(|class| !class.is_empty())
        .unwrap_or_else(|| component_word(description.component))
}

/// The component's name as announcements write it.
fn component_word(component: Component) -> String {
    serde_json::to_value(component)
        .ok()
        .and_then(|word| word.as_str().map(ToOwned::to_owned))
        .unwrap_or_else(|| "entity".to_owned())
}

/// Where half an announcement waits for its other half, which must come from the same board.
fn half(key: &str, publisher: &Publisher) -> (String, String) {
    (key.to_owned(), publisher.user.clone())
}

pub(super) fn topics_of(description: &EntityDescription) -> impl Iterator<Item = String> {
    let sources = description.sources.iter().map(|source| source.topic.clone());
    sources.chain(description.availability.sources.iter().map(|source| source.topic.clone()))
}

pub(super) fn blank_device() -> Device {
    Device {
        id: String::new(),
        identities: Vec::new(),
        profile: String::new(),
        name: String::new(),
        name_by_owner: false,
        area: None,
        manufacturer: None,
        model: None,
        sw_version: None,
        hw_version: None,
        mac: None,
        ip: None,
        url: None,
        credential: None,
        demo: false,
        first_seen_ms: 0,
    }
}
