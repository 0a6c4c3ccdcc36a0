//! A message for one client: what it carries, what it costs to keep, and how long it is worth sending.

use std::sync::Arc;

use model::{Message, QoS};

use crate::clock::now_ms;
use crate::ledger::Copied;
use crate::share::Debt;

/// What one waiting message costs beside what it carries.
pub(super) const DELIVERY_BYTES: usize = 128;

/// A message for one client.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) message: Arc<Message>,
    pub(crate) identifiers: Option<Arc<[u32]>>,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    /// It may have been sent before.
    pub(crate) dup: bool,
    /// A retained message sent because of a subscription: not part of the session's journal cursor.
    pub(crate) replayed: bool,
    /// It came over a shared subscription, at QoS 1 or 2: the group owes it until this is dropped.
    pub(crate) debt: Option<Arc<Debt>>,
}

impl Delivery {
    #[inline]
    pub(crate) fn copied(&self) -> Copied {
        match self.debt {
            _ if self.replayed => Copied::Retained,
            Some(_) => Copied::Shared,
            None => Copied::Own,
        }
    }

    #[inline]
    pub(crate) fn bytes(&self) -> usize {
        self.message.bytes() + DELIVERY_BYTES
    }

    /// Asks for the time only for a message that expires.
    #[inline]
    pub(super) fn expiry(&self) -> Expiry {
        let properties = self.message.properties.as_ref();
        let Some(seconds) = properties.and_then(|properties| properties.message_expiry_s) else {
            return Expiry::Never;
        };
        let waited_s = u32::try_from((now_ms() - self.message.time_ms).max(0) / 1_000).unwrap_or(u32::MAX);
        match seconds.checked_sub(waited_s) {
            Some(left) if left > 0 => Expiry::In(left),
            _ => Expiry::Passed,
        }
    }

    /// What is left of the expiry of a message whose delivery has begun: it is completed all the same.
    pub(super) fn left_s(&self) -> Option<u32> {
        match self.expiry() {
            Expiry::Never => None,
            Expiry::In(seconds) => Some(seconds),
            Expiry::Passed => Some(0),
        }
    }
}

/// When a message stops being delivered (MQTT 5, section 3.3.2.3.3).
pub(super) enum Expiry {
    Never,
    /// Seconds that are left, at least one.
    In(u32),
    Passed,
}
