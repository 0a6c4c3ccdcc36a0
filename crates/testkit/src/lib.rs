//! For tests only: load on a broker, figures of a process, and the benchmark against mosquitto.

pub mod load;
pub mod process;
pub mod statistics;
