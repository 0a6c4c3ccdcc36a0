//! Putting entities and devices into the topic index, and taking them out.

use std::collections::BTreeSet;

use model::entity::AvailabilitySpec;
use model::{Availability, Entity, EntityDescription, Features, State, TopicFilter};

use super::{Binding, Due, EntityEntry, Home};
use crate::decode::{Presence, Source};

impl Home {
    /// Gives an entity a slot and listens to its topics. Its templates were checked when it was announced; a
    /// restored one that no longer compiles is kept without that source.
    pub(super) fn insert_entity(&mut self, entity: Entity, state: State) -> u32 {
        let slot = self.free_slots.pop().unwrap_or(self.slots.len() as u32);
        if slot as usize == self.slots.len() {
            self.slots.push(None);
        }
        self.slot_of.insert(entity.id.clone(), slot);
        if let Some(device) = self.devices.get_mut(&entity.device) {
            let key = (entity.description.component, entity.description.unique_id.clone());
            device.entities.insert(key, slot);
        }
        let told = state.availability;
        // A value that has to be confirmed and was never said is not there.
        let expired = entity.description.expire_after_s.is_some() && state.reported_ms == 0;
        let mut state = state;
        if expired {
            state.availability = Availability::Unavailable;
        }
        let entry = EntityEntry {
            told,
            floor: state.message_id.unwrap_or(0),
            awaited: None,
            shine: None,
            state,
            sources: Vec::new(),
            presence: Presence::default(),
            expired,
            expires_ms: None,
            off_ms: None,
            answer_ms: None,
            waiting_ms: None,
            wake_ms: None,
            complained: false,
            entity,
        };
        self.slots[slot as usize] = Some(entry);
        self.listen(slot);
        slot
    }

    /// Takes an entity out completely.
    pub(super) fn take_entity(&mut self, slot: u32) -> Option<EntityEntry> {
        self.unlisten(slot);
        self.set_due(slot, Due::Expire, None);
        self.set_due(slot, Due::Off, None);
        for what in [Due::Answer, Due::Waiting, Due::Wake] {
            self.set_due(slot, what, None);
        }
        let entry = self.slots.get_mut(slot as usize)?.take()?;
        self.free_slots.push(slot);
        self.slot_of.remove(&entry.entity.id);
        if let Some(device) = self.devices.get_mut(&entry.entity.device) {
            device.entities.retain(|_, other| *other != slot);
        }
        Some(entry)
    }

    /// Listens to the topics of the entity's description.
    pub(super) fn listen(&mut self, slot: u32) {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let description = &mut entry.entity.description;
        // A source that cannot be used is dropped here, so that sources and description keep in step.
        let mut sources = Vec::with_capacity(description.sources.len());
        description.sources.retain(|spec| {
            let source =
                TopicFilter::new(&spec.topic).ok().and_then(|_| Source::new(spec, &mut self.templates).ok());
            let usable = source.is_some();
            sources.extend(source);
            usable
        });
        entry.sources = sources;
        entry.presence = usable_presence(&mut description.availability, &mut self.templates);
        for (source, spec) in description.sources.iter().enumerate() {
            if let Ok(filter) = TopicFilter::new(&spec.topic) {
                self.index.insert(&filter, Binding::State { slot, source });
            }
        }
        for (source, spec) in description.availability.sources.iter().enumerate() {
            if let Ok(filter) = TopicFilter::new(&spec.topic) {
                self.index.insert(&filter, Binding::Presence { slot, source });
            }
        }
        for topic in sent_topics(description) {
            if let Ok(filter) = TopicFilter::new(topic) {
                self.index.insert(&filter, Binding::Sent { slot });
            }
        }
        if let Some(filter) = picture_topic(description).and_then(|topic| TopicFilter::new(topic).ok()) {
            self.index.insert(&filter, Binding::Picture { slot });
        }
    }

    /// Stops listening to the topics of the entity's description.
    pub(super) fn unlisten(&mut self, slot: u32) {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        entry.sources.drain(..).for_each(|source| source.release(&mut self.templates));
        std::mem::take(&mut entry.presence).release(&mut self.templates);
        let description = &entry.entity.description;
        let topics = description.sources.iter().map(|source| &source.topic);
        let topics = topics.chain(description.availability.sources.iter().map(|source| &source.topic));
        let topics = topics.map(String::as_str).chain(sent_topics(description));
        for topic in topics.chain(picture_topic(description)) {
            if let Ok(filter) = TopicFilter::new(topic) {
                self.index.remove(&filter, |binding| match binding {
                    Binding::State { slot: other, .. }
                    | Binding::Presence { slot: other, .. }
                    | Binding::Picture { slot: other }
                    | Binding::Sent { slot: other } => *other == slot,
                    Binding::Device { .. } => false,
                });
            }
        }
    }

