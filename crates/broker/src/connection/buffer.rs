//! The read buffer of a connection, whose allocation is known: a payload may stay in it, and then keeps all of
//! it alive for as long as the message lives.

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::packet::Span;

/// Smallest and largest read. A connection starts small and doubles while its reads fill the buffer.
const READ_BYTES_MIN: usize = 2 * 1024;
pub(super) const READ_BYTES_MAX: usize = 64 * 1024;

/// A payload stays a slice of the read buffer when it is at least one part in this many of the allocation, so
/// no message holds more than twice its size. Everything else is copied.
const SLICE_PART: usize = 2;

/// Bytes read and not yet handled.
#[derive(Debug)]
pub(super) struct ReadBuffer {
    bytes: BytesMut,
    /// Size of the allocation behind `bytes`, what was already split off included.
    allocated: usize,
    read_bytes: usize,
}

/// Whole packets taken out of the buffer, and what their allocation takes.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) bytes: Bytes,
    allocated: usize,
}

impl Chunk {
    /// The payload as a message may keep it.
    #[inline]
    pub(super) fn keep(&self, payload: Span) -> Bytes {
        if (payload.end - payload.start) * SLICE_PART >= self.allocated {
            self.bytes.slice(payload.start..payload.end)
        } else {
            Bytes::copy_from_slice(payload.of(&self.bytes))
        }
    }
}

impl ReadBuffer {
    /// Goes on with what the login left.
    pub(super) fn new(left: &[u8]) -> Self {
        let mut bytes = BytesMut::with_capacity(READ_BYTES_MIN.max(left.len()));
        bytes.extend_from_slice(left);
        Self { allocated: bytes.capacity(), bytes, read_bytes: READ_BYTES_MIN }
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    /// Takes the first `length` bytes, which are whole packets.
    pub(super) fn take(&mut self, length: usize) -> Chunk {
        Chunk { bytes: self.bytes.split_to(length).freeze(), allocated: self.allocated }
    }

    /// Reads once. `need` is the length of the packet the buffer starts with, as far as that is known. Returns
    /// how many bytes came; 0 at the end of the connection.
    pub(super) async fn read<R: AsyncRead + Unpin>(
        &mut self,
        reader: &mut R,
        need: usize,
    ) -> std::io::Result<usize> {
        self.make_room(need);
        let count = reader.read_buf(&mut self.bytes).await?;
        if count * 2 > self.read_bytes {
            self.read_bytes = (self.read_bytes * 2).min(READ_BYTES_MAX);
        } else if count * 16 < self.read_bytes {
            self.read_bytes = (self.read_bytes / 2).max(READ_BYTES_MIN);
        }
        Ok(count)
    }

    /// Room for the next read: in the same allocation when no message keeps it and it is of an ordinary size,
    /// else in a new one. So a buffer that grew for one large packet is given back behind it. A packet's
    /// declared length is not believed before half of it is here.
    fn make_room(&mut self, need: usize) {
        let length = self.bytes.len();
        let large = need > READ_BYTES_MAX;
        let half = self.read_bytes / 2;
        let enough = if large { need.saturating_sub(length).min(half) } else { half };
        let ordinary = large || self.allocated <= READ_BYTES_MAX;
        if ordinary && self.bytes.capacity() - length >= enough {
            return;
        }
        let whole = self.allocated - length;
        if ordinary && whole >= enough && self.bytes.try_reclaim(whole) {
            return;
        }
        let grown = (length * 2).min(need).max(length + enough).max(self.read_bytes);
        let mut bytes = BytesMut::with_capacity(grown);
        bytes.extend_from_slice(&self.bytes);
        self.allocated = bytes.capacity();
        self.bytes = bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn fill(buffer: &mut ReadBuffer, bytes: &[u8], need: usize) {
        let mut rest = bytes;
        while !rest.is_empty() {
            buffer.read(&mut rest, need).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_large_packet_fills_its_allocation_and_leaves_an_ordinary_one() {
        let mut buffer = ReadBuffer::new(b"");
        let large = vec![7; 1024 * 1024];
        fill(&mut buffer, &large, large.len()).await;
        let chunk = buffer.take(large.len());
        let kept = chunk.keep(Span { start: 10, end: large.len() });
        assert_eq!(kept.as_ptr(), chunk.bytes[10..].as_ptr(), "a large payload is not copied");
        assert!(chunk.allocated <= large.len() + READ_BYTES_MAX, "{}", chunk.allocated);
        fill(&mut buffer, b"small", 2).await;
        assert!(buffer.allocated <= READ_BYTES_MAX, "{}", buffer.allocated);
        let chunk = buffer.take(5);
        assert_ne!(chunk.keep(Span { start: 0, end: 5 }).as_ptr(), chunk.bytes.as_ptr());
    }

    #[tokio::test]
    async fn a_buffer_nobody_keeps_is_used_again() {
        let mut buffer = ReadBuffer::new(b"");
        let start = buffer.as_slice().as_ptr();
        for _ in 0..10 {
            fill(&mut buffer, &[1; 1_500], 2).await;
            assert_eq!(buffer.as_slice().as_ptr(), start);
            drop(buffer.take(1_500));
        }
    }

    #[tokio::test]
    async fn what_was_read_is_there_whatever_the_sizes() {
        let mut buffer = ReadBuffer::new(b"abc");
        let mut expected = b"abc".to_vec();
        for round in 1..200usize {
            let piece = vec![round as u8; round * 37 % 3_000 + 1];
            fill(&mut buffer, &piece, round * 411 % 9_000).await;
            expected.extend(piece);
            let gone = expected.len() * (round % 3) / 3;
            assert_eq!(buffer.take(gone).bytes, expected[..gone]);
            expected.drain(..gone);
            assert_eq!(buffer.as_slice(), expected);
        }
    }
}
