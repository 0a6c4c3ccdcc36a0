//! The dashboard that makes itself: areas become sections, what is useful in them becomes cards.

use std::collections::HashMap;

use model::{Area, Component, Device, Entity};

use crate::api::types::{Card, CardKind, Dashboard, DashboardSection};

/// Cards of one section; a room with more has its devices page.
const CARDS_MAX: usize = 24;
/// Heading of what is in no area.
const ELSEWHERE: &str = "Other devices";

/// The dashboard of a home.
pub fn of(areas: &[Area], devices: &[Device], entities: &[Entity]) -> Dashboard {
    let places =
        areas.iter().map(|area| (Some(area.id.as_str()), area.name.as_str())).chain([(None, ELSEWHERE)]);
    let area_of: HashMap<&str, Option<&str>> =
        devices.iter().map(|device| (device.id.as_str(), device.area.as_deref())).collect();
    let mut by_area: HashMap<Option<&str>, Vec<&Entity>> = HashMap::new();
    for entity in entities {
        if let Some(area) = area_of.get(entity.device.as_str()) {
            by_area.entry(*area).or_default().push(entity);
        }
    }
    let sections = places
        .map(|(area, title)| section(area, title, by_area.remove(&area).unwrap_or_default().into_iter()))
        .filter(|section| !section.cards.is_empty())
        .collect();
    Dashboard { sections }
}

fn section<'a>(
    area: Option<&str>,
    title: &str,
    entities: impl Iterator<Item = &'a Entity>,
) -> DashboardSection {
    let mut ranked: Vec<_> = entities.filter_map(|entity| Some((rank(entity)?, entity))).collect();
    ranked.sort_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| a.1.name.cmp(&b.1.name)).then_with(|| a.1.id.cmp(&b.1.id))
    });
    let mut charted = false;
    let cards = ranked.into_iter().take(CARDS_MAX).map(|(_, entity)| {
        let kind = match kind(entity) {
            // One chart a room: the first of its numbers.
            CardKind::Value if !charted && is_charted(entity) => {
                charted = true;
                CardKind::Chart
            }
            kind => kind,
        };
        Card { kind, entity: entity.id.clone() }
    });
    DashboardSection { area: area.map(str::to_owned), title: title.to_owned(), cards: cards.collect() }
}

fn kind(entity: &Entity) -> CardKind {
    match entity.description.component {
        Component::BinarySensor => CardKind::Status,
        // Their state is a mode, also when they can be switched on and off.
        Component::Climate | Component::WaterHeater => CardKind::Value,
        _ if entity.description.commands.contains_key("turn_on") => CardKind::Switch,
        _ => CardKind::Value,
    }
}

/// Where an entity stands in its room; `None` for what is not worth a card.
fn rank(entity: &Entity) -> Option<u8> {
    if entity.description.category.is_some() || entity.description.component == Component::Notify {
        return None;
    }
    let class = entity.description.device_class.as_deref().unwrap_or_default();
    Some(match (kind(entity), class) {
        (CardKind::Switch, _) => 0,
        _ if is_operated(entity) => 0,
        (_, "temperature") => 1,
        (_, "humidity" | "carbon_dioxide" | "power") => 2,
        (CardKind::Status, _) => 3,
        _ => 4,
    })
}

/// Whether people reach for it every day, though it is not switched on and off.
fn is_operated(entity: &Entity) -> bool {
    !entity.description.commands.is_empty()
        && matches!(
            entity.description.component,
            Component::AlarmControlPanel
                | Component::Climate
                | Component::Cover
                | Component::LawnMower
                | Component::Lock
                | Component::Vacuum
                | Component::Valve
                | Component::WaterHeater
        )
}

fn is_charted(entity: &Entity) -> bool {
    matches!(
        entity.description.device_class.as_deref(),
        Some("temperature" | "power" | "carbon_dioxide" | "humidity")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::EntityDescription;

    fn entity(id: &str, component: Component, class: Option<&str>) -> Entity {
        let mut description = EntityDescription::new(id, component);
        description.device_class = class.map(str::to_owned);
        if component == Component::Switch {
            description.commands.insert("turn_on".into(), model::CommandSpec::default());
        }
        Entity {
            id: id.into(),
            device: "d".into(),
            name: id.into(),
            name_by_owner: false,
            by_hand: false,
            description,
        }
    }

    #[test]
    fn what_is_operated_comes_first_and_each_room_has_one_chart() {
        let mut noise = entity("rssi", Component::Sensor, Some("signal_strength"));
        noise.description.category = Some("diagnostic".into());
        let mut lock = entity("front", Component::Lock, None);
        lock.description.commands.insert("lock".into(), model::CommandSpec::default());
        let entities = [
            entity("door", Component::BinarySensor, Some("door")),
            entity("humidity", Component::Sensor, Some("humidity")),
            entity("temperature", Component::Sensor, Some("temperature")),
            entity("relay", Component::Switch, None),
            lock,
            noise,
        ];
        let found = section(None, "x", entities.iter());
        let cards: Vec<_> = found.cards.iter().map(|card| (card.entity.as_str(), card.kind)).collect();
        assert_eq!(
            cards,
            [
                ("front", CardKind::Value),
                ("relay", CardKind::Switch),
                ("temperature", CardKind::Chart),
                ("humidity", CardKind::Value),
                ("door", CardKind::Status),
            ]
        );
    }
}
