//! The benchmark: the same load on mosquitto and on Hearth, in turns, and a table of both.

pub mod comparison;
mod crowd;
pub mod fill;
pub mod measure;
pub mod shape;
mod target;
mod topics;

pub use comparison::{Comparison, Figure, summary, table};
pub use shape::{SHAPES, Shape, Size};
pub use target::{Bound, Target};
