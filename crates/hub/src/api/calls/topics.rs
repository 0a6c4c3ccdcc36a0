//! Topics and their messages.

use std::sync::Arc;

use broker::NotPublished;
use bytes::Bytes;
use model::topic::check_topic;
use model::{Cause, Publisher, QoS, TopicFilter};
use store::HistoryQuery;

use super::{Result, at_most, blocking, person, running};
use crate::api::types::*;
use crate::api::{ApiError, Caller, ErrorCode};
use crate::{Hub, hex, views};

/// Topics of one answer unless the caller says otherwise, and at most.
const TOPICS_DEFAULT: u32 = 5_000;
const TOPICS_MAX: u32 = 50_000;
/// Longest payload a person publishes, bytes.
const PUBLISH_BYTES_MAX: usize = 1024 * 1024;

/// Waits until what was accepted before this call can be read from the journal, lone QoS 0 messages included.
async fn journalled(hub: &Hub) -> Result<()> {
    hub.journal.flush().await.map_err(ApiError::internal)
}

pub(in crate::api) async fn publish(hub: &Arc<Hub>, caller: &Caller, publish: Publish) -> Result<Published> {
    running(hub)?;
    check_topic(&publish.topic)
        .map_err(|why| ApiError::invalid(format!("This topic cannot be used: {why}.")))?;
    if publish.topic.starts_with('$') {
        return Err(ApiError::invalid(
            "Topics that start with `$` belong to the broker. Choose another topic.",
        ));
    }
    let payload: Bytes = match publish.encoding {
        PayloadEncoding::Text => publish.payload.into(),
        PayloadEncoding::Hex => hex::decode(&publish.payload)
            .ok_or_else(|| ApiError::invalid("The payload is not written in pairs of hexadecimal digits."))?
            .into(),
    };
    if payload.len() > PUBLISH_BYTES_MAX {
        return Err(ApiError::invalid(format!(
            "A payload can have at most {} KiB.",
            PUBLISH_BYTES_MAX >> 10
        )));
    }
    if let Some(why) = hub.journal.failure() {
        return Err(ApiError::internal(why));
    }
    let publisher = Publisher::hub("publish");
    let cause = Some(person(caller));
    let message = hub.publish(publisher, publish.topic, payload, publish.qos, publish.retain, cause);
    let id = message.map_err(not_published)?.id;
    if publish.qos != QoS::AtMostOnce {
        hub.gate.durable(id).await;
    }
    Ok(Published { id })
}

fn not_published(why: NotPublished) -> ApiError {
    match why {
        NotPublished::Held(held) => {
            ApiError::conflict(format!("Held back by the relay guard: {}.", held.why))
        }
        NotPublished::NoRoom => ApiError::internal(why),
    }
}

pub(in crate::api) async fn list_topics(hub: &Arc<Hub>, _: &Caller, wanted: ListTopics) -> Result<Topics> {
    let limit = at_most(wanted.limit, TOPICS_DEFAULT, TOPICS_MAX);
    journalled(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let search = wanted.search.map(|text| text.to_lowercase()).filter(|text| !text.is_empty());
        let found = hub
            .journal
            .topics_after(wanted.after.as_deref(), limit, |topic| {
                search.as_deref().is_none_or(|search| topic.to_lowercase().contains(search))
            })
            .map_err(ApiError::internal)?;
        let mut topics = Vec::with_capacity(found.topics.len());
        for topic in found.topics {
            // The newest message may have been pruned; its topic is then a name without a value.
            let Some(last) = hub.journal.message(topic.last_id).map_err(ApiError::internal)? else {
                continue;
            };
            let retained = hub.is_retained(&topic.topic);
            topics.push(TopicView { count: topic.count, last: views::topic_message(&last), retained });
        }
        Ok(Topics { topics, more: found.more })
    })
    .await
}

pub(in crate::api) async fn topic_history(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: TopicHistory,
) -> Result<Messages> {
    let limit = at_most(wanted.limit, 100, 1_000);
    let query = history_query(&wanted.topic, wanted.before, limit)?;
    journalled(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let history = hub.journal.history(&query).map_err(ApiError::internal)?;
        Ok(Messages { messages: history.messages.iter().map(views::topic_message).collect() })
    })
    .await
}

pub(super) fn history_query(topic: &str, before: Option<u64>, limit: usize) -> Result<HistoryQuery> {
    let mut query = HistoryQuery { before, limit, ..HistoryQuery::default() };
    if topic.contains(['+', '#']) {
        query.filter = Some(filter(topic)?);
    } else {
        query.topic = Some(topic.to_owned());
    }
    Ok(query)
}

/// A filter as a person typed it.
pub(in crate::api) fn filter(text: &str) -> Result<TopicFilter> {
    TopicFilter::new(text).map_err(|why| ApiError::invalid(format!("`{text}` is no topic filter: {why}.")))
}

pub(in crate::api) async fn clear_retained(hub: &Arc<Hub>, caller: &Caller, by: ByTopic) -> Result<Empty> {
    running(hub)?;
    if !hub.is_retained(&by.topic) {
        return Err(ApiError {
            code: ErrorCode::NotFound,
            message: format!("No message is retained on `{}`.", by.topic),
        });
    }
    hub.clear_retained(&by.topic, caller.who());
    Ok(Empty {})
}

impl Hub {
    pub(crate) fn is_retained(&self, topic: &str) -> bool {
        TopicFilter::new(topic).is_ok_and(|filter| !self.gate.retained(&filter, 1).is_empty())
    }

    /// Takes away what is retained on a topic, by the empty retained message MQTT has for it.
    /// Returns the journal id of that.
    pub(crate) fn clear_retained(&self, topic: &str, who: &str) -> Option<u64> {
        let cause = Some(Cause::Person { who: who.to_owned() });
        let publisher = Publisher::hub("clear-retained");
        let sent = self.publish(publisher, topic.to_owned(), Bytes::new(), QoS::AtLeastOnce, true, cause);
        sent.ok().map(|message| message.id)
    }
}
