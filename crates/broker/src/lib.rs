//! The MQTT broker of Hearth: the gate on the network, and the bus inside the process.

// The ledger of the tests is written against this crate by its name.
#[cfg(test)]
extern crate self as broker;

pub mod access;
mod attach;
pub mod bus;
mod clock;
mod connection;
mod core;
mod denials;
pub mod gate;
mod guesses;
pub mod ledger;
pub mod limits;
mod listener;
mod packet;
pub mod port_holder;
mod restore;
mod retained;
mod session;
mod subscription;
mod tally;
mod upkeep;
pub mod watch;

pub use access::{Access, Granted, Login, Refusal};
pub use gate::{Gate, StartError};
pub use ledger::{
    BoxFuture, Draft, HandshakeChange, Ledger, LedgerError, StoredHandshake, StoredSession,
    StoredSubscription,
};
pub use limits::{GateConfig, Limits};
pub use watch::{Action, ClientInfo, Counters, GateEvent, Watch};

#[cfg(test)]
mod tests;
