//! A whole hub in one process, spoken to by real clients over real sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod asking;
mod clients;
mod command_line;
mod commands;
mod descriptors;
mod doors;
mod guard;
mod health;
mod hostile;
mod house;
mod ingest;
mod namespace;
mod network;
mod pairing;
mod pictures;
mod profiles;
mod proposals;
mod replacing;
mod secrets;
mod walks;
