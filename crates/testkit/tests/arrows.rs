//! Who may import whom. The house stays easy to hold in the head as long as its arrows point one way:
//! `src-tauri -> hub -> {broker, store, automation, devices} -> model`, and each foreign thing lives in one place.
#![allow(clippy::unwrap_used, reason = "a test that cannot read the sources ends here")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Each member, and which members its code may use.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("devices", &["model"]),
    ("broker", &["model"]),
    ("store", &["model"]),
    ("automation", &["model"]),
    ("hub", &["automation", "broker", "devices", "model", "store"]),
    ("hearth-desktop", &["hub"]),
    ("testkit", &["automation", "broker", "devices", "hub", "model", "store"]),
];

/// Each foreign thing, and the one folder whose code names it.
const FOREIGN: &[(&str, &str)] = &[
    ("axum", "crates/hub/src/http"),
    ("rhai", "crates/automation/src"),
    ("rumqttd", "crates/broker/src/bus"),
    ("rusqlite", "crates/store/src"),
    ("tauri", "src-tauri/src"),
];

/// What the pure crates never name: their results depend on their arguments alone.
const IMPURE: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::process",
    "std::thread",
    "SystemTime",
    "Instant::",
    "chrono",
    "getrandom",
    "rand::",
    "tokio",
];
const PURE: &[&str] = &["crates/model/src", "crates/devices/src"];

/// Longer than this, a file holds a second noun that wants a file of its own.
const FILE_LINES_MAX: usize = 800;

#[test]
fn members_import_only_what_the_house_allows() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let members: BTreeSet<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let known: BTreeSet<&str> = ARROWS.iter().map(|(member, _)| *member).collect();
    assert_eq!(members, known, "a member without arrows, or arrows without a member");

    for package in packages {
        let member = package["name"].as_str().unwrap();
        let allowed = ARROWS.iter().find(|(name, _)| *name == member).unwrap().1;
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            // A member's tests may use testkit, and a feature of the member itself; its code may not.
            let for_tests = dependency["kind"] == "dev" && (name == "testkit" || name == member);
            assert!(
                !members.contains(name) || allowed.contains(&name) || for_tests,
                "{member} imports {name}; it may import {allowed:?}"
            );
        }
    }
}

#[test]
fn each_foreign_thing_lives_in_one_place() {
    for (path, text) in sources() {
        for (foreign, home) in FOREIGN {
            let named = text.lines().find(|line| names_crate(line, foreign));
            assert!(
                named.is_none() || path.starts_with(home),
                "{} uses {foreign}, which lives in {home}: {}",
                path.display(),
                named.unwrap_or_default()
            );
        }
    }
}

#[test]
fn model_and_devices_know_no_clock_no_chance_and_no_world() {
    for (path, text) in sources() {
        // A test may look where a document lies that it holds against the code.
        if !PURE.iter().any(|folder| path.starts_with(folder)) || path.ends_with("tests.rs") {
            continue;
        }
        // A template that nests deeply is given a larger stack, which only a thread has; it is joined at once.
        if path.ends_with("crates/devices/src/template/room.rs") {
            continue;
        }
        for impure in IMPURE {
            let named = code_lines(&text).find(|line| line.contains(impure));
            assert!(named.is_none(), "{} names {impure}: {}", path.display(), named.unwrap_or_default());
        }
    }
}

#[test]
fn no_file_is_too_long_to_read() {
    for (path, text) in sources() {
        let lines = text.lines().count();
        assert!(
            lines <= FILE_LINES_MAX,
            "{} has {lines} lines: find its second noun (the limit is {FILE_LINES_MAX})",
            path.display()
        );
    }
}

#[test]
fn a_crate_is_recognised_where_code_names_it() {
    let check = |line: &str, expected: bool| assert_eq!(names_crate(line, "axum"), expected, "{line}");
    check("use axum::Router;", true);
    check("    let router = axum::Router::new();", true);
    check("/// Not axum::Router.", false);
    check("use hub_axum::Router;", false);
    check("let taxum = 1;", false);
}

/// Whether a line of code uses the crate: `rhai::Engine`, `use rhai;`.
fn names_crate(line: &str, foreign: &str) -> bool {
    code_lines(line).any(|line| {
        line.match_indices(foreign).any(|(start, _)| {
            let before = line[..start].chars().next_back();
            let starts_a_word =
                !before.is_some_and(|letter| letter.is_alphanumeric() || "_:\"".contains(letter));
            starts_a_word && line[start + foreign.len()..].starts_with("::")
        })
    })
}

fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.trim_start().starts_with("//"))
}

/// Every source file of the members, by its path from the root.
fn sources() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for package in metadata()["packages"].as_array().unwrap() {
        let manifest = Path::new(package["manifest_path"].as_str().unwrap()).to_path_buf();
        collect(&manifest.parent().unwrap().join("src"), &mut found);
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

fn collect(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            into.push((path.strip_prefix(root()).unwrap().to_path_buf(), text));
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"])
        .arg(root().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}
