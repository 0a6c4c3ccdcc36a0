//! Version 5 beyond the basics of `protocol.rs`: topic aliases towards clients, reason strings, `$SYS`, properties
//! that travel, enhanced authentication, the limits of both sides.

#![allow(clippy::unwrap_used, reason = "the functions behind `over_each!` are tests too")]

mod common;

use std::collections::HashMap;
use std::time::Duration;

use broker::{GateEvent, Limits};
use common::{
    Client, Got, Options, Received, Running, eventually, gate, gate_with, over_each, packet, publish_packet,
    string,
};

/// The value of a two-byte property.
fn two_bytes(properties: &[u8], id: u8) -> Option<u16> {
    (properties.first() == Some(&id)).then(|| u16::from_be_bytes([properties[1], properties[2]]))
}

/// The topic as a client with aliases sees it, and whether it was written out.
fn resolve(aliases: &mut HashMap<u16, String>, received: &Received) -> (String, bool) {
    match (two_bytes(&received.properties, 0x23), received.topic.is_empty()) {
        (Some(alias), true) => (aliases[&alias].clone(), false),
        (Some(alias), false) => {
            aliases.insert(alias, received.topic.clone());
            (received.topic.clone(), true)
        }
        (None, empty) => {
            assert!(!empty, "neither a topic nor an alias");
            (received.topic.clone(), true)
        }
    }
}

async fn r10_every_message_has_its_own_topic_with_aliases(running: Running) {
    let options = Options::new("s").v5().property(&[0x22, 0, 3]);
    let (mut subscriber, _) = Client::connect(running.way, options).await;
    subscriber.subscribe("home/#", 1).await;
    let mut publisher = running.client("p").await;
    let mut aliases = HashMap::new();
    let mut written = 0;
    for round in 0..20 {
        for room in ["kitchen", "hall", "attic", "cellar", "bath"] {
            let topic = format!("home/{room}");
            publisher.publish(&topic, room, round % 2).await;
            let received = subscriber.receive().await;
            let (resolved, spelt) = resolve(&mut aliases, &received);
            assert_eq!((resolved, received.text().as_str()), (topic, room));
            written += usize::from(spelt);
        }
    }
    // Three have an alias from the first on, two are always written out.
    assert_eq!((aliases.len(), written), (3, 3 + 40));
    // A new connection knows none of them.
    subscriber.disconnect().await;
    let options = Options::new("s").v5().property(&[0x22, 0, 3]);
    let (mut subscriber, _) = Client::connect(running.way, options).await;
    subscriber.subscribe("home/#", 1).await;
    publisher.publish("home/hall", "x", 0).await;
    assert_eq!(subscriber.receive().await.topic, "home/hall");
}
over_each!(r10_every_message_has_its_own_topic_with_aliases);

#[tokio::test]
async fn an_alias_is_not_used_where_it_saves_nothing_or_does_not_fit() {
    let running = gate().await;
    let options = Options::new("s").v5().property(&[0x22, 0, 9]).property(&[0x27, 0, 0, 0, 40]);
    let (mut client, _) = Client::connect(running.way, options).await;
    client.subscribe("#", 0).await;
    let mut publisher = running.client("p").await;
    for _ in 0..2 {
        publisher.publish("abc", "short", 0).await;
        assert!(client.receive().await.properties.is_empty());
    }
    // 40 bytes as they are: no room for the alias beside the topic.
    let text = "x".repeat(40 - 2 - 2 - 10 - 1);
    for _ in 0..2 {
        publisher.publish("0123456789", &text, 0).await;
        let received = client.receive().await;
        assert_eq!((received.topic.as_str(), received.properties.len()), ("0123456789", 0));
    }
    assert_eq!(running.gate.counters().too_large, 0);
}

/// The reason string of an acknowledgement's or DISCONNECT's properties.
fn reason_string(properties: &[u8]) -> Option<String> {
    (properties.first() == Some(&0x1F)).then(|| String::from_utf8(properties[3..].to_vec()).unwrap())
}

