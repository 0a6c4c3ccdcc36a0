//! Frames as they come from a client (RFC 6455, section 5).

/// Payload of a control frame at most (section 5.5).
pub(super) const CONTROL_BYTES_MAX: usize = 125;
/// Longest header: two bytes, eight of length, four of mask.
const HEADER_BYTES_MAX: usize = 14;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const BINARY: u8 = 0x2;
pub(super) const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
pub(super) const PONG: u8 = 0xA;

/// How a client broke the framing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Broken {
    /// Section 6.0 of MQTT: packets travel in binary frames.
    Text,
    Unmasked,
    Reserved,
    Opcode,
    Order,
    Control,
    Length,
}

impl Broken {
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Text => "it sent a text frame; MQTT travels in binary WebSocket frames",
            Self::Unmasked => "it sent a WebSocket frame without a mask",
            Self::Reserved => "it set a reserved bit of a WebSocket frame; no extension was agreed on",
            Self::Opcode => "it sent a WebSocket frame of an unknown kind",
            Self::Order => "it sent WebSocket fragments in the wrong order",
            Self::Control => "it sent a WebSocket control frame that is too long or in fragments",
            Self::Length => "it sent a WebSocket frame with an impossible length",
        }
    }

    /// Status code of the Close frame (section 7.4.1).
    pub(super) fn code(self) -> u16 {
        if self == Self::Text { 1_003 } else { 1_002 }
    }
}

/// How the frames ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client sent Close.
    Closed,
    Broken(Broken),
}

/// What the payload that comes now belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Header,
    Data,
    Control { opcode: u8 },
}

/// Takes a client's frames apart, wherever reads cut them.
#[derive(Debug)]
pub(super) struct Frames {
    inside: Inside,
    header: [u8; HEADER_BYTES_MAX],
    header_length: usize,
    mask: [u8; 4],
    /// Payload bytes of this frame so far, modulo 4: where the mask stands.
    turn: usize,
    /// Payload bytes of this frame to come.
    remaining: u64,
    /// A message has begun and its last fragment has not come.
    in_message: bool,
    control: [u8; CONTROL_BYTES_MAX],
    control_length: usize,
    /// Payload of a ping to answer; the newest one is enough (section 5.5.3).
    ping: Option<Ping>,
    ended: Option<Ended>,
}

/// Payload of a ping.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ping {
    bytes: [u8; CONTROL_BYTES_MAX],
    length: usize,
}

