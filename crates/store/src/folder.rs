//! The data folder: made when missing, writable, and held by one Hearth at a time.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::{Result, StoreError};

/// The lock that says which process has the folder; the operating system lets go of it when that process dies,
/// however it dies.
const LOCK_FILE: &str = "hearth.lock";

/// A data folder this process holds.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes the folder if it is missing, sees that it can be written, and takes its lock.
    ///
    /// # Errors
    /// [`StoreError::Folder`] when it cannot be used, [`StoreError::InUse`] when another Hearth has it.
    pub fn open(path: &Path) -> Result<Self> {
        let refuse = |why: std::io::Error| StoreError::Folder {
            folder: path.to_owned(),
            advice: match why.kind() {
                std::io::ErrorKind::AlreadyExists | std::io::ErrorKind::NotADirectory => {
                    "A file is in the way: choose another folder with --data-dir.".to_owned()
                }
                std::io::ErrorKind::StorageFull => "Free some space on that disk.".to_owned(),
                _ => {
                    "Choose a folder you may write to with --data-dir, or change its permissions.".to_owned()
                }
            },
            why: why.to_string(),
        };
        std::fs::create_dir_all(path).map_err(refuse)?;
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path.join(LOCK_FILE))
            .map_err(refuse)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let known = lock.read_to_string(&mut pid).is_ok() && pid.trim().parse::<u32>().is_ok();
                let holder = if known { format!(" (process {})", pid.trim()) } else { String::new() };
                return Err(StoreError::InUse { folder: path.to_owned(), holder });
            }
            Err(TryLockError::Error(why)) => return Err(refuse(why)),
        }
        // The number is for people only, so failing to write it would still be a full or broken disk.
        lock.set_len(0).and_then(|()| lock.rewind()).map_err(refuse)?;
        writeln!(lock, "{}", std::process::id()).map_err(refuse)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// `hub.db`: small and precious.
    pub fn hub_db(&self) -> PathBuf {
        self.path.join("hub.db")
    }

    /// `journal.db`: large and replaceable.
    pub fn journal_db(&self) -> PathBuf {
        self.path.join("journal.db")
    }

    /// `readings.db`: large.
    pub fn readings_db(&self) -> PathBuf {
        self.path.join("readings.db")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_hearth_per_folder() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("new/data");
        let held = Folder::open(&path).unwrap();
        let refused = Folder::open(&path).unwrap_err().to_string();
        assert!(refused.contains(&format!("(process {})", std::process::id())), "{refused}");
        drop(held);
        Folder::open(&path).unwrap();
    }

    #[test]
    fn a_file_in_the_way_is_said_so() {
        let temporary = tempfile::tempdir().unwrap();
        let path = temporary.path().join("data");
        std::fs::write(&path, "a file").unwrap();
        let refused = Folder::open(&path).unwrap_err().to_string();
        assert!(refused.contains("A file is in the way"), "{refused}");
    }
}
