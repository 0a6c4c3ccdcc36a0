//! One connection, from its first byte to its last.
//!
//! A connection is one task with two halves that never wait for each other: `reading` takes packets from the
//! socket and publishes, `writing` empties the session's outbox and sends acknowledgements once they are due.
//! A publisher that must pause pauses only its reading half, so two clients that publish to each other cannot
//! lock each other up. The transport is any pair of `AsyncRead` and `AsyncWrite`.

mod aliases;
mod batch;
mod buffer;
mod login;
mod pace;
mod reading;
mod refusing;
mod subscribing;
mod topics;
mod words;
mod writing;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::core::Core;
use crate::packet::{self, Ack, PacketError, reason};
use crate::session::Kick;
use crate::tally::add;
use crate::telling::Refusing;
use crate::transport::Peer;
use crate::watch::RefusedAt;
use buffer::ReadBuffer;
use login::{LoggedIn, Terms, log_in};

/// Longest wait for the last bytes to a client that is being closed.
const GOODBYE_MS: u64 = 1_000;
/// Bytes thrown away at a time behind the end of a connection.
const LINGER_BYTES: usize = 2 * 1_024;

/// Bytes of the gate's own packets waiting for a client above which nothing more is read from it.
const CONTROL_BYTES_PAUSE: usize = 64 * 1_024;
/// Acknowledgements waiting for a client, or for the journal, above which nothing more is read from it.
const ACKS_PAUSE: usize = 4_096;

/// How a connection ended.
#[derive(Debug)]
enum End {
    /// DISCONNECT without the wish for the will.
    Goodbye,
    /// DISCONNECT with reason 0x04: publish the will all the same (MQTT 5).
    GoodbyeWithWill,
    /// The client closed the socket without a DISCONNECT.
    Closed,
    /// The socket failed.
    Io(std::io::Error),
    /// The client broke the protocol.
    Packet(PacketError),
    /// Nothing came for 1.5 keepalives.
    Keepalive,
    /// The client took nothing for the write deadline.
    WriteDeadline,
    /// The gate wants it gone.
    Kicked(Kick),
}

impl End {
    fn why(&self) -> String {
        match self {
            Self::Goodbye | Self::GoodbyeWithWill => "it said goodbye".to_owned(),
            Self::Closed => "the network connection was closed without a goodbye".to_owned(),
            Self::Io(why) => format!("the network connection failed: {why}"),
            Self::Packet(why) => why.to_string(),
            Self::Keepalive => "it was silent for longer than 1.5 times its keepalive".to_owned(),
            Self::WriteDeadline => "it did not read what was sent to it".to_owned(),
            Self::Kicked(kick) => kick.why.clone(),
        }
    }

    /// Reason code of the DISCONNECT that tells an MQTT 5 client.
    fn reason(&self) -> Option<u8> {
        match self {
            Self::Packet(why) => Some(why.reason()),
            Self::Keepalive => Some(reason::KEEPALIVE_TIMEOUT),
            Self::Kicked(kick) => Some(kick.reason),
            Self::Goodbye | Self::GoodbyeWithWill | Self::Closed | Self::Io(_) | Self::WriteDeadline => None,
        }
    }
}

/// When an acknowledgement is due.
#[derive(Debug, Clone, Copy)]
enum Due {
    Now,
    /// When the message with this id is durable.
    Message(u64),
    /// When this ledger operation is durable.
    Operation(u64),
}

/// What the two halves of a connection share. Both run in one task, so the locks are never contended.
#[derive(Debug)]
struct Halves {
    /// Encoded packets to send before anything else.
    control: Mutex<Vec<u8>>,
    /// Acknowledgements in the order of the packets they answer (sections 4.6, MQTT 3.1.1 and 5).
    acks: Mutex<VecDeque<(Due, Ack)>>,
    /// Why, of those of them that refuse, by packet id.
    whys: Mutex<HashMap<u16, String>>,
    /// Told when the writing half has taken from `control` or `acks`.
    answered: Notify,
    /// A write was begun and not finished: nothing may be sent behind it.
    mid_write: AtomicBool,
    /// ms since `start` of the last bytes that came in.
    last_in_ms: AtomicU64,
    /// The gate has stopped reading on purpose: silence is not the client's fault.
    reading_paused: AtomicBool,
    start: Instant,
}

impl Halves {
    fn new() -> Self {
        Self {
            control: Mutex::default(),
            acks: Mutex::default(),
            whys: Mutex::default(),
            answered: Notify::new(),
            mid_write: AtomicBool::new(false),
            last_in_ms: AtomicU64::new(0),
            reading_paused: AtomicBool::new(false),
            start: Instant::now(),
        }
    }

    /// Whether the client takes its answers so slowly that its next packets wait.
    fn full(&self) -> bool {
        self.control.lock().len() > CONTROL_BYTES_PAUSE || self.acks.lock().len() > ACKS_PAUSE
    }

    /// Resolves when reading on would not only pile answers up.
    async fn room(&self) {
        while self.full() {
            self.answered.notified().await;
        }
    }

    fn heard(&self) {
        let ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_in_ms.store(ms, Relaxed);
    }
}

