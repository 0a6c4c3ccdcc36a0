//! The format of `hub.db`, one step per version. A step that was released is never edited; add another.

use crate::opening::Format;

pub(crate) static FORMAT: Format = Format {
    application_id: i32::from_be_bytes(*b"Hrt1"),
    steps: &[STEP_1, STEP_2, STEP_3, STEP_4, STEP_5, STEP_6],
    checkpoint_pages: 1_000,
};

const STEP_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE setting (key TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE area (id TEXT PRIMARY KEY, name TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE device (id TEXT PRIMARY KEY, json TEXT NOT NULL, extra TEXT NOT NULL);
CREATE TABLE entity (id TEXT PRIMARY KEY, device TEXT NOT NULL, json TEXT NOT NULL);
CREATE INDEX entity_device ON entity(device);
CREATE TABLE state (
  entity TEXT PRIMARY KEY REFERENCES entity(id) ON DELETE CASCADE,
  json TEXT NOT NULL
);
CREATE TABLE credential (
  name TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  salt TEXT NOT NULL,
  hash TEXT NOT NULL,
  permissions TEXT NOT NULL,
  device TEXT,
  created_ms INTEGER NOT NULL,
  last_login_ms INTEGER
);
CREATE TABLE session (
  client_id TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  expiry_s INTEGER NOT NULL,
  cursor INTEGER NOT NULL,
  disconnected_ms INTEGER,
  subscriptions TEXT NOT NULL
);
CREATE TABLE retained (
  topic TEXT PRIMARY KEY,
  id INTEGER NOT NULL,
  time_ms INTEGER NOT NULL,
  qos INTEGER NOT NULL,
  user TEXT NOT NULL,
  client_id TEXT NOT NULL,
  payload BLOB NOT NULL,
  cause TEXT,
  properties TEXT
);
CREATE TABLE account (
  hash TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  created_ms INTEGER NOT NULL,
  last_used_ms INTEGER
) WITHOUT ROWID;
CREATE TABLE automation (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  source TEXT NOT NULL,
  enabled INTEGER NOT NULL,
  version INTEGER NOT NULL,
  updated_ms INTEGER NOT NULL
);
CREATE TABLE automation_version (
  automation TEXT NOT NULL REFERENCES automation(id) ON DELETE CASCADE,
  version INTEGER NOT NULL,
  source TEXT NOT NULL,
  saved_ms INTEGER NOT NULL,
  UNIQUE (automation, version)
);
CREATE TABLE run (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  automation TEXT NOT NULL,
  started_ms INTEGER NOT NULL,
  json TEXT NOT NULL
);
CREATE INDEX run_automation ON run(automation, seq);
CREATE TABLE activity (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  time_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  level TEXT NOT NULL,
  json TEXT NOT NULL
);
";

/// Refusals and learning.
const STEP_2: &str = "
CREATE TABLE refusal (id INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE learning (name TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
";

/// Boards that were paired.
const STEP_3: &str = "
CREATE TABLE board (name TEXT PRIMARY KEY, provisional INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID;
";

/// Commands that wait for a sleeping device, and the relay guard: its rules outlive an entity that goes and comes back.
const STEP_4: &str = "
CREATE TABLE waiting (
  entity TEXT PRIMARY KEY REFERENCES entity(id) ON DELETE CASCADE,
  json TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE guard (entity TEXT PRIMARY KEY, rules TEXT NOT NULL, memory TEXT NOT NULL) WITHOUT ROWID;
";

/// What happened to each device.
const STEP_5: &str = "
CREATE TABLE device_log (
  id INTEGER PRIMARY KEY,
  device TEXT NOT NULL,
  time_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  level TEXT NOT NULL,
  text TEXT NOT NULL
);
CREATE INDEX device_log_device ON device_log(device, id);
";

const STEP_6: &str = "
ALTER TABLE area ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        HubDb, area, board, credential, entity, guard, learning, log_checked, opening, refusal, waiting,
    };

    #[test]
    fn a_database_of_the_first_format_is_brought_up_to_date_and_keeps_what_it_has() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let first = Format { steps: &[STEP_1], ..FORMAT };
        let connection = opening::open_writer(&path, &first).unwrap();
        connection
            .execute_batch(
                r#"INSERT INTO area VALUES ('hall', 'Hall');
                   INSERT INTO credential VALUES
                   ('plug', 'generated', 's', 'h', '{"write":["a/#"],"read":[]}', NULL, 1, NULL)"#,
            )
            .unwrap();
        drop(connection);
        let db = HubDb::open(&path, log_checked()).unwrap();
        assert_eq!(db.read(credential::all).unwrap()[0].permissions.write[0].as_str(), "a/#");
        let hall = model::Area { id: "hall".into(), name: "Hall".into(), place: 0 };
        assert_eq!(db.read(area::all).unwrap(), [hall]);
        db.write(|conn| refusal::change(conn, &[(1, json!({ "why": "x" }))], &[])).wait().unwrap();
        db.write(|conn| learning::put(conn, "plug", &json!({}))).wait().unwrap();
        db.close().unwrap();
        let db = HubDb::open(&path, log_checked()).unwrap();
        assert_eq!(db.read(refusal::all).unwrap(), [(1, json!({ "why": "x" }))]);
        assert_eq!(db.read(learning::all).unwrap(), [("plug".to_owned(), json!({}))]);
    }

    #[test]
    fn what_waits_goes_with_its_entity_and_the_rules_of_the_guard_stay() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let third = Format { steps: &[STEP_1, STEP_2, STEP_3], ..FORMAT };
        drop(opening::open_writer(&path, &third).unwrap());
        let db = HubDb::open(&path, log_checked()).unwrap();
        let plug = model::Entity {
            id: "plug.relay".to_owned(),
            device: "plug".to_owned(),
            name: "Relay".to_owned(),
            name_by_owner: false,
            by_hand: false,
            description: model::EntityDescription::new("relay", model::Component::Switch),
        };
        db.write(move |conn| entity::put(conn, &plug)).wait().unwrap();
        db.write(|conn| waiting::put(conn, "plug.relay", &json!([{ "verb": "turn_on" }]))).wait().unwrap();
        let strangers = db.write(|conn| waiting::put(conn, "nobody.there", &json!([]))).wait();
        assert!(strangers.is_ok(), "an entity that is gone has nothing to wait for");
        db.write(|conn| guard::put(conn, "plug.relay", &json!({ "min_off_s": 60 }), &json!({})))
            .wait()
            .unwrap();
        db.write(|conn| guard::remember(conn, "plug.relay", &json!({ "on": true }))).wait().unwrap();
        let row = ("plug.relay".to_owned(), json!({ "min_off_s": 60 }), json!({ "on": true }));
        assert_eq!(db.read(guard::all).unwrap(), std::slice::from_ref(&row));
        assert_eq!(
            db.read(waiting::all).unwrap(),
            [("plug.relay".to_owned(), json!([{ "verb": "turn_on" }]))]
        );
        db.write(|conn| entity::remove(conn, "plug.relay").map(drop)).wait().unwrap();
        assert_eq!((db.read(waiting::all).unwrap(), db.read(guard::all).unwrap()), (vec![], vec![row]));
        db.write(|conn| guard::remove(conn, "plug.relay").map(drop)).wait().unwrap();
        assert_eq!(db.read(guard::all).unwrap(), []);
    }

    #[test]
    fn a_pairing_that_a_crash_ended_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hub.db");
        let db = HubDb::open(&path, log_checked()).unwrap();
        for name in ["paired", "under-way"] {
            let credential = credential::Credential {
                name: name.to_owned(),
                kind: credential::CredentialKind::Generated,
                salt: "s".to_owned(),
                hash: "h".to_owned(),
                permissions: model::Permissions::default(),
                device: None,
                created_ms: 1,
                last_login_ms: None,
            };
            db.write(move |conn| board::begin(conn, &credential)).wait().unwrap();
        }
        let tasmota = json!({ "firmware": "tasmota" });
        assert!(db.write(move |conn| board::keep(conn, "paired", &tasmota)).wait().unwrap());
        assert!(!db.write(|conn| board::keep(conn, "gone", &json!({}))).wait().unwrap());
        db.close().unwrap();
        let db = HubDb::open(&path, log_checked()).unwrap();
        assert_eq!(db.write(board::remove_provisional).wait().unwrap(), ["under-way"]);
        let names: Vec<String> = db.read(credential::all).unwrap().into_iter().map(|c| c.name).collect();
        assert_eq!(names, ["paired"]);
        assert_eq!(db.read(board::all).unwrap(), [("paired".to_owned(), json!({ "firmware": "tasmota" }))]);
    }
}
