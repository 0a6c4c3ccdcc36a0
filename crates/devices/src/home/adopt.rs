//! Taking in what was proposed: a device and its entities at once, or nothing.

use std::collections::BTreeSet;

use model::entity::{AvailabilityMode, AvailabilitySource, AvailabilitySpec};
use model::{Entity, EntityDescription, State, StateChange};

use super::Home;
use super::bind::topics_of;
use super::edit::{checked_name, non_empty};
use crate::effect::Effect;
use crate::error::RegistryError;
use crate::limits::{ENTITIES_MAX, ENTITIES_PER_DEVICE_MAX};
use crate::slug::{slug, unique};

/// What a person takes of a proposal.
#[derive(Debug, Clone, PartialEq)]
pub struct Adoption {
    /// Device to add it to; `None` makes one.
    pub device: Option<String>,
    /// Name of the device to make.
    pub name: String,
    /// Area to put the new device into.
    pub area: Option<String>,
    /// Credential the board publishes with.
    pub credential: Option<String>,
    /// How to tell that the board is there.
    pub presence: Option<AvailabilitySource>,
    /// The entities; each with a name.
    pub entities: Vec<EntityDescription>,
}

impl Home {
    /// Makes what was proposed; returns the device, its new entities, and what that brings about. Their last messages
    /// come through [`Effect::Recall`].
    pub fn adopt(
        &mut self,
        adoption: Adoption,
        now_ms: i64,
    ) -> Result<(String, Vec<Entity>, Vec<Effect>), RegistryError> {
        let Adoption { device, name, area, credential, presence, entities } = adoption;
        if let Some(area) = area.as_deref().filter(|area| !self.areas.contains_key(*area)) {
            return Err(RegistryError::UnknownArea(area.to_owned()));
        }
        let names = entities.iter().map(|entity| checked_name(entity.name.as_deref().unwrap_or_default()));
        let names: Vec<String> = names.collect::<Result<_, _>>()?;
        let before = match &device {
            Some(id) => {
                let entry = self.devices.get(id).ok_or_else(|| RegistryError::UnknownDevice(id.clone()))?;
                entry.entities.len()
            }
            None => 0,
        };
        if before + entities.len() > ENTITIES_PER_DEVICE_MAX {
            return Err(RegistryError::Full { what: "entities of one device", max: ENTITIES_PER_DEVICE_MAX });
        }
        if self.slot_of.len() + entities.len() > ENTITIES_MAX {
            return Err(RegistryError::Full { what: "entities", max: ENTITIES_MAX });
        }
        let mut effects = Vec::new();
        let is_new = device.is_none();
        let device = match device {
            Some(id) => id,
            None => self.make_device_by_hand(&checked_name(&name)?, now_ms, &mut effects)?,
        };
        let mut recall = BTreeSet::new();
        if let Some(entry) = self.devices.get_mut(&device) {
            let record = &mut entry.record;
            let silent = record.availability.sources.is_empty();
            if is_new {
                record.device.area = area;
            }
            record.device.credential = record.device.credential.take().or(credential);
            if let Some(source) = presence.filter(|_| silent) {
                recall.insert(source.topic.clone());
                record.availability =
                    AvailabilitySpec { mode: AvailabilityMode::Latest, sources: vec![source], sleepy: false };
            }
            let record = record.clone();
            self.unlisten_device(&device);
            self.listen_device(&device);
            effects.push(Effect::DeviceChanged(record.device.clone()));
            effects.push(Effect::SaveDevice(record));
        }
        let mut made = Vec::with_capacity(entities.len());
        for (description, name) in entities.into_iter().zip(names) {
            recall.extend(topics_of(&description));
            made.push(self.add_described(&device, name, description, &mut effects));
        }
        if !recall.is_empty() {
            effects.push(Effect::Recall { filters: recall.into_iter().collect() });
        }
        Ok((device, made, effects))
    }

    /// Adds an entity that a person wants, under an id of its own.
    pub(super) fn add_described(
        &mut self,
        device: &str,
        name: String,
        mut description: EntityDescription,
        effects: &mut Vec<Effect>,
    ) -> Entity {
        let id = unique(&format!("{device}.{}", non_empty(slug(&name), "entity")), |id| {
            self.slot_of.contains_key(id)
        });
        description.unique_id = format!("hand:{id}");
        description.name = Some(name.clone());
        let device = device.to_owned();
        let entity = Entity { id: id.clone(), device, name, name_by_owner: true, by_hand: true, description };
        effects.push(Effect::EntityChanged(entity.clone()));
        effects.push(Effect::StateChanged(StateChange {
            entity: id,
            old: None,
            new: State::default(),
            fresh: false,
        }));
        self.insert_entity(entity.clone(), State::default());
        entity
    }
}
