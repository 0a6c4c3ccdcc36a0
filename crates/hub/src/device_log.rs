//! What happened to each device: a log per device, kept in `hub.db`. Floods are held back, and what a board announces
//! in many messages is one line.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use devices::{Note, NoteKind};
use model::Device;
use parking_lot::Mutex;
use store::device_log::DeviceLine;
use store::{HubDb, StoreError};

use crate::activity::flood::{Flood, Line};
use crate::activity::{level, level_name, shortened};
use crate::api::types::{DeviceEvent, Level};
use crate::{clock, logging};

/// Lines of one kind of one device in a minute; what is more is counted.
const LINES_OF_KIND_MAX: usize = 20;
/// Names that are told of those that were announced together.
const NAMES_TOLD_MAX: usize = 12;
/// Announcements that come within this time are one line, ms.
const GATHER_MS: i64 = 60_000;
/// Credentials without a device yet whose coming is remembered for it.
const CAME_MAX: usize = 256;
/// Devices of one credential above which it is a bridge's: its coming and going is not theirs.
const BOARDS_OF_CREDENTIAL_MAX: usize = 4;

/// The logs.
pub struct DeviceLog {
    db: Arc<HubDb>,
    known: Mutex<Known>,
}

struct Known {
    next_id: i64,
    /// Devices by the credential that announced them.
    of_user: HashMap<String, BTreeSet<String>>,
    /// Who came and announced nothing yet: when, UTC ms, and the line about it.
    came: HashMap<String, (i64, String)>,
    /// Devices something happened to lately.
    lately: HashMap<String, Lately>,
}

struct Lately {
    flood: Flood,
    gathered: Vec<Gathered>,
}

/// A line that grows.
struct Gathered {
    id: i64,
    since_ms: i64,
    kind: &'static str,
    names: Vec<String>,
    more: usize,
}

