//! Serial ports, and joining a network over one of them by Improv.

use std::time::{Duration, Instant};

use devices::pairing::improv::{self, Reader, Said, State};
use serialport::{SerialPort, SerialPortType};

use super::console::READ;
use crate::api::ApiError;
use crate::api::types::{SerialPortView, SerialPorts};

/// What boards speak on their console, and Improv speaks at.
const BAUD: u32 = 115_200;
/// Longest wait for a first answer; a board that was reset by the opening boots first.
const FIRST_WORD: Duration = Duration::from_secs(6);
/// Time between two questions whether somebody speaks Improv.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// Longest wait until a board is in the network.
const JOIN: Duration = Duration::from_secs(60);

/// The ports of this computer.
pub(crate) async fn ports() -> Result<SerialPorts, ApiError> {
    let listing = tokio::task::spawn_blocking(serialport::available_ports).await;
    let mut found = listing.map_err(ApiError::internal)?.map_err(ApiError::internal)?;
    found.sort_by(|a, b| a.port_name.cmp(&b.port_name));
    let view = |port: serialport::SerialPortInfo| SerialPortView {
        description: match port.port_type {
            SerialPortType::UsbPort(usb) => {
                let names = [usb.manufacturer, usb.product].into_iter().flatten().collect::<Vec<_>>();
                if names.is_empty() {
                    format!("USB {:04x}:{:04x}", usb.vid, usb.pid)
                } else {
                    names.join(" ")
                }
            }
            SerialPortType::BluetoothPort => "Bluetooth".to_owned(),
            SerialPortType::PciPort => "built in".to_owned(),
            SerialPortType::Unknown => String::new(),
        },
        name: port.port_name,
    };
    Ok(SerialPorts { ports: found.into_iter().map(view).collect() })
}

/// Opens a port. Blocks for a moment.
pub(super) fn open(port: &str) -> Result<Box<dyn SerialPort>, String> {
    serialport::new(port, BAUD).timeout(READ).open().map_err(|why| {
        let advice = match why.kind() {
            serialport::ErrorKind::Io(std::io::ErrorKind::PermissionDenied) if cfg!(target_os = "linux") => {
                " Add your user to the group `dialout`, and log in again."
            }
            _ => " See that it is plugged in, and that no other program uses it.",
        };
        format!("The port {port} cannot be opened: {why}.{advice}")
    })
}

/// Lets the board at a line join a network; returns the URL of its web page, if it says one. Blocks.
pub(super) fn join(
    line: &mut dyn super::console::Line,
    ssid: &str,
    password: &str,
) -> Result<Option<String>, String> {
    let frame = improv::join(ssid, password).ok_or(
        "The name and the password of the network are longer than Improv can carry. Set them on the board's own web \
         page.",
    )?;
    let mut reader = Reader::default();
    let began = Instant::now();
    let state = loop {
        if began.elapsed() > FIRST_WORD {
            return Err(
                "Nobody speaks Improv at this port. See that the board's firmware has it (Tasmota, WLED and \
                        ESPHome do), and that no other program uses the port."
                    .to_owned(),
            );
        }
        say(line, &improv::ask_state())?;
        let found = hear(line, &mut reader, ASK_AGAIN, |said| match said {
            Said::State(state) => Some(Ok(*state)),
            _ => None,
        })?;
        if let Some(state) = found {
            break state?;
        }
    };
    if state == State::NeedsButton {
        return Err("The board wants its button pressed first. Press it, and try again.".to_owned());
    }
    say(line, &frame)?;
    let joined = hear(line, &mut reader, JOIN, |said| match said {
        Said::Result { texts, .. } => Some(Ok(texts.first().cloned().filter(|url| !url.is_empty()))),
        Said::Error(Some(why)) => Some(Err(format!("The board did not join: {why}."))),
        _ => None,
    })?;
    joined.unwrap_or_else(|| {
        let seconds = JOIN.as_secs();
        Err(format!(
            "The board did not join within {seconds} s. See that the network can be heard where it stands."
        ))
    })
}

fn say(line: &mut dyn super::console::Line, frame: &[u8]) -> Result<(), String> {
    line.write_all(frame).and_then(|()| line.flush()).map_err(lost)
}

fn lost(why: std::io::Error) -> String {
    format!("The line to the board was lost: {why}. See that the cable sits, and try again.")
}

/// Reads frames until one is what is looked for, or the time is over.
fn hear<T>(
    line: &mut dyn super::console::Line,
    reader: &mut Reader,
    most: Duration,
    mut wanted: impl FnMut(&Said) -> Option<Result<T, String>>,
) -> Result<Option<Result<T, String>>, String> {
    let began = Instant::now();
    let mut buffer = [0; 256];
    while began.elapsed() < most {
        match line.read(&mut buffer) {
            Ok(0) => return Err(lost(std::io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                if let Some(found) = reader.take(&buffer[..count]).iter().find_map(&mut wanted) {
                    return Ok(Some(found));
                }
            }
            Err(why) if super::console::is_pause(&why) => {}
            Err(why) => return Err(lost(why)),
        }
    }
    Ok(None)
}