/// Serves one connection until it ends.
pub(crate) async fn serve<R, W>(core: Arc<Core>, mut reader: R, mut writer: W, peer: Peer)
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    add(&core.tally.connections, 1);
    let place = core.lobby.enter(peer.addr.ip(), core.limits.lobby_per_address_max);
    let logged_in = tokio::select! {
        biased;
        logged_in = log_in(&core, &mut reader, &mut writer, &peer) => logged_in,
        () = place.pushed_out() => {
            add(&core.tally.refused, 1);
            None
        }
    };
    drop(place);
    let Some(logged_in) = logged_in else {
        let _ = tokio::time::timeout(Duration::from_millis(GOODBYE_MS), writer.shutdown()).await;
        return;
    };
    let LoggedIn { mut attached, buffer, terms } = logged_in;
    let halves = Halves::new();
    let keepalive_s = attached.link.keepalive_s;
    let mut reading = reading::Reading::new(&attached, &halves, terms);
    let mut writing = writing::Writing::new(&attached, &halves, terms);
    let end = tokio::select! {
        biased;
        end = reading.run(&mut reader, ReadBuffer::new(&buffer)) => end,
        end = writing.run(&mut writer) => end,
        () = silence(&halves, keepalive_s) => End::Keepalive,
    };
    drop((reading, writing));
    finish(&core, &mut writer, terms, &halves, &end).await;
    attached.why = end.why();
    match &end {
        End::Goodbye => attached.will = None,
        End::Packet(why) => refuse_broken(&core, &peer, &attached, *why),
        End::Keepalive => add(&core.tally.keepalive_timeouts, 1),
        End::WriteDeadline => add(&core.tally.write_deadlines, 1),
        End::GoodbyeWithWill | End::Closed | End::Io(_) | End::Kicked(_) => {}
    }
    drop(attached);
    if terms.version.is_v5() && matches!(end, End::Packet(_) | End::Kicked(_)) {
        linger(&mut reader).await;
    }
}

/// Reads on for a moment and throws it away. A socket that is closed with unread bytes in it is reset, and the
/// client may never read the DISCONNECT that tells it why.
async fn linger<R: AsyncRead + Unpin>(reader: &mut R) {
    let mut unread = Vec::with_capacity(LINGER_BYTES);
    let to_its_end = async {
        while matches!(reader.read_buf(&mut unread).await, Ok(count) if count > 0) {
            unread.clear();
        }
    };
    let _ = tokio::time::timeout(Duration::from_millis(GOODBYE_MS), to_its_end).await;
}

fn refuse_broken(core: &Core, peer: &Peer, attached: &crate::attach::Attached, why: PacketError) {
    add(&core.tally.refused, 1);
    let advice = match why {
        PacketError::TooLarge { max, .. } => login::too_large(core, max),
        PacketError::AliasBytes(_) => {
            "Raise `topic_alias_bytes_max` in Settings, Broker, Limits, or give the client shorter topics."
        }
        PacketError::Begun(_) => {
            "It may come again. Raise `begun_bytes_per_user_max` or `begun_bytes_max` in Settings, Broker, Limits, if \
             many clients send large packets at the same time."
        }
        PacketError::Unfinished { .. } => "Look at its network; it may come again.",
        _ => "Check the client's MQTT library and its settings.",
    };
    core.tell_refused(&Refusing {
        at: match why {
            PacketError::AliasBytes(_) | PacketError::Begun(_) | PacketError::Unfinished { .. } => {
                RefusedAt::Limit
            }
            _ => RefusedAt::Protocol,
        },
        peer: peer.addr,
        client_id: Some(&attached.session.client_id),
        user: Some(&attached.publisher.user),
        what: "The connection was closed.",
        why: &why.to_string(),
        advice,
    });
}

/// Resolves when nothing came in for 1.5 keepalives (section 3.1.2.10); never for keepalive 0. What goes out
/// does not count.
async fn silence(halves: &Halves, keepalive_s: u16) {
    if keepalive_s == 0 {
        return std::future::pending().await;
    }
    let patience_ms = u64::from(keepalive_s) * 1_500;
    loop {
        let due = halves.start + Duration::from_millis(halves.last_in_ms.load(Relaxed) + patience_ms);
        tokio::time::sleep_until(due).await;
        if halves.reading_paused.load(Relaxed) {
            halves.heard();
        }
        let last = halves.start + Duration::from_millis(halves.last_in_ms.load(Relaxed) + patience_ms);
        if last <= Instant::now() {
            return;
        }
    }
}

/// Sends what is due and, to an MQTT 5 client, why the connection ends; then closes.
async fn finish<W: AsyncWrite + Unpin>(
    core: &Core,
    writer: &mut W,
    terms: Terms,
    halves: &Halves,
    end: &End,
) {
    let mut last = std::mem::take(&mut *halves.control.lock());
    if terms.version.is_v5()
        && let Some(reason) = end.reason()
    {
        packet::disconnect(&mut last, reason, Some(&end.why()), terms.packet_bytes_max);
        add(&core.tally.packets_out, 1);
    }
    let goodbye = async {
        if !halves.mid_write.load(Relaxed) && !last.is_empty() && writer.write_all(&last).await.is_ok() {
            add(&core.tally.bytes_out, last.len() as u64);
        }
        let _ = writer.shutdown().await;
    };
    let _ = tokio::time::timeout(Duration::from_millis(GOODBYE_MS), goodbye).await;
}
