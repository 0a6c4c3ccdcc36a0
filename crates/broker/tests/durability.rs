//! What was acknowledged is never lost, and QoS 2 is never doubled: over disconnects, restarts and crashes.

#![allow(clippy::unwrap_used, reason = "the functions behind `over_each!` are tests too")]

mod common;

use std::collections::BTreeMap;
use std::time::Duration;

use broker::{GateEvent, Limits};
use common::{Client, Got, Options, Running, eventually, gate, gate_with, over_each, publish_packet};

async fn lasting(running: &Running, id: &str) -> (Client, bool) {
    Client::connect(running.way, Options::new(id).lasting()).await
}

async fn asleep(running: &Running, count: u64) {
    eventually("the session to sleep", || running.gate.counters().sleeping == count).await;
}

/// Nothing comes within a moment: for what must not happen while the journal is held.
async fn nothing_for_a_moment(client: &mut Client) {
    let next = tokio::time::timeout(Duration::from_millis(150), client.next()).await;
    assert!(next.is_err(), "got {next:?}");
}

#[tokio::test]
async fn qos_1_and_2_are_acknowledged_only_when_durable() {
    let running = gate().await;
    let mut client = running.client("a").await;
    running.ledger.hold();
    client.send(&publish_packet(false, 2, "a", 1, &[], b"x")).await;
    client.send(&publish_packet(false, 4, "a", 2, &[], b"x")).await;
    nothing_for_a_moment(&mut client).await;
    running.ledger.release();
    assert_eq!(client.expect().await, Got::PubAck { id: 1, reason: 0 });
    assert_eq!(client.expect().await, Got::PubRec { id: 2, reason: 0 });
}

#[tokio::test]
async fn a_lasting_subscription_is_acknowledged_only_when_durable() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "a").await;
    running.ledger.hold();
    client.send_subscribe("a", 1, &[]).await;
    nothing_for_a_moment(&mut client).await;
    running.ledger.release();
    assert!(matches!(client.expect().await, Got::SubAck { .. }));
}

async fn r21_a_sleeping_session_gets_everything_on_return(running: Running) {
    let (mut client, present) = lasting(&running, "a").await;
    assert!(!present);
    client.subscribe("a", 1).await;
    drop(client);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    for n in 0..1_000 {
        publisher.publish("a", &n.to_string(), 1).await;
        publisher.publish("a", "not kept", 0).await;
    }
    let (mut client, present) = lasting(&running, "a").await;
    assert!(present);
    let expected: Vec<String> = (0..1_000).map(|n| n.to_string()).collect();
    assert_eq!(client.texts(1_000).await, expected);
    client.expect_nothing().await;
}
over_each!(r21_a_sleeping_session_gets_everything_on_return);

#[tokio::test]
async fn r21_a_full_queue_drops_its_oldest_and_counts_them() {
    let running = gate_with(Limits { session_queue_messages_max: 10, ..Limits::default() }).await;
    let (mut client, _) = lasting(&running, "a").await;
    client.subscribe("a", 1).await;
    drop(client);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    for n in 0..25 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    let (mut client, _) = lasting(&running, "a").await;
    let expected: Vec<String> = (15..25).map(|n| n.to_string()).collect();
    assert_eq!(client.texts(10).await, expected);
    assert_eq!(running.gate.counters().dropped_queue, 15);
    let diary = running.diary.0.lock();
    assert!(
        diary.iter().any(|event| matches!(event, GateEvent::Dropped { client_id, .. } if client_id == "a"))
    );
}