impl Ping {
    pub(super) fn payload(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Frames {
    pub(super) fn new() -> Self {
        Self {
            inside: Inside::Header,
            header: [0; HEADER_BYTES_MAX],
            header_length: 0,
            mask: [0; 4],
            turn: 0,
            remaining: 0,
            in_message: false,
            control: [0; CONTROL_BYTES_MAX],
            control_length: 0,
            ping: None,
            ended: None,
        }
    }

    /// How it ended, if it did. Payload that came before was handed out.
    pub(super) fn ended(&self) -> Option<Ended> {
        self.ended
    }

    pub(super) fn take_ping(&mut self) -> Option<Ping> {
        self.ping.take()
    }

    /// Takes bytes from the wire and leaves the payload among them, unmasked, at their front. Returns its length.
    pub(super) fn unpack(&mut self, bytes: &mut [u8]) -> usize {
        let (mut from, mut to) = (0, 0);
        while self.ended.is_none() && from < bytes.len() {
            match self.inside {
                Inside::Header => {
                    if let (Some(slot), Some(byte)) =
                        (self.header.get_mut(self.header_length), bytes.get(from))
                    {
                        *slot = *byte;
                    }
                    self.header_length += 1;
                    from += 1;
                    if let Err(broken) = self.begin() {
                        self.ended = Some(Ended::Broken(broken));
                    }
                }
                Inside::Data => {
                    let count = self.count(bytes.len() - from);
                    bytes.copy_within(from..from + count, to);
                    self.unmask(bytes.get_mut(to..to + count).unwrap_or_default());
                    from += count;
                    to += count;
                    self.passed(count);
                }
                Inside::Control { .. } => {
                    let count = self.count(bytes.len() - from);
                    self.unmask(bytes.get_mut(from..from + count).unwrap_or_default());
                    let kept = self.control.get_mut(self.control_length..self.control_length + count);
                    if let (Some(kept), Some(payload)) = (kept, bytes.get(from..from + count)) {
                        kept.copy_from_slice(payload);
                    }
                    self.control_length += count;
                    from += count;
                    self.passed(count);
                }
            }
        }
        to
    }

    /// Bytes of this frame among the next `available`.
    fn count(&self, available: usize) -> usize {
        usize::try_from(self.remaining).unwrap_or(usize::MAX).min(available)
    }

    fn unmask(&mut self, payload: &mut [u8]) {
        let mut mask = self.mask;
        mask.rotate_left(self.turn);
        let mut words = payload.chunks_exact_mut(4);
        for word in &mut words {
            for (byte, key) in word.iter_mut().zip(mask) {
                *byte ^= key;
            }
        }
        for (byte, key) in words.into_remainder().iter_mut().zip(mask) {
            *byte ^= key;
        }
        self.turn = (self.turn + payload.len()) % 4;
    }

    fn passed(&mut self, count: usize) {
        self.remaining -= count as u64;
        if self.remaining == 0 {
            self.end_frame();
        }
    }

    fn end_frame(&mut self) {
        if let Inside::Control { opcode } = self.inside {
            match opcode {
                PING => self.ping = Some(Ping { bytes: self.control, length: self.control_length }),
                CLOSE => self.ended = Some(Ended::Closed),
                _ => {}
            }
        }
        self.inside = Inside::Header;
        self.header_length = 0;
    }

    /// Goes over to the payload once the header is complete.
    fn begin(&mut self) -> Result<(), Broken> {
        let [first, second, ..] = self.header;
        if self.header_length == 1 {
            return self.check_kind(first);
        }
        if second & 0x80 == 0 {
            return Err(Broken::Unmasked);
        }
        let length_bytes = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        if self.header_length < 2 + length_bytes + 4 {
            return Ok(());
        }
        let number = self.header.get(2..2 + length_bytes).unwrap_or_default();
        self.remaining = match length_bytes {
            0 => u64::from(second & 0x7F),
            _ => number.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte)),
        };
        if self.remaining >> 63 == 1 {
            return Err(Broken::Length);
        }
        let mask = self.header.get(2 + length_bytes..2 + length_bytes + 4);
        self.mask = mask.and_then(|mask| mask.try_into().ok()).unwrap_or_default();
        self.turn = 0;
        let (last, opcode) = (first & 0x80 != 0, first & 0x0F);
        if opcode & 0x8 != 0 {
            if !last || self.remaining > CONTROL_BYTES_MAX as u64 {
                return Err(Broken::Control);
            }
            self.control_length = 0;
            self.inside = Inside::Control { opcode };
        } else {
            self.in_message = !last;
            self.inside = Inside::Data;
        }
        if self.remaining == 0 {
            self.end_frame();
        }
        Ok(())
    }

    fn check_kind(&self, first: u8) -> Result<(), Broken> {
        if first & 0x70 != 0 {
            return Err(Broken::Reserved);
        }
        match first & 0x0F {
            CONTINUATION if self.in_message => Ok(()),
            BINARY if !self.in_message => Ok(()),
            TEXT if !self.in_message => Err(Broken::Text),
            CONTINUATION | TEXT | BINARY => Err(Broken::Order),
            CLOSE | PING | PONG => Ok(()),
            _ => Err(Broken::Opcode),
        }
    }
}

/// The header of an unmasked frame to a client, and its length.
pub(super) fn header(opcode: u8, payload: usize) -> ([u8; 10], usize) {
    let mut header = [0; 10];
    header[0] = 0x80 | opcode;
    if payload < 126 {
        header[1] = payload as u8;
        return (header, 2);
    }
    if let Ok(length) = u16::try_from(payload) {
        header[1] = 126;
        header[2..4].copy_from_slice(&length.to_be_bytes());
        return (header, 4);
    }
    header[1] = 127;
    header[2..10].copy_from_slice(&(payload as u64).to_be_bytes());
    (header, 10)
}

