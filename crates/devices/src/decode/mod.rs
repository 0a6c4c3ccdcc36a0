//! From messages to states: payloads, state sources, values, availability.

mod payload;
mod presence;
mod reading;
mod source;

pub(crate) use payload::Payload;
pub(crate) use presence::Presence;
pub(crate) use reading::Said;
pub(crate) use source::{Decoded, Source};