async fn r23_a_session_lives_as_long_as_it_was_asked_for(running: Running) {
    let expiring = |seconds: u8, clean: bool| {
        let mut options = Options::new("a").v5().property(&[0x11, 0, 0, 0, seconds]);
        options.clean = clean;
        options
    };
    drop(Client::connect(running.way, expiring(1, true)).await);
    asleep(&running, 1).await;
    eventually("the session to expire", || running.gate.counters().sleeping == 0).await;
    let (client, present) = Client::connect(running.way, expiring(100, true)).await;
    assert!(!present);
    drop(client);
    asleep(&running, 1).await;
    let (mut client, present) = Client::connect(running.way, expiring(100, false)).await;
    assert!(present);
    // DISCONNECT may end it.
    client.send(&[0xE0, 7, 0, 5, 0x11, 0, 0, 0, 0]).await;
    client.expect_closed().await;
    eventually("the session to end", || running.gate.clients().is_empty()).await;
    let (client, present) = Client::connect(running.way, expiring(100, false)).await;
    assert!(!present);
    drop(client);
    asleep(&running, 1).await;
    let (_client, present) = Client::connect(running.way, expiring(0, true)).await;
    assert!(!present);
}
over_each!(r23_a_session_lives_as_long_as_it_was_asked_for);

#[tokio::test]
async fn unacknowledged_messages_are_repeated_in_order_with_dup() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "a").await;
    client.subscribe("a", 2).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "1", 1).await;
    publisher.publish("a", "2", 2).await;
    publisher.publish("a", "3", 1).await;
    let mut first = Vec::new();
    for _ in 0..3 {
        match client.expect().await {
            Got::Publish(publish) => first.push((publish.text(), publish.id)),
            other => panic!("{other:?}"),
        }
    }
    first.sort();
    drop(client);
    asleep(&running, 1).await;
    let (mut client, _) = lasting(&running, "a").await;
    for (text, id) in first {
        let again = client.receive().await;
        assert_eq!((again.text(), again.id, again.dup), (text, id, true));
    }
    client.expect_nothing().await;
}

async fn r26_retained_messages_sessions_and_queues_survive_a_crash(running: Running) {
    let (mut sleeper, _) = lasting(&running, "sleeper").await;
    sleeper.subscribe("a/#", 2).await;
    drop(sleeper);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    publisher.retain("r", "kept").await;
    publisher.publish("a/1", "one", 1).await;
    publisher.publish("a/2", "two", 2).await;
    let running = running.crash_and_restart().await;
    assert_eq!(running.gate.counters().sleeping, 1);
    let (mut sleeper, present) = lasting(&running, "sleeper").await;
    assert!(present);
    let (one, two) = (sleeper.receive().await, sleeper.receive().await);
    let mut got = [(one.text(), one.qos, one.dup), (two.text(), two.qos, two.dup)];
    got.sort();
    assert_eq!(got, [("one".into(), 1, false), ("two".into(), 2, false)]);
    sleeper.subscribe("r", 0).await;
    assert_eq!(sleeper.receive().await.text(), "kept");
}
over_each!(r26_retained_messages_sessions_and_queues_survive_a_crash);

#[tokio::test]
async fn a_message_that_was_not_durable_was_not_acknowledged_and_is_gone() {
    let running = gate().await;
    let (mut sleeper, _) = lasting(&running, "sleeper").await;
    sleeper.subscribe("a", 1).await;
    drop(sleeper);
    asleep(&running, 1).await;
    running.settled().await;
    running.ledger.hold();
    let mut publisher = running.client("p").await;
    publisher.send(&publish_packet(false, 2, "a", 1, &[], b"x")).await;
    nothing_for_a_moment(&mut publisher).await;
    let running = running.crash_and_restart().await;
    let (mut sleeper, present) = lasting(&running, "sleeper").await;
    assert!(present);
    sleeper.expect_nothing().await;
}

