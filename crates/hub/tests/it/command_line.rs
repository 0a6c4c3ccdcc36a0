//! `hearth` as it is typed: what it prints, where, and what it leaves alone.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::house::{Board, House};

pub(crate) fn command(dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hearth"));
    command.arg("--data-dir").arg(dir).args(arguments).stdin(Stdio::null()).env_remove("RUST_LOG");
    command
}

/// Whether it did what was asked, and all it printed.
pub(crate) fn typed(dir: &Path, arguments: &[&str]) -> (bool, String) {
    let Output { status, stdout, stderr } = command(dir, arguments).output().unwrap();
    (status.success(), String::from_utf8([stdout, stderr].concat()).unwrap())
}

async fn typed_at(house: &House, arguments: &[&'static str]) -> (bool, String) {
    let (dir, arguments) = (house.dir.path().to_owned(), arguments.to_vec());
    tokio::task::spawn_blocking(move || typed(&dir, &arguments)).await.unwrap()
}

#[test]
fn a_mistyped_folder_is_told_and_not_made() {
    let parent = tempfile::tempdir().unwrap();
    let dir = parent.path().join("mistyped");
    for arguments in [
        &["device", "list"][..],
        &["credential", "list"],
        &["automation", "list"],
        &["info"],
        &["activity"],
        &["call", "home"],
        &["publish", "a", "1"],
        &["demo", "--remove"],
    ] {
        let (done, said) = typed(&dir, arguments);
        assert!(
            !done && said.contains("There is no Hearth data in") && said.contains("hearth serve"),
            "{said}"
        );
        assert!(!dir.exists(), "{arguments:?} made the folder");
    }
    let (done, said) = typed(&dir, &["credential", "add", "plug"]);
    assert!(done && dir.exists(), "{said}");
    let (done, said) = typed(&dir, &["credential", "list"]);
    assert!(done && said.contains("plug"), "{said}");
}

#[test]
fn a_stopped_hub_is_told_and_an_address_has_an_example() {
    let dir = tempfile::tempdir().unwrap();
    let (done, _) = typed(dir.path(), &["credential", "add", "plug"]);
    assert!(done);
    let Output { status, stdout, stderr } = command(dir.path(), &["client", "list"]).output().unwrap();
    let told = String::from_utf8(stderr).unwrap();
    assert!(status.success() && told.contains("Hearth is not running; this is from its folder"), "{told}");
    assert!(!String::from_utf8(stdout).unwrap().contains("not running"));
    let (done, said) = typed(dir.path(), &["credential", "renew", "plug"]);
    assert!(done && said.contains("plug"), "{said}");
    let (done, said) = typed(dir.path(), &["serve", "--mqtt", "foo"]);
    assert!(!done && said.contains("such as 0.0.0.0:1883"), "{said}");
}

#[test]
fn a_reader_that_leaves_is_no_error() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [&["completions", "bash"][..], &["man"]] {
        let mut child: Child =
            command(dir.path(), arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
        assert_eq!(String::from_utf8_lossy(&ended.stderr), "", "{arguments:?}");
    }
}

#[test]
fn a_wrong_filter_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let (done, said) = typed(dir.path(), &["credential", "add", "plug", "--may-read", "bad/#/x"]);
    assert!(!done && said.contains("--may-read 'bad/#/x' is no topic filter"), "{said}");
    let (done, said) = typed(dir.path(), &["credential", "add", "plug", "--may-write", "stat/%u/#"]);
    assert!(done, "{said}");
}

