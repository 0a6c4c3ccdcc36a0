//! What was acknowledged survives `kill -9`: a real process, killed while it writes, ten times over.

mod common;

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use common::{Clock, append, config, draft, hub, journal, retained};
use model::{QoS, Reading, Value};
use store::{ReadingsDb, log_checked};

const FOLDER: &str = "HEARTH_TEST_KILL_FOLDER";
const ROUNDS: usize = 10;

/// The process that is killed. Only a process with the folder in its environment does anything.
#[tokio::test]
async fn child() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let folder = std::path::PathBuf::from(folder);
    let hub = hub(&folder);
    let journal = Arc::new(journal(&folder, &hub, config(&Clock::at(1))));
    let readings = ReadingsDb::open(&folder.join("readings.db"), log_checked()).unwrap();
    let mut writers = Vec::new();
    // Several publishers at once, so that groups form while others are written.
    for publisher in 0..4 {
        let journal = Arc::clone(&journal);
        writers.push(tokio::spawn(async move {
            for n in 0.. {
                let mut drafts =
                    vec![retained(&format!("retained/{publisher}"), &format!("{publisher}-{n}"))];
                drafts.extend((0..n % 9).map(|k| {
                    draft(&format!("plain/{k}"), &format!("{publisher}-{n}-{k}"), QoS::AtLeastOnce)
                }));
                for message in append(&journal, drafts).await {
                    // One write per line: a kill may cut the last line, never mix two.
                    let line = format!("ack {} {}\n", message.id, String::from_utf8_lossy(&message.payload));
                    std::io::stdout().write_all(line.as_bytes()).unwrap();
                }
            }
        }));
    }
    for id in readings.cursor() + 1.. {
        let reading = Reading {
            entity: format!("e.{}", id % 50),
            time_ms: id.cast_signed(),
            message_id: id,
            value: Value::Number(1.0),
        };
        if readings.append(vec![reading], id).is_err() {
            readings.backlog_low().await;
        }
        if id % 500 == 0 {
            readings.flush().await.unwrap();
            std::io::stdout().write_all(format!("read {id} x\n").as_bytes()).unwrap();
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_there_exactly_once() {
    if std::env::var_os(FOLDER).is_some() {
        return;
    }
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path();
    let mut acknowledged: HashMap<u64, String> = HashMap::new();
    let mut read_up_to = 0;
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        let mut note = |line: String| -> bool {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["ack", id, payload] => {
                    let known = acknowledged.insert(id.parse().unwrap(), payload.to_owned());
                    assert_eq!(known, None, "id {id} was given twice");
                    true
                }
                ["read", id, "x"] => {
                    read_up_to = id.parse().unwrap();
                    true
                }
                _ => false,
            }
        };
        let enough = 300 + 211 * round;
        let mut seen = 0;
        while seen < enough {
            seen += usize::from(note(lines.next().expect("the child writes until it is killed")));
        }
        child.kill().unwrap();
        // What was acknowledged before the kill and still is in the pipe counts too; a last line that was cut
        // does not.
        let mut rest: Vec<String> = lines.collect();
        rest.pop();
        rest.into_iter().for_each(|line| {
            note(line);
        });
        child.wait().unwrap();

        let hub = hub(folder);
        let journal = journal(folder, &hub, config(&Clock::at(1)));
        let rows = journal.read(0, usize::MAX).unwrap();
        let mut stored: HashMap<u64, String> = HashMap::new();
        for row in &rows {
            let payload = String::from_utf8_lossy(&row.payload).into_owned();
            assert_eq!(stored.insert(row.id, payload), None);
        }
        for (id, payload) in &acknowledged {
            assert_eq!(stored.get(id), Some(payload), "round {round}: id {id} was acknowledged");
        }
        // The retained message of each topic is the newest row of that topic.
        let newest: HashMap<&str, u64> =
            rows.iter().filter(|row| row.retain).map(|row| (row.topic.as_ref(), row.id)).collect();
        let kept = hub.retained().unwrap();
        let kept: HashMap<&str, u64> =
            kept.iter().map(|message| (message.topic.as_ref(), message.id)).collect();
        assert_eq!(kept, newest, "round {round}");
        assert!(kept.len() == 4);

        let readings = ReadingsDb::open(&folder.join("readings.db"), log_checked()).unwrap();
        assert!(readings.cursor() >= read_up_to, "round {round}");
        assert_eq!(readings.count().unwrap(), readings.cursor(), "readings and cursor move together");
    }
    assert!(acknowledged.len() > ROUNDS * 300);
}
