//! Firmwares with an announcement of their own, or none: Tasmota, Homie, Shelly. Each says in its own way what it is,
//! and each row is held against what comes of it.

use devices::{Effect, Home};
use model::{Availability, Component, Device, Entity};
use serde_json::{Value as Json, json};

use crate::announcements::{bare_tasmota, ensure};
use crate::common::{Talk, refusals};
use crate::expectation::{self, word};
use crate::reader::{Corpus, text};
use crate::score::Scores;

/// The firmwares of this module.
pub(crate) const FIRMWARES: &[&str] =
    &["homie3", "homie4", "homie5", "shelly-gen1", "shelly-gen2", "tasmota"];

pub(crate) fn score(corpus: &Corpus, scores: &mut Scores) {
    let rows = corpus.rows("announcements");
    for row in rows.iter().filter(|row| FIRMWARES.contains(&text(row, "firmware"))) {
        let what = format!("{} {}", text(row, "topic"), text(row, "payload"));
        let outcome = match (text(row, "firmware"), row.get("expect")) {
            ("homie3" | "homie4" | "homie5", expected) => homie(&rows, row, expected),
            (_, None) => harmless(&Talk::new().say(text(row, "topic"), text(row, "payload"))),
            (_, Some(expected)) if expected["state"] == true => {
                let mut talk = Talk::new();
                let effects = talk.say(text(row, "topic"), text(row, "payload"));
                let devices = talk.home.devices().count();
                ensure(devices == 0, || "a state message made a device".to_owned()).and(harmless(&effects))
            }
            ("shelly-gen1", Some(expected)) => shelly_gen1(row, expected),
            ("shelly-gen2", Some(expected)) => shelly_gen2(row, expected),
            (_, Some(expected)) => tasmota(row, expected),
        };
        scores.count("announcements", text(row, "firmware"), &what, &outcome);
    }
}

fn harmless(effects: &[Effect]) -> Result<(), String> {
    match refusals(effects).first() {
        None => Ok(()),
        Some(refused) => Err(format!("it is refused: {}", refused.why)),
    }
}

/// A device is the sum of its topics, and complete when it says that it is ready. The rows are some of its topics.
fn homie(rows: &[Json], row: &Json, expected: Option<&Json>) -> Result<(), String> {
    let (root, is_5) = match text(row, "topic").split('/').collect::<Vec<_>>().as_slice() {
        [domain, "5", device, ..] => (format!("{domain}/5/{device}"), true),
        [domain, device, ..] => (format!("{domain}/{device}"), false),
        _ => return Err("it is no topic of Homie".to_owned()),
    };
    let mut talk = Talk::new();
    let state = format!("{root}/$state");
    let same = |other: &&Json| {
        text(other, "topic").starts_with(&format!("{root}/")) && text(other, "topic") != state
    };
    for other in rows.iter().filter(same) {
        harmless(&talk.say(text(other, "topic"), text(other, "payload")))?;
    }
    harmless(&talk.say(&state, "ready"))?;
    let Some(expected) = expected else {
        return harmless(&talk.say(text(row, "topic"), text(row, "payload")));
    };
    let wanted = expected.get("entities").and_then(Json::as_array);
    if let Some(wanted) = wanted.filter(|_| is_5) {
        let made = talk.home.entities().count();
        ensure(made == wanted.len(), || format!("it makes {made} entities, not {}", wanted.len()))?;
        return wanted.iter().try_for_each(|one| expectation::meets_one(&talk.home, one));
    }
    expectation::meets_one(&talk.home, expected)
}

fn by_id<'a>(home: &'a Home, component: &str, unique_id: &str) -> Result<&'a Entity, String> {
    let mut known = home.entities().filter(|entity| entity.description.unique_id == unique_id);
    let found = known.find(|entity| word(&entity.description.component) == component);
    found.ok_or_else(|| format!("there is no {component} {unique_id}"))
}

