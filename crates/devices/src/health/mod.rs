//! How a board is: what its figures say, as findings with the figures behind them. Nothing is said of what is not
//! known well enough.

mod findings;
mod fit;
mod role;

pub use findings::{BATTERY_DAYS, BATTERY_EMPTY, Figures, Finding, Kind, Severity, WINDOW_MS, findings};
pub use fit::Sample;
pub use role::{Role, role};

/// A value in the unit the figures are in: seconds of uptime, bytes of memory.
pub fn in_base_unit(role: Role, unit: Option<&str>, value: f64) -> f64 {
    let factor = match role {
        Role::Uptime => unit.and_then(role::seconds),
        Role::Heap => unit.and_then(role::bytes),
        _ => None,
    };
    value * factor.unwrap_or(1.0)
}
