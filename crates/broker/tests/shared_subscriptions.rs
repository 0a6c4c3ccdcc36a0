//! Shared subscriptions (MQTT 5, section 4.8.2): one member of a group gets each message, and what was
//! acknowledged to a publisher reaches somebody whoever goes.

#![allow(clippy::unwrap_used, reason = "the functions behind `over_each!` are tests too")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{Client, Got, Options, Running, eventually, gate, over_each};

async fn lasting(running: &Running, id: &str) -> Client {
    Client::connect(running.way, Options::new(id).lasting()).await.0
}

async fn asleep(running: &Running, count: u64) {
    eventually("the sessions to sleep", || running.gate.counters().sleeping == count).await;
}

/// What is there for this client now, acknowledged. At QoS 2 for a lasting session it may come a little later:
/// see `both`.
async fn drain(client: &mut Client) -> Vec<String> {
    let mut texts = Vec::new();
    let mut open = 0;
    client.send(&[0xC0, 0]).await;
    let mut answered = false;
    while !answered || open > 0 {
        match client.expect().await {
            Got::PingResp => answered = true,
            Got::Publish(publish) => {
                open += usize::from(publish.qos == 2);
                texts.push(publish.text());
                if publish.qos > 0 {
                    client.ack(if publish.qos == 1 { 0x40 } else { 0x50 }, publish.id).await;
                }
            }
            Got::PubRel { id } => {
                open -= 1;
                client.ack(0x70, id).await;
            }
            other => panic!("{other:?}"),
        }
    }
    texts
}

/// The next so many messages of two clients, acknowledged; then nothing more is there.
async fn both(one: &mut Client, two: &mut Client, count: usize) -> Vec<String> {
    let (mut texts, mut open) = (Vec::new(), 0);
    while texts.len() < count || open > 0 {
        let (got, first) = tokio::select! {
            got = one.expect() => (got, true),
            got = two.expect() => (got, false),
        };
        let client = if first { &mut *one } else { &mut *two };
        match got {
            Got::Publish(publish) => {
                open += usize::from(publish.qos == 2);
                client.ack(if publish.qos == 1 { 0x40 } else { 0x50 }, publish.id).await;
                texts.push(publish.text());
            }
            Got::PubRel { id } => {
                open -= 1;
                client.ack(0x70, id).await;
            }
            other => panic!("{other:?}"),
        }
    }
    one.expect_nothing().await;
    two.expect_nothing().await;
    texts
}

fn numbers(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test]
async fn each_message_goes_to_one_member_in_turns() {
    let running = gate().await;
    let mut publisher = running.client("p").await;
    for qos in 0..3 {
        let mut members = Vec::new();
        for n in 0..3 {
            // Old clients may share too.
            let mut member =
                if n == 0 { running.client("m0").await } else { running.client5(&format!("m{n}")).await };
            assert_eq!(member.subscribe("$share/g/a/+", qos).await, [qos]);
            members.push(member);
        }
        for n in 0..30 {
            publisher.publish("a/b", &n.to_string(), qos).await;
        }
        publisher.ping().await;
        let mut all = BTreeSet::new();
        for member in &mut members {
            let texts = drain(member).await;
            assert_eq!(texts.len(), 10, "each has its share at QoS {qos}");
            all.extend(texts);
        }
        assert_eq!(all, numbers(0..30));
        for member in members {
            member.disconnect().await;
        }
    }
}

#[tokio::test]
async fn groups_and_ordinary_subscriptions_have_their_own_copies() {
    let running = gate().await;
    let mut member = running.client5("m").await;
    member.subscribe_with("$share/g/a", 1, &[0x0B, 1]).await;
    member.subscribe_with("$share/h/a", 1, &[0x0B, 2]).await;
    member.subscribe_with("a", 1, &[0x0B, 3]).await;
    running.client("p").await.publish("a", "x", 1).await;
    let mut got = Vec::new();
    for _ in 0..3 {
        got.push(member.receive().await.properties);
    }
    got.sort();
    assert_eq!(got, [[0x0B, 1], [0x0B, 2], [0x0B, 3]]);
    member.expect_nothing().await;
    member.unsubscribe("$share/g/a").await;
    member.unsubscribe("a").await;
    running.client("p").await.publish("a", "x", 1).await;
    assert_eq!(member.receive().await.properties, [0x0B, 2]);
    member.expect_nothing().await;
}

#[tokio::test]
async fn a_group_gets_no_retained_messages_and_cannot_be_no_local() {
    let running = gate().await;
    let mut client = running.client5("m").await;
    client.retain("a", "kept").await;
    assert_eq!(client.subscribe("$share/g/a", 1).await, [1]);
    client.expect_nothing().await;
    client.send_subscribe("$share/h/a", 4 | 1, &[]).await;
    assert_eq!(client.expect().await, Got::Disconnect { reason: 0x82 });
    for broken in ["$share/g", "$share//a", "$share/g/", "$share/+/a", "$share/g/a#"] {
        let mut client = running.client5("m").await;
        client.send_subscribe(broken, 1, &[]).await;
        assert_eq!(client.expect().await, Got::Disconnect { reason: 0x81 }, "{broken}");
    }
}

