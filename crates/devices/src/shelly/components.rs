//! From a component, such as `switch:0`, to its entities.

use std::collections::BTreeMap;

use model::features::{ColorMode, CoverFeatures, EventFeatures, LightFeatures, LightSchema};
use model::{CommandSpec, Component, EntityDescription, Features, StateSource, Value};
use serde_json::{Value as Json, json};

use super::call;

/// What a component measures: its attribute, the way to the number, and what that is.
struct Measure {
    of: &'static [&'static str],
    attribute: &'static str,
    way: &'static str,
    name: &'static str,
    unit: &'static str,
    class: &'static str,
    /// What a number is multiplied with.
    factor: f64,
}

const fn measure(
    of: &'static [&'static str],
    attribute: &'static str,
    way: &'static str,
    name: &'static str,
    unit: &'static str,
    class: &'static str,
) -> Measure {
    Measure { of, attribute, way, name, unit, class, factor: 1.0 }
}

/// Watt-hours are shown as kWh.
const fn energy(
    of: &'static [&'static str],
    attribute: &'static str,
    way: &'static str,
    name: &'static str,
) -> Measure {
    Measure { of, attribute, way, name, unit: "kWh", class: "energy", factor: 0.001 }
}

const LOADS: &[&str] = &["switch", "light", "cover", "pm1", "rgb", "rgbw", "cct"];
const METERS: &[&str] = &["switch", "light", "cover", "pm1", "rgb", "rgbw", "cct", "em1"];

const MEASURES: &[Measure] = &[
    measure(LOADS, "apower", "", "Power", "W", "power"),
    measure(METERS, "voltage", "", "Voltage", "V", "voltage"),
    measure(METERS, "current", "", "Current", "A", "current"),
    measure(METERS, "pf", "", "Power factor", "", "power_factor"),
    measure(METERS, "freq", "", "Frequency", "Hz", "frequency"),
    energy(LOADS, "aenergy", ".total", "Energy"),
    energy(LOADS, "ret_aenergy", ".total", "Returned energy"),
    measure(LOADS, "temperature", ".tC", "Temperature", "°C", "temperature"),
    measure(&["em1"], "act_power", "", "Power", "W", "power"),
    measure(&["em1"], "aprt_power", "", "Apparent power", "VA", "apparent_power"),
    energy(&["em1data"], "total_act_energy", "", "Energy"),
    energy(&["em1data"], "total_act_ret_energy", "", "Returned energy"),
    measure(&["em"], "a_voltage", "", "Phase A voltage", "V", "voltage"),
    measure(&["em"], "a_current", "", "Phase A current", "A", "current"),
    measure(&["em"], "a_act_power", "", "Phase A power", "W", "power"),
    measure(&["em"], "a_aprt_power", "", "Phase A apparent power", "VA", "apparent_power"),
    measure(&["em"], "a_pf", "", "Phase A power factor", "", "power_factor"),
    measure(&["em"], "b_voltage", "", "Phase B voltage", "V", "voltage"),
    measure(&["em"], "b_current", "", "Phase B current", "A", "current"),
    measure(&["em"], "b_act_power", "", "Phase B power", "W", "power"),
    measure(&["em"], "b_aprt_power", "", "Phase B apparent power", "VA", "apparent_power"),
    measure(&["em"], "b_pf", "", "Phase B power factor", "", "power_factor"),
    measure(&["em"], "c_voltage", "", "Phase C voltage", "V", "voltage"),
    measure(&["em"], "c_current", "", "Phase C current", "A", "current"),
    measure(&["em"], "c_act_power", "", "Phase C power", "W", "power"),
    measure(&["em"], "c_aprt_power", "", "Phase C apparent power", "VA", "apparent_power"),
    measure(&["em"], "c_pf", "", "Phase C power factor", "", "power_factor"),
    measure(&["em"], "n_current", "", "Neutral current", "A", "current"),
    measure(&["em"], "total_current", "", "Current", "A", "current"),
    measure(&["em"], "total_act_power", "", "Power", "W", "power"),
    measure(&["em"], "total_aprt_power", "", "Apparent power", "VA", "apparent_power"),
    energy(&["emdata"], "a_total_act_energy", "", "Phase A energy"),
    energy(&["emdata"], "a_total_act_ret_energy", "", "Phase A returned energy"),
    energy(&["emdata"], "b_total_act_energy", "", "Phase B energy"),
    energy(&["emdata"], "b_total_act_ret_energy", "", "Phase B returned energy"),
    energy(&["emdata"], "c_total_act_energy", "", "Phase C energy"),
    energy(&["emdata"], "c_total_act_ret_energy", "", "Phase C returned energy"),
    energy(&["emdata"], "total_act", "", "Energy"),
    energy(&["emdata"], "total_act_ret", "", "Returned energy"),
    measure(&["temperature"], "tC", "", "", "°C", "temperature"),
    measure(&["humidity"], "rh", "", "", "%", "humidity"),
    measure(&["illuminance"], "lux", "", "", "lx", "illuminance"),
    measure(&["voltmeter"], "voltage", "", "", "V", "voltage"),
    measure(&["devicepower"], "battery", ".percent", "Battery", "%", "battery"),
    measure(&["input"], "percent", "", "", "%", ""),
    measure(&["wifi"], "rssi", "", "Signal", "dBm", "signal_strength"),
    measure(&["sys"], "uptime", "", "Uptime", "s", "duration"),
    measure(&["sys"], "ram_free", "", "Free memory", "B", "data_size"),
];