/// The next packet as it is: its first byte, and what follows the fixed header.
async fn raw(client: &mut Client) -> (u8, Vec<u8>) {
    tokio::time::timeout(common::PATIENCE, client.next_raw()).await.unwrap().expect("the gate closed")
}

#[tokio::test]
async fn a_denied_publish_or_subscription_says_which_rule_said_no() {
    let running = gate().await;
    let plug = Options::new("p1").v5().user("plug", "secret");
    let (mut client, _) = Client::connect(running.way, plug.clone()).await;
    client.send(&publish_packet(true, 2, "elsewhere", 7, &[], b"x")).await;
    let (first, body) = raw(&mut client).await;
    assert_eq!((first, &body[..3]), (0x40, &[0, 7, 0x87][..]));
    let said = reason_string(&body[4..]).unwrap();
    assert_eq!(said, "None of the publish rules of the credential plug covers elsewhere: plug/p1/#");
    client.send_subscribe("private/#", 1, &[]).await;
    let (first, body) = raw(&mut client).await;
    assert_eq!((first, body.last()), (0x90, Some(&0x87)));
    let said = String::from_utf8_lossy(&body).into_owned();
    assert!(said.contains("covers private/#: plug/p1/#, public/#"), "{said}");
    // Request Problem Information 0: codes only (section 3.1.2.11.7).
    let (mut client, _) = Client::connect(running.way, plug.property(&[0x17, 0])).await;
    client.send(&publish_packet(true, 4, "elsewhere", 8, &[], b"x")).await;
    assert_eq!(raw(&mut client).await, (0x50, vec![0, 8, 0x87]));
    client.send_subscribe("private/#", 1, &[]).await;
    assert_eq!(raw(&mut client).await, (0x90, vec![0, 1, 0, 0x87]));
}

#[tokio::test]
async fn a_reason_string_never_makes_a_packet_too_large_for_the_client() {
    let running = gate().await;
    let plug = Options::new("p1").v5().user("plug", "secret").property(&[0x27, 0, 0, 0, 30]);
    let (mut client, _) = Client::connect(running.way, plug).await;
    client.send(&publish_packet(true, 2, "elsewhere", 7, &[], b"x")).await;
    assert_eq!(raw(&mut client).await, (0x40, vec![0, 7, 0x87]));
    client.send(&[0x20, 2, 0, 0]).await;
    assert_eq!(raw(&mut client).await, (0xE0, vec![0x82, 0]));
}

#[tokio::test]
async fn a_refused_connack_and_a_disconnect_say_why() {
    let running = gate_with(Limits { connections_max: 1, ..Limits::default() }).await;
    let mut first = running.client5("a").await;
    let mut second = Client::raw(running.way).await;
    second.v5 = true;
    second.send(&Options::new("b").v5().packet()).await;
    match second.expect().await {
        Got::ConnAck { code: 0x89, properties, .. } => {
            assert_eq!(reason_string(&properties).unwrap(), "1 clients are connected, which is the limit");
        }
        other => panic!("{other:?}"),
    }
    // What was wrong with a login stays in the log.
    let mut guesser = Client::raw(running.way).await;
    guesser.v5 = true;
    guesser.send(&Options::new("b").v5().user("admin", "wrong").packet()).await;
    match guesser.expect().await {
        Got::ConnAck { code: 0x86, properties, .. } => {
            assert!(!reason_string(&properties).unwrap().contains("admin"));
        }
        other => panic!("{other:?}"),
    }
    first.send(&publish_packet(true, 0, "a/+", 0, &[], b"x")).await;
    let (kind, body) = raw(&mut first).await;
    assert_eq!((kind, body[0]), (0xE0, 0x90));
    assert!(reason_string(&body[2..]).unwrap().starts_with("the topic name is invalid"));
}