#[tokio::test]
async fn permission_is_asked_for_the_filter_behind_the_group() {
    let running = gate().await;
    let (mut guest, _) = Client::connect(running.way, Options::new("g").v5().user("guest", "secret")).await;
    assert_eq!(guest.subscribe("$share/g/public/#", 1).await, [1]);
    assert_eq!(guest.subscribe("$share/g/private", 1).await, [0x87]);
    running.client("p").await.publish("public/a", "x", 1).await;
    assert_eq!(guest.receive().await.text(), "x");
}

#[tokio::test]
async fn who_is_connected_comes_before_who_sleeps() {
    let running = gate().await;
    let mut sleeper = lasting(&running, "sleeper").await;
    sleeper.subscribe("$share/g/a", 1).await;
    drop(sleeper);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "asleep", 1).await;
    let mut awake = running.client("awake").await;
    awake.subscribe("$share/g/a", 1).await;
    for n in 0..10 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    assert_eq!(drain(&mut awake).await.len(), 10);
    let mut sleeper = lasting(&running, "sleeper").await;
    assert_eq!(drain(&mut sleeper).await, ["asleep"]);
}

async fn r04_what_a_vanished_member_did_not_acknowledge_stays_queued_or_goes_to_another(running: Running) {
    let mut publisher = running.client("p").await;
    // Its session ends: others get it.
    let mut clean = running.client("clean").await;
    clean.subscribe("$share/g/a", 1).await;
    for n in 0..20 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    let mut other = lasting(&running, "other").await;
    other.subscribe("$share/g/a", 1).await;
    drop(clean);
    let mut got = BTreeSet::new();
    while got.len() < 20 {
        got.insert(other.receive().await.text());
    }
    assert_eq!(got, numbers(0..20));
    other.expect_nothing().await;
    // Its session lasts: it gets them itself.
    for n in 0..20 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    drop(other);
    asleep(&running, 1).await;
    let mut third = running.client("third").await;
    third.subscribe("$share/g/a", 1).await;
    third.expect_nothing().await;
    let mut other = lasting(&running, "other").await;
    assert_eq!(drain(&mut other).await.into_iter().collect::<BTreeSet<_>>(), numbers(0..20));
    third.expect_nothing().await;
    // And everyone is well.
    publisher.publish("a", "well", 1).await;
    let got = [drain(&mut other).await, drain(&mut third).await].concat();
    assert_eq!(got, ["well"]);
}
over_each!(r04_what_a_vanished_member_did_not_acknowledge_stays_queued_or_goes_to_another);

#[tokio::test]
async fn a_qos_2_message_that_was_sent_has_no_second_receiver() {
    let running = gate().await;
    let mut publisher = running.client("p").await;
    let mut clean = Client::connect(running.way, Options::new("clean").v5().property(&[0x21, 0, 1])).await.0;
    clean.subscribe("$share/g/a", 2).await;
    publisher.publish("a", "sent", 2).await;
    publisher.publish("a", "waiting", 2).await;
    assert!(matches!(clean.expect().await, Got::Publish(publish) if publish.text() == "sent"));
    let mut other = running.client("other").await;
    other.subscribe("$share/g/a", 2).await;
    drop(clean);
    assert_eq!(other.receive().await.text(), "waiting");
    other.expect_nothing().await;
}

#[tokio::test]
async fn a_crash_loses_nothing_a_group_owes_while_a_lasting_member_is_left() {
    for qos in [1, 2] {
        let running = gate().await;
        let mut clean = running.client("clean").await;
        clean.subscribe("$share/g/a", qos).await;
        let mut publisher = running.client("p").await;
        for n in 0..10 {
            publisher.publish("a", &n.to_string(), qos).await;
        }
        let mut one = lasting(&running, "one").await;
        one.subscribe("$share/g/a", qos).await;
        let mut two = lasting(&running, "two").await;
        two.subscribe("$share/g/a", qos).await;
        // A third of these is in the clean session too, the rest in those that last; nobody acknowledges.
        for n in 10..40 {
            publisher.publish("a", &n.to_string(), qos).await;
        }
        drop(two);
        asleep(&running, 1).await;
        let running = running.crash_and_restart().await;
        let mut one = lasting(&running, "one").await;
        let mut two = lasting(&running, "two").await;
        let got = both(&mut one, &mut two, 40).await;
        assert_eq!(got.into_iter().collect::<BTreeSet<_>>(), numbers(0..40), "QoS {qos}");
    }
}

