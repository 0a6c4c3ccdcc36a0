//! The guard in front of the decoder: packet type, reserved flags and declared length, before anything of the
//! packet is stored (MQTT 5.0 and 3.1.1, sections 2.1 and 2.2).

use super::PacketError;

/// What stands at the beginning of the read buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// Not a whole packet yet; this many bytes are needed in all, as far as is known.
    Incomplete {
        /// Bytes from the start of the packet.
        need: usize,
    },
    /// A whole packet.
    Complete {
        /// Bytes of the fixed header.
        header: usize,
        /// Bytes of the whole packet.
        total: usize,
    },
}

/// Looks at the packet that starts `buffer`. A packet of a type only servers send, with wrong reserved flags or
/// above `max` bytes is refused as soon as its header says so.
#[inline]
pub(crate) fn frame(buffer: &[u8], max: usize) -> Result<Frame, PacketError> {
    let Some(&first) = buffer.first() else { return Ok(Frame::Incomplete { need: 2 }) };
    check_first(first)?;
    let mut length = 0usize;
    for at in 0..4 {
        let Some(&byte) = buffer.get(1 + at) else { return Ok(Frame::Incomplete { need: at + 2 }) };
        length |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            let header = at + 2;
            let total = header + length;
            if total > max {
                return Err(PacketError::TooLarge { declared: total, max });
            }
            if buffer.len() < total {
                return Ok(Frame::Incomplete { need: total });
            }
            return Ok(Frame::Complete { header, total });
        }
    }
    Err(PacketError::Malformed("the remaining length has more than four bytes"))
}

#[inline]
fn check_first(first: u8) -> Result<(), PacketError> {
    let flags = first & 0x0f;
    match first >> 4 {
        3 if flags & 0x06 == 0x06 => Err(PacketError::Malformed("a PUBLISH has QoS 3")),
        3 => Ok(()),
        6 | 8 | 10 if flags == 2 => Ok(()),
        1 | 4 | 5 | 7 | 12 | 14 | 15 if flags == 0 => Ok(()),
        0 => Err(PacketError::Malformed("packet type 0 is reserved")),
        2 | 9 | 11 | 13 => Err(PacketError::Protocol("a client sent a packet that only servers send")),
        _ => Err(PacketError::Malformed("reserved flags of the fixed header are wrong")),
    }
}