#[tokio::test]
async fn enhanced_authentication_is_refused_in_its_own_words() {
    let running = gate().await;
    let method = Options::new("a").v5().property(&[0x15, 0, 3, b'A', b'B', b'C']);
    assert_eq!(Client::refused(running.way, method).await, 0x8C);
    let mut client = running.client5("a").await;
    client.send(&[0xF0, 0]).await;
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x8C });
    client.expect_closed().await;
    let mut old = running.client("old").await;
    old.send(&[0xF0, 0]).await;
    old.expect_closed().await;
}

/// User properties, response topic, correlation data, content type and payload format.
fn travelling() -> Vec<u8> {
    let mut properties = vec![0x01, 1];
    properties.extend([0x03, 0, 1, b't', 0x08, 0, 1, b'r', 0x09, 0, 2, 0, 255]);
    properties.extend([0x26, 0, 1, b'k', 0, 1, b'v', 0x26, 0, 1, b'k', 0, 1, b'w']);
    properties
}

#[tokio::test]
async fn properties_travel_with_retained_and_queued_messages_and_through_a_crash() {
    let running = gate().await;
    let sleeper = || Options::new("sleeper").v5().lasting();
    let (mut client, _) = Client::connect(running.way, sleeper()).await;
    client.subscribe("queued", 2).await;
    drop(client);
    eventually("it to sleep", || running.gate.counters().sleeping == 1).await;
    let mut publisher = running.client5("p").await;
    publisher.publish_with("kept", "x", 1, true, &travelling()).await;
    for qos in [1, 2] {
        publisher.publish_with("queued", "x", qos, false, &travelling()).await;
    }
    let mut late = running.client5("late").await;
    late.subscribe("kept", 0).await;
    assert_eq!(late.receive().await.properties, travelling());
    let running = running.crash_and_restart().await;
    let (mut client, present) = Client::connect(running.way, sleeper()).await;
    assert!(present);
    for _ in 0..2 {
        assert_eq!(client.receive().await.properties, travelling());
    }
    client.subscribe("kept", 0).await;
    assert_eq!(client.receive().await.properties, travelling());
}

#[tokio::test]
async fn a_will_has_its_properties_and_its_retain_flag() {
    let running = gate().await;
    let mut watcher = running.client5("watcher").await;
    watcher.subscribe("will", 1).await;
    let mut options = Options::new("a").v5().will("will", "gone");
    options.will.as_mut().unwrap().properties = travelling();
    drop(Client::connect(running.way, options).await);
    let received = watcher.receive().await;
    assert_eq!((received.text().as_str(), received.properties), ("gone", travelling()));
}

