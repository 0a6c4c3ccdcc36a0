//! The firmware profiles: those that come with Hearth, and the owner's own as files in the data folder, which go
//! before them.
//!
//! A file is taken when it can be read and passes its own samples. One that does not is told and changes nothing:
//! what was in use before, of this run or of Hearth's own, stays. What every profile said at the end of the last
//! run is known by its hash, so devices are understood anew after an update of Hearth, too.

mod trial;

pub(crate) use trial::try_source;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use devices::limits::PROFILE_BYTES_MAX;
use devices::{Covered, Profile, ProfileError};
use parking_lot::{Mutex, RwLock};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::api::ApiError;
use crate::api::types::{Level, ProfileDetail, ProfileFault, ProfileOrigin, ProfileSample, ProfileView};
use crate::ingest::{self, Difference};
use crate::{Hub, clock, data_dir, folder, hex};

/// Most files of the owner's.
pub const PROFILE_FILES_MAX: usize = 100;
/// Where the hashes are kept of what each profile said.
pub(crate) const SETTING: &str = "profiles";
/// Longest file name, bytes.
const FILE_NAME_BYTES_MAX: usize = 100;

/// The profiles of one hub.
pub struct Profiles {
    folder: PathBuf,
    files: RwLock<BTreeMap<String, UserFile>>,
    /// All that are in use.
    current: RwLock<Arc<Vec<Profile>>>,
    /// One change at a time, so that a save and the file watcher do not load in the wrong order.
    changing: Mutex<()>,
    /// Who tries one.
    trying: tokio::sync::Semaphore,
}

/// A file of the owner's.
#[derive(Clone, Default)]
struct UserFile {
    /// As it is now, if it can be read.
    source: String,
    /// The newest version without a fault.
    good: Option<Profile>,
    covered: Vec<Covered>,
    faults: Vec<ProfileError>,
    /// Another file has its profile.
    is_shadowed: bool,
}

impl UserFile {
    /// Takes over what the file says now.
    fn read(&mut self, name: &str, source: String) {
        let examined = Profile::examine(name, &source);
        self.source = source;
        self.is_shadowed = false;
        self.covered = examined.covered;
        self.faults = examined.faults;
        if self.faults.is_empty() {
            self.good = examined.profile;
        }
    }

    fn fails(&mut self, name: &str, why: String) {
        self.faults = vec![ProfileError { file: name.to_owned(), place: None, why }];
    }
}

impl Profiles {
    /// Reads the folder. Reads files, so not on an async worker.
    pub(crate) fn open(folder: PathBuf) -> Self {
        let profiles = Self {
            folder,
            files: RwLock::default(),
            current: RwLock::default(),
            changing: Mutex::default(),
            trying: tokio::sync::Semaphore::new(trial::TRIALS_MAX),
        };
        profiles.look();
        profiles
    }

    /// All that are in use.
    pub(crate) fn current(&self) -> Arc<Vec<Profile>> {
        self.current.read().clone()
    }

    /// Reads the folder again; returns the names of files that changed, those that are gone included.
    fn look(&self) -> BTreeSet<String> {
        let before = self.files.read().clone();
        let mut files = BTreeMap::new();
        for (at, path) in folder::files(&self.folder, "toml").iter().enumerate() {
            let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else {
                continue;
            };
            let mut file = before.get(&name).cloned().unwrap_or_default();
            match folder::read_text(path, PROFILE_BYTES_MAX) {
                _ if at >= PROFILE_FILES_MAX => file.fails(
                    &name,
                    format!("there are more than {PROFILE_FILES_MAX} files. Put some of them together."),
                ),
                // Another program is just replacing it.
                Err(_) if !path.exists() => continue,
                Err(why) => file.fails(&name, format!("it cannot be read: {why}.")),
                Ok(source) if source == file.source && before.contains_key(&name) && !file.is_shadowed => {}
                Ok(source) => file.read(&name, source),
            }
            files.insert(name, file);
        }
        tell_apart(&mut files);
        let is_changed = |name: &&String| match (before.get(*name), files.get(*name)) {
            (Some(before), Some(now)) => before.source != now.source || before.faults != now.faults,
            _ => true,
        };
        let changed = before.keys().chain(files.keys()).filter(is_changed).cloned().collect();
        let own = files.values().filter_map(|file| file.good.clone());
        let mut all = Profile::built_in();
        for profile in own {
            all.retain(|other| other.id() != profile.id());
            all.push(profile);
        }
        *self.current.write() = Arc::new(all);
        *self.files.write() = files;
        changed
    }

