//! Messages seen, in bounded memory: of each topic the newest few. What is least useful is forgotten first.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

use model::{Publisher, TopicFilter};

use super::command::is_command_name;

/// Topics watched. Of more, those with the fewest messages are forgotten.
pub const TOPICS_MAX: usize = 1_000;
/// Messages kept of one topic.
pub const SAMPLES_MAX: usize = 100;
/// Bytes of payloads kept of all topics.
pub const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Longest payload looked at, bytes. Longer ones are pictures, firmware, or lists.
pub const PAYLOAD_BYTES_MAX: usize = 4 * 1024;
/// Longest time between a command and its echo, ms.
pub const ECHO_MS_MAX: i64 = 5_000;
/// Newest commands of one topic whose echo is looked for.
pub const COMMANDS_LOOKED_AT: usize = 20;
/// Longest topic looked at, bytes.
pub const TOPIC_BYTES_MAX: usize = 1_024;
/// Clients told apart. What more of them say is left out.
pub const PUBLISHERS_MAX: usize = 10_000;
/// Longest client id looked at, bytes.
const CLIENT_BYTES_MAX: usize = 256;
/// Subscriptions and wills remembered.
const CLIENTS_MAX: usize = 10_000;

/// A message as it was seen.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Its number: a later message has a higher one.
    pub id: u64,
    /// When it came, UTC ms.
    pub time_ms: i64,
    /// Topic.
    pub topic: &'a str,
    /// Payload.
    pub payload: &'a [u8],
    /// Who sent it.
    pub publisher: &'a Publisher,
    /// Whether it was to be retained.
    pub retain: bool,
}

/// What was seen of the traffic.
#[derive(Debug, Default)]
pub struct Traffic {
    pub(super) tracks: BTreeMap<Arc<str>, Track>,
    pub(super) publishers: Vec<Publisher>,
    by_publisher: HashMap<Publisher, usize>,
    /// The topics clients listen to, without wildcards, by client id.
    listens: HashMap<String, BTreeSet<String>>,
    listens_count: usize,
    /// The last wills by client id: topic and payload.
    wills: HashMap<String, (String, String)>,
    bytes: usize,
}

/// One topic.
#[derive(Debug, Default)]
pub(super) struct Track {
    pub(super) samples: BTreeMap<u64, Sample>,
    /// Messages of it in all, as far as somebody knows.
    pub(super) messages: u64,
    /// A message of it is retained.
    pub(super) retained: bool,
    /// Messages that were too long or no text.
    pub(super) skipped: u64,
    /// Bytes of the payloads in `samples`.
    bytes: usize,
}

/// One message.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) time_ms: i64,
    pub(super) payload: Box<str>,
    /// Index of its publisher.
    pub(super) by: usize,
}

impl Track {
    pub(super) fn last(&self) -> Option<&Sample> {
        self.samples.values().next_back()
    }
}

impl Traffic {
    /// Takes in a message; the same one twice counts once, and the order does not matter.
    pub fn observe(&mut self, seen: &Observed) {
        let named = seen.topic.len() <= TOPIC_BYTES_MAX && seen.publisher.client_id.len() <= CLIENT_BYTES_MAX;
        if !named || seen.topic.starts_with('$') || seen.payload.is_empty() {
            return;
        }
        let Some(by) = self.publisher(seen.publisher) else { return };
        let track = match self.tracks.get_mut(seen.topic) {
            Some(track) => track,
            None => self.tracks.entry(seen.topic.into()).or_default(),
        };
        track.retained |= seen.retain;
        let Some(payload) = readable(seen.payload) else {
            track.skipped += 1;
            self.keep_topics();
            return;
        };
        let sample = Sample { time_ms: seen.time_ms, payload: payload.into(), by };
        let mut gone = 0;
        track.bytes += sample.payload.len();
        self.bytes += sample.payload.len();
        if let Some(before) = track.samples.insert(seen.id, sample) {
            gone += before.payload.len();
        }
        if track.samples.len() > SAMPLES_MAX
            && let Some((_, oldest)) = track.samples.pop_first()
        {
            gone += oldest.payload.len();
        }
        track.bytes -= gone;
        self.bytes -= gone;
        self.keep_topics();
        self.keep_bytes();
    }

