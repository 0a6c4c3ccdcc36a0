//! Improv Wi-Fi over a serial line, by which a board joins a network: frames as bytes, without any I/O.
//!
//! A frame is `IMPROV`, version 1, type, length, data and the sum of all bytes before, then a line feed. Between
//! frames a board writes its log as it likes.

/// What every frame begins with, and the version.
const HEAD: &[u8; 7] = b"IMPROV\x01";
/// Head, type and length.
const BEFORE_DATA: usize = 9;

const TYPE_STATE: u8 = 1;
const TYPE_ERROR: u8 = 2;
const TYPE_RPC: u8 = 3;
const TYPE_RESULT: u8 = 4;

const RPC_WIFI: u8 = 1;
const RPC_STATE: u8 = 2;
const RPC_DEVICE: u8 = 3;

/// What a board says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// Where it stands.
    State(State),
    /// What went wrong; `None` takes an earlier error back.
    Error(Option<&'static str>),
    /// The answer to a command: texts, such as the URL of its web page.
    Result {
        /// The command.
        command: u8,
        /// The texts.
        texts: Vec<String>,
    },
}

/// Where a board stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Somebody has to press its button first.
    NeedsButton,
    /// It takes a network.
    Ready,
    /// It tries to join.
    Joining,
    /// It is in a network.
    Joined,
}

/// Asks a board where it stands.
pub fn ask_state() -> Vec<u8> {
    rpc(RPC_STATE, &[])
}

/// Asks a board what it is.
pub fn ask_device() -> Vec<u8> {
    rpc(RPC_DEVICE, &[])
}

/// Whether a result answers [`ask_device`]: firmware, version, chip and name.
pub fn is_device(command: u8) -> bool {
    command == RPC_DEVICE
}

/// Tells a board a network; `None` when a text is longer than a frame can hold.
pub fn join(ssid: &str, password: &str) -> Option<Vec<u8>> {
    let mut payload = Vec::new();
    for text in [ssid, password] {
        payload.push(u8::try_from(text.len()).ok()?);
        payload.extend(text.as_bytes());
    }
    // Command, its length, and the payload have to fit the frame's length.
    (payload.len() + 2 <= usize::from(u8::MAX)).then(|| rpc(RPC_WIFI, &payload))
}

fn rpc(command: u8, payload: &[u8]) -> Vec<u8> {
    let mut data = vec![command, payload.len() as u8];
    data.extend(payload);
    frame(TYPE_RPC, &data)
}

/// A frame without its line feed. `data` has at most 255 bytes.
fn frame(kind: u8, data: &[u8]) -> Vec<u8> {
    let mut frame = HEAD.to_vec();
    frame.extend([kind, data.len() as u8]);
    frame.extend(data);
    frame.push(sum(&frame));
    frame.push(b'\n');
    frame
}

fn sum(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum.wrapping_add(*byte))
}

/// Finds frames in what a board writes.
#[derive(Debug, Default)]
pub struct Reader {
    /// A frame that is not complete, so never longer than one.
    buffer: Vec<u8>,
}

impl Reader {
    /// Takes what came; returns the frames that are complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut said = Vec::new();
        for byte in bytes {
            self.buffer.push(*byte);
            while let Some((length, found)) = self.first() {
                said.extend(found);
                self.buffer.drain(..length);
            }
        }
        said
    }

    /// What stands first and is complete, log or frame, by its length; `None` when more has to come.
    fn first(&self) -> Option<(usize, Option<Said>)> {
        let buffer = &self.buffer;
        let most = buffer.len().min(HEAD.len());
        let is_frame = buffer[..most] == HEAD[..most]
            && buffer.get(HEAD.len()).is_none_or(|kind| (TYPE_STATE..=TYPE_RESULT).contains(kind));
        if !is_frame {
            return Some((1, None));
        }
        let end = BEFORE_DATA + usize::from(*buffer.get(BEFORE_DATA - 1)?);
        if *buffer.get(end)? != sum(&buffer[..end]) {
            // The head was part of a log, and a frame may begin within.
            return Some((1, None));
        }
        Some((end + 1, read(buffer[HEAD.len()], &buffer[BEFORE_DATA..end])))
    }
}

fn read(kind: u8, data: &[u8]) -> Option<Said> {
    let first = data.first().copied();
    match kind {
        TYPE_STATE => Some(Said::State(match first? {
            1 => State::NeedsButton,
            2 => State::Ready,
            3 => State::Joining,
            4 => State::Joined,
            _ => return None,
        })),
        TYPE_ERROR => Some(Said::Error(match first? {
            0 => None,
            1 => Some("it could not read the command"),
            2 => Some("it does not know the command"),
            3 => Some("it could not join the network: see that name and password are right"),
            4 => Some("its button has to be pressed first"),
            _ => Some("it met an error it has no word for"),
        })),
        TYPE_RESULT => {
            let (command, mut rest) = (first?, data.get(2..)?);
            let mut texts = Vec::new();
            while let Some((length, more)) = rest.split_first() {
                let text = more.get(..usize::from(*length))?;
                texts.push(String::from_utf8_lossy(text).into_owned());
                rest = &more[usize::from(*length)..];
            }
            Some(Said::Result { command, texts })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_spelt_as_the_specification_spells_it() {
        let frame = join("MyWirelessAP", "mysecurepassword").unwrap();
        let hex: String = frame.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "494d50524f56010320011e0c4d79576972656c6573734150106d7973656375726570617373776f7264c10a"
        );
        assert_eq!(join(&"x".repeat(300), ""), None);
        assert_eq!(join(&"x".repeat(200), &"y".repeat(200)), None);
    }

    #[test]
    fn frames_are_found_between_the_lines_of_a_log() {
        let mut wire = b"[I] boot IMPIMPROV\x01 is \n".to_vec();
        wire.extend(frame(TYPE_STATE, &[2]));
        wire.extend(b"[D] wifi\n");
        wire.extend(frame(TYPE_ERROR, &[3]));
        let mut result = vec![RPC_WIFI, 14, 13];
        result.extend(b"http://10.0.0");
        wire.extend(frame(TYPE_RESULT, &result));
        let whole = Reader::default().take(&wire);
        let mut reader = Reader::default();
        let bytewise: Vec<Said> = wire.iter().flat_map(|byte| reader.take(&[*byte])).collect();
        assert_eq!(whole, bytewise);
        assert_eq!(whole.len(), 3, "{whole:?}");
        assert_eq!(whole[0], Said::State(State::Ready));
        assert!(matches!(whole[1], Said::Error(Some(why)) if why.contains("password")));
        assert_eq!(whole[2], Said::Result { command: RPC_WIFI, texts: vec!["http://10.0.0".into()] });
    }

    proptest::proptest! {
        #[test]
        fn whatever_comes_is_taken(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..2_000)) {
            let mut reader = Reader::default();
            let mut wire = HEAD.to_vec();
            wire.extend(bytes);
            reader.take(&wire);
            proptest::prop_assert!(reader.buffer.len() <= BEFORE_DATA + usize::from(u8::MAX));
        }
    }
}
