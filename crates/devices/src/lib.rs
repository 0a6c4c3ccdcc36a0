//! Announcements and firmware profiles become devices, entities, states and commands.
//!
//! [`Home`] is one pure step function with a memory: a message, a tick or a person's wish goes in, [`Effect`]s
//! come out.
//!
//! | module | noun |
//! |---|---|
//! | [`profile`] | a firmware, as its TOML file describes it |
//! | [`ha`] | Home Assistant's discovery, natively |
//! | [`guard`] | limits on how often actuators switch |
//! | [`homie`], [`shelly`], [`tasmota`], [`zigbee2mqtt`] | what other firmwares say of themselves, natively |
//! | [`announcement`] | what a profile makes of a message |
//! | [`home`] | devices, entities and states, and what changes them |
//! | [`component`] | what the kinds of entity mean: lights, covers, climates |
//! | [`health`] | how a board is, by its figures |
//! | [`decode`] | payloads, values, availability |
//! | [`picture`] | pictures in messages |
//! | [`pairing`] | bringing a board in: who was seen, and the walk of one pairing |
//! | [`proposal`] | own sketches: devices and entities proposed from raw traffic |
//! | [`template`] | Jinja under limits, with a fast path |
//!
//! Invariant: nothing here does I/O, reads a clock or draws a random number. Everything that is read comes
//! from outside and may be wrong.

mod announcement;
mod color;
mod component;
mod decode;
mod effect;
mod error;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod guard;
mod ha;
pub mod health;
mod home;
pub mod homie;
pub mod limits;
mod moment;
pub mod pairing;
mod picture;
mod profile;
pub mod proposal;
mod shelly;
mod slug;
mod tasmota;
mod template;
mod wording;
mod zigbee2mqtt;

pub use component::Order;
pub use effect::{Announced, DeviceRecord, Effect, Note, NoteKind, Refused, Saved, Send};
pub use error::{CommandError, RegistryError};
pub use home::{
    ANSWER_WITHIN_MS, Adoption, Belongings, Claim, Expected, Gained, HandMade, Home, MOVED_WITHIN_MS,
    Matched, MatchedBy, Offered, Played, Replacement, Root, RuleMatch, THOUGHT_WITHIN_MS, Trial,
    TrialMessage, Void, Waiting, WaitsFor, mac_digits,
};
pub use picture::{Picture, PictureKind};
pub use profile::{
    Auth, Covered, Examined, Handover, Method, Place, Plan, Profile, ProfileError, Recognised, Secret,
    Settings, Snippet, Step, Transport, Wifi, holds,
};
pub use template::{Printed, try_template};
pub use wording::attribute_words;

/// Renders a template over variables, as announcements' templates are; the error is in words.
pub fn render(source: &str, variables: &serde_json::Value) -> Result<String, String> {
    template::render_once(source, template::from_json(variables)).map_err(|why| why.to_string())
}
