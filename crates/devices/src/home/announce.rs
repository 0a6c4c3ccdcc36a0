//! Announcements: from what a profile read to the difference it makes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use model::entity::AvailabilitySpec;
use model::{Device, DeviceDescription, Message, Publisher};
use serde_json::Value as Json;

use super::admission::{check, clean_name};
use super::pace::Turn;
use super::pending::weight;
use super::void::begin_anew;
use super::{Announcer, DeviceEntry, Home};
use crate::announcement::{Announcement, Described, Problem};
use crate::effect::{Announced, DeviceRecord, Effect, Refused};
use crate::limits::{
    ANNOUNCEMENT_PARTS_BYTES_MAX, DEVICES_MAX, IDENTITIES_MAX, LATER_MAX, PARTS_PER_ANNOUNCEMENT_MAX,
    PROBLEMS_MAX,
};
use crate::profile::{Heard, Part, Profile};
use crate::slug::{slug, unique};

/// One announcement on its way into the registry.
pub(super) struct Arrival<'a> {
    pub(super) key: &'a str,
    pub(super) profile: &'a str,
    pub(super) parts: BTreeMap<String, Json>,
    pub(super) message: &'a Message,
}

impl Home {
    /// Reads a message as an announcement and makes the difference.
    pub(super) fn announce(&mut self, announcer: Announcer, message: &Message, effects: &mut Vec<Effect>) {
        if self.is_revoked(&message.publisher) {
            return;
        }
        let Some(profile) = self.profiles.get(announcer.profile) else { return };
        let profile_id = profile.id().to_owned();
        let is_said = |key: &str, part: &str| {
            self.parts_of(key, &message.publisher).is_some_and(|parts| parts.contains_key(part))
        };
        let heard = profile.hear(announcer.rule, &message.topic, &message.payload, &is_said);
        let (key, parts, announcement) = match heard {
            None => return,
            Some(Heard::Whole(announcement)) => (message.topic.to_string(), BTreeMap::new(), announcement),
            Some(Heard::All { keys, devices }) => {
                self.announce_all(&profile_id, &keys, devices, message, effects);
                return;
            }
            Some(Heard::Part(Part { key, captures, name, mut json, once, merge, begins })) => {
                if begins && begin_anew(&mut self.void, &key, message.id) {
                    effects.push(Effect::SaveVoid);
                }
                if self.is_void(&key, message.id) {
                    return;
                }
                let known = self.parts_of(&key, &message.publisher);
                let said = known.and_then(|parts| parts.get(&name));
                if merge && let (Some(before), Some(json)) = (said, json.as_mut()) {
                    let more = std::mem::replace(json, before.clone());
                    merge_into(json, more);
                }
                // After a start the first word counts: what is known may have been read by an older Hearth.
                if once && said == json.as_ref() && (said.is_none() || self.described.contains(&key)) {
                    return;
                }
                match self.pace.turn(announcer, message) {
                    Turn::Now => {}
                    Turn::Later => return,
                    Turn::Never => {
                        let problem = Problem::new(
                            format!(
                                "{LATER_MAX} parts of announcements of its credential already wait to be read"
                            ),
                            "Let it announce itself less often, or as smaller devices.",
                        );
                        let device = self.announced_by.get(&key).cloned();
                        effects.push(refused(message, device.as_deref(), problem));
                        return;
                    }
                }
                let mut parts = self.parts_of(&key, &message.publisher).cloned().unwrap_or_default();
                match json {
                    Some(json) => parts.insert(name.clone(), json),
                    None => parts.remove(&name),
                };
                let announcement = if weight(&parts) > ANNOUNCEMENT_PARTS_BYTES_MAX {
                    Announcement::Refused(Problem::new(
                        format!("Its parts come to more than {ANNOUNCEMENT_PARTS_BYTES_MAX} bytes"),
                        "Announce the rest as another device.",
                    ))
                } else if parts.len() > PARTS_PER_ANNOUNCEMENT_MAX {
                    Announcement::Refused(Problem::new(
                        format!("It comes in more than {PARTS_PER_ANNOUNCEMENT_MAX} messages"),
                        "Announce the rest as another device.",
                    ))
                } else {
                    profile.describe(&captures, &parts, &name)
                };
                // To find that it is not complete takes little of the time that describing it does.
                let read = match announcement {
                    Announcement::Waiting => parts.len() / 32,
                    _ => parts.len(),
                };
                self.pace.spend(&message.publisher.user, read, message.time_ms);
                (key, parts, announcement)
            }
        };
        self.take(Arrival { key: &key, profile: &profile_id, parts, message }, announcement, effects);
    }

