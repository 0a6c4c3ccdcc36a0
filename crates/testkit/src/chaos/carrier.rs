//! What carries MQTT.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;

use super::link::{self, End, Stream};

/// What carries MQTT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carrier {
    Tcp,
}

impl Carrier {
    /// A stream to the hub, ready for a CONNECT.
    pub(super) async fn open(self, from: Ipv4Addr, to: SocketAddr, end: End) -> Result<Box<dyn Stream>> {
        let socket = link::dial(from, to, end).await?;
        match self {
            Self::Tcp => Ok(Box::new(socket)),
        }
    }
}
