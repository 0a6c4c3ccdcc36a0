//! The gate as `hub` holds it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use model::{Message, TopicFilter};

use crate::access::{Access, Granted};
use crate::bus::{Bus, Reader};
use crate::core::Core;
use crate::guard::{Guard, NotPublished};
use crate::ledger::{Draft, Ledger};
use crate::limits::GateConfig;
use crate::listener::Listeners;
use crate::packet::reason;
use crate::restore::restore;
use crate::session::Session;
use crate::sys::tell_counters;
use crate::tally::{Tally, add};
use crate::tls::Tls;
use crate::transport::{Listen, Transport};
use crate::upkeep::upkeep;
use crate::watch::{ClientDetail, ClientInfo, Counters, Reach, Watch};

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
    /// Hearth has the port already.
    #[error("Port {} is Hearth's own, for MQTT over {transport}. Choose another port.", addr.port())]
    OwnPort {
        /// The address that was asked for.
        addr: SocketAddr,
        /// What it has the port for.
        transport: Transport,
    },
    /// The address belongs to another computer, or to a network this one is not in now.
    #[error(
        "{} is no address of this computer. Choose 0.0.0.0:{} for all of its networks, or one of its own addresses.",
        addr.ip(), addr.port()
    )]
    NotHere {
        /// The address that was asked for.
        addr: SocketAddr,
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
    /// There is nothing to show a client that wants TLS.
    #[error("MQTT over {transport} needs a certificate. Make one, or bring one, first.")]
    NoCertificate {
        /// What was to be opened.
        transport: Transport,
    },
    /// The stored sessions could not be restored.
    #[error("The sessions of the MQTT clients could not be restored: {0}")]
    Restore(#[from] crate::ledger::LedgerError),
    /// The bus inside did not start.
    #[error("The bus inside Hearth did not start: {0}. Restart Hearth; if it stays, report it.")]
    Bus(String),
}

/// Longest wait for the connections to end when the gate stops, and for their sessions to be kept.
const STOP_WAIT: Duration = Duration::from_secs(3);
/// Between two looks at the ledger for messages no waiter was left for.
const DURABLE_LOOK: Duration = Duration::from_millis(20);

/// The MQTT broker: listeners, sessions, retained messages and the bus.
pub struct Gate {
    pub(crate) core: Arc<Core>,
    listen: Vec<Listen>,
    listeners: Listeners,
}

impl Gate {
    /// Restores sessions, queues and retained messages and builds the bus. No socket is opened yet.
    pub async fn start(
        config: GateConfig,
        ledger: Arc<dyn Ledger>,
        access: Arc<dyn Access>,
        watch: Arc<dyn Watch>,
    ) -> Result<Gate, StartError> {
        let tally = Arc::new(Tally::default());
        let (limits, for_bus) = (config.limits.clone(), (ledger.clone(), watch.clone(), tally.clone()));
        let bus = tokio::task::spawn_blocking(move || {
            let (ledger, watch, tally) = for_bus;
            Bus::start(&limits, ledger, watch, tally)
        })
        .await
        .map_err(|why| StartError::Bus(why.to_string()))?
        .map_err(StartError::Bus)?;
        Self::over_bus(config, ledger, access, watch, tally, bus).await
    }

    /// The gate over a bus that runs.
    pub(crate) async fn over_bus(
        config: GateConfig,
        ledger: Arc<dyn Ledger>,
        access: Arc<dyn Access>,
        watch: Arc<dyn Watch>,
        tally: Arc<Tally>,
        bus: Bus,
    ) -> Result<Gate, StartError> {
        let core = Arc::new(Core::new(config.limits, ledger, access, watch, Arc::new(bus), tally));
        restore(&core).await?;
        tokio::spawn(upkeep(core.clone()));
        tokio::spawn(tell_counters(core.clone()));
        tokio::spawn(follow_durable(core.clone()));
        Ok(Gate { core, listen: config.listen, listeners: Listeners::default() })
    }

    /// Opens the listeners of the configuration. On an error none is left open.
    pub async fn listen(&self) -> Result<(), StartError> {
        for listen in &self.listen {
            if let Err(why) = self.set_listener(listen.transport, Some(listen.addr)).await {
                for listen in &self.listen {
                    self.set_listener(listen.transport, None).await?;
                }
                return Err(why);
            }
        }
        Ok(())
    }

    /// Opens, moves (`Some`) or closes (`None`) the listener of one transport and returns where it listens now;
    /// port 0 picks a free one. Connections stay. When the new address cannot be listened on, the old one stays
    /// open.
    pub async fn set_listener(
        &self,
        transport: Transport,
        addr: Option<SocketAddr>,
    ) -> Result<Option<SocketAddr>, StartError> {
        self.listeners.set(&self.core, transport, addr).await
    }

    /// What TLS handshakes show from now on; connections stay. Without it, or with `None`, they are refused.
    pub fn set_tls(&self, tls: Option<Tls>) {
        *self.core.tls.write() = tls;
    }

    /// The listeners that are open, ports filled in.
    pub fn listeners(&self) -> Vec<(Transport, SocketAddr)> {
        self.listeners.open()
    }

    /// Where it listens, ports filled in, plain TCP first; empty before [`Gate::listen`].
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.open().into_iter().map(|(_, addr)| addr).collect()
    }

    /// Publishes Hearth's own messages: journal, bus and subscribers. Never waits; from any thread. The
    /// messages, with their ids, are returned in the order of the drafts; those the guard held back are missing,
    /// and at the end those a full journal refused.
    pub fn publish(&self, drafts: Vec<Draft>) -> Vec<Arc<Message>> {
        let messages = self.core.publish(drafts);
        add(&self.core.tally.messages_own, messages.len() as u64);
        messages
    }

    /// The same for one message, and why not if it is not.
    pub fn publish_one(&self, draft: Draft) -> Result<Arc<Message>, NotPublished> {
        let message = self.core.publish_one(draft)?;
        add(&self.core.tally.messages_own, 1);
        Ok(message)
    }

    /// Lets this guard look at messages from now on. Before [`Gate::listen`], so that nothing passes unseen; a
    /// second one is not taken.
    pub fn set_guard(&self, guard: Arc<dyn Guard>) {
        if self.core.guard.set(guard).is_ok() {
            self.guard_changed();
        }
    }

    /// The guard watches other topics now.
    pub fn guard_changed(&self) {
        self.core.subscriptions.changed();
    }

    /// Resolves when the message with this id is durable.
    pub async fn durable(&self, id: u64) {
        let mut durable = self.core.durable.subscribe();
        self.core.own_wake.notify_one();
        // Fails only when the sender is gone, and the sender is in `self.core`.
        let _ = durable.wait_for(|durable| *durable >= id || self.core.ledger.durable() >= id).await;
    }

    /// A reader of the bus for one of Hearth's own parts. It sees messages accepted from now on.
    pub fn reader(&self, filter: &TopicFilter) -> Reader {
        self.core.bus.reader(filter, None)
    }

    /// A reader that begins behind the journal id `after`: the journal first, then the bus, nothing left out.
    pub fn reader_after(&self, filter: &TopicFilter, after: u64) -> Reader {
        self.core.bus.reader(filter, Some(after))
    }

    /// Retained messages whose topic matches, in topic order, at most `limit`.
    pub fn retained(&self, filter: &TopicFilter, limit: usize) -> Vec<Arc<Message>> {
        self.core.retained(filter, limit)
    }

    /// The clients, connected and asleep, by client id.
    pub fn clients(&self) -> Vec<ClientInfo> {
        let sessions: Vec<Arc<Session>> = self.core.sessions.lock().values().cloned().collect();
        let mut clients: Vec<ClientInfo> = sessions.iter().map(|session| session.info()).collect();
        clients.sort_by(|a, b| a.client_id.cmp(&b.client_id));
        clients
    }

    /// Everything about one client; `None` when it is neither connected nor asleep.
    pub fn client(&self, client_id: &str) -> Option<ClientDetail> {
        let session = self.core.sessions.lock().get(client_id).cloned();
        session.map(|session| session.detail())
    }

    /// Whether a message of this topic would come to the board that has this credential. Its sessions are those of the
    /// credential that hear the topic, and those of others that asked for exactly this one. Who hears it by a wildcard
    /// may be its bridge while it is connected, but nobody to wait for.
    pub fn reach(&self, user: &str, topic: &str) -> Reach {
        let hearers = self.core.subscriptions.hearers(topic);
        let hearers: Vec<(ClientInfo, bool)> =
            hearers.iter().map(|(session, exactly)| (session.info(), *exactly)).collect();
        let (own, others): (Vec<_>, Vec<_>) =
            hearers.iter().partition(|(hearer, exactly)| *exactly || &*hearer.user == user);
        if own.iter().any(|(hearer, _)| hearer.peer.is_some()) {
            return Reach::Heard;
        }
        let kept = own.iter().map(|(hearer, _)| hearer).filter(|hearer| hearer.expiry_s > 0);
        let ends = kept.map(|hearer| match hearer.expiry_s {
            u32::MAX => i64::MAX,
            seconds => hearer.disconnected_ms.unwrap_or_default() + i64::from(seconds) * 1_000,
        });
        if let Some(end_ms) = ends.max() {
            return Reach::Kept { until_ms: Some(end_ms).filter(|end_ms| *end_ms < i64::MAX) };
        }
        if others.iter().any(|(hearer, _)| hearer.peer.is_some()) {
            return Reach::Heard;
        }
        let sessions: Vec<Arc<Session>> = self.core.sessions.lock().values().cloned().collect();
        let is_there = |session: &Arc<Session>| {
            let state = session.lock();
            &*state.user == user && state.link.is_some()
        };
        if sessions.iter().any(is_there) { Reach::Deaf } else { Reach::Nobody }
    }

    /// Closes the connection of a client; its session stays, and it may come again. Says whether it was connected.
    pub fn kick(&self, client_id: &str, why: &str) -> bool {
        let session = self.core.sessions.lock().get(client_id).cloned();
        let link = session.and_then(|session| session.lock().link.clone());
        link.map(|link| link.kick(reason::ADMINISTRATIVE, why)).is_some()
    }

    /// Totals since the start.
    pub fn counters(&self) -> Counters {
        self.core.counters()
    }

    /// Closes every connection of a credential and ends its sessions, so that their client ids are free again;
    /// returns how many connections it closed. For a credential that was revoked, so no will of theirs is published.
    pub fn disconnect_user(&self, user: &str, why: &str) -> usize {
        let sessions: Vec<Arc<Session>> = self.core.sessions.lock().values().cloned().collect();
        let mut closed = 0;
        for session in sessions {
            let mut state = session.lock();
            if &*state.user != user {
                continue;
            }
            if let Some(link) = state.link.clone() {
                state.ends_with_connection = true;
                link.forfeits_will.store(true, Ordering::Relaxed);
                link.kick(reason::ADMINISTRATIVE, why);
                closed += 1;
                continue;
            }
            drop(state);
            // A will that waits is not published either.
            self.core.end_session(&session);
        }
        closed
    }

    /// Closes every connection of a credential; its sessions stay. Returns how many. For one whose secret changed.
    pub fn close_connections(&self, user: &str, why: &str) -> usize {
        let sessions: Vec<Arc<Session>> = self.core.sessions.lock().values().cloned().collect();
        let links = sessions.iter().filter_map(|session| {
            let state = session.lock();
            state.link.clone().filter(|_| &*state.user == user)
        });
        links.map(|link| link.kick(reason::ADMINISTRATIVE, why)).count()
    }

    /// Gives a credential's connections and sessions new permissions, or begins or ends its learning.
    pub fn permissions_changed(&self, granted: &Granted) {
        self.core.permissions_changed(granted);
    }

    /// Closes the listeners and every connection, and resolves when the sessions are kept.
    pub async fn stop(&self) {
        self.core.stopping.send_replace(true);
        let sessions: Vec<Arc<Session>> = self.core.sessions.lock().values().cloned().collect();
        for session in &sessions {
            if let Some(link) = session.lock().link.clone() {
                link.kick(reason::SHUTTING_DOWN, "Hearth is stopping");
            }
        }
        let gone = async {
            while self.core.connected.count() > 0 {
                tokio::time::sleep(DURABLE_LOOK).await;
            }
        };
        if tokio::time::timeout(STOP_WAIT, gone).await.is_err() {
            tracing::warn!("some MQTT connections did not end in time");
        }
        let settled = self.core.settled();
        for share in self.core.subscriptions.shares() {
            share.close_book(settled);
        }
        let saving: Vec<_> = sessions.iter().filter_map(|session| self.core.save(session)).collect();
        let kept = async {
            for saved in saving {
                if let Err(why) = saved.await {
                    tracing::warn!(%why, "a session could not be kept");
                }
            }
        };
        if tokio::time::timeout(STOP_WAIT, kept).await.is_err() {
            tracing::warn!("the sessions could not be kept in time");
        }
    }
}

/// Tells those who wait for Hearth's own messages how far the journal is durable.
async fn follow_durable(core: Arc<Core>) {
    let mut stopping = core.stopping.subscribe();
    loop {
        let durable = core.ledger.durable();
        core.durable.send_if_modified(|known| {
            let moved = *known < durable;
            *known = (*known).max(durable);
            moved
        });
        // Someone waits for a message whose group woke somebody else: look again soon. Nobody waits: sleep
        // until the ledger wakes this task.
        let waiting = core.durable.receiver_count() > 0;
        tokio::select! {
            () = core.own_wake.notified() => {}
            () = tokio::time::sleep(DURABLE_LOOK), if waiting => {}
            _ = stopping.wait_for(|stopping| *stopping), if core.durable.receiver_count() == 0 => return,
        }
    }
}