impl DeviceLog {
    /// Continues the stored ones.
    pub fn open<'a>(db: Arc<HubDb>, devices: impl Iterator<Item = &'a Device>) -> Result<Self, StoreError> {
        let next_id = db.read(store::device_log::highest)? + 1;
        let log = Self {
            db,
            known: Mutex::new(Known {
                next_id,
                of_user: HashMap::new(),
                came: HashMap::new(),
                lately: HashMap::new(),
            }),
        };
        devices.for_each(|device| log.belongs(device));
        Ok(log)
    }

    /// Notes whose a device is.
    pub fn belongs(&self, device: &Device) {
        let mut known = self.known.lock();
        let owner = device.credential.as_deref();
        if owner.is_some_and(|owner| known.of_user.get(owner).is_some_and(|ids| ids.contains(&device.id))) {
            return;
        }
        known.disown(&device.id);
        if let Some(owner) = owner {
            known.of_user.entry(owner.to_owned()).or_default().insert(device.id.clone());
            // It came before anybody knew that it is this device.
            if let Some((time_ms, text)) = known.came.remove(owner) {
                let line = Line { level: Level::Info, about: "connected", subject: None, text, client: None };
                self.keep(&mut known, &device.id, time_ms, line);
            }
        }
    }

    /// A device is gone, and its log with it.
    pub fn removed(&self, device: &str) {
        let mut known = self.known.lock();
        known.disown(device);
        known.lately.remove(device);
        let device = device.to_owned();
        drop(self.db.write(move |conn| store::device_log::remove(conn, &device)));
    }

    /// Adds a line. Control characters in the text are shown, not carried out.
    pub fn add(&self, device: &str, kind: &'static str, level: Level, text: &str) {
        let now_ms = clock::now_ms();
        let line = Line {
            level,
            about: kind,
            subject: None,
            text: shortened(&logging::visible(text)),
            client: None,
        };
        let mut known = self.known.lock();
        if known.lately(device).flood.admit(now_ms, &line) {
            self.keep(&mut known, device, now_ms, line);
        }
    }

    /// Adds a line to the logs of the boards that log in with a credential.
    pub fn add_user(&self, user: &str, kind: &'static str, level: Level, text: &str) {
        let devices = {
            let mut known = self.known.lock();
            let devices = known.of_user.get(user).cloned().unwrap_or_default();
            if matches!(kind, "connected" | "disconnected") {
                known.came.remove(user);
            }
            if devices.is_empty() && kind == "connected" && known.came.len() < CAME_MAX {
                let text = shortened(&logging::visible(text));
                known.came.insert(user.to_owned(), (clock::now_ms(), text));
            }
            devices
        };
        if devices.len() <= BOARDS_OF_CREDENTIAL_MAX {
            devices.iter().for_each(|device| self.add(device, kind, level, text));
        }
    }

    /// Adds what the home noted.
    pub fn note(&self, note: Note) {
        let (kind, lead) = match note.kind {
            NoteKind::Announced => ("announced", None),
            NoteKind::Added => ("added", Some("New:")),
            NoteKind::Removed => ("removed", Some("No longer announced:")),
            NoteKind::Changed => ("changed", Some("Announced differently:")),
            NoteKind::Firmware => ("firmware", None),
            NoteKind::Renamed => ("renamed", None),
            NoteKind::Moved => ("moved", None),
            NoteKind::Replaced => ("replaced", None),
        };
        match lead {
            None => note.words.iter().for_each(|text| self.add(&note.device, kind, Level::Info, text)),
            Some(lead) => self.gather(&note.device, kind, lead, note.words),
        }
    }

    fn gather(&self, device: &str, kind: &'static str, lead: &str, names: Vec<String>) {
        let now_ms = clock::now_ms();
        let mut known = self.known.lock();
        let next_id = known.next_id;
        let Lately { flood, gathered } = known.lately(device);
        // What comes back after it went is told behind that.
        let goes_on = |line: &Gathered| line.kind == kind || line.kind == "changed";
        gathered.retain(|line| goes_on(line) && (0..GATHER_MS).contains(&(now_ms - line.since_ms)));
        let at = match gathered.iter().position(|line| line.kind == kind) {
            Some(at) => at,
            None => {
                let (level, text) = (Level::Info, lead.to_owned());
                if !flood.admit(now_ms, &Line { level, about: kind, subject: None, text, client: None }) {
                    return;
                }
                gathered.push(Gathered { id: next_id, since_ms: now_ms, kind, names: Vec::new(), more: 0 });
                gathered.len() - 1
            }
        };
        let line = &mut gathered[at];
        for name in names {
            if line.names.len() < NAMES_TOLD_MAX {
                line.names.push(name);
            } else {
                line.more += 1;
            }
        }
        let more = if line.more > 0 { format!(" and {} more", line.more) } else { String::new() };
        let text = shortened(&logging::visible(&format!("{lead} {}{more}.", line.names.join(", "))));
        let id = line.id;
        known.next_id = known.next_id.max(id + 1);
        self.write(DeviceLine {
            id,
            device: device.to_owned(),
            time_ms: now_ms,
            kind: kind.to_owned(),
            level: level_name(Level::Info).to_owned(),
            text,
        });
    }

    /// Tells what was held back in the last minute, and forgets what is longer ago.
    pub fn settle(&self) {
        let now_ms = clock::now_ms();
        let mut known = self.known.lock();
        let mut due = Vec::new();
        known.lately.retain(|device, lately| {
            let told = lately.flood.due(now_ms).into_iter();
            due.extend(told.map(|(time_ms, line)| (device.clone(), time_ms, line)));
            lately.gathered.retain(|line| (0..GATHER_MS).contains(&(now_ms - line.since_ms)));
            !lately.flood.is_quiet() || !lately.gathered.is_empty()
        });
        for (device, time_ms, line) in due {
            self.keep(&mut known, &device, time_ms, line);
        }
    }

    fn keep(&self, known: &mut Known, device: &str, time_ms: i64, line: Line) {
        let id = known.next_id;
        known.next_id += 1;
        self.write(DeviceLine {
            id,
            device: device.to_owned(),
            time_ms,
            kind: line.about.to_owned(),
            level: level_name(line.level).to_owned(),
            text: line.text,
        });
    }

    /// Nobody waits for a line; while the disk refuses, what matters more waits there.
    fn write(&self, line: DeviceLine) {
        if self.db.failure().is_none() {
            drop(self.db.write(move |conn| store::device_log::put(conn, &line)));
        }
    }

    /// The lines of a device before an id, the newest first. Reads the database, so not on an async worker.
    pub fn lines(
        &self,
        device: &str,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<DeviceEvent>, StoreError> {
        let before = before.map(u64::cast_signed);
        let lines = self.db.read(|conn| store::device_log::newest(conn, device, before, limit))?;
        Ok(lines.into_iter().map(event).collect())
    }
}

impl Known {
    fn lately(&mut self, device: &str) -> &mut Lately {
        let fresh = || Lately { flood: Flood::of(LINES_OF_KIND_MAX), gathered: Vec::new() };
        self.lately.entry(device.to_owned()).or_insert_with(fresh)
    }

    fn disown(&mut self, device: &str) {
        self.of_user.retain(|_, devices| {
            devices.remove(device);
            !devices.is_empty()
        });
    }
}

