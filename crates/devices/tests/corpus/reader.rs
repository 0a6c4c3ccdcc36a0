//! The corpus folder: JSON lines, one file of a kind.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

/// Names the folder with the whole corpus.
const FOLDER: &str = "HEARTH_CORPUS";
/// The sample that comes with the project.
const SAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/corpus");

/// Where the rows come from.
pub(crate) struct Corpus {
    folder: PathBuf,
    whole: bool,
}

impl Corpus {
    /// The whole corpus if the environment names it, else the sample.
    pub(crate) fn open() -> Self {
        match std::env::var_os(FOLDER) {
            Some(folder) => Self { folder: folder.into(), whole: true },
            None => Self { folder: SAMPLE.into(), whole: false },
        }
    }

    /// Which of the two it is, in one line.
    pub(crate) fn told(&self) -> String {
        if self.whole {
            format!("The corpus in {}:", self.folder.display())
        } else {
            format!("The whole corpus was skipped, for {FOLDER} names no folder; the sample instead:")
        }
    }

    /// The rows of a file; none if the folder does not have it.
    pub(crate) fn rows(&self, file: &str) -> Vec<Json> {
        lines(&self.folder.join(format!("{file}.jsonl")))
    }

    /// A file that is one JSON value.
    pub(crate) fn json(&self, file: &str) -> Json {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_else(|why| panic!("{file}: {why}"));
        serde_json::from_str(&text).unwrap_or_else(|why| panic!("{file}: {why}"))
    }

    /// What is known to be missed, and why. It is kept with the project, whichever rows are scored.
    pub(crate) fn known_misses(&self) -> Vec<Json> {
        lines(&Path::new(SAMPLE).join("known_misses.jsonl"))
    }
}

fn lines(path: &Path) -> Vec<Json> {
    let Ok(text) = fs::read_to_string(path) else { return Vec::new() };
    let row = |(number, line): (usize, &str)| {
        serde_json::from_str(line)
            .unwrap_or_else(|why| panic!("{} line {}: {why}", path.display(), number + 1))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(row).collect()
}

/// A member that is a text; empty if it is not there.
pub(crate) fn text<'a>(row: &'a Json, key: &str) -> &'a str {
    row.get(key).and_then(Json::as_str).unwrap_or_default()
}
