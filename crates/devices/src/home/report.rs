//! What a message changes: values, attributes and availability.

use std::sync::Arc;

use model::{Availability, CommandSpec, Features, Message, Reading, State, StateChange, Value};

use super::{Binding, Due, Home};
use crate::component::{Change, own_attributes};
use crate::decode::{Payload, Source};
use crate::effect::{Effect, Refused, Send};
use crate::limits::ATTRIBUTES_MAX;
use crate::picture::{self, Picture};

impl Home {
    /// Carries a message to everyone who wants its topic. `bindings` are sorted, so that an entity changes
    /// once per message however many sources it has there.
    pub(super) fn report(
        &mut self,
        bindings: &[Binding],
        message: &Message,
        payload: &Payload,
        fresh: bool,
        effects: &mut Vec<Effect>,
    ) {
        let mut rest = bindings;
        while let Some(first) = rest.first() {
            let together = match first {
                Binding::State { slot, .. } => rest
                    .iter()
                    .take_while(|next| matches!(next, Binding::State { slot: other, .. } if other == slot))
                    .count(),
                _ => 1,
            };
            let (group, after) = rest.split_at(together);
            rest = after;
            match first {
                Binding::Device { id, source } => {
                    self.hear_device(id, *source, message, payload, fresh, effects)
                }
                Binding::Presence { slot, source } => {
                    self.hear_entity(*slot, *source, message, payload, fresh, effects)
                }
                Binding::State { slot, .. } => {
                    self.hear_state(*slot, group, message, payload, fresh, effects)
                }
                Binding::Picture { slot } => self.hear_picture(*slot, message, fresh, effects),
                Binding::Sent { slot } => self.hear_sent(*slot, message, fresh, effects),
            }
        }
    }

    fn hear_device(
        &mut self,
        id: &str,
        source: usize,
        message: &Message,
        payload: &Payload,
        fresh: bool,
        effects: &mut Vec<Effect>,
    ) {
        let is_costly = self.devices.get(id).is_some_and(|entry| entry.presence.is_costly(source));
        if is_costly && !self.allow(id) {
            return;
        }
        let Some(entry) = self.devices.get_mut(id) else { return };
        let spec = &entry.record.availability;
        let before = entry.presence.verdict(spec);
        let online = entry.presence.hear(spec, source, payload, &mut self.templates);
        if is_costly {
            self.charge(id, message, effects);
        }
        let (Some(online), Some(entry)) = (online, self.devices.get(id)) else { return };
        let spec = &entry.record.availability;
        let now = entry.presence.verdict(spec);
        if online && (fresh || before != now) {
            // It was checked when it was announced; what the board may read can be less by now.
            let permissions = entry.record.device.credential.as_deref().and_then(|owner| {
                let by_owner = message.publisher.user == owner;
                let client_id = if by_owner { message.publisher.client_id.as_str() } else { "" };
                Some(self.permissions.get(owner)?.for_client(owner, client_id))
            });
            let may_ask = |poll: &&CommandSpec| {
                permissions.as_ref().is_none_or(|permissions| permissions.may_read(&poll.topic))
            };
            effects.extend(entry.record.on_connect.iter().filter(may_ask).map(|poll| {
                Effect::Publish(Send {
                    topic: poll.topic.clone(),
                    payload: poll.payload.clone().into(),
                    qos: poll.qos,
                    retain: poll.retain,
                })
            }));
        }
        let slots: Vec<u32> = entry.entities.values().copied().collect();
        for slot in slots {
            self.settle_availability(slot, message, fresh, effects);
            if online && fresh {
                self.wake(slot, message.time_ms);
            }
        }
    }

    fn hear_entity(
        &mut self,
        slot: u32,
        source: usize,
        message: &Message,
        payload: &Payload,
        fresh: bool,
        effects: &mut Vec<Effect>,
    ) {
        let device = self
            .entry(slot)
            .filter(|entry| entry.presence.is_costly(source))
            .map(|entry| entry.entity.device.clone());
        if device.as_ref().is_some_and(|device| !self.allow(device)) {
            return;
        }
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let spec = &entry.entity.description.availability;
        let heard = entry.presence.hear(spec, source, payload, &mut self.templates);
        if let Some(device) = device {
            self.charge(&device, message, effects);
        }
        if let Some(online) = heard {
            self.settle_availability(slot, message, fresh, effects);
            if online && fresh {
                self.wake(slot, message.time_ms);
            }
        }
    }

    fn settle_availability(&mut self, slot: u32, message: &Message, fresh: bool, effects: &mut Vec<Effect>) {
        let told = self.availability_of(slot);
        let Some(entry) = self.entry_mut(slot) else { return };
        entry.told = told;
        let shown = if entry.expired { Availability::Unavailable } else { told };
        let features = entry.entity.description.features.as_deref();
        let is_taken_for_off = shown == Availability::Available
            && entry.state.value.is_none()
            && features.is_some_and(Features::off_until_told);
        if entry.state.availability == shown && !is_taken_for_off {
            return;
        }
        let old = entry.state.clone();
        if is_taken_for_off {
            entry.state.value = Some(Value::Bool(false));
        }
        entry.state.availability = shown;
        entry.state.since_ms = message.time_ms;
        entry.state.cause = message.cause.clone();
        effects.push(entry.changed(old, fresh));
    }

