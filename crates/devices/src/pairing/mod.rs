//! Pairing: from a board that was seen to a board with a credential of its own, or to nothing at all.
//!
//! [`Window`] remembers who was seen; [`Pairing`] brings one of them in. Both are told what happened and say what is
//! to be done; neither holds a secret. Serial Improv, by which a board joins a network, is spelt in [`improv`].

pub mod improv;
mod state;
mod window;

pub use state::{Course, Effect, Failure, Input, Outcome, Pairing, Stage, TRIES_MAX};
pub use window::{CANDIDATES_MAX, Candidate, FOUND_MS, Found, Sighting, WINDOW_MS, Way, Window};
