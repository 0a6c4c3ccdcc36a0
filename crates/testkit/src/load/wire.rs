//! As much of MQTT 3.1.1 as a load generator speaks: it builds what it sends and skims what it gets.

use anyhow::{Result, bail, ensure};

/// Name and secret of one client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// Packet types of section 2.2.1, as the high half of the first byte.
pub mod kind {
    #![allow(missing_docs, reason = "each is named as in the standard")]
    pub const CONNACK: u8 = 2;
    pub const PUBLISH: u8 = 3;
    pub const PUBACK: u8 = 4;
    pub const SUBACK: u8 = 9;
}

/// DISCONNECT, section 3.14.
pub const DISCONNECT: [u8; 2] = [0xE0, 0];
/// Long enough that no run needs a ping.
const KEEP_ALIVE_S: u16 = 600;

/// CONNECT, section 3.1.
pub fn connect(client_id: &str, clean_session: bool, credential: Option<&Credential>) -> Vec<u8> {
    let login = if credential.is_some() { 0b1100_0000 } else { 0 };
    let mut body = Vec::new();
    put_text(&mut body, "MQTT");
    body.push(4);
    body.push(login | u8::from(clean_session) << 1);
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    put_text(&mut body, client_id);
    if let Some(credential) = credential {
        put_text(&mut body, &credential.user);
        put_text(&mut body, &credential.password);
    }
    packet(0x10, &body)
}

/// SUBSCRIBE to one filter, section 3.8.
pub fn subscribe(packet_id: u16, filter: &str, qos: u8) -> Vec<u8> {
    let mut body = packet_id.to_be_bytes().to_vec();
    put_text(&mut body, filter);
    body.push(qos);
    packet(0x82, &body)
}

/// PUBACK, section 3.4.
pub fn puback(packet_id: u16) -> [u8; 4] {
    let [high, low] = packet_id.to_be_bytes();
    [kind::PUBACK << 4, 2, high, low]
}

/// What a PUBLISH (section 3.3) says beside its topic and payload.
#[derive(Debug, Clone, Copy, Default)]
pub struct PublishFlags {
    /// 0 or 1.
    pub qos: u8,
    /// To be kept for later subscribers.
    pub retain: bool,
    /// Sent before.
    pub dup: bool,
}

/// PUBLISH, section 3.3. The packet id is left out at QoS 0.
pub fn publish(topic: &str, payload: &[u8], flags: PublishFlags, packet_id: u16) -> Vec<u8> {
    let mut body = Vec::with_capacity(topic.len() + payload.len() + 4);
    put_text(&mut body, topic);
    if flags.qos > 0 {
        body.extend(packet_id.to_be_bytes());
    }
    body.extend(payload);
    let first = kind::PUBLISH << 4 | u8::from(flags.dup) << 3 | flags.qos << 1 | u8::from(flags.retain);
    packet(first, &body)
}

pub(crate) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = Vec::with_capacity(body.len() + 5);
    packet.push(first);
    let mut rest = body.len();
    loop {
        let seven_bits = (rest % 128) as u8;
        rest /= 128;
        packet.push(if rest > 0 { seven_bits | 0x80 } else { seven_bits });
        if rest == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}

pub(crate) fn put_text(body: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).expect("the generator's own texts are short");
    body.extend(length.to_be_bytes());
    body.extend(text.as_bytes());
}

/// One packet at the front of a buffer.
#[derive(Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// Type and flags.
    pub first: u8,
    /// Behind the fixed header.
    pub body: &'a [u8],
    /// Bytes with the fixed header.
    pub length: usize,
}

impl<'a> Packet<'a> {
    /// The packet at the front of `bytes`; `None` until all of it is there.
    pub fn parse(bytes: &'a [u8]) -> Result<Option<Self>> {
        let Some((&first, rest)) = bytes.split_first() else { return Ok(None) };
        let mut remaining = 0;
        for (place, &byte) in rest.iter().take(4).enumerate() {
            remaining |= usize::from(byte & 0x7F) << (7 * place);
            if byte & 0x80 == 0 {
                let head = place + 2;
                let length = head + remaining;
                return Ok(bytes.get(head..length).map(|body| Self { first, body, length }));
            }
        }
        ensure!(rest.len() < 4, "the broker sent a length of more than four bytes (MQTT section 2.2.3)");
        Ok(None)
    }

    /// Packet type, see [`kind`].
    pub fn kind(&self) -> u8 {
        self.first >> 4
    }

    /// Takes a PUBLISH apart.
    pub fn as_publish(&self) -> Result<Publish<'a>> {
        let qos = self.first >> 1 & 3;
        let short = || anyhow::anyhow!("the broker sent a PUBLISH that ends in its header");
        let (length, rest) = self.body.split_first_chunk().ok_or_else(short)?;
        let (topic, rest) = rest.split_at_checked(u16::from_be_bytes(*length).into()).ok_or_else(short)?;
        let (packet_id, payload) = match qos {
            0 => (0, rest),
            _ => {
                let (id, payload) = rest.split_first_chunk().ok_or_else(short)?;
                (u16::from_be_bytes(*id), payload)
            }
        };
        Ok(Publish { qos, retain: self.first & 1 == 1, packet_id, topic, payload })
    }

    /// The packet id that PUBACK and SUBACK begin with.
    pub fn packet_id(&self) -> Result<u16> {
        match self.body {
            [high, low, ..] => Ok(u16::from_be_bytes([*high, *low])),
            _ => bail!("the broker sent a packet of type {} without its packet id", self.kind()),
        }
    }
}

