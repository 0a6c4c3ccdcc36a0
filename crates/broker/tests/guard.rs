//! The guard of the gate, as dialogues on the wire: what it holds back reaches nobody, and every client is answered
//! as its version of MQTT has it.

#![allow(clippy::unwrap_used, reason = "the functions behind `over_each!` are tests too")]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use broker::{Draft, GateEvent, Guard, Held, Ledger as _, NotPublished};
use bytes::Bytes;
use common::{Client, Got, Options, Running, eventually, gate, over_each, publish_packet};
use model::{Publisher, QoS, TopicFilter};
use parking_lot::Mutex;

const RELAY: &str = "relay/set";
/// Watched too.
const OTHER_RELAY: &str = "relay/2/set";
const WORDS: &str = "the relay was switched often enough";

/// Watches the relays, holds back `no`, and remembers what it was shown.
#[derive(Default)]
struct Strict {
    off: AtomicBool,
    shown: Mutex<Vec<String>>,
}

impl Guard for Strict {
    fn watches(&self, topic: &str) -> bool {
        [RELAY, OTHER_RELAY].contains(&topic) && !self.off.load(Relaxed)
    }

    fn consider(&self, message: &Draft) -> Option<Held> {
        let text = String::from_utf8(message.payload.to_vec()).unwrap();
        let held = text.starts_with("no");
        self.shown.lock().push(text);
        held.then(|| Held { why: WORDS.to_owned() })
    }
}

fn guarded(running: &Running) -> Arc<Strict> {
    let guard = Arc::new(Strict::default());
    running.gate.set_guard(guard.clone());
    guard
}

async fn an_old_client_is_answered_and_what_was_held_back_reaches_nobody(running: Running) {
    let guard = guarded(&running);
    let mut relay = running.client("relay").await;
    relay.subscribe("#", 2).await;
    let mut client = running.client("c").await;
    for qos in 0..=2 {
        client.publish(RELAY, &format!("no {qos}"), qos).await;
        client.publish(RELAY, &format!("yes {qos}"), qos).await;
        assert_eq!(relay.receive().await.text(), format!("yes {qos}"));
    }
    client.publish("elsewhere", "no", 1).await;
    assert_eq!(relay.receive().await.topic, "elsewhere");
    relay.expect_nothing().await;
    assert_eq!(*guard.shown.lock(), ["no 0", "yes 0", "no 1", "yes 1", "no 2", "yes 2"]);
    running.settled().await;
    let rows = running.ledger.read(0, 100).unwrap();
    let kept = rows.iter().filter(|row| &*row.topic == RELAY).map(|row| row.payload.as_ref());
    assert!(kept.eq([b"yes 0", b"yes 1", b"yes 2"]), "what was held back is not in the journal");
}
over_each!(an_old_client_is_answered_and_what_was_held_back_reaches_nobody);

#[tokio::test]
async fn a_client_of_version_5_is_told_why() {
    let running = gate().await;
    guarded(&running);
    let mut client = running.client5("c").await;
    for (qos, first) in [(1, 4), (2, 5)] {
        client.send(&publish_packet(true, qos << 1, RELAY, 7, &[], b"no")).await;
        let (kind, body) = client.next_raw().await.unwrap();
        assert_eq!((kind >> 4, &body[..3]), (first, &[0, 7, 0x97][..]), "quota exceeded");
        assert!(body.ends_with(WORDS.as_bytes()), "{body:?}");
    }
    client.send(&publish_packet(true, 0, RELAY, 0, &[], b"no")).await;
    client.expect_nothing().await;
}

#[tokio::test]
async fn a_repeated_qos_2_publish_is_looked_at_once() {
    let running = gate().await;
    let guard = guarded(&running);
    let mut client = running.client("c").await;
    for text in ["yes", "no"] {
        for dup in [0, 8, 8] {
            client.send(&publish_packet(false, 4 | dup, RELAY, 9, &[], text.as_bytes())).await;
            assert_eq!(client.expect().await, Got::PubRec { id: 9, reason: 0 });
        }
        client.ack(0x62, 9).await;
        assert_eq!(client.expect().await, Got::PubComp { id: 9, reason: 0 });
    }
    assert_eq!(*guard.shown.lock(), ["yes", "no"]);
}

#[tokio::test]
async fn it_is_told_to_people_and_counted() {
    let running = gate().await;
    guarded(&running);
    let mut client = running.client("c").await;
    client.publish(RELAY, "no", 1).await;
    let told = running.diary.0.lock().iter().any(|event| {
        matches!(event, GateEvent::Held { client_id, user, topic, why, peer: Some(_), count: 1, .. }
            if client_id == "c" && user == "admin" && topic == RELAY && why == WORDS)
    });
    assert!(told, "{:?}", running.diary.0.lock());
    assert_eq!(running.gate.counters().held, 1);
}

