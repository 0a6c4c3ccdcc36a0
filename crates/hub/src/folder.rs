//! Folders whose files people edit with other programs: reading them safely, and hearing of changes.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use tokio::sync::Notify;

use crate::Hub;
use crate::api::types::Level;

/// Editors write a file in several steps; they are looked at together, ms.
const SETTLE_MS: u64 = 150;

/// The files of a folder that end like this, in order of name.
pub(crate) fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == ending))
        .collect();
    files.sort();
    files
}

/// Reads one file of text. The folder may hold anything: a pipe or a device under that name would never end.
pub(crate) fn read_text(path: &Path, bytes_max: usize) -> Result<String, String> {
    let is_file = fs::metadata(path).map_err(|why| why.to_string())?.is_file();
    if !is_file {
        return Err("it is no ordinary file. Put its text itself there".to_owned());
    }
    let mut text = String::new();
    let file = fs::File::open(path).map_err(|why| why.to_string())?;
    file.take(bytes_max as u64 + 1).read_to_string(&mut text).map_err(|why| why.to_string())?;
    if text.len() > bytes_max {
        return Err(format!("it has more than {} KiB. Split it", bytes_max >> 10));
    }
    Ok(text)
}

/// Watches a folder until the hub stops, and has it read again, off the async workers, when something of it
/// changes. `files` says in the plural what is in it.
pub(crate) async fn watch(hub: Arc<Hub>, folder: PathBuf, files: &'static str, rescan: fn(&Arc<Hub>)) {
    let changed = Arc::new(Notify::new());
    let tell = changed.clone();
    let watching = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            tell.notify_one();
        }
    })
    .and_then(|mut watcher| watcher.watch(&folder, RecursiveMode::NonRecursive).map(|()| watcher));
    let _watcher = match watching {
        Ok(watcher) => watcher,
        Err(why) => {
            let text = format!(
                "The folder {} cannot be watched ({why}). {files} saved by other programs are loaded at the next start.",
                folder.display()
            );
            hub.activity.add(Level::Warning, "hub", None, text);
            return;
        }
    };
    // What changed between the first reading and now told nobody.
    changed.notify_one();
    loop {
        changed.notified().await;
        tokio::time::sleep(Duration::from_millis(SETTLE_MS)).await;
        let hub = hub.clone();
        let _ = tokio::task::spawn_blocking(move || rescan(&hub)).await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    const BYTES_MAX: usize = 1 << 10;

    #[test]
    fn what_never_ends_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("fan.rhai"), "// Fan").unwrap();
        fs::write(path("large.rhai"), "/".repeat(BYTES_MAX + 1)).unwrap();
        std::os::unix::fs::symlink(path("fan.rhai"), path("link.rhai")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("zero.rhai")).unwrap();
        std::os::unix::fs::symlink("/nowhere", path("nowhere.rhai")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe.rhai")).status().unwrap();
        assert!(made.success());
        for (name, expected) in [
            ("fan", Ok("// Fan")),
            ("link", Ok("// Fan")),
            ("large", Err("more than 1 KiB")),
            ("zero", Err("no ordinary file")),
            ("pipe", Err("no ordinary file")),
            ("nowhere", Err("")),
        ] {
            let read = read_text(&path(&format!("{name}.rhai")), BYTES_MAX);
            match expected {
                Ok(source) => assert_eq!(read.as_deref(), Ok(source), "{name}"),
                Err(words) => assert!(read.unwrap_err().contains(words), "{name}"),
            }
        }
    }
}