/// Why a board restarted, by the number the processor gives it.
const RESET_REASONS: [(&str, &str); 10] = [
    ("1", "Power on"),
    ("2", "Reset pin"),
    ("3", "Software"),
    ("4", "Crash"),
    ("5", "Interrupt watchdog"),
    ("6", "Task watchdog"),
    ("7", "Watchdog"),
    ("8", "Deep sleep"),
    ("9", "Brownout"),
    ("10", "SDIO"),
];

/// The entities of a component. `attributes` are the names of what it tells; `set` is what it is set to be.
pub(super) fn entities(
    root: &str,
    component: &str,
    attributes: &Json,
    set: Option<&Json>,
) -> Vec<EntityDescription> {
    // The name goes into templates.
    if !component.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':' || b == b'_') {
        return Vec::new();
    }
    let part = Part::new(root, component, attributes, set);
    let mut entities: Vec<EntityDescription> = main(&part).into_iter().collect();
    let measures =
        MEASURES.iter().filter(|measure| measure.of.contains(&part.kind) && part.tells(measure.attribute));
    entities.extend(measures.map(|measure| part.sensor(measure)));
    match part.kind {
        "input" if part.tells("event") || part.set("type") == Some("button") => entities.push(part.event()),
        "sys" => {
            if part.tells("reset_reason") {
                entities.push(part.reset_reason());
            }
            entities.push(part.restart());
        }
        "wifi" => entities.extend(part.texts(&[("sta_ip", "IP address"), ("ssid", "SSID")])),
        "eth" => entities.extend(part.texts(&[("ip", "IP address")])),
        _ => {}
    }
    entities
}

/// A component on its way to entities.
struct Part<'a> {
    root: &'a str,
    component: &'a str,
    kind: &'a str,
    /// `0` of `switch:0`; nothing for what there is one of.
    number: &'a str,
    attributes: &'a Json,
    set: Option<&'a Json>,
}

impl<'a> Part<'a> {
    fn new(root: &'a str, component: &'a str, attributes: &'a Json, set: Option<&'a Json>) -> Self {
        let (kind, number) = component.split_once(':').unwrap_or((component, ""));
        Self { root, component, kind, number, attributes, set }
    }

    fn tells(&self, attribute: &str) -> bool {
        self.attributes.get(attribute).is_some()
    }

