//! From bytes to packets.

use std::sync::Arc;

use bytes::Bytes;
use model::{Properties, QoS};

use super::{
    Ack, AckKind, Connect, ConnectProperties, Disconnect, Packet, PacketError, Publish, Request, Span,
    Subscribe, Unsubscribe, Version, Will, reason,
};

/// Most user properties one packet may carry; the standard sets no bound.
const USER_PROPERTIES_MAX: usize = 64;
/// Most filters in one SUBSCRIBE or UNSUBSCRIBE.
const FILTERS_MAX: usize = 1_024;

/// Decodes the packet whose bytes are `buffer[start + header .. start + total]` and whose first byte is
/// `buffer[start]`; [`super::frame`] has found it whole. Spans of a PUBLISH are positions in `buffer`.
pub(crate) fn decode(
    buffer: &[u8],
    start: usize,
    header: usize,
    total: usize,
    version: Version,
) -> Result<Packet, PacketError> {
    let first = *buffer.get(start).ok_or(SHORT)?;
    let mut body = Body { bytes: buffer, at: start + header, end: start + total };
    match first >> 4 {
        3 => return publish(first, body, version).map(Packet::Publish),
        1 => return connect(&mut body).map(|connect| Packet::Connect(Box::new(connect))),
        _ => {}
    }
    let packet = match first >> 4 {
        4 => Packet::Ack(ack(AckKind::Ack, &mut body, version)?),
        5 => Packet::Ack(ack(AckKind::Rec, &mut body, version)?),
        6 => Packet::Ack(ack(AckKind::Rel, &mut body, version)?),
        7 => Packet::Ack(ack(AckKind::Comp, &mut body, version)?),
        8 => Packet::Subscribe(subscribe(&mut body, version)?),
        10 => Packet::Unsubscribe(unsubscribe(&mut body, version)?),
        12 => Packet::PingReq,
        14 => Packet::Disconnect(disconnect(&mut body, version)?),
        15 if version.is_v5() => return Ok(Packet::Auth),
        _ => return Err(PacketError::Protocol("a client sent a packet that only servers send")),
    };
    if body.left() > 0 {
        return Err(PacketError::Malformed("bytes are left over after the packet"));
    }
    Ok(packet)
}

const SHORT: PacketError = PacketError::Malformed("the packet ends too early");

/// The part of the buffer that belongs to one packet.
struct Body<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Body<'a> {
    fn left(&self) -> usize {
        self.end - self.at
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], PacketError> {
        let span = self.span(count)?;
        self.bytes.get(span.start..span.end).ok_or(SHORT)
    }

    fn span(&mut self, count: usize) -> Result<Span, PacketError> {
        if self.left() < count {
            return Err(SHORT);
        }
        let start = self.at;
        self.at += count;
        Ok(Span { start, end: self.at })
    }

    fn u8(&mut self) -> Result<u8, PacketError> {
        Ok(self.take(1)?[0])
    }

    fn u16(&mut self) -> Result<u16, PacketError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn u32(&mut self) -> Result<u32, PacketError> {
        let bytes = self.take(4)?;
        Ok(u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn varint(&mut self) -> Result<u32, PacketError> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(PacketError::Malformed("a variable byte integer has more than four bytes"))
    }

    fn binary(&mut self) -> Result<&'a [u8], PacketError> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    fn string(&mut self) -> Result<&'a str, PacketError> {
        text(self.binary()?)
    }

    fn packet_id(&mut self) -> Result<u16, PacketError> {
        match self.u16()? {
            0 => Err(PacketError::Protocol("packet id 0")),
            id => Ok(id),
        }
    }

    /// The property section as a body of its own; empty before MQTT 5.
    fn properties(&mut self, version: Version) -> Result<Body<'a>, PacketError> {
        let length = if version.is_v5() { self.varint()? as usize } else { 0 };
        let span = self.span(length)?;
        Ok(Body { bytes: self.bytes, at: span.start, end: span.end })
    }
}