fn event(line: DeviceLine) -> DeviceEvent {
    DeviceEvent {
        id: line.id.cast_unsigned(),
        time_ms: line.time_ms,
        level: level(&line.level),
        kind: line.kind,
        text: line.text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> (DeviceLog, tempfile::TempDir) {
        let dir = tempfile::tempdir().unwrap();
        let db = Arc::new(HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap());
        (DeviceLog::open(db, std::iter::empty()).unwrap(), dir)
    }

    fn device(id: &str, credential: &str) -> Device {
        serde_json::from_value(serde_json::json!({
            "id": id, "identities": [], "profile": "p", "name": id, "name_by_owner": false,
            "credential": credential, "demo": false, "first_seen_ms": 0,
        }))
        .unwrap()
    }

    fn texts(log: &DeviceLog, device: &str) -> Vec<String> {
        log.db.flush().wait().unwrap();
        log.lines(device, None, 1_000).unwrap().into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn what_is_announced_in_many_messages_is_one_line() {
        let (log, _dir) = log();
        for n in 0..40 {
            let words = vec![format!("Value {n}")];
            log.note(Note { device: "a".into(), kind: NoteKind::Added, words });
            log.add("a", "renamed", Level::Info, "Renamed.");
        }
        let lines = texts(&log, "a");
        let told: Vec<_> = lines.iter().filter(|line| line.starts_with("New:")).collect();
        assert_eq!(told.len(), 1, "{lines:?}");
        assert!(
            told[0].starts_with("New: Value 0, Value 1, ") && told[0].ends_with(" and 28 more."),
            "{told:?}"
        );
        assert_eq!(lines.len(), 1 + LINES_OF_KIND_MAX, "a flood is held back");
    }

    #[test]
    fn a_device_that_is_known_only_after_its_board_came_has_a_line_about_that() {
        let (log, _dir) = log();
        log.add_user("plug", "connected", Level::Info, "came");
        log.belongs(&device("plug", "plug"));
        log.add_user("lamp", "connected", Level::Info, "came");
        log.add_user("lamp", "disconnected", Level::Info, "left");
        log.belongs(&device("lamp", "lamp"));
        assert_eq!(texts(&log, "plug"), ["came"]);
        assert!(texts(&log, "lamp").is_empty(), "it is not there any more");
    }

    #[test]
    fn what_is_taken_back_after_it_went_has_a_line_of_its_own() {
        let (log, _dir) = log();
        for kind in [NoteKind::Added, NoteKind::Removed, NoteKind::Added] {
            log.note(Note { device: "a".into(), kind, words: vec!["t".into()] });
        }
        assert_eq!(texts(&log, "a"), ["New: t.", "No longer announced: t.", "New: t."]);
    }

    #[test]
    fn each_device_keeps_its_newest_lines_and_leaves_the_others_theirs() {
        let (log, _dir) = log();
        log.add("quiet", "renamed", Level::Info, "once");
        let most = usize::try_from(store::device_log::DEVICE_LINES_MAX).unwrap();
        for n in 0..most + 50 {
            let line = DeviceLine {
                id: 10 + i64::try_from(n).unwrap(),
                device: "loud".into(),
                time_ms: 0,
                kind: "x".into(),
                level: "info".into(),
                text: n.to_string(),
            };
            log.write(line);
        }
        let lines = texts(&log, "loud");
        assert_eq!((lines.len(), lines[0].as_str()), (most, (most + 49).to_string().as_str()));
        assert_eq!(texts(&log, "quiet"), ["once"]);
        let before = log.lines("loud", Some(20), 3).unwrap();
        assert_eq!(before.len(), 0, "they are gone");
        log.removed("loud");
        assert!(texts(&log, "loud").is_empty());
    }

    #[test]
    fn a_connection_is_told_to_the_boards_behind_it_but_not_to_those_of_a_bridge() {
        let (log, _dir) = log();
        log.belongs(&device("plug", "plug"));
        log.belongs(&device("moved", "plug"));
        log.belongs(&device("moved", "other"));
        for n in 0..=BOARDS_OF_CREDENTIAL_MAX {
            log.belongs(&device(&format!("z{n}"), "bridge"));
        }
        for user in ["plug", "bridge", "nobody"] {
            log.add_user(user, "connected", Level::Info, "came");
        }
        assert_eq!(texts(&log, "plug"), ["came"]);
        assert!(texts(&log, "moved").is_empty() && texts(&log, "z0").is_empty());
    }

    #[test]
    fn what_outsiders_write_is_shown_and_cut() {
        let (log, _dir) = log();
        log.add("a", "refused", Level::Warning, &format!("x\u{1b}[2J\n{}", "y".repeat(5_000)));
        let line = &texts(&log, "a")[0];
        assert!(line.starts_with("x\\u{1b}[2J\\n") && line.chars().count() < 1_100, "{line}");
    }
}
