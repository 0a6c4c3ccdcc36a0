//! What announcements no longer say. After a crash the journal is read again from a little before it ended; a device
//! that was removed or replaced in that time must not come back from there.

use std::collections::HashMap;

use super::{DeviceEntry, Home};
use crate::effect::Effect;
use crate::limits::ANNOUNCEMENTS_MAX;

impl Home {
    /// Announcements that say nothing up to a journal id, by key, to be kept and given to [`Home::set_void`] after
    /// a restart.
    pub fn void(&self) -> &HashMap<String, u64> {
        &self.void
    }

    /// Takes back what [`Home::void`] was.
    pub fn set_void(&mut self, void: HashMap<String, u64>) {
        self.void = void;
    }

    /// Messages up to this journal id do not come again.
    pub fn forget_void(&mut self, read_up_to: u64) {
        self.void.retain(|_, id| *id > read_up_to);
    }

    /// Whether a message is one of those that say nothing any more under this announcement key.
    pub(super) fn is_void(&self, key: &str, message_id: u64) -> bool {
        self.void.get(key).is_some_and(|until| message_id <= *until)
    }

    /// What announced a device until now says nothing any more.
    pub(super) fn make_void(&mut self, entry: &DeviceEntry, effects: &mut Vec<Effect>) {
        for announced in &entry.record.announced {
            if self.void.len() < ANNOUNCEMENTS_MAX {
                self.void.insert(announced.key.clone(), self.heard);
            }
        }
        if !entry.record.announced.is_empty() {
            effects.push(Effect::SaveVoid);
        }
    }
}
