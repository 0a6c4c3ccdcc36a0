//! Firmware profiles: one TOML file per firmware says how its announcements are read, what its devices may
//! do, and how they are brought to the hub.

mod bind;
mod check;
mod describe;
mod fingerprint;
mod lines;
mod provision;
mod samples;
mod schema;
mod topic;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use model::{Permissions, QoS, TopicFilter};
use serde_json::Value as Json;

use crate::announcement::{Announcement, Problem};
use crate::effect::Send;
use crate::limits::{ANNOUNCEMENT_BYTES_MAX, BRIDGE_BYTES_MAX, PROFILE_BYTES_MAX};
use crate::slug::distance;
use crate::{ha, homie, shelly, template, zigbee2mqtt};
use fingerprint::Fingerprint;
use lines::{find, item};
use schema::{Announce, File};
use topic::Pattern;

pub use lines::Place;
pub use provision::{Auth, Method, Plan, Recognised, Secret, Settings, Step, Transport, Wifi, holds};
pub(crate) use samples::played;
pub use samples::{Covered, Examined};

/// The profiles that come with Hearth, by file name.
const BUILT_IN: [(&str, &str); 13] = [
    ("home-assistant.toml", include_str!("../../../../firmware-profiles/home-assistant.toml")),
    ("tasmota.toml", include_str!("../../../../firmware-profiles/tasmota.toml")),
    ("homie.toml", include_str!("../../../../firmware-profiles/homie.toml")),
    ("esphome.toml", include_str!("../../../../firmware-profiles/esphome.toml")),
    ("shelly-gen1.toml", include_str!("../../../../firmware-profiles/shelly-gen1.toml")),
    ("shelly-gen2.toml", include_str!("../../../../firmware-profiles/shelly-gen2.toml")),
    ("zigbee2mqtt.toml", include_str!("../../../../firmware-profiles/zigbee2mqtt.toml")),
    ("wled.toml", include_str!("../../../../firmware-profiles/wled.toml")),
    ("espeasy.toml", include_str!("../../../../firmware-profiles/espeasy.toml")),
    ("espurna.toml", include_str!("../../../../firmware-profiles/espurna.toml")),
    ("openmqttgateway.toml", include_str!("../../../../firmware-profiles/openmqttgateway.toml")),
    ("ems-esp.toml", include_str!("../../../../firmware-profiles/ems-esp.toml")),
    ("custom.example.toml", include_str!("../../../../firmware-profiles/custom.example.toml")),
];

/// A checked profile.
#[derive(Debug, Clone)]
pub struct Profile {
    file: Arc<File>,
    rules: Vec<Rule>,
    /// What it listens to, and by which rule.
    listens: Vec<(TopicFilter, usize)>,
    /// Captures that every topic of a part has.
    shared: BTreeSet<String>,
    file_name: String,
    source: Arc<str>,
}

impl PartialEq for Profile {
    /// Two files that say the same are the same profile.
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

/// One `[[announce]]`, ready to use.
#[derive(Debug, Clone)]
enum Rule {
    HaDiscovery { prefix: String },
    Tree,
    ShellyGen2,
    Zigbee2mqtt { pattern: Pattern },
    Json { pattern: Pattern, part: String, key: Option<String>, optional: bool },
    Fingerprint(Fingerprint),
}

impl Rule {
    /// Whether every message on its topics is an announcement.
    fn announces(&self) -> bool {
        matches!(self, Self::HaDiscovery { .. } | Self::Json { .. } | Self::Zigbee2mqtt { .. })
    }

    /// Largest message it reads.
    fn bytes_max(&self) -> usize {
        if matches!(self, Self::Zigbee2mqtt { .. }) { BRIDGE_BYTES_MAX } else { ANNOUNCEMENT_BYTES_MAX }
    }

