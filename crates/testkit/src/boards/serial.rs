//! A Tasmota at a serial line: a pseudo terminal, whose other end a hub opens as it opens `/dev/ttyUSB0`. It has the
//! console and, for boards that are in no network yet, Improv.

use std::fs::File;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32};

use anyhow::{Context, Result};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Board, Broker, Firmware, Temper, radio, tasmota};

/// What the board answers to Improv's question for its state: ready, then joined with a web page.
const IMPROV: &[u8; 7] = b"IMPROV\x01";

/// A board at a serial line, until it is dropped.
#[derive(Debug)]
pub struct SerialBoard {
    port: String,
    board: Arc<Board>,
    _radio: JoinSet<()>,
}

impl SerialBoard {
    /// Plugs one in. `url`: its web page once it has joined a network.
    pub fn plug_in(url: &str) -> Result<Self> {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let port = ptsname(&master, Vec::new())?.into_string().context("the name of a terminal is text")?;
        let board = Arc::new(Board {
            firmware: Firmware::Tasmota,
            temper: Temper::default(),
            number: 0xEE,
            broker: watch::Sender::new(None),
            running: watch::Sender::new(true),
            connected: watch::Sender::new(false),
            crashed: AtomicBool::new(false),
            restarts: AtomicU32::new(0),
            relay: AtomicBool::new(false),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(radio::run(board.clone()));
        // Held open here, so that the line does not hang up between two openings of the hub.
        let held = File::options().read(true).write(true).open(&port)?;
        let (wire, at_line, url) = (File::from(master), board.clone(), url.to_owned());
        std::thread::Builder::new().name("serial board".to_owned()).spawn(move || {
            attend(wire, &at_line, &url);
            drop(held);
        })?;
        Ok(Self { port, board, _radio: tasks })
    }

    /// Name of the port.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// What it knows of a broker now.
    pub fn broker(&self) -> Option<Broker> {
        self.board.broker.borrow().clone()
    }
}

/// Reads lines and frames until the process ends or the terminal does.
fn attend(mut wire: File, board: &Board, url: &str) {
    let mut pending: Vec<u8> = Vec::new();
    let mut buffer = [0; 512];
    let _ = wire.write_all(b"00:00:00.068 Project tasmota - Tasmota Version 15.2.0\r\n");
    while let Ok(count) = wire.read(&mut buffer) {
        if count == 0 {
            return;
        }
        pending.extend(&buffer[..count]);
        while let Some(said) = next(&mut pending, board, url) {
            let _ = wire.write_all(&said);
        }
    }
}

/// The answer to the first whole line or frame; `None` when more has to come.
fn next(pending: &mut Vec<u8>, board: &Board, url: &str) -> Option<Vec<u8>> {
    if pending.len() >= IMPROV.len() && pending.starts_with(IMPROV) {
        let end = 9 + usize::from(*pending.get(8)?);
        let data: Vec<u8> = pending.get(9..end)?.to_vec();
        pending.get(end)?;
        pending.drain(..=end);
        return Some(match data.first() {
            // The state: ready.
            Some(2) => frame(1, &[2]),
            // A network: joining, joined, and the web page.
            Some(1) => {
                let mut result = vec![1, (url.len() + 1) as u8, url.len() as u8];
                result.extend(url.as_bytes());
                [frame(1, &[3]), frame(1, &[4]), frame(4, &result)].concat()
            }
            _ => frame(2, &[2]),
        });
    }
    let most = pending.len().min(IMPROV.len());
    if most > 0 && pending[..most] == IMPROV[..most] {
        return None;
    }
    let end = pending.iter().position(|byte| *byte == b'\n')?;
    let line: Vec<u8> = pending.drain(..=end).collect();
    let line = String::from_utf8_lossy(&line).trim().to_owned();
    let Some(commands) = line.strip_prefix("Backlog ") else { return Some(Vec::new()) };
    if tasmota::backlog(board, commands) {
        board.running.send_replace(false);
        board.running.send_replace(true);
    }
    let names = commands.split(';').filter_map(|command| command.trim().split(' ').next());
    let said: String =
        names.map(|name| format!("00:00:09.000 RSL: RESULT = {{\"{name}\":\"…\"}}\r\n")).collect();
    Some(said.into_bytes())
}

fn frame(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = IMPROV.to_vec();
    frame.extend([kind, data.len() as u8]);
    frame.extend(data);
    frame.push(frame.iter().fold(0, |sum, byte| u8::wrapping_add(sum, *byte)));
    frame.push(b'\n');
    frame
}
