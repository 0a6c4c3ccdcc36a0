//! The topics a client publishes to, as its connection knows them: checked, allowed or not, and who gets them.

use std::sync::Arc;

use model::Publisher;

use crate::core::Core;
use crate::packet::PacketError;
use crate::subscription::Targets;

/// Topics remembered per connection; two that meet in one place push each other out.
const SLOTS: usize = 64;

/// A topic that was looked up.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) topic: Arc<str>,
    pub(super) may_write: bool,
    pub(super) generation: u64,
    pub(super) targets: Targets,
}

/// The remembered topics. Most clients publish to few, so checking, permission and routing cost one
/// comparison per message.
#[derive(Debug, Default)]
pub(super) struct Topics {
    slots: Vec<Option<Known>>,
}

impl Topics {
    /// The topic of a PUBLISH. What was remembered under an older generation is looked up again.
    #[inline]
    pub(super) fn look_up(
        &mut self,
        name: &[u8],
        core: &Core,
        publisher: &Publisher,
        may_publish: impl FnOnce(&str) -> bool,
    ) -> Result<&Known, PacketError> {
        if self.slots.is_empty() {
            self.slots.resize_with(SLOTS, || None);
        }
        let generation = core.subscriptions.generation();
        let slot = &mut self.slots[place(name)];
        let fresh = slot
            .as_ref()
            .is_some_and(|known| known.generation == generation && known.topic.as_bytes() == name);
        if !fresh {
            *slot = None;
            let topic =
                std::str::from_utf8(name).map_err(|_| PacketError::Malformed("the topic is not UTF-8"))?;
            model::topic::check_topic(topic)
                .map_err(|_| PacketError::Topic("it is empty, too long or has a wildcard in it"))?;
            let may_write = may_publish(topic);
            let targets = core.targets(topic, Some(publisher));
            *slot = Some(Known { topic: topic.into(), may_write, generation, targets });
        }
        slot.as_ref().ok_or(PacketError::Topic("it could not be looked up"))
    }
}

/// FNV-1a, folded to a slot.
#[inline]
fn place(name: &[u8]) -> usize {
    let hash = name.iter().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    ((hash ^ hash >> 32) % SLOTS as u64) as usize
}
