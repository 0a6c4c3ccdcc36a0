//! For tests only: real `hearth` and mosquitto processes, load on a broker, and the benchmark of the two.

pub mod bench;
pub mod chaos;
pub mod hearth;
pub mod load;
pub mod mosquitto;
pub mod process;
pub mod statistics;
