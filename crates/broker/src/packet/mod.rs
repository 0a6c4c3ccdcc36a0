//! MQTT control packets as a server reads and writes them: 3.1, 3.1.1 and 5 in one set of types.
//!
//! The codec is our own because the hot path decides the throughput: PUBLISH is decoded in place (the payload
//! is a slice of the read buffer) and encoded straight into the write buffer. The tests speak to it with
//! rumqttc's codec.

mod decode;
mod encode;
mod frame;

use std::sync::Arc;

use bytes::Bytes;
use model::{Properties, QoS};

pub(crate) use decode::decode;
pub(crate) use encode::{
    Alias, ConnAck, Shape, ack, connack, disconnect, pingresp, publish, publish_len, refusal, suback,
    unsuback,
};
pub(crate) use frame::{Frame, frame};

/// The protocol a connection speaks, told by its CONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// Level 3, `MQIsdp`: differs from 3.1.1 in nothing the gate does.
    V31,
    /// Level 4.
    V311,
    /// Level 5.
    V5,
}

impl Version {
    /// The protocol level of CONNECT.
    pub(crate) fn level(self) -> u8 {
        match self {
            Self::V31 => 3,
            Self::V311 => 4,
            Self::V5 => 5,
        }
    }

    /// As people write it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::V31 => "3.1",
            Self::V311 => "3.1.1",
            Self::V5 => "5",
        }
    }

    /// Whether packets carry properties and reason codes.
    pub(crate) fn is_v5(self) -> bool {
        self == Self::V5
    }
}

/// Why a packet cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PacketError {
    /// Reason code 0x81.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// Reason code 0x82.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// Reason code 0x95.
    #[error("the packet declares {declared} bytes; the limit is {max}")]
    TooLarge {
        /// Bytes of the whole packet.
        declared: usize,
        /// The limit.
        max: usize,
    },
    /// Reason code 0x84; CONNACK 1 before MQTT 5.
    #[error("protocol level {0} is not spoken here; MQTT 3.1, 3.1.1 and 5 are")]
    Version(u8),
    /// Reason code 0x90.
    #[error("the topic name is invalid: {0}")]
    Topic(&'static str),
    /// Reason code 0x94.
    #[error("topic alias {0} is not set or above the announced maximum")]
    Alias(u16),
    /// Reason code 0x97.
    #[error("the topics behind its aliases have more than {0} bytes, which is the limit")]
    AliasBytes(usize),
    /// Reason code 0x97.
    #[error("large packets that are begun and not yet here take more than {0} bytes, which is the limit")]
    Begun(usize),
    /// Reason code 0x83.
    #[error("a packet of {bytes} bytes was begun and is not here after {seconds} s")]
    Unfinished {
        /// Bytes of the whole packet.
        bytes: usize,
        /// The time it had.
        seconds: u64,
    },
    /// Reason code 0x8C.
    #[error("enhanced authentication (AUTH) is not offered here")]
    Auth,
    /// Reason code 0x93.
    #[error("more publishes in flight than the announced receive maximum")]
    ReceiveMaximum,
}

impl PacketError {
    /// The MQTT 5 reason code for the DISCONNECT that answers it.
    pub(crate) fn reason(self) -> u8 {
        match self {
            Self::Malformed(_) => reason::MALFORMED,
            Self::Protocol(_) => reason::PROTOCOL_ERROR,
            Self::TooLarge { .. } => reason::PACKET_TOO_LARGE,
            Self::Version(_) => reason::UNSUPPORTED_VERSION,
            Self::Topic(_) => reason::TOPIC_NAME_INVALID,
            Self::Alias(_) => reason::TOPIC_ALIAS_INVALID,
            Self::AliasBytes(_) | Self::Begun(_) => reason::QUOTA_EXCEEDED,
            Self::Unfinished { .. } => reason::IMPLEMENTATION_SPECIFIC,
            Self::Auth => reason::BAD_AUTH_METHOD,
            Self::ReceiveMaximum => reason::RECEIVE_MAXIMUM_EXCEEDED,
        }
    }
}

