//! Who looks at certain messages before they are accepted.

use std::sync::Arc;

use crate::ledger::Draft;

/// Why a message was held back, in words. An MQTT 5 client gets them as the reason string.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// What limit it would have broken.
    pub why: String,
}

/// Looks at every message to certain topics before it is accepted, whoever publishes it: clients, wills, Hearth
/// itself. `hub` implements it over its relay guard. It must not block.
///
/// Messages to a watched topic are for now and not for later: they are not retained, what is retained there is not
/// handed out, nothing waits for a client without a connection, and what a client with one does not take within two
/// seconds is dropped. What was begun before, or before a topic was watched, is dropped when its client comes back. Else what was looked at once would arrive again, or in a burst,
/// behind the guard's back.
pub trait Guard: Send + Sync + 'static {
    /// Whether messages to this topic have to be looked at. Asked once per connection and topic, and again after
    /// [`crate::Gate::guard_changed`].
    fn watches(&self, topic: &str) -> bool;

    /// Whether this message must not be accepted. Asked in the order in which they are accepted and delivered, for
    /// one message at a time; what it lets through counts as sent.
    fn consider(&self, message: &Draft) -> Option<Held>;
}

/// Why a message of Hearth itself was not published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotPublished {
    /// The guard held it back.
    #[error("{}", .0.why)]
    Held(Held),
    /// The journal has no room for it.
    #[error("The journal has no room for it. Free space on the disk.")]
    NoRoom,
}

/// The guard, once there is one.
pub(crate) type Guarding = std::sync::OnceLock<Arc<dyn Guard>>;