    fn hear_state(
        &mut self,
        slot: u32,
        group: &[Binding],
        message: &Message,
        payload: &Payload,
        fresh: bool,
        effects: &mut Vec<Effect>,
    ) {
        let device = self.entry(slot).and_then(|entry| {
            let mut sources = group.iter().filter_map(|binding| match binding {
                Binding::State { source, .. } => entry.sources.get(*source),
                _ => None,
            });
            sources.any(Source::is_costly).then(|| entry.entity.device.clone())
        });
        let is_paused = device.as_ref().is_some_and(|device| !self.allow(device));
        let Some(entry) = self.slots.get_mut(slot as usize).and_then(Option::as_mut) else { return };
        let mut old: Option<State> = None;
        let (mut reported, mut heard_of) = (false, false);
        for binding in group {
            let Binding::State { source, .. } = binding else { continue };
            let (Some(source), Some(spec)) =
                (entry.sources.get(*source), entry.entity.description.sources.get(*source))
            else {
                continue;
            };
            if is_paused && source.is_costly() {
                continue;
            }
            let heard = source.decode(
                spec,
                &entry.entity,
                &entry.state,
                &mut entry.shine,
                payload,
                &mut self.templates,
            );
            match heard {
                Ok(changes) => {
                    heard_of |= !changes.is_empty();
                    for change in changes {
                        reported |= entry.take(change, message, fresh, &mut old);
                    }
                }
                Err(why) if fresh && !entry.complained => {
                    entry.complained = true;
                    effects.push(Effect::Refused(Refused {
                        topic: message.topic.to_string(),
                        publisher: Arc::clone(&message.publisher),
                        device: Some(entry.entity.device.clone()),
                        why: format!(
                            "A report for {:?} ({}) cannot be used: {why}",
                            entry.entity.name, entry.entity.id
                        ),
                        advice: "Check what the device sends, or the unit and the template it announced. \
                                 Its last good value stays."
                            .to_owned(),
                    }));
                }
                Err(_) => {}
            }
        }
        if let Some(device) = device {
            self.charge(&device, message, effects);
        }
        self.tell(slot, Heard { old, reported }, message, fresh, effects);
        if heard_of {
            self.answer(slot, message, fresh, effects);
        }
        if fresh {
            self.wake(slot, message.time_ms);
        }
    }

    /// Takes a picture. It is no value: only when it came is kept in the state.
    fn hear_picture(&mut self, slot: u32, message: &Message, fresh: bool, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entry_mut(slot) else { return };
        let Some(Features::Picture(features)) = entry.entity.description.features.as_deref() else { return };
        // An empty message takes away what was retained.
        if message.payload.is_empty() || (!fresh && message.id < entry.floor) {
            return;
        }
        match picture::read(&message.payload, features.base64) {
            Ok((kind, bytes)) => {
                entry.floor = message.id;
                entry.complained = false;
                entry.state.reported_ms = message.time_ms;
                entry.state.message_id = Some(message.id);
                entry.state.topic = Some(message.topic.to_string());
                effects.push(Effect::Picture(Picture {
                    entity: entry.entity.id.clone(),
                    user: message.publisher.user.clone(),
                    time_ms: message.time_ms,
                    message_id: message.id,
                    kind,
                    bytes,
                }));
                self.tell(slot, Heard { old: None, reported: true }, message, fresh, effects);
            }
            Err(why) if fresh && !entry.complained => {
                entry.complained = true;
                effects.push(Effect::Refused(Refused {
                    topic: message.topic.to_string(),
                    publisher: Arc::clone(&message.publisher),
                    device: Some(entry.entity.device.clone()),
                    why: format!(
                        "A picture for {:?} ({}) cannot be used: {why}",
                        entry.entity.name, entry.entity.id
                    ),
                    advice: "Send a smaller one, or one of these formats as it is; for base64, announce \
                             `image_encoding` with `b64`. Its last picture stays."
                        .to_owned(),
                }));
            }
            Err(_) => {}
        }
    }

    /// Takes an entity for what it was just told, by the hub or by somebody else.
    fn hear_sent(&mut self, slot: u32, message: &Message, fresh: bool, effects: &mut Vec<Effect>) {
        let Some(entry) = self.entry_mut(slot) else { return };
        let changes = entry.assumed(&message.topic, &message.payload);
        if changes.is_empty() {
            return;
        }
        // What is assumed of its colours counts from now on.
        entry.shine = None;
        let (mut old, mut reported) = (None, false);
        for change in changes {
            reported |= entry.take(change, message, fresh, &mut old);
        }
        self.tell(slot, Heard { old, reported }, message, fresh, effects);
        self.answer(slot, message, fresh, effects);
    }

