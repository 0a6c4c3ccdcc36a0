//! What an attacker with a login, or without one, tried on the gate.

mod common;

use std::sync::Arc;
use std::time::Duration;

use broker::{Draft, GateEvent, Granted, Limits, RefusedAt};
use common::{
    Client, Got, Options, PATIENCE, Running, eventually, gate, gate_on, gate_with, packet, publish_packet,
    string,
};
use model::{Message, Permissions, Publisher, QoS, TopicFilter};
use tokio::io::AsyncWriteExt;

/// The next `count` messages on the bus.
async fn on_the_bus(reader: &mut broker::bus::Reader, count: usize) -> Vec<Arc<Message>> {
    let mut messages = Vec::new();
    while messages.len() < count {
        let batch = tokio::time::timeout(PATIENCE, reader.next()).await.expect("the bus is silent");
        messages.extend(batch);
    }
    messages
}

#[tokio::test]
async fn a_small_payload_does_not_keep_a_large_read_buffer() {
    let running = gate().await;
    let mut reader = running.gate.reader(&TopicFilter::new("#").unwrap());
    let mut client = running.client("a").await;
    let small = publish_packet(false, 0, "a/topic/of/some/length/for/the/test", 0, &[], &[2; 4_000]);
    let mut bytes = publish_packet(false, 0, "large", 0, &[], &[1; 900_000]);
    for _ in 0..50 {
        bytes.extend(&small);
    }
    client.send(&bytes).await;
    let messages = on_the_bus(&mut reader, 51).await;
    // Payloads that stayed in one read buffer lie a packet's length apart.
    let places: Vec<usize> = messages[1..].iter().map(|message| message.payload.as_ptr() as usize).collect();
    let neighbours = places.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) == small.len()).count();
    assert_eq!(neighbours, 0, "messages keep the buffer they were read with");
    assert_eq!(messages[0].payload.len(), 900_000);
    assert!(messages[1..].iter().all(|message| *message.payload == [2; 4_000]));
}

