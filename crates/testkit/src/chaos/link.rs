//! One connection of chaos: bytes to and from the hub, whatever carries them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::packets::{self, Hello, Incoming, Version};
use crate::load::wire::{DISCONNECT, Packet};

/// Longest a CONNECT or SUBSCRIBE may go unanswered.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_BYTES: usize = 16 * 1024;

/// What carries the bytes.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How a connection ends when it is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// As the system closes a socket.
    Close,
    /// With a reset, and what was not sent yet is lost.
    Reset,
}

/// A logged-in client.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    version: Version,
    buffer: Vec<u8>,
    start: usize,
}

/// A socket from one of this machine's own addresses to another.
pub(super) async fn dial(from: Ipv4Addr, to: SocketAddr, end: End) -> Result<TcpStream> {
    ensure!(to.ip().is_loopback() && from.is_loopback(), "{to} is not on this machine; chaos stays on it");
    let socket = TcpSocket::new_v4()?;
    socket.bind((from, 0).into())?;
    if end == End::Reset {
        socket.set_zero_linger()?;
    }
    let stream = timeout(CONNECT_TIMEOUT, socket.connect(to)).await.context("no connection came about")??;
    stream.set_nodelay(true)?;
    // While nobody listens at a port, the system may join a socket to itself.
    ensure!(stream.local_addr()? != stream.peer_addr()?, "nobody listens at {to}");
    Ok(stream)
}

impl Link {
    /// Logs in over a stream; says whether the broker still had the session.
    pub(super) async fn login(stream: Box<dyn Stream>, hello: &Hello) -> Result<(Self, bool)> {
        let mut link = Self { stream, version: hello.version, buffer: Vec::new(), start: 0 };
        link.send(&packets::connect(hello)).await?;
        let answer = timeout(ANSWER_TIMEOUT, link.next()).await.context("CONNECT was not answered")??;
        let present = match answer {
            Incoming::ConnAck { present, code: 0 } => present,
            Incoming::ConnAck { code, .. } => bail!("CONNECT was refused with {code:#04x}"),
            other => bail!("CONNECT was answered with {other:?}"),
        };
        Ok((link, present))
    }

    /// Sends a SUBSCRIBE. Its answer comes among the other packets.
    pub(super) async fn subscribe(&mut self, filter: &str, qos: u8) -> Result<()> {
        let packet = packets::subscribe(self.version, 1, filter, qos);
        self.send(&packet).await
    }

    pub(super) fn version(&self) -> Version {
        self.version
    }

    /// Writes all of `bytes`.
    pub(super) async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        Ok(self.stream.flush().await?)
    }

    /// The next packet. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Incoming<'_>> {
        while Packet::parse(&self.buffer[self.start..])?.is_none() {
            self.fill().await?;
        }
        self.take()?.context("the packet is gone")
    }

    /// The next packet that is there as a whole.
    pub(super) fn take(&mut self) -> Result<Option<Incoming<'_>>> {
        let Some(packet) = Packet::parse(&self.buffer[self.start..])? else { return Ok(None) };
        self.start += packet.length;
        packets::read(self.version, &packet).map(Some)
    }

    /// Awaits more bytes. Dropping the future loses nothing.
    pub(super) async fn fill(&mut self) -> Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.reserve(READ_BYTES);
        let read = self.stream.read_buf(&mut self.buffer).await?;
        ensure!(read > 0, "the broker closed the connection");
        Ok(())
    }

    /// Says goodbye and closes.
    pub(super) async fn goodbye(mut self) -> Result<()> {
        self.send(&DISCONNECT).await?;
        Ok(self.stream.shutdown().await?)
    }

    /// Reads whatever comes until the broker closes; an error when it does not in that time.
    pub(super) async fn until_closed(mut self, within: Duration) -> Result<()> {
        until_closed(&mut self.stream, within).await
    }
}

/// Reads whatever comes until the other side closes; an error when it does not in that time.
pub(super) async fn until_closed(stream: &mut (impl AsyncRead + Unpin), within: Duration) -> Result<()> {
    let mut away = vec![0; READ_BYTES];
    let closed = async { while matches!(stream.read(&mut away).await, Ok(1..)) {} };
    timeout(within, closed).await.with_context(|| format!("it was still open after {within:?}"))
}
