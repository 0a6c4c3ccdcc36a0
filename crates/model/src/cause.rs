//! Why something happened: the link that lets a chain be walked back.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What set something off.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Cause {
    /// A message, by its journal id.
    Message {
        /// Journal id.
        id: u64,
    },
    /// A run of an automation.
    Run {
        /// The run's id.
        run: String,
        /// The automation's id.
        automation: String,
        /// How many runs stand between this and the first cause; the loop guard counts it.
        depth: u32,
    },
    /// A person, through one of the API's doors.
    Person {
        /// Who, as the door knows them.
        who: String,
    },
    /// Hearth itself.
    Hub {
        /// Which part and why, in words.
        why: String,
    },
}

impl Cause {
    /// How many runs stand between this and the first cause.
    pub fn depth(&self) -> u32 {
        match self {
            Self::Run { depth, .. } => *depth,
            _ => 0,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Message { id } => write!(f, "message {id}"),
            Self::Run { automation, .. } => write!(f, "The automation `{automation}`"),
            Self::Person { who } => write!(f, "{who}"),
            Self::Hub { why } => write!(f, "Hearth ({why})"),
        }
    }
}