#[tokio::test]
async fn an_acknowledged_queue_is_not_repeated_after_a_stop() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "a").await;
    client.subscribe("a", 2).await;
    let mut publisher = running.client("p").await;
    for n in 0..20 {
        publisher.publish("a", &n.to_string(), 1 + n % 2).await;
    }
    for _ in 0..20 {
        client.receive().await;
    }
    client.ping().await;
    running.gate.stop().await;
    let running = common::gate_on(running.disk.clone(), Limits::default()).await;
    let (mut client, present) = lasting(&running, "a").await;
    assert!(present);
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_qos_2_publish_repeated_after_a_crash_is_not_accepted_twice() {
    let running = gate().await;
    let (mut subscriber, _) = lasting(&running, "s").await;
    subscriber.subscribe("a", 1).await;
    drop(subscriber);
    let (mut publisher, _) = lasting(&running, "p").await;
    publisher.send(&publish_packet(false, 4, "a", 7, &[], b"once")).await;
    assert_eq!(publisher.expect().await, Got::PubRec { id: 7, reason: 0 });
    let running = running.crash_and_restart().await;
    let (mut publisher, present) = lasting(&running, "p").await;
    assert!(present);
    publisher.send(&publish_packet(false, 4 | 8, "a", 7, &[], b"once")).await;
    assert_eq!(publisher.expect().await, Got::PubRec { id: 7, reason: 0 });
    publisher.ack(0x62, 7).await;
    assert_eq!(publisher.expect().await, Got::PubComp { id: 7, reason: 0 });
    // The id is free again, durably: the next message under it is a new one even after another crash.
    let running = running.crash_and_restart().await;
    let (mut publisher, _) = lasting(&running, "p").await;
    publisher.send(&publish_packet(false, 4, "a", 7, &[], b"twice")).await;
    assert_eq!(publisher.expect().await, Got::PubRec { id: 7, reason: 0 });
    let (mut subscriber, _) = lasting(&running, "s").await;
    assert_eq!(subscriber.texts(2).await, ["once", "twice"]);
    subscriber.expect_nothing().await;
}

#[tokio::test]
async fn a_qos_2_publish_behind_the_pubrel_of_its_packet_id_is_a_new_message() {
    let running = gate().await;
    let (mut subscriber, _) = lasting(&running, "s").await;
    subscriber.subscribe("a", 1).await;
    let (mut publisher, _) = lasting(&running, "p").await;
    let publish = |text: &str| publish_packet(false, 4, "a", 7, &[], text.as_bytes());
    let release = [0x62, 2, 0, 7];
    let received = Got::PubRec { id: 7, reason: 0 };
    let completed = Got::PubComp { id: 7, reason: 0 };
    // In one write, and nothing is durable before all of it was read.
    running.ledger.hold();
    let bytes = [publish("1"), release.to_vec(), publish("2"), release.to_vec(), publish("3")].concat();
    publisher.send(&bytes).await;
    nothing_for_a_moment(&mut publisher).await;
    running.ledger.release();
    for expected in [&received, &completed, &received, &completed, &received] {
        assert_eq!(publisher.expect().await, *expected);
    }
    assert_eq!(subscriber.texts(3).await, ["1", "2", "3"]);
    // The third is open: neither the answers to those before nor a crash have taken its entry away.
    publisher.send(&publish_packet(false, 4 | 8, "a", 7, &[], b"3")).await;
    assert_eq!(publisher.expect().await, received);
    subscriber.ping().await;
    subscriber.disconnect().await;
    asleep(&running, 1).await;
    // How far the subscriber is; else the crash may bring QoS 1 again.
    running.settled().await;
    let running = running.crash_and_restart().await;
    let (mut publisher, _) = lasting(&running, "p").await;
    publisher.send(&publish_packet(false, 4 | 8, "a", 7, &[], b"3")).await;
    assert_eq!(publisher.expect().await, received);
    publisher.send(&[release.to_vec(), publish("4")].concat()).await;
    assert_eq!(publisher.expect().await, completed);
    assert_eq!(publisher.expect().await, received);
    let (mut subscriber, _) = lasting(&running, "s").await;
    assert_eq!(subscriber.texts(1).await, ["4"]);
    subscriber.expect_nothing().await;
}

