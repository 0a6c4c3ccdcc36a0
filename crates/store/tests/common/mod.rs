//! What the capability tests share.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test uses its part")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use model::{Message, Publisher, QoS};
use store::{HubDb, Journal, JournalConfig, JournalDraft, log_checked};
use tokio::sync::Notify;

/// A clock that a test turns.
#[derive(Clone, Default)]
pub struct Clock(Arc<AtomicI64>);

impl Clock {
    pub fn at(ms: i64) -> Self {
        Self(Arc::new(AtomicI64::new(ms)))
    }

    pub fn set(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }

    pub fn store(&self) -> store::Clock {
        let ms = Arc::clone(&self.0);
        Arc::new(move || ms.load(Ordering::Relaxed))
    }
}

pub fn config(clock: &Clock) -> JournalConfig {
    JournalConfig {
        floor: 0,
        days_max: 30,
        bytes_max: 1 << 30,
        gather_ms: 50,
        backlog_low: 4_000,
        clock: clock.store(),
        on_checked: log_checked(),
    }
}

pub fn hub(folder: &Path) -> HubDb {
    HubDb::open(&folder.join("hub.db"), log_checked()).unwrap()
}

pub fn journal(folder: &Path, hub: &HubDb, config: JournalConfig) -> Journal {
    Journal::open(&folder.join("journal.db"), config, hub.retained_sink()).unwrap()
}

pub fn draft(topic: &str, payload: &str, qos: QoS) -> JournalDraft {
    JournalDraft {
        topic: topic.into(),
        payload: payload.to_owned().into(),
        qos,
        retain: false,
        publisher: Arc::new(Publisher { user: "plug".into(), client_id: "plug-1".into() }),
        cause: None,
        properties: None,
        inbound_qos2: None,
    }
}

pub fn retained(topic: &str, payload: &str) -> JournalDraft {
    JournalDraft { retain: true, ..draft(topic, payload, QoS::AtLeastOnce) }
}

/// Appends and waits until it is durable.
pub async fn append(journal: &Journal, drafts: Vec<JournalDraft>) -> Vec<Arc<Message>> {
    let waiter = Arc::new(Notify::new());
    let mut out = Vec::new();
    let refused = journal.append(drafts, &mut out, Some(&waiter));
    assert!(refused.is_empty(), "refused");
    waiter.notified().await;
    assert!(journal.durable() >= out.last().map_or(0, |message| message.id));
    out
}

pub fn payloads(messages: &[Message]) -> Vec<String> {
    messages.iter().map(|message| String::from_utf8_lossy(&message.payload).into_owned()).collect()
}
