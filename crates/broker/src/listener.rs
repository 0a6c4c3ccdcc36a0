//! The sockets the gate listens on, one per transport, and the connections that come in.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::connection;
use crate::core::Core;
use crate::gate::StartError;
use crate::port_holder::port_holder;
use crate::tally::add;
use crate::transport::{Peer, Transport};

/// Connections beyond `connections_max` that may be open at a time, so that those who will be refused can be
/// told so.
const LOBBY_CONNECTIONS: usize = 1_024;
/// Wait after an error of accept, such as no free file handles: it would repeat at once.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// The listeners that are open.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    open: Mutex<BTreeMap<Transport, Listener>>,
    /// One change at a time.
    changing: tokio::sync::Mutex<()>,
}

/// An open listener. Its socket belongs to the task that accepts.
#[derive(Debug)]
struct Listener {
    addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Listener {
    /// Closes the socket; when this returns the port is free. Connections stay.
    async fn close(self) {
        self.accepting.abort();
        // Aborted, or ended because the gate stops: both ways the socket is gone.
        let _ = self.accepting.await;
    }
}

impl Listeners {
    /// Where it listens, by transport.
    pub(crate) fn open(&self) -> Vec<(Transport, SocketAddr)> {
        self.open.lock().iter().map(|(transport, listener)| (*transport, listener.addr)).collect()
    }

    /// Opens, moves or closes the listener of one transport.
    pub(crate) async fn set(
        &self,
        core: &Arc<Core>,
        transport: Transport,
        addr: Option<SocketAddr>,
    ) -> Result<Option<SocketAddr>, StartError> {
        let _one = self.changing.lock().await;
        let present = self.open.lock().get(&transport).map(|listener| listener.addr);
        let Some(addr) = addr else {
            self.close(transport).await;
            return Ok(None);
        };
        if present == Some(addr) {
            return Ok(present);
        }
        // Two sockets cannot have one port, be it on different addresses of which one includes the other: the
        // old one makes room first, and comes back when the new one cannot be opened.
        let in_its_own_way = present.filter(|present| present.port() == addr.port());
        if in_its_own_way.is_some() {
            self.close(transport).await;
        }
        match self.bind(addr).await {
            Ok(socket) => {
                self.close(transport).await;
                Ok(Some(self.accept(core, transport, addr, socket)?))
            }
            Err(why) => {
                if let Some(old) = in_its_own_way {
                    let socket = self.bind(old).await?;
                    self.accept(core, transport, old, socket)?;
                }
                Err(why)
            }
        }
    }

    async fn close(&self, transport: Transport) {
        let listener = self.open.lock().remove(&transport);
        if let Some(listener) = listener {
            listener.close().await;
        }
    }

    fn accept(
        &self,
        core: &Arc<Core>,
        transport: Transport,
        asked: SocketAddr,
        socket: TcpListener,
    ) -> Result<SocketAddr, StartError> {
        let addr = socket.local_addr().map_err(|why| StartError::Listen { addr: asked, why })?;
        let accepting = tokio::spawn(accept(core.clone(), transport, socket));
        self.open.lock().insert(transport, Listener { addr, accepting });
        Ok(addr)
    }

    async fn bind(&self, addr: SocketAddr) -> Result<TcpListener, StartError> {
        match TcpListener::bind(addr).await {
            Ok(listener) => Ok(listener),
            Err(why) if why.kind() == ErrorKind::AddrInUse => {
                let own = self.open().into_iter().find(|(_, open)| open.port() == addr.port());
                let holder = match own {
                    Some((transport, _)) => Some(format!("Hearth itself, for MQTT over {transport}")),
                    None => tokio::task::spawn_blocking(move || port_holder(addr)).await.ok().flatten(),
                };
                Err(StartError::PortTaken { addr, holder })
            }
            Err(why) => Err(StartError::Listen { addr, why }),
        }
    }
}

/// Accepts connections until the gate stops. Each runs in a task of its own, handshake and login included.
async fn accept(core: Arc<Core>, transport: Transport, listener: TcpListener) {
    let mut stopping = core.stopping.subscribe();
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, addr)) => begin(&core, stream, Peer { addr, transport, certificate_name: None }),
            Err(why) => {
                tracing::warn!(%why, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// A place among the open sockets, given back when the connection's task ends, however it ends.
struct Socket(Arc<Core>);

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.sockets.fetch_sub(1, Ordering::Relaxed);
    }
}

fn begin(core: &Arc<Core>, stream: TcpStream, peer: Peer) {
    let open = core.sockets.fetch_add(1, Ordering::Relaxed);
    let socket = Socket(core.clone());
    if open >= core.limits.connections_max + LOBBY_CONNECTIONS || stream.set_nodelay(true).is_err() {
        add(&core.tally.refused, 1);
        return;
    }
    let core = core.clone();
    tokio::spawn(async move {
        let _socket = socket;
        let (reader, writer) = stream.into_split();
        Box::pin(connection::serve(core, reader, writer, peer)).await;
    });
}
