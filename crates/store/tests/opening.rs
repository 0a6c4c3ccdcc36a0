//! Files that cannot be opened are refused in words, and not touched.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use common::{Clock, config, hub};
use store::{Checked, HubDb, Journal, ReadingsDb, StoreError, log_checked};

/// Opens each of the three at `folder` and returns what each said.
fn open_all(folder: &Path) -> [Option<StoreError>; 3] {
    let spare = tempfile::tempdir().unwrap();
    let sink = hub(spare.path()).retained_sink();
    [
        HubDb::open(&folder.join("hub.db"), log_checked()).err(),
        Journal::open(&folder.join("journal.db"), config(&Clock::at(1)), sink).err(),
        ReadingsDb::open(&folder.join("readings.db"), log_checked()).err(),
    ]
}

const FILES: [&str; 3] = ["hub.db", "journal.db", "readings.db"];

#[test]
fn a_newer_database_is_refused_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    // Made by this version, then marked as a newer one would.
    assert_eq!(open_all(folder.path()), [None, None, None]);
    for file in FILES {
        let path = folder.path().join(file);
        let mut bytes = std::fs::read(&path).unwrap();
        // The database header: user_version is the big-endian number at offset 60.
        bytes[60..64].copy_from_slice(&99u32.to_be_bytes());
        std::fs::write(&path, bytes).unwrap();
    }
    let before = FILES.map(|file| std::fs::read(folder.path().join(file)).unwrap());
    for (refused, file) in open_all(folder.path()).into_iter().zip(FILES) {
        let words = refused.unwrap().to_string();
        assert!(words.contains(file), "{words}");
        let known = match file {
            "hub.db" => 6,
            "journal.db" => 2,
            _ => 1,
        };
        assert!(words.contains(&format!("its format is 99, this Hearth knows up to {known}")), "{words}");
    }
    let after = FILES.map(|file| std::fs::read(folder.path().join(file)).unwrap());
    assert!(before == after, "a refused file is not changed");
}

#[test]
fn what_is_no_database_is_said_to_be_damaged() {
    let folder = tempfile::tempdir().unwrap();
    for file in FILES {
        std::fs::write(
            folder.path().join(file),
            "not a database, but long enough to have a header".repeat(100),
        )
        .unwrap();
    }
    for (refused, file) in open_all(folder.path()).into_iter().zip(FILES) {
        let refused = refused.unwrap();
        assert!(matches!(refused, StoreError::Damaged { .. }), "{refused:?}");
        let words = refused.to_string();
        assert!(words.contains(file) && words.contains("put the newest backup"), "{words}");
    }
}

#[test]
fn a_database_of_another_kind_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(hub(folder.path()));
    std::fs::copy(folder.path().join("hub.db"), folder.path().join("readings.db")).unwrap();
    let refused = ReadingsDb::open(&folder.path().join("readings.db"), log_checked()).err().unwrap();
    assert!(matches!(refused, StoreError::Foreign { .. }), "{refused:?}");
}

#[test]
fn a_missing_folder_is_refused_in_words() {
    let folder = tempfile::tempdir().unwrap();
    let refused =
        HubDb::open(&folder.path().join("missing/hub.db"), log_checked()).err().unwrap().to_string();
    assert!(refused.contains("missing/hub.db") && refused.contains("Check the disk"), "{refused}");
}

#[test]
fn after_an_unclean_stop_the_file_is_looked_over() {
    let folder = tempfile::tempdir().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("hub.db");
    {
        let hub = hub(folder.path());
        hub.write(|conn| store::meta::set_text(conn, "a", "b")).wait().unwrap();
        // The files as a power cut at this moment would leave them.
        std::fs::copy(folder.path().join("hub.db"), &path).unwrap();
        std::fs::copy(folder.path().join("hub.db-wal"), copy.path().join("hub.db-wal")).unwrap();
    }
    let (sender, results) = mpsc::channel();
    let on_checked = Arc::new(move |checked: Checked| sender.send(checked).unwrap());
    let hub = HubDb::open(&path, on_checked).unwrap();
    assert_eq!(results.recv().unwrap(), Checked { file: path, outcome: Ok(()) });
    assert_eq!(hub.read(|conn| store::meta::text(conn, "a")).unwrap().as_deref(), Some("b"));
}

#[test]
fn damage_inside_is_found_by_the_check_and_never_panics() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("readings.db");
    {
        let db = ReadingsDb::open(&path, log_checked()).unwrap();
        let reading = |n| model::Reading {
            entity: "e".into(),
            time_ms: n,
            message_id: 1,
            value: model::Value::Number(0.5),
        };
        db.append((0..20_000).map(reading).collect(), 1).unwrap();
        db.flush().wait().unwrap();
    }
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 8_192].fill(0xA5);
    std::fs::write(&path, bytes).unwrap();
    // A log that is not empty stands for the unclean stop; SQLite sees that it is none and ignores it.
    std::fs::write(folder.path().join("readings.db-wal"), [0; 100]).unwrap();
    let (sender, results) = mpsc::channel();
    let db = ReadingsDb::open(&path, Arc::new(move |checked| sender.send(checked).unwrap())).unwrap();
    let found = results.recv().unwrap().outcome.unwrap_err().to_string();
    assert!(found.contains("readings.db is damaged"), "{found}");
    let read = db.range("e", 0, i64::MAX, usize::MAX).unwrap_err();
    assert!(matches!(read, StoreError::Damaged { ref file, .. } if *file == path), "{read:?}");
}