/// MQTT 5 reason codes (section 2.4) that the gate uses.
pub(crate) mod reason {
    pub(crate) const SUCCESS: u8 = 0x00;
    pub(crate) const DISCONNECT_WITH_WILL: u8 = 0x04;
    pub(crate) const NO_SUBSCRIPTION_EXISTED: u8 = 0x11;
    pub(crate) const UNSPECIFIED: u8 = 0x80;
    pub(crate) const MALFORMED: u8 = 0x81;
    pub(crate) const PROTOCOL_ERROR: u8 = 0x82;
    pub(crate) const IMPLEMENTATION_SPECIFIC: u8 = 0x83;
    pub(crate) const UNSUPPORTED_VERSION: u8 = 0x84;
    pub(crate) const CLIENT_ID_INVALID: u8 = 0x85;
    pub(crate) const BAD_CREDENTIALS: u8 = 0x86;
    pub(crate) const NOT_AUTHORIZED: u8 = 0x87;
    pub(crate) const SERVER_BUSY: u8 = 0x89;
    pub(crate) const SHUTTING_DOWN: u8 = 0x8B;
    pub(crate) const BAD_AUTH_METHOD: u8 = 0x8C;
    pub(crate) const KEEPALIVE_TIMEOUT: u8 = 0x8D;
    pub(crate) const TAKEN_OVER: u8 = 0x8E;
    pub(crate) const TOPIC_FILTER_INVALID: u8 = 0x8F;
    pub(crate) const TOPIC_NAME_INVALID: u8 = 0x90;
    pub(crate) const PACKET_ID_NOT_FOUND: u8 = 0x92;
    pub(crate) const RECEIVE_MAXIMUM_EXCEEDED: u8 = 0x93;
    pub(crate) const TOPIC_ALIAS_INVALID: u8 = 0x94;
    pub(crate) const PACKET_TOO_LARGE: u8 = 0x95;
    pub(crate) const QUOTA_EXCEEDED: u8 = 0x97;
    pub(crate) const ADMINISTRATIVE: u8 = 0x98;
    pub(crate) const CONNECTION_RATE: u8 = 0x9F;
}

/// The four packets that carry only a packet id and, in MQTT 5, a reason: PUBACK, PUBREC, PUBREL, PUBCOMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum AckKind {
    Ack = 0x40,
    Rec = 0x50,
    Rel = 0x62,
    Comp = 0x70,
}

/// PUBACK, PUBREC, PUBREL or PUBCOMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ack {
    pub(crate) kind: AckKind,
    pub(crate) packet_id: u16,
    pub(crate) reason: u8,
}

/// A packet a client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Packet {
    Connect(Box<Connect>),
    Publish(Publish),
    Ack(Ack),
    Subscribe(Subscribe),
    Unsubscribe(Unsubscribe),
    PingReq,
    Disconnect(Disconnect),
    /// Enhanced authentication is not offered, so AUTH is only known to be refused.
    Auth,
}

/// CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Connect {
    pub(crate) version: Version,
    pub(crate) clean_start: bool,
    pub(crate) keepalive_s: u16,
    pub(crate) client_id: String,
    pub(crate) will: Option<Will>,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Bytes>,
    pub(crate) properties: ConnectProperties,
}

/// The properties of CONNECT the gate acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConnectProperties {
    pub(crate) session_expiry_s: Option<u32>,
    pub(crate) receive_max: Option<u16>,
    pub(crate) packet_bytes_max: Option<u32>,
    /// Aliases it takes from the gate; none by default.
    pub(crate) topic_alias_max: u16,
    /// It wants no reason strings where it does not need them (section 3.1.2.11.7).
    pub(crate) no_reasons: bool,
    pub(crate) auth_method: bool,
}

/// The will of a CONNECT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Will {
    pub(crate) topic: String,
    pub(crate) payload: Bytes,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) delay_s: u32,
    pub(crate) properties: Option<Arc<Properties>>,
}

impl Will {
    /// Memory it takes while its connection lasts; the topic is there twice, once for people.
    pub(crate) fn bytes(&self) -> usize {
        let properties = self.properties.as_deref().map_or(0, Properties::bytes);
        2 * self.topic.len() + self.payload.len() + properties
    }
}

/// PUBLISH. The topic is not yet checked, and empty when an alias stands for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Publish {
    pub(crate) dup: bool,
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) topic: Span,
    pub(crate) packet_id: u16,
    pub(crate) payload: Span,
    pub(crate) alias: Option<u16>,
    pub(crate) properties: Option<Arc<Properties>>,
}

/// Where something lies in the read buffer: cheaper to pass on than a reference-counted slice, of which only
/// payloads need one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    /// The bytes meant; empty when the span is not of this buffer.
    pub(crate) fn of(self, buffer: &[u8]) -> &[u8] {
        buffer.get(self.start..self.end).unwrap_or_default()
    }
}

/// SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribe {
    pub(crate) packet_id: u16,
    pub(crate) identifier: Option<u32>,
    pub(crate) requests: Vec<Request>,
}

/// One line of a SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) filter: String,
    pub(crate) qos: QoS,
    pub(crate) no_local: bool,
    pub(crate) retain_as_published: bool,
    pub(crate) retain_handling: u8,
}

/// UNSUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unsubscribe {
    pub(crate) packet_id: u16,
    pub(crate) filters: Vec<String>,
}

/// DISCONNECT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Disconnect {
    pub(crate) reason: u8,
    pub(crate) session_expiry_s: Option<u32>,
}

#[cfg(test)]
mod tests;
