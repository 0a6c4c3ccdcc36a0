//! TCP: the sockets the gate listens on, and the connections that come in.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::connection;
use crate::core::Core;
use crate::gate::StartError;
use crate::port_holder::port_holder;
use crate::tally::add;

/// Connections beyond `connections_max` that may be open at a time, so that those who will be refused can be
/// told so.
const LOBBY_CONNECTIONS: usize = 1_024;
/// Wait after an error of accept, such as no free file handles: it would repeat at once.
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// Opens one socket.
pub(crate) async fn open(addr: SocketAddr) -> Result<TcpListener, StartError> {
    match TcpListener::bind(addr).await {
        Ok(listener) => Ok(listener),
        Err(why) if why.kind() == ErrorKind::AddrInUse => {
            let holder = tokio::task::spawn_blocking(move || port_holder(addr)).await.ok().flatten();
            Err(StartError::PortTaken { addr, holder })
        }
        Err(why) => Err(StartError::Listen { addr, why }),
    }
}

/// Accepts connections until the gate stops. Each runs in a task of its own, login included.
pub(crate) async fn accept(core: Arc<Core>, listener: TcpListener) {
    let mut stopping = core.stopping.subscribe();
    loop {
        let accepted = tokio::select! {
            _ = stopping.wait_for(|stopping| *stopping) => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => begin(&core, stream, peer),
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

fn begin(core: &Arc<Core>, stream: TcpStream, peer: SocketAddr) {
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
