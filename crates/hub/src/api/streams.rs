//! The streams: each watches for one viewer, at the viewer's pace, merged per frame.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;

use super::calls::filter;
use super::types::{Empty, TopicFrame, WatchTopics};
use super::{ApiError, Caller};
use crate::frames::FRAME_MS;
use crate::{Hub, views};

/// Topics of one frame; a flood over more comes in several.
const FRAME_TOPICS_MAX: usize = 2_000;

pub(super) fn events(
    hub: Arc<Hub>,
    _: Caller,
    _: Empty,
    into: Sender<Box<RawValue>>,
) -> Result<(), ApiError> {
    let watcher = hub.watchers.watch();
    let closing = hub.closing.clone();
    tokio::spawn(async move {
        let frames = async { while send(&into, &watcher.next().await).await {} };
        tokio::select! {
            _ = closing.run_until_cancelled(frames) => {}
            () = into.closed() => {}
        }
    });
    Ok(())
}

pub(super) fn watch_topics(
    hub: Arc<Hub>,
    _: Caller,
    params: WatchTopics,
    into: Sender<Box<RawValue>>,
) -> Result<(), ApiError> {
    let mut reader = hub.gate.reader(&filter(&params.filter)?);
    let closing = hub.closing.clone();
    tokio::spawn(async move {
        let frames = async {
            loop {
                let mut newest = BTreeMap::new();
                let mut count = 0;
                let mut gather = |messages: Vec<Arc<model::Message>>| {
                    count += messages.len() as u64;
                    for message in messages {
                        newest.insert(message.topic.clone(), message);
                    }
                    newest.len() < FRAME_TOPICS_MAX
                };
                if gather(reader.next().await) {
                    let frame = tokio::time::sleep(Duration::from_millis(FRAME_MS));
                    tokio::pin!(frame);
                    loop {
                        tokio::select! {
                            biased;
                            () = &mut frame => break,
                            messages = reader.next() => if !gather(messages) { break },
                        }
                    }
                }
                let messages = newest.values().map(|message| views::topic_message(message)).collect();
                if !send(&into, &TopicFrame { messages, count }).await {
                    break;
                }
            }
        };
        tokio::select! {
            _ = closing.run_until_cancelled(frames) => {}
            () = into.closed() => {}
        }
    });
    Ok(())
}

pub(super) fn watch_clients(
    _: Arc<Hub>,
    _: Caller,
    _: Empty,
    _: Sender<Box<RawValue>>,
) -> Result<(), ApiError> {
    Err(ApiError::internal("being built"))
}

/// Waits for a slow viewer; false when it is gone.
async fn send(into: &Sender<Box<RawValue>>, item: &impl Serialize) -> bool {
    let Ok(item) = serde_json::value::to_raw_value(item) else { return false };
    into.send(item).await.is_ok()
}
