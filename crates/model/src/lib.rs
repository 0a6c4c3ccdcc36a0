//! The words Hearth is written in, and the rules that need nothing but their arguments.
//!
//! | module | noun |
//! |---|---|
//! | [`topic`] | topic names and topic filters (MQTT 5, section 4.7) |
//! | [`filter_index`] | a trie from topic filters to whoever wants them |
//! | [`message`] | one accepted MQTT message, as the journal keeps it |
//! | [`permission`] | what a credential may write and read |
//! | [`value`] | a typed value of an entity |
//! | [`state`] | an entity's present state |
//! | [`device`] | devices, areas, and the description an announcement gives |
//! | [`entity`] | entities, their state sources and commands |
//! | [`features`] | what only one kind of entity has, such as the colours of a light |
//! | [`reading`] | one stored value, and buckets of them |
//! | [`cause`] | why something happened |
//! | [`command`] | what became of a command |
//! | [`run`] | one run of an automation |
//!
//! Invariant: nothing here does I/O, reads a clock or draws a random number.

pub mod cause;
pub mod command;
pub mod device;
pub mod entity;
pub mod features;
pub mod filter_index;
pub mod message;
pub mod permission;
pub mod reading;
pub mod run;
pub mod state;
pub mod topic;
pub mod value;

pub use cause::Cause;
pub use command::{CommandStage, CommandState};
pub use device::{Area, Device, DeviceDescription};
pub use entity::{CommandSpec, Component, Entity, EntityDescription, StateSource};
pub use features::Features;
pub use filter_index::FilterIndex;
pub use message::{Message, Properties, Publisher, QoS};
pub use permission::Permissions;
pub use reading::{Bucket, Reading};
pub use run::RunRecord;
pub use state::{Availability, State, StateChange};
pub use topic::{TopicError, TopicFilter};
pub use value::Value;
