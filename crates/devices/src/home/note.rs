//! What happened to a device, in words for its log.

use model::{Device, Entity, EntityDescription};

use super::Home;
use crate::effect::{Effect, Note, NoteKind};

impl Home {
    /// Notes what an announcement changed. `before` is what the device was; `None` when it is new. `later` is what
    /// came of its entities.
    pub(super) fn note_difference(
        &self,
        id: &str,
        before: Option<&Device>,
        by: &str,
        later: &[Effect],
        effects: &mut Vec<Effect>,
    ) {
        let Some(device) = self.device(id) else { return };
        let mut note = |kind, text: String| effects.push(noted(id, kind, vec![text]));
        match before {
            None => note(NoteKind::Announced, announced(device, by)),
            Some(before) => {
                if let (Some(from), Some(to)) = (&before.sw_version, &device.sw_version)
                    && from != to
                {
                    note(NoteKind::Firmware, format!("Firmware updated from {from} to {to}."));
                }
                for text in device_differences(before, device) {
                    note(NoteKind::Changed, text);
                }
            }
        }
        let added = later.iter().filter_map(|effect| match effect {
            Effect::StateChanged(change) if change.old.is_none() => self.entity(&change.entity),
            _ => None,
        });
        let added: Vec<String> = added.map(|entity| entity.name.clone()).collect();
        let removed = later.iter().filter_map(|effect| match effect {
            Effect::EntityRemoved { id } => Some(id.clone()),
            _ => None,
        });
        let removed: Vec<String> = removed.collect();
        for (kind, names) in [(NoteKind::Added, added), (NoteKind::Removed, removed)] {
            if !names.is_empty() {
                effects.push(noted(id, kind, names));
            }
        }
    }
}

/// One thing that happened.
pub(super) fn noted(device: &str, kind: NoteKind, words: Vec<String>) -> Effect {
    Effect::Noted(Note { device: device.to_owned(), kind, words })
}

fn announced(device: &Device, by: &str) -> String {
    let what = [device.manufacturer.as_deref(), device.model.as_deref()];
    let what: Vec<&str> = what.into_iter().flatten().collect();
    let what = if what.is_empty() { String::new() } else { format!(": {}", what.join(" ")) };
    let firmware =
        device.sw_version.as_ref().map_or(String::new(), |version| format!(", firmware {version}"));
    format!("Announced by `{by}`{what}{firmware}.")
}

/// What the board says of itself in another way. Names that the owner gave do not change.
fn device_differences(before: &Device, after: &Device) -> Vec<String> {
    let fields: [(&str, Option<&String>, Option<&String>); 7] = [
        ("Name", Some(&before.name), Some(&after.name)),
        ("IP address", before.ip.as_ref(), after.ip.as_ref()),
        ("MAC address", before.mac.as_ref(), after.mac.as_ref()),
        ("Manufacturer", before.manufacturer.as_ref(), after.manufacturer.as_ref()),
        ("Model", before.model.as_ref(), after.model.as_ref()),
        ("Hardware version", before.hw_version.as_ref(), after.hw_version.as_ref()),
        ("Credential", before.credential.as_ref(), after.credential.as_ref()),
    ];
    let changed = fields.into_iter().filter(|(_, from, to)| from != to);
    let words = changed.filter_map(|(what, from, to)| {
        let to = to?;
        Some(match from {
            Some(from) => format!("{what}: {from} → {to}"),
            None => format!("{what}: {to}"),
        })
    });
    words.collect()
}

/// What is announced of an entity in another way, in a few words; `None` if it is nothing a person would look for.
pub(super) fn entity_difference(before: &EntityDescription, after: &Entity) -> Option<String> {
    let now = &after.description;
    let fields = [
        ("name", before.name != now.name),
        ("unit", before.unit != now.unit),
        ("class", before.device_class != now.device_class || before.state_class != now.state_class),
        ("topics", before.sources != now.sources || before.availability != now.availability),
        ("commands", before.commands != now.commands),
        ("choices", before.options != now.options),
        ("range", (before.min, before.max, before.step) != (now.min, now.max, now.step)),
        ("category", before.category != now.category),
        ("expiry", before.expire_after_s != now.expire_after_s),
        ("features", before.features != now.features),
    ];
    let changed: Vec<&str> =
        fields.into_iter().filter(|(_, differs)| *differs).map(|(what, _)| what).collect();
    (!changed.is_empty()).then(|| format!("{} ({})", after.name, changed.join(", ")))
}
