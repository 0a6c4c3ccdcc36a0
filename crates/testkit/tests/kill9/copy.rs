//! What a crash leaves at any moment, and not only at the few that a test can kill at: the process is held for a
//! moment in the middle of the work, its folder copied, and a second hub started on the copy. Everything that was
//! acknowledged before is there.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;
use testkit::hearth::{Hearth, binary};
use testkit::load::Connection;
use testkit::load::wire::{self, Credential, PublishFlags, kind};
use tokio::time::{sleep, timeout};

/// Copies taken.
const COPIES: u32 = 6;
/// Acknowledged messages between two copies.
const ACKED_BETWEEN: usize = 400;
const IN_FLIGHT: usize = 20;
/// Of each publisher: however slow the machine, all of them fit into the queue of the client that sleeps.
const MESSAGES_MAX: u32 = 5_000;
/// Of so many messages one goes to the retained topic.
const KEPT_EVERY: u32 = 5;
/// Longest one step may take before the test calls it hanging.
const STEP_TIMEOUT: Duration = Duration::from_secs(60);
const STEP: Duration = Duration::from_millis(5);
const ASLEEP: &str = "asleep";
const PUBREC: u8 = 5;
const PUBCOMP: u8 = 7;

/// By topic, the numbers that were acknowledged.
type Acked = Arc<Mutex<BTreeMap<String, BTreeSet<u32>>>>;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_of_the_folder_at_any_moment_has_what_was_acknowledged() {
    let binary = binary().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hearth = Hearth::start(&binary, folder.path()).await.unwrap();
    let login = hearth.add_credential("copy", &["copy/#"], &["copy/#"]).await.unwrap();
    let mut entities = BTreeMap::new();
    for qos in [1, 2] {
        let topic = format!("copy/{qos}/state");
        let wanted = json!({ "topic": topic, "path": null, "name": format!("QoS {qos}"), "unit": "W" });
        let made = hearth.call("add_entity", wanted).await.unwrap();
        entities.insert(topic, made["id"].as_str().unwrap().to_owned());
    }
    let (mut asleep, _) = Connection::open(hearth.mqtt(), ASLEEP, false, Some(&login)).await.unwrap();
    asleep.subscribe("copy/+/state", 1).await.unwrap();
    asleep.close().await.unwrap();

    let acked = Acked::default();
    let publishers: Vec<_> = [1, 2]
        .map(|qos| tokio::spawn(publish(hearth.mqtt(), login.clone(), qos, acked.clone())))
        .into_iter()
        .collect();
    for number in 1..=COPIES {
        let enough = ACKED_BETWEEN * number as usize;
        let reached = async {
            while count(&acked) < enough {
                sleep(STEP).await
            }
        };
        timeout(STEP_TIMEOUT, reached).await.unwrap();
        // Taken first: what is acknowledged while the copy is made need not be in it.
        let before = acked.lock().unwrap().clone();
        let copy = tempfile::tempdir().unwrap();
        hearth.hold().await.unwrap();
        let copied = copy_folder(folder.path(), copy.path());
        hearth.go_on().await.unwrap();
        copied.unwrap();
        let second = Hearth::start(&binary, copy.path()).await.unwrap();
        timeout(STEP_TIMEOUT, check(&second, &login, &entities, &before)).await.unwrap().unwrap();
        second.kill9().await.unwrap();
        println!(
            "copy {number}: all of {} acknowledged messages are there",
            before.values().map(BTreeSet::len).sum::<usize>()
        );
    }
    publishers.into_iter().for_each(|publisher| publisher.abort());
    hearth.stop().await.unwrap();
}

fn count(acked: &Acked) -> usize {
    acked.lock().expect("no publisher panics").values().map(BTreeSet::len).sum()
}