/// The header of a frame of MQTT to a client.
pub(super) fn binary_header(payload: usize) -> ([u8; 10], usize) {
    header(BINARY, payload)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x37, 0xFA, 0x21, 0x3D];
        let mut out = vec![first];
        match payload.len() {
            length @ 0..126 => out.push(0x80 | length as u8),
            length @ 126..65_536 => {
                out.push(0x80 | 126);
                out.extend((length as u16).to_be_bytes());
            }
            length => {
                out.push(0x80 | 127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        out
    }

    /// Unpacks in pieces of this size.
    fn unpack(frames: &mut Frames, wire: &[u8], piece: usize) -> Vec<u8> {
        let mut payload = Vec::new();
        for part in wire.chunks(piece) {
            let mut part = part.to_vec();
            let count = frames.unpack(&mut part);
            payload.extend(&part[..count]);
        }
        payload
    }

    #[test]
    fn payload_comes_out_however_the_wire_is_cut() {
        let large: Vec<u8> = (0..70_000u32).map(|n| n as u8).collect();
        let mut wire = frame(0x02, b"one ");
        wire.extend(frame(0x89, b"ping"));
        wire.extend(frame(0x00, b"two "));
        wire.extend(frame(0x80, b"three"));
        wire.extend(frame(0x82, &[7; 300]));
        wire.extend(frame(0x8A, b"unasked"));
        wire.extend(frame(0x82, b""));
        wire.extend(frame(0x82, &large));
        let mut expected = b"one two three".to_vec();
        expected.extend([7; 300]);
        expected.extend(large);
        for piece in [1, 2, 3, 7, 64, 1_000, wire.len()] {
            let mut frames = Frames::new();
            assert_eq!(unpack(&mut frames, &wire, piece), expected, "in pieces of {piece}");
            assert_eq!(frames.ended(), None);
            assert_eq!(frames.take_ping().unwrap().payload(), b"ping");
        }
    }

    #[test]
    fn the_example_of_the_standard() {
        // Section 5.7, a single-frame masked message of "Hello", as a binary one.
        let mut wire = [0x82, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
        assert_eq!(Frames::new().unpack(&mut wire), 5);
        assert_eq!(&wire[..5], b"Hello");
    }

    #[test]
    fn after_close_nothing_is_read() {
        let mut wire = frame(0x82, b"last words");
        wire.extend(frame(0x88, &[3, 0xE8]));
        wire.extend(frame(0x82, b"too late"));
        let mut frames = Frames::new();
        assert_eq!(unpack(&mut frames, &wire, wire.len()), b"last words");
        assert_eq!(frames.ended(), Some(Ended::Closed));
    }

    #[test]
    fn broken_framing_is_known_and_what_came_before_is_kept() {
        let unmasked = vec![0x82, 1, b'x'];
        let mut impossible = vec![0x82, 0xFF];
        impossible.extend([0xFF; 12]);
        let begun_twice = [frame(0x02, b"a"), frame(0x82, b"b")].concat();
        for (wire, expected) in [
            (frame(0x81, b"text"), Broken::Text),
            (unmasked, Broken::Unmasked),
            (frame(0xC2, b"compressed"), Broken::Reserved),
            (frame(0x83, b""), Broken::Opcode),
            (frame(0x8F, b""), Broken::Opcode),
            (frame(0x80, b"without a beginning"), Broken::Order),
            (begun_twice, Broken::Order),
            (frame(0x09, b"a ping in fragments"), Broken::Control),
            (frame(0x89, &[0; 126]), Broken::Control),
            (impossible, Broken::Length),
        ] {
            let mut frames = Frames::new();
            let wire = [frame(0x82, b"before "), wire].concat();
            assert!(unpack(&mut frames, &wire, 5).starts_with(b"before "), "{expected:?}");
            assert_eq!(frames.ended(), Some(Ended::Broken(expected)));
        }
    }

    #[test]
    fn headers_have_the_shortest_length() {
        for (payload, expected) in [
            (0, vec![0x82, 0]),
            (125, vec![0x82, 125]),
            (126, vec![0x82, 126, 0, 126]),
            (65_535, vec![0x82, 126, 0xFF, 0xFF]),
            (65_536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let (header, length) = binary_header(payload);
            assert_eq!(header[..length], expected);
        }
    }
}