#[test]
fn several_scripts_are_checked_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, source: &str| {
        let path = dir.path().join(name);
        std::fs::write(&path, source).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.rhai", "on(started(), |e| {});");
    let bad = file("bad.rhai", "on(");
    let (done, said) = typed(dir.path(), &["automation", "check", &bad, &good]);
    assert!(!done, "{said}");
    assert!(said.contains("good.rhai is fine: 1 triggers."), "{said}");
    assert!(said.contains("bad.rhai, line 1: "), "{said}");
    assert!(typed(dir.path(), &["automation", "check", &good, &good]).0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_is_words_unless_json_is_asked_for() {
    let house = House::new().await;
    let (done, said) = typed_at(&house, &["call", "nosuch"]).await;
    assert!(!done && said.starts_with("hearth: There is no method `nosuch`."), "{said}");
    let (_, said) = typed_at(&house, &["--json", "call", "nosuch"]).await;
    let error: Value = serde_json::from_str(said.trim().trim_start_matches("hearth: ")).unwrap();
    assert_eq!(error["code"], "not_found");
    let (done, said) = typed_at(&house, &["call", "info"]).await;
    assert!(done && serde_json::from_str::<Value>(&said).is_ok(), "{said}");
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_devices_has_every_id_that_other_commands_want() {
    let house = House::new().await;
    let mut board = house.board("plug").await;
    let config = json!({
        "name": "Socket", "unique_id": "plug-s", "state_topic": "plug/s", "command_topic": "plug/set",
        "device": { "identifiers": ["plug"], "name": "Plug\u{1b}[2J" },
    });
    board.say("homeassistant/switch/plug/s/config", config).await;
    board.listen("plug/set").await;
    let home = house.until("home", json!({}), |home| home["entities"][0].is_object()).await;
    let (device, entity) = (&home["devices"][0]["id"], &home["entities"][0]["entity"]["id"]);
    let (done, said) = typed_at(&house, &["device", "list"]).await;
    assert!(done && said.starts_with("DEVICE"), "{said}");
    assert!(said.contains(device.as_str().unwrap()) && said.contains(entity.as_str().unwrap()), "{said}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
    let entity: &'static str = entity.as_str().unwrap().to_owned().leak();
    for (word, expected) in [("on", "ON"), ("off", "OFF")] {
        let (done, said) = typed_at(&house, &["set", entity, word]).await;
        assert!(done, "{said}");
        assert_eq!(board.hear().await.1, expected);
    }
    house.hub.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_board_is_looked_into_and_mended() {
    let house = House::new().await;
    let secret = house
        .call("add_credential", json!({ "name": "plug", "permissions": { "write": [], "read": [] } }))
        .await;
    let mut board = Board::connect(&house.hub, "plug", secret.unwrap()["secret"].as_str().unwrap()).await;
    board.say("stat/plug/x", "1").await;
    house.until("list_refusals", json!({}), |refusals| refusals["refusals"][0].is_object()).await;
    let check = async |arguments: &[&'static str], expected: &[&str]| {
        let (done, said) = typed_at(&house, arguments).await;
        assert!(done && expected.iter().all(|words| said.contains(words)), "{arguments:?}: {said}");
    };
    let mend = "hearth credential allow plug --may-write 'stat/%u/x'";
    check(&["refusals"], &["publish", "once", "plug as plug from 127.0.0.1", mend]).await;
    check(&["refusals", "--search", "nobody"], &["Nothing was refused."]).await;
    let trouble = "! It may not publish to `stat/plug/x`: `plug` has no rule that lets it write anything.";
    check(&["client", "show", "plug"], &[trouble, "connected as `plug`"]).await;
    check(&["credential", "allow", "plug", "--may-write", "stat/%u/x"], &["may write  stat/%u/x"]).await;
    check(&["credential", "allow", "plug", "--may-read", "a", "--may-read", "b"], &["may read   a b"]).await;
    check(&["credential", "deny", "plug", "--may-read", "a"], &["stat/%u/x", "may read   b"]).await;
    let (done, said) = typed_at(&house, &["credential", "deny", "plug", "--may-read", "c"]).await;
    assert!(!done && said.contains("It has no rule 'c'."), "{said}");
    check(&["credential", "set", "plug", "--may-write", "x"], &["may write  x", "may read   nothing"]).await;
    check(&["credential", "learned", "plug"], &["plug never learned."]).await;
    check(&["credential", "learn", "plug", "--on"], &["plug is learning until"]).await;
    board.say("tele/plug/STATE", "1").await;
    check(&["credential", "learned", "plug"], &["wrote      tele/plug/STATE  (no rule allows it)"]).await;
    check(&["credential", "learned", "plug", "--take-over"], &["may write  tele/%u/STATE"]).await;
    check(&["credential", "learned", "plug"], &["plug learned until", "wrote      tele/plug/STATE\n"]).await;
    check(&["client", "list"], &["CLIENT", "plug"]).await;
    check(&["clients"], &["CLIENT", "plug"]).await;
    check(&["refusals"], &["->"]).await;
    let (_, said) = typed_at(&house, &["refusals"]).await;
    assert!(!said.contains("button"), "{said}");
    let (done, said) = typed_at(&house, &["credential", "learn", "plug"]).await;
    assert!(!done && said.contains("--on") && said.contains("--off"), "{said}");
    check(&["client", "kick", "plug"], &["The connection of `plug` is closed."]).await;
    house.hub.stop().await;
}

#[cfg(unix)]
#[test]
fn a_log_does_not_hold_the_token_and_the_hub_may_open_many_files() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut hub =
        command(dir.path(), &["serve", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--local-only"])
            .stdout(Stdio::piped())
            .stderr(File::create(&log).unwrap())
            .spawn()
            .unwrap();
    let mut ready = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", hub.id()));
    Command::new("kill").arg(hub.id().to_string()).status().unwrap();
    hub.wait().unwrap();
    assert!(ready.starts_with("ready mqtt="), "{ready}");
    let mut said = String::new();
    File::open(&log).unwrap().read_to_string(&mut said).unwrap();
    let (_, token) = typed(dir.path(), &["token"]);
    assert!(said.contains("The owner token is kept in") && !said.contains(token.trim()), "{said}");
    // Only Linux shows the limits of another process.
    if let Ok(limits) = limits {
        let files = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
        let columns: Vec<u64> = files.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        assert!(columns[0] >= columns[1].min(65_536), "{files}");
    }
}

#[cfg(unix)]
#[test]
fn every_way_in_has_an_option_and_is_told_when_it_is_open() {
    let dir = tempfile::tempdir().unwrap();
    let free = "127.0.0.1:0";
    let ways = ["--mqtt", free, "--mqtts", free, "--ws", free, "--wss", free, "--http", free, "--local-only"];
    let mut hub = command(dir.path(), &[&["serve"], &ways[..]].concat())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let (_, info) = typed(dir.path(), &["info"]);
    let (well, found) = typed(dir.path(), &["doctor"]);
    Command::new("kill").arg(hub.id().to_string()).status().unwrap();
    hub.wait().unwrap();
    let words: Vec<_> = ready.split_whitespace().filter_map(|word| word.split_once("=127.0.0.1:")).collect();
    let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["mqtt", "mqtts", "ws", "wss", "http"], "{ready}");
    for (_, port) in words {
        assert!(info.contains(&format!("127.0.0.1:{port}")), "{info}");
    }
    assert!(
        well && found.contains("The broker answers at 127.0.0.1:") && found.contains("--local-only"),
        "{found}"
    );

    let taken = std::net::TcpListener::bind(free).unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    let (done, said) = typed(dir.path(), &["serve", "--mqtt", &taken, "--http", free, "--local-only"]);
    assert!(!done && said.contains("is used by"), "without plain MQTT it does not start: {said}");
}
