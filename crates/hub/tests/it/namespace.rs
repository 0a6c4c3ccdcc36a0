//! The hub on a real network, one that the test makes: two network namespaces with a cable between them. Nothing
//! of it reaches the network of the machine. Making it needs root; without, these tests say so and end.
#![cfg(target_os = "linux")]

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

const HUB: &str = "10.77.0.7";
const BOARD: &str = "10.77.0.9";
/// Longest wait for something that has to happen.
const WAIT: Duration = Duration::from_secs(30);

/// Two computers and a cable.
struct Net {
    hub: String,
    board: String,
}

impl Net {
    /// `None`, with words, where no network can be made.
    fn new(name: &str) -> Option<Self> {
        let name = format!("hearth-{name}-{}", std::process::id());
        let net = Self { hub: format!("{name}-hub"), board: format!("{name}-board") };
        if let Err(why) = try_run(Command::new("ip").args(["netns", "add", &net.hub])) {
            skip(&format!("no network namespace can be made: {why}"));
            std::mem::forget(net);
            return None;
        }
        run(Command::new("ip").args(["netns", "add", &net.board]));
        run(Command::new("ip")
            .args(["-n", &net.hub, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0"])
            .args(["netns", &net.board]));
        for (space, address) in [(&net.hub, HUB), (&net.board, BOARD)] {
            let ip = |arguments: &[&str]| run(Command::new("ip").args(["-n", space]).args(arguments));
            ip(&["address", "add", &format!("{address}/24"), "dev", "eth0"]);
            ip(&["link", "set", "lo", "up"]);
            ip(&["link", "set", "eth0", "up"]);
        }
        Some(net)
    }

    fn within(space: &str, program: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", space, program]).stdin(Stdio::null());
        command
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for space in [&self.hub, &self.board] {
            let _ = Command::new("ip").args(["netns", "del", space]).status();
        }
    }
}

#[allow(clippy::print_stderr, reason = "whoever runs the tests should know what was not tested")]
fn skip(why: &str) {
    eprintln!("skipped: {why}");
}

fn try_run(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|why| why.to_string())?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}

fn run(command: &mut Command) -> String {
    try_run(command).unwrap_or_else(|why| panic!("{command:?}: {why}"))
}

/// The real program inside a namespace, listening on everything there.
struct Hub {
    child: Child,
    space: String,
    dir: TempDir,
    port: u16,
}

impl Hub {
    fn start(space: &str, dir: TempDir) -> Self {
        let mut command = Net::within(space, env!("CARGO_BIN_EXE_hearth"));
        command.arg("--data-dir").arg(dir.path()).args([
            "serve",
            "--mqtt",
            "0.0.0.0:0",
            "--http",
            "127.0.0.1:0",
        ]);
        command.env_remove("HEARTH_LOCAL_ONLY").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut ready = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let port = ready.split([' ', ':']).nth(2).and_then(|port| port.parse().ok());
        Self { child, space: space.to_owned(), dir, port: port.unwrap_or_else(|| panic!("{ready:?}")) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Net::within(&self.space, env!("CARGO_BIN_EXE_hearth"));
        command.arg("--data-dir").arg(self.dir.path()).args(arguments);
        command
    }

    fn call(&self, method: &str, params: &Value) -> Value {
        let said = run(&mut self.command(&["--json", "call", method, &params.to_string()]));
        serde_json::from_str(&said).unwrap()
    }

    fn until(&self, method: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let found = self.call(method, &json!({}));
            if wanted(&found) {
                return found;
            }
            assert!(begun.elapsed() < WAIT, "{method} never became what was awaited; last: {found}");
        }
    }

    /// Whether no check failed, and the checks.
    fn doctor(&self) -> (bool, Value) {
        let output = self.command(&["--json", "doctor"]).output().unwrap();
        (output.status.success(), serde_json::from_slice(&output.stdout).unwrap())
    }

    /// Tells it to stop, and waits until it has.
    fn stop(mut self) -> TempDir {
        run(Command::new("kill").arg(self.child.id().to_string()));
        self.child.wait().unwrap();
        std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap())
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A board that looks for brokers.
struct Browser {
    child: Child,
    _stdin: ChildStdin,
    lines: BufReader<ChildStdout>,
}

impl Browser {
    fn start(space: &str) -> Self {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/browse.py");
        let mut command = Net::within(space, "/usr/bin/python3");
        let mut child = command.arg(script).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Self { child, _stdin: stdin, lines: BufReader::new(stdout) }
    }