    /// Reads the folder again and has the home understand what changed. Blocks.
    pub(crate) fn rescan(&self, hub: &Arc<Hub>) {
        let _one_at_a_time = self.changing.lock();
        self.take_over(hub);
    }

    fn take_over(&self, hub: &Arc<Hub>) {
        let before = self.current();
        let changed = self.look();
        if changed.is_empty() {
            return;
        }
        let now = self.current();
        let effects = hub.home.write().set_profiles(now.to_vec(), clock::now_ms());
        let difference = ingest::understand_anew(hub, effects, ingest::When::Now);
        self.keep_hashes(hub);
        if before != now {
            hub.ask_anew(&now);
        }
        let difference = difference.to_string();
        let mut difference = (!difference.is_empty()).then_some(difference);
        for name in changed {
            let (level, text) = match self.files.read().get(&name) {
                None => {
                    (Level::Info, format!("The profile file {name} is gone.{}", self.instead(&before, &name)))
                }
                Some(file) if file.faults.is_empty() => {
                    let id = file.good.as_ref().map_or("", Profile::id);
                    let more = difference.take().map(|told| format!(" {told}")).unwrap_or_default();
                    (Level::Info, format!("The profile `{id}` of {name} is loaded.{more}"))
                }
                Some(file) => (Level::Warning, told_fault(file)),
            };
            hub.activity.add(level, "profile", Some(&name), text);
        }
        if let Some(told) = difference {
            hub.activity.add(Level::Info, "profile", None, told);
        }
    }

    /// What is used in the place of a file that is gone.
    fn instead(&self, before: &[Profile], name: &str) -> String {
        let id = before.iter().find(|profile| profile.file_name() == name).map(Profile::id);
        let Some(id) = id else { return String::new() };
        if self.current().iter().any(|profile| profile.id() == id) {
            return format!(" The profile `{id}` that comes with Hearth is used again.");
        }
        format!(" The devices of `{id}` stay as they are.")
    }

    /// Tells of the files that cannot be used, and has the home understand anew what says something else than at
    /// the end of the last run. Blocks.
    pub(crate) fn begin(&self, hub: &Arc<Hub>) {
        for (name, file) in self.files.read().iter().filter(|(_, file)| !file.faults.is_empty()) {
            hub.activity.add(Level::Warning, "profile", Some(name), told_fault(file));
        }
        let kept = match hub.setting(SETTING) {
            Ok(kept) => kept.unwrap_or_default(),
            Err(why) => {
                tracing::warn!(%why, "what the profiles said in the last run cannot be read");
                return;
            }
        };
        let current = self.current();
        let changed = current.iter().filter(|profile| kept[profile.id()] != json!(hash(profile)));
        let changed: BTreeSet<String> = changed.map(|profile| profile.id().to_owned()).collect();
        if changed.is_empty() {
            return;
        }
        let effects = hub.home.write().understand_anew(&changed, clock::now_ms());
        let difference = ingest::understand_anew(hub, effects, ingest::When::Again).to_string();
        if !difference.is_empty() {
            let text = format!("Firmware profiles changed while Hearth was not running. {difference}");
            hub.activity.add(Level::Info, "profile", None, text);
        }
        self.keep_hashes(hub);
    }

    /// Behind the changes of the registry in the queue of `hub.db`: never before them on the disk.
    fn keep_hashes(&self, hub: &Hub) {
        let current = self.current();
        let hashes = current.iter().map(|profile| (profile.id().to_owned(), json!(hash(profile)))).collect();
        drop(
            hub.db.write(move |conn| store::setting::set(conn, SETTING, &serde_json::Value::Object(hashes))),
        );
    }

