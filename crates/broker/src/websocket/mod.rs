//! WebSocket (RFC 6455) as a pipe for MQTT: its payload is a stream of bytes, and packets may lie across frames as
//! they like (section 6 of MQTT 3.1.1 and of MQTT 5).
//!
//! Nothing is collected: payload is unmasked where the reader wants it and written from where the writer has it,
//! so a frame of any size costs no memory and an idle connection no more than its state. That is why the frames
//! are read here and not by a library that assembles messages.

mod frame;
mod stream;
mod upgrade;

pub(crate) use stream::WebSocket;
pub(crate) use upgrade::{Upgrade, upgrade};
