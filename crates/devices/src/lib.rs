//! Announcements and firmware profiles become devices, entities, states and commands.
//!
//! [`Home`] is one pure step function with a memory: a message, a tick or a person's wish goes in, [`Effect`]s
//! come out.
//!
//! Invariant: nothing here does I/O, reads a clock or draws a random number. Everything that is read comes
//! from outside and may be wrong.

mod effect;
mod error;
mod home;
pub mod limits;
mod profile;
mod template;

pub use effect::{Announced, DeviceRecord, Effect, Refused, Saved, Send};
pub use error::{CommandError, RegistryError};
pub use home::{HandMade, Home};
pub use profile::{Handover, Profile, ProfileError, Snippet};