    /// The part of a whole it brings, if it brings one.
    fn part(&self) -> Option<(&Pattern, &str, bool)> {
        match self {
            Self::Json { pattern, part, optional, .. } => Some((pattern, part, *optional)),
            Self::Fingerprint(print) => Some((&print.pattern, &print.part, print.optional)),
            Self::HaDiscovery { .. } | Self::Tree | Self::ShellyGen2 | Self::Zigbee2mqtt { .. } => None,
        }
    }
}

/// What a profile makes of one message.
pub(crate) enum Heard {
    /// The message is the announcement.
    Whole(Announcement),
    /// The message announces all devices of a kind, by announcement key; those that are missing in it are gone.
    All { keys: String, devices: Vec<(String, Announcement)> },
    /// The message is a part of an announcement.
    Part(Part),
}

/// A part of an announcement.
pub(crate) struct Part {
    /// Identity of the announcement.
    pub(crate) key: String,
    /// What the topic says of the device.
    pub(crate) captures: BTreeMap<String, String>,
    /// Which part.
    pub(crate) name: String,
    /// What it says; `None` takes it away.
    pub(crate) json: Option<Json>,
    /// Said again it says nothing.
    pub(crate) once: bool,
    /// It adds to what the part has said before.
    pub(crate) merge: bool,
    /// With it a device begins to announce itself, of those that tell.
    pub(crate) begins: bool,
}

impl Part {
    fn new(key: String, captures: BTreeMap<String, String>) -> Self {
        Self { key, captures, name: String::new(), json: None, once: false, merge: false, begins: false }
    }
}

/// Why a profile cannot be used, with the place where its author has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {why}", .place.map(|place| format!(", line {}", place.line)).unwrap_or_default())]
pub struct ProfileError {
    /// File, as the caller named it.
    pub file: String,
    /// Where, when known.
    pub place: Option<Place>,
    /// What is wrong and what to do about it.
    pub why: String,
}

/// How a device reaches the hub: what a snippet is filled with.
#[derive(Clone, PartialEq, Eq)]
pub struct Handover {
    /// The hub's host name or address as the device sees it.
    pub host: String,
    /// MQTT port.
    pub port: u16,
    /// User name of its credential.
    pub user: String,
    /// The credential's secret.
    pub password: String,
    /// The device's topic, such as `living-plug`.
    pub topic: String,
}

// Its secret does not belong into logs.
impl std::fmt::Debug for Handover {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Handover(`{}` at {}:{}, {})", self.user, self.host, self.port, self.topic)
    }
}

/// A text to paste somewhere.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Snippet {
    /// Where it belongs, such as `Console`.
    pub title: String,
    /// For colouring: `text`, `yaml`, `cpp`.
    pub language: String,
    /// The text.
    pub text: String,
}