fn one_device(home: &Home) -> Result<&Device, String> {
    let mut devices = home.devices();
    match (devices.next(), devices.next()) {
        (Some(device), None) => Ok(device),
        _ => Err("it does not make one device".to_owned()),
    }
}

fn same(what: &str, is: Option<&str>, wanted: &Json) -> Result<(), String> {
    let wanted = wanted.as_str();
    ensure(is == wanted, || format!("{what} is {is:?} and not {wanted:?}"))
}

/// The topics an entity listens to, and the ones it is told under.
fn has_topic(entity: &Entity, key: &str, wanted: &Json) -> Result<(), String> {
    let Some(wanted) = wanted.as_str() else { return Ok(()) };
    let is = &entity.description;
    let listens = is.sources.iter().any(|source| source.topic == wanted);
    let told = is.commands.values().any(|command| command.topic == wanted);
    ensure(listens || told, || format!("{} has no {key} {wanted}", is.unique_id))
}

/// What the reference script makes of a model. It counts watt-hours where Hearth has kWh, and has triggers of
/// buttons beside their events.
fn shelly_gen1(row: &Json, expected: &Json) -> Result<(), String> {
    let mut talk = Talk::new();
    match text(row, "topic") {
        // What a board answers on its web page: its model must be known.
        "http:/shelly" => {
            let answer: Json = serde_json::from_str(text(row, "payload")).map_err(|why| why.to_string())?;
            let announced =
                json!({"id": "board", "model": answer["type"], "mac": answer["mac"], "fw_ver": answer["fw"]});
            harmless(&talk.say("shellies/announce", announced.to_string()))?;
            ensure(talk.home.entities().count() > 0, || "its model is not known".to_owned())?;
        }
        topic => harmless(&talk.say(topic, text(row, "payload")))?,
    }
    same("model", one_device(&talk.home)?.hw_version.as_deref(), &expected["model"])?;
    for wanted in expected["entities"].as_array().into_iter().flatten() {
        let component = text(wanted, "component");
        if component == "device_automation" {
            continue;
        }
        let device = one_device(&talk.home)?;
        let entity = by_id(&talk.home, component, text(wanted, "unique_id"))?;
        let is = &entity.description;
        same("name", is.name.as_deref(), &wanted["name"])?;
        let unit = match text(wanted, "unit_of_measurement") {
            "Wh" => json!("kWh"),
            "VAR" => json!("var"),
            _ => wanted["unit_of_measurement"].clone(),
        };
        same("unit", is.unit.as_deref(), &unit)?;
        same("device_class", is.device_class.as_deref(), &wanted["device_class"])?;
        same("category", is.category.as_deref(), &wanted["entity_category"])?;
        if component == "sensor" {
            same("state_class", is.state_class.as_deref(), &wanted["state_class"])?;
        }
        same("device_name", Some(&device.name), &wanted["device_name"])?;
        same("device_model", device.model.as_deref(), &wanted["device_model"])?;
        same("device_manufacturer", device.manufacturer.as_deref(), &wanted["device_manufacturer"])?;
        same("device_sw_version", device.sw_version.as_deref(), &wanted["device_sw_version"])?;
        for key in ["state_topic", "command_topic", "position_topic", "set_position_topic"] {
            has_topic(entity, key, &wanted[key])?;
        }
        let words = is.sources.iter().flat_map(|source| source.map.keys().cloned());
        let words: Vec<String> =
            words.chain(is.commands.values().map(|command| command.payload.clone())).collect();
        for key in
            ["payload_on", "payload_off", "payload_press", "payload_open", "payload_close", "payload_stop"]
        {
            let wanted = match &wanted[key] {
                Json::Null => continue,
                Json::String(text) => text.clone(),
                other => other.to_string(),
            };
            ensure(words.contains(&wanted), || format!("{} has no {key} {wanted}", is.unique_id))?;
        }
        let available: Vec<String> = wanted["availability_topics"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|topic| {
                topic.as_str().filter(|topic| topic.ends_with("/online")).map(ToOwned::to_owned)
            })
            .collect();
        let id = entity.id.clone();
        for topic in available {
            is_told_by(&mut talk, &id, &topic, "true", "false")?;
        }
    }
    Ok(())
}

