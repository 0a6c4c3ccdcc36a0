//! Topic aliases towards an MQTT 5 client that takes them (sections 3.1.2.11.5 and 3.3.2.3.4): the topic goes out
//! once, then its number.

use std::collections::HashMap;
use std::sync::Arc;

use crate::packet::Alias;

/// Bytes of the property. A topic that is not longer is sent as it is.
pub(super) const ALIAS_BYTES: usize = 3;
/// Bytes of the longest topic that gets an alias: the topics are kept while they have one.
const TOPIC_BYTES_MAX: usize = 1_024;
/// An alias not used for this many messages may go to another topic. So a client that gets more topics than it
/// takes aliases does not pay three bytes for each message.
const UNUSED_MESSAGES: u64 = 256;
/// Aliases looked at for one message, in turn, whether they are still used.
const LOOKS: usize = 4;

/// The aliases of one connection.
#[derive(Debug)]
pub(super) struct Aliases {
    max: u16,
    by_topic: HashMap<Arc<str>, u16>,
    /// The topic behind each alias, alias 1 first, and when it was last used.
    slots: Vec<(Arc<str>, u64)>,
    /// The slot looked at next for one that is not used any more.
    hand: usize,
    messages: u64,
}

impl Aliases {
    pub(super) fn new(max: u16) -> Self {
        Self { max, by_topic: HashMap::new(), slots: Vec::new(), hand: 0, messages: 0 }
    }

    /// How the topic of the next message is written; `None` as it is. `may_set` says whether there is room for an
    /// alias beside the topic, and a reason to expect more of it.
    #[inline]
    pub(super) fn of(&mut self, topic: &Arc<str>, may_set: bool) -> Option<Alias> {
        if self.max == 0 || topic.len() <= ALIAS_BYTES || topic.len() > TOPIC_BYTES_MAX {
            return None;
        }
        self.messages += 1;
        if let Some(alias) = self.by_topic.get(topic) {
            if let Some(slot) = self.slots.get_mut(usize::from(*alias) - 1) {
                slot.1 = self.messages;
            }
            return Some(Alias::Known(*alias));
        }
        if !may_set {
            return None;
        }
        let place = self.free()?;
        if let Some((gone, _)) = self.slots.get(place) {
            self.by_topic.remove(gone);
            self.slots[place] = (topic.clone(), self.messages);
        } else {
            self.slots.push((topic.clone(), self.messages));
        }
        let alias = u16::try_from(place + 1).ok()?;
        self.by_topic.insert(topic.clone(), alias);
        Some(Alias::New(alias))
    }

    /// A place for a new topic.
    fn free(&mut self) -> Option<usize> {
        if self.slots.len() < usize::from(self.max) {
            return Some(self.slots.len());
        }
        (0..LOOKS).find_map(|_| {
            self.hand = (self.hand + 1) % self.slots.len();
            let unused = self.messages - self.slots[self.hand].1 > UNUSED_MESSAGES;
            unused.then_some(self.hand)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_gets_an_alias_once_and_keeps_it_while_it_is_used() {
        let mut aliases = Aliases::new(2);
        let mut check = |topic: &str, expected: Option<Alias>| {
            assert_eq!(aliases.of(&topic.into(), true), expected, "{topic}");
        };
        check("topic/a", Some(Alias::New(1)));
        check("topic/b", Some(Alias::New(2)));
        check("topic/a", Some(Alias::Known(1)));
        check("topic/c", None);
        check("abc", None);
        for _ in 0..UNUSED_MESSAGES {
            check("topic/a", Some(Alias::Known(1)));
        }
        check("topic/c", Some(Alias::New(2)));
        check("topic/b", None);
        check("topic/a", Some(Alias::Known(1)));
        check("topic/c", Some(Alias::Known(2)));
    }

    #[test]
    fn without_room_or_permission_there_is_none() {
        assert_eq!(Aliases::new(0).of(&"topic".into(), true), None);
        assert_eq!(Aliases::new(9).of(&"topic".into(), false), None);
        assert_eq!(Aliases::new(9).of(&"t".repeat(TOPIC_BYTES_MAX + 1).into(), true), None);
    }
}
