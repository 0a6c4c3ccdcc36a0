//! Entities: made, changed and taken away as announcements say.

use std::collections::BTreeSet;

use model::{Component, Entity, EntityDescription, Message, State, StateChange};

use super::Home;
use super::announce::refused;
use super::bind::{same_topics, topics_of};
use super::note::{entity_difference, noted};
use crate::announcement::Problem;
use crate::effect::{Effect, NoteKind};
use crate::limits::{ENTITIES_MAX, ENTITIES_PER_CREDENTIAL_MAX, ENTITIES_PER_DEVICE_MAX};
use crate::slug::{slug, unique};

impl Home {
    /// Adds and changes entities; returns the ids of all that the announcement speaks of.
    pub(super) fn apply_entities(
        &mut self,
        device: &str,
        descriptions: Vec<EntityDescription>,
        message: &Message,
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
                        message,
                        Some(device),
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
                        message,
                        Some(device),
                        Problem::new(
                            format!("There are already {ENTITIES_MAX} entities"),
                            "Remove devices that are no longer there.",
                        ),
                    ));
                    break;
                }
                None if self.is_full_of(&message.publisher.user) => {
                    let user = &message.publisher.user;
                    effects.push(refused(
                        message,
                        Some(device),
                        Problem::new(
                            format!("`{user}` already announced {ENTITIES_PER_CREDENTIAL_MAX} entities"),
                            "Give some of its boards credentials of their own.",
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
        if same_topics(&before.description, &description) {
            let entry = self.entry_mut(slot)?;
            std::mem::swap(&mut entry.entity.description, &mut description);
        } else {
            self.unlisten(slot);
            let entry = self.entry_mut(slot)?;
            entry.entity.description = description;
            entry.floor = 0;
            entry.complained = false;
            entry.shine = None;
            self.listen(slot);
            recall.extend(topics_of(&self.entry(slot)?.entity.description));
        }
        let entry = self.entry_mut(slot)?;
        if !entry.entity.name_by_owner {
            let announced = entry.entity.description.name.clone();
            entry.entity.name = announced.or(device_name).unwrap_or_default();
        }
        if entry.entity != before {
            let difference = entity_difference(&before.description, &entry.entity);
            effects.push(Effect::EntityChanged(entry.entity.clone()));
            effects.extend(difference.map(|what| noted(&before.device, NoteKind::Changed, vec![what])));
        }
        Some(id)
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
                self.described.remove(&announced.key);
            }
            effects.push(Effect::DeviceRemoved { id: id.to_owned() });
        }
    }
}

/// The entity's part of its id. Boards like to repeat their own name in front.
pub(super) fn entity_slug(description: &EntityDescription, device_name: &str) -> String {
    let device = slug(device_name);
    let name = description.name.as_deref().map(slug).unwrap_or_default();
    // Only a whole word is the device's: a board called `t` has a relay called `test`.
    let rest = name.strip_prefix(&device).filter(|rest| rest.is_empty() || rest.starts_with('_'));
    let short = rest.map_or(name.as_str(), |rest| rest.trim_start_matches('_'));
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
