//! `kill -9` while a new board takes the place of another: afterwards there are either the two boards with all that
//! is theirs, or the one that was wanted, and nothing in between.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::hearth::{Hearth, binary};
use testkit::load::Connection;
use testkit::load::feed::{Outgoing, publish_all};

/// Entities of each board: a swap that is written one by one would be seen half done.
const ENTITIES: usize = 120;
/// How long after the question the process is killed; some of these are before, some in and some after the swap.
const MOMENTS_US: [u64; 8] = [0, 500, 1_500, 3_000, 6_000, 12_000, 25_000, 200_000];

async fn announce(hearth: &Hearth, name: &str) {
    let own = format!("{name}/#");
    let login = hearth.add_credential(name, &["homeassistant/#", &own], &[&own]).await.unwrap();
    let config = |number: usize| {
        json!({
            "name": format!("Value {number}"), "unique_id": format!("{name}-{number}"),
            "state_topic": format!("{name}/{number}"), "device": { "identifiers": [name], "name": name },
        })
    };
    let messages = (0..ENTITIES).map(|number| Outgoing {
        topic: format!("homeassistant/sensor/{name}/v{number}/config"),
        payload: config(number).to_string().into_bytes(),
        retain: true,
    });
    let readings = (0..ENTITIES).map(|number| Outgoing {
        topic: format!("{name}/{number}"),
        payload: number.to_string().into_bytes(),
        retain: false,
    });
    let (mut connection, _) = Connection::open(hearth.mqtt(), name, true, Some(&login)).await.unwrap();
    publish_all(&mut connection, 20, messages.chain(readings)).await.unwrap();
    connection.close().await.unwrap();
}

fn ids(list: &Value, id: impl Fn(&Value) -> &Value) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|one| id(one).as_str().unwrap().to_owned()).collect()
}

async fn entities(hearth: &Hearth) -> (BTreeSet<String>, BTreeSet<String>) {
    let home = hearth.call("home", json!({})).await.unwrap();
    (ids(&home["devices"], |device| &device["id"]), ids(&home["entities"], |view| &view["entity"]["id"]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_swap_that_is_cut_off_is_done_or_not_done() {
    let binary = binary().unwrap();
    let mut outcomes = BTreeSet::new();
    for moment_us in MOMENTS_US {
        let folder = tempfile::tempdir().unwrap();
        let hearth = Hearth::start(&binary, folder.path()).await.unwrap();
        announce(&hearth, "old").await;
        announce(&hearth, "new").await;
        let both = json!({ "old": "old", "new": "new" });
        // Answers when all that was announced is known.
        hearth.call("replace_preview", both.clone()).await.unwrap();
        let (devices, before) = entities(&hearth).await;
        assert_eq!((devices.len(), before.len()), (2, 2 * ENTITIES));
        let api = hearth.api().clone();
        let asking = tokio::spawn(async move { api.call("replace_device", both).await });
        tokio::time::sleep(Duration::from_micros(moment_us)).await;
        hearth.kill9().await.unwrap();
        let answered = asking.await.unwrap().is_ok();

        let hearth = Hearth::start(&binary, folder.path()).await.unwrap();
        let (devices, after) = entities(&hearth).await;
        let credentials = hearth.call("list_credentials", json!({})).await.unwrap();
        let credentials = ids(&credentials["credentials"], |credential| &credential["name"]);
        let is_done = devices.len() == 1;
        assert!(is_done || !answered, "{moment_us} µs: what was answered is kept");
        let expected: BTreeSet<String> = match is_done {
            true => before.iter().filter(|id| id.starts_with("old.")).cloned().collect(),
            false => before,
        };
        assert_eq!(after, expected, "{moment_us} µs");
        assert_eq!(credentials.contains("old"), !is_done, "{moment_us} µs: {credentials:?}");
        assert!(devices.contains("old") && credentials.contains("new"));
        let span = json!({ "entity": "old.value_7", "from_ms": 0, "to_ms": i64::MAX });
        let readings = hearth.call("readings_range", span).await.unwrap();
        let count = readings["readings"].as_array().unwrap().len();
        assert_eq!(count, if is_done { 2 } else { 1 }, "{moment_us} µs: history goes on");
        outcomes.insert(is_done);
        hearth.stop().await.unwrap();
    }
    assert_eq!(outcomes.len(), 2, "killed before and after");
}
