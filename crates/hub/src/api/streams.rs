//! The streams: each watches for one viewer, at the viewer's pace, merged per frame.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::mpsc::Sender;

use super::calls::filter;
use super::types::{ClientView, ClientsFrame, Empty, TopicFrame, WatchTopics};
use super::{ApiError, Caller};
use crate::frames::FRAME_MS;
use crate::{Hub, views};

/// Topics of one frame; a flood over more comes in several.
const FRAME_TOPICS_MAX: usize = 2_000;
/// Time between two frames of the clients.
const CLIENTS_MS: u64 = 1_000;

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
    hub: Arc<Hub>,
    _: Caller,
    _: Empty,
    into: Sender<Box<RawValue>>,
) -> Result<(), ApiError> {
    let closing = hub.closing.clone();
    tokio::spawn(async move {
        let frames = async {
            let mut shown: HashMap<String, ClientView> = HashMap::new();
            let mut first = true;
            loop {
                let frame = clients_frame(&mut shown, &hub.clients());
                let is_news = first || !frame.changed.is_empty() || !frame.gone.is_empty();
                first = false;
                if is_news && !send(&into, &frame).await {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(CLIENTS_MS)).await;
            }
        };
        tokio::select! {
            _ = closing.run_until_cancelled(frames) => {}
            () = into.closed() => {}
        }
    });
    Ok(())
}

pub(super) fn watch_pairing(
    hub: Arc<Hub>,
    _: Caller,
    _: Empty,
    into: Sender<Box<RawValue>>,
) -> Result<(), ApiError> {
    let mut changed = hub.pairings.watch();
    let closing = hub.closing.clone();
    tokio::spawn(async move {
        let frames = async {
            while send(&into, &hub.pairing_view()).await && changed.changed().await.is_ok() {
                // A search moves its count many times a second.
                tokio::time::sleep(Duration::from_millis(FRAME_MS)).await;
                changed.mark_unchanged();
            }
        };
        tokio::select! {
            _ = closing.run_until_cancelled(frames) => {}
            () = into.closed() => {}
        }
    });
    Ok(())
}

/// What changed since the frame before.
fn clients_frame(shown: &mut HashMap<String, ClientView>, clients: &[ClientView]) -> ClientsFrame {
    let mut changed = Vec::new();
    for client in clients {
        match shown.get_mut(&client.client_id) {
            Some(known) if known == client => {}
            Some(known) => {
                known.clone_from(client);
                changed.push(client.clone());
            }
            None => {
                shown.insert(client.client_id.clone(), client.clone());
                changed.push(client.clone());
            }
        }
    }
    let mut gone = Vec::new();
    // Everyone who is here is shown, so more are shown when somebody left.
    if shown.len() > clients.len() {
        let here: HashSet<&str> = clients.iter().map(|client| client.client_id.as_str()).collect();
        shown.retain(|id, _| {
            let stays = here.contains(id.as_str());
            if !stays {
                gone.push(id.clone());
            }
            stays
        });
    }
    ClientsFrame { changed, gone }
}

/// Waits for a slow viewer; false when it is gone.
async fn send(into: &Sender<Box<RawValue>>, item: &impl Serialize) -> bool {
    let Ok(item) = serde_json::value::to_raw_value(item) else { return false };
    into.send(item).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(id: &str, messages_in: u64) -> ClientView {
        let view = serde_json::json!({
            "client_id": id, "user": "u", "address": "", "transport": null, "version": "5", "since_ms": 0,
            "connected": true, "keepalive_s": 0, "expiry_s": 0, "subscription_count": 0, "queued": 0,
            "queued_bytes": 0, "in_flight": 0, "messages_in": messages_in, "messages_out": 0, "rate_in": 0.0,
            "rate_out": 0.0, "dropped": 0, "denied": 0, "learning": false,
            "in_trouble": false,
        });
        serde_json::from_value(view).unwrap()
    }

    #[test]
    fn a_frame_of_clients_holds_only_differences() {
        let mut shown = HashMap::new();
        let mut check = |clients: &[ClientView], changed: &[&str], gone: &[&str]| {
            let frame = clients_frame(&mut shown, clients);
            let ids: Vec<_> = frame.changed.iter().map(|client| client.client_id.as_str()).collect();
            assert_eq!(
                (ids, frame.gone.iter().map(String::as_str).collect()),
                (changed.to_vec(), gone.to_vec())
            );
        };
        check(&[client("a", 0), client("b", 0)], &["a", "b"], &[]);
        check(&[client("a", 0), client("b", 1)], &["b"], &[]);
        check(&[client("a", 0), client("b", 1)], &[], &[]);
        check(&[client("b", 1), client("c", 0)], &["c"], &["a"]);
    }
}
