//! The firmwares a home understands, and what becomes of its devices when that changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use model::{FilterIndex, Message, Publisher, QoS};
use serde_json::Value as Json;

use super::announce::Arrival;
use super::{Announcer, Home};
use crate::announcement::Announcement;
use crate::effect::Effect;
use crate::profile::Profile;

/// What a device in parts was put together from.
struct Kept {
    key: String,
    profile: String,
    parts: BTreeMap<String, Json>,
    owner: String,
}

impl Home {
    /// The firmwares it understands.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// One profile.
    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id() == id)
    }

    /// Understands these firmwares from now on, as [`Home::new`] takes them. Devices of a profile that is new or
    /// says something else are understood anew, see [`Home::understand_anew`]; those of one that is gone stay
    /// as they are.
    pub fn set_profiles(&mut self, profiles: Vec<Profile>, now_ms: i64) -> Vec<Effect> {
        let before = std::mem::replace(&mut self.profiles, distinct(profiles));
        self.announcers = announcers(&self.profiles);
        let changed = self.profiles.iter().filter(|profile| !before.contains(profile));
        let changed: BTreeSet<String> = changed.map(|profile| profile.id().to_owned()).collect();
        self.understand_anew(&changed, now_ms)
    }

    /// Reads again what these profiles were told: the parts that were kept of announcements, then, by the
    /// [`Effect::Recall`] that is returned, what is retained. Entities keep their ids. A device of which neither
    /// is left, or of which a profile makes nothing any more, stays as it is until it announces itself.
    pub fn understand_anew(&mut self, profiles: &BTreeSet<String>, now_ms: i64) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.turn.next();
        self.described.retain(|key| !profiles.iter().any(|id| is_of(key, id)));
        for kept in self.kept_of(profiles) {
            let Kept { key, profile, parts, owner } = kept;
            let Some(known) = self.profile(&profile) else { continue };
            let Some(captures) = known.captures_of(&key) else { continue };
            // Which part came last matters to none of those that are put together from what was kept.
            let announcement = known.describe(&captures, &parts, "");
            if let Announcement::Described(_) | Announcement::Refused(_) = announcement {
                let message = said_again(&key, owner, now_ms);
                let arrival = Arrival { key: &key, profile: &profile, parts, message: &message };
                self.take(arrival, announcement, &mut effects);
            }
        }
        let filters: BTreeSet<String> = self
            .profiles
            .iter()
            .filter(|profile| profiles.contains(profile.id()))
            .flat_map(|profile| profile.announce_filters().map(ToString::to_string))
            .collect();
        if !filters.is_empty() {
            effects.push(Effect::Recall { filters: filters.into_iter().collect() });
        }
        effects
    }

    fn kept_of(&self, profiles: &BTreeSet<String>) -> Vec<Kept> {
        let announced = self.devices.values().flat_map(|entry| {
            let owner = entry.record.device.credential.as_deref().unwrap_or(Publisher::HUB);
            entry.record.announced.iter().map(move |announced| (announced, owner))
        });
        announced
            .filter(|(announced, _)| !announced.parts.is_empty() && profiles.contains(&announced.profile))
            .map(|(announced, owner)| Kept {
                key: announced.key.clone(),
                profile: announced.profile.clone(),
                parts: announced.parts.clone(),
                owner: owner.to_owned(),
            })
            .collect()
    }
}

/// Whether the key of an announcement in parts is one of this profile's.
fn is_of(key: &str, profile: &str) -> bool {
    key.strip_prefix(profile).is_some_and(|rest| rest.starts_with(':'))
}

/// What stands for the messages an announcement was put together from: they came from whom the device belongs to.
fn said_again(key: &str, owner: String, now_ms: i64) -> Message {
    Message {
        id: 0,
        time_ms: now_ms,
        topic: key.into(),
        payload: Bytes::new(),
        qos: QoS::AtMostOnce,
        retain: false,
        publisher: Arc::new(Publisher { user: owner, client_id: String::new() }),
        cause: None,
        properties: None,
    }
}

/// Of two profiles with the same id the later one.
pub(super) fn distinct(profiles: Vec<Profile>) -> Vec<Profile> {
    let mut kept: Vec<Profile> = Vec::with_capacity(profiles.len());
    for profile in profiles {
        kept.retain(|other| other.id() != profile.id());
        kept.push(profile);
    }
    kept
}

/// Who reads which announcements.
pub(super) fn announcers(profiles: &[Profile]) -> FilterIndex<Announcer> {
    let mut announcers = FilterIndex::new();
    for (profile, known) in profiles.iter().enumerate() {
        for (rule, filter) in known.announce_filters().enumerate() {
            announcers.insert(filter, Announcer { profile, rule });
        }
    }
    announcers
}
