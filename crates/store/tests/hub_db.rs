//! The records of `hub.db`.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use common::hub;
use model::{Area, Component, Device, Entity, EntityDescription, Permissions, RunRecord, State, Value};
use serde_json::json;
use store::activity::Activity;
use store::automation::Automation;
use store::credential::{Credential, CredentialKind};
use store::device::DeviceRow;
use store::session::Session;
use store::{
    HubDb, StoreError, account, activity, area, automation, credential, device, entity, run, session,
    setting, state,
};

fn a_device(id: &str) -> Device {
    serde_json::from_value(json!({
        "id": id, "identities": ["mac:A1B2C3D4E5F6"], "profile": "tasmota", "name": "Plug", "name_by_owner": false,
        "area": null, "manufacturer": null, "model": null, "sw_version": null, "hw_version": null, "mac": null,
        "ip": null, "url": null, "credential": null, "demo": false, "first_seen_ms": 5
    }))
    .unwrap()
}

fn an_entity(id: &str, device: &str) -> Entity {
    Entity {
        id: id.into(),
        device: device.into(),
        name: "Power".into(),
        name_by_owner: false,
        by_hand: false,
        description: EntityDescription::new("power", Component::Sensor),
    }
}

fn a_run(id: u64, automation: &str) -> RunRecord {
    serde_json::from_value(json!({
        "id": format!("{automation}-{id}"), "automation": automation, "started_ms": id, "duration_us": 1, "operations": 1,
        "trigger": { "trigger": "topic(\"a\")" }, "cause": null, "log": [], "actions": [], "error": null
    }))
    .unwrap()
}

#[tokio::test]
async fn records_come_back_as_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let db = hub(folder.path());
    let row = DeviceRow { device: a_device("plug"), extra: json!({ "announced": [1, 2] }) };
    let login = Credential {
        name: "plug".into(),
        kind: CredentialKind::Generated,
        salt: "s".into(),
        hash: "h".into(),
        permissions: Permissions::all(),
        device: Some("plug".into()),
        created_ms: 1,
        last_login_ms: None,
    };
    let sleeper = Session {
        client_id: "c".into(),
        user: "plug".into(),
        expiry_s: u32::MAX,
        cursor: 7,
        disconnected_ms: Some(3),
        subscriptions: json!([{ "filter": "a/#" }]),
    };
    let owner = account::Account { hash: "00".into(), name: "Ada".into(), created_ms: 1, last_used_ms: None };
    let kitchen = Area { id: "kitchen".into(), name: "Kitchen".into(), place: 3 };
    {
        let (row, login, sleeper, owner, kitchen) =
            (row.clone(), login.clone(), sleeper.clone(), owner.clone(), kitchen.clone());
        db.write(move |conn| {
            device::put(conn, &row)?;
            device::put_device(conn, &Device { name: "Lamp".into(), ..row.device })?;
            entity::put(conn, &an_entity("plug.power", "plug"))?;
            credential::put(conn, &login)?;
            credential::logged_in(conn, "plug", 9)?;
            session::put(conn, &sleeper)?;
            account::put(conn, &owner)?;
            area::put(conn, &kitchen)?;
            setting::set(conn, "journal.days", &json!(30))
        })
        .await
        .unwrap();
    }
    let lamp = DeviceRow { device: Device { name: "Lamp".into(), ..row.device }, extra: row.extra };
    assert_eq!(db.read(device::all).unwrap(), [lamp]);
    assert_eq!(db.read(entity::all).unwrap(), [an_entity("plug.power", "plug")]);
    let login = Credential { last_login_ms: Some(9), ..login };
    assert_eq!(db.read(|conn| credential::get(conn, "plug")).unwrap(), Some(login.clone()));
    assert_eq!(db.read(credential::all).unwrap(), [login]);
    assert_eq!(db.read(session::all).unwrap(), [sleeper]);
    assert_eq!(db.read(|conn| account::get(conn, "00")).unwrap(), Some(owner));
    assert_eq!(db.read(area::all).unwrap(), [kitchen]);
    assert_eq!(db.read(|conn| setting::get(conn, "journal.days")).unwrap(), Some(json!(30)));
    assert!(db.write(|conn| credential::remove(conn, "plug")).await.unwrap());
    assert!(!db.write(|conn| credential::remove(conn, "plug")).await.unwrap());
}

#[tokio::test]
async fn states_and_cursors_are_late_but_written_at_the_close() {
    let folder = tempfile::tempdir().unwrap();
    let on = State { value: Some(Value::Bool(true)), since_ms: 4, ..State::default() };
    {
        let db = hub(folder.path());
        db.write(|conn| {
            device::put_device(conn, &a_device("plug"))?;
            entity::put(conn, &an_entity("plug.power", "plug"))?;
            session::put(
                conn,
                &Session {
                    client_id: "c".into(),
                    user: "u".into(),
                    expiry_s: 1,
                    cursor: 10,
                    disconnected_ms: None,
                    subscriptions: json!([]),
                },
            )
        })
        .await
        .unwrap();
        db.keep_states(
            vec![("plug.power".into(), State::default()), ("never.registered".into(), on.clone())],
            6,
        );
        db.keep_states(vec![("plug.power".into(), on.clone())], 8);
        db.move_cursor("c", 12);
        db.move_cursor("c", 11);
        db.move_cursor("gone", 99);
    }
    let db = hub(folder.path());
    assert_eq!(db.read(state::all).unwrap(), [("plug.power".to_owned(), on)]);
    assert_eq!(db.states_cursor().unwrap(), 8);
    assert_eq!(db.read(session::all).unwrap()[0].cursor, 12);
    assert_eq!(db.highest_id().unwrap(), 12);
    db.write(|conn| device::remove(conn, "plug")).await.unwrap();
    assert!(db.read(state::all).unwrap().is_empty(), "a device takes its entities and states along");
}