    /// Listens to the availability topics of a device.
    pub(super) fn listen_device(&mut self, id: &str) {
        let Some(entry) = self.devices.get_mut(id) else { return };
        entry.presence = usable_presence(&mut entry.record.availability, &mut self.templates);
        for (source, spec) in entry.record.availability.sources.iter().enumerate() {
            if let Ok(filter) = TopicFilter::new(&spec.topic) {
                self.index.insert(&filter, Binding::Device { id: id.to_owned(), source });
            }
        }
    }

    /// Stops listening to them.
    pub(super) fn unlisten_device(&mut self, id: &str) {
        let Some(entry) = self.devices.get_mut(id) else { return };
        std::mem::take(&mut entry.presence).release(&mut self.templates);
        for spec in &entry.record.availability.sources {
            if let Ok(filter) = TopicFilter::new(&spec.topic) {
                self.index.remove(
                    &filter,
                    |binding| matches!(binding, Binding::Device { id: other, .. } if other == id),
                );
            }
        }
    }

    /// What the topics of the entity and of its device come to; what they last said, as long as they have
    /// not spoken.
    pub(super) fn availability_of(&self, slot: u32) -> Availability {
        let Some(entry) = self.entry(slot) else { return Availability::default() };
        let own = entry.presence.verdict(&entry.entity.description.availability);
        let device = self
            .devices
            .get(&entry.entity.device)
            .and_then(|device| device.presence.verdict(&device.record.availability));
        match (own, device) {
            (None, None) => entry.told,
            (Some(one), None) | (None, Some(one)) => one,
            (Some(Availability::Available), Some(other)) => other,
            (Some(own), Some(_)) => own,
        }
    }

    /// Sets or clears when something of an entity happens by itself.
    pub(super) fn set_due(&mut self, slot: u32, what: Due, when_ms: Option<i64>) {
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let kept = match what {
            Due::Expire => &mut entry.expires_ms,
            Due::Off => &mut entry.off_ms,
            Due::Answer => &mut entry.answer_ms,
            Due::Waiting => &mut entry.waiting_ms,
            Due::Wake => &mut entry.wake_ms,
        };
        if let Some(before) = std::mem::replace(kept, when_ms) {
            self.due.remove(&(before, slot, what));
        }
        if let Some(when_ms) = when_ms {
            self.due.insert((when_ms, slot, what));
        }
    }
}

/// The command topics of an entity that may be taken for what it was told: it says nothing of some or all of it.
pub(super) fn sent_topics(description: &EntityDescription) -> BTreeSet<&str> {
    let listens = description.assumed_state || description.features.is_some();
    let specs = description.commands.values().filter(|_| listens);
    specs.map(|spec| spec.topic.as_str()).collect()
}

/// Whether the new description is heard where the old one was.
pub(super) fn same_topics(old: &EntityDescription, new: &EntityDescription) -> bool {
    old.sources == new.sources
        && old.availability == new.availability
        && sent_topics(old) == sent_topics(new)
        && old.features == new.features
}

pub(super) fn topics_of(description: &EntityDescription) -> impl Iterator<Item = String> {
    let sources = description.sources.iter().map(|source| source.topic.clone());
    let available = description.availability.sources.iter().map(|source| source.topic.clone());
    let sent = sent_topics(description).into_iter().filter(|_| description.assumed_state);
    let said = sent.chain(picture_topic(description)).map(ToOwned::to_owned);
    sources.chain(available).chain(said)
}

/// Where the pictures of a camera or an image come from.
fn picture_topic(description: &EntityDescription) -> Option<&str> {
    match description.features.as_deref() {
        Some(Features::Picture(features)) => Some(&features.topic),
        _ => None,
    }
}

fn usable_presence(spec: &mut AvailabilitySpec, templates: &mut crate::template::Templates) -> Presence {
    spec.sources.retain(|source| {
        TopicFilter::new(&source.topic).is_ok()
            && source.template.as_deref().is_none_or(|template| crate::template::check(template).is_ok())
    });
    Presence::new(spec, templates).unwrap_or_default()
}
