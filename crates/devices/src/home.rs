//! The home: everything known about devices, in memory.

use model::{Area, Component, Device, Entity, Message, State, Value};
use serde_json::Map;

use crate::effect::{Effect, Saved, Send};
use crate::error::{CommandError, RegistryError};
use crate::profile::Profile;

/// Devices, entities and their states, and the rules that change them.
#[derive(Debug)]
pub struct Home {
    profiles: Vec<Profile>,
}

/// An entity that a person makes from a topic.
#[derive(Debug, Clone, PartialEq)]
pub struct HandMade {
    /// Device to add it to; `None` makes a device of its own, called `device_name`.
    pub device: Option<String>,
    /// Name of the device to make; the entity's name if there is none.
    pub device_name: Option<String>,
    /// Name of the entity.
    pub name: String,
    /// Kind; a sensor if nothing else is known.
    pub component: Component,
    /// Topic or topic filter that brings the value.
    pub topic: String,
    /// Where in a JSON payload the value stands, such as `ENERGY.Power` or `readings[0]`; the whole payload
    /// if there is none.
    pub path: Option<String>,
    /// Unit of measurement.
    pub unit: Option<String>,
}

impl Home {
    /// An empty home that understands these firmwares.
    pub fn new(profiles: Vec<Profile>) -> Self {
        Self { profiles }
    }

    /// Takes back what was saved. Returned are effects for what had to be put right, such as states of
    /// entities that are gone.
    pub fn restore(&mut self, _saved: Saved) -> Vec<Effect> {
        Vec::new()
    }

    /// One message. With `fresh` false (retained, or seen before) it sets states but is no new reading.
    pub fn handle(&mut self, _message: &Message, _fresh: bool) -> Vec<Effect> {
        Vec::new()
    }

    /// Lets time pass: values that expire do so.
    pub fn tick(&mut self, _now_ms: i64) -> Vec<Effect> {
        Vec::new()
    }

    /// When [`Home::tick`] next has something to do, UTC ms.
    pub fn next_due(&self) -> Option<i64> {
        None
    }

    /// The messages that carry out a command.
    pub fn command(
        &self,
        entity: &str,
        _verb: &str,
        _value: Option<&Value>,
        _attributes: &Map<String, serde_json::Value>,
    ) -> Result<Vec<Send>, CommandError> {
        Err(CommandError::UnknownEntity { entity: entity.to_owned(), similar: None })
    }

    /// Gives a device another name; `None` takes back the announced one.
    pub fn rename_device(&mut self, id: &str, _name: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownDevice(id.to_owned()))
    }

    /// Gives an entity another name; `None` takes back the announced one.
    pub fn rename_entity(&mut self, id: &str, _name: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownEntity(id.to_owned()))
    }

    /// Moves a device to an area, or out of all.
    pub fn move_device(&mut self, id: &str, _area: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownDevice(id.to_owned()))
    }

    /// Removes a device and its entities. A device that announces itself again comes back.
    pub fn remove_device(&mut self, id: &str) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownDevice(id.to_owned()))
    }

    /// Adds an entity by hand; returns its id.
    pub fn add_entity_by_hand(
        &mut self,
        made: HandMade,
        _now_ms: i64,
    ) -> Result<(String, Vec<Effect>), RegistryError> {
        Err(RegistryError::BadSource(made.topic))
    }

    /// Removes an entity that was made by hand.
    pub fn remove_entity(&mut self, id: &str) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownEntity(id.to_owned()))
    }

    /// Makes an area; returns its id.
    pub fn add_area(&mut self, name: &str) -> Result<(String, Vec<Effect>), RegistryError> {
        Err(RegistryError::UnknownArea(name.to_owned()))
    }

    /// Gives an area another name.
    pub fn rename_area(&mut self, id: &str, _name: &str) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownArea(id.to_owned()))
    }

    /// Removes an area; its devices stay, in no area.
    pub fn remove_area(&mut self, id: &str) -> Result<Vec<Effect>, RegistryError> {
        Err(RegistryError::UnknownArea(id.to_owned()))
    }

    /// All devices, by id.
    pub fn devices(&self) -> impl Iterator<Item = &Device> {
        std::iter::empty()
    }

    /// One device.
    pub fn device(&self, _id: &str) -> Option<&Device> {
        None
    }

    /// All entities, by id.
    pub fn entities(&self) -> impl Iterator<Item = &Entity> {
        std::iter::empty()
    }

    /// One entity.
    pub fn entity(&self, _id: &str) -> Option<&Entity> {
        None
    }

    /// An entity's present state.
    pub fn state(&self, _id: &str) -> Option<&State> {
        None
    }

    /// All states, by entity id.
    pub fn states(&self) -> impl Iterator<Item = (&str, &State)> {
        std::iter::empty()
    }

    /// All areas, by id.
    pub fn areas(&self) -> impl Iterator<Item = &Area> {
        std::iter::empty()
    }

    /// The firmwares it understands.
    pub fn profiles(&self) -> &[Profile] {
        &self.profiles
    }

    /// One profile.
    pub fn profile(&self, id: &str) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.id() == id)
    }
}