    fn publisher(&mut self, publisher: &Publisher) -> Option<usize> {
        if let Some(by) = self.by_publisher.get(publisher) {
            return Some(*by);
        }
        let by = self.publishers.len();
        if by >= PUBLISHERS_MAX {
            return None;
        }
        self.publishers.push(publisher.clone());
        self.by_publisher.insert(publisher.clone(), by);
        Some(by)
    }

    /// How many messages a topic had in all.
    pub fn counted(&mut self, topic: &str, messages: u64) {
        if let Some(track) = self.tracks.get_mut(topic) {
            track.messages = messages;
        }
    }

    /// A client listens to a filter.
    pub fn listens(&mut self, client_id: &str, filter: &TopicFilter) {
        let topic = filter.as_str();
        // With a wildcard it listens to much that is not meant for it.
        let is_one = topic.len() <= TOPIC_BYTES_MAX && !topic.contains(['+', '#']);
        if is_one && self.listens_count < CLIENTS_MAX {
            let topics = self.listens.entry(client_id.to_owned()).or_default();
            self.listens_count += usize::from(topics.insert(topic.to_owned()));
        }
    }

    /// A client has a last will.
    pub fn will(&mut self, client_id: &str, topic: &str, payload: &[u8]) {
        if let (true, Some(payload)) = (self.wills.len() < CLIENTS_MAX, readable(payload)) {
            self.wills.insert(client_id.to_owned(), (topic.to_owned(), payload.to_owned()));
        }
    }

    /// The newest messages on topics that tell a board what to do, at most `max`: what came right after them says
    /// most. Those that have a word for it come first, for others may only be watched by somebody.
    pub fn commands(&self, max: usize) -> Vec<u64> {
        let heard: HashSet<&str> = self.listens.values().flatten().map(String::as_str).collect();
        let mut found: Vec<(bool, u64)> = Vec::new();
        for (topic, track) in &self.tracks {
            let named = is_command_name(topic);
            if named || heard.contains(&**topic) {
                found.extend(track.samples.keys().rev().take(COMMANDS_LOOKED_AT).map(|id| (named, *id)));
            }
        }
        found.sort_unstable_by_key(|command| Reverse(*command));
        found.truncate(max);
        found.into_iter().map(|(_, id)| id).collect()
    }

    /// The clients that published what was seen, but Hearth itself.
    pub fn client_ids(&self) -> Vec<String> {
        let clients = self.publishers.iter().filter(|publisher| publisher.user != Publisher::HUB);
        clients.map(|publisher| publisher.client_id.clone()).collect()
    }

    /// Whether a topic is watched.
    pub fn watches(&self, topic: &str) -> bool {
        self.tracks.contains_key(topic)
    }

    /// The topics below a root.
    pub(super) fn under(&self, root: &str) -> impl Iterator<Item = &Arc<str>> {
        let below = format!("{root}/");
        let from = self.tracks.range::<str, _>((Bound::Included(below.as_str()), Bound::Unbounded));
        from.map(|(topic, _)| topic).take_while(move |topic| topic.starts_with(&below))
    }

    /// The topics a client is subscribed to, without wildcards.
    pub(super) fn heard_by(&self, client_id: &str) -> impl Iterator<Item = &str> {
        self.listens.get(client_id).into_iter().flatten().map(String::as_str)
    }

    /// Whether a client is subscribed to exactly this topic.
    pub(super) fn hears(&self, client_id: &str, topic: &str) -> bool {
        self.listens.get(client_id).is_some_and(|topics| topics.contains(topic))
    }

