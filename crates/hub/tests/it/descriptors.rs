//! However many clients come, pages and databases can be opened.
#![cfg(unix)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::command_line::{command, typed};
use crate::secrets::{connect, made};

/// Longest any of this waits for something that has to happen.
const WAIT: Duration = Duration::from_secs(20);
/// Open files the hub may have.
const FILES: &str = "400";

#[test]
fn clients_cannot_take_the_descriptors_of_pages_and_databases() {
    let dir = tempfile::tempdir().unwrap();
    let secret = made(dir.path(), "evil");
    let hearth =
        command(dir.path(), &["serve", "--mqtt", "127.0.0.1:0", "--http", "127.0.0.1:0", "--local-only"]);
    let mut hub = Command::new("sh")
        .args(["-c", "ulimit -n \"$0\" && exec \"$@\"", FILES])
        .arg(hearth.get_program())
        .args(hearth.get_args())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut ready = String::new();
    BufReader::new(hub.stdout.take().unwrap()).read_line(&mut ready).unwrap();
    let at = |word: &str| ready.split_whitespace().find_map(|at| at.strip_prefix(word)).unwrap();

    let broker = at("mqtt=").parse().unwrap();
    let mut clients = Vec::new();
    let refused = loop {
        let (client, code) = connect(broker, [&format!("c{}", clients.len()), "evil", &secret]);
        if code != 0 {
            break code;
        }
        clients.push(client);
        assert!(clients.len() < 400, "the hub has no file left");
    };
    assert_eq!((refused, clients.len()), (3, 158), "a tenth of 175 places is not for it");
    let silent: Vec<_> = (0..200).map(|_| TcpStream::connect(broker).unwrap()).collect();
    let mut page = TcpStream::connect(at("http=")).unwrap();
    page.set_read_timeout(Some(WAIT)).unwrap();
    page.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = [0; 12];
    page.read_exact(&mut answer).unwrap();
    assert_eq!(&answer[..5], b"HTTP/");
    for asked in [["info"], ["doctor"]] {
        let (_, said) = typed(dir.path(), &asked);
        assert!(said.contains("The system lets Hearth have 400 open files"), "{asked:?}: {said}");
    }
    let (done, made) = typed(dir.path(), &["credential", "add", "plug"]);
    assert!(done, "{made}");
    drop((clients, silent));
    Command::new("kill").arg(hub.id().to_string()).status().unwrap();
    hub.wait().unwrap();
}
