use super::*;
use bytes::BytesMut;
use model::{Message, Publisher};
use proptest::prelude::*;
use rumqttc::mqttbytes::v4;
use rumqttc::v5::mqttbytes::v5;

/// Decodes what rumqttc wrote.
fn read(bytes: &[u8], version: Version) -> Packet {
    match frame(bytes, 1_000_000).unwrap() {
        Frame::Complete { header, total } => {
            assert_eq!(total, bytes.len());
            decode(bytes, 0, header, total, version).unwrap()
        }
        other => panic!("{other:?}"),
    }
}

fn message(topic: &str, payload: &[u8], properties: Option<Properties>) -> Message {
    Message {
        id: 1,
        time_ms: 0,
        topic: topic.into(),
        payload: Bytes::copy_from_slice(payload),
        qos: QoS::AtLeastOnce,
        retain: false,
        publisher: Arc::new(Publisher::hub("test")),
        cause: None,
        properties: properties.map(Arc::new),
    }
}

#[test]
fn what_rumqttc_writes_is_read() {
    let mut bytes = BytesMut::new();
    let mut connect = v4::Connect::new("id");
    connect.set_login("user", "password");
    v4::Packet::Connect(connect).write(&mut bytes, 10_000).unwrap();
    match read(&bytes, Version::V311) {
        Packet::Connect(connect) => {
            assert_eq!((connect.version, connect.client_id.as_str()), (Version::V311, "id"));
            assert_eq!(connect.user.as_deref(), Some("user"));
            assert_eq!(connect.password.as_deref(), Some(&b"password"[..]));
        }
        other => panic!("{other:?}"),
    }
    bytes.clear();
    let mut publish = v4::Publish::new("a/b", rumqttc::QoS::AtLeastOnce, "payload");
    publish.pkid = 7;
    v4::Packet::Publish(publish).write(&mut bytes, 10_000).unwrap();
    match read(&bytes, Version::V311) {
        Packet::Publish(publish) => {
            assert_eq!(
                (publish.topic.of(&bytes), publish.payload.of(&bytes)),
                (&b"a/b"[..], &b"payload"[..])
            );
            assert_eq!((publish.qos, publish.packet_id), (QoS::AtLeastOnce, 7));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_read_by_rumqttc() {
    let properties = Properties {
        payload_format: Some(1),
        content_type: Some("text/plain".into()),
        response_topic: Some("answer".into()),
        correlation_data: Some(Bytes::from_static(b"\x01\x02")),
        message_expiry_s: None,
        user: vec![("k".into(), "v".into())],
    };
    let message = message("a/b", b"payload", Some(properties));
    let shape = Shape {
        qos: QoS::ExactlyOnce,
        retain: true,
        dup: true,
        packet_id: 9,
        identifiers: &[200],
        expiry_s: Some(5),
        alias: None,
    };
    let mut out = Vec::new();
    publish(&mut out, Version::V5, &message, &shape);
    assert_eq!(out.len(), publish_len(Version::V5, &message, &shape));
    match v5::Packet::read(&mut BytesMut::from(&out[..]), None).unwrap() {
        v5::Packet::Publish(publish) => {
            assert_eq!((&publish.topic[..], &publish.payload[..]), (&b"a/b"[..], &b"payload"[..]));
            assert_eq!((publish.pkid, publish.dup, publish.retain), (9, true, true));
            let properties = publish.properties.unwrap();
            assert_eq!(properties.message_expiry_interval, Some(5));
            assert_eq!(properties.subscription_identifiers, [200]);
            assert_eq!(properties.response_topic.as_deref(), Some("answer"));
            assert_eq!(properties.correlation_data.as_deref(), Some(&b"\x01\x02"[..]));
            assert_eq!(properties.user_properties, [("k".to_owned(), "v".to_owned())]);
        }
        other => panic!("{other:?}"),
    }
    let mut out = Vec::new();
    publish(&mut out, Version::V311, &message, &shape);
    match v4::Packet::read(&mut BytesMut::from(&out[..]), 10_000).unwrap() {
        v4::Packet::Publish(publish) => assert_eq!((publish.topic.as_str(), publish.pkid), ("a/b", 9)),
        other => panic!("{other:?}"),
    }
    let mut out = Vec::new();
    let answer = ConnAck {
        session_present: true,
        assigned_client_id: Some("x"),
        receive_max: Some(5),
        ..ConnAck::default()
    };
    connack(&mut out, Version::V5, &answer);
    match v5::Packet::read(&mut BytesMut::from(&out[..]), None).unwrap() {
        v5::Packet::ConnAck(ack) => {
            let properties = ack.properties.unwrap();
            assert_eq!(properties.assigned_client_identifier.as_deref(), Some("x"));
            assert_eq!(properties.receive_max, Some(5));
            assert_eq!(properties.shared_subscription_available, Some(0));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_frame_is_refused_as_soon_as_its_header_says_so() {
    fn check(bytes: &[u8], expected: Result<Frame, u8>) {
        assert_eq!(frame(bytes, 100).map_err(PacketError::reason), expected, "{bytes:02x?}");
    }
    check(&[], Ok(Frame::Incomplete { need: 2 }));
    check(&[0xC0], Ok(Frame::Incomplete { need: 2 }));
    check(&[0xC0, 0], Ok(Frame::Complete { header: 2, total: 2 }));
    check(&[0x30, 50, 1], Ok(Frame::Incomplete { need: 52 }));
    check(&[0x30, 99], Err(reason::PACKET_TOO_LARGE));
    check(&[0x30, 0xff, 0xff, 0xff, 0x7f], Err(reason::PACKET_TOO_LARGE));
    check(&[0x30, 0xff, 0xff, 0xff, 0xff], Err(reason::MALFORMED));
    check(&[0x36], Err(reason::MALFORMED));
    check(&[0x80], Err(reason::MALFORMED));
    check(&[0xE1], Err(reason::MALFORMED));
    check(&[0x00], Err(reason::MALFORMED));
    check(&[0x20], Err(reason::PROTOCOL_ERROR));
}

proptest! {
    /// No bytes make the decoder panic, and what it accepts lies inside the packet.
    #[test]
    fn any_bytes_are_decoded_or_refused(
        kind in prop::sample::select(vec![0x10u8, 0x30, 0x32, 0x35, 0x40, 0x50, 0x62, 0x70, 0x82, 0xA2, 0xC0, 0xE0, 0xF0]),
        body in prop::collection::vec(any::<u8>(), 0..120),
    ) {
        let mut bytes = vec![kind, body.len() as u8];
        bytes.extend(&body);
        for version in [Version::V31, Version::V311, Version::V5] {
            if let Ok(Packet::Publish(publish)) = decode(&bytes, 0, 2, bytes.len(), version) {
                prop_assert!(publish.topic.end <= publish.payload.start);
                prop_assert_eq!(publish.payload.end, bytes.len());
            }
        }
    }

    /// CONNECT bodies that begin well reach deeper.
    #[test]
    fn any_connect_is_decoded_or_refused(level in 3u8..6, flags in any::<u8>(), rest in prop::collection::vec(0u8..32, 0..80)) {
        let mut bytes = vec![0x10, 0];
        bytes.extend([0, 4]);
        bytes.extend(b"MQTT");
        bytes.extend([level, flags & 0xfe]);
        bytes.extend(rest);
        let _ = decode(&bytes, 0, 2, bytes.len(), Version::V311);
    }
}
