//! The last retained message of each topic.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use model::{Message, Publisher, TopicFilter};

use crate::limits::Limits;

/// The table, in topic order. It is changed only inside the ingress section, so it always shows the state
/// after the message with the highest id.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
    /// What is of each credential.
    owned: HashMap<String, Sum>,
    payload_bytes: u64,
    /// Of topics, payloads and properties.
    bytes: usize,
}

/// What one credential has in the table.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    messages: usize,
    /// Of topics, payloads and properties.
    bytes: usize,
}

/// The table has no room for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Full {
    #[error("{0} messages are retained, which is the limit")]
    All(usize),
    #[error("{0} messages of its credential are retained, which is the limit")]
    User(usize),
    #[error("the retained messages would have more than {0} bytes, which is the limit")]
    AllBytes(usize),
    #[error("the retained messages of its credential would have more than {0} bytes, which is the limit")]
    UserBytes(usize),
}

impl Retained {
    /// Whether a message of so many bytes ([`Message::bytes`]) would be kept. The one it replaces makes room for it.
    pub(crate) fn room(&self, topic: &str, new: usize, user: &str, limits: &Limits) -> Result<(), Full> {
        let present = self.messages.get(topic);
        if present.is_none() && self.messages.len() >= limits.retained_max {
            return Err(Full::All(limits.retained_max));
        }
        let older = present.map_or(0, |message| message.bytes());
        // What does not grow is kept, also above a limit that was lowered.
        if new > older && self.bytes - older + new > limits.retained_bytes_max {
            return Err(Full::AllBytes(limits.retained_bytes_max));
        }
        if user == Publisher::HUB {
            return Ok(());
        }
        let own = present.is_some_and(|message| message.publisher.user == user);
        let sum = self.owned.get(user).copied().unwrap_or_default();
        if !own && sum.messages >= limits.retained_per_user_max {
            return Err(Full::User(limits.retained_per_user_max));
        }
        let older = if own { older } else { 0 };
        if new > older && sum.bytes - older + new > limits.retained_bytes_per_user_max {
            return Err(Full::UserBytes(limits.retained_bytes_per_user_max));
        }
        Ok(())
    }

    /// Keeps a message, or removes its topic's one when the payload is empty. When there is no room the table
    /// stays as it is.
    pub(crate) fn apply(&mut self, message: &Arc<Message>, limits: &Limits) -> Result<(), Full> {
        if message.payload.is_empty() {
            if let Some(gone) = self.messages.remove(&message.topic) {
                self.disowned(&gone);
            }
            return Ok(());
        }
        let user = &message.publisher.user;
        let new = message.bytes();
        self.room(&message.topic, new, user, limits)?;
        if !self.owned.contains_key(user) {
            self.owned.insert(user.clone(), Sum::default());
        }
        if let Some(sum) = self.owned.get_mut(user) {
            sum.messages += 1;
            sum.bytes += new;
        }
        self.bytes += new;
        self.payload_bytes += message.payload.len() as u64;
        if let Some(older) = self.messages.insert(message.topic.clone(), message.clone()) {
            self.disowned(&older);
        }
        Ok(())
    }

    fn disowned(&mut self, gone: &Message) {
        let user = &gone.publisher.user;
        let older = gone.bytes();
        self.bytes -= older;
        self.payload_bytes = self.payload_bytes.saturating_sub(gone.payload.len() as u64);
        let Some(sum) = self.owned.get_mut(user) else { return };
        sum.messages -= 1;
        sum.bytes -= older;
        if sum.messages == 0 {
            self.owned.remove(user);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
    }

    /// Bytes of the payloads.
    pub(crate) fn bytes(&self) -> u64 {
        self.payload_bytes
    }

    /// All of them, in topic order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Message>> {
        self.messages.values()
    }

    /// The messages whose topic matches, in topic order.
    pub(crate) fn matching<'a>(&'a self, filter: &'a TopicFilter) -> impl Iterator<Item = &'a Arc<Message>> {
        self.candidates(filter, None).filter(move |message| filter.matches(&message.topic))
    }