impl Profile {
    /// Reads a profile. `name` is what errors call the file.
    pub fn parse(name: &str, text: &str) -> Result<Self, ProfileError> {
        let fail = |place: Option<Place>, why: String| ProfileError { file: name.to_owned(), place, why };
        if text.len() > PROFILE_BYTES_MAX {
            return Err(fail(
                None,
                format!("the file is larger than {PROFILE_BYTES_MAX} bytes. Shorten it."),
            ));
        }
        let file: File = toml::from_str(text).map_err(|why| {
            let place = Some(Place::of(text, why.span().map_or(0, |span| span.start)));
            let message = why.message().trim_end_matches('.');
            fail(place, format!("{message}. {}", hint(message)))
        })?;
        let rules = check::rules(&file).map_err(|(line_with, why)| fail(find(text, &line_with), why))?;
        let mut listens = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            match rule {
                Rule::HaDiscovery { prefix } => {
                    for levels in ["+/+/config", "+/+/+/config"] {
                        let filter = TopicFilter::new(&format!("{prefix}/{levels}"))
                            .map_err(|why| fail(find(text, prefix), format!("the prefix: {why}.")))?;
                        listens.push((filter, at));
                    }
                }
                Rule::Tree => listens.extend(homie::filters().into_iter().map(|filter| (filter, at))),
                Rule::ShellyGen2 => listens.extend(shelly::filters().into_iter().map(|filter| (filter, at))),
                Rule::Zigbee2mqtt { pattern }
                | Rule::Json { pattern, .. }
                | Rule::Fingerprint(Fingerprint { pattern, .. }) => {
                    listens.push((pattern.filter().clone(), at));
                }
            }
        }
        let mut names = rules
            .iter()
            .filter_map(Rule::part)
            .map(|(pattern, ..)| -> BTreeSet<String> { pattern.names().cloned().collect() });
        let first = names.next().unwrap_or_default();
        let shared = names.fold(first, |shared, names| &shared & &names);
        let source = text.into();
        Ok(Self { shared, file: Arc::new(file), rules, listens, file_name: name.to_owned(), source })
    }

    /// The profiles that come with Hearth.
    pub fn built_in() -> Vec<Self> {
        // Each is read by a test, so none is left out here. They are read once: it takes a while.
        static READ: LazyLock<Vec<Profile>> = LazyLock::new(|| {
            BUILT_IN.iter().filter_map(|(name, text)| Profile::parse(name, text).ok()).collect()
        });
        READ.clone()
    }

    /// Id, such as `tasmota`.
    pub fn id(&self) -> &str {
        &self.file.firmware.id
    }

    /// Name shown, such as `Tasmota`.
    pub fn name(&self) -> &str {
        &self.file.firmware.name
    }

    /// Versions it was written for, in words.
    pub fn versions(&self) -> Option<&str> {
        self.file.firmware.versions.as_deref()
    }

    /// The file it was read from, as the caller of [`Profile::parse`] named it.
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// The file as it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Of two profiles that recognise a device the one with the higher priority counts.
    pub fn priority(&self) -> i32 {
        self.file.firmware.priority
    }

    /// Whether what its devices say is read by this profile itself.
    pub fn is_read(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Whether it announces devices that are not itself.
    pub fn is_bridge(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Zigbee2mqtt { .. }))
    }

    /// What a device with this firmware may write and read. `variables` are `user`, `topic` and what else is
    /// known of the device, such as `mac`.
    pub fn acl(&self, variables: &BTreeMap<String, String>) -> Result<Permissions, ProfileError> {
        if let Some((name, value)) = variables.iter().find(|(_, value)| value.contains(['+', '#', '\0'])) {
            return Err(self.error(format!(
                "{name} is {value:?}; a wildcard there would allow more than meant. Choose one without + and #."
            )));
        }
        let known = minijinja::Value::from_pairs(
            variables.iter().map(|(name, value)| (name.clone(), minijinja::Value::from(value.as_str()))),
        );
        let filters = |sources: &[String]| -> Result<Vec<TopicFilter>, ProfileError> {
            sources
                .iter()
                .map(|source| {
                    let filter = template::render_once(source, known.clone())
                        .map_err(|why| self.error(format!("`{source}` in [acl]: {why}.")))?;
                    TopicFilter::new(&filter)
                        .map_err(|why| self.error(format!("{filter:?} in [acl]: {why}.")))
                })
                .collect()
        };
        Ok(Permissions { write: filters(&self.file.acl.write)?, read: filters(&self.file.acl.read)? })
    }

    /// What to publish when the hub starts, and whenever a device begins a new session: it asks devices that do
    /// not retain their announcements to repeat them.
    pub fn on_start(&self) -> impl Iterator<Item = Send> {
        self.file.onstart.publish.iter().map(|publish| Send {
            topic: publish.topic.clone(),
            payload: publish.payload.clone().into(),
            qos: QoS::try_from(publish.qos).unwrap_or_default(),
            retain: publish.retain,
        })
    }

    fn error(&self, why: String) -> ProfileError {
        ProfileError { file: self.file_name.clone(), place: None, why }
    }

    /// The rules that listen to a topic: as [`Profile::hear`] numbers them, in words, and where in the file.
    pub(crate) fn rules_for(&self, topic: &str) -> Vec<(usize, String, Option<Place>)> {
        let fitting = self.listens.iter().enumerate().filter(|(_, (filter, _))| filter.matches(topic));
        fitting
            .filter_map(|(listen, (_, rule))| {
                let words = self.file.announce.get(*rule)?.to_string();
                Some((listen, words, item(&self.source, "announce", *rule)))
            })
            .collect()
    }

    /// What it listens to.
    pub(crate) fn announce_filters(&self) -> impl Iterator<Item = &TopicFilter> {
        self.listens.iter().map(|(filter, _)| filter)
    }

    /// Whether its devices tell when they begin to announce themselves.
    pub(crate) fn tells_beginnings(&self) -> bool {
        self.rules.iter().any(|rule| matches!(rule, Rule::Tree))
    }

    /// Whether every message that comes for one of [`Profile::announce_filters`] is an announcement.
    pub(crate) fn announces(&self, listen: usize) -> bool {
        let rule = self.listens.get(listen).and_then(|(_, rule)| self.rules.get(*rule));
        rule.is_some_and(Rule::announces)
    }

    /// Reads a message that came for one of [`Profile::announce_filters`]. `is_said` tells whether a part of an
    /// announcement has come.
    pub(crate) fn hear(
        &self,
        listen: usize,
        topic: &str,
        payload: &[u8],
        is_said: &dyn Fn(&str, &str) -> bool,
    ) -> Option<Heard> {
        let (_, rule) = self.listens.get(listen)?;
        let rule = self.rules.get(*rule)?;
        let most = rule.bytes_max();
        if payload.len() > most {
            // A message that only may be an announcement is none.
            return rule.announces().then(|| {
                Heard::Whole(Announcement::Refused(Problem::new(
                    format!("An announcement of {} bytes is too large", payload.len()),
                    format!("Split it: one message can have {most} bytes."),
                )))
            });
        }
        match rule {
            Rule::HaDiscovery { prefix } => ha::read(prefix, topic, payload).map(Heard::Whole),
            Rule::Tree => Some(match homie::hear(topic, payload)? {
                Ok(attribute) => {
                    let begins = homie::begins(&attribute);
                    let key = format!("{}:{}", self.id(), attribute.root);
                    let captures = [("root".to_owned(), attribute.root)].into();
                    let (name, json) = (attribute.name, attribute.value);
                    Heard::Part(Part { name, json, once: true, begins, ..Part::new(key, captures) })
                }
                Err(problem) => Heard::Whole(Announcement::Refused(problem)),
            }),
            Rule::ShellyGen2 => shelly::hear(self.id(), topic, payload).map(Heard::Part),
            Rule::Zigbee2mqtt { pattern } => {
                pattern.captures(topic)?;
                Some(zigbee2mqtt::hear(self.id(), topic, payload))
            }
            Rule::Fingerprint(print) => {
                print.hear(self.id(), &self.shared, topic, payload, is_said).map(Heard::Part)
            }
            Rule::Json { pattern, part, key, .. } => {
                let captures = pattern.captures(topic)?;
                let json = match serde_json::from_slice(payload) {
                    _ if payload.is_empty() => None,
                    Ok(json) => Some(json),
                    Err(why) => {
                        return Some(Heard::Whole(Announcement::Refused(Problem::new(
                            format!("The announcement is not valid JSON: {why}"),
                            "Correct it at that place, or update the firmware.",
                        ))));
                    }
                };
                Some(Heard::Part(match key {
                    None => {
                        let key = fingerprint::key(self.id(), &captures);
                        Part { name: part.clone(), json, ..Part::new(key, captures) }
                    }
                    Some(key) => {
                        // The message itself says which device it is of.
                        let json = json?;
                        let known = minijinja::context! { part => template::from_json(&json) };
                        let known =
                            minijinja::Value::from_pairs([(part.clone(), known.get_attr("part").ok()?)]);
                        let named = template::render_once(key, known).ok()?;
                        let key = format!("{}:{named}", self.id());
                        Part { name: part.clone(), json: Some(json), ..Part::new(key, BTreeMap::new()) }
                    }
                }))
            }
        }
    }

    /// What the topics of an announcement in parts captured, read from its key again; `None` where this profile
    /// would have given it another key.
    pub(crate) fn captures_of(&self, key: &str) -> Option<BTreeMap<String, String>> {
        let joined = key.strip_prefix(self.id())?.strip_prefix(':')?;
        let mut rules = self.rules.iter();
        if rules.clone().any(|rule| matches!(rule, Rule::Tree | Rule::ShellyGen2)) {
            return Some([("root".to_owned(), joined.to_owned())].into());
        }
        if rules.any(|rule| matches!(rule, Rule::Json { key: Some(_), .. })) {
            return Some(BTreeMap::new());
        }
        // A capture is a part of one level, so what joins them is in none of them.
        let values: Vec<&str> = joined.split('/').filter(|_| !joined.is_empty()).collect();
        let is_whole = values.len() == self.shared.len();
        is_whole.then(|| self.shared.iter().cloned().zip(values.into_iter().map(ToOwned::to_owned)).collect())
    }

    /// Puts the parts of an announcement together. `said` is the one that came last.
    pub(crate) fn describe(
        &self,
        captures: &BTreeMap<String, String>,
        parts: &BTreeMap<String, Json>,
        said: &str,
    ) -> Announcement {
        let is = |kind: fn(&Rule) -> bool| self.rules.iter().any(kind);
        match captures.get("root") {
            Some(root) if is(|rule| matches!(rule, Rule::Tree)) => {
                homie::describe(self.id(), root, parts, said)
            }
            Some(root) if is(|rule| matches!(rule, Rule::ShellyGen2)) => {
                shelly::describe(self.id(), root, parts, &self.file.tables)
            }
            _ => self.describe_parts(captures, parts),
        }
    }
}

