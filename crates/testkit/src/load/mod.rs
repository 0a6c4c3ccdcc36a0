//! Load on a broker, and what it does with it. Sockets and packets of its own: with a client library in
//! between, the library would be what is measured.

pub mod connection;
pub mod connects;
pub mod feed;
mod publisher;
pub mod run;
pub mod stamp;
mod subscriber;
pub mod wire;

pub use connection::Connection;
pub use run::{Plan, Report, run};
