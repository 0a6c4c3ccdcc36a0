//! What an announcement may say, and whose device it may speak of.

use model::{CommandSpec, DeviceDescription, Permissions, Publisher, TopicFilter};

use super::Home;
use super::bind::topics_of;
use crate::announcement::Problem;
use crate::effect::Effect;
use crate::limits::{
    ANNOUNCEMENTS_MAX, ANNOUNCEMENTS_PER_DEVICE_MAX, ENTITIES_PER_CREDENTIAL_MAX, IDENTITY_BYTES_MAX,
    NAME_CHARS_MAX,
};

impl Home {
    /// Tells what a credential may write and read; `None` when it is not known. What a board announces is then
    /// held to it: its states must come from topics it may write itself, and the hub commands and asks only
    /// under topics it may read. A credential nothing was told of is not checked.
    pub fn set_permissions(&mut self, user: &str, permissions: Option<Permissions>) {
        match permissions {
            Some(permissions) => self.permissions.insert(user.to_owned(), permissions),
            None => self.permissions.remove(user),
        };
    }

    /// [`Home::set_permissions`] told of every credential there is, and will of each that comes or goes. What is
    /// announced in the name of another, such as a retained message that outlived its credential, says nothing from
    /// now on.
    pub fn knows_all_credentials(&mut self) {
        self.knows_all_credentials = true;
    }

    /// Whether whoever sent a message has no credential any more.
    pub(super) fn is_revoked(&self, publisher: &Publisher) -> bool {
        let user = &publisher.user;
        self.knows_all_credentials && user != Publisher::HUB && !self.permissions.contains_key(user)
    }

    /// A credential is no more: its devices belong to whoever announces them next.
    pub fn release_devices(&mut self, user: &str) -> Vec<Effect> {
        self.expected.remove(user);
        let mut effects = Vec::new();
        self.pending.forget(user);
        self.pace.forget(user);
        for entry in self.devices.values_mut() {
            let device = &mut entry.record.device;
            if device.credential.as_deref() == Some(user) {
                device.credential = None;
                effects.push(Effect::DeviceChanged(device.clone()));
                effects.push(Effect::SaveDevice(entry.record.clone()));
            }
        }
        effects
    }

    /// Why a publisher may not speak of a device: another credential announced it.
    pub(super) fn foreign(&self, device: &str, publisher: &Publisher) -> Option<Problem> {
        let device = &self.devices.get(device)?.record.device;
        let owner = device.credential.as_ref()?;
        let user = &publisher.user;
        if user == owner || user == Publisher::HUB || self.is_heir(user, &device.id) {
            return None;
        }
        let name = &device.name;
        Some(Problem::new(
            format!("It speaks of {name:?}, which belongs to `{owner}`; `{user}` may not change it"),
            format!(
                "If `{user}` is the same board with a new credential, hand the device {name:?} over to it, or remove \
                 that and let it announce itself again. If not, give it identifiers of its own."
            ),
        ))
    }

    /// Whether one more announcement fits.
    pub(super) fn check_room(&self, key: &str, device: Option<&str>) -> Result<(), Problem> {
        let announced_by = self.announced_by.get(key).map(String::as_str);
        if announced_by.is_none() && self.announced_by.len() >= ANNOUNCEMENTS_MAX {
            return Err(Problem::new(
                format!("There are already {ANNOUNCEMENTS_MAX} announcements"),
                "Remove devices that are no longer there.",
            ));
        }
        let Some(entry) = device.and_then(|device| self.devices.get(device)) else { return Ok(()) };
        if announced_by != device && entry.record.announced.len() >= ANNOUNCEMENTS_PER_DEVICE_MAX {
            return Err(Problem::new(
                format!(
                    "{:?} already rests on {ANNOUNCEMENTS_PER_DEVICE_MAX} announcements",
                    entry.record.device.name
                ),
                "Announce its entities under fewer topics, or the rest as another device.",
            ));
        }
        Ok(())
    }

    /// Whether a credential announces as much as one may. Only a large home is counted.
    pub(super) fn is_full_of(&self, user: &str) -> bool {
        if self.slot_of.len() < ENTITIES_PER_CREDENTIAL_MAX {
            return false;
        }
        let devices =
            self.devices.values().filter(|entry| entry.record.device.credential.as_deref() == Some(user));
        devices.map(|entry| entry.entities.len()).sum::<usize>() >= ENTITIES_PER_CREDENTIAL_MAX
    }

