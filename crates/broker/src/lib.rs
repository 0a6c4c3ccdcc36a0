//! The MQTT broker of Hearth: the gate on the network, and the bus inside the process.
//!
//! A message's way: `connection::reading` decodes it and checks topic and permission; `core` numbers it, hands it
//! to the journal, the retained table and the bus in one order, and puts it into the inboxes (`session`) of those
//! who subscribed (`subscription`); `connection::writing` of each of them sends it. An acknowledgement goes out
//! when the journal says that the message is durable, and not before.
//!
//! | module | noun |
//! |---|---|
//! | [`gate`] | the broker as `hub` holds it |
//! | [`ledger`], [`access`], [`watch`] | what it needs from outside: durable storage, logins, someone to tell |
//! | `guard` | who looks at certain messages before they are accepted |
//! | [`limits`] | every bound, by name |
//! | `listener`, `arrivals`, `lobby` | sockets; connections by address; those without a login |
//! | `handshake`, `tls`, `websocket` | what comes before MQTT, in the connection's own task |
//! | [`authority`], [`certificate`] | certificates of the home's own; what one says, fingerprints |
//! | `connection` | login, reading half, writing half |
//! | `packet` | the MQTT codec behind its frame guard |
//! | `attach`, `session` | who gets which session; queue, packet ids, cursor |
//! | `subscription`, `retained` | who gets a topic; its last message |
//! | `core` | what all connections share, and the ingress order |
//! | `restore`, `upkeep` | after a start; once a second |
//! | [`bus`] | rumqttd's router, for Hearth's own parts |
//!
//! Invariants: nothing from outside is unwrapped; no lock is held across an await (lock order: sessions map,
//! ingress, index, one session); every queue has a bound in [`Limits`] and a counter in [`Counters`].

// The ledger of the tests is written against this crate by its name.
#[cfg(test)]
extern crate self as broker;

pub mod access;
mod arrivals;
mod attach;
pub mod authority;
pub mod bus;
pub mod certificate;
mod clock;
mod connected;
mod connection;
mod core;
mod denials;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
pub mod gate;
mod guard;
mod guesses;
mod handshake;
pub mod ledger;
pub mod limits;
mod listener;
mod lobby;
mod packet;
pub mod port_holder;
mod restore;
mod retained;
mod session;
mod share;
mod subscription;
mod sys;
mod tally;
mod telling;
mod tls;
mod transport;
mod upkeep;
pub mod watch;
mod websocket;

pub use access::{Access, Granted, Login, Refusal, Standing, by_length, shortened};
pub use gate::{Gate, StartError};
pub use guard::{Guard, Held, NotPublished};
pub use ledger::{
    BoxFuture, Copied, Draft, HandshakeChange, Ledger, LedgerError, Owed, StoredHandshake, StoredSession,
    StoredSubscription,
};
pub use limits::{GateConfig, Limits};
pub use listener::is_for_many;
pub use tls::{Tls, TlsError};
pub use transport::{Listen, Transport};
pub use watch::{Action, ClientDetail, ClientInfo, Counters, GateEvent, Reach, RefusedAt, Watch, WillInfo};

#[cfg(test)]
mod tests;
