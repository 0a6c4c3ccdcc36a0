//! The MQTT broker of Hearth: the gate on the network, and the bus inside the process.

pub mod access;
pub mod bus;
pub mod gate;
pub mod ledger;
pub mod limits;
pub mod watch;

pub use access::{Access, Granted, Login, Refusal};
pub use gate::{Gate, StartError};
pub use ledger::{
    BoxFuture, Draft, HandshakeChange, Ledger, LedgerError, StoredHandshake, StoredSession,
    StoredSubscription,
};
pub use limits::{GateConfig, Limits};
pub use watch::{Action, ClientInfo, Counters, GateEvent, Watch};