#[tokio::test]
async fn a_qos_2_delivery_goes_on_after_a_crash_where_it_was() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("a", 2).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "1", 2).await;
    publisher.publish("a", "2", 2).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        match client.expect().await {
            Got::Publish(publish) => ids.push(publish.id),
            other => panic!("{other:?}"),
        }
    }
    // The first has been received, the second is not answered yet.
    client.ack(0x50, ids[0]).await;
    assert_eq!(client.expect().await, Got::PubRel { id: ids[0] });
    let running = running.crash_and_restart().await;
    let (mut client, present) = lasting(&running, "s").await;
    assert!(present);
    let mut got = [client.expect().await, client.expect().await];
    got.sort_by_key(|got| matches!(got, Got::Publish(_)));
    assert_eq!(got[0], Got::PubRel { id: ids[0] }, "only PUBREL may be repeated after PUBREC");
    match &got[1] {
        Got::Publish(again) => assert_eq!((again.text().as_str(), again.id, again.dup), ("2", ids[1], true)),
        other => panic!("{other:?}"),
    }
    client.ack(0x70, ids[0]).await;
    client.ack(0x50, ids[1]).await;
    assert_eq!(client.expect().await, Got::PubRel { id: ids[1] });
    client.ack(0x70, ids[1]).await;
    client.ping().await;
    // Both are complete; a crash before the cursor was written must not bring them back.
    let running = running.crash_and_restart().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.send(&[0xC0, 0]).await;
    loop {
        match client.expect().await {
            Got::PingResp => break,
            Got::PubRel { id } => client.ack(0x70, id).await,
            other => panic!("doubled: {other:?}"),
        }
    }
}

/// Found by the conversation fuzzer: most clients subscribe anew on each connection, and after a crash nothing older
/// than that was looked for.
#[tokio::test]
async fn what_waits_survives_a_crash_although_the_client_subscribed_again() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("a", 2).await;
    drop(client);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    for n in 0..4 {
        publisher.publish("a", &n.to_string(), 1 + n % 2).await;
    }
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("a", 2).await;
    let mut ids = BTreeMap::new();
    while ids.len() < 4 {
        if let Got::Publish(publish) = client.expect().await {
            ids.insert(publish.text(), publish.id);
        }
    }
    client.ping().await;
    let running = running.crash_and_restart().await;
    let (mut client, present) = lasting(&running, "s").await;
    assert!(present);
    let mut again = BTreeMap::new();
    for _ in 0..4 {
        let received = client.receive().await;
        assert!(received.dup);
        if received.qos == 2 {
            assert_eq!(received.id, ids[&received.text()], "a QoS 2 message comes under another packet id");
        }
        again.insert(received.text(), received.id);
    }
    assert!(again.keys().eq(ids.keys()));
}

/// MQTT 5, section 3.10.4: what was begun is completed. And the packet id is not given to a new message, which the
/// client would take for a repetition.
#[tokio::test]
async fn a_qos_2_message_under_way_is_completed_over_a_crash_although_the_client_unsubscribed() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("a", 2).await;
    client.subscribe("b", 2).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "1", 2).await;
    let Got::Publish(first) = client.expect().await else { panic!("no message") };
    client.unsubscribe("a").await;
    let running = running.crash_and_restart().await;
    let (mut client, _) = lasting(&running, "s").await;
    let Got::Publish(again) = client.expect().await else { panic!("no message") };
    assert_eq!((again.text(), again.id, again.dup), (first.text(), first.id, true));
    let mut publisher = running.client("p").await;
    publisher.publish("b", "2", 2).await;
    let Got::Publish(other) = client.expect().await else { panic!("no message") };
    assert!(other.text() == "2" && other.id != first.id, "{other:?}");
}

/// A retained message is older than the session's cursor, and still its exchange is completed.
#[tokio::test]
async fn a_retained_qos_2_message_under_way_keeps_its_packet_id_over_a_crash() {
    let running = gate().await;
    let mut publisher = running.client("p").await;
    publisher.publish_with("a", "kept", 2, true, &[]).await;
    publisher.publish_with("b", "replaced", 2, true, &[]).await;
    let (mut client, _) = lasting(&running, "s").await;
    let mut ids = BTreeMap::new();
    for topic in ["a", "b"] {
        client.subscribe(topic, 2).await;
        let Got::Publish(first) = client.expect().await else { panic!("no message") };
        ids.insert(first.text(), first.id);
    }
    publisher.publish_with("b", "", 1, true, &[]).await;
    assert_eq!(client.receive().await.text(), "");
    let running = running.crash_and_restart().await;
    let (mut client, _) = lasting(&running, "s").await;
    let got = [client.expect().await, client.expect().await];
    assert!(got.contains(&Got::PubRel { id: ids["replaced"] }), "what is gone is released: {got:?}");
    let kept = |got: &Got| matches!(got, Got::Publish(again) if again.text() == "kept" && again.retain && again.id == ids["kept"]);
    assert!(got.iter().any(kept), "{got:?}");
}

