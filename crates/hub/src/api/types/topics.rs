//! Messages and topics, as a person looks at them.

use model::{Cause, Publisher, QoS};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// How a payload is written in JSON.
#[derive(Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum PayloadEncoding {
    /// As text.
    #[default]
    Text,
    /// As hexadecimal digits, because it is no UTF-8.
    Hex,
}

/// A message to publish.
pub struct Publish {
    /// Topic.
    pub topic: String,
    /// Payload, written as `encoding` says.
    pub payload: String,
    /// How the payload is written.
    #[serde(default)]
    pub encoding: PayloadEncoding,
    /// QoS; 0 unless said otherwise.
    #[serde(default)]
    pub qos: QoS,
    /// Whether to retain it.
    #[serde(default)]
    pub retain: bool,
}

/// What became of it.
pub struct Published {
    /// Its journal id.
    pub id: u64,
}

/// One message, as a person looks at it.
pub struct TopicMessage {
    /// Journal id.
    pub id: u64,
    /// UTC ms.
    pub time_ms: i64,
    /// Topic.
    pub topic: String,
    /// Payload, written as `encoding` says, cut at 16 KiB.
    pub payload: String,
    /// How the payload is written.
    pub encoding: PayloadEncoding,
    /// Length of the whole payload, bytes.
    pub bytes: u64,
    /// QoS it was published with.
    pub qos: QoS,
    /// Retained.
    pub retain: bool,
    /// Who sent it.
    pub publisher: Publisher,
    /// Why, when known.
    pub cause: Option<Cause>,
}

/// Which topics to list.
#[derive(Default)]
#[serde(default)]
pub struct ListTopics {
    /// Only topics that contain this text, whatever the case.
    pub search: Option<String>,
    /// Only topics after this one, in order of name.
    pub after: Option<String>,
    /// At most this many; 5,000 unless said otherwise, at most 50,000.
    pub limit: Option<u32>,
}

/// Topics, in order of name.
pub struct Topics {
    /// Each with its newest message.
    pub topics: Vec<TopicView>,
    /// There are more.
    pub more: bool,
}

/// A topic and its newest message.
pub struct TopicView {
    /// How many messages the journal holds of it.
    pub count: u64,
    /// Its newest message.
    pub last: TopicMessage,
    /// A message is retained there.
    pub retained: bool,
}

/// Messages of one topic or filter, newest first.
pub struct TopicHistory {
    /// Topic or topic filter.
    pub topic: String,
    /// Only messages before this journal id.
    #[serde(default)]
    pub before: Option<u64>,
    /// At most this many; 100 unless said otherwise, at most 1,000.
    #[serde(default)]
    pub limit: Option<u32>,
}

/// Messages.
pub struct Messages {
    /// Newest first.
    pub messages: Vec<TopicMessage>,
}

/// Live messages of a filter.
pub struct WatchTopics {
    /// Topic filter, such as `#`.
    pub filter: String,
}

/// What arrived since the last frame.
pub struct TopicFrame {
    /// The newest message of each topic that had one.
    pub messages: Vec<TopicMessage>,
    /// How many messages arrived in all.
    pub count: u64,
}

/// A topic.
pub struct ByTopic {
    /// The topic.
    pub topic: String,
}
}
