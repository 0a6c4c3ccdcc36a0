//! What is known of a board before it announces itself: what its owner calls it, and which device it was before.

use model::{Device, TopicFilter};

use super::Home;
use super::note::noted;
use crate::effect::{Effect, NoteKind};

/// A board that was paired and has not announced itself yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Name the owner chose; the ids of its device and entities are made from it.
    pub name: String,
    /// Device that it is already, as its MAC address says: it may speak of it, whoever announced it before.
    pub device: Option<String>,
}

impl Home {
    /// Tells what is known of the board of a credential; `None` when nothing more is awaited of it.
    pub fn expect_board(&mut self, user: &str, expected: Option<Expected>) {
        match expected {
            Some(expected) => self.expected.insert(user.to_owned(), expected),
            None => self.expected.remove(user),
        };
    }

    /// The device of a board that is known to have this MAC address, however that is written.
    pub fn device_with_mac(&self, mac: &str) -> Option<&Device> {
        let wanted = mac_digits(mac);
        let mut devices = self.devices().filter(|device| !device.demo);
        devices.find(|device| device.mac.as_deref().is_some_and(|mac| mac_digits(mac) == wanted))
    }

    /// The same board has a new credential: its device belongs to that from now on, and stays as it is.
    pub fn hand_over(&mut self, device: &str, user: &str) -> Vec<Effect> {
        let Some(entry) = self.devices.get_mut(device) else { return Vec::new() };
        let known = &mut entry.record.device;
        if known.credential.as_deref() == Some(user) {
            return Vec::new();
        }
        let before = known.credential.replace(user.to_owned());
        let text = match before {
            Some(before) => format!("Credential: {before} → {user}"),
            None => format!("Credential: {user}"),
        };
        vec![
            Effect::DeviceChanged(known.clone()),
            Effect::SaveDevice(entry.record.clone()),
            noted(device, NoteKind::Changed, vec![text]),
        ]
    }

    /// The topics of announcements.
    pub fn announcers(&self) -> Vec<TopicFilter> {
        self.profiles.iter().flat_map(|profile| profile.announce_filters()).cloned().collect()
    }

    /// Whether a credential was given to the board of this device.
    pub(super) fn is_heir(&self, user: &str, device: &str) -> bool {
        self.expected.get(user).is_some_and(|expected| expected.device.as_deref() == Some(device))
    }

    /// What the first device of a credential is called, if that is known.
    pub(super) fn expected_name(&self, user: &str) -> Option<&str> {
        let expected = self.expected.get(user)?;
        let has_one = self.devices_of(user).next().is_some();
        (!has_one).then_some(expected.name.as_str())
    }
}

/// A MAC address, however it is written.
pub fn mac_digits(mac: &str) -> String {
    mac.chars().filter(char::is_ascii_hexdigit).map(|digit| digit.to_ascii_uppercase()).collect()
}