#[tokio::test]
async fn a_watched_message_is_not_retained_and_an_older_one_is_not_handed_out() {
    let running = gate().await;
    let mut client = running.client("c").await;
    client.retain(RELAY, "old").await;
    let guard = guarded(&running);
    client.subscribe("relay/#", 1).await;
    client.expect_nothing().await;
    client.retain(RELAY, "new").await;
    assert!(!client.receive().await.retain);
    let kept = || running.gate.retained(&TopicFilter::new(RELAY).unwrap(), 1);
    assert_eq!(kept()[0].payload, "old");
    client.retain(RELAY, "").await;
    client.receive().await;
    assert!(kept().is_empty(), "an empty one takes it away");
    guard.off.store(true, Relaxed);
    running.gate.guard_changed();
    client.retain(RELAY, "no more guard").await;
    client.receive().await;
    client.subscribe("relay/#", 1).await;
    assert_eq!(client.receive().await.text(), "no more guard");
}

#[tokio::test]
async fn what_waits_for_a_sleeping_client_does_not_come_late() {
    let running = gate().await;
    guarded(&running);
    let lasting = || Options::new("relay").lasting();
    let (mut relay, _) = Client::connect(running.way, lasting()).await;
    relay.subscribe("#", 2).await;
    let mut client = running.client("c").await;
    // One of each is on the way, the others wait.
    for (topic, qos) in [(RELAY, 1), (OTHER_RELAY, 2)] {
        client.publish(topic, "on the way", qos).await;
        assert!(matches!(relay.expect().await, Got::Publish(_)));
    }
    relay.disconnect().await;
    client.publish(RELAY, "waits", 1).await;
    client.publish("other", "stays", 1).await;
    assert_eq!(running.gate.client("relay").unwrap().info.queued, 1, "nothing else waits");
    let (mut relay, present) = Client::connect(running.way, lasting()).await;
    assert!(present);
    // The exchange that was begun ends without its message.
    let Got::PubRel { id } = relay.expect().await else { panic!("the packet id is not released") };
    relay.ack(0x70, id).await;
    assert_eq!(relay.receive().await.text(), "stays");
    relay.expect_nothing().await;
    relay.disconnect().await;

    client.publish(RELAY, "waits", 1).await;
    running.settled().await;
    let running = running.crash_and_restart().await;
    guarded(&running);
    let (mut relay, present) = Client::connect(running.way, lasting()).await;
    assert!(present);
    relay.send(&[0xC0, 0]).await;
    // The end of the exchange may come once more, but no message.
    let last = loop {
        match relay.expect().await {
            Got::PubRel { id } => relay.ack(0x70, id).await,
            other => break other,
        }
    };
    assert_eq!(last, Got::PingResp);
}

/// Publishes to a relay until that is too late for somebody once more.
async fn too_late(running: &Running, client: &mut Client, topic: &str, text: &str) {
    let before = running.gate.counters().late;
    client.publish(topic, text, 1).await;
    eventually("it to be too late", || running.gate.counters().late > before).await;
}

/// Published until the socket of this client is full: nothing more is written to it, and something waits.
async fn fill(running: &Running, client: &mut Client, reader: &str) -> usize {
    let payload = "x".repeat(10_000);
    let reader = || running.gate.client(reader).unwrap().info;
    let (mut count, mut written, mut looks) = (0, 0, 0);
    while looks < 20 {
        let info = reader();
        looks = if info.queued > 20 && info.messages_out == written { looks + 1 } else { 0 };
        written = info.messages_out;
        if info.queued <= 100 {
            client.publish("bulk", &payload, 0).await;
            count += 1;
        }
        client.ping().await;
    }
    count
}

async fn what_a_reader_did_not_take_in_time_does_not_come_in_a_burst(running: Running) {
    guarded(&running);
    let mut reader = running.client("reader").await;
    reader.subscribe("#", 0).await;
    let mut client = running.client("c").await;
    let bulk = fill(&running, &mut client, "reader").await;
    for text in ["on 1", "off 1"] {
        too_late(&running, &mut client, RELAY, text).await;
    }
    client.publish("end", "", 0).await;
    let (mut arrived, mut relay) = (0, Vec::new());
    loop {
        let message = reader.receive().await;
        match message.topic.as_str() {
            "bulk" => arrived += 1,
            "end" => break,
            _ => relay.push(message.text()),
        }
    }
    assert_eq!((arrived, relay), (bulk, Vec::<String>::new()), "nothing else was lost");
    client.publish(RELAY, "on 2", 1).await;
    assert_eq!(reader.receive().await.text(), "on 2");
    let told = running.diary.0.lock().iter().any(|event| {
        matches!(event, GateEvent::Dropped { client_id, why, .. }
            if client_id == "reader" && why.contains("within 2 s") && why.contains(RELAY))
    });
    assert!(told, "{:?}", running.diary.0.lock());
    let dropped = running.gate.client("reader").unwrap().info.dropped;
    assert_eq!((dropped, running.gate.counters().late), (2, 2));
}
// However slow the machine is, the reader that reads nothing is not closed for it.
over_each!(
    what_a_reader_did_not_take_in_time_does_not_come_in_a_burst,
    broker::Limits { write_deadline_ms: 600_000, ..broker::Limits::default() }
);