    /// Topic and payload of a client's last will.
    pub(super) fn will_of(&self, client_id: &str) -> Option<(&str, &str)> {
        self.wills.get(client_id).map(|(topic, payload)| (topic.as_str(), payload.as_str()))
    }

    fn keep_topics(&mut self) {
        while self.tracks.len() > TOPICS_MAX {
            let worth = |track: &Track| (track.samples.len(), track.last().map(|last| last.time_ms));
            let least = self.tracks.iter().min_by_key(|(_, track)| worth(track));
            let Some(least) = least.map(|(topic, _)| topic.clone()) else { return };
            if let Some(gone) = self.tracks.remove(&least) {
                self.bytes -= gone.bytes;
            }
        }
    }

    /// The topic that takes most gives its older half.
    fn keep_bytes(&mut self) {
        while self.bytes > BYTES_MAX {
            let Some(track) = self.tracks.values_mut().max_by_key(|track| track.bytes) else { return };
            let mut ids: Vec<u64> = track.samples.keys().copied().collect();
            ids.sort_unstable_by_key(|id| Reverse(*id));
            for id in ids.drain(ids.len() / 2..) {
                if let Some(gone) = track.samples.remove(&id) {
                    track.bytes -= gone.payload.len();
                    self.bytes -= gone.payload.len();
                }
            }
        }
    }
}

/// The payload as text, if it is one a sketch would write.
fn readable(payload: &[u8]) -> Option<&str> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return None;
    }
    let text = std::str::from_utf8(payload).ok()?.trim();
    let is_text = !text.is_empty() && !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    is_text.then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn see(traffic: &mut Traffic, id: u64, topic: &str, payload: &[u8]) {
        let publisher = Publisher { user: "board".into(), client_id: "c".into() };
        let time_ms = id.cast_signed();
        traffic.observe(&Observed { id, time_ms, topic, payload, publisher: &publisher, retain: false });
    }

    #[test]
    fn topics_that_say_something_once_make_no_room_for_themselves() {
        let mut traffic = Traffic::default();
        for id in 0..10 {
            see(&mut traffic, id, "kept", b"1");
        }
        for id in 10..10 + 3 * TOPICS_MAX as u64 {
            see(&mut traffic, id, &format!("once/{id}"), b"1");
        }
        assert_eq!((traffic.tracks.len(), traffic.watches("kept")), (TOPICS_MAX, true));
    }

    #[test]
    fn samples_and_bytes_are_bounded_and_the_newest_stay() {
        let mut traffic = Traffic::default();
        for id in 0..1_000 {
            see(&mut traffic, id, "a", b"1");
        }
        assert_eq!(traffic.tracks["a"].samples.len(), SAMPLES_MAX);
        assert_eq!(traffic.tracks["a"].samples.keys().next_back(), Some(&999));
        let long = vec![b'x'; PAYLOAD_BYTES_MAX];
        for id in 1_000..5_000 {
            see(&mut traffic, id, &format!("long/{}", id % 50), &long);
            assert!(traffic.bytes <= BYTES_MAX, "{}", traffic.bytes);
        }
        let sum = |track: &Track| track.samples.values().map(|sample| sample.payload.len()).sum::<usize>();
        assert_eq!(traffic.bytes, traffic.tracks.values().map(sum).sum::<usize>());
    }

    #[test]
    fn what_is_no_text_or_too_long_is_not_kept() {
        let mut traffic = Traffic::default();
        see(&mut traffic, 1, "picture", &[0xff, 0xd8, 0xff]);
        see(&mut traffic, 2, "zeros", &[0, 0, 0]);
        see(&mut traffic, 3, "long", &vec![b'1'; PAYLOAD_BYTES_MAX + 1]);
        see(&mut traffic, 4, "$SYS/uptime", b"1");
        assert!(traffic.tracks.values().all(|track| track.samples.is_empty() && track.skipped == 1));
        assert!(!traffic.watches("$SYS/uptime"));
    }
}
