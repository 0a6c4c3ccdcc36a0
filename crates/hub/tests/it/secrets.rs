//! What a person types into the wrong field is written down nowhere.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use crate::command_line::{command, typed};

/// Longest any of this waits for something that has to happen.
const WAIT: Duration = Duration::from_secs(20);

/// A CONNECT of MQTT 3.1.1 (section 3.1) with a clean session. Waits until it is refused.
fn log_in(broker: SocketAddr, client_id: &str, user: &str) {
    let mut body = b"\x00\x04MQTT\x04\xc2\x00\x3c".to_vec();
    for field in [client_id, user, "whatever"] {
        body.extend(u16::try_from(field.len()).unwrap().to_be_bytes());
        body.extend(field.as_bytes());
    }
    let mut stream = TcpStream::connect(broker).unwrap();
    stream.set_read_timeout(Some(WAIT)).unwrap();
    stream.write_all(&[&[0x10, u8::try_from(body.len()).unwrap()], &body[..]].concat()).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer, [0x20, 2, 0, 4], "bad user name or password");
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

#[test]
fn a_password_typed_as_the_user_name_leaves_no_trace() {
    let dir = tempfile::tempdir().unwrap();
    let (done, made) = typed(dir.path(), &["--json", "credential", "add", "plug"]);
    assert!(done, "{made}");
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let secrets = [made["secret"].as_str().unwrap(), "correct horse battery staple"];

    let serve = ["serve", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--local-only"];
    let mut hub = command(dir.path(), &serve)
        .env("RUST_LOG", "trace")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (into, lines) = mpsc::channel();
    let stderr = BufReader::new(hub.stderr.take().unwrap());
    let reading = std::thread::spawn(move || {
        for line in stderr.split(b'\n').map_while(Result::ok) {
            let _ = into.send(String::from_utf8_lossy(&line).into_owned());
        }
    });
    let mut ready = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let broker = ready.split_whitespace().find_map(|word| word.strip_prefix("mqtt=")).unwrap();
    let broker: SocketAddr = broker.parse().unwrap();

    let mut log = Vec::new();
    for secret in secrets {
        log_in(broker, "board", secret);
        let told = format!("…({} characters)", secret.len());
        loop {
            log.push(lines.recv_timeout(WAIT).expect("the refusal is told in the log"));
            if log.last().is_some_and(|line| line.contains("(board)") && line.contains(&told)) {
                break;
            }
        }
    }
    let said: Vec<String> = [
        &["refusals"][..],
        &["activity"],
        &["client", "show", "board"],
        &["--json", "refusals"],
        &["call", "get_client", r#"{"client_id":"board"}"#],
        &["call", "list_activity"],
    ]
    .into_iter()
    .map(|arguments| {
        let (done, said) = typed(dir.path(), arguments);
        assert!(done && said.contains("characters)"), "{arguments:?}: {said}");
        said
    })
    .collect();
    Command::new("kill").arg(hub.id().to_string()).status().unwrap();
    hub.wait().unwrap();
    reading.join().unwrap();
    log.extend(lines);

    for secret in secrets {
        let shown = log.iter().chain(&said).find(|text| text.contains(secret));
        assert_eq!(shown, None);
        assert_eq!(files_with(dir.path(), secret.as_bytes()), Vec::<String>::new());
    }
}
