//! What was published and what was acknowledged: from it follows what must arrive.

use std::collections::HashMap;

/// A moment that has not come.
const NEVER: u32 = u32::MAX;

/// One message of a topic. Its sequence number is its place, counted from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sent {
    first_ms: u32,
    acked_ms: u32,
    /// How often it was sent.
    pub(super) times: u16,
}

impl Sent {
    /// Whether it was acknowledged by then.
    pub(super) fn acked_by(self, now_ms: u32) -> bool {
        self.acked_ms != NEVER && self.acked_ms <= now_ms
    }
}

/// One topic, to which one client publishes 1, 2, 3 and so on.
#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) qos: u8,
    sent: Vec<Sent>,
}

impl Topic {
    /// The highest number that was sent.
    pub(super) fn last(&self) -> u32 {
        self.sent.len() as u32
    }

    pub(super) fn get(&self, number: u32) -> Option<Sent> {
        self.sent.get((number as usize).checked_sub(1)?).copied()
    }

    /// Every message with its number.
    pub(super) fn messages(&self) -> impl Iterator<Item = (u32, Sent)> {
        self.sent.iter().zip(1..).map(|(sent, number)| (number, *sent))
    }
}

/// Every topic.
#[derive(Debug, Default)]
pub(super) struct Book {
    topics: Vec<Topic>,
    by_name: HashMap<String, usize>,
    pub(super) published: u64,
    pub(super) acked: u64,
    pub(super) repeated: u64,
    /// When the hub was killed.
    pub(super) kills_ms: Vec<u32>,
}

impl Book {
    /// Enters a topic; returns its place.
    pub(super) fn add(&mut self, name: &str, qos: u8) -> usize {
        let place = self.topics.len();
        self.topics.push(Topic { name: name.to_owned(), qos, sent: Vec::new() });
        self.by_name.insert(name.to_owned(), place);
        place
    }

    pub(super) fn topics(&self) -> &[Topic] {
        &self.topics
    }

    pub(super) fn find(&self, name: &str) -> Option<&Topic> {
        self.topics.get(*self.by_name.get(name)?)
    }

    /// The next message of a topic is about to be sent; returns its number.
    pub(super) fn send(&mut self, place: usize, now_ms: u32) -> u32 {
        self.published += 1;
        let sent = &mut self.topics[place].sent;
        sent.push(Sent { first_ms: now_ms, acked_ms: NEVER, times: 1 });
        sent.len() as u32
    }

    /// A message is about to be sent again.
    pub(super) fn repeat(&mut self, place: usize, number: u32) {
        self.repeated += 1;
        if let Some(sent) = self.topics[place].sent.get_mut(number as usize - 1) {
            sent.times = sent.times.saturating_add(1);
        }
    }

    /// A message was acknowledged: from now on it may not be lost.
    pub(super) fn ack(&mut self, place: usize, number: u32, now_ms: u32) {
        if let Some(sent) = self.topics[place].sent.get_mut(number as usize - 1)
            && sent.acked_ms == NEVER
        {
            sent.acked_ms = now_ms;
            self.acked += 1;
        }
    }

    /// Everything known about a message of the topic at a place.
    pub(super) fn story_at(&self, place: usize, number: u32) -> String {
        self.story(&self.topics[place].name, number)
    }

    /// Everything known about a message.
    pub(super) fn story(&self, topic: &str, number: u32) -> String {
        let Some(entry) = self.find(topic) else { return format!("{topic} is not one of ours") };
        let Some(sent) = entry.get(number) else {
            return format!("{topic} number {number} was never sent; the last is {}", entry.last());
        };
        let seconds = |ms: u32| f64::from(ms) / 1_000.0;
        let acked = match sent.acked_ms {
            NEVER => "never acknowledged".to_owned(),
            at => format!("acknowledged at {:.3} s", seconds(at)),
        };
        let near: Vec<String> = self
            .kills_ms
            .iter()
            .filter(|kill| kill.abs_diff(sent.first_ms) < 120_000)
            .map(|kill| format!("{:.3}", seconds(*kill)))
            .collect();
        format!(
            "{topic} number {number} (QoS {}): first sent at {:.3} s, {} times in all, {acked}; kills near at [{}] s",
            entry.qos,
            seconds(sent.first_ms),
            sent.times,
            near.join(", ")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_story_of_a_message_is_told_whole() {
        let mut book = Book::default();
        let place = book.add("a", 1);
        assert_eq!((book.send(place, 1_000), book.send(place, 1_500)), (1, 2));
        book.kills_ms.push(2_000);
        book.repeat(place, 2);
        book.ack(place, 2, 2_500);
        book.ack(place, 2, 9_999);
        let story = book.story("a", 2);
        for part in ["QoS 1", "1.500 s", "2 times", "acknowledged at 2.500 s", "[2.000]"] {
            assert!(story.contains(part), "{story}");
        }
        assert!(book.story("a", 1).contains("never acknowledged"));
        assert!(book.story("a", 3).contains("never sent"));
        assert_eq!((book.published, book.acked, book.repeated), (2, 1, 1));
    }
}
