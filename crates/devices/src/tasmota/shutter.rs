//! Shutters: two relays in a row are one.

use std::collections::BTreeMap;

use model::features::CoverFeatures;
use model::{Component, EntityDescription, Features, Value};
use serde_json::Value as Json;

use super::board::{Board, source};

/// What a relay is if it belongs to a shutter.
const SHUTTER: i64 = 3;
/// Most shutters of a board.
const SHUTTERS_MAX: usize = 16;
/// The bit of a shutter's options that turns its scale around.
const INVERTED: i64 = 1;

/// A cover for each pair of relays. A relay without its other half makes none of them to be trusted.
pub(super) fn shutters(board: &Board) -> Vec<EntityDescription> {
    let relays = board.numbers("rl");
    let (mut pairs, mut at) = (0, 0);
    while at < relays.len() {
        match (relays[at], relays.get(at + 1)) {
            (SHUTTER, Some(&SHUTTER)) => {
                pairs += 1;
                at += 2;
            }
            (SHUTTER, _) => return Vec::new(),
            _ => at += 1,
        }
    }
    (0..pairs.min(SHUTTERS_MAX)).map(|index| shutter(board, index)).collect()
}

fn shutter(board: &Board, index: usize) -> EntityDescription {
    let number = index + 1;
    let inverted = board.numbers("sho").get(index).is_some_and(|options| options & INVERTED != 0);
    let tilt: Vec<f64> = match board.list("sht").get(index) {
        Some(Json::Array(items)) => items.iter().filter_map(Json::as_f64).collect(),
        _ => Vec::new(),
    };
    let mut entity = EntityDescription::new(format!("{}_cover_shutter_{index}", board.mac), Component::Cover);
    entity.name = Some(format!("cover {number}"));
    entity.device_class = Some("shutter".to_owned());
    let (closed, open) = if inverted { (100.0, 0.0) } else { (0.0, 100.0) };
    let mut features = CoverFeatures {
        position_closed: closed,
        position_open: open,
        reports_position: true,
        reports_state: true,
        ..CoverFeatures::default()
    };
    let has_tilt = matches!(tilt.as_slice(), [min, max, duration, ..] if *duration != 0.0 && min != max);
    if has_tilt {
        (features.tilt_min, features.tilt_max) = (tilt[0], tilt[1]);
        (features.tilt_closed, features.tilt_opened) = (tilt[0], tilt[1]);
    }
    let (up, down) = if inverted { ("closing", "opening") } else { ("opening", "closing") };
    let words: BTreeMap<String, Value> = ["open", "opening", "closed", "closing"]
        .map(|word| (word.to_owned(), Value::Text(word.to_owned())))
        .into();
    let topics = [
        (format!("{}RESULT", board.stat), "value_json"),
        (format!("{}SENSOR", board.tele), "value_json"),
        (format!("{}STATUS10", board.stat), "value_json.StatusSNS"),
    ];
    for (topic, tree) in topics {
        let path = format!("{tree}.Shutter{number}");
        let state = format!(
            "{{% set s = {path} %}}{{% if s.Position is defined %}}{{{{ '{up}' if s.Direction|default(0) > 0 \
             else '{down}' if s.Direction|default(0) < 0 else 'closed' if s.Position == {closed} else 'open' \
             }}}}{{% endif %}}"
        );
        let mut state = source(topic.clone(), state, "");
        state.map.clone_from(&words);
        entity.sources.push(state);
        entity.sources.push(source(topic.clone(), format!("{{{{ {path}.Position }}}}"), "current_position"));
        if has_tilt {
            entity.sources.push(source(topic, format!("{{{{ {path}.Tilt }}}}"), "current_tilt_position"));
        }
    }
    let mut command = |verb: &str, name: &str, payload: &str| {
        entity.commands.insert(verb.to_owned(), board.command(&format!("{name}{number}"), payload));
    };
    command("open", "ShutterOpen", "");
    command("close", "ShutterClose", "");
    command("stop", "ShutterStop", "");
    command("set_position", "ShutterPosition", "{{ value }}");
    if has_tilt {
        command("open_tilt", "ShutterTilt", "OPEN");
        command("close_tilt", "ShutterTilt", "CLOSE");
        command("set_tilt", "ShutterTilt", "{{ value }}");
    }
    entity.features = Some(Box::new(Features::Cover(features)));
    entity
}
