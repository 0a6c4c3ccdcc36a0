//! The one folder that holds everything, and the rule that one hub at a time uses it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// Who runs on the folder. Written when the hub is ready, read by the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    /// Process id.
    pub pid: u32,
    /// Address of the HTTP door, if it is open.
    pub http: Option<SocketAddr>,
    /// Addresses of the broker.
    pub mqtt: Vec<SocketAddr>,
}

/// Why the folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    /// Another hub has it.
    #[error(
        "Hearth is already running on {}{}. Use that one, stop it, or choose another folder with --data-dir.",
        dir.display(),
        running.as_ref().map(|r| format!(" (pid {}{})", r.pid, r.http.map(|a| format!(", http://{a}")).unwrap_or_default())).unwrap_or_default()
    )]
    InUse {
        /// The folder.
        dir: PathBuf,
        /// Who has it, if that could be read.
        running: Option<Running>,
    },
    /// It cannot be read or written.
    #[error("The data folder {} cannot be used: {why}. Check that it is yours and has space, or choose another with --data-dir.", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
}

/// The folder, held by this process until it is dropped.
#[derive(Debug)]
pub struct DataDir {
    dir: PathBuf,
    /// The lock lives as long as the open file; the system releases it even after `kill -9`.
    _lock: File,
}

/// Where Hearth keeps its data unless told otherwise.
pub fn default_data_dir() -> PathBuf {
    directories::ProjectDirs::from("", "", "hearth")
        .map_or_else(|| PathBuf::from("hearth-data"), |dirs| dirs.data_dir().to_owned())
}

impl DataDir {
    /// Makes the folder if need be and takes it for this process.
    pub fn take(dir: &Path) -> Result<Self, DataDirError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |why| DataDirError::Io { path, why }
        };
        make_private_dir(dir).map_err(io(dir))?;
        let path = dir.join("hub.lock");
        let lock = private().read(true).append(true).create(true).open(&path).map_err(io(&path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DataDirError::InUse { dir: dir.to_owned(), running: running(dir) });
            }
            Err(TryLockError::Error(why)) => return Err(io(&path)(why)),
        }
        // Left over from a hub that was killed.
        let _ = fs::remove_file(dir.join("hub.json"));
        for folder in ["automations", "firmware-profiles", "pictures"] {
            make_private_dir(&dir.join(folder)).map_err(io(dir))?;
        }
        Ok(Self { dir: dir.to_owned(), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.dir
    }

    /// Where the scripts are.
    pub fn automations(&self) -> PathBuf {
        self.dir.join("automations")
    }

    /// Where the owner's firmware profiles are.
    pub fn profiles(&self) -> PathBuf {
        self.dir.join("firmware-profiles")
    }

    /// Where the pictures of cameras are.
    pub fn pictures(&self) -> PathBuf {
        self.dir.join("pictures")
    }

    /// Tells the command line where this hub can be reached.
    pub fn announce(&self, running: &Running) -> io::Result<()> {
        write_private(&self.dir.join("hub.json"), serde_json::to_string(running)?.as_bytes())
    }

    /// Keeps the owner token in a file only the owner can read.
    pub fn write_token(&self, token: &str) -> io::Result<()> {
        write_private(&token_file(&self.dir), format!("{token}\n").as_bytes())
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.dir.join("hub.json"));
    }
}

/// Who runs on the folder, as far as the files tell. Only the lock is the truth.
pub fn running(dir: &Path) -> Option<Running> {
    serde_json::from_slice(&fs::read(dir.join("hub.json")).ok()?).ok()
}

/// Whether a hub holds the folder's lock.
pub fn is_in_use(dir: &Path) -> bool {
    File::open(dir.join("hub.lock"))
        .is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// Whether there ever was a hub on the folder.
pub fn is_known(dir: &Path) -> bool {
    dir.join("hub.db").is_file() || dir.join("hub.lock").is_file()
}

/// The file that holds the owner token.
pub fn token_file(dir: &Path) -> PathBuf {
    dir.join("owner-token")
}

/// Writes a file that nobody else can read, whole or not at all.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let part = path.with_extension("part");
    let mut file = private().write(true).create(true).truncate(true).open(&part)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&part, path)
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

pub(crate) fn make_private_dir(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_hub_is_refused_in_words() {
        let dir = tempfile::tempdir().unwrap();
        let first = DataDir::take(dir.path()).unwrap();
        first.announce(&Running { pid: 812, http: "127.0.0.1:8460".parse().ok(), mqtt: Vec::new() }).unwrap();
        let error = DataDir::take(dir.path()).unwrap_err().to_string();
        assert!(error.contains("already running") && error.contains("pid 812"), "{error}");
        assert!(is_in_use(dir.path()));
        drop(first);
        assert!(!is_in_use(dir.path()));
        DataDir::take(dir.path()).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn the_token_file_is_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let data = DataDir::take(dir.path()).unwrap();
        data.write_token("secret").unwrap();
        let mode = fs::metadata(token_file(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