/// Publishes 1, 2, 3 and so on, in turn to a topic with readings and to a retained one, and notes what is
/// acknowledged: PUBACK at QoS 1, PUBREC at QoS 2, after which the message is the broker's.
async fn publish(address: SocketAddr, login: Credential, qos: u8, acked: Acked) -> Result<()> {
    let client_id = format!("publisher{qos}");
    let (mut connection, _) = Connection::open(address, &client_id, true, Some(&login)).await?;
    let mut on_the_way = VecDeque::new();
    for number in 1..=MESSAGES_MAX {
        let retain = number.is_multiple_of(KEPT_EVERY);
        let topic = format!("copy/{qos}/{}", if retain { "kept" } else { "state" });
        // Long before an id comes round again its exchange is over.
        let packet_id = (number % 60_000 + 1) as u16;
        let flags = PublishFlags { qos, retain, dup: false };
        connection.send(&wire::publish(&topic, number.to_string().as_bytes(), flags, packet_id)).await?;
        on_the_way.push_back((packet_id, topic, number));
        while on_the_way.len() >= IN_FLIGHT {
            connection.fill().await?;
            let mut release = Vec::new();
            while let Some(packet) = connection.take()? {
                let packet_id = packet.packet_id()?;
                match packet.kind() {
                    PUBREC => {
                        let [high, low] = packet_id.to_be_bytes();
                        release.extend([0x62, 2, high, low]);
                    }
                    kind::PUBACK => {}
                    PUBCOMP => continue,
                    other => bail!("a publisher got a packet of type {other}"),
                }
                let (expected, topic, number) = on_the_way.pop_front().context("nothing was on the way")?;
                ensure!(expected == packet_id, "answered out of order (MQTT section 4.6)");
                acked.lock().expect("no reader panics").entry(topic).or_default().insert(number);
            }
            connection.send(&release).await?;
        }
    }
    Ok(())
}

/// Readings once each, the sleeping session's queue, and the retained messages.
async fn check(
    hub: &Hearth,
    login: &Credential,
    entities: &BTreeMap<String, String>,
    acked: &BTreeMap<String, BTreeSet<u32>>,
) -> Result<()> {
    for (topic, entity) in entities {
        let span =
            json!({ "entity": entity, "from_ms": 0, "to_ms": 9_999_999_999_999_i64, "limit": 100_000 });
        let answer = hub.call("readings_range", span).await?;
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for reading in answer["readings"].as_array().context("no readings")? {
            let value = reading["value"].as_f64().with_context(|| format!("{reading} is no number"))?;
            *counts.entry(value as u32).or_default() += 1;
        }
        for number in acked.get(topic).into_iter().flatten() {
            ensure!(counts.contains_key(number), "{topic}: the reading of {number} is lost");
        }
        let twice = counts.iter().find(|(_, count)| **count != 1);
        ensure!(twice.is_none(), "{topic}: a reading is stored more than once: {twice:?}");
    }
    let (mut asleep, present) = Connection::open(hub.mqtt(), ASLEEP, false, Some(login)).await?;
    ensure!(present, "the sleeping session is gone");
    let queued = acked.iter().filter(|(topic, _)| topic.ends_with("/state"));
    let mut missing: BTreeSet<(String, u32)> =
        queued.flat_map(|(topic, numbers)| numbers.iter().map(|number| (topic.clone(), *number))).collect();
    while !missing.is_empty() {
        let mut acks = Vec::new();
        while let Some((topic, number, packet_id, _)) = message(&mut asleep)? {
            missing.remove(&(topic, number));
            acks.extend(wire::puback(packet_id));
        }
        asleep.send(&acks).await?;
        if !missing.is_empty() {
            let filled = timeout(STEP_TIMEOUT / 4, asleep.fill()).await;
            filled.with_context(|| format!("the sleeping session never gets {:?}", missing.first()))??;
        }
    }
    asleep.close().await?;

    let kept: BTreeMap<&String, u32> = acked
        .iter()
        .filter(|(topic, _)| topic.ends_with("/kept"))
        .filter_map(|(topic, numbers)| Some((topic, *numbers.last()?)))
        .collect();
    let (mut newcomer, _) = Connection::open(hub.mqtt(), "newcomer", true, Some(login)).await?;
    newcomer.send(&wire::subscribe(1, "copy/+/kept", 0)).await?;
    let mut found: BTreeMap<String, u32> = BTreeMap::new();
    while found.len() < kept.len() {
        newcomer.fill().await?;
        while let Some((topic, number, _, retain)) = message(&mut newcomer)? {
            ensure!(retain, "a retained message came without its flag");
            found.insert(topic, number);
        }
    }
    for (topic, least) in kept {
        let number = found.get(topic).copied();
        ensure!(number >= Some(least), "{topic} keeps {number:?}, but {least} was acknowledged");
    }
    newcomer.close().await
}

/// The next message that is there: topic, number, packet id, retain flag.
fn message(connection: &mut Connection) -> Result<Option<(String, u32, u16, bool)>> {
    while let Some(packet) = connection.take()? {
        if packet.kind() != kind::PUBLISH {
            continue;
        }
        let publish = packet.as_publish()?;
        let number = std::str::from_utf8(publish.payload)?.parse()?;
        let topic = std::str::from_utf8(publish.topic)?.to_owned();
        return Ok(Some((topic, number, publish.packet_id, publish.retain)));
    }
    Ok(None)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_file() {
            std::fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
