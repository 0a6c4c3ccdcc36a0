//! What of the demo home moves, locks and heats: what it announces, how it says how it is, and what it obeys.
//! Covers and locks take their time, as real ones do.

use serde_json::{Value, json};

use super::boards::Kind;

/// What a board remembers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Memory {
    pub(super) on: bool,
    /// 0 to 255.
    pub(super) brightness: u8,
    /// Of a cover, percent: 0 is closed.
    position: u8,
    /// Where the cover goes.
    goal: u8,
    locked: bool,
    /// The bolt is on its way.
    turning: bool,
    heats: bool,
    /// What the thermostat keeps, °C.
    target: f64,
}

impl Memory {
    /// How everything is when the demo home starts.
    pub(super) const START: Self = Self {
        on: true,
        brightness: 160,
        position: 70,
        goal: 70,
        locked: true,
        turning: false,
        heats: true,
        target: 20.5,
    };

    /// Something is on its way: [`step`] takes it on.
    pub(super) fn is_moving(&self) -> bool {
        self.position != self.goal || self.turning
    }
}

/// How far a cover gets in one step, percent.
const STEP: u8 = 10;
/// What the thermostat takes, °C.
const TARGETS: [f64; 2] = [7.0, 28.0];

/// The component such a thing is, and what it announces of it beside its device.
pub(super) fn announced(kind: Kind, base: &str) -> Option<(&'static str, Value)> {
    let (state, set) = (format!("{base}/state"), format!("{base}/set"));
    Some(match kind {
        Kind::Light => (
            "light",
            json!({
                "schema": "json", "brightness": true, "supported_color_modes": ["brightness"],
                "flash": false, "transition": false,
                "state_topic": state, "command_topic": set,
            }),
        ),
        Kind::Camera => ("camera", json!({ "topic": format!("{base}/picture") })),
        Kind::Lock => (
            "lock",
            json!({
                "state_topic": state, "value_template": "{{ value_json.lock }}", "command_topic": set,
            }),
        ),
        Kind::Cover => (
            "cover",
            json!({
                "device_class": "blind",
                "state_topic": state, "value_template": "{{ value_json.cover }}", "command_topic": set,
                "position_topic": state, "position_template": "{{ value_json.position }}",
                "set_position_topic": format!("{set}/position"),
            }),
        ),
        Kind::Thermostat => (
            "climate",
            json!({
                "modes": ["off", "heat"], "temperature_unit": "C", "temp_step": 0.5, "precision": 0.1,
                "min_temp": TARGETS[0], "max_temp": TARGETS[1],
                "mode_state_topic": state, "mode_state_template": "{{ value_json.mode }}",
                "mode_command_topic": format!("{set}/mode"),
                "temperature_state_topic": state, "temperature_state_template": "{{ value_json.target }}",
                "temperature_command_topic": format!("{set}/temperature"),
                "current_temperature_topic": state,
                "current_temperature_template": "{{ value_json.temperature }}",
                "action_topic": state, "action_template": "{{ value_json.action }}",
            }),
        ),
        Kind::Sensor | Kind::Sleepy | Kind::TasmotaPlug => return None,
    })
}

/// How it says how it is; `measured` is the temperature at the thermostat, °C.
pub(super) fn told(kind: Kind, memory: Memory, measured: f64) -> Value {
    match kind {
        Kind::Lock => json!({ "lock": match (memory.locked, memory.turning) {
            (true, false) => "LOCKED",
            (true, true) => "UNLOCKING",
            (false, false) => "UNLOCKED",
            (false, true) => "LOCKING",
        } }),
        Kind::Cover => {
            json!({ "position": memory.position, "cover": match memory.position.cmp(&memory.goal) {
            std::cmp::Ordering::Less => "opening",
            std::cmp::Ordering::Equal => "stopped",
            std::cmp::Ordering::Greater => "closing",
        } })
        }
        Kind::Thermostat => json!({
            "mode": if memory.heats { "heat" } else { "off" },
            "target": memory.target,
            "temperature": measured,
            "action": match memory.heats {
                false => "off",
                true if measured < memory.target => "heating",
                true => "idle",
            },
        }),
        _ => json!({ "state": if memory.on { "ON" } else { "OFF" }, "brightness": memory.brightness }),
    }
}