/// Section 1.5.4: UTF-8 without the null character.
fn text(bytes: &[u8]) -> Result<&str, PacketError> {
    let text = std::str::from_utf8(bytes).map_err(|_| PacketError::Malformed("a text is not UTF-8"))?;
    if text.contains('\0') {
        return Err(PacketError::Malformed("a text contains a null character"));
    }
    Ok(text)
}

fn qos(level: u8) -> Result<QoS, PacketError> {
    QoS::try_from(level).map_err(|_| PacketError::Malformed("QoS 3"))
}

#[inline]
fn publish(first: u8, mut body: Body<'_>, version: Version) -> Result<Publish, PacketError> {
    let qos = qos(first >> 1 & 3)?;
    let dup = first & 8 != 0;
    if dup && qos == QoS::AtMostOnce {
        return Err(PacketError::Malformed("DUP is set on a QoS 0 PUBLISH"));
    }
    let topic_length = body.u16()?;
    let topic = body.span(usize::from(topic_length))?;
    let packet_id = if qos == QoS::AtMostOnce { 0 } else { body.packet_id()? };
    let (mut alias, mut properties) = (None, None);
    if version.is_v5() {
        let mut section = body.properties(version)?;
        if section.left() > 0 {
            (alias, properties) = publish_properties(&mut section)?;
        }
    }
    let payload = Span { start: body.at, end: body.end };
    Ok(Publish { dup, qos, retain: first & 1 != 0, topic, packet_id, payload, alias, properties })
}

type AliasAndProperties = (Option<u16>, Option<Arc<Properties>>);

fn publish_properties(section: &mut Body<'_>) -> Result<AliasAndProperties, PacketError> {
    let mut alias = None;
    let mut properties = Properties::default();
    while section.left() > 0 {
        match section.u8()? {
            0x23 => once(&mut alias, section.u16()?)?,
            0x0B => return Err(PacketError::Protocol("a client sent a subscription identifier in PUBLISH")),
            id => message_property(id, section, &mut properties)?,
        }
    }
    let properties = (properties != Properties::default()).then(|| Arc::new(properties));
    Ok((alias, properties))
}

/// The properties that PUBLISH and the will share.
fn message_property(id: u8, section: &mut Body<'_>, into: &mut Properties) -> Result<(), PacketError> {
    match id {
        0x01 => match section.u8()? {
            format @ (0 | 1) => once(&mut into.payload_format, format),
            _ => Err(PacketError::Protocol("the payload format indicator is neither 0 nor 1")),
        },
        0x02 => once(&mut into.message_expiry_s, section.u32()?),
        0x03 => once(&mut into.content_type, section.string()?.to_owned()),
        0x08 => {
            let topic = section.string()?;
            model::topic::check_topic(topic)
                .map_err(|_| PacketError::Protocol("the response topic is not a valid topic name"))?;
            once(&mut into.response_topic, topic.to_owned())
        }
        0x09 => once(&mut into.correlation_data, Bytes::copy_from_slice(section.binary()?)),
        0x26 => {
            let pair = user_property(section)?;
            if into.user.len() >= USER_PROPERTIES_MAX {
                return Err(PacketError::Protocol("more than 64 user properties"));
            }
            into.user.push(pair);
            Ok(())
        }
        _ => Err(PacketError::Malformed("a property that does not belong in this packet")),
    }
}

fn user_property(section: &mut Body<'_>) -> Result<(String, String), PacketError> {
    Ok((section.string()?.to_owned(), section.string()?.to_owned()))
}

/// Section 2.2.2.2: every property but the user property may come once.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), PacketError> {
    if slot.replace(value).is_some() {
        return Err(PacketError::Protocol("a property is given twice"));
    }
    Ok(())
}

