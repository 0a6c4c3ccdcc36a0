//! A door for fuzzers and model tests, behind the feature `fuzzing`: the packet guard and the codec, a gate that
//! is spoken to through pipes under a paused clock, and what it has left over when everybody is gone.
//!
//! Nothing here is used by a hub. The types are plain, so that a test compares values and knows nothing of the
//! codec's own.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use model::{Message, Properties, Publisher, QoS};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::access::Access;
use crate::bus::Bus;
use crate::gate::{Gate, StartError};
use crate::ledger::Ledger;
use crate::limits::GateConfig;
use crate::packet::{self, Ack, AckKind, Frame, Packet, Shape, Version};
use crate::tally::Tally;
use crate::transport::{Peer, Transport};
use crate::watch::Watch;
use crate::{clock, connection};

/// What the guard says about the packet that starts a buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guarded {
    /// Not whole yet.
    Incomplete {
        /// Bytes needed from the start of the packet, as far as is known.
        need: usize,
    },
    /// A whole packet.
    Complete {
        /// Bytes of the fixed header.
        header: usize,
        /// Bytes of the whole packet.
        total: usize,
    },
    /// Refused, with this MQTT 5 reason code.
    Refused(u8),
}

/// A packet as the gate understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub enum Seen {
    Connect {
        level: u8,
        clean_start: bool,
        keepalive_s: u16,
        client_id: String,
        user: Option<String>,
        password: Option<Vec<u8>>,
        will: Option<SeenWill>,
    },
    Publish {
        dup: bool,
        qos: QoS,
        retain: bool,
        topic: Vec<u8>,
        packet_id: u16,
        payload: Vec<u8>,
        alias: Option<u16>,
        properties: Properties,
    },
    /// PUBACK, PUBREC, PUBREL or PUBCOMP, told by the first byte.
    Ack {
        first: u8,
        packet_id: u16,
        reason: u8,
    },
    Subscribe {
        packet_id: u16,
        identifier: Option<u32>,
        /// Filters and their options bytes.
        requests: Vec<(String, u8)>,
    },
    Unsubscribe {
        packet_id: u16,
        filters: Vec<String>,
    },
    PingReq,
    Disconnect {
        reason: u8,
        session_expiry_s: Option<u32>,
    },
    Auth,
}

/// The will of a CONNECT as the gate understood it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are those of the standard")]
pub struct SeenWill {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: QoS,
    pub retain: bool,
    pub delay_s: u32,
    pub properties: Properties,
}

/// Looks at the packet that starts `buffer`; above `max` bytes it is refused.
pub fn guard(buffer: &[u8], max: usize) -> Guarded {
    match packet::frame(buffer, max) {
        Ok(Frame::Incomplete { need }) => Guarded::Incomplete { need },
        Ok(Frame::Complete { header, total }) => Guarded::Complete { header, total },
        Err(why) => Guarded::Refused(why.reason()),
    }
}

/// Decodes the packet at `buffer[start .. start + total]`, which [`guard`] found whole, as protocol `level` 3, 4
/// or 5; else the MQTT 5 reason code it is refused with.
pub fn decode(buffer: &[u8], start: usize, header: usize, total: usize, level: u8) -> Result<Seen, u8> {
    let packet =
        packet::decode(buffer, start, header, total, version(level)).map_err(packet::PacketError::reason)?;
    Ok(seen(packet, buffer))
}

/// The bytes the gate's encoder writes for a packet that goes both ways: PUBLISH without an alias and the
/// acknowledgements. `None` for the others.
pub fn encode(seen: &Seen, level: u8) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match seen {
        Seen::Publish { dup, qos, retain, topic, packet_id, payload, properties, .. } => {
            let message = Message {
                id: 1,
                time_ms: 0,
                topic: std::str::from_utf8(topic).ok()?.into(),
                payload: Bytes::copy_from_slice(payload),
                qos: *qos,
                retain: *retain,
                publisher: Arc::new(Publisher::hub("fuzzing")),
                cause: None,
                properties: Some(Arc::new(properties.clone())),
            };
            let shape = Shape {
                qos: *qos,
                retain: *retain,
                dup: *dup,
                packet_id: *packet_id,
                expiry_s: properties.message_expiry_s,
                ..Shape::default()
            };
            packet::publish(&mut out, version(level), &message, &shape);
            assert_eq!(out.len(), packet::publish_len(version(level), &message, &shape));
        }
        Seen::Ack { first, packet_id, reason } => {
            let kind = match first {
                0x40 => AckKind::Ack,
                0x50 => AckKind::Rec,
                0x62 => AckKind::Rel,
                _ => AckKind::Comp,
            };
            let ack = Ack { kind, packet_id: *packet_id, reason: *reason };
            packet::ack(&mut out, version(level), ack);
        }
        _ => return None,
    }
    Some(out)
}