    /// Tells what a message changed, and lets the clock go on from there.
    fn tell(&mut self, slot: u32, heard: Heard, message: &Message, fresh: bool, effects: &mut Vec<Effect>) {
        let Heard { old, reported } = heard;
        let Some(entry) = self.entry(slot) else { return };
        let force = reported && fresh && entry.entity.description.force_update;
        match old {
            Some(old) => effects.push(entry.changed(old, fresh)),
            None if force => effects.push(entry.changed(entry.state.clone(), fresh)),
            None if reported => {
                effects.push(Effect::Reported { entity: entry.entity.id.clone(), state: entry.state.clone() })
            }
            None => {}
        }
        if !reported {
            return;
        }
        if fresh && let Some(value) = entry.state.value.clone() {
            effects.push(Effect::Reading(Reading {
                entity: entry.entity.id.clone(),
                time_ms: message.time_ms,
                message_id: message.id,
                value,
            }));
        }
        let description = &entry.entity.description;
        let expires_ms = description
            .expire_after_s
            .map(|seconds| message.time_ms.saturating_add_unsigned(seconds.saturating_mul(1000)));
        let off_ms = description
            .off_delay_s
            .filter(|_| entry.state.value == Some(Value::Bool(true)))
            .map(|seconds| message.time_ms.saturating_add(i64::from(seconds) * 1000));
        if expires_ms.is_some() || entry.expires_ms.is_some() {
            self.set_due(slot, Due::Expire, expires_ms);
        }
        if off_ms.is_some() || self.entry(slot).is_some_and(|entry| entry.off_ms.is_some()) {
            self.set_due(slot, Due::Off, off_ms);
        }
    }
}

/// What a message came to for an entity.
struct Heard {
    /// The state before its first change.
    old: Option<State>,
    /// It said something of the value.
    reported: bool,
}

impl super::EntityEntry {
    /// Takes in one change; whether it says something of the value.
    fn take(&mut self, change: Change, message: &Message, fresh: bool, old: &mut Option<State>) -> bool {
        match change {
            Change::Value(value) => return self.take_value(value, message, fresh, old),
            Change::Attribute(name, json) => self.take_attribute(&name, json, old),
            Change::Attributes(members) => self.take_attributes(members, old),
        }
        false
    }

    /// Takes in a reported value; false if it is an older one than the one known. `old` is filled with the
    /// state before the first change.
    fn take_value(
        &mut self,
        value: Option<Value>,
        message: &Message,
        fresh: bool,
        old: &mut Option<State>,
    ) -> bool {
        if !fresh && message.id < self.floor {
            return false;
        }
        self.floor = message.id;
        self.complained = false;
        self.expired = false;
        if self.state.value != value || self.state.availability != self.told {
            old.get_or_insert_with(|| self.state.clone());
            self.state.value = value;
            self.state.availability = self.told;
            self.state.since_ms = message.time_ms;
            // Why it became what it is stays until it becomes something else, however often it is repeated.
            self.state.cause = message.cause.clone().or_else(|| self.answered(message.time_ms));
        }
        self.state.reported_ms = message.time_ms;
        self.state.message_id = Some(message.id);
        if self.state.topic.as_deref() != Some(&*message.topic) {
            self.state.topic = Some(message.topic.to_string());
        }
        true
    }

    fn take_attribute(&mut self, name: &str, json: serde_json::Value, old: &mut Option<State>) {
        let known = self.state.attributes.get(name);
        if json.is_null() {
            if known.is_some() {
                old.get_or_insert_with(|| self.state.clone());
                self.state.attributes.remove(name);
            }
        } else if known != Some(&json) && (known.is_some() || self.state.attributes.len() < ATTRIBUTES_MAX) {
            old.get_or_insert_with(|| self.state.clone());
            self.state.attributes.insert(name.to_owned(), json);
        }
    }

    /// Attributes that come as one object replace those that came so before, but not the ones the entity sets
    /// itself or that have a topic of their own.
    fn take_attributes(
        &mut self,
        members: serde_json::Map<String, serde_json::Value>,
        old: &mut Option<State>,
    ) {
        let description = &self.entity.description;
        let by_topic = description.sources.iter().map(|source| source.field.as_str());
        let own = by_topic.chain(own_attributes(description.component).iter().copied());
        let mut next = members;
        for name in own {
            next.remove(name);
            if let Some(json) = self.state.attributes.get(name) {
                next.insert(name.to_owned(), json.clone());
            }
        }
        if next != self.state.attributes {
            old.get_or_insert_with(|| self.state.clone());
            self.state.attributes = next;
        }
    }

    pub(super) fn changed(&self, old: State, fresh: bool) -> Effect {
        Effect::StateChanged(StateChange {
            entity: self.entity.id.clone(),
            old: Some(old),
            new: self.state.clone(),
            fresh,
        })
    }
}