    /// The next news of a service. The test's own time limit ends a wait for ever.
    fn hear(&mut self, what: &str, service: &str) -> Value {
        loop {
            let mut line = String::new();
            assert!(
                self.lines.read_line(&mut line).unwrap() > 0,
                "python3-zeroconf is installed (make setup)"
            );
            let heard: Value = serde_json::from_str(&line).unwrap();
            if heard["what"] == what && heard["name"].as_str().unwrap().contains(service) {
                return heard;
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_board_finds_the_broker_by_name_and_hears_when_it_goes() {
    let Some(net) = Net::new("mdns") else { return };
    let mut board = Browser::start(&net.board);
    let hub = Hub::start(&net.hub, tempfile::tempdir().unwrap());
    let found = board.hear("found", "._mqtt._tcp.");
    assert_eq!((&found["addresses"], &found["port"]), (&json!([HUB]), &json!(hub.port)), "{found}");
    let view = hub.until("broker_info", |info| info["mdns"]["announced"].is_string());
    let (service, host) = (&view["mdns"]["announced"], &view["mdns"]["host"]);
    assert_eq!(found["name"], format!("{}.", service.as_str().unwrap()));
    assert_eq!(found["host"], format!("{}.", host.as_str().unwrap()));
    assert_eq!(view["board_host"], HUB);

    // A board listens to the name it found.
    let reached = Net::within(&net.board, "mosquitto_sub")
        .args(["-h", HUB, "-p", &hub.port.to_string(), "-t", "x", "-W", "5"])
        .output()
        .unwrap();
    assert!(String::from_utf8_lossy(&reached.stderr).contains("bad user name"), "{reached:?}");

    let tls = hub.call("set_listener", &json!({ "transport": "tls", "on": true, "address": "0.0.0.0:0" }));
    let secure = board.hear("found", "._secure-mqtt._tcp.");
    assert!(tls["listening"].as_str().unwrap().ends_with(&format!(":{}", secure["port"])), "{secure}");
    let names = hub.call("broker_info", &json!({}))["certificate"]["names"].clone();
    assert!(
        names.as_array().unwrap().contains(&json!(HUB)) && names.to_string().contains(".local"),
        "{names}"
    );

    assert_eq!(hub.call("set_mdns", &json!({ "on": false }))["announced"], Value::Null);
    board.hear("gone", "._mqtt._tcp.");
    hub.call("set_mdns", &json!({ "on": true }));
    board.hear("found", "._mqtt._tcp.");
    hub.stop();
    board.hear("gone", "._mqtt._tcp.");
}

#[test]
fn boards_that_announce_themselves_become_candidates_and_a_printer_does_not() {
    let Some(net) = Net::new("boards") else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/announce.py");
    let mut boards = Net::within(&net.board, "/usr/bin/python3");
    let mut boards =
        boards.arg(script).arg(BOARD).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(boards.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "announced\n", "python3-zeroconf is installed (make setup)");

    let hub = Hub::start(&net.hub, tempfile::tempdir().unwrap());
    hub.call("search_lan", &json!({}));
    let view = hub.until("pairing", |view| view["search"].is_null());
    let mut found: Vec<_> = view["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|candidate| {
            assert_eq!((&candidate["way"], &candidate["address"]), (&json!("mdns"), &json!(BOARD)), "{view}");
            json!([candidate["firmware"], candidate["name"], candidate["model"], candidate["mac"]])
        })
        .collect();
    found.sort_by_key(Value::to_string);
    let expected = [
        json!(["esphome", "Porch", "d1_mini", "A4CF12000001"]),
        json!(["shelly-gen2", "shellyplus1-a8032abe54dc", "SNSW-001X16EU", "A8032ABE54DC"]),
    ];
    assert_eq!(found, expected, "{view}");
    // Closes its standard input.
    drop(boards.stdin.take());
    boards.wait().unwrap();
}

#[test]
fn two_hubs_of_one_name_are_told_apart() {
    let Some(net) = Net::new("twins") else { return };
    let first = Hub::start(&net.hub, tempfile::tempdir().unwrap());
    let mut board = Browser::start(&net.board);
    let one = board.hear("found", "._mqtt._tcp.");
    let second = Hub::start(&net.board, tempfile::tempdir().unwrap());
    let two = board.hear("found", "(2)._mqtt._tcp.");
    assert_eq!((&one["addresses"], &two["addresses"]), (&json!([HUB]), &json!([BOARD])), "{one} {two}");
    assert_ne!(one["host"], two["host"]);
    let renamed = |info: &Value| info["mdns"]["announced"].as_str().is_some_and(|name| name.contains("(2)"));
    second.until("broker_info", renamed);
    assert!(!renamed(&first.call("broker_info", &json!({}))));
}

#[test]
fn a_new_address_is_told_to_whoever_told_the_old_one_to_boards() {
    let Some(net) = Net::new("moving") else { return };
    let hub = Hub::start(&net.hub, tempfile::tempdir().unwrap());
    hub.call("add_board", &json!({ "name": "Plug", "firmware": "tasmota" }));
    hub.call("set_listener", &json!({ "transport": "tls", "on": true, "address": "0.0.0.0:0" }));
    let dir = hub.stop();
    let ip = |arguments: &[&str]| run(Command::new("ip").args(["-n", &net.hub]).args(arguments));
    ip(&["address", "del", &format!("{HUB}/24"), "dev", "eth0"]);
    ip(&["address", "add", "10.77.0.8/24", "dev", "eth0"]);
    let hub = Hub::start(&net.hub, dir);
    let info = hub.until("broker_info", |info| info["address_was"] == HUB);
    assert_eq!(info["board_host"], "10.77.0.8");
    assert!(info["certificate"]["trouble"].as_str().unwrap().contains("10.77.0.8"), "{info}");
    let lines =
        hub.until("list_activity", |lines| lines.to_string().contains("is not for 10.77.0.8")).to_string();
    assert!(lines.contains(&format!("changed from {HUB} to 10.77.0.8")), "{lines}");
    let renewed = hub.call("renew_certificate", &json!({}));
    assert_eq!(renewed["trouble"], Value::Null, "{renewed}");
    hub.call("address_seen", &json!({}));
    assert_eq!(hub.call("broker_info", &json!({}))["address_was"], Value::Null);
}

#[test]
fn the_doctor_finds_the_firewall_and_its_advice_opens_it() {
    let Some(net) = Net::new("doctor") else { return };
    if try_run(&mut Net::within(&net.hub, "nft")).is_err_and(|why| why.contains("No such file")) {
        return skip("there is no nft to make a firewall with");
    }
    let nft = |rule: &str| run(Net::within(&net.hub, "nft").args(rule.split(' ')));
    let hub = Hub::start(&net.hub, tempfile::tempdir().unwrap());
    let named = |found: &Value, name: &str| {
        let checks = found["checks"].as_array().unwrap();
        checks.iter().find(|check| check["name"].as_str().unwrap().starts_with(name)).unwrap().clone()
    };
    let (well, found) = hub.doctor();
    assert!(well, "{found}");
    for name in
        ["Hearth", "Port", "Answer on this computer", "Answer at the network", "Firewall", "Announcement"]
    {
        assert_eq!(named(&found, name)["result"], "ok", "{found}");
    }
    assert_eq!((&found["board_host"], &found["board_port"]), (&json!(HUB), &json!(hub.port)));

    nft("add table inet filter");
    nft("add chain inet filter input { type filter hook input priority 0 ; policy drop ; }");
    nft("add rule inet filter input iif lo accept");
    nft("add rule inet filter input ct state established,related accept");
    let (well, found) = hub.doctor();
    let check = named(&found, "Firewall");
    assert!(!well && check["result"] == "failed", "{found}");
    assert_eq!(named(&found, "Answer at the network")["result"], "ok", "not even this computer can tell");
    // What it advises is what a person would type.
    let advice =
        check["advice"].as_str().unwrap().strip_prefix("Open the port: sudo nft ").unwrap().to_owned();
    nft(&advice);
    let (well, found) = hub.doctor();
    assert!(well && named(&found, "Firewall")["result"] == "ok", "{found}");

    nft(&format!("insert rule inet filter input ip daddr {HUB} tcp dport {} drop", hub.port));
    let (well, found) = hub.doctor();
    assert!(!well, "{found}");
    assert_eq!(named(&found, "Answer at the network")["result"], "failed", "{found}");
    assert_eq!(named(&found, "Answer on this computer")["result"], "ok", "{found}");

    // A stopped hub is looked into where it will be: at the port boards use.
    let dir = hub.stop();
    let mut doctor = Net::within(&net.hub, env!("CARGO_BIN_EXE_hearth"));
    let output = doctor.arg("--json").arg("--data-dir").arg(dir.path()).arg("doctor").output().unwrap();
    let found: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(named(&found, "Hearth")["result"], "failed", "{found}");
    assert_eq!(named(&found, "Firewall, port 1883")["result"], "failed", "{found}");
    assert!(named(&found, "Address for boards")["found"].as_str().unwrap().contains(HUB), "{found}");
}

#[test]
fn the_doctor_of_a_stopped_hub_names_who_has_its_port() {
    let dir = tempfile::tempdir().unwrap();
    let doctor = |dir: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hearth"));
        command.arg("--data-dir").arg(dir).arg("doctor").stdin(Stdio::null()).output().unwrap()
    };
    // Makes the folder.
    run(Command::new(env!("CARGO_BIN_EXE_hearth")).arg("--data-dir").arg(dir.path()).args([
        "credential",
        "add",
        "x",
    ]));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let listener =
        json!({ "transport": "tcp", "on": true, "address": taken.local_addr().unwrap().to_string() });
    run(Command::new(env!("CARGO_BIN_EXE_hearth")).arg("--data-dir").arg(dir.path()).args([
        "call",
        "set_listener",
        &listener.to_string(),
    ]));
    let output = doctor(dir.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("FAILED   Hearth: ") && said.contains("hearth serve"), "{said}");
    assert!(said.contains(&format!("(pid {})", std::process::id())), "{said}");
}
