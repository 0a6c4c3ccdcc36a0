//! Announcements of which only some parts have come, bounded for each credential and in all.

use std::collections::{BTreeMap, HashMap};

use model::Publisher;
use serde_json::Value as Json;

use crate::limits::{PENDING_BYTES_MAX, PENDING_BYTES_PER_USER_MAX, PENDING_MAX, PENDING_PER_USER_MAX};

/// The parts of an announcement, by name.
pub(super) type Parts = BTreeMap<String, Json>;

/// What waits for its other half, by announcement key and the user who said it.
#[derive(Debug, Default)]
pub(super) struct Pending {
    halves: HashMap<(String, String), (Parts, usize)>,
    /// How many and how many bytes each user has waiting.
    by_user: HashMap<String, (usize, usize)>,
    bytes: usize,
}

impl Pending {
    pub(super) fn get(&self, key: &str, publisher: &Publisher) -> Option<&Parts> {
        self.halves.get(&half(key, publisher)).map(|(parts, _)| parts)
    }

    pub(super) fn contains(&self, key: &str, publisher: &Publisher) -> bool {
        self.halves.contains_key(&half(key, publisher))
    }

    /// Whether anybody has said a part of this announcement.
    pub(super) fn has(&self, key: &str) -> bool {
        self.halves.keys().any(|(waiting, _)| waiting == key)
    }

    #[cfg(feature = "fuzzing")]
    pub(super) fn len(&self) -> usize {
        self.halves.len()
    }

    /// Keeps these parts in the place of those from before; why not, if there is no room. Then those from before
    /// stay.
    pub(super) fn keep(&mut self, key: &str, publisher: &Publisher, parts: Parts) -> Result<(), String> {
        let half = half(key, publisher);
        let bytes = weight(&parts);
        let before = self.halves.get(&half).map_or(0, |(_, bytes)| *bytes);
        let is_new = !self.halves.contains_key(&half);
        let (count, of_user) = self.by_user.get(&half.1).copied().unwrap_or_default();
        if is_new && count >= PENDING_PER_USER_MAX {
            return Err(format!(
                "{PENDING_PER_USER_MAX} announcements of its credential already wait for their other half"
            ));
        }
        if is_new && self.halves.len() >= PENDING_MAX {
            return Err(format!("{PENDING_MAX} announcements already wait for their other half"));
        }
        if bytes > before && of_user - before + bytes > PENDING_BYTES_PER_USER_MAX {
            return Err(format!(
                "what waits for its other half of its credential would come to more than \
                 {PENDING_BYTES_PER_USER_MAX} bytes"
            ));
        }
        if bytes > before && self.bytes - before + bytes > PENDING_BYTES_MAX {
            return Err(format!(
                "what waits for its other half would come to more than {PENDING_BYTES_MAX} bytes"
            ));
        }
        self.by_user.insert(half.1.clone(), (count + usize::from(is_new), of_user - before + bytes));
        self.bytes = self.bytes - before + bytes;
        self.halves.insert(half, (parts, bytes));
        Ok(())
    }

    pub(super) fn remove(&mut self, key: &str, publisher: &Publisher) {
        let half = half(key, publisher);
        let Some((_, bytes)) = self.halves.remove(&half) else { return };
        self.bytes -= bytes;
        if let Some((count, of_user)) = self.by_user.get_mut(&half.1) {
            (*count, *of_user) = (*count - 1, *of_user - bytes);
            if *count == 0 {
                self.by_user.remove(&half.1);
            }
        }
    }

    /// A credential is no more, and nothing it began will be ended.
    pub(super) fn forget(&mut self, user: &str) {
        self.halves.retain(|(_, of), _| of != user);
        if let Some((_, bytes)) = self.by_user.remove(user) {
            self.bytes -= bytes;
        }
    }
}

fn half(key: &str, publisher: &Publisher) -> (String, String) {
    (key.to_owned(), publisher.user.clone())
}

/// What parts take, bytes: their names and texts, and something for each value.
pub(super) fn weight(parts: &Parts) -> usize {
    parts.iter().map(|(name, json)| name.len() + json_weight(json)).sum()
}

fn json_weight(json: &Json) -> usize {
    const EACH: usize = 32;
    EACH + match json {
        Json::String(text) => text.len(),
        Json::Array(items) => items.iter().map(json_weight).sum(),
        Json::Object(members) => members.iter().map(|(name, json)| name.len() + json_weight(json)).sum(),
        Json::Null | Json::Bool(_) | Json::Number(_) => 0,
    }
}
