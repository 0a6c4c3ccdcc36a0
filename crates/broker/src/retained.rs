//! The last retained message of each topic.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use model::{Message, TopicFilter};

/// The table, in topic order. It is changed only inside the ingress section, so it always shows the state
/// after the message with the highest id.
#[derive(Debug, Default)]
pub(crate) struct Retained {
    messages: BTreeMap<Arc<str>, Arc<Message>>,
}

impl Retained {
    /// Keeps a message, or removes its topic's one when the payload is empty. Returns false when the table is
    /// full and the topic is new.
    pub(crate) fn apply(&mut self, message: &Arc<Message>, max: usize) -> bool {
        if message.payload.is_empty() {
            self.messages.remove(&message.topic);
            return true;
        }
        if self.messages.len() >= max && !self.messages.contains_key(&message.topic) {
            return false;
        }
        self.messages.insert(message.topic.clone(), message.clone());
        true
    }

    pub(crate) fn len(&self) -> usize {
        self.messages.len()
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
    use model::{Publisher, QoS};

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
            assert!(table.apply(&message(1, topic, "x"), 10));
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
        let mut table = Retained::default();
        assert!(table.apply(&message(1, "a", "x"), 1));
        assert!(!table.apply(&message(2, "b", "x"), 1));
        assert!(table.apply(&message(3, "a", "y"), 1));
        assert!(table.apply(&message(4, "a", ""), 1));
        assert_eq!(table.len(), 0);
    }
}
