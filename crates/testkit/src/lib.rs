//! For tests only: real `hearth` and mosquitto processes, load on a broker, the benchmark of the two, and boards that
//! do not exist.

pub mod bench;
pub mod boards;
pub mod chaos;
pub mod hearth;
pub mod load;
pub mod mosquitto;
pub mod process;
pub mod statistics;
pub mod voices;