impl std::fmt::Display for Announce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::HaDiscovery { prefix } => write!(f, "Home Assistant's discovery under {prefix}"),
            Self::Tree {} => write!(f, "the Homie conventions"),
            Self::ShellyGen2 {} => write!(f, "a Shelly's reports and answers"),
            Self::Zigbee2mqtt { topic } => write!(f, "the device list at {topic}"),
            Self::Json { topic, part, .. } => write!(f, "JSON at {topic}, which is the part `{part}`"),
            Self::Fingerprint { topic, part, .. } => {
                write!(f, "the fingerprint at {topic}, which is the part `{part}`")
            }
        }
    }
}

/// What to do about a fault: a misspelt key most likely means the one that is written nearly the same.
fn hint(message: &str) -> String {
    const CLOSE: usize = 2;
    let mut words = message.split('`').skip(1).step_by(2);
    let (Some(misspelt), true) = (words.next(), message.starts_with("unknown ")) else {
        return "Correct it at that place.".to_owned();
    };
    let nearest = words.map(|known| (distance(misspelt, known), known)).min();
    match nearest.filter(|(distance, _)| *distance <= CLOSE) {
        Some((_, known)) => format!("Did you mean `{known}`?"),
        None => "Correct or remove it.".to_owned(),
    }
}

#[cfg(test)]
mod tests;