fn connect(body: &mut Body<'_>) -> Result<Connect, PacketError> {
    let name = body.binary()?;
    let level = body.u8()?;
    let version = match (name, level) {
        (b"MQIsdp", 3) => Version::V31,
        (b"MQTT", 4) => Version::V311,
        (b"MQTT", 5) => Version::V5,
        (b"MQTT" | b"MQIsdp", level) => return Err(PacketError::Version(level)),
        _ => return Err(PacketError::Protocol("the protocol name of CONNECT is not MQTT")),
    };
    let flags = body.u8()?;
    if flags & 1 != 0 {
        return Err(PacketError::Malformed("the reserved flag of CONNECT is set"));
    }
    let keepalive_s = body.u16()?;
    let properties = connect_properties(&mut body.properties(version)?)?;
    let client_id = body.string()?.to_owned();
    let will = if flags & 0x04 != 0 {
        Some(will(flags, body, version)?)
    } else if flags & 0x38 != 0 {
        return Err(PacketError::Malformed("CONNECT has will flags and no will"));
    } else {
        None
    };
    let user = if flags & 0x80 != 0 { Some(body.string()?.to_owned()) } else { None };
    if flags & 0x40 != 0 && user.is_none() && !version.is_v5() {
        return Err(PacketError::Malformed("CONNECT has a password and no user name"));
    }
    let password = if flags & 0x40 != 0 { Some(Bytes::copy_from_slice(body.binary()?)) } else { None };
    if body.left() > 0 {
        return Err(PacketError::Malformed("bytes are left over after CONNECT"));
    }
    let clean_start = flags & 0x02 != 0;
    Ok(Connect { version, clean_start, keepalive_s, client_id, will, user, password, properties })
}

fn connect_properties(section: &mut Body<'_>) -> Result<ConnectProperties, PacketError> {
    let mut found = ConnectProperties::default();
    let (mut alias_max, mut auth_method, mut auth_data) = (None, None, None);
    let (mut problem, mut response) = (None, None);
    let mut users = 0;
    while section.left() > 0 {
        match section.u8()? {
            0x11 => once(&mut found.session_expiry_s, section.u32()?)?,
            0x21 => match section.u16()? {
                0 => return Err(PacketError::Protocol("the receive maximum is 0")),
                max => once(&mut found.receive_max, max)?,
            },
            0x27 => match section.u32()? {
                0 => return Err(PacketError::Protocol("the maximum packet size is 0")),
                max => once(&mut found.packet_bytes_max, max)?,
            },
            0x22 => once(&mut alias_max, section.u16()?)?,
            0x19 => once(&mut response, flag(section.u8()?)?)?,
            0x17 => once(&mut problem, flag(section.u8()?)?)?,
            0x15 => once(&mut auth_method, section.string()?.len())?,
            0x16 => once(&mut auth_data, section.binary()?.len())?,
            0x26 => {
                user_property(section)?;
                users += 1;
                if users > USER_PROPERTIES_MAX {
                    return Err(PacketError::Protocol("more than 64 user properties"));
                }
            }
            _ => return Err(PacketError::Malformed("a property that does not belong in CONNECT")),
        }
    }
    found.auth_method = auth_method.is_some();
    found.topic_alias_max = alias_max.unwrap_or(0);
    found.no_reasons = problem == Some(false);
    Ok(found)
}

fn flag(value: u8) -> Result<bool, PacketError> {
    match value {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(PacketError::Protocol("a yes-or-no property is neither 0 nor 1")),
    }
}

/// Whether its topic can be published to is looked at by the login, which can say whose it is.
fn will(flags: u8, body: &mut Body<'_>, version: Version) -> Result<Will, PacketError> {
    let qos = qos(flags >> 3 & 3)?;
    let mut delay_s = None;
    let mut properties = Properties::default();
    let mut section = body.properties(version)?;
    while section.left() > 0 {
        match section.u8()? {
            0x18 => once(&mut delay_s, section.u32()?)?,
            id => message_property(id, &mut section, &mut properties)?,
        }
    }
    let topic = body.string()?;
    let payload = Bytes::copy_from_slice(body.binary()?);
    Ok(Will {
        topic: topic.to_owned(),
        payload,
        qos,
        retain: flags & 0x20 != 0,
        delay_s: delay_s.unwrap_or(0),
        properties: (properties != Properties::default()).then(|| Arc::new(properties)),
    })
}

