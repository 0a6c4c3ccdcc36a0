//! How bytes travel between a client and the gate, and who is at the other end as far as that tells.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::limits::Limits;

/// How a client reaches the gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// MQTT on a bare TCP connection.
    Tcp,
    /// MQTT over TLS.
    Tls,
    /// MQTT in WebSocket frames.
    Ws,
    /// MQTT in WebSocket frames over TLS.
    Wss,
}

impl Transport {
    /// All of them, in the order they are listed everywhere.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Tls, Self::Ws, Self::Wss];

    /// Whether it needs a certificate.
    pub fn is_encrypted(self) -> bool {
        matches!(self, Self::Tls | Self::Wss)
    }

    /// Whether the packets come in WebSocket frames.
    pub fn is_websocket(self) -> bool {
        matches!(self, Self::Ws | Self::Wss)
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Tls => "TLS",
            Self::Ws => "WebSocket",
            Self::Wss => "secure WebSocket",
        })
    }
}

/// One listener to open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// What it speaks.
    pub transport: Transport,
    /// Where; port 0 picks a free one.
    pub addr: SocketAddr,
}

impl Listen {
    /// Plain MQTT at this address.
    pub fn tcp(addr: SocketAddr) -> Self {
        Self { transport: Transport::Tcp, addr }
    }
}

/// Who is at the other end of a connection, before it says a word of MQTT.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    pub(crate) transport: Transport,
    /// Common name of the client certificate that TLS has verified.
    pub(crate) certificate_name: Option<String>,
    /// When it must have logged in.
    pub(crate) login_due: Instant,
}

impl Peer {
    /// A connection that has just come.
    pub(crate) fn new(addr: SocketAddr, transport: Transport, limits: &Limits) -> Self {
        let login_due = Instant::now() + Duration::from_millis(limits.connect_timeout_ms);
        // A dual-stack socket tells an IPv4 address in the form of IPv6: it is the same device all the same.
        let addr = SocketAddr::new(addr.ip().to_canonical(), addr.port());
        Self { addr, transport, certificate_name: None, login_due }
    }
}
