//! Firmware profiles: what there is, what is wrong with a file, and what comes of trying one.

use std::collections::BTreeMap;

use model::{Device, Entity, State, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::PayloadEncoding;

api_types! {
/// The firmware profiles.
pub struct ProfileList {
    /// Those of the owner first.
    pub profiles: Vec<ProfileView>,
    /// Folder of the owner's files.
    pub folder: String,
}

/// Where a profile comes from.
#[derive(Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ProfileOrigin {
    /// It comes with Hearth.
    BuiltIn,
    /// A file of the owner's.
    Own,
    /// A file of the owner's in the place of one that comes with Hearth.
    Overrides,
}

/// A firmware profile.
pub struct ProfileView {
    /// What it is asked for by: the name of the owner's file, or the id of one that comes with Hearth.
    pub key: String,
    /// Id of the firmware; `null` for a file that never could be read.
    pub id: Option<String>,
    /// Name of the firmware, or of a file that cannot be read.
    pub name: String,
    /// Versions it was written for, in words.
    pub versions: Option<String>,
    /// Where it comes from.
    pub origin: ProfileOrigin,
    /// The owner's file, in the folder.
    pub file: Option<String>,
    /// It is in use: this version, or an earlier one when the file has faults.
    pub is_used: bool,
    /// What is wrong with the file as it is now.
    pub faults: Vec<ProfileFault>,
    /// What its own samples cover.
    pub samples: Vec<ProfileSample>,
    /// Devices it describes.
    pub devices: u32,
}

/// Something wrong with a profile file.
pub struct ProfileFault {
    /// Line, from 1, when known.
    pub line: Option<u32>,
    /// Character in it, from 1.
    pub column: Option<u32>,
    /// That line.
    pub text: Option<String>,
    /// What is wrong and what to do about it.
    pub message: String,
}

/// What a sample of a profile covers.
pub struct ProfileSample {
    /// Its name.
    pub name: String,
    /// Messages it plays.
    pub messages: u32,
    /// Entities it looks at.
    pub entities: u32,
    /// Commands it gives.
    pub commands: u32,
}

/// A profile with its text.
pub struct ProfileDetail {
    /// About it.
    pub profile: ProfileView,
    /// The file as it is.
    pub source: String,
}

/// A profile to look at.
pub struct ProfileSource {
    /// Its text.
    pub source: String,
}

/// What was found in a profile.
pub struct ProfileCheck {
    /// Id of the firmware, if it can be read.
    pub id: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What its samples cover.
    pub samples: Vec<ProfileSample>,
    /// The messages of its samples, in the same order, to be tried.
    pub plays: Vec<ProfilePlay>,
    /// What is wrong with it.
    pub faults: Vec<ProfileFault>,
}

/// The messages one of a profile's samples plays.
pub struct ProfilePlay {
    /// Name of the sample.
    pub name: String,
    /// The messages, the first first.
    pub messages: Vec<TryMessage>,
}

/// A profile to save.
pub struct SaveProfile {
    /// Its text, without faults.
    pub source: String,
    /// The owner's file to write; unless given, the one that has this profile, or a new one.
    pub file: Option<String>,
}

/// A message to try a profile with.
pub struct TryMessage {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: String,
    /// How the payload is written.
    #[serde(default)]
    pub encoding: PayloadEncoding,
    /// It is retained: an entity that is announced later hears it, too.
    #[serde(default)]
    pub retain: bool,
}

/// A profile to try.
pub struct TryProfile {
    /// Key of the profile.
    pub key: Option<String>,
    /// A draft, in its place.
    pub source: Option<String>,
    /// The messages, the first first.
    pub messages: Vec<TryMessage>,
}

/// What came of trying a profile in an empty home. Nothing was sent or kept.
#[derive(Default)]
pub struct ProfileTrial {
    /// Why the draft cannot be tried, if it cannot.
    pub faults: Vec<ProfileFault>,
    /// What each message led to.
    pub messages: Vec<TriedMessage>,
    /// The devices after all of them.
    pub devices: Vec<Device>,
    /// Their entities.
    pub entities: Vec<TriedEntity>,
    /// What their commands would send.
    pub commands: Vec<TriedCommand>,
    /// False if time ran out before all was tried.
    pub is_whole: bool,
}

/// What one message led to.
pub struct TriedMessage {
    /// Its topic.
    pub topic: String,
    /// The rules that listen to its topic.
    pub rules: Vec<TriedRule>,
    /// Entities that are new or described in another way, by id.
    pub described: Vec<String>,
    /// Entities whose state it set, by id.
    pub reported: Vec<String>,
    /// Messages that would be sent because of it.
    pub sends: Vec<TriedSend>,
    /// What could not be used of it, and what to do about it.
    pub problems: Vec<String>,
    /// Steps the templates of states took for it.
    pub fuel: u32,
}

/// A rule that listens to a topic.
pub struct TriedRule {
    /// Id of its profile.
    pub profile: String,
    /// What it listens to, in words.
    pub rule: String,
    /// Line where it begins in the profile.
    pub line: Option<u32>,
    /// What the topic captured.
    pub captures: BTreeMap<String, String>,
    /// What it made of the message, in words.
    pub made: String,
}

/// An entity of a trial.
pub struct TriedEntity {
    /// The entity.
    pub entity: Entity,
    /// Its state after all messages.
    pub state: State,
}

/// A command an entity takes.
pub struct TriedCommand {
    /// Entity id.
    pub entity: String,
    /// Verb.
    pub verb: String,
    /// The value it was tried with, where it needs one.
    pub value: Option<Value>,
    /// What it would send.
    pub sends: Vec<TriedSend>,
    /// Why it cannot be given, if it cannot.
    pub why: Option<String>,
}

/// A message that would be sent.
pub struct TriedSend {
    /// Topic.
    pub topic: String,
    /// Payload.
    pub payload: String,
    /// Whether it would be retained.
    pub retain: bool,
}

/// A template to try.
pub struct TryTemplate {
    /// The template.
    pub template: String,
    /// The payload it sees as `value`, and as `value_json` if it is JSON.
    pub payload: String,
}

/// What came of a template.
pub struct TriedTemplate {
    /// What it printed.
    pub text: Option<String>,
    /// Why it printed nothing, if it did not.
    pub why: Option<String>,
    /// Steps it took; 0 if it needs no engine.
    pub fuel: u32,
    /// Steps it may take.
    pub fuel_max: u32,
}
}
