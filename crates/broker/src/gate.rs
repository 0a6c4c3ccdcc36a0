//! The gate as `hub` holds it.

use std::net::SocketAddr;
use std::sync::Arc;

use model::{Message, Permissions, TopicFilter};

use crate::access::Access;
use crate::bus::Reader;
use crate::ledger::{Draft, Ledger};
use crate::limits::GateConfig;
use crate::watch::{ClientInfo, Counters, Watch};

/// Why the gate could not open.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another program has the port.
    #[error("Port {} is used by {}. Stop it, or choose another port.", addr.port(), holder.as_deref().unwrap_or("another program"))]
    PortTaken {
        /// The address that was asked for.
        addr: SocketAddr,
        /// Name and pid, such as `mosquitto (pid 812)`, when the system tells.
        holder: Option<String>,
    },
    /// The address cannot be listened on.
    #[error(
        "Hearth cannot listen on {addr}: {why}. Choose an address of this machine and a port it may use."
    )]
    Listen {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// The stored sessions could not be restored.
    #[error("The sessions of the MQTT clients could not be restored: {0}")]
    Restore(#[from] crate::ledger::LedgerError),
    /// The bus inside did not start.
    #[error("The bus inside Hearth did not start: {0}. Restart Hearth; if it stays, report it.")]
    Bus(String),
}

/// The MQTT broker: listeners, sessions, retained messages and the bus.
pub struct Gate {}

#[allow(unused_variables)]
impl Gate {
    /// Restores sessions, queues and retained messages and builds the bus. No socket is opened yet.
    pub async fn start(
        config: GateConfig,
        ledger: Arc<dyn Ledger>,
        access: Arc<dyn Access>,
        watch: Arc<dyn Watch>,
    ) -> Result<Gate, StartError> {
        todo!()
    }

    /// Opens the sockets.
    pub async fn listen(&self) -> Result<(), StartError> {
        todo!()
    }

    /// Where it listens, ports filled in; empty before [`Gate::listen`].
    pub fn addresses(&self) -> Vec<SocketAddr> {
        todo!()
    }

    /// Publishes Hearth's own messages: journal, bus and subscribers. Never waits; from any thread.
    pub fn publish(&self, drafts: Vec<Draft>) -> Vec<Arc<Message>> {
        todo!()
    }

    /// Resolves when the message with this id is durable.
    pub async fn durable(&self, id: u64) {
        todo!()
    }

    /// A reader of the bus for one of Hearth's own parts. It sees messages accepted from now on.
    pub fn reader(&self, filter: &TopicFilter) -> Reader {
        todo!()
    }

    /// Retained messages whose topic matches, in topic order, at most `limit`.
    pub fn retained(&self, filter: &TopicFilter, limit: usize) -> Vec<Arc<Message>> {
        todo!()
    }

    /// The clients, connected and asleep.
    pub fn clients(&self) -> Vec<ClientInfo> {
        todo!()
    }

    /// Totals since the start.
    pub fn counters(&self) -> Counters {
        todo!()
    }

    /// Closes every connection of a credential; returns how many.
    pub fn disconnect_user(&self, user: &str, why: &str) -> usize {
        todo!()
    }

    /// Gives a credential's connections and sessions new permissions.
    pub fn permissions_changed(&self, user: &str, permissions: Permissions) {
        todo!()
    }

    /// Closes the listeners and every connection, and keeps the sessions.
    pub async fn stop(&self) {
        todo!()
    }
}
