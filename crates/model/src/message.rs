//! One accepted MQTT message.

use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::cause::Cause;

/// MQTT quality of service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[cfg_attr(feature = "schema", schemars(with = "u8"), ts(as = "u8"))]
#[repr(u8)]
pub enum QoS {
    /// 0: delivered at most once, nobody waits.
    #[default]
    AtMostOnce = 0,
    /// 1: acknowledged once it is durable.
    AtLeastOnce = 1,
    /// 2: the four-part handshake.
    ExactlyOnce = 2,
}

impl TryFrom<u8> for QoS {
    type Error = String;
    fn try_from(level: u8) -> Result<Self, String> {
        match level {
            0 => Ok(Self::AtMostOnce),
            1 => Ok(Self::AtLeastOnce),
            2 => Ok(Self::ExactlyOnce),
            _ => Err(format!("QoS is 0, 1 or 2, not {level}")),
        }
    }
}

impl From<QoS> for u8 {
    fn from(qos: QoS) -> u8 {
        qos as u8
    }
}

/// Who sent a message: the credential and the client id it connected with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct Publisher {
    /// Name of the credential; [`Publisher::HUB`] for Hearth itself.
    pub user: String,
    /// MQTT client id; for Hearth itself the part that spoke, such as `automation/heating`.
    pub client_id: String,
}

impl Publisher {
    /// The user name of Hearth's own messages; no credential can have it.
    pub const HUB: &str = "hearth";

    /// User names of the demo home start with this; no credential of a person's can.
    pub const DEMO_PREFIX: &str = "demo-";

    /// Whether it is one of the demo home's boards.
    pub fn is_demo(&self) -> bool {
        self.user.starts_with(Self::DEMO_PREFIX)
    }

    /// Hearth itself, or a part of it.
    pub fn hub(part: &str) -> Self {
        Self { user: Self::HUB.to_owned(), client_id: part.to_owned() }
    }
}

/// MQTT 5 properties that travel with a message (MQTT 5.0 section 3.3.2.3). All empty for most messages, so
/// a message holds them behind an `Option<Arc<_>>`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Properties {
    /// 1 when the payload is UTF-8 text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payload_format: Option<u8>,
    /// MIME type of the payload.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Where an answer is awaited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_topic: Option<String>,
    /// Returned unchanged with the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub correlation_data: Option<Bytes>,
    /// Seconds after which the message is no longer delivered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_expiry_s: Option<u32>,
    /// Free name and value pairs, in order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub user: Vec<(String, String)>,
}

/// What a pair of texts takes beside its letters: an empty pair is five bytes of a packet and many times that here.
const PAIR_BYTES: usize = 80;

impl Properties {
    /// Memory the texts and data take, for limits.
    pub fn bytes(&self) -> usize {
        let texts = [&self.content_type, &self.response_topic].into_iter().flatten().map(String::len);
        let data = self.correlation_data.as_ref().map_or(0, Bytes::len);
        let pairs = self.user.iter().map(|(name, value)| name.len() + value.len() + PAIR_BYTES);
        texts.sum::<usize>() + data + pairs.sum::<usize>()
    }
}

/// One message as the journal keeps it and every reader sees it.
#[derive(Debug, Clone)]
pub struct Message {
    /// Position in the journal: unique, rising in the order of acceptance.
    pub id: u64,
    /// When the gate accepted it, UTC, ms since 1970.
    pub time_ms: i64,
    /// Topic name, valid by [`crate::topic::check_topic`].
    pub topic: Arc<str>,
    /// The payload, untouched.
    pub payload: Bytes,
    /// The QoS it was published with.
    pub qos: QoS,
    /// Whether the publisher asked to retain it.
    pub retain: bool,
    /// Who sent it.
    pub publisher: Arc<Publisher>,
    /// Why, when Hearth knows.
    pub cause: Option<Cause>,
    /// MQTT 5 properties, if there are any.
    pub properties: Option<Arc<Properties>>,
}

impl Message {
    /// Memory topic, payload and properties take, for limits.
    #[inline]
    pub fn bytes(&self) -> usize {
        let properties = self.properties.as_deref().map_or(0, Properties::bytes);
        self.topic.len() + self.payload.len() + properties
    }
}