/// Two exchanges about one message: as it was published, and as the retained one of a later subscription. Neither is
/// taken for the other, whatever is retained by now.
#[tokio::test]
async fn a_retained_copy_under_way_stays_one_over_a_crash_although_it_was_replaced() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("#", 2).await;
    let mut publisher = running.client("p").await;
    publisher.publish_with("a", "1", 2, true, &[]).await;
    let Got::Publish(own) = client.expect().await else { panic!("no message") };
    client.subscribe("a", 2).await;
    let Got::Publish(copy) = client.expect().await else { panic!("no retained message") };
    assert_eq!((own.retain, copy.retain), (false, true));
    publisher.publish_with("a", "2", 0, true, &[]).await;
    assert_eq!(client.receive().await.text(), "2");
    let running = running.crash_and_restart().await;
    let (mut client, _) = lasting(&running, "s").await;
    for sent in [own, copy] {
        let Got::Publish(again) = client.expect().await else { panic!("no message") };
        assert_eq!((again.id, again.retain, again.text()), (sent.id, sent.retain, sent.text()));
    }
}

#[tokio::test]
async fn a_client_connected_at_the_crash_may_get_qos_1_again_with_dup() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("a", 1).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "1", 1).await;
    match client.expect().await {
        Got::Publish(publish) => assert!(!publish.dup),
        other => panic!("{other:?}"),
    }
    let running = running.crash_and_restart().await;
    let (mut client, _) = lasting(&running, "s").await;
    let again = client.receive().await;
    assert_eq!((again.text().as_str(), again.dup), ("1", true));
}

#[tokio::test]
async fn what_was_on_its_way_to_a_client_that_fell_asleep_comes_again_with_dup_after_a_crash() {
    let running = gate().await;
    let (mut client, _) = lasting(&running, "s").await;
    client.subscribe("a", 1).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "1", 1).await;
    match client.expect().await {
        Got::Publish(publish) => assert!(!publish.dup),
        other => panic!("{other:?}"),
    }
    client.disconnect().await;
    asleep(&running, 1).await;
    // The next message is accepted in a later millisecond than the one it fell asleep in.
    tokio::time::sleep(Duration::from_millis(5)).await;
    publisher.publish("a", "2", 1).await;
    let running = running.crash_and_restart().await;
    let (mut client, _) = lasting(&running, "s").await;
    for expected in [("1", true), ("2", false)] {
        let again = client.receive().await;
        assert_eq!((again.text().as_str(), again.dup), expected);
    }
}

#[tokio::test]
async fn a_failing_journal_is_not_acknowledged_and_told() {
    let running = gate().await;
    let mut old = running.client("old").await;
    let mut new = running.client5("new").await;
    running.ledger.fail(Some("The disk is full."));
    new.send(&publish_packet(true, 2, "a", 1, &[], b"x")).await;
    assert_eq!(new.expect().await, Got::PubAck { id: 1, reason: 0x83 });
    old.send(&publish_packet(false, 2, "a", 1, &[], b"x")).await;
    old.ping().await;
    let told = |wanted: bool| {
        let diary = running.diary.0.lock();
        diary
            .iter()
            .any(|event| matches!(event, GateEvent::JournalFailing { why } if why.is_some() == wanted))
    };
    assert!(told(true));
    running.ledger.fail(None);
    // It must come again and repeat what was not acknowledged.
    old.expect_closed().await;
    assert!(told(false));
    let mut old = running.client("old").await;
    old.publish("a", "x", 1).await;
}

