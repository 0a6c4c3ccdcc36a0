//! The rules of MQTT 3.1.1 and 5, as dialogues on the wire.

#![allow(clippy::unwrap_used, reason = "the functions behind `over_each!` are tests too")]

mod common;

use std::time::Duration;

use broker::{Action, GateEvent, Granted, Limits};
use common::{Client, Got, Options, Running, eventually, gate, gate_with, over_each, packet, publish_packet};
use model::TopicFilter;

async fn r11_retained_messages_come_all_at_every_qos_and_r16_again_on_resubscribing(running: Running) {
    let mut publisher = running.client("publisher").await;
    for n in 0..500 {
        publisher.retain(&format!("r/{n:03}"), "x").await;
    }
    for qos in [0, 1] {
        let mut client = running.client(&format!("q{qos}")).await;
        for _ in 0..2 {
            client.subscribe("r/#", qos).await;
            for n in 0..500 {
                let received = client.receive().await;
                assert_eq!((received.topic, received.retain, received.qos), (format!("r/{n:03}"), true, qos));
            }
        }
    }
}
over_each!(r11_retained_messages_come_all_at_every_qos_and_r16_again_on_resubscribing);

async fn r12_only_an_empty_retained_publish_removes_the_retained_message(running: Running) {
    let mut client = running.client("a").await;
    client.retain("r", "kept").await;
    client.publish("r", "", 1).await;
    client.subscribe("r", 0).await;
    assert_eq!(client.receive().await.text(), "kept");
    client.retain("r", "").await;
    assert_eq!(client.receive().await.text(), "");
    client.subscribe("r", 0).await;
    client.expect_nothing().await;
    assert_eq!(running.gate.retained(&TopicFilter::new("#").unwrap(), 10).len(), 0);
}
over_each!(r12_only_an_empty_retained_publish_removes_the_retained_message);

async fn r13_acknowledgements_may_come_in_any_order_and_pubrel_is_always_answered(running: Running) {
    let mut client = running.client("a").await;
    client.subscribe("a", 1).await;
    let mut publisher = running.client("b").await;
    let mut ids = Vec::new();
    for n in 0..3 {
        publisher.publish("a", &n.to_string(), 1).await;
        match client.expect().await {
            Got::Publish(publish) => ids.push(publish.id),
            other => panic!("{other:?}"),
        }
    }
    for id in ids.into_iter().rev() {
        client.ack(0x40, id).await;
    }
    for _ in 0..2 {
        client.ack(0x62, 7).await;
        assert_eq!(client.expect().await, Got::PubComp { id: 7, reason: 0 });
    }
    client.expect_nothing().await;
}
over_each!(r13_acknowledgements_may_come_in_any_order_and_pubrel_is_always_answered);

async fn r14_a_repeated_qos_2_publish_is_delivered_once(running: Running) {
    let mut subscriber = running.client("s").await;
    subscriber.subscribe("a", 2).await;
    let mut client = running.client("p").await;
    client.send(&publish_packet(false, 4, "a", 1, &[], b"1")).await;
    assert_eq!(client.expect().await, Got::PubRec { id: 1, reason: 0 });
    client.send(&publish_packet(false, 4 | 8, "a", 1, &[], b"1")).await;
    assert_eq!(client.expect().await, Got::PubRec { id: 1, reason: 0 });
    client.ack(0x62, 1).await;
    assert_eq!(client.expect().await, Got::PubComp { id: 1, reason: 0 });
    client.send(&publish_packet(false, 4, "a", 1, &[], b"2")).await;
    assert_eq!(client.expect().await, Got::PubRec { id: 1, reason: 0 });
    assert_eq!(subscriber.texts(2).await, ["1", "2"]);
    subscriber.expect_nothing().await;
}
over_each!(r14_a_repeated_qos_2_publish_is_delivered_once);

async fn r15_unsubscribing_is_answered_and_ends_the_messages(running: Running) {
    let mut client = running.client("a").await;
    assert!(client.unsubscribe("never/had").await.is_empty());
    client.subscribe("a", 0).await;
    client.unsubscribe("a").await;
    client.publish("a", "x", 1).await;
    client.expect_nothing().await;
    let mut client = running.client5("b").await;
    assert_eq!(client.unsubscribe("never/had").await, [0x11]);
}
over_each!(r15_unsubscribing_is_answered_and_ends_the_messages);

