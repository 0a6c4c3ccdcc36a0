//! Any bytes, at the frame guard and at the decoders of all three versions.
//!
//! Input: one byte that picks the largest packet and the size of the pieces the bytes arrive in, then the bytes.
//! What must hold for each packet in them:
//! - nothing panics, and a whole packet is never longer than what has come or than the limit;
//! - the guard says the same however the bytes are cut into pieces;
//! - a decoded packet holds no more than its bytes, and is the same wherever in a buffer it lies;
//! - what the gate's encoder writes for it is decoded to the same packet;
//! - rumqttc's codec, which was written by others, understands the same by it where both accept it.
//!
//! Not compared with rumqttc, because it reads these otherwise than the standard says:
//! - an empty user name with an empty password is "no login" to it (3.1.1 and 5, section 3.1.3.5);
//! - a login without a password is one with an empty password to it (section 3.1.2.9);
//! - properties after the reason code of an acknowledgement are of no use to the gate (section 3.4.2.2).

use broker::fuzzing::{Guarded, Seen, SeenWill, decode, encode, guard};
use bytes::BytesMut;
use model::{Properties, QoS};
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;

/// The limits a gate may have, small enough that seeds meet them.
const LIMITS: [usize; 4] = [usize::MAX, 1 << 20, 200, 20];
const LEVELS: [u8; 3] = [3, 4, 5];

pub fn packet_guard(data: &[u8]) {
    let Some((how, stream)) = data.split_first() else { return };
    let max = LIMITS[usize::from(how & 3)];
    let piece = usize::from(how >> 2) + 1;
    let mut at = 0;
    while at < stream.len() {
        let rest = &stream[at..];
        let verdict = guard(rest, max);
        same_in_pieces(rest, max, piece, verdict);
        let Guarded::Complete { header, total } = verdict else { return };
        for level in LEVELS {
            one_packet(stream, at, header, total, level);
        }
        at += total;
    }
}

/// As bytes come in the guard may learn more, and never takes back what it said.
fn same_in_pieces(rest: &[u8], max: usize, piece: usize, verdict: Guarded) {
    let steps = (0..rest.len().min(8)).chain((8..rest.len()).step_by(piece)).chain([rest.len()]);
    for have in steps.take(64) {
        match guard(&rest[..have], max) {
            Guarded::Incomplete { need } => {
                assert!(need > have, "asks for {need} bytes and has {have}");
                assert!(need <= max.max(5), "waits for {need} bytes, above the limit of {max}");
                if let Guarded::Complete { total, .. } = verdict {
                    assert!(have < total && need <= total);
                }
            }
            Guarded::Complete { header, total } => {
                assert!((2..=5).contains(&header) && header <= total && total <= have && total <= max);
                assert_eq!(Guarded::Complete { header, total }, verdict);
            }
            refused @ Guarded::Refused(_) => assert_eq!(refused, verdict),
        }
    }
}

fn one_packet(stream: &[u8], at: usize, header: usize, total: usize, level: u8) {
    let alone = &stream[at..at + total];
    let seen = decode(stream, at, header, total, level);
    assert_eq!(seen, decode(alone, 0, header, total, level), "it depends on where the packet lies");
    let Ok(seen) = seen else { return };
    assert!(held_bytes(&seen) <= total, "{} bytes are held of {total}: {seen:?}", held_bytes(&seen));
    written_and_read_again(&seen, level);
    let theirs = match &seen {
        Seen::Connect { level: 5, .. } => theirs_v5(alone),
        Seen::Connect { level: 4, .. } => theirs_v4(alone),
        Seen::Connect { .. } => None,
        _ if level == 5 => theirs_v5(alone),
        _ => theirs_v4(alone),
    };
    if let Some(theirs) = theirs {
        assert_eq!(comparable(seen), comparable(theirs), "rumqttc understands level {level} otherwise");
    }
}

