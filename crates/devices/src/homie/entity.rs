//! From a device's shape to its entities.

use std::collections::{BTreeMap, BTreeSet};

use model::entity::{AvailabilityMode, AvailabilitySource, AvailabilitySpec};
use model::features::{ColorMode, EventFeatures, LightFeatures, LightSchema};
use model::{CommandSpec, Component, DeviceDescription, EntityDescription, Features, StateSource, Value};

use super::class;
use super::format::Datatype;
use super::shape::{Node, Property, Shape};
use super::stats;
use super::topics::is_version_5;
use crate::announcement::{Described, Problem};
use crate::ha;

/// The device under `root`, which is in `state`.
pub(super) fn device(profile: &str, root: &str, state: &str, shape: Shape) -> Described {
    let id = root.rsplit('/').next().unwrap_or(root);
    let mac = shape.mac.as_deref().and_then(ha::mac);
    let mut identities = vec![format!("{profile}:{root}")];
    identities.extend(mac.iter().map(|mac| format!("mac:{mac}")));
    let firmware =
        [shape.firmware, shape.firmware_version].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut device = DeviceDescription {
        profile: profile.to_owned(),
        identities,
        name: shape.name.unwrap_or_else(|| id.to_owned()),
        model: shape.implementation,
        sw_version: Some(firmware).filter(|firmware| !firmware.is_empty()),
        mac,
        ip: shape.ip.filter(|ip| ip.parse::<core::net::IpAddr>().is_ok()),
        availability: availability(root, state, shape.lives_on.as_deref()),
        ..DeviceDescription::default()
    };
    let shared = shared_names(&shape.nodes);
    for node in &shape.nodes {
        for property in &node.properties {
            let mut entity = entity(root, node, property);
            if shared.contains(&property.name) {
                let node_name = node.name.as_deref().unwrap_or(&node.id);
                entity.name = Some(format!("{node_name} {}", property.name));
            }
            device.entities.push(entity);
        }
    }
    device.entities.extend(stats::entities(root, &shape.stats));
    let problem = |why: String| {
        Problem::new(format!("A part of {:?} cannot be used: {why}", device.name), "Correct it on the board.")
    };
    let problems = shape.faults.into_iter().map(problem).collect();
    Described { device, problems, ..Described::default() }
}

/// Names that more than one node gives to a property.
fn shared_names(nodes: &[Node]) -> BTreeSet<String> {
    let mut seen = BTreeSet::new();
    let names = nodes.iter().flat_map(|node| &node.properties).map(|property| &property.name);
    names.filter(|name| !seen.insert(*name)).cloned().collect()
}

/// A device is there when it says so and the device it lives on is not lost.
fn availability(root: &str, state: &str, lives_on: Option<&str>) -> AvailabilitySpec {
    let source = |topic: String, template: &str| AvailabilitySource {
        topic,
        template: Some(template.to_owned()),
        online: "there".to_owned(),
        offline: "away".to_owned(),
    };
    let own = "{{ 'there' if value in ['ready', 'alert'] else 'away' if value else '' }}";
    let mut sources = vec![source(format!("{root}/$state"), own)];
    if let (Some(bridge), Some((domain, _))) = (lives_on, root.rsplit_once('/')) {
        let others = "{{ 'away' if value == 'lost' else 'there' if value else '' }}";
        sources.push(source(format!("{domain}/{bridge}/$state"), others));
    }
    AvailabilitySpec { mode: AvailabilityMode::All, sources, sleepy: state == "sleeping" }
}

fn entity(root: &str, node: &Node, property: &Property) -> EntityDescription {
    let datatype = property.definition.datatype;
    let numeric = matches!(datatype, Datatype::Integer | Datatype::Float | Datatype::Percent);
    let is_event = !property.retained && !property.settable;
    let component = match (datatype, property.settable) {
        (Datatype::Boolean, true) if !property.retained => Component::Button,
        (Datatype::Boolean, true) => Component::Switch,
        (Datatype::Boolean | Datatype::Enum, false) if is_event => Component::Event,
        (Datatype::Boolean, false) => Component::BinarySensor,
        (Datatype::Color, _) => Component::Light,
        (Datatype::Enum, true) => Component::Select,
        (Datatype::Integer | Datatype::Float | Datatype::Percent, true) => Component::Number,
        (Datatype::String | Datatype::Datetime | Datatype::Duration | Datatype::Json, true) => {
            Component::Text
        }
        (_, false) => Component::Sensor,
    };
    let topic = format!("{root}/{}/{}", node.id, property.id);
    let mut entity = EntityDescription::new(format!("{}/{}", node.id, property.id), component);
    entity.name = Some(property.name.clone());
    let called = format!("{} {} {} {}", property.id, property.name, node.id, node.kind).to_lowercase();
    let unit = property.unit.clone().or_else(|| (datatype == Datatype::Percent).then(|| "%".to_owned()));
    if numeric {
        let (device_class, state_class) = class::of_number(unit.as_deref(), &called);
        entity.device_class = device_class.map(ToOwned::to_owned);
        if component == Component::Sensor {
            entity.state_class = state_class.map(ToOwned::to_owned);
        }
        let (min, max, step) = property.definition.range();
        // Steps count from the least value, or else from the most, which only the template knows.
        (entity.min, entity.max) = (min, max);
        entity.step = step.filter(|_| min.is_some() || max.is_none());
    }
    entity.unit = unit.and_then(|unit| ha::normalise_unit(&unit, entity.device_class.as_deref()));
    match datatype {
        Datatype::Boolean if component == Component::BinarySensor => {
            entity.device_class = class::of_boolean(&called).map(ToOwned::to_owned);
        }
        Datatype::Enum => {
            entity.options = property.definition.words().to_vec();
            if component == Component::Sensor {
                entity.device_class = Some("enum".to_owned());
            }
        }
        Datatype::Datetime if component == Component::Sensor => {
            entity.device_class = Some("timestamp".to_owned());
        }
        _ => {}
    }
    entity.features = features(property, component).map(Box::new);
    entity.sources = sources(&topic, property, component);
    if property.settable {
        entity.commands = commands(&format!("{topic}/set"), property, component, is_version_5(root));
    }
    entity
}

