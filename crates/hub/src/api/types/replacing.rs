//! A new board in the place of another.

use model::{Component, Device};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::RetainedTopic;

api_types! {
/// Two boards, of which one takes the other's place.
pub struct ReplaceDevice {
    /// The device to keep, by id: the one whose board is broken.
    pub old: String,
    /// The device the new board announced, by id. It is no device of its own afterwards.
    pub new: String,
}

/// A device whose board has a new credential.
pub struct HandOverDevice {
    /// The device, by id.
    pub device: String,
    /// User name of the credential the board has now.
    pub user: String,
}

/// A device that belongs to another credential now.
pub struct HandedOver {
    /// The device.
    pub device: Device,
    /// Its former credential, which is revoked.
    pub revoked: Option<String>,
    /// Why that is kept, in words, if it is.
    pub keeps: Option<String>,
}

/// What happens if a new board takes the place of another one.
pub struct ReplacePreview {
    /// The device that is kept.
    pub old: Device,
    /// What the new board announced.
    pub new: Device,
    /// Entities that go on.
    pub matched: Vec<MatchedEntity>,
    /// Entities the new board does not have. They are removed; their readings stay and go on if the board announces
    /// such an entity later.
    pub lost: Vec<LostEntity>,
    /// Entities the old board did not have.
    pub gained: Vec<GainedEntity>,
    /// Entities made by hand, which stay as they are.
    pub by_hand: Vec<LostEntity>,
    /// The credential of the old board, which is revoked.
    pub revokes: Option<String>,
    /// Why the old board keeps its credential, if it has one and does.
    pub keeps: Option<String>,
    /// What the old board leaves retained.
    pub retained: Vec<RetainedTopic>,
}

/// An entity that goes on with what the new board reports.
pub struct MatchedEntity {
    /// Its id, before and after.
    pub id: String,
    /// Its name, before and after.
    pub name: String,
    /// Kind.
    pub component: Component,
    /// What the new board calls it.
    pub from_name: String,
    /// Its id until now.
    pub from: String,
    /// How it was found.
    pub by: MatchBy,
}

/// How two entities were found to be the same thing of two boards, the surest first.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum MatchBy {
    /// The same unique id, apart from what is the board's own in it, such as its MAC address.
    UniqueId,
    /// The same name.
    Name,
    /// The only one of its kind on both boards.
    Kind,
}

/// An entity that has no partner.
pub struct LostEntity {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Kind.
    pub component: Component,
}

/// An entity the new board brings.
pub struct GainedEntity {
    /// Its id afterwards.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Kind.
    pub component: Component,
}

/// What a swap came to.
pub struct Replaced {
    /// The device that was kept.
    pub device: Device,
    /// The credential that was revoked.
    pub revoked: Option<String>,
    /// What the old board left retained, to be cleared with `clear_ghosts`.
    pub retained: Vec<RetainedTopic>,
}
}
