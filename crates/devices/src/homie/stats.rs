//! What a device of the versions 3 and 4 tells of itself besides its nodes: `$stats/uptime` and its like.
//! Source: homieiot/convention 3.0.1, and the extension `org.homie.legacy-stats` of version 4.

use model::{Component, EntityDescription, StateSource};

/// Under which attributes they stand.
const UNDER: &str = "$stats/";

/// One of them.
struct Stat {
    id: &'static str,
    name: &'static str,
    unit: &'static str,
    class: &'static str,
}

const fn stat(id: &'static str, name: &'static str, unit: &'static str, class: &'static str) -> Stat {
    Stat { id, name, unit, class }
}

const STATS: [Stat; 8] = [
    stat("uptime", "Uptime", "s", "duration"),
    stat("signal", "Wi-Fi signal", "%", ""),
    stat("freeheap", "Free memory", "B", "data_size"),
    stat("battery", "Battery", "%", "battery"),
    stat("supply", "Supply voltage", "V", "voltage"),
    stat("cputemp", "Processor temperature", "°C", "temperature"),
    stat("cpuload", "Processor load", "%", ""),
    stat("interval", "Report interval", "s", "duration"),
];

/// Whether an attribute is a statistic: its value is a reading, and only that it is told announces something.
pub(super) fn is_stat(attribute: &str) -> bool {
    attribute.starts_with(UNDER)
}

/// Whether a statistic is one that makes an entity.
pub(super) fn is_known(attribute: &str) -> bool {
    STATS.iter().any(|stat| attribute.strip_prefix(UNDER) == Some(stat.id))
}

/// The entities of those a device under `root` has told, by their attributes.
pub(super) fn entities<'a>(
    root: &'a str,
    told: &'a [String],
) -> impl Iterator<Item = EntityDescription> + 'a {
    let is_told = |stat: &&Stat| told.iter().any(|told| told.strip_prefix(UNDER) == Some(stat.id));
    STATS.iter().filter(is_told).map(move |stat| {
        let id = format!("{UNDER}{}", stat.id);
        let mut entity = EntityDescription::new(id.clone(), Component::Sensor);
        entity.name = Some(stat.name.to_owned());
        entity.unit = Some(stat.unit.to_owned());
        entity.device_class = (!stat.class.is_empty()).then(|| stat.class.to_owned());
        entity.state_class = Some("measurement".to_owned());
        entity.category = Some("diagnostic".to_owned());
        entity.sources = vec![StateSource { topic: format!("{root}/{id}"), ..StateSource::default() }];
        entity
    })
}