/// A topic says whether the entity is there.
fn is_told_by(talk: &mut Talk, id: &str, topic: &str, online: &str, offline: &str) -> Result<(), String> {
    talk.say(topic, offline);
    let away = talk.state(id).availability != Availability::Available;
    talk.say(topic, online);
    let there = talk.state(id).availability == Availability::Available;
    ensure(away && there, || format!("{topic} does not say whether {id} is there"))
}

/// A board's report, or its answer to a question. What its parts are called it says in another answer, which the
/// rows do not have.
fn shelly_gen2(row: &Json, expected: &Json) -> Result<(), String> {
    let (topic, payload) = (text(row, "topic"), text(row, "payload"));
    let mut talk = Talk::new();
    match topic.strip_suffix("/rpc-reply-Shelly.GetDeviceInfo") {
        Some(root) => {
            let result: Json = serde_json::from_str(payload).map_err(|why| why.to_string())?;
            let answer = json!({"id": 1, "src": root, "dst": format!("{root}/hearth"), "result": result});
            harmless(&talk.say(&format!("{root}/hearth/rpc"), answer.to_string()))?;
        }
        None => harmless(&talk.say(topic, payload))?,
    }
    same("model", one_device(&talk.home)?.model.as_deref(), &expected["model"])?;
    let Some(wanted) = expected["entities"].as_array() else { return Ok(()) };
    let mains = [Component::Switch, Component::BinarySensor, Component::Light, Component::Cover];
    let made = talk.home.entities().filter(|entity| mains.contains(&entity.description.component)).count();
    ensure(made == wanted.len(), || format!("it makes {made} main entities, not {}", wanted.len()))?;
    for one in wanted {
        let key = text(one, "key");
        by_id(&talk.home, text(one, "component"), key)?;
        for attribute in one["attrs"].as_array().into_iter().flatten().filter_map(Json::as_str) {
            let is_main = matches!(attribute, "output" | "state");
            // Who switched it is no value of the thing.
            let is_cause = attribute == "source";
            let id = format!("{key}/{attribute}");
            let known = talk.home.entities().any(|entity| entity.description.unique_id == id);
            ensure(is_main || is_cause || known, || format!("there is nothing for {id}"))?;
        }
    }
    Ok(())
}

/// What hatasmota makes of an announcement. It names one state topic for all status sensors, and listens to it
/// where it tells something of them.
fn tasmota(row: &Json, expected: &Json) -> Result<(), String> {
    let (topic, payload) = (text(row, "topic"), text(row, "payload"));
    let mut talk = Talk::new();
    let is_sensors = topic.ends_with("/sensors");
    if is_sensors {
        talk.say(&topic.replace("/sensors", "/config"), bare_tasmota().to_string());
    }
    let effects = talk.say(topic, payload);
    if expected["valid"] == false {
        return ensure(!refusals(&effects).is_empty(), || "it is not refused".to_owned());
    }
    harmless(&effects)?;
    let wanted: Vec<&Json> = expected["entities"].as_array().into_iter().flatten().collect();
    let is_main = |entity: &&Entity| {
        let is = &entity.description;
        is.category.is_none() && is.component != Component::Event
    };
    let made = talk.home.entities().filter(is_main).count();
    let mains = wanted.iter().filter(|one| one["diagnostic"] != true).count();
    ensure(made == mains, || format!("it makes {made} entities, not {mains}"))?;
    wanted.into_iter().try_for_each(|one| tasmota_entity(&mut talk, one))
}

