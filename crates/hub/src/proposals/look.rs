//! Reading the journal for proposals: the newest messages of each topic that belongs to nobody, what came around the
//! newest commands, and what the clients of these topics listen to. All of it is bounded; it blocks.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use devices::Profile;
use devices::proposal::{Observed, Proposal, TOPICS_MAX, Traffic};
use model::{Message, Publisher, TopicFilter};
use store::StoreError;

use super::former::Former;
use crate::Hub;

/// Names of topics looked at.
const NAMES_MAX: usize = 50_000;
/// Topics of one first level that come before those of others.
const FIRST_LEVEL_SHARE: usize = TOPICS_MAX / 5;
/// Newest messages read of each topic.
const MESSAGES_PER_TOPIC: usize = 40;
/// Bytes after which no older one of the same topic is read: what is long needs no forty to be recognised.
const BYTES_PER_TOPIC: usize = 32 * 1024;
/// Commands around which is looked for an echo.
const COMMANDS_MAX: usize = 100;
/// Rows read before a command, and behind it.
const ROWS_BEFORE: u64 = 100;
const ROWS_BEHIND: u64 = 300;
/// Messages of a topic from which on it may say something.
const MESSAGES_ENOUGH: u64 = 3;

/// What was found.
pub(super) struct Looked {
    pub(super) proposals: Vec<Proposal>,
    /// Topics that were too many to look at.
    pub(super) topics_left_off: usize,
}

pub(super) fn look(hub: &Hub) -> Result<Looked, StoreError> {
    let belongings = hub.home.read().belongings();
    let known = Known::read(hub)?;
    let mut topics = hub.journal.topics_after(None, NAMES_MAX, |topic| !topic.starts_with('$'))?.topics;
    topics.retain(|topic| !belongings.has(&topic.topic, ""));
    // Those that speak often come first; what spoke once may be one of very many.
    topics.sort_unstable_by_key(|topic| Reverse((topic.count >= MESSAGES_ENOUGH, topic.last_time_ms)));
    share_out(&mut topics, |topic| &topic.topic);
    let topics_left_off = topics.len().saturating_sub(TOPICS_MAX);
    topics.truncate(TOPICS_MAX);
    let mut traffic = Traffic::default();
    let names = topics.iter().map(|topic| &*topic.topic);
    hub.journal.newest_of_each(names, MESSAGES_PER_TOPIC, BYTES_PER_TOPIC, |messages| {
        let is_somebodys = |newest: &Message| belongings.has(&newest.topic, &newest.publisher.user);
        if !messages.first().is_some_and(is_somebodys) {
            messages.iter().filter(|message| known.counts(message)).for_each(|m| observe(m, &mut traffic));
        }
    })?;
    topics.iter().for_each(|topic| traffic.counted(&topic.topic, topic.count));
    ask_clients(hub, &mut traffic);
    for id in traffic.commands(COMMANDS_MAX) {
        let from = id.saturating_sub(ROWS_BEFORE);
        for message in hub.journal.read(from, (ROWS_BEFORE + ROWS_BEHIND) as usize)? {
            // Older rows may be pruned: what is read instead has nothing to do with the command.
            if message.id <= id + ROWS_BEHIND && traffic.watches(&message.topic) && known.counts(&message) {
                observe(&message, &mut traffic);
            }
        }
    }
    let proposals = traffic.propose(|topic, template| belongings.takes(topic, template));
    Ok(Looked { proposals, topics_left_off })
}

/// Puts topics above the share of their first level behind all others. A board may write below few first levels, so
/// one that makes up topics pushes out its own.
fn share_out<T>(topics: &mut Vec<T>, name: impl Fn(&T) -> &str) {
    let mut counts: HashMap<String, usize> = HashMap::new();
    let (within, above): (Vec<T>, Vec<T>) = topics.drain(..).partition(|topic| {
        let first = name(topic).split('/').next().unwrap_or_default();
        let count = counts.entry(first.to_owned()).or_default();
        *count += 1;
        *count <= FIRST_LEVEL_SHARE
    });
    topics.extend(within.into_iter().chain(above));
}

/// Whose messages count.
struct Known {
    /// The credentials there are, and since when, UTC ms.
    since: HashMap<Arc<str>, i64>,
    former: Former,
    /// Credentials of boards that were paired with a firmware that is read by its profile, and have no device.
    understood: HashSet<String>,
}

impl Known {
    fn read(hub: &Hub) -> Result<Self, StoreError> {
        let (since, former) = (hub.credentials.since(), Former::read(hub)?);
        let home = hub.home.read();
        let with_device: HashSet<&str> = home.devices().filter_map(|d| d.credential.as_deref()).collect();
        let is_understood = |user: &&Arc<str>| {
            let firmware = hub.pairings.firmware_of(user);
            let profile = firmware.and_then(|firmware| home.profile(&firmware));
            !with_device.contains(&***user) && profile.is_some_and(Profile::is_read)
        };
        let understood = since.keys().filter(is_understood).map(ToString::to_string).collect();
        drop(with_device);
        drop(home);
        Ok(Self { since, former, understood })
    }

    /// Whether a message is of somebody who is still there and may be a sketch: not of a credential that was revoked, even
    /// if another one is called the same now, not of a board that another one took the place of or whose device was
    /// removed, and not of one whose firmware announces what it has.
    fn counts(&self, message: &Message) -> bool {
        let user = &*message.publisher.user;
        let is_sketch = |since: &i64| {
            message.time_ms >= *since
                && !self.former.is_removed(user, *since)
                && !self.understood.contains(user)
        };
        let counts = user == Publisher::HUB || self.since.get(user).is_some_and(is_sketch);
        counts && !self.former.said(message)
    }
}

fn observe(message: &Message, traffic: &mut Traffic) {
    traffic.observe(&Observed {
        id: message.id,
        time_ms: message.time_ms,
        topic: &message.topic,
        payload: &message.payload,
        publisher: &message.publisher,
        retain: message.retain,
    });
}

/// What the clients that published these topics listen to, and their last wills.
fn ask_clients(hub: &Hub, traffic: &mut Traffic) {
    for client_id in traffic.client_ids() {
        let Some(client) = hub.gate.client(&client_id) else { continue };
        for filter in client.subscriptions.iter().filter_map(|wanted| TopicFilter::new(&wanted.filter).ok()) {
            traffic.listens(&client_id, &filter);
        }
        if let Some(will) = client.will {
            traffic.will(&client_id, &will.topic, &will.payload);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_makes_up_topics_pushes_out_its_own() {
        let flood = (0..TOPICS_MAX * 2).map(|n| format!("flood/{n}/t"));
        let mut topics: Vec<String> = flood.chain(["shed/temp".to_owned(), "/x".to_owned()]).collect();
        share_out(&mut topics, |topic| topic);
        let shed = topics.iter().position(|topic| topic == "shed/temp");
        assert_eq!(shed, Some(FIRST_LEVEL_SHARE), "behind the share of the flood, in the order there was");
        assert_eq!(topics[FIRST_LEVEL_SHARE + 1], "/x");
        assert_eq!(topics.len(), TOPICS_MAX * 2 + 2);
    }
}