/// Bytes of the packet that are kept, each once.
fn held_bytes(seen: &Seen) -> usize {
    let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
    let properties = |properties: &Properties| {
        let user: usize = properties.user.iter().map(|(name, value)| name.len() + value.len()).sum();
        let data = properties.correlation_data.as_ref().map_or(0, |data| data.len());
        user + data + text(&properties.content_type) + text(&properties.response_topic)
    };
    match seen {
        Seen::Connect { client_id, user, password, will, .. } => {
            let will = will
                .as_ref()
                .map_or(0, |will| will.topic.len() + will.payload.len() + properties(&will.properties));
            client_id.len() + text(user) + password.as_ref().map_or(0, Vec::len) + will
        }
        Seen::Publish { topic, payload, properties: of, .. } => topic.len() + payload.len() + properties(of),
        Seen::Subscribe { requests, .. } => requests.iter().map(|(filter, _)| filter.len() + 3).sum(),
        Seen::Unsubscribe { filters, .. } => filters.iter().map(|filter| filter.len() + 2).sum(),
        Seen::Ack { .. } | Seen::PingReq | Seen::Disconnect { .. } | Seen::Auth => 0,
    }
}

fn written_and_read_again(seen: &Seen, level: u8) {
    let Some(bytes) = encode(seen, level) else { return };
    let Guarded::Complete { header, total } = guard(&bytes, usize::MAX) else {
        panic!("the guard does not take what the encoder wrote: {bytes:02x?}");
    };
    assert_eq!(total, bytes.len());
    let mut expected = seen.clone();
    // Aliases are for one direction of one connection: the encoder writes the topic.
    if let Seen::Publish { alias, .. } = &mut expected {
        *alias = None;
    }
    assert_eq!(decode(&bytes, 0, header, total, level), Ok(expected), "{bytes:02x?}");
}

/// The packet with what is not compared left out.
fn comparable(mut seen: Seen) -> Seen {
    match &mut seen {
        Seen::Connect { user, password, .. } => {
            *user = user.take().filter(|user| !user.is_empty());
            *password = password.take().filter(|password| !password.is_empty());
        }
        Seen::Ack { reason, .. } => *reason = 0,
        Seen::Disconnect { reason, .. } => *reason = 0,
        _ => {}
    }
    seen
}

/// What rumqttc understands by a packet of 3.1.1; `None` when it refuses it.
fn theirs_v4(bytes: &[u8]) -> Option<Seen> {
    let qos = |qos: rumqttc::QoS| QoS::try_from(qos as u8).unwrap();
    let ack = |first, packet_id| Seen::Ack { first, packet_id, reason: 0 };
    Some(match v4::Packet::read(&mut BytesMut::from(bytes), usize::MAX).ok()? {
        v4::Packet::Connect(connect) => {
            let (user, password) = connect
                .login
                .map_or((None, None), |login| (Some(login.username), Some(login.password.into_bytes())));
            Seen::Connect {
                level: 4,
                clean_start: connect.clean_session,
                keepalive_s: connect.keep_alive,
                client_id: connect.client_id,
                user,
                password,
                will: connect.last_will.map(|will| SeenWill {
                    topic: will.topic,
                    payload: will.message.to_vec(),
                    qos: qos(will.qos),
                    retain: will.retain,
                    delay_s: 0,
                    properties: Properties::default(),
                }),
            }
        }
        v4::Packet::Publish(publish) => Seen::Publish {
            dup: publish.dup,
            qos: qos(publish.qos),
            retain: publish.retain,
            topic: publish.topic.into_bytes(),
            packet_id: publish.pkid,
            payload: publish.payload.to_vec(),
            alias: None,
            properties: Properties::default(),
        },
        v4::Packet::PubAck(packet) => ack(0x40, packet.pkid),
        v4::Packet::PubRec(packet) => ack(0x50, packet.pkid),
        v4::Packet::PubRel(packet) => ack(0x62, packet.pkid),
        v4::Packet::PubComp(packet) => ack(0x70, packet.pkid),
        v4::Packet::Subscribe(subscribe) => Seen::Subscribe {
            packet_id: subscribe.pkid,
            identifier: None,
            requests: subscribe.filters.into_iter().map(|one| (one.path, one.qos as u8)).collect(),
        },
        v4::Packet::Unsubscribe(unsubscribe) => {
            Seen::Unsubscribe { packet_id: unsubscribe.pkid, filters: unsubscribe.topics }
        }
        v4::Packet::PingReq => Seen::PingReq,
        v4::Packet::Disconnect => Seen::Disconnect { reason: 0, session_expiry_s: None },
        _ => return None,
    })
}

