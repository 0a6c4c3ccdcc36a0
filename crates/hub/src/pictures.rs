//! The pictures of cameras and images: the last ones of each, as files under `pictures/` in the data folder.
//!
//! They are files and no rows of `readings.db`, for they are a thousand times larger than a reading: in a database
//! every picture would be written twice, fill the readers' caches, and leave holes when it goes. A file is written
//! once, read as it is, and gone when it is deleted. Nothing decodes a picture here; the browser does.
//!
//! One thread writes. Its queue is bounded in number and bytes, of each credential and in all: a picture that comes when
//! it is full is dropped and told, for the next one shows the same. After a crash the journal brings those that were not written yet, and a
//! picture is called after its message, so twice is once.

mod share;

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use devices::limits::PICTURE_BYTES_MAX;
use devices::{Picture, PictureKind};
use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::activity::ActivityLog;
use crate::api::ApiError;
use crate::api::types::{Level, PictureSettings, PictureView};
use crate::{data_dir, hex};
use share::{Roll, take_surplus};

/// Where [`PictureSettings`] are kept.
pub(crate) const SETTING: &str = "pictures";
/// Pictures of one entity that can be kept at most.
pub const KEEP_MAX: u32 = 500;
/// Bytes that all of them can have at most.
pub const BYTES_MAX: u64 = 50 << 30;
/// At least, in bytes: one picture always fits.
pub const BYTES_MIN: u64 = 16 << 20;
/// Unless the owner says otherwise.
const KEEP_DEFAULT: u32 = 20;
const BYTES_DEFAULT: u64 = 500 << 20;
/// Pictures that wait for the disk, and their bytes: in all, and of one credential.
const WAITING_MAX: usize = 64;
const WAITING_BYTES_MAX: usize = 64 << 20;
const WAITING_PER_USER_MAX: usize = 16;
const WAITING_BYTES_PER_USER_MAX: usize = 32 << 20;
/// Bytes of the hash of an entity's id that its folder is called by: ids may be longer than a file name.
const FOLDER_HASH_BYTES: usize = 16;

impl Default for PictureSettings {
    fn default() -> Self {
        Self { keep: KEEP_DEFAULT, bytes: BYTES_DEFAULT }
    }
}

impl PictureSettings {
    /// What was stored; the defaults where it cannot be used.
    pub(crate) fn read(stored: Option<&Value>) -> Self {
        let read = stored.and_then(|stored| serde_json::from_value::<Self>(stored.clone()).ok());
        read.filter(|read| read.check().is_ok()).unwrap_or_default()
    }

    pub(crate) fn check(&self) -> Result<(), ApiError> {
        if !(1..=KEEP_MAX).contains(&self.keep) {
            return Err(ApiError::invalid(format!("1 to {KEEP_MAX} pictures of each entity can be kept.")));
        }
        if !(BYTES_MIN..=BYTES_MAX).contains(&self.bytes) {
            return Err(ApiError::invalid(format!(
                "Pictures can have {} MiB to {} GiB of the disk.",
                BYTES_MIN >> 20,
                BYTES_MAX >> 30
            )));
        }
        Ok(())
    }
}

/// The pictures of one hub.
pub struct Pictures {
    shelf: Arc<Shelf>,
    jobs: Mutex<Option<SyncSender<Job>>>,
    writer: Mutex<Option<JoinHandle<()>>>,
    waiting: Arc<Mutex<Waiting>>,
    activity: Arc<ActivityLog>,
}

enum Job {
    Keep(Picture),
    Forget(String),
    Fit,
    Tell(oneshot::Sender<()>),
}

/// A picture that is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Kept {
    time_ms: i64,
    id: u64,
    kind: PictureKind,
    bytes: u64,
}

impl Kept {
    fn file(&self) -> String {
        format!("{}-{}.{}", self.time_ms, self.id, self.kind.ending())
    }

    /// What a file's name and length say; `None` if it is none of ours.
    fn read(name: &str, bytes: u64) -> Option<Self> {
        let (stem, ending) = name.split_once('.')?;
        let (time_ms, id) = stem.split_once('-')?;
        let kind = PictureKind::ALL.into_iter().find(|kind| kind.ending() == ending)?;
        Some(Self { time_ms: time_ms.parse().ok()?, id: id.parse().ok()?, kind, bytes })
    }
}

/// What waits for the disk: how many pictures of each credential, and their bytes.
#[derive(Default)]
struct Waiting {
    by_user: HashMap<String, (usize, usize)>,
    bytes: usize,
}

impl Waiting {
    /// Takes a place, if there is one.
    fn take(&mut self, Picture { user, bytes, .. }: &Picture) -> bool {
        let (count, of_user) = self.by_user.get(user).copied().unwrap_or_default();
        let fits = count < WAITING_PER_USER_MAX
            && of_user + bytes.len() <= WAITING_BYTES_PER_USER_MAX
            && self.bytes + bytes.len() <= WAITING_BYTES_MAX;
        if fits {
            self.by_user.insert(user.clone(), (count + 1, of_user + bytes.len()));
            self.bytes += bytes.len();
        }
        fits
    }