#[tokio::test]
async fn sockets_are_not_read_while_the_journal_is_behind() {
    let running = gate_with(Limits { journal_backlog_max: 100, ..Limits::default() }).await;
    let mut client = running.client("p").await;
    running.ledger.hold();
    let flood: Vec<u8> =
        (0..20_000).flat_map(|_| publish_packet(false, 0, "a", 0, &[], &[b'x'; 200])).collect();
    let writing = tokio::spawn(async move {
        client.send(&flood).await;
        client.ping().await;
    });
    eventually("the backlog", || broker::Ledger::backlog(&*running.ledger) > 100).await;
    // One read more than the limit at most.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(running.gate.counters().messages_in < 2_000, "{}", running.gate.counters().messages_in);
    running.ledger.release();
    writing.await.unwrap();
    assert_eq!(running.gate.counters().messages_in, 20_000);
}

/// A journal that waits with few and large rows would keep nothing more at QoS 0, of whoever it is.
#[tokio::test]
async fn sockets_are_not_read_while_few_large_messages_wait_for_the_journal() {
    let running = gate().await;
    let mut client = running.client("p").await;
    running.ledger.hold();
    let picture = publish_packet(false, 0, "a", 0, &[], &vec![b'x'; 500_000]);
    let flood: Vec<u8> = (0..200).flat_map(|_| picture.clone()).collect();
    let writing = tokio::spawn(async move {
        client.send(&flood).await;
        client.ping().await;
    });
    eventually("many bytes wait", || broker::Ledger::is_heavy(&*running.ledger)).await;
    // What one read brings at most.
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(running.gate.counters().messages_in < 80, "{}", running.gate.counters().messages_in);
    running.ledger.release();
    writing.await.unwrap();
    assert_eq!(running.gate.counters().messages_in, 200);
}

#[tokio::test]
async fn qos_1_in_a_flood_reaches_a_slow_lasting_session_whole() {
    let running = gate().await;
    let (mut slow, _) = lasting(&running, "slow").await;
    slow.subscribe("a", 1).await;
    let mut publisher = running.client("p").await;
    let flood: Vec<u8> = (1..=5_000u16).flat_map(|id| publish_packet(false, 2, "a", id, &[], b"x")).collect();
    let publishing = tokio::spawn(async move {
        publisher.send(&flood).await;
        for id in 1..=5_000 {
            assert_eq!(publisher.expect().await, Got::PubAck { id, reason: 0 });
        }
    });
    assert_eq!(slow.texts(5_000).await.len(), 5_000);
    publishing.await.unwrap();
}

#[tokio::test]
async fn what_a_full_journal_refuses_is_not_acknowledged_and_may_come_again() {
    let running = gate().await;
    let mut subscriber = running.client("s").await;
    subscriber.subscribe("a", 2).await;
    let mut client = running.client5("p").await;
    running.ledger.take_at_most(Some(1));
    let mut batch = publish_packet(true, 4, "a", 1, &[], b"1");
    batch.extend(publish_packet(true, 4, "a", 2, &[], b"2"));
    batch.extend(publish_packet(true, 2, "a", 3, &[], b"3"));
    client.send(&batch).await;
    let mut answers = [client.expect().await, client.expect().await, client.expect().await];
    answers.sort_by_key(|answer| match answer {
        Got::PubRec { id, .. } | Got::PubAck { id, .. } => *id,
        _ => 0,
    });
    let refused = [
        Got::PubRec { id: 1, reason: 0 },
        Got::PubRec { id: 2, reason: 0x83 },
        Got::PubAck { id: 3, reason: 0x83 },
    ];
    assert_eq!(answers, refused);
    running.ledger.take_at_most(None);
    client.send(&publish_packet(true, 4, "a", 2, &[], b"2")).await;
    assert_eq!(client.expect().await, Got::PubRec { id: 2, reason: 0 });
    assert_eq!(subscriber.texts(2).await, ["1", "2"]);
    assert_eq!(running.gate.counters().journal_refused, 2);
}