    /// At most `count` messages that may match, behind the topic `after`, in topic order. Fewer are the last.
    pub(crate) fn piece<'a>(
        &'a self,
        filter: &'a TopicFilter,
        after: Option<&'a str>,
        count: usize,
    ) -> impl Iterator<Item = &'a Arc<Message>> {
        self.candidates(filter, after).take(count)
    }

    /// Everything before the first wildcard is a prefix all matches share, so the walk starts there and ends
    /// where it ends. `home/#` matches `home` too, so a trailing slash is not part of it.
    fn candidates<'a>(
        &'a self,
        filter: &'a TopicFilter,
        after: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Arc<Message>> {
        let text = filter.as_str();
        let fixed = text.find(['+', '#']).map_or(text, |at| text[..at].strip_suffix('/').unwrap_or(""));
        let start = after.map_or(Bound::Included(fixed), Bound::Excluded);
        self.messages
            .range::<str, _>((start, Bound::Unbounded))
            .take_while(move |(topic, _)| topic.starts_with(fixed))
            .map(|(_, message)| message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::QoS;

    fn message(id: u64, topic: &str, payload: &'static str) -> Arc<Message> {
        Arc::new(Message {
            id,
            time_ms: 0,
            topic: topic.into(),
            payload: payload.into(),
            qos: QoS::AtMostOnce,
            retain: true,
            publisher: Arc::new(Publisher::hub("test")),
            cause: None,
            properties: None,
        })
    }

    #[test]
    fn matching_finds_what_the_filter_matches() {
        let mut table = Retained::default();
        for topic in ["home", "home/a", "home/a/b", "home2", "$SYS/x", "Über/licht"] {
            table.apply(&message(1, topic, "x"), &Limits::default()).unwrap();
        }
        let check = |filter: &str, expected: &[&str]| {
            let filter = TopicFilter::new(filter).unwrap();
            let found: Vec<&str> = table.matching(&filter).map(|message| &*message.topic).collect();
            assert_eq!(found, expected, "{filter}");
        };
        check("home/#", &["home", "home/a", "home/a/b"]);
        check("home/+", &["home/a"]);
        check("home", &["home"]);
        check("#", &["home", "home/a", "home/a/b", "home2", "Über/licht"]);
        check("$SYS/#", &["$SYS/x"]);
        check("+/licht", &["Über/licht"]);
    }

    #[test]
    fn an_empty_payload_removes_and_a_full_table_refuses_new_topics() {
        let limits = Limits { retained_max: 1, ..Limits::default() };
        let mut table = Retained::default();
        assert_eq!(table.apply(&message(1, "a", "x"), &limits), Ok(()));
        assert_eq!(table.apply(&message(2, "b", "x"), &limits), Err(Full::All(1)));
        assert_eq!(table.apply(&message(3, "a", "y"), &limits), Ok(()));
        assert_eq!(table.apply(&message(4, "a", ""), &limits), Ok(()));
        assert_eq!((table.len(), table.owned.len()), (0, 0));
    }

    #[test]
    fn a_credential_has_its_share_of_the_table() {
        let limits = Limits { retained_per_user_max: 1, ..Limits::default() };
        let of = |user: &str, topic: &str| {
            let publisher = Publisher { user: user.to_owned(), client_id: "c".to_owned() };
            Arc::new(Message { publisher: Arc::new(publisher), ..Message::clone(&message(1, topic, "x")) })
        };
        let mut table = Retained::default();
        let mut check = |user: &str, topic: &str, expected| {
            assert_eq!(table.apply(&of(user, topic), &limits), expected, "{user} {topic}");
        };
        check("u", "a", Ok(()));
        check("u", "a", Ok(()));
        check("u", "b", Err(Full::User(1)));
        check("v", "a", Ok(()));
        check("u", "b", Ok(()));
        check("u", "a", Err(Full::User(1)));
        check(Publisher::HUB, "c", Ok(()));
        check(Publisher::HUB, "d", Ok(()));
    }

    #[test]
    fn topics_and_payloads_have_limits_in_bytes_and_a_replacement_counts_the_difference() {
        let limits = Limits { retained_bytes_max: 20, retained_bytes_per_user_max: 10, ..Limits::default() };
        let mut table = Retained::default();
        let mut check = |user: &str, topic: &str, payload: &'static str, expected| {
            let publisher = Publisher { user: user.to_owned(), client_id: "c".to_owned() };
            let message =
                Message { publisher: Arc::new(publisher), ..Message::clone(&message(1, topic, payload)) };
            assert_eq!(table.apply(&Arc::new(message), &limits), expected, "{user} {topic} {payload}");
        };
        check("u", "a", "12345678", Ok(()));
        check("u", "b", "1", Err(Full::UserBytes(10)));
        check("u", "a", "123456789", Ok(()));
        check("u", "a", "1234567890", Err(Full::UserBytes(10)));
        check("v", "a", "1234567890", Err(Full::UserBytes(10)));
        check("v", "b", "12345678", Ok(()));
        check("w", "c", "1", Err(Full::AllBytes(20)));
        check(Publisher::HUB, "c", "1", Err(Full::AllBytes(20)));
        check("u", "a", "12", Ok(()));
        check(Publisher::HUB, "c", "123456", Ok(()));
        check("u", "a", "", Ok(()));
        check("u", "b", "123456789", Ok(()));
        assert_eq!((table.len(), table.bytes), (2, 17));
    }
}
