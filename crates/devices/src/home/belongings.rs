//! Which topics belong to somebody: what is left over is what sketches of one's own say.

use std::collections::{HashMap, HashSet};

use model::TopicFilter;
use serde::{Deserialize, Serialize};

use super::Home;
use super::bind::topics_of;

/// What belongs to devices, at one moment.
#[derive(Debug, Clone, Default)]
pub struct Belongings {
    /// Topics and templates of what was made by hand.
    values: HashSet<(String, Option<String>)>,
    /// Topics that say whether something is there, or tell it something.
    topics: HashSet<String>,
    /// What topics of devices that announced themselves begin with; with a single level, whose they are.
    roots: HashMap<String, Option<String>>,
    /// Topics of announcements.
    announcers: Vec<TopicFilter>,
    /// Devices made by hand, by their topics.
    by_hand: HashMap<String, String>,
}

/// What the topics of a device begin with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Root {
    /// The topic above.
    pub topic: String,
    /// Whose topics below it are meant, where the topic says too little; `None`: anybody's.
    pub user: Option<String>,
}

impl Home {
    /// What the topics begin with that a device announced, and that are no other device's.
    pub fn roots_of(&self, device: &str) -> Vec<Root> {
        let roots = self.belongings_of(|id| id == device).roots;
        let others = self.belongings_of(|id| id != device).roots;
        let own = roots.into_iter().filter(|(topic, user)| others.get(topic) != Some(user));
        own.map(|(topic, user)| Root { topic, user }).collect()
    }

    /// What belongs to the devices there are.
    pub fn belongings(&self) -> Belongings {
        self.belongings_of(|_| true)
    }

    fn belongings_of(&self, is_meant: impl Fn(&str) -> bool) -> Belongings {
        let mut belongings = Belongings::default();
        // A filter that begins with a wildcard fits any board and takes nothing for itself.
        let named = self.profiles.iter().flat_map(|profile| profile.announce_filters());
        belongings.announcers =
            named.filter(|filter| !filter.as_str().starts_with(['+', '#'])).cloned().collect();
        for entry in self.devices.values().filter(|entry| is_meant(&entry.record.device.id)) {
            let device = &entry.record.device;
            let said = entry.record.availability.sources.iter().map(|source| source.topic.clone());
            if entry.record.announced.is_empty() {
                belongings.topics.extend(said);
            } else {
                said.for_each(|topic| belongings.add_root(&topic, device.credential.as_deref()));
            }
        }
        for entity in self.entities().filter(|entity| is_meant(&entity.device)) {
            let description = &entity.description;
            let commands = description.commands.values().map(|command| command.topic.clone());
            if entity.by_hand {
                belongings.topics.extend(commands);
                for source in &description.sources {
                    belongings.values.insert((source.topic.clone(), source.template.clone()));
                    belongings.by_hand.insert(source.topic.clone(), entity.device.clone());
                }
                continue;
            }
            let credential = self.device(&entity.device).and_then(|device| device.credential.as_deref());
            topics_of(description).chain(commands).for_each(|topic| belongings.add_root(&topic, credential));
        }
        belongings
    }
}

impl Belongings {
    fn add_root(&mut self, topic: &str, credential: Option<&str>) {
        self.topics.insert(topic.to_owned());
        let levels: Vec<&str> = topic.split('/').collect();
        let above = &levels[..levels.len() - 1];
        if above.is_empty()
            || above.iter().any(|level| matches!(*level, "+" | "#" | "") || level.contains("{{"))
        {
            return;
        }
        // A single level may be anybody's: `home/lamp` says nothing of `home/pump`.
        let whose = (above.len() == 1).then(|| credential.unwrap_or_default().to_owned());
        self.roots.insert(above.join("/"), whose);
    }

    /// Whether a topic is that of an announcement, or lies beside those of a device that announced itself.
    pub fn has(&self, topic: &str, user: &str) -> bool {
        if self.announcers.iter().any(|filter| filter.matches(topic)) {
            return true;
        }
        let mut ends = topic.match_indices('/').map(|(at, _)| &topic[..at]);
        ends.any(|root| match self.roots.get(root) {
            Some(None) => true,
            Some(Some(whose)) => whose == user,
            None => false,
        })
    }

    /// Whether the value of a topic was made an entity, with this template or as a whole.
    pub fn takes(&self, topic: &str, template: Option<&str>) -> bool {
        self.topics.contains(topic)
            || self.values.contains(&(topic.to_owned(), template.map(ToOwned::to_owned)))
    }

    /// The device that was made by hand of what is said under a root.
    pub fn device_under(&self, root: &str) -> Option<&str> {
        if root.is_empty() {
            return None;
        }
        let under = |topic: &&String| topic.strip_prefix(root).is_some_and(|rest| rest.starts_with('/'));
        let topic = self.by_hand.keys().filter(under).min()?;
        self.by_hand.get(topic).map(String::as_str)
    }
}