fn features(property: &Property, component: Component) -> Option<Features> {
    match component {
        Component::Light => Some(Features::Light(LightFeatures {
            schema: LightSchema::Line,
            color_modes: vec![ColorMode::Rgb],
            brightness: true,
            reports_brightness: true,
            ..LightFeatures::default()
        })),
        Component::Event => {
            let words = property.definition.words().to_vec();
            let event_types =
                if words.is_empty() { ["true", "false"].map(ToOwned::to_owned).to_vec() } else { words };
            Some(Features::Event(EventFeatures { event_types }))
        }
        _ => None,
    }
}

fn sources(topic: &str, property: &Property, component: Component) -> Vec<StateSource> {
    let source = |template: Option<String>, field: &str| StateSource {
        topic: topic.to_owned(),
        template,
        field: field.to_owned(),
        map: BTreeMap::new(),
    };
    let on_off = |on: &str, off: &str| {
        [(off.to_owned(), Value::Bool(false)), (on.to_owned(), Value::Bool(true))].into()
    };
    match (component, property.definition.datatype) {
        (Component::Button, _) => Vec::new(),
        (Component::Event, _) => vec![source(Some("{{ {'event_type': value} | tojson }}".to_owned()), "")],
        (Component::Switch | Component::BinarySensor, _) => {
            vec![StateSource { map: on_off("true", "false"), ..source(None, "") }]
        }
        (Component::Light, _) => {
            let space = property.definition.color_space();
            let part = |part: &str| Some(format!("{{{{ (value | homie_color('{space}')).{part} }}}}"));
            vec![
                StateSource { map: on_off("True", "False"), ..source(part("on"), "") },
                source(part("rgb | join(',')"), "rgb_color"),
                source(part("brightness"), "brightness"),
            ]
        }
        (_, Datatype::Json) => vec![source(None, ""), source(None, "*")],
        // What the plain reading of a sensor, a number or a select checks by itself needs no template.
        (_, Datatype::Enum | Datatype::String | Datatype::Datetime) => vec![source(None, "")],
        (_, datatype) => {
            let (min, max, step) = property.definition.range();
            let plain = min.is_none() && max.is_none() && step.is_none();
            let template = (!plain).then(|| {
                let limits = format!("{}:{}", shown(min), shown(max));
                format!("{{{{ value | homie('{}', '{limits}') }}}}", datatype.word())
            });
            vec![source(template, "")]
        }
    }
}

fn commands(
    topic: &str,
    property: &Property,
    component: Component,
    tagged: bool,
) -> BTreeMap<String, CommandSpec> {
    let command = |verb: &str, payload: String| {
        (verb.to_owned(), CommandSpec { topic: topic.to_owned(), payload, ..CommandSpec::default() })
    };
    let (min, max, step) = property.definition.range();
    match component {
        Component::Button => [command("press", "true".to_owned())].into(),
        Component::Switch => {
            [command("turn_on", "true".to_owned()), command("turn_off", "false".to_owned())].into()
        }
        Component::Light => {
            let space = property.definition.color_space();
            let rgb = "[red, green, blue] if red is defined else this.attributes.rgb_color";
            let brightness = "brightness if brightness is defined else this.attributes.brightness";
            let on = format!("{{{{ homie_paint('{space}', {tagged}, {rgb}, {brightness}) }}}}");
            let off = format!("{{{{ homie_paint('{space}', {tagged}, [0, 0, 0], 0) }}}}");
            [command("turn_on", on), command("turn_off", off)].into()
        }
        Component::Number if step.is_some() => {
            let format = format!("{}:{}:{}", shown(min), shown(max), shown(step));
            let word = property.definition.datatype.word();
            [command(
                "set",
                format!("{{{{ value | homie('{word}', '{format}', now=this.state|float(0)) }}}}"),
            )]
            .into()
        }
        Component::Number if property.definition.datatype == Datatype::Integer => {
            [command("set", "{{ value | round | int }}".to_owned())].into()
        }
        _ => [command("set", "{{ value }}".to_owned())].into(),
    }
}

/// A bound as a format writes it.
fn shown(bound: Option<f64>) -> String {
    bound.map(|bound| bound.to_string()).unwrap_or_default()
}