#[tokio::test]
async fn of_a_topic_that_is_acknowledged_one_message_is_on_the_way() {
    let running = gate().await;
    guarded(&running);
    let mut relay = running.client("relay").await;
    relay.subscribe("#", 2).await;
    let mut client = running.client("c").await;
    for qos in [1, 2] {
        client.publish(RELAY, "first", qos).await;
        let Got::Publish(first) = relay.expect().await else { panic!("no message") };
        too_late(&running, &mut client, RELAY, "late").await;
        client.publish(OTHER_RELAY, "another", qos).await;
        client.publish("elsewhere", "anything", qos).await;
        assert_eq!(relay.texts(2).await, ["another", "anything"]);
        client.publish(RELAY, "in time", 0).await;
        relay.expect_nothing().await;
        relay.ack(if qos == 1 { 0x40 } else { 0x50 }, first.id).await;
        if qos == 2 {
            assert_eq!(relay.answer().await, Got::PubRel { id: first.id });
            relay.ack(0x70, first.id).await;
        }
        assert_eq!(relay.receive().await.text(), "in time");
    }
}

#[tokio::test]
async fn what_had_to_be_written_down_for_too_long_ends_without_its_message() {
    let running = gate().await;
    guarded(&running);
    let (mut relay, _) = Client::connect(running.way, Options::new("relay").lasting()).await;
    relay.subscribe("#", 2).await;
    let mut deaf = running.client("deaf").await;
    deaf.subscribe(RELAY, 1).await;
    let mut client = running.client("c").await;
    running.settled().await;
    running.ledger.hold();
    client.send(&publish_packet(false, 4, RELAY, 1, &[], b"late")).await;
    client.send(&publish_packet(false, 0, RELAY, 0, &[], b"too late for the deaf one")).await;
    // What comes behind the QoS 2 message waits for it, as it does behind one that is not acknowledged.
    eventually("both to be late", || running.gate.counters().late == 2).await;
    running.ledger.release();
    let Got::PubRel { id } = relay.expect().await else { panic!("the exchange does not end") };
    relay.ack(0x70, id).await;
    eventually("that to be counted", || running.gate.counters().late == 3).await;
    client.publish(RELAY, "in time", 0).await;
    assert_eq!(relay.receive().await.text(), "in time");
}

#[tokio::test]
async fn a_will_and_hearth_itself_are_held_back_too() {
    let running = gate().await;
    let guard = guarded(&running);
    let mut relay = running.client("relay").await;
    relay.subscribe("#", 1).await;
    let (client, _) = Client::connect(running.way, Options::new("c").will(RELAY, "no will")).await;
    drop(client);
    eventually("the will", || guard.shown.lock().len() == 1).await;
    let draft = |text: &str| Draft {
        topic: RELAY.into(),
        payload: Bytes::copy_from_slice(text.as_bytes()),
        qos: QoS::AtLeastOnce,
        retain: false,
        publisher: Arc::new(Publisher::hub("test")),
        cause: None,
        properties: None,
        inbound_qos2: None,
    };
    let held = running.gate.publish_one(draft("no")).unwrap_err();
    assert_eq!(held, NotPublished::Held(Held { why: WORDS.to_owned() }));
    assert_eq!(running.gate.publish(vec![draft("no"), draft("yes"), draft("no")]).len(), 1);
    assert_eq!(relay.receive().await.text(), "yes");
    relay.expect_nothing().await;
}

#[tokio::test]
async fn it_sees_messages_in_the_order_they_arrive_in() {
    let running = gate().await;
    let guard = guarded(&running);
    let mut relay = running.client("relay").await;
    relay.subscribe(RELAY, 0).await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..4 {
        let mut client = running.client(&format!("c{n}")).await;
        writers.spawn(async move {
            for m in 0..50 {
                client.publish(RELAY, &format!("{n} {m}"), m % 2).await;
            }
            client.ping().await;
        });
    }
    let arrived = relay.texts(200).await;
    assert_eq!(arrived, *guard.shown.lock());
    writers.join_all().await;
}

#[tokio::test]
async fn a_topic_alias_does_not_get_around_it() {
    let running = gate().await;
    let guard = guarded(&running);
    let mut client = running.client5("c").await;
    client.send(&publish_packet(true, 0, RELAY, 0, &[0x23, 0, 1], b"yes")).await;
    client.send(&publish_packet(true, 0, "", 0, &[0x23, 0, 1], b"no")).await;
    client.ping().await;
    assert_eq!(*guard.shown.lock(), ["yes", "no"]);
    assert_eq!(running.gate.counters().held, 1);
}