    /// All, those of the owner first; a file without a usable version, too.
    pub(crate) fn list(&self, hub: &Hub) -> Vec<ProfileView> {
        let files = self.files.read().clone();
        let mut devices: BTreeMap<String, u32> = BTreeMap::new();
        for device in hub.home.read().devices() {
            *devices.entry(device.profile.clone()).or_default() += 1;
        }
        let own = files.iter().map(|(name, file)| view_of_file(name, file));
        let owned: BTreeSet<&str> =
            files.values().filter_map(|file| file.good.as_ref().map(Profile::id)).collect();
        let built_in = Profile::built_in();
        let built_in = built_in.iter().filter(|profile| !owned.contains(profile.id())).map(view_of_built_in);
        own.chain(built_in)
            .map(|mut view| {
                view.devices = view.id.as_ref().and_then(|id| devices.get(id)).copied().unwrap_or_default();
                view
            })
            .collect()
    }

    /// One of them, by the name of the owner's file or by the id of one that comes with Hearth.
    pub(crate) fn get(&self, hub: &Hub, key: &str) -> Result<ProfileDetail, ApiError> {
        let profile = self.list(hub).into_iter().find(|view| view.key == key);
        let profile = profile.ok_or_else(|| ApiError::not_found("firmware profile", key))?;
        let source = match self.files.read().get(key) {
            Some(file) => file.source.clone(),
            None => {
                let built_in = Profile::built_in();
                let known = built_in.iter().find(|profile| profile.id() == key);
                known.map(|profile| profile.source().to_owned()).unwrap_or_default()
            }
        };
        Ok(ProfileDetail { profile, source })
    }

    /// Saves a profile into the folder and uses it. Without a name it replaces the file of the same profile, or
    /// makes one that is called after its id. Writes a file, so not on an async worker.
    pub(crate) fn save(
        &self,
        hub: &Arc<Hub>,
        file: Option<String>,
        source: &str,
    ) -> Result<String, ApiError> {
        let _one_at_a_time = self.changing.lock();
        let examined = Profile::examine("The draft", source);
        let profile = match (examined.faults.first(), &examined.profile) {
            (None, Some(profile)) => profile,
            (Some(fault), _) => return Err(ApiError::invalid(format!("{fault} Nothing was saved."))),
            (None, None) => return Err(ApiError::internal("the draft could not be read")),
        };
        let name = self.name_for(profile, file)?;
        let path = self.folder.join(&name);
        data_dir::write_private(&path, source.as_bytes())
            .map_err(|why| ApiError::internal(format!("{} could not be written: {why}", path.display())))?;
        self.take_over(hub);
        Ok(name)
    }

    /// The file a profile belongs into.
    fn name_for(&self, profile: &Profile, file: Option<String>) -> Result<String, ApiError> {
        let files = self.files.read();
        let holder = |id: &str| {
            let mut known = files.iter();
            known
                .find(|(_, file)| file.good.as_ref().is_some_and(|good| good.id() == id))
                .map(|(name, _)| name)
        };
        let id = profile.id();
        let name = match (file, holder(id)) {
            (Some(file), Some(holder)) if file != *holder => {
                return Err(ApiError::conflict(format!(
                    "{holder} already has the profile `{id}`. Change that file, or give this one another id."
                )));
            }
            (Some(file), _) => file,
            (None, Some(holder)) => holder.clone(),
            (None, None) => format!("{id}.toml"),
        };
        let is_new = !files.contains_key(&name);
        let stem = name.strip_suffix(".toml").unwrap_or_default();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if is_new
            && (stem.is_empty()
                || stem.starts_with('.')
                || name.len() > FILE_NAME_BYTES_MAX
                || !stem.chars().all(is_plain))
        {
            return Err(ApiError::invalid(format!(
                "{name:?} is no name for a profile file. Choose letters, digits, `-` and `_`, and end it with .toml."
            )));
        }
        if is_new && files.len() >= PROFILE_FILES_MAX {
            return Err(ApiError::conflict(format!(
                "There can be at most {PROFILE_FILES_MAX} profile files. Remove some first."
            )));
        }
        Ok(name)
    }

    /// Removes a file of the owner's. What comes with Hearth stays, and so do the devices.
    pub(crate) fn remove(&self, hub: &Arc<Hub>, name: &str) -> Result<(), ApiError> {
        let _one_at_a_time = self.changing.lock();
        if !self.files.read().contains_key(name) {
            return Err(match self.current().iter().any(|profile| profile.id() == name) {
                true => ApiError::invalid(format!(
                    "`{name}` comes with Hearth and cannot be removed. Save one of your own with this id to change it."
                )),
                false => ApiError::not_found("profile file", name),
            });
        }
        let path = self.folder.join(name);
        fs::remove_file(&path)
            .map_err(|why| ApiError::internal(format!("{} could not be removed: {why}", path.display())))?;
        self.take_over(hub);
        Ok(())
    }