    fn set(&self, key: &str) -> Option<&str> {
        self.set?.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// What it is called: by its owner, or by what it is.
    fn name(&self) -> String {
        if let Some(name) = self.set("name") {
            return name.to_owned();
        }
        let kind = match self.kind {
            "rgb" | "rgbw" | "cct" => "Light".to_owned(),
            "pm1" | "em" | "em1" | "emdata" | "em1data" => "Meter".to_owned(),
            kind => crate::slug::capitalised(kind),
        };
        if self.number.is_empty() { kind } else { format!("{kind} {}", self.number) }
    }

    fn entity(&self, component: Component, attribute: &str, name: String) -> EntityDescription {
        let id = if attribute.is_empty() {
            self.component.to_owned()
        } else {
            format!("{}/{attribute}", self.component)
        };
        let mut entity = EntityDescription::new(id, component);
        entity.name = Some(name);
        entity
    }

    /// Where an attribute is told: in reports of what changed, on a topic of the component, and in an answer.
    fn sources(&self, field: &str, expression: impl Fn(&str) -> String) -> Vec<StateSource> {
        let component = self.component;
        let places = [
            (super::message::EVENTS.to_owned(), format!("value_json.params['{component}']")),
            (format!("status/{component}"), "value_json".to_owned()),
            (super::message::ANSWERS.to_owned(), format!("value_json.result['{component}']")),
        ];
        let source = |(topic, place): (String, String)| StateSource {
            topic: format!("{}/{topic}", self.root),
            template: Some(format!("{{{{ {} }}}}", expression(&place))),
            field: field.to_owned(),
            map: BTreeMap::new(),
        };
        places.map(source).into()
    }

    fn on_off(&self, attribute: &str) -> Vec<StateSource> {
        let mut sources = self.sources("", |place| format!("{place}.{attribute}"));
        for source in &mut sources {
            source.map =
                [("False".to_owned(), Value::Bool(false)), ("True".to_owned(), Value::Bool(true))].into();
        }
        sources
    }

    /// A call with plain parameters.
    fn call(&self, method: &str, params: Json) -> CommandSpec {
        self.raw(call(self.root, 0, method, Some(params)))
    }

    fn raw(&self, payload: String) -> CommandSpec {
        CommandSpec { topic: format!("{}/rpc", self.root), payload, ..CommandSpec::default() }
    }

    fn id(&self) -> Json {
        self.number.parse::<u32>().map_or(Json::Null, Json::from)
    }

    fn sensor(&self, measure: &Measure) -> EntityDescription {
        let named = self.set("name");
        let name = match (named, measure.name) {
            (_, "") => self.name(),
            (_, name) if self.number.is_empty() => name.to_owned(),
            (Some(own), name) => format!("{own} {}", name.to_lowercase()),
            (None, name) => format!("{name} {}", self.number),
        };
        let mut entity = self.entity(Component::Sensor, measure.attribute, name);
        let word = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        (entity.unit, entity.device_class) = (word(measure.unit), word(measure.class));
        entity.state_class =
            Some(if measure.class == "energy" { "total_increasing" } else { "measurement" }.to_owned());
        if measure.class == "signal_strength"
            || measure.attribute == "temperature"
            || measure.class == "battery"
            || self.kind == "sys"
        {
            entity.category = Some("diagnostic".to_owned());
        }
        let path = |place: &str| format!("{place}.{}{}", measure.attribute, measure.way);
        entity.sources = self.sources("", |place| match measure.factor {
            1.0 => path(place),
            factor => format!("{} | is_defined | float * {factor}", path(place)),
        });
        entity
    }

    /// What the board tells of itself in words.
    fn text(&self, attribute: &str, name: &str, expression: impl Fn(&str) -> String) -> EntityDescription {
        let mut entity = self.entity(Component::Sensor, attribute, name.to_owned());
        entity.category = Some("diagnostic".to_owned());
        entity.sources = self.sources("", expression);
        entity
    }

    fn texts(&self, told: &[(&str, &str)]) -> Vec<EntityDescription> {
        let told = told.iter().filter(|(attribute, _)| self.tells(attribute));
        told.map(|(attribute, name)| self.text(attribute, name, |place| format!("{place}.{attribute}")))
            .collect()
    }

    fn reset_reason(&self) -> EntityDescription {
        let mut entity = self.text("reset_reason", "Restart reason", |place| format!("{place}.reset_reason"));
        for source in &mut entity.sources {
            let words = RESET_REASONS.map(|(number, word)| (number.to_owned(), Value::Text(word.to_owned())));
            source.map = words.into();
        }
        entity
    }

    fn event(&self) -> EntityDescription {
        let mut entity = self.entity(Component::Event, "event", self.name());
        entity.device_class = Some("button".to_owned());
        let kinds = ["btn_down", "btn_up", "single_push", "double_push", "triple_push", "long_push"];
        entity.features = Some(Box::new(Features::Event(EventFeatures {
            event_types: kinds.map(ToOwned::to_owned).to_vec(),
        })));
        let template = format!(
            "{{% set e = value_json.params.events | selectattr('component', 'eq', '{}') | first if \
             value_json.params.events else none %}}{{{{ {{'event_type': e.event}} | tojson if e.event in {} }}}}",
            self.component,
            json!(kinds),
        );
        entity.sources.push(StateSource {
            topic: format!("{}/{}", self.root, super::message::EVENTS),
            template: Some(template),
            ..StateSource::default()
        });
        entity
    }

    fn restart(&self) -> EntityDescription {
        let mut entity = self.entity(Component::Button, "restart", "Restart".to_owned());
        entity.device_class = Some("restart".to_owned());
        entity.category = Some("config".to_owned());
        entity.commands.insert("press".to_owned(), self.raw(call(self.root, 0, "Shelly.Reboot", None)));
        entity
    }
}

/// What is on or off by its field `told`, and is set by the parameter `set` of a method.
fn switch(part: &Part, told: &str, method: &str, set: &str) -> EntityDescription {
    let mut entity = part.entity(Component::Switch, "", part.name());
    entity.sources = part.on_off(told);
    for (verb, on) in [("turn_on", true), ("turn_off", false)] {
        let command = part.call(method, json!({ "id": part.id(), set: on }));
        entity.commands.insert(verb.to_owned(), command);
    }
    entity
}

/// The entity a component is there for.
fn main(part: &Part) -> Option<EntityDescription> {
    match part.kind {
        "switch" => Some(switch(part, "output", "Switch.Set", "on")),
        "input" if part.attributes.get("state") == Some(&Json::Bool(true)) => {
            let mut entity = part.entity(Component::BinarySensor, "", part.name());
            entity.sources = part.on_off("state");
            Some(entity)
        }
        "smoke" | "flood" => {
            let mut entity = part.entity(Component::BinarySensor, "", part.name());
            let class = if part.kind == "smoke" { "smoke" } else { "moisture" };
            entity.device_class = Some(class.to_owned());
            entity.sources = part.on_off("alarm");
            Some(entity)
        }
        "boolean" => Some(switch(part, "value", "Boolean.Set", "value")),
        "cover" => Some(cover(part)),
        "light" | "rgb" | "rgbw" | "cct" => Some(light(part)),
        _ => None,
    }
}

fn cover(part: &Part) -> EntityDescription {
    let mut entity = part.entity(Component::Cover, "", part.name());
    let words = ["open", "opening", "closed", "closing", "stopped"];
    let mut state = part.sources("", |place| format!("{place}.state"));
    for source in &mut state {
        source.map = words.map(|word| (word.to_owned(), Value::Text(word.to_owned()))).into();
    }
    entity.sources = part.sources("current_position", |place| {
        format!("{place}.current_pos if {place}.current_pos is number else ''")
    });
    entity.sources.extend(state);
    let id = part.id();
    for (verb, method) in [("open", "Cover.Open"), ("close", "Cover.Close"), ("stop", "Cover.Stop")] {
        entity.commands.insert(verb.to_owned(), part.call(method, json!({ "id": id })));
    }
    let position = part.call("Cover.GoToPosition", json!({ "id": id, "pos": "POSITION" }));
    let payload = position.payload.replace("\"POSITION\"", "{{ value|round|int }}");
    entity.commands.insert("set_position".to_owned(), CommandSpec { payload, ..position });
    entity.features = Some(Box::new(Features::Cover(CoverFeatures {
        reports_position: true,
        reports_state: true,
        ..CoverFeatures::default()
    })));
    entity
}

fn light(part: &Part) -> EntityDescription {
    let mut entity = part.entity(Component::Light, "", part.name());
    entity.sources = part.on_off("output");
    entity.sources.extend(part.sources("brightness", |place| format!("{place}.brightness")));
    let mut asked = vec![("brightness", "brightness", "{{ [(brightness * 100 / 255)|round|int, 1]|max }}")];
    let (method, color_mode) = match part.kind {
        "rgb" => ("RGB.Set", ColorMode::Rgb),
        "rgbw" => ("RGBW.Set", ColorMode::Rgbw),
        "cct" => ("CCT.Set", ColorMode::ColorTemp),
        _ => ("Light.Set", ColorMode::Brightness),
    };
    match color_mode {
        ColorMode::Rgb => {
            asked.push(("red", "rgb", "[{{ red }},{{ green }},{{ blue }}]"));
            entity
                .sources
                .extend(part.sources("rgb_color", |place| format!("{place}.rgb | is_defined | join(',')")));
        }
        ColorMode::Rgbw => {
            asked.push(("red", "rgb", "[{{ red }},{{ green }},{{ blue }}]"));
            asked.push(("white", "white", "{{ white }}"));
            entity.sources.extend(part.sources("rgbw_color", |place| {
                format!("({place}.rgb | is_defined | join(',')) ~ ',' ~ ({place}.white | default(0))")
            }));
        }
        ColorMode::ColorTemp => {
            asked.push(("color_temp", "ct", "{{ color_temp|int }}"));
            entity.sources.extend(part.sources("color_temp", |place| format!("{place}.ct")));
        }
        _ => {}
    }
    asked.push(("transition", "transition_duration", "{{ transition }}"));
    let payload = |on: bool| {
        let mut params = format!("\"id\":{},\"on\":{on}", part.id());
        for (variable, name, template) in &asked {
            params.push_str(&format!("{{% if {variable} is defined %}},\"{name}\":{template}{{% endif %}}"));
        }
        call(part.root, 0, method, Some(json!("PARAMS"))).replace("\"PARAMS\"", &format!("{{{params}}}"))
    };
    for (verb, on) in [("turn_on", true), ("turn_off", false)] {
        entity.commands.insert(verb.to_owned(), part.raw(payload(on)));
    }
    entity.features = Some(Box::new(Features::Light(LightFeatures {
        schema: LightSchema::Line,
        color_modes: vec![color_mode],
        brightness: true,
        reports_brightness: true,
        brightness_scale: 100.0,
        kelvin: true,
        min_kelvin: 2700.0,
        max_kelvin: 6500.0,
        transition: true,
        ..LightFeatures::default()
    })));
    entity
}
