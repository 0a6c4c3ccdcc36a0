//! Announcements and firmware profiles become devices, entities, states and commands.
//!
//! [`Home`] is one pure step function with a memory: a message, a tick or a person's wish goes in, [`Effect`]s
//! come out.
//!
//! | module | noun |
//! |---|---|
//! | [`profile`] | a firmware, as its TOML file describes it |
//! | [`ha`] | Home Assistant's discovery, natively |
//! | [`announcement`] | what a profile makes of a message |
//! | [`home`] | devices, entities and states, and what changes them |
//! | [`decode`] | payloads, values, availability |
//! | [`template`] | Jinja under limits, with a fast path |
//!
//! Invariant: nothing here does I/O, reads a clock or draws a random number. Everything that is read comes
//! from outside and may be wrong.

mod announcement;
mod decode;
mod effect;
mod error;
mod ha;
mod home;
pub mod limits;
mod profile;
mod slug;
mod template;

pub use effect::{Announced, DeviceRecord, Effect, Refused, Saved, Send};
pub use error::{CommandError, RegistryError};
pub use home::{HandMade, Home};
pub use profile::{Handover, Profile, ProfileError, Snippet};
