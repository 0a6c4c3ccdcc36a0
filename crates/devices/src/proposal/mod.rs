//! Own sketches: what raw traffic gives away about boards that do not announce themselves.
//!
//! Messages go in ([`Traffic::observe`]), proposals come out ([`Traffic::propose`]), each with what it rests on. Nothing
//! is made of them until a person accepts one.
//!
//! | module | noun |
//! |---|---|
//! | `traffic` | messages seen, in bounded memory |
//! | `leaf` | the values a payload consists of |
//! | `series` | what one value did over time |
//! | `words`, `measure` | what names say |
//! | `board` | which topics belong together |
//! | `command` | topics that tell, and the echo that answers |
//! | `offer` | the values of a board and what it is told by, as they are proposed |
//! | `draft` | one entity, as far as it is known |

mod board;
mod command;
mod draft;
mod leaf;
mod measure;
mod offer;
mod series;
mod traffic;
mod words;

use model::EntityDescription;
use model::entity::AvailabilitySource;

pub use traffic::{
    BYTES_MAX, COMMANDS_LOOKED_AT, ECHO_MS_MAX, Observed, PAYLOAD_BYTES_MAX, PUBLISHERS_MAX, SAMPLES_MAX,
    TOPIC_BYTES_MAX, TOPICS_MAX, Traffic,
};

/// A device that could be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Stays the same as long as the board publishes as the same user under the same topics.
    pub id: String,
    /// What its topics begin with; empty when they have nothing in common.
    pub root: String,
    /// Suggested name.
    pub name: String,
    /// Credential it publishes with.
    pub user: String,
    /// Client id it published with last.
    pub client_id: String,
    /// How to tell that it is there, if it says so.
    pub presence: Option<Presence>,
    /// Its entities; never empty.
    pub offers: Vec<Offer>,
    /// More of its entities, which are too many.
    pub left_off: usize,
}

/// How a board tells that it is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Presence {
    /// The topic and its two words.
    pub source: AvailabilitySource,
    /// Why it is believed.
    pub why: String,
}

/// An entity that could be made.
#[derive(Debug, Clone, PartialEq)]
pub struct Offer {
    /// Names it within its proposal: the topic, and behind a `#` the path in the payload.
    pub key: String,
    /// The entity; its unique id is still to be given.
    pub description: EntityDescription,
    /// Path in a JSON payload, such as `ENERGY.Power`.
    pub path: Option<String>,
    /// How sure it is.
    pub confidence: Confidence,
    /// What it rests on.
    pub evidence: Evidence,
}

/// How sure a guess is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// It may as well be something else.
    Guess,
    /// Most things speak for it.
    Likely,
    /// Name, values and, for what can be told, the answers agree.
    Clear,
}

/// What a guess rests on.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence {
    /// Messages of the topic, as far as they are known.
    pub messages: u64,
    /// First of those looked at, UTC ms.
    pub since_ms: i64,
    /// Last of them, UTC ms.
    pub last_ms: i64,
    /// Newest values with their times, UTC ms, newest first.
    pub samples: Vec<(i64, String)>,
    /// Reasons, in words, each a sentence.
    pub why: Vec<String>,
}
