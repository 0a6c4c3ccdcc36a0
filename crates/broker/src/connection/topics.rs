//! The topics a client publishes to, as its connection knows them: checked, taken or not, and who gets them.

use std::sync::Arc;

use model::topic::check_topic;
use model::{Publisher, TopicError};

use crate::core::Core;
use crate::packet::PacketError;
use crate::subscription::Targets;

/// Topics remembered per connection; two that meet in one place push each other out.
const SLOTS: usize = 64;
/// Bytes of them and of who gets them; above it all are forgotten but the newest.
const BYTES_MAX: usize = 128 * 1_024;

/// Whether messages of a topic are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taking {
    Taken,
    /// The permissions say no.
    Denied,
    /// The topic is well formed, and has more levels than this gate takes.
    TooDeep,
}

/// A topic that was looked up.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) topic: Arc<str>,
    pub(super) taking: Taking,
    pub(super) generation: u64,
    pub(super) targets: Targets,
}

/// The remembered topics. Most clients publish to few, so checking, permission and routing cost one
/// comparison per message.
#[derive(Debug, Default)]
pub(super) struct Topics {
    slots: Vec<Option<Known>>,
    bytes: usize,
}

impl Known {
    fn bytes(&self) -> usize {
        self.topic.len() + self.targets.bytes()
    }
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
        let at = place(name);
        let fresh = self.slots[at]
            .as_ref()
            .is_some_and(|known| known.generation == generation && known.topic.as_bytes() == name);
        if !fresh {
            let topic =
                std::str::from_utf8(name).map_err(|_| PacketError::Malformed("the topic is not UTF-8"))?;
            let taking = match check_topic(topic) {
                Ok(()) if may_publish(topic) => Taking::Taken,
                Ok(()) => Taking::Denied,
                Err(TopicError::TooDeep) => Taking::TooDeep,
                Err(TopicError::Empty) => return Err(PacketError::Topic("it is empty")),
                Err(TopicError::Wildcard) => {
                    return Err(PacketError::Topic(
                        "it has a `+` or `#` in it, which only subscriptions may have",
                    ));
                }
                Err(_) => return Err(PacketError::Topic("it is too long or has a null character in it")),
            };
            let targets = match taking {
                Taking::Taken => core.targets(topic, Some(publisher)),
                Taking::Denied | Taking::TooDeep => Targets::default(),
            };
            self.remember(at, Known { topic: topic.into(), taking, generation, targets });
        }
        self.slots[at].as_ref().ok_or(PacketError::Topic("it could not be looked up"))
    }

    fn remember(&mut self, at: usize, known: Known) {
        if let Some(older) = self.slots[at].take() {
            self.bytes -= older.bytes();
        }
        let bytes = known.bytes();
        if self.bytes + bytes > BYTES_MAX {
            self.slots.fill_with(|| None);
            self.bytes = 0;
        }
        self.bytes += bytes;
        self.slots[at] = Some(known);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subscription::Found;

    #[test]
    fn what_is_remembered_is_bounded_in_bytes_and_the_newest_is_there() {
        let mut topics = Topics::default();
        topics.slots.resize_with(SLOTS, || None);
        let mut look = |name: &str| {
            let targets = Arc::new(Found::default());
            let known = Known { topic: name.into(), taking: Taking::Taken, generation: 0, targets };
            topics.remember(place(name.as_bytes()), known);
            let there: Vec<&Known> = topics.slots.iter().flatten().collect();
            assert_eq!(topics.bytes, there.iter().map(|known| known.bytes()).sum::<usize>());
            assert!(there.iter().any(|known| &*known.topic == name));
            (there.len(), topics.bytes)
        };
        for n in 0..1_000 {
            let (_, bytes) = look(&format!("{n}/{}", "x".repeat(10_000)));
            assert!(bytes <= BYTES_MAX, "{bytes}");
        }
        assert_eq!(look(&"x".repeat(BYTES_MAX + 1)).0, 1);
        assert!((0..1_000).map(|n| look(&n.to_string()).0).max().unwrap() > SLOTS / 2);
    }
}
