//! MQTT as a client writes and reads it, by hand: bytes a client never writes can be written too, and nothing
//! the gate sends is taken on trust.

/// Two bytes of length, then the bytes.
pub fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend(u16::try_from(bytes.len()).unwrap().to_be_bytes());
    out.extend(bytes);
}

pub fn varint(out: &mut Vec<u8>, mut value: usize) {
    loop {
        let byte = (value % 128) as u8;
        value /= 128;
        out.push(if value > 0 { byte | 0x80 } else { byte });
        if value == 0 {
            return;
        }
    }
}

pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    varint(&mut out, body.len());
    out.extend(body);
    out
}

/// A section of properties; nothing before MQTT 5.
fn section(out: &mut Vec<u8>, level: u8, properties: &[u8]) {
    if level == 5 {
        varint(out, properties.len());
        out.extend(properties);
    }
}

/// CONNECT.
#[derive(Debug, Clone, Default)]
pub struct Connect {
    pub level: u8,
    pub id: String,
    pub clean: bool,
    pub keepalive_s: u16,
    pub user: Option<String>,
    pub password: Option<String>,
    pub will: Option<Will>,
    pub properties: Vec<u8>,
    /// Its properties bound the packets it takes: what is larger is left out.
    pub takes_small: bool,
}

#[derive(Debug, Clone, Default)]
pub struct Will {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub properties: Vec<u8>,
}

pub fn connect(connect: &Connect) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, if connect.level == 3 { b"MQIsdp" } else { b"MQTT" });
    let mut flags = u8::from(connect.clean) << 1;
    if let Some(will) = &connect.will {
        flags |= 4 | will.qos << 3 | u8::from(will.retain) << 5;
    }
    flags |= u8::from(connect.user.is_some()) << 7 | u8::from(connect.password.is_some()) << 6;
    body.extend([connect.level, flags]);
    body.extend(connect.keepalive_s.to_be_bytes());
    section(&mut body, connect.level, &connect.properties);
    text(&mut body, connect.id.as_bytes());
    if let Some(will) = &connect.will {
        section(&mut body, connect.level, &will.properties);
        text(&mut body, will.topic.as_bytes());
        text(&mut body, &will.payload);
    }
    for login in [&connect.user, &connect.password].into_iter().flatten() {
        text(&mut body, login.as_bytes());
    }
    packet(0x10, &body)
}

/// PUBLISH; `flags` are DUP, QoS and RETAIN as they stand in the first byte.
pub fn publish(level: u8, flags: u8, topic: &str, id: u16, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic.as_bytes());
    if flags & 6 != 0 {
        body.extend(id.to_be_bytes());
    }
    section(&mut body, level, properties);
    body.extend(payload);
    packet(0x30 | flags, &body)
}

pub fn subscribe(level: u8, id: u16, properties: &[u8], filter: &str, options: u8) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    section(&mut body, level, properties);
    text(&mut body, filter.as_bytes());
    body.push(options);
    packet(0x82, &body)
}

pub fn unsubscribe(level: u8, id: u16, filter: &str) -> Vec<u8> {
    let mut body = id.to_be_bytes().to_vec();
    section(&mut body, level, &[]);
    text(&mut body, filter.as_bytes());
    packet(0xA2, &body)
}

/// PUBACK 0x40, PUBREC 0x50, PUBREL 0x62, PUBCOMP 0x70.
pub fn ack(first: u8, id: u16) -> Vec<u8> {
    packet(first, &id.to_be_bytes())
}

/// A packet from the gate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Got {
    ConnAck {
        present: bool,
        code: u8,
        properties: Vec<u8>,
    },
    Publish(Received),
    /// PUBACK, PUBREC, PUBREL, PUBCOMP by their first byte.
    Ack {
        first: u8,
        id: u16,
        reason: u8,
    },
    SubAck {
        id: u16,
        codes: Vec<u8>,
    },
    UnsubAck {
        id: u16,
    },
    PingResp,
    Disconnect {
        reason: u8,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub topic: String,
    pub payload: Vec<u8>,
    pub qos: u8,
    pub retain: bool,
    pub dup: bool,
    pub id: u16,
    pub properties: Vec<u8>,
}

/// Takes the first whole packet out of `buffer`. What is wrong with it, by the rules for a server, is the error.
pub fn take(buffer: &mut Vec<u8>, level: u8) -> Result<Option<Got>, String> {
    let (mut length, mut header) = (0usize, 1);
    loop {
        let Some(&byte) = buffer.get(header) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * (header - 1));
        header += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if header > 4 {
            return Err("a remaining length of more than four bytes".into());
        }
    }
    if buffer.len() < header + length {
        return Ok(None);
    }
    let packet: Vec<u8> = buffer.drain(..header + length).collect();
    let mut body = Body(&packet[header..]);
    let first = packet[0];
    let got = parse(first, &mut body, level).ok_or_else(|| format!("it ends too early: {packet:02x?}"))?;
    if body.0.is_empty() { Ok(Some(got)) } else { Err(format!("bytes are left over: {packet:02x?}")) }
}

struct Body<'a>(&'a [u8]);

impl<'a> Body<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn number(&mut self) -> Option<u16> {
        let bytes = self.take(2)?;
        Some(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    fn varint(&mut self) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.byte()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn properties(&mut self, level: u8) -> Option<Vec<u8>> {
        if level != 5 {
            return Some(Vec::new());
        }
        let length = self.varint()?;
        Some(self.take(length)?.to_vec())
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0).to_vec()
    }
}

fn parse(first: u8, body: &mut Body<'_>, level: u8) -> Option<Got> {
    Some(match first {
        0x20 => {
            let (present, code) = (body.byte()? == 1, body.byte()?);
            Got::ConnAck { present, code, properties: body.properties(level)? }
        }
        0x30..=0x3f => {
            let length = usize::from(body.number()?);
            let topic = std::str::from_utf8(body.take(length)?).ok()?.to_owned();
            let qos = first >> 1 & 3;
            let id = if qos > 0 { body.number()? } else { 0 };
            let (retain, dup) = (first & 1 == 1, first & 8 == 8);
            let properties = body.properties(level)?;
            Got::Publish(Received { topic, payload: body.rest(), qos, retain, dup, id, properties })
        }
        0x40 | 0x50 | 0x62 | 0x70 => {
            let id = body.number()?;
            let mut reason = 0;
            if level == 5 && !body.0.is_empty() {
                reason = body.byte()?;
                if !body.0.is_empty() {
                    body.properties(level)?;
                }
            }
            Got::Ack { first, id, reason }
        }
        0x90 => {
            let id = body.number()?;
            body.properties(level)?;
            Got::SubAck { id, codes: body.rest() }
        }
        0xB0 => {
            let id = body.number()?;
            body.properties(level)?;
            body.rest();
            Got::UnsubAck { id }
        }
        0xD0 => Got::PingResp,
        0xE0 if level == 5 => {
            let reason = if body.0.is_empty() { 0 } else { body.byte()? };
            if !body.0.is_empty() {
                body.properties(level)?;
            }
            Got::Disconnect { reason }
        }
        _ => return None,
    })
}