/// A gate like [`Gate::start`]'s, whose bus nobody can read.
pub async fn gate(
    config: GateConfig,
    ledger: Arc<dyn Ledger>,
    access: Arc<dyn Access>,
    watch: Arc<dyn Watch>,
) -> Result<Gate, StartError> {
    let tally = Arc::new(Tally::default());
    let bus = Bus::unread(&config.limits, ledger.clone(), watch.clone(), tally.clone());
    Gate::over_bus(config, ledger, access, watch, tally, bus).await
}

/// From now on the time of day follows tokio's clock on this thread.
pub fn follow_tokio_clock() {
    clock::virtual_clock::begin();
}

/// The time of day as the gate sees it, UTC ms.
pub fn now_ms() -> i64 {
    clock::now_ms()
}

/// Serves a client at the other end of a pipe, in a task of its own. `number` tells the client's address.
pub fn serve<S>(gate: &Gate, stream: S, number: u8)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let addr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(127, 0, 0, number)), 1);
    let peer = Peer::new(addr, Transport::Tcp, &gate.core.limits);
    let (reader, writer) = tokio::io::split(stream);
    tokio::spawn(Box::pin(connection::serve(gate.core.clone(), reader, writer, peer)));
}

/// What is still held for clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Connections that have logged in.
    pub connected: usize,
    /// Connections that have not.
    pub waiting: usize,
    /// Sessions, with and without a connection.
    pub sessions: usize,
    /// Subscriptions in the index.
    pub subscriptions: usize,
    /// Sessions that are charged to the sum of those that last.
    pub kept: usize,
    /// Bytes charged to the sum of all queues.
    pub queued_bytes: usize,
    /// Bytes counted for subscriptions and wills.
    pub held_bytes: usize,
    /// Batches between their numbering and the last inbox.
    pub delivering: usize,
}

/// What is still held for clients.
pub fn leftovers(gate: &Gate) -> Leftovers {
    let core = &gate.core;
    let (kept, queued_bytes, held_bytes) = core.accounts.sums();
    Leftovers {
        connected: core.connected.count(),
        waiting: core.lobby.len(),
        sessions: core.sessions.lock().len(),
        subscriptions: core.subscriptions.len(),
        kept,
        queued_bytes,
        held_bytes,
        delivering: core.delivering_len(),
    }
}

fn version(level: u8) -> Version {
    match level {
        3 => Version::V31,
        5 => Version::V5,
        _ => Version::V311,
    }
}

fn seen(packet: Packet, buffer: &[u8]) -> Seen {
    let plain =
        |properties: Option<Arc<Properties>>| properties.map(Arc::unwrap_or_clone).unwrap_or_default();
    match packet {
        Packet::Connect(connect) => Seen::Connect {
            level: connect.version.level(),
            clean_start: connect.clean_start,
            keepalive_s: connect.keepalive_s,
            client_id: connect.client_id,
            user: connect.user,
            password: connect.password.map(|password| password.to_vec()),
            will: connect.will.map(|will| SeenWill {
                topic: will.topic,
                payload: will.payload.to_vec(),
                qos: will.qos,
                retain: will.retain,
                delay_s: will.delay_s,
                properties: plain(will.properties),
            }),
        },
        Packet::Publish(publish) => Seen::Publish {
            dup: publish.dup,
            qos: publish.qos,
            retain: publish.retain,
            topic: publish.topic.of(buffer).to_vec(),
            packet_id: publish.packet_id,
            payload: publish.payload.of(buffer).to_vec(),
            alias: publish.alias,
            properties: plain(publish.properties),
        },
        Packet::Ack(ack) => Seen::Ack { first: ack.kind as u8, packet_id: ack.packet_id, reason: ack.reason },
        Packet::Subscribe(subscribe) => Seen::Subscribe {
            packet_id: subscribe.packet_id,
            identifier: subscribe.identifier,
            requests: subscribe
                .requests
                .into_iter()
                .map(|request| {
                    let options = request.qos as u8
                        | u8::from(request.no_local) << 2
                        | u8::from(request.retain_as_published) << 3
                        | request.retain_handling << 4;
                    (request.filter, options)
                })
                .collect(),
        },
        Packet::Unsubscribe(unsubscribe) => {
            Seen::Unsubscribe { packet_id: unsubscribe.packet_id, filters: unsubscribe.filters }
        }
        Packet::PingReq => Seen::PingReq,
        Packet::Disconnect(disconnect) => {
            Seen::Disconnect { reason: disconnect.reason, session_expiry_s: disconnect.session_expiry_s }
        }
        Packet::Auth => Seen::Auth,
    }
}

/// Kills the router of the bus, as one of its panics would.
pub fn crash_router(gate: &Gate) {
    gate.core.bus.crash();
}
