//! From messages to states: payloads, state sources, values, availability.

mod payload;
mod presence;
mod reading;
mod source;

pub(crate) use payload::Payload;
pub(crate) use presence::Presence;
pub(crate) use reading::{Said, cut, number, read};
pub(crate) use source::{Source, context_of};