/// What rumqttc understands by a packet of version 5; `None` when it refuses it.
fn theirs_v5(bytes: &[u8]) -> Option<Seen> {
    let qos = |qos: rumqttc::v5::mqttbytes::QoS| QoS::try_from(qos as u8).unwrap();
    let text = |bytes: bytes::Bytes| String::from_utf8(bytes.to_vec()).ok();
    let ack = |first, packet_id| Seen::Ack { first, packet_id, reason: 0 };
    Some(match v5::Packet::read(&mut BytesMut::from(bytes), None).ok()? {
        v5::Packet::Connect(connect, will, login) => {
            let (user, password) =
                login.map_or((None, None), |login| (Some(login.username), Some(login.password.into_bytes())));
            let will = match will {
                None => None,
                Some(will) => {
                    let theirs = will.properties;
                    let delay_s = theirs.as_ref().and_then(|theirs| theirs.delay_interval).unwrap_or(0);
                    let properties = theirs.map_or_else(Properties::default, |theirs| Properties {
                        payload_format: theirs.payload_format_indicator,
                        content_type: theirs.content_type,
                        response_topic: theirs.response_topic,
                        correlation_data: theirs.correlation_data,
                        message_expiry_s: theirs.message_expiry_interval,
                        user: theirs.user_properties,
                    });
                    let (topic, payload) = (text(will.topic)?, will.message.to_vec());
                    let (qos, retain) = (qos(will.qos), will.retain);
                    Some(SeenWill { topic, payload, qos, retain, delay_s, properties })
                }
            };
            Seen::Connect {
                level: 5,
                clean_start: connect.clean_start,
                keepalive_s: connect.keep_alive,
                client_id: connect.client_id,
                user,
                password,
                will,
            }
        }
        v5::Packet::Publish(publish) => Seen::Publish {
            dup: publish.dup,
            qos: qos(publish.qos),
            retain: publish.retain,
            topic: publish.topic.to_vec(),
            packet_id: publish.pkid,
            payload: publish.payload.to_vec(),
            alias: publish.properties.as_ref().and_then(|theirs| theirs.topic_alias),
            properties: publish.properties.map_or_else(Properties::default, |theirs| Properties {
                payload_format: theirs.payload_format_indicator,
                content_type: theirs.content_type,
                response_topic: theirs.response_topic,
                correlation_data: theirs.correlation_data,
                message_expiry_s: theirs.message_expiry_interval,
                user: theirs.user_properties,
            }),
        },
        v5::Packet::PubAck(packet) => ack(0x40, packet.pkid),
        v5::Packet::PubRec(packet) => ack(0x50, packet.pkid),
        v5::Packet::PubRel(packet) => ack(0x62, packet.pkid),
        v5::Packet::PubComp(packet) => ack(0x70, packet.pkid),
        v5::Packet::Subscribe(subscribe) => Seen::Subscribe {
            packet_id: subscribe.pkid,
            identifier: subscribe
                .properties
                .and_then(|theirs| theirs.id)
                .map(|id| u32::try_from(id).unwrap()),
            requests: subscribe
                .filters
                .into_iter()
                .map(|one| {
                    let handling = match one.retain_forward_rule {
                        v5::RetainForwardRule::OnEverySubscribe => 0u8,
                        v5::RetainForwardRule::OnNewSubscribe => 1,
                        v5::RetainForwardRule::Never => 2,
                    };
                    let flags = u8::from(one.nolocal) << 2 | u8::from(one.preserve_retain) << 3;
                    (one.path, one.qos as u8 | flags | handling << 4)
                })
                .collect(),
        },
        v5::Packet::Unsubscribe(unsubscribe) => {
            Seen::Unsubscribe { packet_id: unsubscribe.pkid, filters: unsubscribe.filters }
        }
        v5::Packet::PingReq(_) => Seen::PingReq,
        v5::Packet::Disconnect(theirs) => Seen::Disconnect {
            reason: 0,
            session_expiry_s: theirs.properties.and_then(|theirs| theirs.session_expiry_interval),
        },
        _ => return None,
    })
}
