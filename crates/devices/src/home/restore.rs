//! Taking back what was saved.

use std::collections::HashMap;

use model::{Availability, Entity, State, StateChange};

use super::{DeviceEntry, Due, Home};
use crate::effect::{Effect, Saved};

impl Home {
    /// Takes back what was saved. Returned are effects for what had to be put right: entities whose device is
    /// gone are removed, devices lose an area that is gone.
    pub fn restore(&mut self, saved: Saved) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.areas.extend(saved.areas.into_iter().map(|area| (area.id.clone(), area)));
        for mut record in saved.devices {
            let id = record.device.id.clone();
            if record.device.area.as_ref().is_some_and(|area| !self.areas.contains_key(area)) {
                record.device.area = None;
                effects.push(Effect::SaveDevice(record.clone()));
            }
            for identity in &record.device.identities {
                self.identities.insert(identity.clone(), id.clone());
            }
            for announced in &record.announced {
                self.announced_by.insert(announced.key.clone(), id.clone());
            }
            self.devices.insert(id.clone(), DeviceEntry::new(record));
            self.listen_device(&id);
        }
        let mut states: HashMap<String, State> = saved.states.into_iter().collect();
        for entity in saved.entities {
            let Some(device) = self.devices.get(&entity.device) else {
                effects.push(Effect::EntityRemoved { id: entity.id });
                continue;
            };
            let mut state = states.remove(&entity.id).unwrap_or_default();
            let told_by_topic = !device.record.availability.sources.is_empty()
                || !entity.description.availability.sources.is_empty();
            if !told_by_topic && state.availability != Availability::Available {
                // It had expired; whether it still has, the clock will say.
                let old = state.clone();
                state.availability = Availability::Available;
                effects.push(Effect::StateChanged(StateChange {
                    entity: entity.id.clone(),
                    old: Some(old),
                    new: state.clone(),
                    fresh: false,
                }));
            }
            self.put_back(entity, state);
        }
        for (entity, waiting) in saved.waiting {
            self.restore_waiting(&entity, waiting);
        }
        effects
    }

    /// Puts in an entity with a state it has had before.
    pub(super) fn put_back(&mut self, entity: Entity, state: State) {
        let expires_ms = entity
            .description
            .expire_after_s
            .filter(|_| state.reported_ms > 0)
            .map(|seconds| state.reported_ms.saturating_add_unsigned(seconds.saturating_mul(1000)));
        let slot = self.insert_entity(entity, state);
        self.set_due(slot, Due::Expire, expires_ms);
    }
}
