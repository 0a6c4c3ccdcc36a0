//! One MQTT 3.1.1 connection, without a client library between the load and the socket.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use super::wire::{self, Credential, Packet, kind};

/// Bytes read at once; the buffer grows when one packet is longer.
const READ_BYTES: usize = 64 * 1024;

/// A connected client.
#[derive(Debug)]
pub struct Connection {
    socket: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Connection {
    /// Connects and logs in; says whether the broker still had the session.
    ///
    /// Refuses addresses outside this machine: a load generator has no business there.
    pub async fn open(
        address: SocketAddr,
        client_id: &str,
        clean_session: bool,
        credential: Option<&Credential>,
    ) -> Result<(Self, bool)> {
        Self::open_from(Ipv4Addr::UNSPECIFIED, address, client_id, clean_session, credential).await
    }

    /// The same from one of this machine's own addresses: each has ports enough for some ten thousand.
    pub async fn open_from(
        from: Ipv4Addr,
        address: SocketAddr,
        client_id: &str,
        clean_session: bool,
        credential: Option<&Credential>,
    ) -> Result<(Self, bool)> {
        ensure!(address.ip().is_loopback(), "{address} is not on this machine; load only loopback addresses");
        let socket = match from.is_unspecified() {
            true => TcpStream::connect(address).await,
            false => {
                let socket = TcpSocket::new_v4()?;
                socket.bind((from, 0).into())?;
                socket.connect(address).await
            }
        };
        let socket = socket
            .with_context(|| format!("nothing accepts connections at {address}; is the broker running?"))?;
        socket.set_nodelay(true)?;
        let mut connection = Self { socket, buffer: Vec::new(), start: 0, end: 0 };
        connection.send(&wire::connect(client_id, clean_session, credential)).await?;
        let session_present = loop {
            if let Some(packet) = connection.take()? {
                break wire::session_present(&packet)?;
            }
            connection
                .fill()
                .await
                .context("the broker closed the connection instead of answering CONNECT")?;
        };
        Ok((connection, session_present))
    }

    /// Subscribes and awaits the SUBACK. Publishes that arrive before it are an error: subscribe before
    /// anyone publishes, or read the SUBACK yourself.
    pub async fn subscribe(&mut self, filter: &str, qos: u8) -> Result<()> {
        self.send(&wire::subscribe(1, filter, qos)).await?;
        loop {
            if let Some(packet) = self.take()? {
                ensure!(packet.kind() == kind::SUBACK, "a packet of type {} before SUBACK", packet.kind());
                let granted = packet.body.get(2).copied();
                ensure!(
                    granted == Some(qos),
                    "the broker granted {granted:?} instead of QoS {qos} for {filter}; may this user read it?"
                );
                return Ok(());
            }
            self.fill().await?;
        }
    }

    /// Writes all of `bytes`.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.socket.write_all(bytes).await.context("the broker closed the connection while it was written to")
    }

    /// Awaits more bytes. Dropping the future loses nothing.
    pub async fn fill(&mut self) -> Result<()> {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() + READ_BYTES, 0);
        }
        let read = self.socket.read(&mut self.buffer[self.end..]).await?;
        if read == 0 {
            bail!("the broker closed the connection");
        }
        self.end += read;
        Ok(())
    }

    /// The next packet that is there as a whole.
    pub fn take(&mut self) -> Result<Option<Packet<'_>>> {
        let packet = Packet::parse(&self.buffer[self.start..self.end])?;
        self.start += packet.as_ref().map_or(0, |packet| packet.length);
        Ok(packet)
    }

    /// Gives back the read buffer while nothing is expected, so that a thousand idle clients stay small.
    pub fn rest(&mut self) {
        if self.start == self.end {
            (self.buffer, self.start, self.end) = (Vec::new(), 0, 0);
        }
    }

    /// Says goodbye and closes.
    pub async fn close(mut self) -> Result<()> {
        self.send(&wire::DISCONNECT).await?;
        Ok(self.socket.shutdown().await?)
    }
}
