//! What becomes of commands.

use model::CommandState;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// How far an entity's newest command is.
pub struct EntityCommand {
    /// Entity id.
    pub entity: String,
    /// Its newest command.
    pub command: CommandState,
}
}
