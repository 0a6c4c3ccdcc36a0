//! A board's console, behind a serial line or a TCP port: lines go in, text comes back.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use devices::Step;
use devices::pairing::Outcome;

/// Longest wait for a TCP connection.
const CONNECT: Duration = Duration::from_secs(3);
/// Longest wait for the answer to one line.
const ANSWER: Duration = Duration::from_secs(5);
/// A console that said nothing for so long has said what it wanted.
const QUIET: Duration = Duration::from_millis(150);
/// Longest wait for bytes at a time; then the clock is looked at.
pub(super) const READ: Duration = Duration::from_millis(50);
/// Bytes of one answer that are read.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Telnet's commands begin with this byte and have three (RFC 854); none is answered.
const TELNET_COMMAND: u8 = 255;

/// A line to a board. Reads give up after [`READ`].
pub(super) trait Line: Read + Write + Send {}
impl<T: Read + Write + Send> Line for T {}

/// Opens a console behind a TCP port.
pub(super) fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, CONNECT)?;
    stream.set_read_timeout(Some(READ))?;
    stream.set_write_timeout(Some(ANSWER))?;
    Ok(stream)
}

/// Says every line and hears what comes back. Blocks.
pub(super) fn converse(line: &mut dyn Line, steps: &[Step]) -> Outcome {
    // What it wrote before it was spoken to, such as a prompt or the end of a boot log.
    if let Err(why) = hear(line, None) {
        return Outcome::Lost(why.kind().to_string());
    }
    let _ = line.write_all(b"\n");
    for step in steps {
        let Step::Line { text, answer, reboot } = step else { continue };
        let said = line.write_all(format!("{text}\n").as_bytes()).and_then(|()| line.flush());
        if let Err(why) = said {
            return Outcome::Lost(why.kind().to_string());
        }
        let heard = match hear(line, answer.as_deref()) {
            Ok(heard) => heard,
            Err(_) if *reboot => return Outcome::Done,
            Err(why) => return Outcome::Lost(why.kind().to_string()),
        };
        let Some(answer) = answer else { continue };
        if !heard.contains(answer.as_str()) {
            return if asks_password(&heard) {
                Outcome::Denied
            } else if heard.trim().is_empty() {
                Outcome::Unreachable("nothing came back on its console".to_owned())
            } else {
                // Not what it said: it may repeat the line, and the line may be a secret.
                Outcome::Unexpected(format!("its console did not say `{answer}`"))
            };
        }
    }
    Outcome::Done
}

/// Whether a console wants the password of the board before anything else.
fn asks_password(heard: &str) -> bool {
    heard.trim_end().to_lowercase().ends_with("password:")
}

/// Whether a read only gave up for now.
pub(super) fn is_pause(why: &std::io::Error) -> bool {
    matches!(why.kind(), ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

/// Reads until the text has come, or the console is quiet when nothing is awaited.
fn hear(line: &mut dyn Line, awaited: Option<&str>) -> std::io::Result<String> {
    let (began, mut last) = (Instant::now(), Instant::now());
    let mut heard = Vec::new();
    let mut buffer = [0; 512];
    loop {
        match line.read(&mut buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                heard.extend(buffer[..count].iter().filter(|byte| **byte < TELNET_COMMAND));
                last = Instant::now();
            }
            Err(why) if is_pause(&why) => {}
            Err(why) => return Err(why),
        }
        let text = String::from_utf8_lossy(&heard);
        let enough = match awaited {
            Some(awaited) => text.contains(awaited) || asks_password(&text),
            None => last.elapsed() >= QUIET,
        };
        if enough || began.elapsed() >= ANSWER || heard.len() >= ANSWER_BYTES_MAX {
            return Ok(text.into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;
    use std::thread;

    /// A console that answers each line by a rule, behind a TCP port.
    fn console(answer: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                let Ok(line) = line else { return };
                let _ = stream.write_all(answer(&line).as_bytes());
            }
        });
        address
    }

    fn said(text: &str, answer: Option<&str>) -> Step {
        Step::Line { text: text.into(), answer: answer.map(str::to_owned), reboot: false }
    }

    #[test]
    fn every_line_is_said_and_its_answer_awaited() {
        let check = |answer: &'static str, expected: Outcome| {
            let mut line = connect(console(move |line| {
                if line == "save" { "+OK\n".to_owned() } else { format!("{line}\n{answer}\n") }
            }))
            .unwrap();
            let steps = [said("set a 1", Some("OK")), said("save", Some("OK"))];
            assert_eq!(converse(&mut line, &steps), expected);
        };
        check("+OK", Outcome::Done);
        check("Password: ", Outcome::Denied);
        check("-ERROR", Outcome::Unexpected("its console did not say `OK`".into()));
    }

    #[test]
    fn a_console_that_hangs_up_is_lost() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || drop(listener.accept()));
        let outcome = converse(&mut connect(address).unwrap(), &[said("x", Some("OK"))]);
        assert!(matches!(outcome, Outcome::Lost(_)), "{outcome:?}");
    }
}