#[tokio::test]
async fn what_is_left_of_an_expiry_is_told_at_every_qos_and_after_a_crash() {
    let running = gate().await;
    let sleeper = || Options::new("sleeper").v5().lasting();
    let (mut client, _) = Client::connect(running.way, sleeper()).await;
    client.subscribe("a", 2).await;
    drop(client);
    eventually("it to sleep", || running.gate.counters().sleeping == 1).await;
    let mut publisher = running.client5("p").await;
    for qos in [1, 2] {
        publisher.publish_with("a", "long", qos, false, &[0x02, 0, 0, 3, 0xE8]).await;
        publisher.publish_with("a", "short", qos, false, &[0x02, 0, 0, 0, 1]).await;
    }
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let running = running.crash_and_restart().await;
    let (mut client, _) = Client::connect(running.way, sleeper()).await;
    for _ in 0..2 {
        let received = client.receive().await;
        assert_eq!(received.text(), "long");
        assert_eq!(received.properties[..3], [0x02, 0, 0]);
        assert!(received.properties[3..] < [3, 0xE8][..], "{:?}", received.properties);
    }
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_session_expires_over_a_restart() {
    let running = gate().await;
    let expiring = |id: &str, seconds: u8| {
        let mut options = Options::new(id).v5().property(&[0x11, 0, 0, 0, seconds]);
        options.clean = false;
        options
    };
    for (id, seconds) in [("soon", 1), ("late", 200)] {
        let (client, _) = Client::connect(running.way, expiring(id, seconds)).await;
        client.disconnect().await;
    }
    eventually("both to sleep", || running.gate.counters().sleeping == 2).await;
    running.settled().await;
    let running = running.crash_and_restart().await;
    eventually("one to expire", || running.gate.counters().sleeping == 1).await;
    assert!(!Client::connect(running.way, expiring("soon", 1)).await.1);
    assert!(Client::connect(running.way, expiring("late", 200)).await.1);
}

#[tokio::test]
async fn publishes_at_qos_2_are_open_until_pubcomp() {
    let running = gate_with(Limits { receive_max: 3, ..Limits::default() }).await;
    let mut client = running.client5("p").await;
    for id in 1..=3 {
        client.send(&publish_packet(true, 4, "a", id, &[], b"x")).await;
        assert_eq!(client.expect().await, Got::PubRec { id, reason: 0 });
    }
    // One is completed, so one more may come, and not two.
    client.ack(0x62, 1).await;
    assert_eq!(client.expect().await, Got::PubComp { id: 1, reason: 0 });
    client.send(&publish_packet(true, 4, "a", 4, &[], b"x")).await;
    assert_eq!(client.expect().await, Got::PubRec { id: 4, reason: 0 });
    client.send(&publish_packet(true, 4, "a", 5, &[], b"x")).await;
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x93 });
}