    /// The folder of the owner's files.
    pub(crate) fn folder(&self) -> &std::path::Path {
        &self.folder
    }
}

/// Watches the folder until the hub stops.
pub(crate) async fn watch(hub: Arc<Hub>) {
    let folder = hub.profiles.folder.clone();
    folder::watch(hub, folder, "Profiles", |hub| hub.profiles.rescan(hub)).await;
}

/// Of two files with one profile the first by name has it.
fn tell_apart(files: &mut BTreeMap<String, UserFile>) {
    let mut holders: BTreeMap<String, String> = BTreeMap::new();
    for (name, file) in files.iter_mut() {
        let Some(id) = file.good.as_ref().map(|good| good.id().to_owned()) else { continue };
        match holders.get(&id) {
            Some(holder) => {
                file.good = None;
                // It is read again until that file is gone.
                file.is_shadowed = true;
                file.fails(
                    name,
                    format!("the profile `{id}` is already in {holder}. Give one of them another id."),
                );
            }
            None => {
                holders.insert(id, name.clone());
            }
        }
    }
}

fn hash(profile: &Profile) -> String {
    hex::encode(&Sha256::digest(profile.source().as_bytes()))
}

fn told_fault(file: &UserFile) -> String {
    let fault = file.faults.first().map(ToString::to_string).unwrap_or_default();
    let rest = match &file.good {
        Some(good) => format!("The version of `{}` before stays in use.", good.id()),
        None => "It is not used.".to_owned(),
    };
    format!("The profile file {fault} {rest}")
}

fn view_of_built_in(profile: &Profile) -> ProfileView {
    ProfileView {
        key: profile.id().to_owned(),
        id: Some(profile.id().to_owned()),
        name: profile.name().to_owned(),
        versions: profile.versions().map(ToOwned::to_owned),
        origin: ProfileOrigin::BuiltIn,
        file: None,
        is_used: true,
        faults: Vec::new(),
        samples: samples(&profile.covered()),
        devices: 0,
    }
}

fn view_of_file(name: &str, file: &UserFile) -> ProfileView {
    let good = file.good.as_ref();
    let overrides = good.is_some_and(|good| Profile::built_in().iter().any(|other| other.id() == good.id()));
    ProfileView {
        key: name.to_owned(),
        id: good.map(|good| good.id().to_owned()),
        name: good.map_or_else(|| name.to_owned(), |good| good.name().to_owned()),
        versions: good.and_then(Profile::versions).map(ToOwned::to_owned),
        origin: if overrides { ProfileOrigin::Overrides } else { ProfileOrigin::Own },
        file: Some(name.to_owned()),
        is_used: good.is_some(),
        faults: faults(&file.faults, &file.source),
        samples: samples(&file.covered),
        devices: 0,
    }
}

/// What the samples of a profile cover.
pub(crate) fn samples(covered: &[Covered]) -> Vec<ProfileSample> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    covered
        .iter()
        .map(|sample| ProfileSample {
            name: sample.name.clone(),
            messages: count(sample.messages),
            entities: count(sample.entities),
            commands: count(sample.commands),
        })
        .collect()
}

/// Faults with the lines they are in.
pub(crate) fn faults(faults: &[ProfileError], source: &str) -> Vec<ProfileFault> {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    faults
        .iter()
        .map(|fault| ProfileFault {
            line: fault.place.map(|place| count(place.line)),
            column: fault.place.map(|place| count(place.column)),
            text: fault.place.and_then(|place| source.lines().nth(place.line - 1)).map(ToOwned::to_owned),
            message: fault.why.clone(),
        })
        .collect()
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { devices, came, changed, went } = *self;
        if devices + came + changed + went == 0 {
            return Ok(());
        }
        let of = |count: usize, one: &str, more: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {more}"),
        };
        write!(
            f,
            "{} understood anew: {} new, {} changed, {} gone.",
            of(devices, "device was", "devices were"),
            of(came, "entity is", "entities are"),
            changed,
            went
        )
    }
}
