//! Proposals: devices and entities that raw traffic gives away, for a person to accept or dismiss.

use model::Component;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

api_types! {
/// What could be made of the traffic of boards that do not announce themselves.
pub struct Proposals {
    /// The proposals, the one that spoke last first.
    pub proposals: Vec<ProposalView>,
    /// Proposals that are left off, because there are too many. Those that spoke last are here.
    pub more: u32,
    /// Topics that were not looked at, because there are too many. Those that spoke last were.
    pub topics_left_off: u32,
    /// What was dismissed, the newest first.
    pub dismissed: Vec<DismissedProposal>,
}

/// A device that could be made.
pub struct ProposalView {
    /// Its id; stays while the board publishes as the same user under the same topics.
    pub id: String,
    /// What its topics begin with; empty when they have nothing in common.
    pub root: String,
    /// Suggested name.
    pub name: String,
    /// Credential it publishes with.
    pub user: String,
    /// Client id it published with last.
    pub client_id: String,
    /// Device that was already made of its topics, to which this would be added.
    pub device: Option<String>,
    /// Area whose name stands in its topics.
    pub area: Option<String>,
    /// How it tells that it is there.
    pub presence: Option<ProposedPresence>,
    /// Its entities.
    pub entities: Vec<ProposedEntity>,
    /// Entities that are left off, because there are too many.
    pub more_entities: u32,
    /// First message looked at, UTC ms.
    pub since_ms: i64,
    /// Last message, UTC ms.
    pub last_ms: i64,
}

/// How a board tells that it is there.
pub struct ProposedPresence {
    /// Topic.
    pub topic: String,
    /// Payload while it is there.
    pub online: String,
    /// Payload when it is gone.
    pub offline: String,
    /// Why that is believed.
    pub why: String,
}

/// How sure a guess is.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// It may as well be something else.
    Guess,
    /// Most things speak for it.
    Likely,
    /// Name, values and answers agree.
    Clear,
}

/// An entity that could be made.
pub struct ProposedEntity {
    /// Names it within its proposal.
    pub key: String,
    /// Suggested name.
    pub name: String,
    /// Kind.
    pub component: Component,
    /// Unit, if any.
    pub unit: Option<String>,
    /// Such as `temperature`.
    pub device_class: Option<String>,
    /// `measurement` or `total_increasing`, of a number.
    pub state_class: Option<String>,
    /// Topic that brings its value.
    pub topic: String,
    /// Path in a JSON payload.
    pub path: Option<String>,
    /// Topic that tells it something.
    pub command_topic: Option<String>,
    /// How sure it is.
    pub confidence: Confidence,
    /// It is made unless the person says otherwise.
    pub wanted: bool,
    /// Reasons, each a sentence.
    pub why: Vec<String>,
    /// Newest values, newest first.
    pub samples: Vec<ProposedSample>,
    /// Messages of its topic the journal knows.
    pub messages: u64,
    /// First message looked at, UTC ms.
    pub since_ms: i64,
    /// Last message, UTC ms.
    pub last_ms: i64,
}

/// A value that was seen.
pub struct ProposedSample {
    /// When, UTC ms.
    pub time_ms: i64,
    /// What.
    pub value: String,
}

/// Something that was dismissed.
pub struct DismissedProposal {
    /// Id of the proposal.
    pub id: String,
    /// Key of the entity; the whole proposal if there is none.
    pub key: Option<String>,
    /// What it was called.
    pub name: String,
    /// When, UTC ms.
    pub dismissed_ms: i64,
}

/// Makes a device of a proposal, as a whole or in parts.
pub struct AcceptProposal {
    /// Id of the proposal.
    pub id: String,
    /// Name of the device; the suggested one unless said otherwise.
    #[serde(default)]
    pub name: Option<String>,
    /// Area to put a new device into.
    #[serde(default)]
    pub area: Option<String>,
    /// Device to add it to; `null` makes a new one.
    #[serde(default)]
    pub device: Option<String>,
    /// The entities to make; all that are wanted unless said otherwise.
    #[serde(default)]
    pub entities: Option<Vec<AcceptedEntity>>,
    /// Days of past messages to make readings of, at most 31; none unless said otherwise.
    #[serde(default)]
    pub history_days: Option<u32>,
}

/// An entity to make, with what is to be different.
pub struct AcceptedEntity {
    /// Its key in the proposal.
    pub key: String,
    /// Its name; the suggested one unless said otherwise.
    #[serde(default)]
    pub name: Option<String>,
    /// Its unit; the suggested one unless said otherwise, none when empty.
    #[serde(default)]
    pub unit: Option<String>,
}

/// What was made of a proposal.
pub struct AcceptedProposal {
    /// Device id.
    pub device: String,
    /// Ids of the new entities.
    pub entities: Vec<String>,
    /// Readings that were made of past messages.
    pub readings: u64,
}

/// Dismisses a proposal, or one of its entities.
pub struct DismissProposal {
    /// Id of the proposal.
    pub id: String,
    /// Key of the entity; the whole proposal if there is none.
    #[serde(default)]
    pub key: Option<String>,
}
}
