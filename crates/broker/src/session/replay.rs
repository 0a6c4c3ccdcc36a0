//! Retained messages for a new subscription, fetched while the client takes them: what waits is a place in the
//! retained table, not the messages. So a subscription costs the same whatever is retained, and nobody else
//! waits for it.

use std::collections::VecDeque;
use std::sync::Arc;

use model::Permissions;
use parking_lot::RwLock;

use super::delivery::Delivery;
use crate::retained::Retained;
use crate::subscription::Subscription;
use crate::sys::is_sys;

/// Retained messages looked at in one go: the table is locked for that long.
const PIECE: usize = 512;

/// How far one subscription is.
#[derive(Debug)]
struct Walk {
    subscription: Arc<Subscription>,
    /// Only what was published before: the first id that came to the client as it was published.
    before: u64,
    /// The last topic looked at.
    after: Option<Arc<str>>,
}

/// The subscriptions whose retained messages are still to be sent, in the order they were made. There is one
/// for each filter at most, so the limit of subscriptions bounds them.
#[derive(Debug, Default)]
pub(crate) struct Replays {
    walks: VecDeque<Walk>,
}

impl Replays {
    pub(crate) fn is_empty(&self) -> bool {
        self.walks.is_empty()
    }

    /// Begins for a subscription made when `before` was the next journal id; one of the same filter that is still
    /// going on starts again.
    pub(crate) fn begin(&mut self, subscription: Arc<Subscription>, before: u64) {
        self.end(&subscription);
        self.walks.push_back(Walk { subscription, before, after: None });
    }

    /// The subscription is gone.
    pub(crate) fn end(&mut self, subscription: &Subscription) {
        self.walks.retain(|walk| walk.subscription.filter != subscription.filter);
    }

    /// Fetches the next piece. It may be empty although more is to come.
    pub(crate) fn fetch(
        &mut self,
        retained: &RwLock<Retained>,
        sys: &RwLock<Retained>,
        permissions: Option<&Permissions>,
        guarded: &dyn Fn(&str) -> bool,
        into: &mut VecDeque<Delivery>,
    ) {
        let Some(Walk { subscription, before, after }) = self.walks.front_mut() else { return };
        let filter = &subscription.filter;
        let retained = if is_sys(filter.as_str()) { sys.read() } else { retained.read() };
        let (mut seen, mut last) = (0, None);
        for message in retained.piece(filter, after.as_deref(), PIECE) {
            seen += 1;
            last = Some(&message.topic);
            let wanted = message.id < *before
                && filter.matches(&message.topic)
                && permissions.is_none_or(|permissions| permissions.may_read(&message.topic))
                && !guarded(&message.topic);
            if wanted {
                into.push_back(Delivery {
                    qos: subscription.qos.min(message.qos),
                    retain: true,
                    identifiers: subscription.identifier.map(|identifier| [identifier].into()),
                    message: message.clone(),
                    dup: false,
                    replayed: true,
                    debt: None,
                });
            }
        }
        let last = last.cloned();
        drop(retained);
        if seen < PIECE {
            self.walks.pop_front();
        } else {
            *after = last;
        }
    }
}
