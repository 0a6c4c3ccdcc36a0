//! What is kept beside devices and entities, for the fuzzers.

use super::Home;
use crate::fuzzing::Leftovers;

impl Home {
    pub(crate) fn leftovers(&self) -> Leftovers {
        let is_known = |key: &String| self.announced_by.contains_key(key) || self.pending.has(key);
        Leftovers {
            topics: self.index.len(),
            templates: self.templates.kept(),
            identities: self.identities.len(),
            announcements: self.announced_by.len(),
            pending: self.pending.len(),
            described: self.described.iter().filter(|key| !is_known(key)).count(),
            slots: self.slots.len() - self.free_slots.len() - self.slot_of.len(),
        }
    }
}