fn tasmota_entity(talk: &mut Talk, wanted: &Json) -> Result<(), String> {
    let name = wanted.get("name").and_then(Json::as_str);
    let known = talk.home.entities().find(|entity| match wanted.get("unique_id").and_then(Json::as_str) {
        Some(id) => entity.description.unique_id == id,
        None => entity.description.name.as_deref() == name,
    });
    let entity = known.cloned().ok_or_else(|| format!("there is no {wanted}"))?;
    let is = &entity.description;
    same("component", word(&is.component).as_str(), &wanted["component"])?;
    same("name", is.name.as_deref(), &json!(name))?;
    if let Some(unit) = wanted.get("unit") {
        // Tasmota says C, people °C.
        let unit = match unit.as_str() {
            Some("C") => json!("°C"),
            Some("F") => json!("°F"),
            Some("lux") => json!("lx"),
            Some("VAr") => json!("var"),
            Some("kVArh") => json!("kvarh"),
            Some(unit) if unit.contains('µ') => json!(unit.replace('µ', "μ")),
            Some(" ") | None => Json::Null,
            Some(_) => unit.clone(),
        };
        same("unit", is.unit.as_deref(), &unit)?;
    }
    let is_status = wanted["diagnostic"] == true;
    if is_status {
        same("category", is.category.as_deref(), &json!("diagnostic"))?;
    }
    for key in ["state_topic", "state_topic1", "result_topic"] {
        if !is_status {
            has_topic(&entity, key, &wanted[key])?;
        }
    }
    if let Some(path) = wanted.get("value_path").and_then(Json::as_array) {
        let steps: Vec<String> = path.iter().map(|step| format!("[{step}]")).collect();
        let template = format!("{{{{ value_json{} }}}}", steps.concat());
        let reads = is.sources.iter().any(|source| source.template.as_deref() == Some(&template));
        ensure(reads, || format!("{} does not read {template}", is.unique_id))?;
    }
    if let Some(base) = wanted.get("command_topic").and_then(Json::as_str) {
        let below =
            !is.commands.is_empty() && is.commands.values().all(|command| command.topic.starts_with(base));
        ensure(below, || format!("{} is not told below {base}", is.unique_id))?;
    }
    for key in ["state_power_on", "state_power_off"] {
        if let Some(word) = wanted.get(key).and_then(Json::as_str) {
            let known = is.sources.iter().any(|source| source.map.contains_key(word));
            ensure(known, || format!("{} does not know {word}", is.unique_id))?;
        }
    }
    if let Some(kind) = wanted.get("light_type").and_then(Json::as_u64) {
        let modes: &[&[&str]] =
            &[&["onoff"], &["brightness"], &["color_temp"], &["hs"], &["hs", "white"], &["color_temp", "hs"]];
        let features = serde_json::to_value(&is.features).unwrap_or_default();
        let wanted = json!(modes.get(kind as usize));
        ensure(features["color_modes"] == wanted, || format!("it shines in {}", features["color_modes"]))?;
    }
    if let Some(topic) = wanted.get("availability_topic").and_then(Json::as_str) {
        let (online, offline) = (text(wanted, "availability_online"), text(wanted, "availability_offline"));
        is_told_by(talk, &entity.id, topic, online, offline)?;
        polled(talk, topic, online, wanted)?;
    }
    Ok(())
}

/// When the board comes online it is asked for what the entity shows.
fn polled(talk: &mut Talk, topic: &str, online: &str, wanted: &Json) -> Result<(), String> {
    let (poll, payload) = (text(wanted, "poll_topic"), text(wanted, "poll_payload"));
    if payload == "None" {
        return Ok(());
    }
    let effects = talk.say(topic, online);
    let asked = effects.iter().any(|effect| {
        matches!(effect, Effect::Publish(send) if send.topic == poll && send.payload == payload.as_bytes())
    });
    ensure(asked, || format!("{poll} {payload:?} is not asked"))
}
