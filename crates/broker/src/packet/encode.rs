//! From packets to bytes, straight into a write buffer.

use bytes::BufMut;
use model::{Message, Properties, QoS};

use super::{Ack, Version, reason};

/// Longest reason string sent: a client on a small board has to read it.
const REASON_BYTES_MAX: usize = 1_024;

/// What CONNACK says.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnAck<'a> {
    pub(crate) session_present: bool,
    /// The code in the numbering of the client's version.
    pub(crate) code: u8,
    pub(crate) assigned_client_id: Option<&'a str>,
    pub(crate) keepalive_s: Option<u16>,
    pub(crate) session_expiry_s: Option<u32>,
    pub(crate) receive_max: Option<u16>,
    pub(crate) packet_bytes_max: Option<u32>,
    pub(crate) topic_alias_max: u16,
    pub(crate) shared_available: bool,
    pub(crate) reason_string: Option<&'a str>,
}

pub(crate) fn connack(out: &mut Vec<u8>, version: Version, ack: &ConnAck<'_>) {
    let mut properties = Vec::new();
    if version.is_v5() {
        if let Some(seconds) = ack.session_expiry_s {
            properties.put_u8(0x11);
            properties.put_u32(seconds);
        }
        if let Some(id) = ack.assigned_client_id {
            properties.put_u8(0x12);
            put_string(&mut properties, id);
        }
        if let Some(seconds) = ack.keepalive_s {
            properties.put_u8(0x13);
            properties.put_u16(seconds);
        }
        if let Some(text) = ack.reason_string {
            properties.put_u8(0x1F);
            put_string(&mut properties, text);
        }
        if let Some(max) = ack.receive_max {
            properties.put_u8(0x21);
            properties.put_u16(max);
        }
        if ack.code == reason::SUCCESS {
            properties.put_u8(0x22);
            properties.put_u16(ack.topic_alias_max);
            if !ack.shared_available {
                properties.put_slice(&[0x2A, 0]);
            }
        }
        if let Some(max) = ack.packet_bytes_max {
            properties.put_u8(0x27);
            properties.put_u32(max);
        }
    }
    let mut body = 2;
    if version.is_v5() {
        body += varint_len(properties.len()) + properties.len();
    }
    out.put_u8(0x20);
    put_varint(out, body);
    out.put_u8(u8::from(ack.session_present));
    out.put_u8(ack.code);
    if version.is_v5() {
        put_varint(out, properties.len());
        out.put_slice(&properties);
    }
}

/// What a PUBLISH adds to its message for one receiver.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Shape<'a> {
    pub(crate) qos: QoS,
    pub(crate) retain: bool,
    pub(crate) dup: bool,
    pub(crate) packet_id: u16,
    /// Subscription identifiers (MQTT 5).
    pub(crate) identifiers: &'a [u32],
    /// Seconds until the message expires, the time it waited taken off (section 3.3.2.3.3).
    pub(crate) expiry_s: Option<u32>,
    pub(crate) alias: Option<Alias>,
}

/// A topic alias (MQTT 5, section 3.3.2.3.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alias {
    /// Goes with the topic, and stands for it from now on.
    New(u16),
    /// Goes instead of the topic.
    Known(u16),
}

impl Shape<'_> {
    /// The topic as it is written.
    #[inline]
    fn topic<'m>(&self, message: &'m Message) -> &'m str {
        if matches!(self.alias, Some(Alias::Known(_))) { "" } else { &message.topic }
    }
}

/// Bytes of the whole PUBLISH, for a receiver's maximum packet size.
pub(crate) fn publish_len(version: Version, message: &Message, shape: &Shape<'_>) -> usize {
    let body = publish_body_len(version, message, shape);
    1 + varint_len(body) + body
}

#[inline]
fn publish_body_len(version: Version, message: &Message, shape: &Shape<'_>) -> usize {
    let mut body = 2 + shape.topic(message).len() + message.payload.len();
    if shape.qos != QoS::AtMostOnce {
        body += 2;
    }
    if version.is_v5() {
        let properties = properties_len(message.properties.as_deref(), shape);
        body += varint_len(properties) + properties;
    }
    body
}

#[inline]
pub(crate) fn publish(out: &mut Vec<u8>, version: Version, message: &Message, shape: &Shape<'_>) {
    let body = publish_body_len(version, message, shape);
    out.reserve(5 + body);
    out.put_u8(0x30 | u8::from(shape.dup) << 3 | (shape.qos as u8) << 1 | u8::from(shape.retain));
    put_varint(out, body);
    put_string(out, shape.topic(message));
    if shape.qos != QoS::AtMostOnce {
        out.put_u16(shape.packet_id);
    }
    if version.is_v5() {
        put_varint(out, properties_len(message.properties.as_deref(), shape));
        put_properties(out, message.properties.as_deref(), shape);
    }
    out.put_slice(&message.payload);
}

fn properties_len(properties: Option<&Properties>, shape: &Shape<'_>) -> usize {
    let mut length: usize = shape.identifiers.iter().map(|id| 1 + varint_len(*id as usize)).sum();
    if shape.expiry_s.is_some() {
        length += 5;
    }
    if shape.alias.is_some() {
        length += 3;
    }
    let Some(properties) = properties else { return length };
    if properties.payload_format.is_some() {
        length += 2;
    }
    let texts = [&properties.content_type, &properties.response_topic];
    length += texts.iter().filter_map(|text| text.as_ref()).map(|text| 3 + text.len()).sum::<usize>();
    length += properties.correlation_data.as_ref().map_or(0, |data| 3 + data.len());
    length + properties.user.iter().map(|(name, value)| 5 + name.len() + value.len()).sum::<usize>()
}