    /// A message announced all devices of a kind: those it no longer names are gone.
    fn announce_all(
        &mut self,
        profile: &str,
        keys: &str,
        devices: Vec<(String, Announcement)>,
        message: &Message,
        effects: &mut Vec<Effect>,
    ) {
        let named: BTreeSet<&String> = devices.iter().map(|(key, _)| key).collect();
        let known = self.announced_by.keys().filter(|key| key.starts_with(keys) && !named.contains(key));
        let gone: Vec<String> = known.cloned().collect();
        for key in gone {
            let arrival = Arrival { key: &key, profile, parts: BTreeMap::new(), message };
            self.take(arrival, Announcement::Removed, effects);
        }
        for (key, announcement) in devices {
            let arrival = Arrival { key: &key, profile, parts: BTreeMap::new(), message };
            self.take(arrival, announcement, effects);
        }
    }

    /// Takes in what a message says of one announcement.
    pub(super) fn take(&mut self, arrival: Arrival, announcement: Announcement, effects: &mut Vec<Effect>) {
        let Arrival { key, message, .. } = arrival;
        if self.is_void(key, message.id) {
            return;
        }
        let known = self.announced_by.get(key).cloned();
        let foreign = known.as_deref().and_then(|device| self.foreign(device, &message.publisher));
        if let Some(problem) = foreign {
            effects.push(refused(message, known.as_deref(), problem));
            return;
        }
        let is_put_together = matches!(announcement, Announcement::Described(_) | Announcement::Waiting)
            && !arrival.parts.is_empty();
        match announcement {
            Announcement::Nothing => {
                // A part without which the rest says nothing may have been taken away.
                self.withdraw(key, effects);
                self.keep_pending(arrival, effects);
            }
            Announcement::Waiting => self.keep_parts(arrival, effects),
            Announcement::Released => {}
            Announcement::Removed => {
                self.pending.remove(key, &message.publisher);
                self.withdraw(key, effects);
            }
            Announcement::Refused(problem) => effects.push(refused(message, known.as_deref(), problem)),
            Announcement::Described(described) => {
                self.apply(arrival, *described, effects);
                // What was refused waits on: a part that is mended completes it.
                if self.announced_by.contains_key(key) {
                    self.pending.remove(key, &message.publisher);
                }
            }
        }
        // What was refused, for want of room or by whose device it is, is not remembered either.
        let is_kept = self.announced_by.contains_key(key) || self.pending.contains(key, &message.publisher);
        if is_put_together && is_kept {
            self.described.insert(key.to_owned());
        } else if !is_kept {
            self.described.remove(key);
        }
    }

    pub(super) fn parts_of(&self, key: &str, publisher: &Publisher) -> Option<&BTreeMap<String, Json>> {
        let announced = self
            .announced_by
            .get(key)
            .and_then(|device| self.devices.get(device))
            .and_then(|device| device.record.announced.iter().find(|announced| announced.key == key));
        match announced {
            Some(announced) => Some(&announced.parts),
            None => self.pending.get(key, publisher),
        }
    }

    /// Keeps what was said of an announcement until the rest comes, and what is known of it as it is.
    fn keep_parts(&mut self, arrival: Arrival, effects: &mut Vec<Effect>) {
        let device = self.announced_by.get(arrival.key).and_then(|device| self.devices.get_mut(device));
        let Some(entry) = device else { return self.keep_pending(arrival, effects) };
        let announced = &mut entry.record.announced;
        if let Some(known) = announced.iter_mut().find(|announced| announced.key == arrival.key)
            && known.parts != arrival.parts
        {
            known.parts = arrival.parts;
            effects.push(Effect::SaveDevice(entry.record.clone()));
        }
    }

    fn keep_pending(&mut self, arrival: Arrival, effects: &mut Vec<Effect>) {
        let Arrival { key, parts, message, .. } = arrival;
        if parts.is_empty() {
            self.pending.remove(key, &message.publisher);
        } else if let Err(why) = self.pending.keep(key, &message.publisher, parts) {
            let problem = Problem::new(why, "Check which devices announce only a part of themselves.");
            effects.push(refused(message, None, problem));
        }
    }

