//! Whose a retained message is.

use std::collections::BTreeSet;

use model::{Message, TopicFilter};

use super::{Announcer, Binding, Home};
use crate::announcement::Announcement;
use crate::profile::Heard;

/// Whose a message is, as far as the home knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Claim {
    /// It announces this device.
    Announces(String),
    /// It announces a device that is not here: it was removed, or the announcement was never taken.
    AnnouncesNobody,
    /// It is a part of an announcement that is not complete yet.
    Waits,
    /// This device listens to it.
    Heard(String),
    /// Nobody listens.
    Nobody,
}

impl Claim {
    /// The device, if there is one.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Announces(id) | Self::Heard(id) => Some(id),
            Self::AnnouncesNobody | Self::Waits | Self::Nobody => None,
        }
    }
}

impl Home {
    /// Whose a message is. Changes nothing.
    pub fn claim(&self, message: &Message) -> Claim {
        let mut announcers: Vec<Announcer> = Vec::new();
        self.announcers.for_each_match(&message.topic, |announcer| announcers.push(*announcer));
        // An announcement that is its own key is the common one, and needs no reading.
        if let Some(device) = self.announced_by.get(message.topic.as_ref()).filter(|_| !announcers.is_empty())
        {
            return Claim::Announces(device.clone());
        }
        let mut claim = Claim::Nobody;
        for announcer in announcers {
            match self.claim_by(announcer, message) {
                Claim::Nobody => {}
                Claim::Announces(device) => return Claim::Announces(device),
                other => claim = other,
            }
        }
        match self.listener(&message.topic) {
            // What also may be a part of an announcement is first of all what a device says.
            Some(device) if claim != Claim::AnnouncesNobody => Claim::Heard(device),
            _ => claim,
        }
    }

    fn claim_by(&self, announcer: Announcer, message: &Message) -> Claim {
        let Some(profile) = self.profiles.get(announcer.profile) else { return Claim::Nobody };
        let is_said = |_: &str, _: &str| true;
        let always = profile.announces(announcer.rule);
        match profile.hear(announcer.rule, &message.topic, &message.payload, &is_said) {
            None => Claim::Nobody,
            Some(Heard::Whole(Announcement::Described(described))) => {
                // Another announcement may have said more of the same device.
                let identities = &described.device.identities;
                let known = identities.iter().find_map(|identity| self.identities.get(identity));
                known.map_or(Claim::AnnouncesNobody, |device| Claim::Announces(device.clone()))
            }
            Some(Heard::Whole(_)) => Claim::AnnouncesNobody,
            Some(Heard::All { keys, .. }) => {
                let mut known = self.announced_by.iter().filter(|(key, _)| key.starts_with(&keys));
                known.next().map_or(Claim::AnnouncesNobody, |(_, device)| Claim::Announces(device.clone()))
            }
            Some(Heard::Part(part)) => match self.announced_by.get(&part.key) {
                Some(device) => Claim::Announces(device.clone()),
                None if self.pending.has(&part.key) => Claim::Waits,
                // A message that only may be an announcement is none.
                None if always => Claim::AnnouncesNobody,
                None => Claim::Nobody,
            },
        }
    }

    /// A device that listens to a topic, itself or through an entity.
    fn listener(&self, topic: &str) -> Option<String> {
        let mut found = None;
        self.index.for_each_match(topic, |binding| {
            found = found.take().or_else(|| match binding {
                Binding::Device { id, .. } => Some(id.clone()),
                Binding::Presence { slot, .. }
                | Binding::State { slot, .. }
                | Binding::Picture { slot }
                | Binding::Sent { slot } => self.entry(*slot).map(|entry| entry.entity.device.clone()),
            });
        });
        found
    }

    /// Topics a device hears and is commanded by, apart from those that announce it.
    pub fn topics_of_device(&self, id: &str) -> BTreeSet<TopicFilter> {
        let Some(entry) = self.devices.get(id) else { return BTreeSet::new() };
        let entities = entry.entities.values().filter_map(|slot| self.entry(*slot));
        let mut topics: BTreeSet<String> =
            entry.record.availability.sources.iter().map(|source| source.topic.clone()).collect();
        for entity in entities {
            let said = &entity.entity.description;
            topics.extend(super::bind::topics_of(said));
            topics.extend(said.commands.values().map(|command| command.topic.clone()));
        }
        topics.iter().filter_map(|topic| TopicFilter::new(topic).ok()).collect()
    }
}