/// Sends a packet over and over and reads nothing; returns how many bytes the gate took.
async fn flood_without_reading(running: &Running, mut client: Client, packet: &[u8]) -> u64 {
    let piece = packet.repeat(64 * 1_024 / packet.len());
    let before = running.gate.counters().bytes_in;
    for _ in 0..1_024 {
        if client.stream.write_all(&piece).await.is_err() {
            break;
        }
    }
    running.gate.counters().bytes_in - before
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_not_read_from() {
    let running = gate_with(Limits { write_deadline_ms: 500, ..Limits::default() }).await;
    let denied = publish_packet(false, 2, "not/mine", 7, &[], b"x");
    let floods =
        [("PINGREQ", vec![0xC0, 0]), ("PUBREL", packet(0x62, &[0, 9])), ("a denied PUBLISH", denied)];
    for (closed, (name, packet)) in floods.into_iter().enumerate() {
        let options = Options::new("flood").user("guest", "secret");
        let (client, _) = Client::connect(running.addr, options).await;
        let taken = flood_without_reading(&running, client, &packet).await;
        // What the sockets' own buffers hold comes on top of what the gate holds.
        assert!(taken < 48 * 1_024 * 1_024, "{name}: the gate took {taken} bytes");
        eventually("the flooding client to be closed", || {
            running.gate.counters().write_deadlines == closed as u64 + 1
        })
        .await;
    }
}

/// Hearth's own retained messages `r/00000` and on.
fn retain(running: &Running, count: usize, payload: &'static [u8]) {
    let publisher = Arc::new(Publisher::hub("test"));
    let draft = |n: usize| Draft {
        topic: format!("r/{n:05}").into(),
        payload: payload.into(),
        qos: QoS::AtLeastOnce,
        retain: true,
        publisher: publisher.clone(),
        cause: None,
        properties: None,
        inbound_qos2: None,
    };
    for first in (0..count).step_by(1_000) {
        running.gate.publish((first..count.min(first + 1_000)).map(draft).collect());
    }
}

/// A SUBSCRIBE with the same filter on each of its lines.
fn repeated_subscribe(filter: &str, lines: usize, qos: u8) -> Vec<u8> {
    let mut body = vec![0, 1];
    for _ in 0..lines {
        string(&mut body, filter.as_bytes());
        body.push(qos);
    }
    packet(0x82, &body)
}

#[tokio::test]
async fn a_filter_repeated_in_one_subscribe_counts_once_and_nobody_waits_for_its_retained_messages() {
    let running = gate().await;
    retain(&running, 20_000, &[b'x'; 500]);
    let mut greedy = running.client("greedy").await;
    greedy.send(&repeated_subscribe("#", 1_000, 0)).await;
    match greedy.expect().await {
        Got::SubAck { codes, .. } => assert_eq!(codes, [0; 1_000]),
        other => panic!("SUBACK comes first, not {other:?}"),
    }
    // It reads no more for now; what waits for it is a place in the table, and others are served.
    let mut other = running.client("other").await;
    other.subscribe("a", 1).await;
    other.publish("a", "x", 1).await;
    assert_eq!(other.receive().await.text(), "x");
    let waiting = running.gate.clients().iter().find(|client| &*client.client_id == "greedy").unwrap().queued;
    assert!(waiting < 2_000, "{waiting} retained messages were copied for one client");
    for n in 0..20_000 {
        assert_eq!(greedy.receive().await.topic, format!("r/{n:05}"));
    }
    assert_eq!(greedy.receive().await.topic, "a", "what was published since comes behind");
    greedy.expect_nothing().await;
}

#[tokio::test]
async fn retained_messages_at_qos_1_come_all_however_many() {
    let running = gate().await;
    retain(&running, 3_000, b"x");
    let mut client = running.client("a").await;
    client.subscribe("r/+", 1).await;
    for n in 0..3_000 {
        assert_eq!(client.receive().await.topic, format!("r/{n:05}"));
    }
    client.expect_nothing().await;
}

#[tokio::test]
async fn another_credential_cannot_end_a_sleeping_session() {
    let running = gate().await;
    let (mut owner, _) = Client::connect(running.addr, Options::new("owner").lasting()).await;
    owner.subscribe("a", 1).await;
    owner.disconnect().await;
    eventually("the owner to sleep", || running.gate.counters().connected == 0).await;
    let mut publisher = running.client("publisher").await;
    publisher.publish("a", "kept", 1).await;
    for clean in [true, false] {
        let mut stranger = Options::new("owner").user("guest", "secret");
        stranger.clean = clean;
        assert_eq!(Client::refused(running.addr, stranger.clone()).await, 5);
        assert_eq!(Client::refused(running.addr, stranger.v5()).await, 0x87);
    }
    let told = |event: &GateEvent| {
        matches!(event, GateEvent::Refused { why, .. }
            if why == "the client id is in use by a session of the credential admin")
    };
    let told = running.diary.0.lock().iter().filter(|event| told(event)).count();
    assert_eq!(told, 1, "the same again is counted, and told later");
    let (mut owner, present) = Client::connect(running.addr, Options::new("owner").lasting()).await;
    assert!(present);
    assert_eq!(owner.texts(1).await, ["kept"]);
}

#[tokio::test]
async fn the_client_ids_of_a_revoked_credential_are_free_again() {
    let running = gate().await;
    let (first, _) = Client::connect(running.addr, Options::new("asleep").lasting()).await;
    first.disconnect().await;
    eventually("it to sleep", || running.gate.counters().connected == 0).await;
    let (mut second, _) = Client::connect(running.addr, Options::new("awake").lasting()).await;
    assert_eq!(running.gate.disconnect_user("admin", "its credential was revoked"), 1);
    second.expect_closed().await;
    eventually("the sessions to end", || running.gate.clients().is_empty()).await;
    for id in ["asleep", "awake"] {
        Client::connect(running.addr, Options::new(id).user("guest", "secret")).await;
    }
}

/// Sleeping sessions of the admin, subscribed to `a` at QoS 1.
async fn sleepers(running: &Running, count: usize) {
    for n in 0..count {
        let (mut client, _) = Client::connect(running.addr, Options::new(&format!("s{n}")).lasting()).await;
        client.subscribe("a", 1).await;
        client.disconnect().await;
    }
    eventually("them to sleep", || running.gate.counters().sleeping == count as u64).await;
}

/// The sleeping clients and how many messages wait for each.
fn queued(running: &Running) -> Vec<(String, usize)> {
    let asleep = running.gate.clients().into_iter().filter(|client| client.peer.is_none());
    asleep.map(|client| (client.client_id.to_string(), client.queued)).collect()
}

fn queued_bytes(running: &Running) -> usize {
    running.gate.clients().iter().map(|client| client.queued_bytes).sum()
}

#[tokio::test]
async fn sleeping_sessions_share_one_message() {
    let running = gate().await;
    sleepers(&running, 30).await;
    let mut reader = running.gate.reader(&TopicFilter::new("a").unwrap());
    // A reader is linked by its first wait; from then on it gets what the gate itself holds.
    assert!(tokio::time::timeout(Duration::from_millis(50), reader.next()).await.is_err());
    let mut publisher = running.client("publisher").await;
    publisher.publish("a", &"x".repeat(3_000), 1).await;
    let message = on_the_bus(&mut reader, 1).await.remove(0);
    assert!(Arc::strong_count(&message) > 30, "{} share it", Arc::strong_count(&message));
}

#[tokio::test]
async fn what_waits_for_the_sessions_of_one_credential_and_of_all_is_bounded() {
    let reserved = 4 * 1_024;
    let check = async |limits: Limits| {
        let running = gate_with(Limits { queue_reserved_bytes: reserved, ..limits }).await;
        sleepers(&running, 10).await;
        let mut publisher = running.client("publisher").await;
        for n in 0..200 {
            publisher.publish("a", &format!("{n:01000}"), 1).await;
        }
        let (bytes, waiting) = (queued_bytes(&running), queued(&running));
        assert!(bytes <= 100_000 + 10 * reserved, "{bytes} bytes wait");
        let kept: usize = waiting.iter().map(|(_, count)| count).sum();
        assert_eq!(running.gate.counters().dropped_queue, 2_000 - kept as u64);
        // Everyone keeps what is reserved for it, and what it keeps is the newest.
        for (id, count) in waiting {
            assert!(count >= 3, "{id} has {count}");
            let (mut client, _) = Client::connect(running.addr, Options::new(&id).lasting()).await;
            assert_eq!(client.texts(count).await.last().unwrap(), &format!("{:01000}", 199));
        }
        eventually("the queues to be empty", || queued_bytes(&running) == 0).await;
    };
    check(Limits { queued_bytes_per_user_max: 100_000, ..Limits::default() }).await;
    check(Limits { queued_bytes_max: 100_000, ..Limits::default() }).await;
}

#[tokio::test]
async fn slow_acknowledgers_do_not_hold_up_a_publisher() {
    let limits = Limits { inbox_pause_messages: 1_000, ..Limits::default() };
    let running = gate_with(limits).await;
    let mut slow = Vec::new();
    for n in 0..20 {
        let mut client = running.client(&format!("slow{n}")).await;
        client.subscribe("a", 1).await;
        // A message now and then, so that it never looks dead.
        slow.push(tokio::spawn(async move {
            while let Some(got) = client.next().await {
                let Got::Publish(publish) = got else { continue };
                tokio::time::sleep(Duration::from_millis(100)).await;
                client.ack(0x40, publish.id).await;
            }
        }));
    }
    let mut publisher = running.client("publisher").await;
    let burst: Vec<u8> = (1..=2_000).flat_map(|id| publish_packet(false, 2, "a", id, &[], b"x")).collect();
    // A second for each of them and burst would be more than anything here is waited for.
    let bursts = async {
        for _ in 0..3 {
            publisher.send(&burst).await;
            for _ in 0..2_000 {
                assert!(matches!(publisher.expect().await, Got::PubAck { .. }));
            }
        }
    };
    tokio::time::timeout(PATIENCE, bursts).await.expect("the publisher waits for slow subscribers");
    slow.iter().for_each(|task| task.abort());
}

#[tokio::test]
async fn denials_of_ever_new_topics_are_counted_and_not_told_one_by_one() {
    let running = gate().await;
    let (mut client, _) = Client::connect(running.addr, Options::new("a").user("guest", "secret")).await;
    for n in 0..5_000 {
        client.publish(&format!("not/mine/{n}"), "x", 0).await;
    }
    client.ping().await;
    let told = || {
        let diary = running.diary.0.lock();
        let more = diary.iter().filter_map(|event| match event {
            GateEvent::Denied { more, .. } => Some(*more),
            _ => None,
        });
        more.collect::<Vec<_>>()
    };
    // Every denial is in an event, its own or one that stands for many.
    eventually("all to be told", || told().iter().map(|more| more + 1).sum::<u64>() == 5_000).await;
    assert!(told().len() < 50, "{} events", told().len());
    assert_eq!(told()[..3], [0; 3]);
}

#[tokio::test]
async fn sessions_that_last_are_bounded_per_credential_and_in_all_and_clean_ones_have_room() {
    let check = async |limits: Limits, why: &str| {
        let running = gate_with(limits).await;
        sleepers(&running, 2).await;
        let third = Options::new("third").lasting();
        assert_eq!(Client::refused(running.addr, third.clone()).await, 3);
        assert_eq!(Client::refused(running.addr, Options::new("third").v5().lasting()).await, 0x97);
        assert!(
            running
                .diary
                .0
                .lock()
                .iter()
                .any(|event| { matches!(event, GateEvent::Refused { why: told, .. } if told == why) })
        );
        running.client("clean").await;
        // The present ones go on, and one that ends makes room.
        Client::connect(running.addr, Options::new("s0").lasting()).await;
        running.client("s1").await;
        Client::connect(running.addr, third).await;
    };
    let limits = Limits { sessions_max: 2, ..Limits::default() };
    check(limits, "2 sessions are kept, which is the limit").await;
    let limits = Limits { sessions_per_user_max: 2, ..Limits::default() };
    check(limits, "2 sessions are kept for its credential, which is the limit").await;
}

#[tokio::test]
async fn a_credential_has_its_share_of_the_retained_messages() {
    let running = gate_with(Limits { retained_per_user_max: 2, ..Limits::default() }).await;
    let mut old = running.client("old").await;
    let mut new = running.client5("new").await;
    for topic in ["a", "b", "c"] {
        old.retain(topic, "x").await;
    }
    new.send(&publish_packet(true, 3, "d", 9, &[], b"x")).await;
    assert_eq!(new.expect().await, Got::PubAck { id: 9, reason: 0x97 });
    let kept = |running: &Running| {
        let kept = running.gate.retained(&TopicFilter::new("#").unwrap(), 10);
        kept.iter().map(|message| message.topic.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(kept(&running), ["a", "b"]);
    assert_eq!(running.gate.counters().retained_refused, 2);
    assert!(running.diary.0.lock().iter().any(|event| {
        matches!(event, GateEvent::RetainedFull { user, topic, .. } if user == "admin" && topic == "c")
    }));
    // An older one may change, and a removed one makes room.
    old.retain("a", "y").await;
    old.retain("b", "").await;
    old.retain("e", "x").await;
    assert_eq!(kept(&running), ["a", "e"]);
}

#[tokio::test]
async fn wrong_logins_do_not_lock_out_right_ones_from_the_same_address() {
    let running = gate_with(Limits { failed_logins_max: 2, ..Limits::default() }).await;
    let wrong = Options::new("a").user("admin", "wrong");
    for code in [4, 4, 3] {
        assert_eq!(Client::refused(running.addr, wrong.clone()).await, code);
    }
    assert_eq!(Client::refused(running.addr, wrong.v5()).await, 0x9F);
    assert_eq!(Client::refused(running.addr, Options::new("b").user("guest", "wrong")).await, 4);
    running.client("admin").await;
    Client::connect(running.addr, Options::new("guest").user("guest", "secret")).await;
}

#[tokio::test]
async fn sockets_without_a_login_push_out_their_oldest_and_nobody_with_one() {
    let limits = Limits { lobby_per_address_max: 8, connect_timeout_ms: 60_000, ..Limits::default() };
    let running = gate_with(limits).await;
    let mut inside = running.client("inside").await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(Client::raw(running.addr).await);
    }
    eventually("the oldest to be closed", || running.gate.counters().refused == 32).await;
    for client in &mut silent[..32] {
        client.expect_closed().await;
    }
    running.client("late").await;
    inside.ping().await;
}

#[tokio::test]
async fn a_connect_is_small() {
    let running = gate().await;
    let text = "x".repeat(60_000);
    let fits = Options::new("fits").will("will", &text);
    Client::connect(running.addr, fits).await;
    let mut client = Client::raw(running.addr).await;
    // 200,000 bytes are declared: refused before any of them is waited for.
    client.send(&[0x10, 0xC0, 0x9A, 0x0C]).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn what_a_client_does_not_acknowledge_is_bounded_in_bytes() {
    let running = gate().await;
    let mut client = running.client("silent").await;
    client.subscribe("a", 1).await;
    let mut publisher = running.client("publisher").await;
    let payload = "x".repeat(1_000_000);
    for _ in 0..8 {
        publisher.publish("a", &payload, 1).await;
    }
    let mut ids = Vec::new();
    for _ in 0..5 {
        match client.expect().await {
            Got::Publish(publish) => ids.push(publish.id),
            other => panic!("{other:?}"),
        }
    }
    client.expect_nothing().await;
    for id in ids {
        client.ack(0x40, id).await;
    }
    assert_eq!(client.texts(3).await.len(), 3, "the rest comes once there is room");
}

/// What the credential `plug` may do once everything was taken from it.
fn nothing_for_plug() -> Granted {
    Granted { user: "plug".into(), permissions: Permissions::default(), learning: false }
}

/// Connects as `plug` with a will on `plug/<id>/gone`, sent `delay_s` seconds after the connection ended.
async fn with_will(running: &Running, id: &str, delay_s: u32) -> Client {
    let options = Options::new(id).v5().lasting().user("plug", "secret");
    let mut options = options.will(&format!("plug/{id}/gone"), "gone");
    if let Some(will) = &mut options.will {
        will.properties.push(0x18);
        will.properties.extend(delay_s.to_be_bytes());
    }
    Client::connect(running.way, options).await.0
}

fn was_denied(running: &Running, wanted: &str) -> bool {
    let told = running.diary.0.lock();
    told.iter().any(|event| matches!(event, GateEvent::Denied { topic, .. } if topic == wanted))
}

#[tokio::test]
async fn a_will_whose_rule_was_taken_is_denied_now_or_after_its_delay() {
    let running = gate().await;
    let mut observer = running.client("o").await;
    observer.subscribe("plug/#", 1).await;
    let allowed = with_will(&running, "allowed", 0).await;
    drop(allowed);
    assert_eq!(observer.receive().await.topic, "plug/allowed/gone");
    let (now, later) = (with_will(&running, "now", 0).await, with_will(&running, "later", 1).await);
    running.gate.permissions_changed(&nothing_for_plug());
    drop((now, later));
    for topic in ["plug/now/gone", "plug/later/gone"] {
        eventually("the denial to be told", || was_denied(&running, topic)).await;
    }
    observer.expect_nothing().await;
}

#[tokio::test]
async fn a_revoked_credential_has_no_will_whether_connected_or_waiting_for_its_delay() {
    let running = gate().await;
    let mut observer = running.client("o").await;
    observer.subscribe("plug/#", 1).await;
    let away = with_will(&running, "away", 1).await;
    drop(away);
    eventually("the session to sleep", || running.gate.counters().sleeping == 1).await;
    let mut here = with_will(&running, "here", 0).await;
    assert_eq!(running.gate.disconnect_user("plug", "it was revoked"), 1);
    while here.next().await.is_some() {}
    eventually("the sessions to end", || running.gate.clients().len() == 1).await;
    // A will that was waited for would come with the next rounds of the upkeep.
    let mut marker = running.client("m").await;
    let later = observer.receive();
    let marked = async {
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        marker.publish("plug/marker", "x", 1).await;
    };
    let (received, ()) = tokio::join!(later, marked);
    assert_eq!(received.topic, "plug/marker");
    assert!(!was_denied(&running, "plug/here/gone"));
}

#[tokio::test]
async fn retained_messages_have_a_limit_in_bytes() {
    let limits = Limits { retained_bytes_per_user_max: 1_000, ..Limits::default() };
    let running = gate_with(limits).await;
    let mut watcher = running.client("w").await;
    watcher.subscribe("r/+", 1).await;
    let mut old = running.client("old").await;
    let mut new = running.client5("new").await;
    let retained = |v5, topic: &str, length| publish_packet(v5, 3, topic, 1, &[], &vec![b'x'; length]);
    for (topic, length, expected) in [
        ("r/a", 600, 0),
        ("r/b", 600, 0x97),
        ("r/a", 900, 0),
        ("r/a", 1_000, 0x97),
        ("r/a", 100, 0),
        ("r/b", 600, 0),
    ] {
        new.send(&retained(true, topic, length)).await;
        assert_eq!(new.expect().await, Got::PubAck { id: 1, reason: expected }, "{topic} {length}");
        if expected == 0 {
            watcher.receive().await;
        }
    }
    // An older client cannot be told: it has it delivered and not retained.
    old.send(&retained(false, "r/c", 600)).await;
    assert_eq!(old.expect().await, Got::PubAck { id: 1, reason: 0 });
    assert_eq!(watcher.receive().await.topic, "r/c");
    let topics: Vec<String> = running
        .gate
        .retained(&TopicFilter::new("r/#").unwrap(), 10)
        .iter()
        .map(|message| message.topic.to_string())
        .collect();
    assert_eq!(topics, ["r/a", "r/b"]);
    let told = running.diary.0.lock();
    assert!(
        told.iter()
            .any(|event| matches!(event, GateEvent::RetainedFull { why, .. } if why.contains("bytes")))
    );
}

/// A filter or topic of 200 levels, the most there may be; a subscription to it counts for some 65,000 bytes.
fn deep(first: &str) -> String {
    format!("{first}{}", "/a".repeat(199))
}

/// What the owner was told about refusals, with the reason why.
fn refusals(running: &Running, wanted: &str) -> Vec<RefusedAt> {
    let told = running.diary.0.lock();
    let refusal = |event: &GateEvent| match event {
        GateEvent::Refused { at, why, .. } if why.contains(wanted) => Some(*at),
        _ => None,
    };
    told.iter().filter_map(refusal).collect()
}

#[tokio::test]
async fn the_filters_of_one_session_are_bounded_in_bytes_and_what_it_has_goes_on() {
    let running = gate_with(Limits { session_held_bytes_max: 100_000, ..Limits::default() }).await;
    let mut publisher = running.client("publisher").await;
    for (v5, refused) in [(true, 0x97), (false, 0x80)] {
        let id = format!("greedy, MQTT 5: {v5}");
        let mut greedy = if v5 { running.client5(&id).await } else { running.client(&id).await };
        assert_eq!(greedy.subscribe(&deep("one"), 1).await, [1]);
        assert_eq!(greedy.subscribe(&deep("two"), 1).await, [refused]);
        assert_eq!(
            greedy.subscribe(&"x".repeat(40_000), 1).await,
            [refused],
            "long ones count like deep ones"
        );
        assert_eq!(greedy.subscribe(&deep("one"), 0).await, [0], "what it has may change");
        assert_eq!(greedy.subscribe("short", 1).await, [1]);
        publisher.publish(&deep("one"), "x", 1).await;
        assert_eq!(greedy.receive().await.topic, deep("one"));
        greedy.unsubscribe(&deep("one")).await;
        assert_eq!(greedy.subscribe(&deep("two"), 1).await, [1]);
    }
    let told = "its subscriptions would take more than 100000 bytes, which is the limit";
    assert_eq!(refusals(&running, told), [RefusedAt::Limit; 2], "once for each client, then counted");
}

#[tokio::test]
async fn the_filters_of_a_credential_and_of_all_are_bounded_in_bytes_and_everyone_may_have_a_few() {
    let limits = Limits { held_bytes_per_user_max: 100_000, held_bytes_max: 150_000, ..Limits::default() };
    let running = gate_with(limits).await;
    let guest = async |id: &str| {
        let (client, _) = Client::connect(running.addr, Options::new(id).user("guest", "secret")).await;
        client
    };
    let (mut one, mut two) = (running.client5("one").await, running.client5("two").await);
    assert_eq!(one.subscribe(&deep("a"), 0).await, [0]);
    assert_eq!(two.subscribe(&deep("a"), 0).await, [0x97]);
    assert_eq!(two.subscribe("a/few/+", 0).await, [0]);
    assert_eq!(refusals(&running, "last wills of its credential"), [RefusedAt::Limit]);
    let (mut three, mut four) = (guest("three").await, guest("four").await);
    assert_eq!(three.subscribe(&deep("public"), 0).await, [0], "another credential has room of its own");
    assert_eq!(four.subscribe(&deep("public"), 0).await, [0x80]);
    assert_eq!(four.subscribe("public/few", 0).await, [0]);
    assert_eq!(refusals(&running, "last wills of all clients"), [RefusedAt::Limit]);
    one.disconnect().await;
    eventually("the session to end", || running.gate.clients().len() == 3).await;
    assert_eq!(two.subscribe(&deep("a"), 0).await, [0], "what ends makes room");
}

#[tokio::test]
async fn what_was_subscribed_is_restored_above_a_limit_that_was_lowered() {
    let running = gate().await;
    let (mut client, _) = Client::connect(running.addr, Options::new("kept").lasting()).await;
    for first in ["one", "two"] {
        assert_eq!(client.subscribe(&deep(first), 1).await, [1]);
    }
    running.settled().await;
    running.ledger.crash();
    running.gate.stop().await;
    let limits = Limits { session_held_bytes_max: 70_000, held_bytes_max: 70_000, ..Limits::default() };
    let running = gate_on(running.disk.clone(), limits).await;
    let (mut client, present) = Client::connect(running.addr, Options::new("kept").lasting()).await;
    assert!(present);
    let mut publisher = running.client("publisher").await;
    for first in ["one", "two"] {
        publisher.publish(&deep(first), "x", 1).await;
        assert_eq!(client.receive().await.topic, deep(first));
    }
    assert_eq!(client.subscribe("a", 1).await, [0x80]);
    for first in ["one", "two"] {
        client.unsubscribe(&deep(first)).await;
    }
    assert_eq!(client.subscribe("a", 1).await, [1], "what was restored is counted and given back");
}

#[tokio::test]
async fn the_wills_of_a_credential_are_bounded_in_bytes_and_small_ones_always_have_room() {
    let running = gate_with(Limits { held_bytes_per_user_max: 70_000, ..Limits::default() }).await;
    let large = |id: &str| Options::new(id).will("gone", &"x".repeat(60_000));
    let (first, _) = Client::connect(running.addr, large("first")).await;
    assert_eq!(Client::refused(running.addr, large("old")).await, 3);
    assert_eq!(Client::refused(running.addr, large("new").v5()).await, 0x97);
    assert_eq!(refusals(&running, "last wills of its credential"), [RefusedAt::Limit; 2]);
    let (_small, _) = Client::connect(running.addr, Options::new("small").will("gone", "x")).await;
    // One that waits for its delay counts on.
    first.disconnect().await;
    let mut waiting = large("waiting").v5().lasting();
    waiting.will.as_mut().unwrap().properties = vec![0x18, 0, 0, 0xff, 0xff];
    drop(Client::connect(running.addr, waiting.clone()).await);
    eventually("the session to sleep", || running.gate.counters().sleeping == 1).await;
    assert_eq!(Client::refused(running.addr, large("new").v5()).await, 0x97);
    waiting.will = None;
    Client::connect(running.addr, waiting).await;
    Client::connect(running.addr, large("new").v5()).await;
}

#[tokio::test]
async fn a_topic_with_too_many_levels_is_refused_and_told_and_the_connection_stays() {
    let running = gate().await;
    let mut watcher = running.client("watcher").await;
    watcher.subscribe("#", 2).await;
    let (mut new, mut old) = (running.client5("new").await, running.client("old").await);
    let too_deep = format!("{}/a", deep("a"));
    for (v5, client, code) in [(true, &mut new, 0x90), (false, &mut old, 0)] {
        let publish = |qos: u8, id: u16| publish_packet(v5, qos << 1, &too_deep, id, &[], b"x");
        client.send(&publish(0, 0)).await;
        client.send(&publish(1, 7)).await;
        assert_eq!(client.expect().await, Got::PubAck { id: 7, reason: code });
        client.send(&publish(2, 8)).await;
        assert_eq!(client.expect().await, Got::PubRec { id: 8, reason: code });
        if !v5 {
            client.ack(0x62, 8).await;
            assert_eq!(client.expect().await, Got::PubComp { id: 8, reason: 0 });
        }
        client.publish(&deep("a"), "x", 2).await;
        assert_eq!(watcher.receive().await.topic, deep("a"));
        let refused = if v5 { 0x8F } else { 0x80 };
        assert_eq!(client.subscribe(&too_deep, 0).await, [refused]);
    }
    watcher.expect_nothing().await;
    assert_eq!(refusals(&running, "at most 200 levels"), [RefusedAt::Limit; 2], "once for each client");
}

#[tokio::test]
async fn the_topics_behind_aliases_are_bounded_in_bytes() {
    let running = gate_with(Limits { topic_alias_bytes_max: 50_000, ..Limits::default() }).await;
    let mut client = running.client5("greedy").await;
    let set = |alias: u8, topic: &str| publish_packet(true, 0, topic, 0, &[0x23, 0, alias], b"x");
    let topic = |n: usize| format!("{n}/{}", "x".repeat(20_000));
    for n in 0..20 {
        client.send(&set(1, &topic(n))).await;
    }
    client.send(&set(2, &topic(0))).await;
    client.ping().await;
    client.send(&set(3, &topic(0))).await;
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x97 });
    eventually("the refusal to be told", || {
        refusals(&running, "the topics behind its aliases have more than 50000 bytes") == [RefusedAt::Limit]
    })
    .await;
}

#[tokio::test]
async fn a_client_id_has_at_most_1_024_bytes() {
    let running = gate().await;
    running.client(&"x".repeat(1_024)).await;
    let long = Options::new(&"x".repeat(1_025));
    assert_eq!(Client::refused(running.addr, long.clone()).await, 2);
    assert_eq!(Client::refused(running.addr, long.v5()).await, 0x85);
    assert_eq!(refusals(&running, "its client id has 1025 bytes"), [RefusedAt::Login], "then it is counted");
}

#[tokio::test]
async fn the_answer_to_a_denied_publish_is_short_however_long_its_topic() {
    let running = gate().await;
    let options = Options::new("a").v5().user("guest", "secret");
    let (mut client, _) = Client::connect(running.addr, options).await;
    client.send(&publish_packet(true, 2, &"x".repeat(60_000), 7, &[], b"x")).await;
    let (first, body) = client.next_raw().await.unwrap();
    assert_eq!((first, body[2]), (0x40, 0x87));
    assert!(body.len() < 2_000, "{} bytes", body.len());
}
