//! The bus inside the process.

use std::sync::Arc;

use model::Message;

/// One of Hearth's own parts reading the bus.
pub struct Reader {}

impl Reader {
    /// The next messages, in id order; never empty.
    pub async fn next(&mut self) -> Vec<Arc<Message>> {
        todo!()
    }
}
