//! The payload of WebSocket frames as a stream of bytes.

use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::frame::{self, CLOSE, CONTROL_BYTES_MAX, Ended, Frames, PONG};

/// Payload of one frame to a client at most, so that the answer to a ping need not wait for long.
const FRAME_BYTES_MAX: usize = 64 * 1024;
/// Status code of an ordinary close (RFC 6455, section 7.4.1).
const NORMAL: u16 = 1_000;

/// MQTT in WebSocket frames over `inner`, seen from the server.
#[derive(Debug)]
pub(crate) struct WebSocket<S> {
    inner: S,
    /// Came behind the HTTP request.
    left: Vec<u8>,
    frames: Frames,
    /// Header of the frame being written, and how much of it is written.
    header: ([u8; 10], usize),
    header_written: usize,
    /// Payload the frame being written still needs.
    payload_left: usize,
    /// A control frame being written.
    control: [u8; CONTROL_BYTES_MAX + 2],
    control_length: usize,
    control_written: usize,
    closing: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> WebSocket<S> {
    /// `left` is what came behind the request that was just answered.
    pub(crate) fn new(inner: S, left: Vec<u8>) -> Self {
        Self {
            inner,
            left,
            frames: Frames::new(),
            header: ([0; 10], 0),
            header_written: 0,
            payload_left: 0,
            control: [0; CONTROL_BYTES_MAX + 2],
            control_length: 0,
            control_written: 0,
            closing: false,
        }
    }

    fn in_frame(&self) -> bool {
        self.payload_left > 0 || self.header_written < self.header.1
    }

    fn queue_control(&mut self, opcode: u8, payload: &[u8]) {
        let (header, _) = frame::header(opcode, payload.len());
        let length = payload.len().min(CONTROL_BYTES_MAX);
        for (slot, byte) in self.control.iter_mut().zip(header.iter().take(2).chain(&payload[..length])) {
            *slot = *byte;
        }
        (self.control_length, self.control_written) = (length + 2, 0);
    }

    /// Writes what is owed between two frames: the answer to a ping, Close.
    fn poll_control(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.in_frame() {
            return Poll::Ready(Ok(()));
        }
        loop {
            while self.control_written < self.control_length {
                let rest = &self.control[self.control_written..self.control_length];
                match ready!(Pin::new(&mut self.inner).poll_write(cx, rest))? {
                    0 => return Poll::Ready(Err(ErrorKind::WriteZero.into())),
                    count => self.control_written += count,
                }
            }
            if self.closing {
                return Poll::Ready(Ok(()));
            }
            let Some(ping) = self.frames.take_ping() else { return Poll::Ready(Ok(())) };
            self.queue_control(PONG, ping.payload());
        }
    }

    /// Sends the answer to a ping as far as the socket takes it; the writing half sends the rest.
    fn answer_ping(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.poll_control(cx)?.is_ready() {
            let _ = Pin::new(&mut self.inner).poll_flush(cx)?;
        }
        Ok(())
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for WebSocket<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        while buf.remaining() > 0 {
            match this.frames.ended() {
                None => {}
                Some(Ended::Closed) => return Poll::Ready(Ok(())),
                Some(Ended::Broken(broken)) => {
                    return Poll::Ready(Err(io::Error::new(ErrorKind::InvalidData, broken.why())));
                }
            }
            let before = buf.filled().len();
            if this.left.is_empty() {
                let read = Pin::new(&mut this.inner).poll_read(cx, buf);
                if read.is_pending() {
                    this.answer_ping(cx)?;
                }
                ready!(read)?;
            } else {
                let count = this.left.len().min(buf.remaining());
                buf.put_slice(&this.left[..count]);
                this.left.drain(..count);
                if this.left.is_empty() {
                    this.left = Vec::new();
                }
            }
            if buf.filled().len() == before {
                return Poll::Ready(Ok(()));
            }
            let payload = this.frames.unpack(&mut buf.filled_mut()[before..]);
            buf.set_filled(before + payload);
            if payload > 0 {
                break;
            }
        }
        this.answer_ping(cx)?;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WebSocket<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        if bytes.is_empty() {
            return Poll::Ready(Ok(0));
        }
        if !this.in_frame() {
            ready!(this.poll_control(cx))?;
            if this.closing {
                return Poll::Ready(Err(ErrorKind::BrokenPipe.into()));
            }
            this.payload_left = bytes.len().min(FRAME_BYTES_MAX);
            this.header = frame::binary_header(this.payload_left);
            this.header_written = 0;
        }
        let payload = &bytes[..bytes.len().min(this.payload_left)];
        loop {
            let header = &this.header.0[this.header_written..this.header.1];
            let inner = Pin::new(&mut this.inner);
            let written = if header.is_empty() {
                ready!(inner.poll_write(cx, payload))?
            } else if inner.is_write_vectored() {
                ready!(inner.poll_write_vectored(cx, &[IoSlice::new(header), IoSlice::new(payload)]))?
            } else {
                ready!(inner.poll_write(cx, header))?
            };
            if written == 0 {
                return Poll::Ready(Err(ErrorKind::WriteZero.into()));
            }
            let of_header = written.min(header.len());
            this.header_written += of_header;
            let of_payload = written - of_header;
            this.payload_left -= of_payload;
            if of_payload > 0 {
                return Poll::Ready(Ok(of_payload));
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(this.poll_control(cx))?;
        Pin::new(&mut this.inner).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        // Inside a frame that will never be finished there is no place for Close.
        if !this.in_frame() {
            if !this.closing {
                ready!(this.poll_control(cx))?;
                let code = match this.frames.ended() {
                    Some(Ended::Broken(broken)) => broken.code(),
                    _ => NORMAL,
                };
                this.queue_control(CLOSE, &code.to_be_bytes());
                this.closing = true;
            }
            ready!(this.poll_control(cx))?;
        }
        Pin::new(&mut this.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// Binary frames to a client, taken apart by hand.
    fn payloads(mut wire: &[u8]) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        while let [first, length, rest @ ..] = wire {
            assert_eq!(*first, 0x82);
            let (length, rest) = match length {
                126 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
                127 => (u64::from_be_bytes(rest[..8].try_into().unwrap()) as usize, &rest[8..]),
                length => (usize::from(*length), rest),
            };
            payloads.push(rest[..length].to_vec());
            wire = &rest[length..];
        }
        payloads
    }

    #[tokio::test]
    async fn what_is_written_comes_in_frames_also_through_a_narrow_pipe() {
        for width in [1, 3, 64, 1_000_000] {
            let (near, mut far) = duplex(width);
            let mut socket = WebSocket::new(near, Vec::new());
            let bytes: Vec<u8> = (0..150_000u32).map(|n| (n % 251) as u8).collect();
            let expected = bytes.clone();
            let writing = tokio::spawn(async move {
                socket.write_all(&bytes).await.unwrap();
                socket.flush().await.unwrap();
            });
            let mut wire = Vec::new();
            far.read_to_end(&mut wire).await.unwrap();
            writing.await.unwrap();
            let payloads = payloads(&wire);
            assert!(payloads.iter().all(|payload| payload.len() <= FRAME_BYTES_MAX));
            assert_eq!(payloads.concat(), expected);
        }
    }

    #[tokio::test]
    async fn what_came_behind_the_request_is_read_first() {
        let (near, mut far) = duplex(1_000);
        // Mask 0: the payload stands as it is.
        let mut socket = WebSocket::new(near, vec![0x82, 0x86, 0, 0, 0, 0, b'e', b'a']);
        far.write_all(b"rly!").await.unwrap();
        let mut bytes = [0; 6];
        socket.read_exact(&mut bytes).await.unwrap();
        assert_eq!(&bytes, b"early!");
    }

    #[tokio::test]
    async fn a_ping_is_answered_while_nothing_else_is_written() {
        let (near, mut far) = duplex(1_000);
        let mut socket = WebSocket::new(near, Vec::new());
        far.write_all(&[0x89, 0x82, 0, 0, 0, 0, b'h', b'i']).await.unwrap();
        let reading = tokio::spawn(async move { socket.read(&mut [0; 10]).await });
        let mut pong = [0; 4];
        far.read_exact(&mut pong).await.unwrap();
        assert_eq!(&pong, &[0x8A, 2, b'h', b'i']);
        reading.abort();
    }

    #[tokio::test]
    async fn close_says_why() {
        for (wire, code) in
            [(&[0x88u8, 0x80, 0, 0, 0, 0][..], 1_000u16), (&[0x81, 0x80], 1_003), (&[0xF2], 1_002)]
        {
            let (near, mut far) = duplex(1_000);
            let mut socket = WebSocket::new(near, Vec::new());
            far.write_all(wire).await.unwrap();
            let read = socket.read(&mut [0; 10]).await;
            assert_eq!(read.is_err(), code != 1_000);
            socket.shutdown().await.unwrap();
            let mut answer = Vec::new();
            far.read_to_end(&mut answer).await.unwrap();
            assert_eq!(answer, [&[0x88, 2][..], &code.to_be_bytes()].concat());
        }
    }
}