fn ack(kind: AckKind, body: &mut Body<'_>, version: Version) -> Result<Ack, PacketError> {
    let packet_id = body.packet_id()?;
    let mut reason = reason::SUCCESS;
    if version.is_v5() && body.left() > 0 {
        reason = body.u8()?;
        if body.left() > 0 {
            skip_reason_properties(&mut body.properties(version)?)?;
        }
    }
    Ok(Ack { kind, packet_id, reason })
}

/// Reason string and user properties: checked, and of no use to the gate.
fn skip_reason_properties(section: &mut Body<'_>) -> Result<(), PacketError> {
    while section.left() > 0 {
        match section.u8()? {
            0x1F => drop(section.string()?),
            0x26 => drop(user_property(section)?),
            _ => return Err(PacketError::Malformed("a property that does not belong in an acknowledgement")),
        }
    }
    Ok(())
}

fn subscribe(body: &mut Body<'_>, version: Version) -> Result<Subscribe, PacketError> {
    let packet_id = body.packet_id()?;
    let mut identifier = None;
    let mut section = body.properties(version)?;
    while section.left() > 0 {
        match section.u8()? {
            0x0B => match section.varint()? {
                0 => return Err(PacketError::Protocol("subscription identifier 0")),
                id => once(&mut identifier, id)?,
            },
            0x26 => drop(user_property(&mut section)?),
            _ => return Err(PacketError::Malformed("a property that does not belong in SUBSCRIBE")),
        }
    }
    let mut requests = Vec::new();
    while body.left() > 0 {
        if requests.len() >= FILTERS_MAX {
            return Err(PacketError::Protocol("more than 1,024 filters in one SUBSCRIBE"));
        }
        requests.push(request(body, version)?);
    }
    if requests.is_empty() {
        return Err(PacketError::Protocol("a SUBSCRIBE without filters"));
    }
    Ok(Subscribe { packet_id, identifier, requests })
}

fn request(body: &mut Body<'_>, version: Version) -> Result<Request, PacketError> {
    let filter = body.string()?.to_owned();
    let options = body.u8()?;
    let reserved = if version.is_v5() { 0xC0 } else { 0xFC };
    let retain_handling = options >> 4 & 3;
    if options & reserved != 0 || retain_handling == 3 {
        return Err(PacketError::Malformed("reserved subscription options are set"));
    }
    Ok(Request {
        filter,
        qos: qos(options & 3)?,
        no_local: options & 4 != 0,
        retain_as_published: options & 8 != 0,
        retain_handling,
    })
}

fn unsubscribe(body: &mut Body<'_>, version: Version) -> Result<Unsubscribe, PacketError> {
    let packet_id = body.packet_id()?;
    let mut section = body.properties(version)?;
    while section.left() > 0 {
        match section.u8()? {
            0x26 => drop(user_property(&mut section)?),
            _ => return Err(PacketError::Malformed("a property that does not belong in UNSUBSCRIBE")),
        }
    }
    let mut filters = Vec::new();
    while body.left() > 0 {
        if filters.len() >= FILTERS_MAX {
            return Err(PacketError::Protocol("more than 1,024 filters in one UNSUBSCRIBE"));
        }
        filters.push(body.string()?.to_owned());
    }
    if filters.is_empty() {
        return Err(PacketError::Protocol("an UNSUBSCRIBE without filters"));
    }
    Ok(Unsubscribe { packet_id, filters })
}

fn disconnect(body: &mut Body<'_>, version: Version) -> Result<Disconnect, PacketError> {
    let mut found = Disconnect { reason: reason::SUCCESS, session_expiry_s: None };
    if version.is_v5() && body.left() > 0 {
        found.reason = body.u8()?;
        if body.left() > 0 {
            let mut section = body.properties(version)?;
            while section.left() > 0 {
                match section.u8()? {
                    0x11 => once(&mut found.session_expiry_s, section.u32()?)?,
                    0x1F => drop(section.string()?),
                    0x26 => drop(user_property(&mut section)?),
                    _ => return Err(PacketError::Malformed("a property that does not belong in DISCONNECT")),
                }
            }
        }
    }
    Ok(found)
}