    fn give_back(&mut self, user: &str, bytes: usize) {
        let Some((count, of_user)) = self.by_user.get_mut(user) else { return };
        (*count, *of_user) = (*count - 1, *of_user - bytes);
        if *count == 0 {
            self.by_user.remove(user);
        }
        self.bytes -= bytes;
    }
}

/// What is kept, by the folder of the entity.
struct Shelf {
    folder: PathBuf,
    kept: Mutex<BTreeMap<String, Roll>>,
    settings: Mutex<PictureSettings>,
}

impl Pictures {
    /// Reads what is kept, and starts the thread. `owners`: the credential of each entity that has one. Reads files, so
    /// not on an async worker.
    pub(crate) fn open(
        folder: PathBuf,
        settings: PictureSettings,
        owners: Vec<(String, String)>,
        activity: Arc<ActivityLog>,
    ) -> io::Result<Self> {
        let owners = owners.into_iter().map(|(entity, user)| (folder_of(&entity), user.into())).collect();
        let kept = Mutex::new(read_folder(&folder, &owners));
        let shelf = Arc::new(Shelf { folder, kept, settings: Mutex::new(settings) });
        let (jobs, todo) = sync_channel(WAITING_MAX);
        let waiting = Arc::new(Mutex::new(Waiting::default()));
        let (own, places, told) = (shelf.clone(), waiting.clone(), activity.clone());
        let writer = std::thread::Builder::new()
            .name("pictures".to_owned())
            .spawn(move || own.work(&todo, &places, &told))?;
        let (jobs, writer) = (Mutex::new(Some(jobs)), Mutex::new(Some(writer)));
        Ok(Self { shelf, jobs, writer, waiting, activity })
    }

    /// Keeps a picture, soon. Never waits.
    pub(crate) fn keep(&self, picture: Picture) {
        let (entity, user, bytes) = (picture.entity.clone(), picture.user.clone(), picture.bytes.len());
        let fits = self.waiting.lock().take(&picture);
        if !(fits && self.hand_over(Job::Keep(picture))) {
            if fits {
                self.waiting.lock().give_back(&user, bytes);
            }
            let text =
                format!("Pictures of {entity} come faster than the disk takes them; some were not kept.");
            self.activity.add(Level::Warning, "device", Some(&entity), text);
        }
    }

    fn hand_over(&self, job: Job) -> bool {
        self.jobs.lock().as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    /// The same, waiting for a place in the queue. Blocks.
    fn hand_over_waiting(&self, job: Job) {
        let jobs = self.jobs.lock().clone();
        if let Some(jobs) = jobs {
            let _ = jobs.send(job);
        }
    }

    /// Deletes the pictures of an entity. Blocks while the queue is full.
    pub(crate) fn forget(&self, entity: &str) {
        self.hand_over_waiting(Job::Forget(entity.to_owned()));
    }

    /// How many are kept.
    pub(crate) fn settings(&self) -> PictureSettings {
        self.shelf.settings.lock().clone()
    }

    /// Keeps so many from now on. Blocks while the queue is full.
    pub(crate) fn set(&self, settings: PictureSettings) {
        *self.shelf.settings.lock() = settings;
        self.hand_over_waiting(Job::Fit);
    }

    /// Resolves when everything handed over before is on the disk.
    pub(crate) async fn written(self: &Arc<Self>) {
        let (tell, told) = oneshot::channel();
        let own = self.clone();
        let _ = tokio::task::spawn_blocking(move || own.hand_over_waiting(Job::Tell(tell))).await;
        let _ = told.await;
    }

    /// The pictures of an entity, the newest first.
    pub(crate) fn list(&self, entity: &str) -> Vec<PictureView> {
        let kept = self.shelf.kept.lock();
        let kept = kept.get(&folder_of(entity));
        kept.into_iter()
            .flat_map(|roll| &roll.pictures)
            .rev()
            .map(|kept| PictureView {
                id: kept.id,
                time_ms: kept.time_ms,
                media_type: kept.kind.media_type().to_owned(),
                bytes: kept.bytes,
            })
            .collect()
    }

    /// One picture with its format, or the newest. Reads a file, so not on an async worker.
    pub(crate) fn get(
        &self,
        entity: &str,
        id: Option<u64>,
    ) -> Result<(PictureView, PictureKind, Vec<u8>), ApiError> {
        let place = folder_of(entity);
        let found = {
            let kept = self.shelf.kept.lock();
            let mut kept = kept.get(&place).into_iter().flat_map(|roll| &roll.pictures).rev();
            kept.find(|kept| id.is_none_or(|id| kept.id == id)).copied()
        };
        let gone = || ApiError {
            code: crate::api::ErrorCode::NotFound,
            message: format!("There is no such picture of `{entity}`. Only the last ones are kept."),
        };
        let found = found.ok_or_else(gone)?;
        let path = self.shelf.folder.join(&place).join(found.file());
        let bytes = match read_picture(&path) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Err(gone()),
            Err(why) => {
                return Err(ApiError::internal(format!("{} could not be read: {why}", path.display())));
            }
        };
        // What the file says now counts: others can write into the folder.
        let kind = PictureKind::of(&bytes).ok_or_else(gone)?;
        let view = PictureView {
            id: found.id,
            time_ms: found.time_ms,
            media_type: kind.media_type().to_owned(),
            bytes: bytes.len() as u64,
        };
        Ok((view, kind, bytes))
    }

