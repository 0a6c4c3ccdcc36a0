//! Writes that may be late: merged in memory and written about once a second.

use std::collections::HashMap;

use model::State;

use super::{meta, session, state};
use crate::Conn;
use crate::error::Result;

/// What waits. Its size is bounded by the number of sessions and entities.
#[derive(Debug, Default)]
pub(crate) struct Late {
    cursors: HashMap<String, u64>,
    states: HashMap<String, State>,
    states_cursor: u64,
}

impl Late {
    pub(crate) fn move_cursor(&mut self, client_id: &str, cursor: u64) {
        match self.cursors.get_mut(client_id) {
            Some(known) => *known = cursor.max(*known),
            None => {
                self.cursors.insert(client_id.to_owned(), cursor);
            }
        }
    }

    pub(crate) fn keep_states(&mut self, states: Vec<(String, State)>, cursor: u64) {
        self.states.extend(states);
        self.states_cursor = self.states_cursor.max(cursor);
    }

    pub(crate) fn write(&self, conn: &Conn) -> Result<()> {
        for (client_id, cursor) in &self.cursors {
            session::raise_cursor(conn, client_id, *cursor)?;
        }
        for (entity, state) in &self.states {
            state::put(conn, entity, state)?;
        }
        // Also when it did not move: after a failure this is the write that finds out whether the disk is back.
        meta::raise_id(conn, meta::STATES_CURSOR, self.states_cursor)
    }

    /// Takes back what could not be written, under what came since.
    pub(crate) fn take_back(&mut self, unwritten: Late) {
        for (client_id, cursor) in unwritten.cursors {
            self.move_cursor(&client_id, cursor);
        }
        for (entity, state) in unwritten.states {
            self.states.entry(entity).or_insert(state);
        }
        self.states_cursor = self.states_cursor.max(unwritten.states_cursor);
    }
}
