//! What [`Home`](crate::Home) asks its owner to do; the crate itself does nothing to the outside world.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use model::entity::AvailabilitySpec;
use model::{Area, CommandSpec, CommandState, Device, Entity, Publisher, QoS, Reading, State, StateChange};
use serde::{Deserialize, Serialize};

use crate::home::Waiting;
use crate::picture::Picture;

/// One thing to be done because of a message, a tick or a person. Effects are in the order they happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A device is new or says something else about itself: tell the watchers. What has to be written down
    /// comes as [`Effect::SaveDevice`].
    DeviceChanged(Device),
    /// Write this down in the place of what was kept for the device.
    SaveDevice(DeviceRecord),
    /// Write down [`Home::void`](crate::Home::void) before what follows.
    SaveVoid,
    /// A device is gone; its entities were removed just before.
    DeviceRemoved {
        /// Device id.
        id: String,
    },
    /// An entity is new or described in another way: write it down and tell the watchers.
    EntityChanged(Entity),
    /// An entity is gone. Its id comes back to it, should it be announced again.
    EntityRemoved {
        /// Entity id.
        id: String,
    },
    /// An area is new or has another name: write it down and tell the watchers.
    AreaChanged(Area),
    /// An area is gone; its devices were moved out just before.
    AreaRemoved {
        /// Area id.
        id: String,
    },
    /// An entity has another state.
    StateChanged(StateChange),
    /// An entity said again what was known: only [`State::reported_ms`] and where that came from are new. Tell
    /// the watchers, for whom a value grows old; no automation fires.
    Reported {
        /// Entity id.
        entity: String,
        /// Its state now.
        state: State,
    },
    /// A device reported a value, the same or another one.
    Reading(Reading),
    /// A camera or an image shows another picture: keep it. The same one may come again, by its message.
    Picture(Picture),
    /// A message a profile wants to be sent, such as a question for the state.
    Publish(Send),
    /// A command of an entity came to another stage: tell the watchers.
    Commanded {
        /// Entity id.
        entity: String,
        /// Its newest command.
        command: CommandState,
    },
    /// Write down what waits for an entity's device to wake, in the place of what was kept; nothing takes it out.
    KeepWaiting {
        /// Entity id.
        entity: String,
        /// In the order it was given.
        waiting: Vec<Waiting>,
    },
    /// The device of an entity is awake, and commands wait for it: send them, and say so by
    /// [`Home::waited`](crate::Home::waited).
    Woke {
        /// Entity id.
        entity: String,
    },
    /// Hand over the retained messages of these topic filters, with `fresh` false: an entity that has just
    /// been announced may have spoken before.
    Recall {
        /// Topic filters.
        filters: Vec<String>,
    },
    /// Something was announced or reported that cannot be used; nothing was changed.
    Refused(Refused),
    /// Something happened to a device that belongs into its log.
    Noted(Note),
}

/// Something that happened to a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Device id.
    pub device: String,
    /// What kind of thing.
    pub kind: NoteKind,
    /// Names of what it happened to, or a sentence; see [`NoteKind`].
    pub words: Vec<String>,
}

/// Kinds of things that happen to a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteKind {
    /// It is new; a sentence.
    Announced,
    /// Its board announced more entities, by name.
    Added,
    /// Its board no longer announces entities, by id.
    Removed,
    /// Something is announced in another way, each in a few words.
    Changed,
    /// Its firmware was updated; a sentence.
    Firmware,
    /// It, or an entity of it, was given another name; a sentence.
    Renamed,
    /// It was put into another room; a sentence.
    Moved,
    /// Another board took its place; a sentence.
    Replaced,
}

/// A message to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Topic, valid by [`model::topic::check_topic`].
    pub topic: String,
    /// Payload.
    pub payload: Bytes,
    /// Quality of service.
    pub qos: QoS,
    /// Whether to retain it.
    pub retain: bool,
}

/// Why a message could not be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Topic of the message.
    pub topic: String,
    /// Who sent it.
    pub publisher: Arc<Publisher>,
    /// The device it speaks of, if that is known.
    pub device: Option<String>,
    /// What is wrong with it.
    pub why: String,
    /// What to do about it.
    pub advice: String,
}

/// Everything that has to be kept of a device beside its entities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The device.
    pub device: Device,
    /// How to tell that it is there.
    #[serde(default)]
    pub availability: AvailabilitySpec,
    /// What to send whenever it comes online.
    #[serde(default)]
    pub on_connect: Vec<CommandSpec>,
    /// What announced it, by [`Announced::key`].
    #[serde(default)]
    pub announced: Vec<Announced>,
}

/// One announcement a device rests on. It may have come in several messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Announced {
    /// Identity of the announcement: its topic, or the profile and what the profile joins its messages by.
    pub key: String,
    /// Id of the profile that understood it.
    pub profile: String,
    /// Ids of the entities it brought.
    pub entities: Vec<String>,
    /// Messages it was put together from, by the name of the part, when there can be more than one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, serde_json::Value>,
}

/// What the store kept, as [`Home::restore`](crate::Home::restore) takes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    /// Areas.
    pub areas: Vec<Area>,
    /// Devices.
    pub devices: Vec<DeviceRecord>,
    /// Entities of these devices.
    pub entities: Vec<Entity>,
    /// Last states by entity id.
    pub states: Vec<(String, State)>,
    /// Commands that wait, by entity id.
    pub waiting: Vec<(String, Vec<Waiting>)>,
}