/// A PUBLISH as it came.
#[derive(Debug, PartialEq, Eq)]
pub struct Publish<'a> {
    /// 0, 1 or 2.
    pub qos: u8,
    /// It was kept, or the subscription asked to see the flag.
    pub retain: bool,
    /// 0 at QoS 0.
    pub packet_id: u16,
    /// Topic, not checked to be UTF-8.
    pub topic: &'a [u8],
    /// Payload.
    pub payload: &'a [u8],
}

/// Whether a CONNACK lets us in, and whether a session was there; the return codes are those of section
/// 3.2.2.3.
pub fn session_present(connack: &Packet<'_>) -> Result<bool> {
    ensure!(connack.kind() == kind::CONNACK, "the broker answered CONNECT with type {}", connack.kind());
    let why = match connack.body {
        [flags, 0] => return Ok(flags & 1 == 1),
        [_, 1] => "it does not speak MQTT 3.1.1",
        [_, 2] => "it does not like the client id",
        [_, 3] => "it is not available",
        [_, 4] => "user name or password is wrong; give --user and --password",
        [_, 5] => "it wants a user name and password; give --user and --password",
        _ => "for a reason the standard does not know",
    };
    bail!("the broker refused the connection: {why}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_look_as_the_standard_draws_them() {
        let login = Credential { user: "u".into(), password: "pw".into() };
        let head = |flags| [&[0, 4][..], b"MQTT", &[4, flags, 0x02, 0x58], &[0, 1], b"c"].concat();
        assert_eq!(connect("c", true, None), [&[0x10, 13][..], &head(0b10)].concat());
        let with_login = [&[0x10, 20][..], &head(0b1100_0000), &[0, 1], b"u", &[0, 2], b"pw"].concat();
        assert_eq!(connect("c", false, Some(&login)), with_login);
        assert_eq!(subscribe(7, "a/#", 1), [&[0x82, 8, 0, 7, 0, 3][..], b"a/#", &[1]].concat());
        assert_eq!(puback(258), [0x40, 2, 1, 2]);
        let flags = PublishFlags { qos: 1, retain: true, dup: true };
        assert_eq!(publish("t", b"xy", flags, 9), [&[0x3B, 7, 0, 1][..], b"t", &[0, 9], b"xy"].concat());
        assert_eq!(publish("t", b"", PublishFlags::default(), 9), [0x30, 3, 0, 1, b't']);
    }

    #[test]
    fn a_packet_is_there_when_its_last_byte_is() {
        for payload_bytes in [0, 1, 122, 123, 124, 16_379, 70_000] {
            let payload = vec![b'x'; payload_bytes];
            let bytes = publish("t", &payload, PublishFlags { qos: 1, ..Default::default() }, 3);
            assert_eq!(Packet::parse(&bytes[..bytes.len() - 1]).unwrap(), None, "{payload_bytes}");
            let with_next = [&bytes[..], &[0xD0]].concat();
            let packet = Packet::parse(&with_next).unwrap().unwrap();
            assert_eq!(packet.length, bytes.len());
            let publish = packet.as_publish().unwrap();
            assert_eq!((publish.qos, publish.packet_id, publish.topic), (1, 3, &b"t"[..]));
            assert_eq!(publish.payload, payload);
        }
        assert_eq!(Packet::parse(&[]).unwrap(), None);
        assert_eq!(Packet::parse(&[0x30, 0x80, 0x80]).unwrap(), None);
    }

    #[test]
    fn broken_packets_are_errors_in_words() {
        fn check(bytes: &[u8], expected: &str) {
            let parsed = Packet::parse(bytes).and_then(|packet| packet.unwrap().as_publish().map(drop));
            let error = parsed.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        check(&[0x30, 0xFF, 0xFF, 0xFF, 0xFF, 1], "more than four bytes");
        check(&[0x30, 1, 0], "ends in its header");
        check(&[0x30, 3, 0, 9, b't'], "ends in its header");
        check(&[0x32, 3, 0, 1, b't'], "ends in its header");
    }

    #[test]
    fn a_refusal_says_why() {
        fn check(body: &[u8], expected: Result<bool, &str>) {
            let packet = Packet { first: 0x20, body, length: 4 };
            match (session_present(&packet), expected) {
                (Ok(present), Ok(expected)) => assert_eq!(present, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (got, expected) => panic!("{got:?}, expected {expected:?}"),
            }
        }
        check(&[0, 0], Ok(false));
        check(&[1, 0], Ok(true));
        check(&[0, 4], Err("password is wrong"));
        check(&[0, 5], Err("wants a user name"));
        check(&[0, 99], Err("does not know"));
    }
}
