//! The packets of MQTT 3.1.1 and 5 that chaos speaks: built and read without the broker's codec, so that a
//! mistake of the one is not forgiven by the other.

use anyhow::{Context, Result, bail};

use crate::load::wire::{self, Credential, Packet, put_text};

/// Packet types of section 2.1.2 beyond those of the load generator.
pub(super) mod kind {
    pub(in crate::chaos) use crate::load::wire::kind::*;
    pub(in crate::chaos) const PUBREC: u8 = 5;
    pub(in crate::chaos) const PUBREL: u8 = 6;
    pub(in crate::chaos) const PUBCOMP: u8 = 7;
    pub(in crate::chaos) const PINGRESP: u8 = 13;
    pub(in crate::chaos) const DISCONNECT: u8 = 14;
}

/// PINGREQ, section 3.12.
pub(super) const PINGREQ: [u8; 2] = [0xC0, 0];
/// A session that never ends (MQTT 5, section 3.1.2.11.2).
const NEVER_EXPIRES: u32 = u32::MAX;

/// Which protocol a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V311,
    V5,
}

/// A last will.
#[derive(Debug, Clone)]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) payload: String,
}

/// What a CONNECT says.
#[derive(Debug, Clone)]
pub(super) struct Hello {
    pub(super) version: Version,
    pub(super) client_id: String,
    /// The session outlives the connection.
    pub(super) persistent: bool,
    pub(super) keep_alive_s: u16,
    pub(super) credential: Credential,
    /// Published at QoS 1 when the client vanishes.
    pub(super) will: Option<Will>,
}

/// CONNECT, section 3.1.
pub(super) fn connect(hello: &Hello) -> Vec<u8> {
    let v5 = hello.version == Version::V5;
    let mut body = Vec::new();
    put_text(&mut body, "MQTT");
    body.push(if v5 { 5 } else { 4 });
    let will = if hello.will.is_some() { 0b0000_1100 } else { 0 };
    body.push(0b1100_0000 | will | u8::from(!hello.persistent) << 1);
    body.extend(hello.keep_alive_s.to_be_bytes());
    if v5 {
        if hello.persistent {
            body.extend([5, 0x11]);
            body.extend(NEVER_EXPIRES.to_be_bytes());
        } else {
            body.push(0);
        }
    }
    put_text(&mut body, &hello.client_id);
    if let Some(will) = &hello.will {
        if v5 {
            body.push(0);
        }
        put_text(&mut body, &will.topic);
        put_text(&mut body, &will.payload);
    }
    put_text(&mut body, &hello.credential.user);
    put_text(&mut body, &hello.credential.password);
    wire::packet(0x10, &body)
}

/// SUBSCRIBE, section 3.8.
pub(super) fn subscribe(version: Version, packet_id: u16, filter: &str, qos: u8) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    if version == Version::V5 {
        body.push(0);
    }
    put_text(&mut body, filter);
    body.push(qos);
    wire::packet(0x82, &body)
}

/// A PUBLISH to send, section 3.3.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) dup: bool,
    /// Left out at QoS 0.
    pub(super) packet_id: u16,
}

/// PUBLISH, section 3.3.
pub(super) fn publish(version: Version, into: &mut Vec<u8>, message: Outgoing<'_>) {
    let mut body = Vec::with_capacity(message.topic.len() + message.payload.len() + 5);
    put_text(&mut body, message.topic);
    if message.qos > 0 {
        body.extend(message.packet_id.to_be_bytes());
    }
    if version == Version::V5 {
        body.push(0);
    }
    body.extend(message.payload);
    let flags = u8::from(message.dup) << 3 | message.qos << 1 | u8::from(message.retain);
    into.extend(wire::packet(kind::PUBLISH << 4 | flags, &body));
}

/// PUBACK, PUBREC, PUBREL and PUBCOMP without a reason, which both versions write alike.
pub(super) fn ack(into: &mut Vec<u8>, kind: u8, packet_id: u16) {
    let flags = if kind == kind::PUBREL { 0b0010 } else { 0 };
    let [high, low] = packet_id.to_be_bytes();
    into.extend([kind << 4 | flags, 2, high, low]);
}

