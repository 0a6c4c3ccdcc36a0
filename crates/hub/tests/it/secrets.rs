//! What a person types into the wrong field is written down nowhere.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::command_line::{command, typed};

/// Longest any of this waits for something that has to happen.
const WAIT: Duration = Duration::from_secs(20);

/// A CONNECT of MQTT 3.1.1 (section 3.1) with a clean session, and the return code it got.
pub(crate) fn connect(broker: SocketAddr, [client_id, user, password]: [&str; 3]) -> (TcpStream, u8) {
    let mut body = b"\x00\x04MQTT\x04\xc2\x00\x3c".to_vec();
    for field in [client_id, user, password] {
        body.extend(u16::try_from(field.len()).unwrap().to_be_bytes());
        body.extend(field.as_bytes());
    }
    let mut stream = TcpStream::connect(broker).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream.write_all(&[&[0x10, u8::try_from(body.len()).unwrap()], &body[..]].concat()).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[..3], [0x20, 2, 0]);
    (stream, answer[3])
}

/// Bad user name or password.
const REFUSED: u8 = 4;

/// A hub that logs all it can.
struct Serving {
    hub: Child,
    broker: SocketAddr,
    lines: mpsc::Receiver<String>,
    log: Vec<String>,
}

impl Serving {
    fn start(dir: &Path) -> Self {
        let serve = ["serve", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--local-only"];
        let mut hub = command(dir, &serve)
            .env("RUST_LOG", "trace")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (into, lines) = mpsc::channel();
        let stderr = BufReader::new(hub.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in stderr.split(b'\n').map_while(Result::ok) {
                let _ = into.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        let mut ready = String::new();
        BufReader::new(hub.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        let broker = ready.split_whitespace().find_map(|word| word.strip_prefix("mqtt=")).unwrap();
        Self { hub, broker: broker.parse().unwrap(), lines, log: Vec::new() }
    }

    /// Waits for a line of the log.
    fn logged(&mut self, words: &[&str]) {
        loop {
            self.log.push(self.lines.recv_timeout(WAIT).expect("it is told in the log"));
            if self.log.last().is_some_and(|line| words.iter().all(|word| line.contains(word))) {
                break;
            }
        }
    }

    /// Stops it; all it logged.
    fn stop(mut self) -> Vec<String> {
        Command::new("kill").arg(self.hub.id().to_string()).status().unwrap();
        self.hub.wait().unwrap();
        self.log.extend(self.lines);
        self.log
    }
}

/// Makes a credential; its secret.
pub(crate) fn made(dir: &Path, name: &str) -> String {
    let (done, made) = typed(dir, &["--json", "credential", "add", name]);
    assert!(done, "{made}");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    made["secret"].as_str().unwrap().to_owned()
}

fn files_with(dir: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            found.extend(files_with(&entry, bytes));
        } else if std::fs::read(&entry).unwrap().windows(bytes.len()).any(|part| part == bytes) {
            found.push(entry.display().to_string());
        }
    }
    found
}

/// What the API and the command line say about clients and refusals.
fn said(dir: &Path, client: &str) -> Vec<String> {
    let get_client = serde_json::json!({ "client_id": client }).to_string();
    [
        &["refusals"][..],
        &["activity"],
        &["client", "show", client],
        &["--json", "refusals"],
        &["call", "get_client", &get_client],
        &["call", "list_activity"],
    ]
    .into_iter()
    .map(|arguments| {
        let (done, said) = typed(dir, arguments);
        assert!(done && said.contains("characters)"), "{arguments:?}: {said}");
        said
    })
    .collect()
}

#[test]
fn a_password_typed_as_the_user_name_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let secret = made(dir.path(), "plug");
    let secrets = [secret.as_str(), "correct horse battery staple"];
    let mut serving = Serving::start(dir.path());
    for secret in secrets {
        assert_eq!(connect(serving.broker, ["board", secret, "whatever"]).1, REFUSED);
        serving.logged(&["(board)", &format!("…({} characters)", secret.len())]);
    }
    let said = said(dir.path(), "board");
    let log = serving.stop();
    for secret in secrets {
        let shown = log.iter().chain(&said).find(|text| text.contains(secret));
        assert_eq!(shown, None);
        assert_eq!(files_with(dir.path(), secret.as_bytes()), Vec::<String>::new());
    }
}

#[test]
fn a_password_typed_as_the_client_id_or_put_into_a_topic_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (plug, lamp) = (made(dir.path(), "plug"), made(dir.path(), "lamp"));
    let tried = "correct horse battery staple";
    let mut serving = Serving::start(dir.path());
    let broker = serving.broker;
    assert_eq!(connect(broker, [&lamp, "plug", "wrong"]).1, REFUSED, "the secret of another credential");
    serving.logged(&["not let in", "…(24 characters)"]);
    assert_eq!(connect(broker, [tried, "plug", tried]).1, REFUSED);
    serving.logged(&["not let in", "…(28 characters)"]);
    let (mut board, code) = connect(broker, [&plug, "plug", &plug]);
    assert_eq!(code, 0);
    serving.logged(&["…(24 characters) connected as `plug`"]);
    let topic = format!("$other/{plug}/{lamp}");
    let mut publish =
        vec![0x30, u8::try_from(topic.len()).unwrap() + 3, 0, u8::try_from(topic.len()).unwrap()];
    publish.extend(topic.as_bytes());
    publish.push(b'x');
    board.write_all(&publish).unwrap();
    serving.logged(&["may not publish to `$other/…(24 characters)/…(24 characters)`"]);
    let mut said = said(dir.path(), "…(24 characters)");
    let (done, clients) = typed(dir.path(), &["call", "list_clients"]);
    assert!(done && clients.contains("…(24 characters)"), "{clients}");
    said.push(clients);
    drop(board);
    serving.logged(&["…(24 characters) (`plug`) disconnected"]);
    let log = serving.stop();
    for secret in [plug.as_str(), &lamp, tried] {
        let shown = log.iter().chain(&said).find(|text| text.contains(secret));
        assert_eq!(shown, None);
        assert_eq!(files_with(dir.path(), secret.as_bytes()), Vec::<String>::new());
    }
}