    /// Takes out what listens or speaks where it should not, and says why. A topic that matches everything
    /// would make every message of the house the work of this device; public firmwares use
    /// `+/+/BTtoMQTT/<mac>`, so one level that says something is enough.
    pub(super) fn check_topics(
        &self,
        device: &mut DeviceDescription,
        polls: &mut Vec<CommandSpec>,
        publisher: &Publisher,
    ) -> Vec<Problem> {
        let permissions = self.permissions.get(&publisher.user);
        let rules = Rules {
            user: &publisher.user,
            permissions: permissions.map(|known| known.for_client(&publisher.user, &publisher.client_id)),
        };
        let mut problems = Vec::new();
        let mut keeps = |found: Option<Problem>| {
            let keeps = found.is_none();
            problems.extend(found);
            keeps
        };
        let name = device.name.clone();
        polls.retain(|poll| {
            keeps(rules.spoken(&format!("The device {name:?} wants to be asked"), &poll.topic))
        });
        device.availability.sources.retain(|source| {
            keeps(rules.heard(&format!("The availability of the device {name:?}"), &source.topic))
        });
        device.entities.retain(|entity| {
            let what = format!("The entity {:?}", entity.name.as_deref().unwrap_or(&entity.unique_id));
            // Without a state topic the state is what the hub last sent, which the board need not write.
            let is_sent = |topic: &String| {
                entity.assumed_state && entity.commands.values().any(|command| command.topic == *topic)
            };
            let heard = topics_of(entity)
                .filter(|topic| !is_sent(topic))
                .find_map(|topic| rules.heard(&what, &topic));
            let spoken = || {
                let mut commands = entity.commands.values();
                commands.find_map(|command| {
                    rules.spoken(&format!("{what} wants to be commanded"), &command.topic)
                })
            };
            keeps(heard.or_else(spoken))
        });
        problems
    }
}

/// Where a board may have the hub listen and speak.
struct Rules<'a> {
    user: &'a str,
    permissions: Option<Permissions>,
}

impl Rules<'_> {
    /// Why the hub does not listen to a topic for it.
    fn heard(&self, what: &str, topic: &str) -> Option<Problem> {
        if topic.split('/').all(|level| matches!(level, "" | "+" | "#")) {
            return Some(Problem::new(
                format!("{what} listens to {topic:?}, which is nearly everything"),
                "Announce it with a topic that has at least one level without a wildcard.",
            ));
        }
        let permissions = self.permissions.as_ref()?;
        let filter = TopicFilter::new(topic).ok()?;
        if permissions.write.iter().any(|allowed| allowed.covers(&filter)) {
            return None;
        }
        let user = self.user;
        Some(Problem::new(
            format!("{what} listens to {topic:?}, which `{user}` may not write itself"),
            format!("Allow `{user}` to write {topic:?}, or announce a topic it may write."),
        ))
    }

    /// Why the hub does not publish to a topic for it: it would do what the board itself may not.
    fn spoken(&self, what: &str, topic: &str) -> Option<Problem> {
        let permissions = self.permissions.as_ref()?;
        if permissions.may_read(topic) {
            return None;
        }
        let user = self.user;
        Some(Problem::new(
            format!("{what} under {topic:?}, which `{user}` may not read"),
            format!("Allow `{user}` to read {topic:?}, or announce a topic it may read."),
        ))
    }
}

/// Limits and cleans what came from outside.
pub(super) fn check(device: &mut DeviceDescription) -> Result<(), Problem> {
    device.identities.retain(|identity| !identity.is_empty());
    let too_long = |text: &String| text.len() > IDENTITY_BYTES_MAX;
    if device.identities.is_empty()
        || device.identities.iter().any(too_long)
        || device.entities.iter().any(|entity| too_long(&entity.unique_id))
    {
        return Err(Problem::new(
            format!("The identifiers or a unique id are missing or longer than {IDENTITY_BYTES_MAX} bytes"),
            "Give the device short, stable identifiers, such as its MAC address.",
        ));
    }
    let is_unreadable = |text: &String| text.chars().any(char::is_control);
    let ids = device.identities.iter().chain(device.entities.iter().map(|entity| &entity.unique_id));
    if let Some(id) = ids.into_iter().find(|id| is_unreadable(id)) {
        return Err(Problem::new(
            format!("The identifier or unique id {id:?} has control characters"),
            "Use letters, digits, `-` and `_`.",
        ));
    }
    device.name = clean_name(&device.name);
    for entity in &mut device.entities {
        entity.name = entity.name.take().map(|name| clean_name(&name)).filter(|name| !name.is_empty());
    }
    Ok(())
}

/// A name in one line, not too long, that is read as it is written.
pub(crate) fn clean_name(name: &str) -> String {
    let name = name.replace(turns, "");
    let words: Vec<&str> =
        name.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    let name: String = words.join(" ").chars().take(NAME_CHARS_MAX).collect();
    if name.chars().any(is_visible) { name } else { String::new() }
}

/// Whether a character turns the direction of those around it, which makes a name look like another.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character leaves a mark; joiners, fillers and marks of order alone do not.
fn is_visible(c: char) -> bool {
    let is_hidden = matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2064}' | '\u{206a}'..='\u{206f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}'
    );
    !(is_hidden || c.is_whitespace() || c.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        fn check(name: &str, expected: &str) {
            assert_eq!(clean_name(name), expected, "{name:?}");
        }
        check("  Bed\n room ", "Bed room");
        check("Lamp\u{202e}gnp", "Lampgnp");
        check("\u{202e}\n\x07", "");
        check("\u{200b}\u{feff}", "");
        check("\u{1f469}\u{200d}\u{1f4bb}", "\u{1f469}\u{200d}\u{1f4bb}");
        check("مصباح", "مصباح");
    }
}
