//! What a profile makes of a message that announces something.

use model::{CommandSpec, DeviceDescription};

/// What is wrong with an announcement, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) why: String,
    pub(crate) advice: String,
}

impl Problem {
    pub(crate) fn new(why: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { why: why.into(), advice: advice.into() }
    }
}

/// One understood message.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Announcement {
    /// Valid, but it brings no entity.
    Nothing,
    /// Parts of it are still to come; what is known of it stays until then.
    Waiting,
    /// What was announced under this key is gone.
    Removed,
    /// What was announced under this key will come under another one: it stays until then.
    Released,
    /// A device and its entities.
    Described(Box<Described>),
    /// Nothing of it can be used.
    Refused(Problem),
}

/// A device as announced.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Described {
    pub(crate) device: DeviceDescription,
    /// What to send whenever the device comes online.
    pub(crate) on_connect: Vec<CommandSpec>,
    /// Parts of the announcement that could not be used.
    pub(crate) problems: Vec<Problem>,
}
