//! What the kinds of entity mean: what a report changes of one, and what a command sends to it.
//!
//! | module | noun |
//! |---|---|
//! | [`report`] | one text or JSON that a source brings, and the [`Change`]s it makes |
//! | [`wish`] | a verb with its arguments, on its way to messages |
//! | [`verb`] | the names Home Assistant's services have |
//! | [`plain`] | kinds that take things as they come: sensors, switches, numbers |
//! | [`light`], [`cover`], [`fan`], [`climate`], [`alarm`], [`lock`], [`siren`], [`vacuum`] | kinds with rules of their own |
//! | [`happening`] | events and updates, which report an object |
//! | [`color`] | colours in the ways lights speak of them |
//!
//! Source of the rules: Home Assistant's documentation of its MQTT components (2026.2).

mod alarm;
mod climate;
pub(crate) mod color;
mod cover;
mod fan;
mod happening;
mod light;
mod lock;
mod plain;
mod report;
mod siren;
mod vacuum;
mod verb;
mod wish;

use model::{Component, EntityDescription, Features, StateSource};

use crate::error::CommandError;

pub(crate) use light::Shine;
pub(crate) use plain::{attribute, attributes};
pub(crate) use report::{Change, Ear, Report};
pub use wish::Order;
pub(crate) use wish::{Args, VALUE, Wish};

/// What a report through one source changes. The error is why it makes no sense, in words.
pub(crate) fn hear(ear: &mut Ear, source: &StateSource, report: &Report) -> Result<Vec<Change>, String> {
    match ear.description.features.as_deref() {
        Some(Features::Light(features)) => light::hear(ear, features, source, report),
        Some(Features::Cover(features)) => cover::hear(ear, features, source, report),
        Some(Features::Fan(features)) => fan::hear(features, source, report),
        Some(Features::Climate(features)) => climate::hear(features, source, report),
        Some(Features::Siren(_)) => siren::hear(ear.description, source, report),
        Some(Features::Vacuum(features)) => vacuum::hear(features, source, report),
        Some(Features::Event(features)) => happening::hear_event(features, ear, source, report),
        Some(Features::Text(features)) => plain::hear_text(features, ear.description, source, report),
        _ if ear.description.component == Component::Update => happening::hear_update(ear, source, report),
        _ => plain::hear(ear, source, report),
    }
}

/// The messages that carry out a wish, and what the entity is assumed to be then.
pub(crate) fn command(mut wish: Wish) -> Result<Order, CommandError> {
    let entity = wish.entity;
    let order = match entity.description.features.as_deref() {
        Some(Features::Light(features)) => light::command(&mut wish, features),
        Some(Features::Cover(features)) => cover::command(&mut wish, features),
        Some(Features::Fan(features)) => fan::command(&mut wish, features),
        Some(Features::Climate(features)) => climate::command(&mut wish, features),
        Some(Features::Alarm(features)) => alarm::command(&mut wish, features),
        Some(Features::Lock(features)) => lock::command(&mut wish, features),
        Some(Features::Siren(features)) => siren::command(&mut wish, features),
        Some(Features::Vacuum(features)) => vacuum::command(&mut wish, features),
        _ => plain::command(&mut wish),
    }?;
    wish.args.finish().map_err(|name| wish.bad_value(format!("it does not know `{name}`")))?;
    Ok(order)
}

/// The wish that somebody else's message on a command topic carries out; `None` if it cannot be told.
pub(crate) fn overheard<'a>(
    description: &'a EntityDescription,
    topic: &str,
    payload: &str,
) -> Option<(&'a str, Option<model::Value>)> {
    description.commands.iter().filter(|(_, spec)| spec.topic == topic).find_map(|(verb, spec)| {
        if spec.payload == payload {
            return Some((verb.as_str(), None));
        }
        (spec.payload == wish::VALUE).then(|| (verb.as_str(), Some(plain::value_of(description, payload))))
    })
}

/// Attributes the entity itself sets, which a device cannot set by the way as others.
pub(crate) fn own_attributes(component: Component) -> &'static [&'static str] {
    match component {
        Component::AlarmControlPanel => &["changed_by", "code_arm_required", "code_format"],
        Component::Camera => &["access_token", "brand", "model_name", "motion_detection"],
        Component::Climate | Component::WaterHeater => climate::ATTRIBUTES,
        Component::Humidifier => climate::HUMIDIFIER_ATTRIBUTES,
        Component::Cover | Component::Valve => cover::ATTRIBUTES,
        Component::Event => &["event_type", "event_types"],
        Component::Fan => fan::ATTRIBUTES,
        Component::Light => light::ATTRIBUTES,
        Component::Lock => &["changed_by", "code_format"],
        Component::Number => &["max", "min", "mode", "step"],
        Component::Select => &["options"],
        Component::Sensor => &["last_reset", "options", "state_class"],
        Component::Siren => siren::ATTRIBUTES,
        Component::Switch => &["current_power_w", "today_energy_kwh"],
        Component::Text => &["max", "min", "mode", "pattern"],
        Component::Update => happening::UPDATE_ATTRIBUTES,
        Component::Vacuum => vacuum::ATTRIBUTES,
        _ => &[],
    }
}

/// Whether the entity reads an attribute by rules of its kind, and not as it comes.
pub(crate) fn is_native(description: &EntityDescription, field: &str) -> bool {
    match description.component {
        Component::Update => true,
        Component::Sensor => field == "last_reset",
        _ => description.features.is_some(),
    }
}

/// What templates of the entity see beside the value.
pub(crate) fn variables(description: &EntityDescription) -> Vec<(&'static str, minijinja::Value)> {
    match description.features.as_deref() {
        Some(Features::Cover(features)) => cover::variables(features),
        _ => Vec::new(),
    }
}
