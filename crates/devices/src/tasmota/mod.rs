//! What of Tasmota's own discovery needs code: lights, shutters, buttons and the naming of sensors. The rest is
//! in its profile. Reference for the meaning: the Python library hatasmota.

mod board;
mod button;
mod fade;
mod light;
mod sensor;
mod shutter;

use board::Board;
use minijinja::Value as Known;
use model::EntityDescription;

pub(crate) use fade::add_to;

/// The entities of a board, by what its profile made of its announcement.
pub(crate) fn entities(known: &Known) -> Vec<EntityDescription> {
    let Some(board) = Board::of(known) else { return Vec::new() };
    let parts = [light::lights, shutter::shutters, button::buttons, sensor::sensors];
    parts.into_iter().flat_map(|part| part(&board)).collect()
}