#[tokio::test]
async fn a_write_that_fails_is_undone_alone() {
    let folder = tempfile::tempdir().unwrap();
    let db = hub(folder.path());
    let set = |key: &'static str| move |conn: &store::Conn| setting::set(conn, key, &json!(1));
    let first = db.write(set("first"));
    let failing = db.write(move |conn| {
        set("undone")(conn)?;
        Err::<(), _>(StoreError::Question("no".into()))
    });
    let panicking = db.write(|_| -> store::Result<()> { panic!("a bug in a caller") });
    let second = db.write(set("second"));
    first.await.unwrap();
    assert_eq!(failing.await, Err(StoreError::Question("no".into())));
    assert!(panicking.await.is_err());
    second.await.unwrap();
    let keys: Vec<String> = db.read(setting::all).unwrap().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["first", "second"]);
}

#[tokio::test]
async fn automations_keep_their_versions() {
    let folder = tempfile::tempdir().unwrap();
    let db = hub(folder.path());
    let save = async |db: &HubDb, name: &str, source: &str| {
        let automation = Automation {
            id: "a".into(),
            name: name.into(),
            source: source.into(),
            enabled: true,
            version: 0,
            updated_ms: 1,
        };
        db.write(move |conn| automation::put(conn, &automation)).await.unwrap()
    };
    assert_eq!(save(&db, "Light", "1").await, 1);
    assert_eq!(save(&db, "Lamp", "1").await, 1, "a new name is no new version");
    for version in 2..=150 {
        assert_eq!(save(&db, "Lamp", &version.to_string()).await, version);
    }
    let versions = db.read(|conn| automation::versions(conn, "a")).unwrap();
    assert_eq!(versions.len(), automation::VERSIONS_MAX as usize);
    assert_eq!((versions[0].version, versions[0].source.as_str()), (150, "150"));
    assert_eq!(db.read(|conn| automation::get(conn, "a")).unwrap().unwrap().name, "Lamp");
    assert!(db.write(|conn| automation::remove(conn, "a")).await.unwrap());
    assert!(db.read(|conn| automation::versions(conn, "a")).unwrap().is_empty());
}

#[tokio::test]
async fn rings_keep_the_newest() {
    let folder = tempfile::tempdir().unwrap();
    let db = hub(folder.path());
    db.write(|conn| {
        for id in 0..250 {
            run::add(conn, &a_run(id, "a"))?;
        }
        run::add(conn, &a_run(249, "a"))?;
        run::add(conn, &a_run(7, "b"))
    })
    .await
    .unwrap();
    let runs = db.read(|conn| run::newest(conn, Some("a"), None, 1_000)).unwrap();
    assert_eq!(runs.len(), run::RUNS_MAX as usize);
    assert_eq!((runs[0].started_ms, runs[199].started_ms), (249, 50));
    assert_eq!(db.read(|conn| run::newest(conn, None, None, 1)).unwrap()[0].automation, "b");
    let older = db.read(|conn| run::newest(conn, Some("a"), Some(60), 3)).unwrap();
    assert_eq!(older.iter().map(|run| run.started_ms).collect::<Vec<_>>(), [59, 58, 57]);
    assert_eq!(db.read(|conn| run::get(conn, "b-7")).unwrap().unwrap().id, "b-7");

    let entry = Activity {
        id: 0,
        time_ms: 1,
        kind: "refused".into(),
        level: "warning".into(),
        body: json!({ "n": 1 }),
    };
    let added = entry.clone();
    db.write(move |conn| (0..10_050).try_for_each(|_| activity::add(conn, &added).map(|_| ())))
        .await
        .unwrap();
    let entries = db.read(|conn| activity::newest(conn, None, 20_000)).unwrap();
    assert_eq!(entries.len(), 10_000);
    assert_eq!(entries[0], Activity { id: 10_050, ..entry });
    let older = db.read(|conn| activity::newest(conn, Some(52), 20_000)).unwrap();
    assert_eq!(older.len(), 1);
}

#[tokio::test]
async fn a_full_disk_is_said_and_passes() {
    let folder = tempfile::tempdir().unwrap();
    let db = hub(folder.path());
    let fill =
        |key: &'static str| move |conn: &store::Conn| setting::set(conn, key, &json!("x".repeat(400_000)));
    db.write(fill("first")).await.unwrap();
    // From here on SQLite refuses to let the file grow, exactly as with a full disk.
    db.write(|conn| {
        let pages: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        Ok(conn.query_row(&format!("PRAGMA max_page_count = {}", pages + 20), [], |_| Ok(()))?)
    })
    .await
    .unwrap();
    let refused = db.write(fill("second")).await.unwrap_err().to_string();
    assert!(refused.contains("hub.db is full"), "{refused}");
    assert!(refused.contains("Free some space"), "{refused}");
    assert!(
        db.write(|conn| setting::set(conn, "small", &json!(1))).await.is_ok(),
        "what fits is still written"
    );
    assert!(db.write(|conn| setting::remove(conn, "first")).await.unwrap());
    db.write(fill("second")).await.unwrap();
    assert_eq!(db.failure(), None);
}