/// What the broker says.
#[derive(Debug)]
pub(super) enum Incoming<'a> {
    ConnAck {
        present: bool,
        code: u8,
    },
    SubAck {
        code: u8,
    },
    Publish(Publish<'a>),
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    Ack {
        kind: u8,
        packet_id: u16,
        reason: u8,
    },
    Pong,
    Disconnect,
}

/// A PUBLISH as it came.
#[derive(Debug)]
pub(super) struct Publish<'a> {
    pub(super) topic: &'a str,
    pub(super) payload: &'a [u8],
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) dup: bool,
    pub(super) packet_id: u16,
}

/// Reads a packet.
///
/// # Errors
/// A packet that a broker may not send.
pub(super) fn read<'a>(version: Version, packet: &Packet<'a>) -> Result<Incoming<'a>> {
    let body = packet.body;
    let at = |place: usize| body.get(place).copied();
    match packet.kind() {
        kind::CONNACK => {
            let (flags, code) = at(0).zip(at(1)).context("a CONNACK of less than two bytes")?;
            Ok(Incoming::ConnAck { present: flags & 1 == 1, code })
        }
        // The only filter asked for has the last code, whatever properties stand before it.
        kind::SUBACK => Ok(Incoming::SubAck { code: *body.last().context("an empty SUBACK")? }),
        kind::PUBLISH => read_publish(version, packet).map(Incoming::Publish),
        kind @ (kind::PUBACK | kind::PUBREC | kind::PUBREL | kind::PUBCOMP) => {
            Ok(Incoming::Ack { kind, packet_id: packet.packet_id()?, reason: at(2).unwrap_or(0) })
        }
        kind::PINGRESP => Ok(Incoming::Pong),
        kind::DISCONNECT if version == Version::V5 => Ok(Incoming::Disconnect),
        other => bail!("the broker sent a packet of type {other}, which it may not"),
    }
}

fn read_publish<'a>(version: Version, packet: &Packet<'a>) -> Result<Publish<'a>> {
    let raw = packet.as_publish()?;
    let payload = match version {
        Version::V311 => raw.payload,
        Version::V5 => behind_properties(raw.payload).context("the properties of a PUBLISH end too early")?,
    };
    Ok(Publish {
        topic: std::str::from_utf8(raw.topic).context("the broker sent a topic that is not UTF-8")?,
        payload,
        qos: raw.qos,
        retain: raw.retain,
        dup: packet.first & 0b1000 != 0,
        packet_id: raw.packet_id,
    })
}

/// What stands behind a variable byte integer and as many bytes as it says (MQTT 5, section 2.2.2).
fn behind_properties(bytes: &[u8]) -> Option<&[u8]> {
    let mut length = 0;
    for (place, &byte) in bytes.iter().take(4).enumerate() {
        length |= usize::from(byte & 0x7F) << (7 * place);
        if byte & 0x80 == 0 {
            return bytes.get(place + 1 + length..);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        for version in [Version::V311, Version::V5] {
            let mut bytes = Vec::new();
            let sent =
                Outgoing { topic: "a/b", payload: b"42", qos: 2, retain: true, dup: true, packet_id: 258 };
            publish(version, &mut bytes, sent);
            let packet = Packet::parse(&bytes).unwrap().unwrap();
            let Incoming::Publish(got) = read(version, &packet).unwrap() else { panic!("{packet:?}") };
            assert_eq!((got.topic, got.payload, got.packet_id), ("a/b", &b"42"[..], 258));
            assert_eq!((got.qos, got.retain, got.dup), (2, true, true));
        }
    }

    #[test]
    fn acknowledgements_look_as_the_standard_draws_them() {
        let mut bytes = Vec::new();
        ack(&mut bytes, kind::PUBREL, 7);
        assert_eq!(bytes, [0x62, 2, 0, 7]);
    }

    #[test]
    fn properties_are_stepped_over() {
        assert_eq!(behind_properties(&[2, 1, 1, 9]), Some(&[9][..]));
        assert_eq!(behind_properties(&[0]), Some(&[][..]));
        assert_eq!(behind_properties(&[3, 1]), None);
        assert_eq!(behind_properties(&[]), None);
    }
}