#[tokio::test]
async fn r17_sys_topics_may_be_subscribed_to() {
    let running = gate_with(Limits { sys_interval_ms: 0, ..Limits::default() }).await;
    let mut client = running.client("explorer").await;
    assert_eq!(client.subscribe("$SYS/#", 0).await, [0]);
    assert_eq!(client.subscribe("#", 0).await, [0]);
    client.ping().await;
}

async fn r18_keepalive_0_means_none_and_r20_silence_ends_the_others_whatever_goes_out(running: Running) {
    let (mut patient, _) = Client::connect(running.way, Options::new("patient").keepalive(0)).await;
    let mut watcher = running.client("watcher").await;
    watcher.subscribe("will", 1).await;
    let options = Options::new("dead").keepalive(1).will("will", "gone");
    let (mut dead, _) = Client::connect(running.way, options).await;
    dead.subscribe("busy", 0).await;
    let mut publisher = running.client("publisher").await;
    let feeding = tokio::spawn(async move {
        loop {
            publisher.publish("busy", "x", 0).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    assert_eq!(watcher.receive().await.text(), "gone");
    feeding.abort();
    assert_eq!(running.gate.counters().keepalive_timeouts, 1);
    patient.ping().await;
}
over_each!(r18_keepalive_0_means_none_and_r20_silence_ends_the_others_whatever_goes_out);

async fn r19_a_refused_login_is_answered_with_a_code(running: Running) {
    let wrong = |id: &str| Options::new(id).user("admin", "wrong");
    assert_eq!(Client::refused(running.way, wrong("a")).await, 4);
    assert_eq!(Client::refused(running.way, wrong("b").v5()).await, 0x86);
    let nobody = |id: &str| Options { login: None, ..Options::new(id) };
    assert_eq!(Client::refused(running.way, nobody("c")).await, 5);
    assert_eq!(Client::refused(running.way, nobody("d").v5()).await, 0x87);
    assert_eq!(Client::refused(running.way, wrong("a")).await, 4);
    let told =
        running.diary.0.lock().iter().filter(|event| matches!(event, GateEvent::Refused { .. })).count();
    assert_eq!(told, 4, "the same again is counted");
}
over_each!(r19_a_refused_login_is_answered_with_a_code);

#[tokio::test]
async fn an_unknown_protocol_level_is_answered() {
    let running = gate().await;
    for (level, code) in [(6, 0x84), (2, 1)] {
        let mut options = Options::new("a");
        options.level = level;
        let mut client = Client::raw(running.way).await;
        client.v5 = level > 5;
        client.send(&options.packet()).await;
        assert!(matches!(client.expect().await, Got::ConnAck { code: got, .. } if got == code));
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn mqtt_3_1_is_spoken_too() {
    let running = gate().await;
    let mut options = Options::new("old");
    options.level = 3;
    let (mut client, _) = Client::connect(running.way, options).await;
    client.subscribe("a", 0).await;
    client.publish("a", "x", 0).await;
    assert_eq!(client.receive().await.text(), "x");
}

async fn r22_a_message_has_the_lower_of_the_two_qos(running: Running) {
    let mut publisher = running.client("p").await;
    for subscribed in 0..3 {
        let mut client = running.client("s").await;
        client.subscribe("a", subscribed).await;
        for published in 0..3 {
            publisher.publish("a", "x", published).await;
            assert_eq!(client.receive().await.qos, subscribed.min(published));
        }
        client.disconnect().await;
    }
}
over_each!(r22_a_message_has_the_lower_of_the_two_qos);

async fn r24_a_client_that_breaks_the_protocol_is_closed(running: Running) {
    let filter = |v5: bool| {
        let mut body = vec![0, 1];
        if v5 {
            body.push(0);
        }
        common::string(&mut body, b"a/#/b");
        body.push(0);
        packet(0x82, &body)
    };
    type Broken<'a> = (&'a str, Box<dyn Fn(bool) -> Vec<u8>>, u8);
    let breaks: Vec<Broken<'_>> = vec![
        ("wildcard in a topic", Box::new(|v5| publish_packet(v5, 0, "a/+", 0, &[], b"x")), 0x90),
        ("invalid filter", Box::new(filter), 0x81),
        (
            "second CONNECT",
            Box::new(|v5| {
                let mut options = Options::new("a");
                options.level = if v5 { 5 } else { 4 };
                options.packet()
            }),
            0x82,
        ),
        ("QoS 3", Box::new(|v5| publish_packet(v5, 6, "a", 1, &[], b"x")), 0x81),
        ("packet id 0", Box::new(|v5| publish_packet(v5, 2, "a", 0, &[], b"x")), 0x82),
        ("a packet only servers send", Box::new(|_| vec![0x20, 2, 0, 0]), 0x82),
        ("reserved flags", Box::new(|_| vec![0xC1, 0]), 0x81),
    ];
    for (what, bytes, reason) in breaks {
        let mut client = running.client("a").await;
        client.send(&bytes(false)).await;
        client.expect_closed().await;
        let mut client = running.client5("a").await;
        client.send(&bytes(true)).await;
        assert_eq!(client.expect().await, Got::Disconnect { reason }, "{what}");
        client.expect_closed().await;
    }
    let mut client = Client::raw(running.way).await;
    client.send(&publish_packet(false, 0, "a", 0, &[], b"x")).await;
    client.expect_closed().await;
}
over_each!(r24_a_client_that_breaks_the_protocol_is_closed);

async fn r25_the_same_client_id_takes_the_connection_over(running: Running) {
    let mut watcher = running.client("watcher").await;
    watcher.subscribe("will", 0).await;
    let (mut first, _) =
        Client::connect(running.way, Options::new("a").v5().will("will", "taken over")).await;
    let mut second = running.client5("a").await;
    assert_eq!(first.expect().await, Got::Disconnect { reason: 0x8E });
    first.expect_closed().await;
    assert_eq!(watcher.receive().await.text(), "taken over");
    second.subscribe("a", 0).await;
    second.publish("a", "x", 0).await;
    assert_eq!(second.receive().await.text(), "x");
}
over_each!(r25_the_same_client_id_takes_the_connection_over);

#[tokio::test]
async fn another_credential_cannot_take_a_connection_over() {
    let running = gate().await;
    let mut first = running.client("a").await;
    assert_eq!(Client::refused(running.way, Options::new("a").user("guest", "secret")).await, 5);
    first.ping().await;
}

#[tokio::test]
async fn a_will_follows_every_end_but_a_goodbye() {
    let running = gate().await;
    let mut watcher = running.client("watcher").await;
    watcher.subscribe("will", 1).await;
    let options = Options::new("a").will("will", "gone");
    let (polite, _) = Client::connect(running.way, options.clone()).await;
    polite.disconnect().await;
    let (rude, _) = Client::connect(running.way, options.clone()).await;
    drop(rude);
    assert_eq!(watcher.receive().await.text(), "gone");
    let five = options.v5().will("will", "wanted");
    let (mut client, _) = Client::connect(running.way, five).await;
    client.send(&[0xE0, 1, 0x04]).await;
    client.expect_closed().await;
    assert_eq!(watcher.receive().await.text(), "wanted");
    watcher.expect_nothing().await;
}

#[tokio::test]
async fn a_delayed_will_is_not_sent_when_the_client_comes_back() {
    let running = gate().await;
    let mut watcher = running.client("watcher").await;
    watcher.subscribe("will/+", 1).await;
    let with_will = |id: &str| {
        let mut options = Options::new(id).v5().lasting().will(&format!("will/{id}"), "gone");
        options.will.as_mut().unwrap().properties = vec![0x18, 0, 0, 0, 1];
        options
    };
    let (back, _) = Client::connect(running.way, with_will("back")).await;
    let (away, _) = Client::connect(running.way, with_will("away")).await;
    drop((back, away));
    eventually("both to be gone", || running.gate.counters().sleeping == 2).await;
    let (_back, present) = Client::connect(running.way, with_will("back")).await;
    assert!(present);
    assert_eq!(watcher.receive().await.topic, "will/away");
    watcher.expect_nothing().await;
}

#[tokio::test]
async fn what_is_not_permitted_is_denied_and_told_once() {
    let running = gate().await;
    let mut all = running.client("all").await;
    all.subscribe("#", 0).await;
    let plug = |id: &str| Options::new(id).user("plug", "secret");
    let (mut old, _) = Client::connect(running.way, plug("p1")).await;
    old.publish("plug/p1/state", "mine", 1).await;
    for _ in 0..10 {
        // Silent before MQTT 5: acknowledged and dropped.
        old.publish("plug/p2/state", "not mine", 1).await;
        old.publish("plug/p2/state", "not mine", 2).await;
    }
    assert_eq!(old.subscribe("#", 0).await, [0x80]);
    assert_eq!(old.subscribe("public/x", 0).await, [0]);
    let (mut new, _) = Client::connect(running.way, plug("p3").v5()).await;
    new.send(&publish_packet(true, 2, "elsewhere", 5, &[], b"x")).await;
    assert_eq!(new.expect().await, Got::PubAck { id: 5, reason: 0x87 });
    new.send(&publish_packet(true, 4, "elsewhere", 6, &[], b"x")).await;
    assert_eq!(new.expect().await, Got::PubRec { id: 6, reason: 0x87 });
    assert_eq!(new.subscribe("#", 0).await, [0x87]);
    assert_eq!(all.receive().await.text(), "mine");
    all.expect_nothing().await;
    let denied = |wanted: Action| {
        let diary = running.diary.0.lock();
        let told = diary.iter().filter_map(|event| match event {
            GateEvent::Denied { client_id, topic, action, .. } if *action == wanted => {
                Some(format!("{client_id} {topic}"))
            }
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    assert_eq!(denied(Action::Publish), ["p1 plug/p2/state", "p3 elsewhere"]);
    assert_eq!(denied(Action::Subscribe), ["p1 #", "p3 #"]);
    assert_eq!(running.gate.counters().denied, 24);
}

#[tokio::test]
async fn a_will_without_permission_is_not_published() {
    let running = gate().await;
    let mut all = running.client("all").await;
    all.subscribe("#", 0).await;
    let options = Options::new("p").user("plug", "secret").will("elsewhere", "gone");
    assert_eq!(Client::refused(running.way, options.clone().v5()).await, 0x87);
    drop(Client::connect(running.way, options).await);
    eventually("it to be gone", || running.gate.counters().connected == 1).await;
    all.expect_nothing().await;
    let diary = running.diary.0.lock();
    let told = diary.iter().filter_map(|event| match event {
        GateEvent::Denied { topic, action: Action::Will { let_in }, .. } => Some((topic.as_str(), *let_in)),
        GateEvent::Refused { why, .. } => panic!("it is told once, as a denial: {why}"),
        _ => None,
    });
    assert_eq!(told.collect::<Vec<_>>(), [("elsewhere", false), ("elsewhere", true)]);
}

#[tokio::test]
async fn a_packet_above_a_limit_is_told_with_the_limit_to_raise() {
    let limits = Limits { packet_bytes_max: 4_096, connect_bytes_max: 2_048, ..Limits::default() };
    let running = gate_with(limits).await;
    let mut client = running.client("a").await;
    client.send(&publish_packet(false, 0, "t", 0, &[], &[1; 5_000])).await;
    client.expect_closed().await;
    let mut stranger = Client::raw(running.way).await;
    stranger.send(&Options::new("b").will("w", &"x".repeat(3_000)).packet()).await;
    stranger.expect_closed().await;
    let told = || {
        let diary = running.diary.0.lock();
        let told = diary.iter().filter_map(|event| match event {
            GateEvent::Refused { advice, .. } => advice.split(' ').nth(1).map(str::to_owned),
            _ => None,
        });
        told.collect::<Vec<_>>()
    };
    eventually("both to be told", || told().len() == 2).await;
    assert_eq!(told(), ["`packet_bytes_max`", "`connect_bytes_max`"]);
}

#[tokio::test]
async fn withdrawn_permissions_end_deliveries_and_publishes_at_once() {
    let running = gate().await;
    let mut client = running.client5("a").await;
    client.subscribe("secret/#", 1).await;
    client.publish("secret/a", "1", 0).await;
    assert_eq!(client.receive().await.text(), "1");
    let permissions = common::permissions("guest").unwrap();
    running.gate.permissions_changed(&Granted { user: "admin".into(), permissions, learning: false });
    client.send(&publish_packet(true, 2, "secret/a", 9, &[], b"2")).await;
    assert_eq!(client.expect().await, Got::PubAck { id: 9, reason: 0x87 });
    let draft = own("secret/a", "3");
    running.gate.publish(vec![draft]);
    client.expect_nothing().await;
    assert_eq!(running.gate.disconnect_user("admin", "The credential was revoked."), 1);
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x98 });
}

fn own(topic: &str, payload: &str) -> broker::Draft {
    broker::Draft {
        topic: topic.into(),
        payload: payload.to_owned().into(),
        qos: model::QoS::AtLeastOnce,
        retain: false,
        publisher: std::sync::Arc::new(model::Publisher::hub("test")),
        cause: None,
        properties: None,
        inbound_qos2: None,
    }
}

#[tokio::test]
async fn an_assigned_client_id_is_told_and_a_nameless_lasting_session_refused() {
    let running = gate().await;
    let mut client = Client::raw(running.way).await;
    client.v5 = true;
    client.send(&Options::new("").v5().packet()).await;
    match client.expect().await {
        Got::ConnAck { code: 0, properties, .. } => {
            let clients = running.gate.clients();
            let id = clients[0].client_id.as_bytes();
            let told = properties.windows(id.len()).any(|window| window == id);
            assert!(told, "the assigned id is in CONNACK");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(Client::refused(running.way, Options::new("").lasting()).await, 2);
    let _nameless = running.client("").await;
}

#[tokio::test]
async fn subscribe_options_of_mqtt_5() {
    let running = gate().await;
    let mut client = running.client5("a").await;
    // No local (4): not what it sent itself.
    client.subscribe_with("own", 4 | 1, &[]).await;
    client.publish("own", "x", 1).await;
    client.expect_nothing().await;
    // Retain as published (8), and not.
    client.subscribe_with("kept", 8, &[]).await;
    client.subscribe_with("plain", 0, &[]).await;
    client.publish_with("kept", "x", 0, true, &[]).await;
    assert!(client.receive().await.retain);
    client.publish_with("plain", "x", 0, true, &[]).await;
    assert!(!client.receive().await.retain);
    // Retain handling 2: never; 1: only when new; 0: always.
    client.unsubscribe("kept").await;
    client.subscribe_with("kept", 2 << 4, &[]).await;
    client.expect_nothing().await;
    client.subscribe_with("kept", 1 << 4, &[]).await;
    client.expect_nothing().await;
    client.unsubscribe("kept").await;
    client.subscribe_with("kept", 1 << 4, &[]).await;
    assert!(client.receive().await.retain);
}

#[tokio::test]
async fn overlapping_subscriptions_bring_one_copy_with_all_identifiers() {
    let running = gate().await;
    let mut client = running.client5("a").await;
    client.subscribe_with("a/#", 0, &[0x0B, 1]).await;
    client.subscribe_with("a/+", 2, &[0x0B, 2]).await;
    client.send(&publish_packet(true, 2, "a/b", 1, &[], b"x")).await;
    let mut got = vec![client.expect().await, client.expect().await];
    got.retain(|got| matches!(got, Got::Publish(_)));
    match &got[..] {
        [Got::Publish(publish)] => {
            assert_eq!(publish.qos, 1);
            assert!(publish.properties == [0x0B, 1, 0x0B, 2] || publish.properties == [0x0B, 2, 0x0B, 1]);
        }
        other => panic!("{other:?}"),
    }
    client.expect_nothing().await;
}

#[tokio::test]
async fn properties_of_a_message_travel_with_it() {
    let running = gate().await;
    let mut client = running.client5("a").await;
    client.subscribe("a", 0).await;
    let mut properties = vec![0x01, 1];
    properties.extend([0x03, 0, 1, b't', 0x08, 0, 1, b'r', 0x09, 0, 2, 1, 2]);
    properties.extend([0x26, 0, 1, b'k', 0, 1, b'v', 0x26, 0, 1, b'k', 0, 1, b'w']);
    client.publish_with("a", "x", 0, false, &properties).await;
    assert_eq!(client.receive().await.properties, properties);
}

#[tokio::test]
async fn topic_aliases_of_a_client_are_resolved() {
    let running = gate().await;
    let mut subscriber = running.client5("s").await;
    subscriber.subscribe("home/#", 0).await;
    let mut client = running.client5("p").await;
    client.publish_with("home/a", "1", 0, false, &[0x23, 0, 1]).await;
    client.publish_with("home/b", "2", 0, false, &[0x23, 0, 2]).await;
    client.publish_with("", "3", 0, false, &[0x23, 0, 1]).await;
    for (topic, text) in [("home/a", "1"), ("home/b", "2"), ("home/a", "3")] {
        let received = subscriber.receive().await;
        assert_eq!((received.topic.as_str(), received.text().as_str()), (topic, text));
    }
    client.publish_with("", "x", 0, false, &[0x23, 0, 9]).await;
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x94 });
}

#[tokio::test]
async fn the_clients_receive_maximum_and_packet_size_are_kept() {
    let running = gate().await;
    let options = Options::new("s").v5().property(&[0x21, 0, 2]).property(&[0x27, 0, 0, 0, 60]);
    let (mut client, _) = Client::connect(running.way, options).await;
    client.subscribe("a", 1).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", &"x".repeat(100), 1).await;
    for n in 0..4 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    let mut ids = Vec::new();
    for _ in 0..2 {
        match client.expect().await {
            Got::Publish(publish) => ids.push(publish.id),
            other => panic!("{other:?}"),
        }
    }
    // Two are on the way, so the third waits for an acknowledgement.
    client.expect_nothing().await;
    client.ack(0x40, ids[0]).await;
    assert_eq!(client.receive().await.text(), "2");
    assert_eq!(client.receive().await.text(), "3");
    assert_eq!(running.gate.counters().too_large, 1);
}

#[tokio::test]
async fn an_expired_message_is_not_delivered() {
    let running = gate().await;
    let (mut client, _) = Client::connect(running.way, Options::new("s").v5().lasting()).await;
    client.subscribe("a", 1).await;
    drop(client);
    eventually("it to sleep", || running.gate.counters().sleeping == 1).await;
    let mut publisher = running.client5("p").await;
    publisher.publish_with("a", "short", 1, false, &[0x02, 0, 0, 0, 1]).await;
    publisher.publish_with("a", "long", 1, false, &[0x02, 0, 0, 3, 0xE8]).await;
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    let (mut client, present) = Client::connect(running.way, Options::new("s").v5().lasting()).await;
    assert!(present);
    let received = client.receive().await;
    assert_eq!(received.text(), "long");
    assert_eq!(received.properties[..3], [0x02, 0, 0], "the time it waited is taken off");
    assert!(received.properties[3..] < [3, 0xE8][..]);
    assert_eq!(running.gate.counters().expired, 1);
}

#[tokio::test]
async fn more_publishes_in_flight_than_announced_are_an_error() {
    let running = gate_with(Limits { receive_max: 5, ..Limits::default() }).await;
    let mut client = running.client5("p").await;
    running.ledger.hold();
    for id in 1..=6 {
        client.send(&publish_packet(true, 2, "a", id, &[], b"x")).await;
    }
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x93 });
    running.ledger.release();
}

#[tokio::test]
async fn hearths_own_messages_reach_clients_and_become_durable() {
    let running = gate().await;
    let mut client = running.client("a").await;
    client.subscribe("own", 1).await;
    let messages = running.gate.publish(vec![own("own", "1"), own("own", "2")]);
    assert_eq!(messages.len(), 2);
    assert!(messages[0].id < messages[1].id);
    assert_eq!(client.texts(2).await, ["1", "2"]);
    tokio::time::timeout(common::PATIENCE, running.gate.durable(messages[1].id)).await.unwrap();
    assert_eq!(running.gate.counters().messages_own, 2);
}

#[tokio::test]
async fn a_lasting_session_may_be_resumed_for_the_last_time() {
    let running = gate().await;
    let (client, _) = Client::connect(running.way, Options::new("a").v5().lasting()).await;
    client.disconnect().await;
    eventually("it to sleep", || running.gate.counters().sleeping == 1).await;
    let mut last = Options::new("a").v5();
    last.clean = false;
    let (client, present) = Client::connect(running.way, last).await;
    assert!(present);
    client.disconnect().await;
    eventually("the session to end", || running.gate.clients().is_empty()).await;
    running.settled().await;
    let running = running.crash_and_restart().await;
    assert!(running.gate.clients().is_empty());
}
