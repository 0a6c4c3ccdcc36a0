//! The log: to standard error, so that standard output stays for answers. What outsiders wrote is shown in it
//! as text, whatever characters it has.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use tracing_subscriber::EnvFilter;

/// Starts it. `RUST_LOG` says how much; otherwise what a person can act on.
pub fn init() {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new("info,rumqttd=off,rumqttc=off,hyper=error,tungstenite=warn"));
    // A second start within one process (tests) keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| Lines(io::stderr()))
        .with_ansi(io::stderr().is_terminal())
        .with_target(false)
        .try_init();
}

/// The text with its control characters written out, such as `\n` and `\u{1b}`, and those that turn the
/// direction of writing: nothing from outside may draw on a terminal or look like a line of its own.
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden(c) {
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Whether a character controls a terminal or the direction of writing instead of showing itself.
pub fn is_hidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

/// Keeps every event on one line. An event comes as one buffer that ends with a line feed; escape characters in
/// it are the colours of the terminal, those of its texts are written out already.
struct Lines<W>(W);

impl<W: io::Write> io::Write for Lines<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        if text.contains(&b'\n') || text.contains(&b'\r') {
            let mut line = Vec::with_capacity(event.len() + 16);
            for byte in text {
                match byte {
                    b'\n' => line.extend_from_slice(b"\\n"),
                    b'\r' => line.extend_from_slice(b"\\r"),
                    byte => line.push(*byte),
                }
            }
            line.extend_from_slice(&event[text.len()..]);
            self.0.write_all(&line)?;
        } else {
            self.0.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown() {
        fn check(text: &str, expected: &str) {
            assert_eq!(visible(text), expected);
        }
        check("Küche 25 °C", "Küche 25 °C");
        check("a\nb\tc", r"a\nb\tc");
        check("\u{1b}[2J\u{9b}31m\u{7f}", r"\u{1b}[2J\u{9b}31m\u{7f}");
        check("photo\u{202e}gpj.exe", r"photo\u{202e}gpj.exe");
    }

    #[test]
    fn an_event_is_one_line() {
        let mut log = Lines(Vec::new());
        io::Write::write_all(&mut log, b"INFO a\nERROR forged\r\n").unwrap();
        assert_eq!(log.0, b"INFO a\\nERROR forged\\r\n");
    }
}
