//! What the gate shows of its clients and what it lets them learn: details, kick, learning mode, the pace of a
//! publisher, refusals that do not flood.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod common;

use std::collections::BTreeSet;

use broker::{Action, GateEvent, Granted, Limits, RefusedAt};
use common::{Client, Got, Options, Running, eventually, gate, gate_with, publish_packet};

fn guest(learning: bool) -> Granted {
    Granted { user: "guest".into(), permissions: common::permissions("guest").unwrap(), learning }
}

fn learned(running: &Running) -> Vec<(Action, String)> {
    let diary = running.diary.0.lock();
    let learned = diary.iter().filter_map(|event| match event {
        GateEvent::Learned { action, topic, client_id, user } => {
            assert_eq!((client_id.as_str(), user.as_str()), ("a", "guest"));
            Some((*action, topic.clone()))
        }
        _ => None,
    });
    learned.collect()
}

/// The reason code of a QoS 1 PUBLISH.
async fn published(client: &mut Client, topic: &str) -> u8 {
    let id = client.id();
    client.send(&publish_packet(true, 2, topic, id, &[], b"x")).await;
    match client.answer().await {
        Got::PubAck { id: answered, reason } if answered == id => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn learning_begins_and_ends_on_an_open_connection_and_tells_each_thing_once() {
    let running = gate().await;
    let mut client = Client::connect(running.addr, Options::new("a").v5().user("guest", "secret")).await.0;
    client.subscribe("public/#", 0).await;
    assert_eq!(published(&mut client, "tele/a").await, 0x87);
    assert_eq!(client.subscribe("cmnd/a", 0).await, [0x87]);

    running.gate.permissions_changed(&guest(true));
    for _ in 0..3 {
        assert!(published(&mut client, "tele/a").await < 0x80);
    }
    assert_eq!(client.subscribe("cmnd/a", 0).await, [0]);
    assert_eq!(client.subscribe("$share/g/shared/+", 0).await, [0]);
    assert_eq!(published(&mut client, "$SYS/broker/uptime").await, 0x87, "the server speaks for itself");
    assert!(running.gate.client("a").unwrap().info.learning);
    let expected = [
        (Action::Subscribe, "public/#".to_owned()),
        (Action::Publish, "tele/a".to_owned()),
        (Action::Subscribe, "cmnd/a".to_owned()),
        (Action::Subscribe, "shared/+".to_owned()),
    ];
    assert_eq!(learned(&running), expected);

    running.gate.permissions_changed(&guest(false));
    assert_eq!(published(&mut client, "tele/a").await, 0x87);
    let mut admin = running.client("admin").await;
    admin.publish("cmnd/a", "1", 0).await;
    admin.publish("public/a", "2", 0).await;
    assert_eq!(client.receive().await.text(), "2", "what it may not read any more is not delivered");
    assert_eq!(learned(&running), expected, "nothing is learned any more");
}

#[tokio::test]
async fn a_client_is_shown_with_its_will_and_subscriptions_and_can_be_kicked() {
    let running = gate().await;
    let options = Options::new("a").v5().lasting().will("gone", "yes");
    let mut client = Client::connect(running.addr, options.clone()).await.0;
    client.subscribe("b/+", 1).await;
    client.subscribe("a", 2).await;
    let detail = running.gate.client("a").unwrap();
    let filters: Vec<_> = detail.subscriptions.iter().map(|s| (s.filter.as_str(), s.qos as u8)).collect();
    assert_eq!(filters, [("a", 2), ("b/+", 1)]);
    let will = detail.will.unwrap();
    assert_eq!((will.topic.as_str(), &will.payload[..], will.qos as u8), ("gone", &b"yes"[..], 1));
    assert!(detail.permissions.unwrap().may_write("anything"));
    assert_eq!(detail.info.subscription_count, 2);

    assert!(running.gate.kick("a", "the owner closed it"));
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x98 });
    let told = || {
        let diary = running.diary.0.lock();
        diary
            .iter()
            .any(|event| matches!(event, GateEvent::Disconnected { why, .. } if why == "the owner closed it"))
    };
    eventually("the end to be told", told).await;
    assert!(!running.gate.kick("a", "again"), "it is asleep");
    assert!(!running.gate.kick("nobody", "") && running.gate.client("nobody").is_none());
    assert!(Client::connect(running.addr, options).await.1, "its session stayed");
}

#[tokio::test]
async fn denials_are_counted_per_client_and_begin_anew_with_a_connection() {
    let running = gate().await;
    let options = Options::new("a").v5().user("guest", "secret").lasting();
    let mut client = Client::connect(running.addr, options.clone()).await.0;
    for _ in 0..5 {
        assert_eq!(published(&mut client, "x").await, 0x87);
    }
    assert_eq!(running.gate.client("a").unwrap().info.denied, 5);
    client.disconnect().await;
    let _again = Client::connect(running.addr, options).await;
    assert_eq!(running.gate.client("a").unwrap().info.denied, 0);
}

#[tokio::test]
async fn a_client_that_publishes_faster_than_its_limit_is_read_more_slowly_and_loses_nothing() {
    let running = gate_with(Limits { publish_messages_per_s: 200, ..Limits::default() }).await;
    let mut listener = running.client("listener").await;
    listener.subscribe("flood/#", 0).await;
    let mut flood = running.client("flood").await;
    for n in 0..600 {
        flood.publish(&format!("flood/{n}"), &n.to_string(), 0).await;
    }
    let mut other = running.client("other").await;
    other.publish("flood/other", "at once", 0).await;
    let texts = listener.texts(601).await;
    let of_flood: Vec<_> = texts.iter().filter(|text| *text != "at once").cloned().collect();
    assert_eq!(of_flood, (0..600).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_ne!(texts.last().map(String::as_str), Some("at once"), "the other client did not wait");
    assert!(running.gate.counters().slowed > 0);
    let limit = |event: &GateEvent| matches!(event, GateEvent::Refused { at: RefusedAt::Limit, client_id: Some(id), .. } if id == "flood");
    let told = running.diary.0.lock().iter().filter(|event| limit(event)).count();
    assert_eq!(told, 1, "the same is told once");
    assert_eq!(running.gate.counters().refused, 0);
}

#[tokio::test]
async fn refused_logins_of_ever_new_names_are_counted_and_not_told_one_by_one() {
    let running = gate().await;
    for n in 0..100 {
        let options = Options::new(&format!("c{n}")).user(&format!("u{n}"), "wrong");
        assert_eq!(Client::refused(running.addr, options).await, 4);
    }
    let told = || {
        let diary = running.diary.0.lock();
        let counts = diary.iter().filter_map(|event| match event {
            GateEvent::Refused { count, more, .. } => Some(count + more),
            _ => None,
        });
        counts.collect::<Vec<_>>()
    };
    eventually("all to be told", || told().iter().sum::<u64>() == 100).await;
    assert!(told().len() <= 40, "{} events", told().len());
    let words: BTreeSet<String> = running.diary.0.lock().iter().map(|event| format!("{event:?}")).collect();
    assert!(words.iter().all(|words| !words.contains("wrong\"")), "no password is told");
}
