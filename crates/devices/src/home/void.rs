//! What announcements no longer say. After a crash the journal is read again from a little before it ended; a device
//! that was removed or replaced in that time must not come back from there. Nor must one come back by its last will or
//! by the rest of what it was saying, where it tells when it begins anew.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::{DeviceEntry, Home};
use crate::effect::Effect;
use crate::limits::ANNOUNCEMENTS_MAX;
use crate::profile::Profile;

/// From when on an announcement counts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Void {
    /// Messages up to this journal id say nothing.
    until: u64,
    /// Nor do later ones, before it begins anew.
    until_begun: bool,
}

impl Home {
    /// Announcements that say nothing for now, by key, to be kept and given to [`Home::set_void`] after a restart.
    pub fn void(&self) -> &HashMap<String, Void> {
        &self.void
    }

    /// Takes back what [`Home::void`] was.
    pub fn set_void(&mut self, void: HashMap<String, Void>) {
        self.void = void;
    }

    /// Messages up to this journal id do not come again.
    pub fn forget_void(&mut self, read_up_to: u64) {
        self.void.retain(|_, void| void.until > read_up_to || void.until_begun);
    }

    /// Whether a message is one of those that say nothing any more under this announcement key.
    pub(super) fn is_void(&self, key: &str, message_id: u64) -> bool {
        self.void.get(key).is_some_and(|void| void.until_begun || message_id <= void.until)
    }

    /// What announced a device until now says nothing any more.
    pub(super) fn make_void(&mut self, entry: &DeviceEntry, effects: &mut Vec<Effect>) {
        for announced in &entry.record.announced {
            if self.void.len() < ANNOUNCEMENTS_MAX {
                let until_begun = self.profile(&announced.profile).is_some_and(Profile::tells_beginnings);
                self.void.insert(announced.key.clone(), Void { until: self.heard, until_begun });
            }
        }
        if !entry.record.announced.is_empty() {
            effects.push(Effect::SaveVoid);
        }
    }
}

/// An announcement begins: what follows counts. Whether it did not before.
pub(super) fn begin_anew(void: &mut HashMap<String, Void>, key: &str, message_id: u64) -> bool {
    let void = void.get_mut(key).filter(|void| void.until < message_id);
    void.is_some_and(|void| std::mem::take(&mut void.until_begun))
}