    /// Writes what waits and ends the thread. Blocks.
    pub(crate) fn close(&self) {
        drop(self.jobs.lock().take());
        if let Some(writer) = self.writer.lock().take() {
            let _ = writer.join();
        }
    }
}

impl Shelf {
    fn work(&self, todo: &Receiver<Job>, waiting: &Mutex<Waiting>, activity: &ActivityLog) {
        self.fit();
        while let Ok(job) = todo.recv() {
            match job {
                Job::Keep(picture) => {
                    if let Err(why) = self.keep(&picture) {
                        let text = format!(
                            "A picture of {} could not be kept: {why}. Check that the disk has space.",
                            picture.entity
                        );
                        activity.add(Level::Warning, "device", Some(&picture.entity), text);
                    }
                    waiting.lock().give_back(&picture.user, picture.bytes.len());
                }
                Job::Forget(entity) => {
                    let place = folder_of(&entity);
                    self.kept.lock().remove(&place);
                    let _ = fs::remove_dir_all(self.folder.join(place));
                }
                Job::Fit => self.fit(),
                Job::Tell(tell) => {
                    let _ = tell.send(());
                }
            }
        }
    }

    fn keep(&self, picture: &Picture) -> io::Result<()> {
        let place = folder_of(&picture.entity);
        let kept = Kept {
            time_ms: picture.time_ms,
            id: picture.message_id,
            kind: picture.kind,
            bytes: picture.bytes.len() as u64,
        };
        let is_known = |roll: &Roll| roll.pictures.iter().any(|known| known.id == kept.id);
        if self.kept.lock().get(&place).is_some_and(is_known) {
            return Ok(());
        }
        let folder = self.folder.join(&place);
        data_dir::make_private_dir(&folder)?;
        data_dir::write_private(&folder.join(kept.file()), &picture.bytes)?;
        {
            let mut all = self.kept.lock();
            let roll = all.entry(place).or_default();
            if *roll.owner != *picture.user {
                roll.owner = picture.user.as_str().into();
            }
            let list = &mut roll.pictures;
            let at = list.partition_point(|known| (known.time_ms, known.id) < (kept.time_ms, kept.id));
            list.insert(at, kept);
        }
        self.fit();
        Ok(())
    }

    /// Deletes what is too much.
    fn fit(&self) {
        let settings = self.settings.lock().clone();
        let gone = take_surplus(&mut self.kept.lock(), &settings);
        for (place, kept) in gone {
            let _ = fs::remove_file(self.folder.join(place).join(kept.file()));
        }
    }
}

fn folder_of(entity: &str) -> String {
    hex::encode(&Sha256::digest(entity.as_bytes())[..FOLDER_HASH_BYTES])
}

fn read_folder(folder: &Path, owners: &HashMap<String, Arc<str>>) -> BTreeMap<String, Roll> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok) {
        let Ok(place) = entry.file_name().into_string() else { continue };
        let files = fs::read_dir(entry.path()).into_iter().flatten().filter_map(Result::ok);
        let mut list: Vec<Kept> = files
            .filter_map(|file| {
                let length = file.metadata().ok().filter(fs::Metadata::is_file)?.len();
                Kept::read(file.file_name().to_str()?, length)
            })
            .collect();
        list.sort_unstable_by_key(|kept| (kept.time_ms, kept.id));
        if !list.is_empty() {
            // Those whose entity has no credential are one owner's.
            let owner = owners.get(&place).cloned().unwrap_or_default();
            all.insert(place, Roll { owner, pictures: list.into() });
        }
    }
    all
}

fn read_picture(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(PICTURE_BYTES_MAX as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_says_what_it_is() {
        fn check(name: &str, expected: Option<(i64, u64, PictureKind)>) {
            let read = Kept::read(name, 1);
            assert_eq!(read.map(|kept| (kept.time_ms, kept.id, kept.kind)), expected, "{name}");
            if let Some(read) = read {
                assert_eq!(read.file(), name);
            }
        }
        check("1700000000000-42.jpg", Some((1_700_000_000_000, 42, PictureKind::Jpeg)));
        check("5-6.webp", Some((5, 6, PictureKind::Webp)));
        check("5-6.part", None);
        check("5.jpg", None);
        check("x-6.jpg", None);
        check("readme", None);
    }

    #[test]
    fn settings_have_a_range() {
        fn check(stored: Value, expected: u32) {
            assert_eq!(PictureSettings::read(Some(&stored)).keep, expected, "{stored}");
        }
        check(serde_json::json!({ "keep": 5, "bytes": BYTES_MIN }), 5);
        check(serde_json::json!({ "keep": 0, "bytes": BYTES_MIN }), KEEP_DEFAULT);
        check(serde_json::json!({ "keep": 5, "bytes": 1 }), KEEP_DEFAULT);
        check(serde_json::json!("x"), KEEP_DEFAULT);
    }
}