fn put_properties(out: &mut Vec<u8>, properties: Option<&Properties>, shape: &Shape<'_>) {
    if let Some(seconds) = shape.expiry_s {
        out.put_u8(0x02);
        out.put_u32(seconds);
    }
    if let Some(Alias::New(alias) | Alias::Known(alias)) = shape.alias {
        out.put_u8(0x23);
        out.put_u16(alias);
    }
    for id in shape.identifiers {
        out.put_u8(0x0B);
        put_varint(out, *id as usize);
    }
    let Some(properties) = properties else { return };
    if let Some(format) = properties.payload_format {
        out.put_slice(&[0x01, format]);
    }
    if let Some(text) = &properties.content_type {
        out.put_u8(0x03);
        put_string(out, text);
    }
    if let Some(text) = &properties.response_topic {
        out.put_u8(0x08);
        put_string(out, text);
    }
    if let Some(data) = &properties.correlation_data {
        out.put_u8(0x09);
        put_binary(out, data);
    }
    for (name, value) in &properties.user {
        out.put_u8(0x26);
        put_string(out, name);
        put_string(out, value);
    }
}

/// PUBACK and its kin: four bytes when there is nothing to explain.
#[inline]
pub(crate) fn ack(out: &mut Vec<u8>, version: Version, ack: Ack) {
    let [high, low] = ack.packet_id.to_be_bytes();
    if version.is_v5() && ack.reason != reason::SUCCESS {
        out.put_slice(&[ack.kind as u8, 3, high, low, ack.reason]);
    } else {
        out.put_slice(&[ack.kind as u8, 2, high, low]);
    }
}

/// An MQTT 5 acknowledgement that says why not, as far as `max` bytes have room for it (section 3.4.2.2.2).
pub(crate) fn refusal(out: &mut Vec<u8>, ack: Ack, why: Option<&str>, max: usize) {
    let Some(why) = why.filter(|why| 12 + why.len() <= max && why.len() <= REASON_BYTES_MAX) else {
        return self::ack(out, Version::V5, ack);
    };
    let properties = 3 + why.len();
    out.put_u8(ack.kind as u8);
    put_varint(out, 3 + varint_len(properties) + properties);
    out.put_u16(ack.packet_id);
    out.put_u8(ack.reason);
    put_varint(out, properties);
    out.put_u8(0x1F);
    put_string(out, why);
}

/// SUBACK; `codes` in the numbering of the client's version, `why` what stands behind its refusals.
pub(crate) fn suback(
    out: &mut Vec<u8>,
    version: Version,
    packet_id: u16,
    codes: &[u8],
    why: Option<&str>,
    max: usize,
) {
    let fits = |why: &&str| 12 + codes.len() + why.len() <= max && why.len() <= REASON_BYTES_MAX;
    let Some(why) = why.filter(fits).filter(|_| version.is_v5()) else {
        return put_codes(out, 0x90, version, packet_id, codes);
    };
    let properties = 3 + why.len();
    out.put_u8(0x90);
    put_varint(out, 2 + varint_len(properties) + properties + codes.len());
    out.put_u16(packet_id);
    put_varint(out, properties);
    out.put_u8(0x1F);
    put_string(out, why);
    out.put_slice(codes);
}

/// UNSUBACK; before MQTT 5 it has no codes.
pub(crate) fn unsuback(out: &mut Vec<u8>, version: Version, packet_id: u16, codes: &[u8]) {
    put_codes(out, 0xB0, version, packet_id, if version.is_v5() { codes } else { &[] });
}

fn put_codes(out: &mut Vec<u8>, first: u8, version: Version, packet_id: u16, codes: &[u8]) {
    out.put_u8(first);
    put_varint(out, 2 + usize::from(version.is_v5()) + codes.len());
    out.put_u16(packet_id);
    if version.is_v5() {
        out.put_u8(0);
    }
    out.put_slice(codes);
}

pub(crate) fn pingresp(out: &mut Vec<u8>) {
    out.put_slice(&[0xD0, 0]);
}

/// DISCONNECT from the server; exists in MQTT 5 only. It says why as far as `max` bytes have room for it.
pub(crate) fn disconnect(out: &mut Vec<u8>, reason: u8, why: Option<&str>, max: usize) {
    let why = why.filter(|why| 12 + why.len() <= max && why.len() <= REASON_BYTES_MAX);
    let properties = why.map_or(0, |why| 3 + why.len().min(usize::from(u16::MAX)));
    out.put_u8(0xE0);
    put_varint(out, 1 + varint_len(properties) + properties);
    out.put_u8(reason);
    put_varint(out, properties);
    if let Some(why) = why {
        out.put_u8(0x1F);
        put_string(out, why);
    }
}

#[inline]
fn put_string(out: &mut Vec<u8>, text: &str) {
    put_binary(out, text.as_bytes());
}

/// Two bytes of length; what does not fit them is cut off, which only texts of our own could reach.
#[inline]
fn put_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    out.put_u16(length);
    out.put_slice(&bytes[..usize::from(length)]);
}

#[inline]
fn varint_len(value: usize) -> usize {
    match value {
        0..=0x7f => 1,
        0x80..=0x3fff => 2,
        0x4000..=0x1f_ffff => 3,
        _ => 4,
    }
}

#[inline]
fn put_varint(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.put_u8(byte);
            return;
        }
        out.put_u8(byte | 0x80);
    }
}