/// Found by the conversation fuzzer: only one of the two packet ids was known after the crash, the other was given to
/// a new message, which the client took for a repetition.
#[tokio::test]
async fn two_copies_of_a_qos_2_message_keep_both_packet_ids_over_a_crash() {
    let running = gate().await;
    let mut client = lasting(&running, "s").await;
    client.subscribe("$share/g/a", 2).await;
    client.subscribe("a", 2).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "1", 2).await;
    let mut ids = BTreeSet::new();
    for _ in 0..2 {
        match client.expect().await {
            Got::Publish(publish) => ids.insert(publish.id),
            other => panic!("{other:?}"),
        };
    }
    let running = running.crash_and_restart().await;
    let mut client = lasting(&running, "s").await;
    let mut again = BTreeSet::new();
    for _ in 0..2 {
        match client.expect().await {
            Got::Publish(publish) => {
                assert!(publish.dup && publish.text() == "1", "{publish:?}");
                again.insert(publish.id);
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(again, ids);
    let mut publisher = running.client("p").await;
    publisher.publish("a", "2", 2).await;
    for _ in 0..2 {
        match client.expect().await {
            Got::Publish(publish) => assert!(!ids.contains(&publish.id), "{publish:?}"),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_was_acknowledged_before_a_stop_does_not_come_again() {
    let running = gate().await;
    let mut sleeper = lasting(&running, "sleeper").await;
    sleeper.subscribe("$share/g/a", 1).await;
    drop(sleeper);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    publisher.publish("a", "for the sleeper", 1).await;
    let mut worker = lasting(&running, "worker").await;
    worker.subscribe("$share/g/a", 1).await;
    for n in 0..50 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    assert_eq!(drain(&mut worker).await.len(), 50);
    worker.ping().await;
    running.gate.stop().await;
    let running = common::gate_on(running.disk.clone(), broker::Limits::default()).await;
    let mut sleeper = lasting(&running, "sleeper").await;
    let mut worker = lasting(&running, "worker").await;
    let got = [drain(&mut sleeper).await, drain(&mut worker).await].concat();
    assert_eq!(got, ["for the sleeper"]);
}

/// A second start used to know nothing of what the first had found settled.
#[tokio::test]
async fn what_was_acknowledged_does_not_come_again_after_two_quiet_restarts() {
    let running = gate().await;
    let mut worker = lasting(&running, "worker").await;
    worker.subscribe("$share/g/a", 1).await;
    let mut publisher = running.client("p").await;
    for n in 0..10 {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    assert_eq!(drain(&mut worker).await.len(), 10);
    worker.ping().await;
    running.gate.stop().await;
    let running = common::gate_on(running.disk.clone(), broker::Limits::default()).await;
    running.gate.stop().await;
    let running = common::gate_on(running.disk.clone(), broker::Limits::default()).await;
    let mut worker = lasting(&running, "worker").await;
    assert_eq!(drain(&mut worker).await, [""; 0]);
}

/// Found by an attacker: 100 members of 1,000 groups wrote half a gigabyte in 12 seconds.
#[tokio::test]
async fn a_session_keeps_so_many_debts_in_all_and_a_crash_loses_none_of_the_others() {
    const GROUPS: usize = 20;
    const MESSAGES: usize = 120;
    /// As `share::KEPT_MAX`.
    const KEPT_MAX: usize = 1_000;
    let running = gate().await;
    let mut one = lasting(&running, "one").await;
    for group in 0..GROUPS {
        one.subscribe(&format!("$share/g{group}/a"), 1).await;
    }
    drop(one);
    asleep(&running, 1).await;
    let mut publisher = running.client("p").await;
    for n in 0..MESSAGES {
        publisher.publish("a", &n.to_string(), 1).await;
    }
    // A new member keeps what its groups owe at that time.
    let mut two = lasting(&running, "two").await;
    for group in 0..GROUPS {
        two.subscribe(&format!("$share/g{group}/a"), 1).await;
    }
    two.ping().await;
    let running = running.crash_and_restart().await;
    let kept = running.disk.debts("two");
    assert!(kept > KEPT_MAX / 2 && kept <= KEPT_MAX, "{kept} of {}", GROUPS * MESSAGES);
    let mut one = lasting(&running, "one").await;
    let mut two = lasting(&running, "two").await;
    let mut copies = BTreeMap::new();
    for text in both(&mut one, &mut two, GROUPS * MESSAGES).await {
        *copies.entry(text).or_insert(0) += 1;
    }
    let expected: BTreeMap<String, usize> = (0..MESSAGES).map(|n| (n.to_string(), GROUPS)).collect();
    assert_eq!(copies, expected);
}

#[tokio::test]
async fn a_session_has_so_many_shared_subscriptions() {
    let limits = broker::Limits { shared_subscriptions_max: 2, ..broker::Limits::default() };
    let running = common::gate_on(std::sync::Arc::default(), limits).await;
    let mut new = running.client5("new").await;
    let mut old = running.client("old").await;
    for (client, refused) in [(&mut new, 0x97), (&mut old, 0x80)] {
        assert_eq!(client.subscribe("$share/g/a", 1).await, [1]);
        assert_eq!(client.subscribe("$share/h/a", 1).await, [1]);
        assert_eq!(client.subscribe("$share/i/a", 1).await, [refused]);
        assert_eq!(client.subscribe("$share/h/a", 0).await, [0], "one it has can be changed");
        assert_eq!(client.subscribe("a", 1).await, [1], "its own are counted apart");
        client.unsubscribe("$share/h/a").await;
        assert_eq!(client.subscribe("$share/i/a", 1).await, [1]);
    }
}
