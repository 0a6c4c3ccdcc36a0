//! Buttons and switches that report presses: events.

use model::features::EventFeatures;
use model::{Component, EntityDescription, Features};

use super::board::{Board, quoted, source};

/// What a press is called by Tasmota.
const PRESSES: [&str; 6] = ["SINGLE", "DOUBLE", "TRIPLE", "QUAD", "PENTA", "HOLD"];

/// An event for each button (SetOption73 decouples them from relays) and each switch that tells presses.
pub(super) fn buttons(board: &Board) -> Vec<EntityDescription> {
    let mut entities = Vec::new();
    if board.option("73") {
        let are_buttons =
            board.numbers("btn").into_iter().enumerate().filter(|(_, is_button)| *is_button != 0);
        for (index, _) in are_buttons {
            // SetOption13 acts at once, so that there is no more than one press.
            let presses = if board.option("13") { &PRESSES[..1] } else { &PRESSES[..] };
            let words = presses.iter().map(|press| ((*press).to_owned(), press.to_lowercase())).collect();
            let id = format!("{}_event_button_{index}", board.mac);
            entities.push(event(
                board,
                id,
                format!("Button {}", index + 1),
                &format!("Button{}", index + 1),
                words,
            ));
        }
    }
    for (index, mode) in board.numbers("swc").into_iter().enumerate() {
        let words: Vec<(String, String)> = presses(mode)
            .iter()
            .filter_map(|(at, press)| {
                Some((board.list("state").get(*at)?.as_str()?.to_owned(), (*press).to_owned()))
            })
            .collect();
        if !words.is_empty() {
            let id = format!("{}_event_switch_{index}", board.mac);
            let name = board.list("swn").get(index).and_then(|name| name.as_str());
            let name = name.map_or_else(|| format!("Switch {}", index + 1), ToOwned::to_owned);
            entities.push(event(board, id, name, &board.switch_name(index), words));
        }
    }
    entities
}

const TOGGLE: usize = 2;
const HOLD: usize = 3;

/// What the words for toggle and hold mean in a switch mode. The other modes tell a state, or nothing.
fn presses(mode: i64) -> &'static [(usize, &'static str)] {
    match mode {
        0 | 3 | 4 | 7 | 11 | 12 => &[(TOGGLE, "single")],
        5 | 6 => &[(TOGGLE, "single"), (HOLD, "hold")],
        8 => &[(TOGGLE, "single"), (HOLD, "double")],
        9 | 10 => &[(HOLD, "double")],
        _ => &[],
    }
}

fn event(
    board: &Board,
    unique_id: String,
    name: String,
    key: &str,
    words: Vec<(String, String)>,
) -> EntityDescription {
    let mut entity = EntityDescription::new(unique_id, Component::Event);
    entity.name = Some(name);
    entity.device_class = Some("button".to_owned());
    let kinds: Vec<String> = words.iter().map(|(_, kind)| format!("{{\"event_type\":\"{kind}\"}}")).collect();
    let pairs: Vec<String> = words
        .iter()
        .zip(&kinds)
        .map(|((word, _), kind)| format!("{}: {}", quoted(word), quoted(kind)))
        .collect();
    let template = format!("{{{{ {{{}}}[value_json[{}].Action] or '' }}}}", pairs.join(", "), quoted(key));
    entity.sources.push(source(format!("{}RESULT", board.stat), template, ""));
    let event_types = words.into_iter().map(|(_, kind)| kind).collect();
    entity.features = Some(Box::new(Features::Event(EventFeatures { event_types })));
    entity
}
