//! The sockets the gate listens on, one per transport, and the connections that come in.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::arrivals::TooMany;
use crate::connection;
use crate::core::Core;
use crate::gate::StartError;
use crate::handshake::shake_hands;
use crate::port_holder::port_holder;
use crate::tally::add;
use crate::telling::Refusing;
use crate::transport::{Peer, Transport};
use crate::watch::RefusedAt;

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
        if addr.is_some() && transport.is_encrypted() && core.tls.read().is_none() {
            return Err(StartError::NoCertificate { transport });
        }
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
        if is_for_many(addr.ip()) {
            return Err(StartError::NotHere { addr });
        }
        match TcpListener::bind(addr).await {
            Ok(listener) => Ok(listener),
            Err(why) if why.kind() == ErrorKind::AddrInUse => {
                let own = self.open().into_iter().find(|(_, open)| open.port() == addr.port());
                if let Some((transport, _)) = own {
                    return Err(StartError::OwnPort { addr, transport });
                }
                let holder = tokio::task::spawn_blocking(move || port_holder(addr)).await.ok().flatten();
                Err(StartError::PortTaken { addr, holder })
            }
            Err(why) if why.kind() == ErrorKind::AddrNotAvailable => Err(StartError::NotHere { addr }),
            Err(why) => Err(StartError::Listen { addr, why }),
        }
    }
}

/// Whether this address is for sending to many at once: the system may let a socket listen at it, and nobody can
/// connect to it.
pub fn is_for_many(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast(),
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
            Ok((stream, addr)) => begin(&core, stream, Peer::new(addr, transport, &core.limits)),
            Err(why) => {
                tracing::warn!(%why, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// A place among the open sockets, given back when the connection's task ends, however it ends.
struct Socket {
    core: Arc<Core>,
    address: IpAddr,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.core.sockets.fetch_sub(1, Ordering::Relaxed);
        self.core.arrivals.gone(self.address, &self.core.limits);
    }
}

fn begin(core: &Arc<Core>, stream: TcpStream, mut peer: Peer) {
    if let Err(too_many) = core.arrivals.come(peer.addr.ip(), &core.limits, Instant::now()) {
        turn_away(core, &peer, too_many);
        return;
    }
    let open = core.sockets.fetch_add(1, Ordering::Relaxed);
    let socket = Socket { core: core.clone(), address: peer.addr.ip() };
    if open >= core.limits.connections_max + core.limits.lobby_max || stream.set_nodelay(true).is_err() {
        add(&core.tally.refused, 1);
        return;
    }
    let core = core.clone();
    tokio::spawn(async move {
        let _socket = socket;
        if peer.transport == Transport::Tcp {
            let (reader, writer) = stream.into_split();
            Box::pin(connection::serve(core, reader, writer, peer)).await;
        } else if let Some(stream) = Box::pin(shake_hands(&core, stream, &mut peer)).await {
            let (reader, writer) = tokio::io::split(stream);
            Box::pin(connection::serve(core, reader, writer, peer)).await;
        }
    });
}

/// Nothing is sent: there is no time for it, and before the handshake no way to say it.
fn turn_away(core: &Core, peer: &Peer, too_many: TooMany) {
    add(&core.tally.refused, 1);
    let (counter, why, advice) = match too_many {
        TooMany::Open(max) => (
            &core.tally.over_address_limit,
            format!("{max} connections of its address are open, which is the limit"),
            "Look at what runs at that address; the limit is connections_per_address_max.",
        ),
        TooMany::Rate(max) => (
            &core.tally.over_connect_rate,
            format!("its address opens more than {max} connections a second, which is the limit"),
            "A client that connects again and again at once is often one that is thrown out at once: look at its other entries. The limit is connects_per_second_max.",
        ),
    };
    add(counter, 1);
    core.tell_refused(&Refusing {
        at: RefusedAt::Limit,
        peer: peer.addr,
        client_id: None,
        user: None,
        what: "A connection was closed as it came.",
        why: &why,
        advice,
    });
}