#[tokio::test]
async fn the_keepalive_of_the_server_goes_before_the_clients() {
    let running = gate_with(Limits { keepalive_s_max: 60, ..Limits::default() }).await;
    for (asked, told) in [(120, true), (0, true), (30, false)] {
        let mut client = Client::raw(running.way).await;
        client.v5 = true;
        client.send(&Options::new("a").v5().keepalive(asked).packet()).await;
        match client.expect().await {
            Got::ConnAck { code: 0, properties, .. } => {
                assert_eq!(two_bytes(&properties, 0x13), told.then_some(60), "asked for {asked}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn sys_counters_reach_whoever_subscribes_and_may_read_them() {
    let running = gate_with(Limits { sys_interval_ms: 50, ..Limits::default() }).await;
    let mut client = running.client5("tool").await;
    let mut wild = running.client5("wild").await;
    wild.subscribe("#", 0).await;
    wild.subscribe("+/broker/#", 0).await;
    client.subscribe("$SYS/broker/version", 0).await;
    let version = client.receive().await;
    assert_eq!((version.retain, version.qos), (true, 0));
    assert!(version.text().starts_with("Hearth "), "{}", version.text());
    client.expect_nothing().await;
    // The present value, then each change.
    client.subscribe("$SYS/broker/clients/connected", 0).await;
    while client.receive().await.text() != "2" {}
    let third = running.client("third").await;
    while client.receive().await.text() != "3" {}
    third.disconnect().await;
    while client.receive().await.text() != "2" {}
    wild.expect_nothing().await;
    // They are nobody's messages: not journalled, not counted as retained, not on the bus.
    assert_eq!(running.gate.counters().retained, 0);
    assert_eq!(broker::Ledger::durable(&*running.ledger), 0);
    let (mut guest, _) = Client::connect(running.way, Options::new("g").v5().user("guest", "secret")).await;
    assert_eq!(guest.subscribe("$SYS/#", 0).await, [0x87]);
}

#[tokio::test]
async fn the_names_under_sys_are_those_tools_know() {
    let running = gate().await;
    let mut client = running.client("tool").await;
    client.subscribe("$SYS/#", 0).await;
    let mut names = Vec::new();
    client.send(&[0xC0, 0]).await;
    while let Got::Publish(received) = client.expect().await {
        names.push(received.topic.strip_prefix("$SYS/broker/").unwrap().to_owned());
    }
    let wanted = [
        "version",
        "uptime",
        "clients/connected",
        "clients/total",
        "clients/maximum",
        "clients/disconnected",
        "clients/expired",
        "messages/received",
        "messages/sent",
        "messages/stored",
        "publish/messages/received",
        "publish/messages/sent",
        "publish/messages/dropped",
        "publish/bytes/received",
        "publish/bytes/sent",
        "bytes/received",
        "bytes/sent",
        "subscriptions/count",
        "shared_subscriptions/count",
        "retained messages/count",
        "load/connections/1min",
        "load/messages/received/5min",
        "load/publish/sent/15min",
        "load/bytes/received/1min",
        "load/sockets/1min",
    ];
    for name in wanted {
        assert!(names.iter().any(|known| known == name), "{name} is not among {names:?}");
    }
}

#[tokio::test]
async fn nobody_publishes_under_sys() {
    let running = gate().await;
    let mut client = running.client5("admin").await;
    client.subscribe("$SYS/broker/fake", 0).await;
    client.send(&publish_packet(true, 2, "$SYS/broker/fake", 1, &[], b"x")).await;
    let (first, body) = raw(&mut client).await;
    assert_eq!((first, &body[..3]), (0x40, &[0, 1, 0x87][..]));
    assert!(reason_string(&body[4..]).unwrap().contains("$SYS belong to the broker"));
    running.client("old").await.publish("$SYS/broker/fake", "x", 1).await;
    assert_eq!(Client::refused(running.way, Options::new("w").v5().will("$SYS/will", "x")).await, 0x87);
    client.expect_nothing().await;
    let diary = running.diary.0.lock();
    let told = diary
        .iter()
        .filter(|event| matches!(event, GateEvent::Denied { topic, .. } if topic.starts_with("$SYS/")));
    assert_eq!(told.count(), 3);
}

#[tokio::test]
async fn a_closed_topic_cannot_be_subscribed_to() {
    let closed = vec![model::TopicFilter::new("test/nosubscribe").unwrap()];
    let running = gate_with(Limits { unsubscribable: closed, ..Limits::default() }).await;
    assert_eq!(running.client("a").await.subscribe("test/nosubscribe", 1).await, [0x80]);
    assert_eq!(running.client5("b").await.subscribe("test/nosubscribe", 1).await, [0x80]);
    assert_eq!(running.client5("b").await.subscribe("test/+", 1).await, [1]);
}

#[tokio::test]
async fn several_lines_of_one_subscribe_are_answered_one_by_one() {
    let running = gate().await;
    let (mut client, _) = Client::connect(running.way, Options::new("g").v5().user("guest", "secret")).await;
    let mut body = vec![0, 9, 0];
    for (filter, options) in [("public/a", 2), ("private", 1), ("$share/g/public/#", 1)] {
        string(&mut body, filter.as_bytes());
        body.push(options);
    }
    client.send(&packet(0x82, &body)).await;
    assert_eq!(client.expect().await, Got::SubAck { id: 9, codes: vec![2, 0x87, 1] });
}

#[tokio::test]
async fn a_client_that_goes_on_sending_still_reads_why_it_is_disconnected() {
    let running = gate_with(Limits { receive_max: 3, ..Limits::default() }).await;
    for _ in 0..20 {
        let mut client = running.client5("p").await;
        // What comes behind the publish that is too many must not reset the connection.
        let flood: Vec<u8> =
            (1..=2_000).flat_map(|id| publish_packet(true, 4, "a", id, &[], &[b'x'; 200])).collect();
        client.send(&flood).await;
        loop {
            match client.expect().await {
                Got::PubRec { reason: 0, .. } => {}
                Got::Disconnect { reason: 0x93 } => break,
                other => panic!("{other:?}"),
            }
        }
    }
}