    fn apply(&mut self, arrival: Arrival, described: Described, effects: &mut Vec<Effect>) {
        let Described { mut device, mut on_connect, mut problems } = described;
        let announced = self.announced_by.get(arrival.key).cloned();
        if let Err(problem) = check(&mut device) {
            effects.push(refused(arrival.message, announced.as_deref(), problem));
            return;
        }
        let known = device.identities.iter().find_map(|identity| self.identities.get(identity)).cloned();
        let was_empty = device.entities.is_empty();
        problems.extend(self.check_topics(&mut device, &mut on_connect, &arrival.message.publisher));
        let more = problems.len().saturating_sub(PROBLEMS_MAX);
        problems.truncate(PROBLEMS_MAX);
        if let Some(last) = problems.last_mut().filter(|_| more > 0) {
            last.why = format!("{} (and {more} more parts of it are as wrong)", last.why);
        }
        let speaks_of = known.as_deref().or(announced.as_deref());
        effects.extend(problems.into_iter().map(|problem| refused(arrival.message, speaks_of, problem)));
        if device.entities.is_empty() && !was_empty {
            return;
        }
        let foreign = known.as_deref().and_then(|id| self.foreign(id, &arrival.message.publisher));
        if let Some(problem) = foreign.or_else(|| self.check_room(arrival.key, known.as_deref()).err()) {
            effects.push(refused(arrival.message, known.as_deref(), problem));
            return;
        }
        if let Some(before) = self.announced_by.get(arrival.key)
            && known.as_ref() != Some(before)
        {
            // The same announcement now speaks of another device.
            self.withdraw(arrival.key, effects);
        }
        if known.as_deref().is_some_and(|id| self.is_outranked(id, arrival.profile)) {
            return;
        }
        let is_new = known.is_none();
        let id = match known {
            Some(id) => id,
            None if self.devices.len() >= DEVICES_MAX => {
                effects.push(refused(
                    arrival.message,
                    None,
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
        let profile = arrival.profile.to_owned();
        let by = Arc::clone(&arrival.message.publisher);
        let entities = self.apply_entities(&id, device.entities, arrival.message, &mut recall, &mut later);
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
            self.note_difference(&id, before.as_ref(), &by.user, &later, effects);
        }
        effects.append(&mut later);
        for key in self.outranked_by(&id, &profile) {
            self.withdraw(&key, effects);
        }
        if !recall.is_empty() {
            effects.push(Effect::Recall { filters: recall.into_iter().collect() });
        }
    }

    /// Whether something of a higher priority has already said what the device is.
    fn is_outranked(&self, device: &str, profile: &str) -> bool {
        let mine = self.priority(profile);
        let entry = self.devices.get(device);
        let mut announced = entry.iter().flat_map(|entry| &entry.record.announced);
        announced.any(|other| self.priority(&other.profile) > mine && !other.entities.is_empty())
    }

    /// What things of a lower priority have said of the device.
    fn outranked_by(&self, device: &str, profile: &str) -> Vec<String> {
        let mine = self.priority(profile);
        let entry = self.devices.get(device);
        let announced = entry.iter().flat_map(|entry| &entry.record.announced);
        announced
            .filter(|other| self.priority(&other.profile) < mine)
            .map(|other| other.key.clone())
            .collect()
    }

    fn priority(&self, profile: &str) -> i32 {
        self.profile(profile).map_or(0, Profile::priority)
    }

    fn make_device(&mut self, device: &DeviceDescription, arrival: &Arrival) -> String {
        let name = shown_name(device);
        let publisher = &arrival.message.publisher;
        // What scripts call it comes from the name its owner chose, where that is known.
        let chosen = self.expected_name(&publisher.user);
        let names = chosen.into_iter().chain([name.as_str()]).map(slug);
        let wanted = names.into_iter().find(|slug| !slug.is_empty()).unwrap_or_else(|| "device".to_owned());
        let id = unique(&wanted, |id| self.devices.contains_key(id));
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
        self.described.remove(key);
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
}

/// A message that cannot be used; `device` is the one it speaks of.
pub(super) fn refused(message: &Message, device: Option<&str>, problem: Problem) -> Effect {
    Effect::Refused(Refused {
        topic: message.topic.to_string(),
        publisher: Arc::clone(&message.publisher),
        device: device.map(ToOwned::to_owned),
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

/// Adds members to an object, and to the objects in it.
fn merge_into(into: &mut Json, more: Json) {
    match (into, more) {
        (Json::Object(members), Json::Object(more)) => {
            for (name, value) in more {
                merge_into(members.entry(name).or_insert(Json::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

/// Where half an announcement waits for its other half, which must come from the same board.
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
