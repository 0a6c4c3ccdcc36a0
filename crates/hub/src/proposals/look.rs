//! Reading the journal for proposals: the newest messages of each topic that belongs to nobody, what came around the
//! newest commands, and what the clients of these topics listen to. All of it is bounded; it blocks.

use std::cmp::Reverse;

use devices::Belongings;
use devices::proposal::{Observed, Proposal, TOPICS_MAX, Traffic};
use model::{Message, TopicFilter};
use store::{HistoryQuery, StoreError, TopicLast};

use crate::Hub;

/// Names of topics looked at.
const NAMES_MAX: usize = 50_000;
/// Newest messages read of each topic.
const MESSAGES_PER_TOPIC: usize = 40;
/// Commands around which is looked for an echo.
const COMMANDS_MAX: usize = 100;
/// Rows read before a command, and behind it.
const ROWS_BEFORE: u64 = 100;
const ROWS_BEHIND: u64 = 300;
/// Messages of a topic from which on it may say something.
const MESSAGES_ENOUGH: u64 = 3;

pub(super) fn look(hub: &Hub) -> Result<Vec<Proposal>, StoreError> {
    let belongings = hub.home.read().belongings();
    let mut topics = hub.journal.topics_after(None, NAMES_MAX, |topic| !topic.starts_with('$'))?.topics;
    topics.retain(|topic| !belongings.has(&topic.topic, ""));
    // Those that speak often come first; what spoke once may be one of very many.
    topics.sort_unstable_by_key(|topic| Reverse((topic.count >= MESSAGES_ENOUGH, topic.last_time_ms)));
    topics.truncate(TOPICS_MAX);
    let mut traffic = Traffic::default();
    for topic in &topics {
        read_topic(hub, topic, &belongings, &mut traffic)?;
    }
    ask_clients(hub, &mut traffic);
    for id in traffic.commands(COMMANDS_MAX) {
        let from = id.saturating_sub(ROWS_BEFORE);
        for message in hub.journal.read(from, (ROWS_BEFORE + ROWS_BEHIND) as usize)? {
            // Older rows may be pruned: what is read instead has nothing to do with the command.
            if message.id <= id + ROWS_BEHIND && traffic.watches(&message.topic) {
                observe(&message, &mut traffic);
            }
        }
    }
    Ok(traffic.propose(|topic, template| belongings.takes(topic, template)))
}

fn read_topic(
    hub: &Hub,
    topic: &TopicLast,
    belongings: &Belongings,
    traffic: &mut Traffic,
) -> Result<(), StoreError> {
    let name = topic.topic.to_string();
    let query = HistoryQuery { topic: Some(name), limit: MESSAGES_PER_TOPIC, ..HistoryQuery::default() };
    let messages = hub.journal.history(&query)?.messages;
    if messages.first().is_some_and(|newest| belongings.has(&newest.topic, &newest.publisher.user)) {
        return Ok(());
    }
    messages.iter().for_each(|message| observe(message, traffic));
    traffic.counted(&topic.topic, topic.count);
    Ok(())
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
            traffic.listens(&client_id, filter);
        }
        if let Some(will) = client.will {
            traffic.will(&client_id, &will.topic, &will.payload);
        }
    }
}
