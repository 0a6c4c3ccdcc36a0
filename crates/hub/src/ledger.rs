//! The gate's durable storage, out of the store's journal and `hub.db`.

use std::sync::Arc;

use broker::{
    BoxFuture, Copied, Draft, HandshakeChange, Ledger, LedgerError, StoredHandshake, StoredSession,
    StoredSubscription,
};
use model::Message;
use store::{HubDb, Journal, JournalDraft, StoreError, session};
use tokio::sync::Notify;

/// Both databases, seen from the gate.
pub struct StoreLedger {
    /// Messages and handshakes.
    pub journal: Arc<Journal>,
    /// Sessions and retained messages.
    pub db: Arc<HubDb>,
}

impl Ledger for StoreLedger {
    fn append(&self, drafts: &mut Vec<Draft>, out: &mut Vec<Arc<Message>>, waiter: Option<&Arc<Notify>>) {
        let refused = self.journal.append(drafts.drain(..).map(row), out, waiter);
        // What the journal refused because its queue is full goes back to the gate, unacknowledged.
        drafts.extend(refused.into_iter().map(draft));
    }

    fn durable(&self) -> u64 {
        self.journal.durable()
    }

    fn backlog(&self) -> usize {
        self.journal.backlog()
    }

    fn is_heavy(&self) -> bool {
        self.journal.is_heavy()
    }

    fn backlog_low(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.journal.backlog_low())
    }

    fn failure(&self) -> Option<String> {
        self.journal.failure()
    }

    fn load_sessions(&self) -> Vec<StoredSession> {
        let rows = self.db.read(session::all).unwrap_or_else(|why| {
            tracing::error!(%why, "the MQTT sessions could not be read");
            Vec::new()
        });
        rows.into_iter().map(stored_session).collect()
    }

    fn save_session(&self, session: &StoredSession) -> BoxFuture<'static, Result<(), LedgerError>> {
        let row = session_row(session);
        let written = self.db.write(move |conn| session::put(conn, &row));
        Box::pin(async move { written.await.map_err(|why| ledger_error(&why)) })
    }

    fn delete_session(&self, client_id: &str) -> BoxFuture<'static, Result<(), LedgerError>> {
        let forget = store::HandshakeChange::Forget { client_id: client_id.into() };
        self.journal.handshake(forget, None);
        let client_id = client_id.to_owned();
        let written = self.db.write(move |conn| session::remove(conn, &client_id));
        Box::pin(async move { written.await.map(|_| ()).map_err(|why| ledger_error(&why)) })
    }

    fn move_cursor(&self, client_id: &str, cursor: u64) {
        self.db.move_cursor(client_id, cursor);
    }

    fn handshake(&self, change: HandshakeChange, waiter: Option<&Arc<Notify>>) -> u64 {
        use store::HandshakeChange as Row;
        let row = match change {
            // Comes with its message's own row.
            HandshakeChange::InboundReceived { .. } => return self.journal.durable_ops(),
            HandshakeChange::InboundReleased { client_id, packet_id } => {
                Row::InboundReleased { client_id, packet_id }
            }
            HandshakeChange::OutboundSent { client_id, packet_id, message_id, copied } => {
                Row::OutboundSent { client_id, packet_id, message_id, copied: copied.number() }
            }
            HandshakeChange::OutboundReceived { client_id, packet_id } => {
                Row::OutboundReceived { client_id, packet_id }
            }
            HandshakeChange::OutboundDone { client_id, packet_id } => {
                Row::OutboundDone { client_id, packet_id }
            }
        };
        self.journal.handshake(row, waiter)
    }

    fn durable_ops(&self) -> u64 {
        self.journal.durable_ops()
    }

    fn load_handshakes(&self) -> Vec<StoredHandshake> {
        let rows = self.journal.load_handshakes().unwrap_or_else(|why| {
            tracing::error!(%why, "the open QoS 2 handshakes could not be read");
            Vec::new()
        });
        rows.into_iter()
            .map(|row| StoredHandshake {
                client_id: row.client_id.to_string(),
                packet_id: row.packet_id,
                outbound: row.outbound,
                message_id: row.message_id,
                released: row.released,
                copied: Copied::from_number(row.copied),
            })
            .collect()
    }

    fn load_retained(&self) -> Vec<Arc<Message>> {
        let messages = self.db.retained().unwrap_or_else(|why| {
            tracing::error!(%why, "the retained messages could not be read");
            Vec::new()
        });
        messages.into_iter().map(Arc::new).collect()
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Message>, LedgerError> {
        self.journal.read(from, limit).map_err(|why| ledger_error(&why))
    }
}

fn ledger_error(why: &StoreError) -> LedgerError {
    LedgerError(why.to_string())
}

fn row(draft: Draft) -> JournalDraft {
    let Draft { topic, payload, qos, retain, publisher, cause, properties, inbound_qos2 } = draft;
    JournalDraft { topic, payload, qos, retain, publisher, cause, properties, inbound_qos2 }
}

fn draft(row: JournalDraft) -> Draft {
    let JournalDraft { topic, payload, qos, retain, publisher, cause, properties, inbound_qos2 } = row;
    Draft { topic, payload, qos, retain, publisher, cause, properties, inbound_qos2 }
}

fn session_row(session: &StoredSession) -> session::Session {
    session::Session {
        client_id: session.client_id.clone(),
        user: session.user.clone(),
        expiry_s: session.expiry_s,
        cursor: session.cursor,
        disconnected_ms: session.disconnected_ms,
        subscriptions: serde_json::to_value(&session.subscriptions).unwrap_or_default(),
    }
}

fn stored_session(row: session::Session) -> StoredSession {
    let subscriptions =
        serde_json::from_value::<Vec<StoredSubscription>>(row.subscriptions).unwrap_or_else(|why| {
            tracing::error!(%why, client = row.client_id, "the subscriptions of a session could not be read");
            Vec::new()
        });
    StoredSession {
        client_id: row.client_id,
        user: row.user,
        expiry_s: row.expiry_s,
        cursor: row.cursor,
        disconnected_ms: row.disconnected_ms,
        subscriptions,
    }
}
