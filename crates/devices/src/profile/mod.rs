//! Firmware profiles: one TOML file per firmware says how its announcements are read, what its devices may
//! do, and how they are brought to the hub.

mod bind;
mod check;
mod describe;
mod samples;
mod schema;
mod topic;

use std::collections::BTreeMap;
use std::sync::Arc;

use model::{Permissions, TopicFilter};
use serde_json::Value as Json;

use crate::announcement::{Announcement, Problem};
use crate::limits::PROFILE_BYTES_MAX;
use crate::{ha, template};
use schema::File;
use topic::Pattern;

/// The profiles that come with Hearth, by file name.
const BUILT_IN: [(&str, &str); 4] = [
    ("home-assistant.toml", include_str!("../../../../firmware-profiles/home-assistant.toml")),
    ("tasmota.toml", include_str!("../../../../firmware-profiles/tasmota.toml")),
    ("esphome.toml", include_str!("../../../../firmware-profiles/esphome.toml")),
    ("custom.example.toml", include_str!("../../../../firmware-profiles/custom.example.toml")),
];

/// A checked profile.
#[derive(Debug, Clone)]
pub struct Profile {
    file: Arc<File>,
    rules: Vec<Rule>,
    /// What it listens to, and by which rule.
    listens: Vec<(TopicFilter, usize)>,
    file_name: String,
}

/// One `[[announce]]`, ready to use.
#[derive(Debug, Clone)]
enum Rule {
    HaDiscovery { prefix: String },
    Json { pattern: Pattern, part: String, optional: bool },
}

/// What a profile makes of one message.
pub(crate) enum Heard<'a> {
    /// The message is the announcement.
    Whole { announcement: Announcement },
    /// The message is a part of one; `None` takes the part away.
    Part { key: String, captures: BTreeMap<String, String>, part: &'a str, json: Option<Json> },
}

/// Why a profile cannot be used, with the place where its author has to look.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}{}: {why}", .line.map(|line| format!(", line {line}")).unwrap_or_default())]
pub struct ProfileError {
    /// File, as the caller named it.
    pub file: String,
    /// Line, from 1, when known.
    pub line: Option<usize>,
    /// What is wrong and what to do about it.
    pub why: String,
}

/// How a device reaches the hub: what a snippet is filled with.
#[derive(Debug, Clone, PartialEq, Eq)]
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
        let fail = |line: Option<usize>, why: String| ProfileError { file: name.to_owned(), line, why };
        if text.len() > PROFILE_BYTES_MAX {
            return Err(fail(
                None,
                format!("the file is larger than {PROFILE_BYTES_MAX} bytes. Shorten it."),
            ));
        }
        let file: File = toml::from_str(text).map_err(|why| {
            let line = why.span().map(|span| line_of(text, span.start));
            fail(line, format!("{}. Correct it at that place.", why.message().trim_end_matches('.')))
        })?;
        let rules = check::rules(&file).map_err(|(line_with, why)| fail(find_line(text, &line_with), why))?;
        let mut listens = Vec::new();
        for (at, rule) in rules.iter().enumerate() {
            match rule {
                Rule::HaDiscovery { prefix } => {
                    for levels in ["+/+/config", "+/+/+/config"] {
                        let filter = TopicFilter::new(&format!("{prefix}/{levels}"))
                            .map_err(|why| fail(find_line(text, prefix), format!("the prefix: {why}.")))?;
                        listens.push((filter, at));
                    }
                }
                Rule::Json { pattern, .. } => listens.push((pattern.filter().clone(), at)),
            }
        }
        Ok(Self { file: Arc::new(file), rules, listens, file_name: name.to_owned() })
    }

    /// The profiles that come with Hearth.
    pub fn built_in() -> Vec<Self> {
        // Each is read by a test, so none is left out here.
        BUILT_IN.iter().filter_map(|(name, text)| Self::parse(name, text).ok()).collect()
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

    /// Of two profiles that recognise a device the one with the higher priority counts.
    pub fn priority(&self) -> i32 {
        self.file.firmware.priority
    }

    /// Characters a secret of this firmware may have, such as `A-Za-z0-9`, if it is particular about them.
    pub fn secret_charset(&self) -> Option<&str> {
        self.file.provision.iter().find_map(|provision| provision.secret_charset.as_deref())
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

    /// Texts that bring a device with this firmware to the hub.
    pub fn snippets(&self, handover: &Handover) -> Result<Vec<Snippet>, ProfileError> {
        let known = minijinja::context! {
            host => handover.host.as_str(), port => handover.port, user => handover.user.as_str(),
            password => handover.password.as_str(), topic => handover.topic.as_str(),
        };
        let texts =
            self.file.provision.iter().filter_map(|provision| Some((provision, provision.text.as_deref()?)));
        texts
            .map(|(provision, source)| {
                let text = template::render_once(source, known.clone())
                    .map_err(|why| self.error(format!("the text of a [[provision]]: {why}.")))?;
                Ok(Snippet {
                    title: provision.title.clone().unwrap_or_else(|| self.name().to_owned()),
                    language: provision.language.clone().unwrap_or_else(|| "text".to_owned()),
                    text,
                })
            })
            .collect()
    }

    fn error(&self, why: String) -> ProfileError {
        ProfileError { file: self.file_name.clone(), line: None, why }
    }

    /// What it listens to.
    pub(crate) fn announce_filters(&self) -> impl Iterator<Item = &TopicFilter> {
        self.listens.iter().map(|(filter, _)| filter)
    }

    /// Reads a message that came for one of [`Profile::announce_filters`].
    pub(crate) fn hear(&self, listen: usize, topic: &str, payload: &[u8]) -> Option<Heard<'_>> {
        let (_, rule) = self.listens.get(listen)?;
        match self.rules.get(*rule)? {
            Rule::HaDiscovery { prefix } => {
                ha::read(prefix, topic, payload).map(|announcement| Heard::Whole { announcement })
            }
            Rule::Json { pattern, part, .. } => {
                let captures = pattern.captures(topic)?;
                let joined: Vec<&str> = captures.values().map(String::as_str).collect();
                let key = format!("{}:{}", self.id(), joined.join("/"));
                if payload.is_empty() {
                    return Some(Heard::Part { key, captures, part, json: None });
                }
                match serde_json::from_slice(payload) {
                    Ok(json) => Some(Heard::Part { key, captures, part, json: Some(json) }),
                    Err(why) => Some(Heard::Whole {
                        announcement: Announcement::Refused(Problem::new(
                            format!("The announcement is not valid JSON: {why}"),
                            "Correct it at that place, or update the firmware.",
                        )),
                    }),
                }
            }
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

/// The line where a text of the file stands.
fn find_line(text: &str, part: &str) -> Option<usize> {
    let first = part.lines().find(|line| !line.trim().is_empty())?;
    text.find(first).map(|offset| line_of(text, offset))
}

#[cfg(test)]
mod tests;
