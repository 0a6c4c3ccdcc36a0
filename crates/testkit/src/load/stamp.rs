//! What a payload says about itself: when it was sent, by whom, and which one it is.
//!
//! Printable ASCII, six bits a character, so that it passes through a script or a JSON field unchanged and
//! never looks like a number.

use anyhow::{Result, ensure};

/// Bytes a stamp takes; the shortest payload.
pub const STAMP_BYTES: usize = SENT_CHARS + PUBLISHER_CHARS + SEQUENCE_CHARS;

/// 54 bits of nanoseconds: 208 days.
const SENT_CHARS: usize = 9;
/// 18 bits: 262,144 publishers.
const PUBLISHER_CHARS: usize = 3;
/// 30 bits: a thousand million messages of each.
const SEQUENCE_CHARS: usize = 5;
/// `0` stands for 0 and `o` for 63.
const ZERO: u8 = b'0';

/// Front of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// When it was sent, ns since the run's clock began.
    pub sent_ns: u64,
    /// Which publisher, from 0.
    pub publisher: u32,
    /// Which of this publisher's messages, from 1.
    pub sequence: u32,
}

impl Stamp {
    /// Writes the stamp to the front of `payload`, which has at least [`STAMP_BYTES`].
    pub fn write(self, payload: &mut [u8]) {
        let (sent, rest) = payload.split_at_mut(SENT_CHARS);
        let (publisher, rest) = rest.split_at_mut(PUBLISHER_CHARS);
        put(sent, self.sent_ns);
        put(publisher, self.publisher.into());
        put(&mut rest[..SEQUENCE_CHARS], self.sequence.into());
    }

    /// Reads it back.
    pub fn read(payload: &[u8]) -> Result<Self> {
        ensure!(
            payload.len() >= STAMP_BYTES,
            "a payload of {} bytes is not one of this run; use a topic that nobody else publishes to",
            payload.len()
        );
        let (sent, rest) = payload.split_at(SENT_CHARS);
        let (publisher, rest) = rest.split_at(PUBLISHER_CHARS);
        Ok(Self {
            sent_ns: get(sent),
            publisher: get(publisher) as u32,
            sequence: get(&rest[..SEQUENCE_CHARS]) as u32,
        })
    }
}

fn put(chars: &mut [u8], mut number: u64) {
    for char in chars.iter_mut().rev() {
        *char = ZERO + (number & 63) as u8;
        number >>= 6;
    }
}

fn get(chars: &[u8]) -> u64 {
    chars.iter().fold(0, |number, char| number << 6 | u64::from(char.wrapping_sub(ZERO) & 63))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_survives_its_payload() {
        fn check(sent_ns: u64, publisher: u32, sequence: u32) {
            let stamp = Stamp { sent_ns, publisher, sequence };
            let mut payload = [b'x'; STAMP_BYTES + 5];
            stamp.write(&mut payload);
            assert!(payload.iter().all(u8::is_ascii_graphic), "{payload:?}");
            assert_eq!(&payload[STAMP_BYTES..], b"xxxxx");
            assert_eq!(Stamp::read(&payload).unwrap(), stamp);
        }
        check(0, 0, 1);
        check((1 << 54) - 1, (1 << 18) - 1, (1 << 30) - 1);
        check(123_456_789_012, 99, 200_000);
    }

    #[test]
    fn a_strange_payload_is_an_error() {
        assert!(Stamp::read(b"on").unwrap_err().to_string().contains("not one of this run"));
    }
}
