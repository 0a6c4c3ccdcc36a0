//! A hub that is killed in the middle of a pairing leaves nothing of it, and a board that was paired stays paired.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::time::Duration;

use serde_json::{Value, json};
use testkit::boards::{FakeBoard, Firmware, Temper};
use testkit::hearth::{Hearth, binary};
use tokio::time::{sleep, timeout};

/// Longest any step may take.
const WAIT: Duration = Duration::from_secs(60);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(50);

async fn begin(hearth: &Hearth, name: &str, temper: Temper) -> FakeBoard {
    let board = FakeBoard::start(Firmware::Tasmota, [127, 0, 0, 1].into(), temper).await.unwrap();
    let params = json!({ "address": board.address().to_string(), "name": name, "firmware": "tasmota" });
    hearth.call("accept_candidate", params).await.unwrap();
    board
}

/// Waits until the newest pairing is at a stage.
async fn until(hearth: &Hearth, stage: &str) {
    let at_stage = async {
        while hearth.call("pairing", json!({})).await.unwrap()["pairings"].as_array().unwrap().last().unwrap()
            ["stage"]
            != stage
        {
            sleep(LOOK).await;
        }
    };
    timeout(WAIT, at_stage).await.unwrap_or_else(|_| panic!("no pairing came to {stage}"));
}

async fn credentials(hearth: &Hearth) -> Vec<Value> {
    let listed = hearth.call("list_credentials", json!({})).await.unwrap();
    listed["credentials"].as_array().unwrap().iter().map(|credential| credential["name"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pairing_that_a_kill_cut_off_leaves_nothing_and_one_that_was_done_stays() {
    let binary = binary().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let hearth = Hearth::start(&binary, folder.path()).await.unwrap();
    let address = (hearth.mqtt(), hearth.api().address());
    let paired = begin(&hearth, "Kettle", Temper::default()).await;
    until(&hearth, "paired").await;
    let _lost = begin(&hearth, "Lamp", Temper { never_returns: true, ..Temper::default() }).await;
    until(&hearth, "waiting").await;
    assert_eq!(credentials(&hearth).await, ["kettle", "lamp"]);
    hearth.kill9().await.unwrap();

    let hearth = Hearth::start_at(&binary, folder.path(), address.0, address.1).await.unwrap();
    assert_eq!(credentials(&hearth).await, ["kettle"]);
    timeout(WAIT, paired.until_connected()).await.unwrap().unwrap();
    hearth.stop().await.unwrap();
}