/// Takes a command in; whether it means anything to such a thing. `what` is the topic behind `set`.
pub(super) fn obey(kind: Kind, what: &str, payload: &str, memory: &mut Memory) -> bool {
    let number = || payload.parse::<f64>().ok().filter(|number| number.is_finite());
    match (kind, what, payload) {
        (Kind::Light, "", _) => {
            let command: Value =
                serde_json::from_str(payload).unwrap_or_else(|_| json!({ "state": payload }));
            memory.on = match command["state"].as_str() {
                Some("ON") => true,
                Some("OFF") => false,
                _ => memory.on,
            };
            if let Some(brightness) = command["brightness"].as_u64() {
                memory.brightness = u8::try_from(brightness).unwrap_or(u8::MAX);
                memory.on = memory.brightness > 0;
            }
        }
        (Kind::Lock, "", "LOCK") => memory.turning = !memory.locked,
        (Kind::Lock, "", "UNLOCK") => memory.turning = memory.locked,
        (Kind::Cover, "", "OPEN") => memory.goal = 100,
        (Kind::Cover, "", "CLOSE") => memory.goal = 0,
        (Kind::Cover, "", "STOP") => memory.goal = memory.position,
        (Kind::Cover, "/position", _) => match number() {
            Some(position) => memory.goal = position.round().clamp(0.0, 100.0) as u8,
            None => return false,
        },
        (Kind::Thermostat, "/mode", "off" | "heat") => memory.heats = payload == "heat",
        (Kind::Thermostat, "/temperature", _) => match number() {
            Some(target) => memory.target = target.clamp(TARGETS[0], TARGETS[1]),
            None => return false,
        },
        _ => return false,
    }
    true
}

/// Takes what is on its way a step on.
pub(super) fn step(memory: &mut Memory) {
    memory.position = if memory.position < memory.goal {
        memory.position.saturating_add(STEP).min(memory.goal)
    } else {
        memory.position.saturating_sub(STEP).max(memory.goal)
    };
    if std::mem::take(&mut memory.turning) {
        memory.locked = !memory.locked;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_takes_its_time_and_says_so() {
        fn check(kind: Kind, what: &str, payload: &str, expected: &[&str]) {
            let mut memory = Memory::START;
            let key = if kind == Kind::Lock { "lock" } else { "cover" };
            assert!(obey(kind, what, payload, &mut memory), "{payload}");
            let mut said = vec![told(kind, memory, 20.0)[key].as_str().unwrap().to_owned()];
            while memory.is_moving() {
                step(&mut memory);
                said.push(told(kind, memory, 20.0)[key].as_str().unwrap().to_owned());
            }
            said.dedup();
            assert_eq!(said, expected, "{what} {payload}");
        }
        check(Kind::Lock, "", "UNLOCK", &["UNLOCKING", "UNLOCKED"]);
        check(Kind::Lock, "", "LOCK", &["LOCKED"]);
        check(Kind::Cover, "", "CLOSE", &["closing", "stopped"]);
        check(Kind::Cover, "/position", "85", &["opening", "stopped"]);
        check(Kind::Cover, "", "STOP", &["stopped"]);
    }

    #[test]
    fn a_thermostat_heats_below_its_target() {
        fn check(what: &str, payload: &str, measured: f64, expected: Option<&str>) {
            let mut memory = Memory::START;
            let obeyed = obey(Kind::Thermostat, what, payload, &mut memory);
            let told = told(Kind::Thermostat, memory, measured);
            assert_eq!(obeyed.then(|| told["action"].as_str().unwrap()), expected, "{what} {payload}");
        }
        check("/temperature", "23.5", 20.0, Some("heating"));
        check("/temperature", "18", 20.0, Some("idle"));
        check("/mode", "off", 5.0, Some("off"));
        check("/temperature", "warm", 20.0, None);
        check("/mode", "cool", 20.0, None);
    }
}
