//! Firmware profiles: one TOML file per firmware says how its announcements are read.

use std::collections::BTreeMap;

use model::Permissions;

/// A checked profile.
#[derive(Debug, Clone)]
pub struct Profile {
    id: String,
    name: String,
}

/// Why a profile cannot be used, with the place where the author has to look.
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
    pub fn parse(name: &str, _text: &str) -> Result<Self, ProfileError> {
        Ok(Self { id: name.to_owned(), name: name.to_owned() })
    }

    /// The profiles that come with Hearth.
    pub fn built_in() -> Vec<Self> {
        Vec::new()
    }

    /// Id, such as `tasmota`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Name shown, such as `Tasmota`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What a device with this firmware may write and read. `variables` are `user`, `topic` and what else is
    /// known of the device, such as `mac`.
    pub fn acl(&self, _variables: &BTreeMap<String, String>) -> Result<Permissions, ProfileError> {
        Ok(Permissions::default())
    }

    /// Texts that bring a device with this firmware to the hub.
    pub fn snippets(&self, _handover: &Handover) -> Result<Vec<Snippet>, ProfileError> {
        Ok(Vec::new())
    }
}
