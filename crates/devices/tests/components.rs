//! Components: what each kind of entity makes of reports, and what it sends when it is told something.

mod common;

use common::{Talk, changes, refusals, with};
use model::{Availability, Cause};
use serde_json::{Value as Json, json};

fn home(component: &str, more: &Json) -> Talk {
    let config = with(
        json!({"name": "X", "uniq_id": "x", "cmd_t": "d/set", "stat_t": "d/state", "dev": {"ids": ["d"], "name": "D"}}),
        more,
    );
    let mut talk = Talk::new();
    talk.announce(&format!("{component}/d/x"), &config);
    talk
}

/// Tells the entity something, and lets it hear what was sent.
fn tell(talk: &mut Talk, verb: &str, with: &Json) -> Result<Vec<String>, String> {
    let with = with.as_object().cloned().unwrap_or_default();
    let order = talk.home.command("d.x", verb, None, &with).map_err(|why| why.to_string())?;
    talk.home.await_answer("d.x", &order, Cause::Person { who: "owner".into() }, talk.now_ms);
    let mut sent = Vec::new();
    for send in order.sends {
        talk.say(&send.topic, &send.payload);
        sent.push(format!("{} {}", send.topic, String::from_utf8_lossy(&send.payload)));
    }
    Ok(sent)
}

/// What is sent when an entity that was announced so, and said so, is told something.
fn check_sent(
    component: &str,
    more: &Json,
    said: &[(&str, &str)],
    verb: &str,
    args: &Json,
    expected: &[&str],
) {
    let mut talk = home(component, more);
    for (topic, payload) in said {
        talk.say(topic, payload);
    }
    let sent = tell(&mut talk, verb, args).unwrap_or_else(|why| panic!("{component} {verb} {args}: {why}"));
    assert_eq!(sent, expected, "{component} {verb} {args}");
}

/// What is not sent, and why.
fn check_refused(component: &str, more: &Json, verb: &str, args: &Json, expected: &str) {
    let told = tell(&mut home(component, more), verb, args);
    let why = told.expect_err("it is refused");
    assert!(why.contains(expected), "{component} {verb} {args}: {why}");
}

/// What the entity shows after reports: its value, or an attribute.
fn check_shown(component: &str, more: &Json, said: &[(&str, &str)], field: &str, expected: Json) {
    let mut talk = home(component, more);
    for (topic, payload) in said {
        talk.say(topic, payload);
    }
    let shown = match field {
        "" => talk.shown("d.x").into(),
        name => talk.state("d.x").attributes.get(name).cloned().unwrap_or_default(),
    };
    assert_eq!(shown, expected, "{component} {said:?}: {field}");
}

#[test]
fn covers_and_valves_count_in_percent_whatever_the_board_counts() {
    let turned =
        json!({"pos_t": "d/pos", "set_pos_t": "d/pos/set", "pos_open": 0, "pos_clsd": 200, "stat_t": null});
    check_shown("cover", &turned, &[("d/pos", "50")], "current_position", json!(75));
    check_shown("cover", &turned, &[("d/pos", "200")], "", json!("closed"));
    check_shown("cover", &turned, &[("d/pos", r#"{"position": 100}"#)], "current_position", json!(50));
    check_sent("cover", &turned, &[], "set_cover_position", &json!({"position": 75}), &["d/pos/set 50"]);
    check_refused("cover", &turned, "set_cover_position", &json!({"position": 101}), "101 is above 100");
    let tilted =
        json!({"tilt_cmd_t": "d/tilt/set", "tilt_status_t": "d/tilt", "tilt_min": 0, "tilt_max": 50});
    check_shown("cover", &tilted, &[("d/tilt", "25")], "current_tilt_position", json!(50));
    check_shown("cover", &tilted, &[("d/tilt", "51")], "current_tilt_position", Json::Null);
    check_sent(
        "cover",
        &tilted,
        &[],
        "set_cover_tilt_position",
        &json!({"tilt_position": 50}),
        &["d/tilt/set 25"],
    );
    check_sent("cover", &json!({}), &[("d/state", "opening")], "toggle", &json!({}), &["d/set STOP"]);
    check_sent("cover", &json!({}), &[("d/state", "closed")], "toggle", &json!({}), &["d/set OPEN"]);
    check_refused("cover", &json!({"pl_stop": null}), "stop_cover", &json!({}), "cannot `stop_cover`");

    let valve = json!({"reports_position": true});
    check_shown("valve", &valve, &[("d/state", "30")], "current_position", json!(30));
    check_shown(
        "valve",
        &valve,
        &[("d/state", r#"{"state": "opening", "position": 10}"#)],
        "",
        json!("opening"),
    );
    check_shown("valve", &valve, &[("d/state", r#"{"position": 0}"#)], "", json!("closed"));
    check_sent("valve", &valve, &[], "set_valve_position", &json!({"position": 40}), &["d/set 40"]);
    check_sent("valve", &valve, &[], "open_valve", &json!({}), &["d/set 100"]);
    check_shown("valve", &json!({}), &[("d/state", "closed")], "", json!("closed"));
    check_sent("valve", &json!({}), &[], "close_valve", &json!({}), &["d/set CLOSE"]);
}

#[test]
fn lights_shine_in_the_way_they_speak() {
    let colors = json!({"rgb_cmd_t": "d/rgb/set", "rgb_stat_t": "d/rgb", "bri_cmd_t": "d/bri/set", "bri_stat_t": "d/bri",
        "bri_scl": 100, "clr_temp_cmd_t": "d/ct/set", "clr_temp_stat_t": "d/ct"});
    check_shown("light", &colors, &[("d/rgb", "255,128,0")], "hs_color", json!([30.118, 100]));
    check_shown("light", &colors, &[("d/rgb", "255,128,0"), ("d/ct", "250")], "rgb_color", Json::Null);
    check_shown("light", &colors, &[("d/ct", "250")], "color_temp_kelvin", json!(4000));
    check_shown("light", &colors, &[("d/bri", "50")], "brightness", json!(128));
    check_shown("light", &colors, &[("d/bri", "0")], "brightness", Json::Null);
    check_sent(
        "light",
        &colors,
        &[],
        "turn_on",
        &json!({"hs_color": [0, 100], "brightness": 255}),
        &["d/rgb/set 255,0,0", "d/bri/set 100", "d/set ON"],
    );
    check_sent(
        "light",
        &colors,
        &[],
        "turn_on",
        &json!({"color_temp_kelvin": 4000}),
        &["d/ct/set 250", "d/set ON"],
    );
    check_sent("light", &colors, &[], "turn_on", &json!({"brightness": 0}), &["d/set OFF"]);
    check_refused("light", &colors, "turn_on", &json!({"rgb_color": [1, 2]}), "not 3 numbers");
    check_refused("light", &colors, "turn_on", &json!({"rgb_color": [1, 2, 256]}), "256 is above 255");
    check_refused(
        "light",
        &json!({}),
        "turn_on",
        &json!({"rgb_color": [1, 2, 3]}),
        "does not know `rgb_color`",
    );

    let json_light = json!({"schema": "json", "supported_color_modes": ["rgbw", "color_temp"], "brightness": true, "effect": true,
        "fx_list": ["rainbow"]});
    let said = r#"{"state": "ON", "brightness": 10, "color_mode": "rgbw", "color": {"r": 1, "g": 2, "b": 3, "w": 4}}"#;
    check_shown("light", &json_light, &[("d/state", said)], "rgbw_color", json!([1, 2, 3, 4]));
    check_shown("light", &json_light, &[("d/state", said)], "color_mode", json!("rgbw"));
    check_shown("light", &json_light, &[("d/state", said), ("d/state", "no JSON")], "", json!("on"));
    check_sent(
        "light",
        &json_light,
        &[],
        "turn_on",
        &json!({"rgb_color": [255, 255, 255], "brightness": 100, "effect": "rainbow", "transition": 2}),
        &[
            r#"d/set {"state":"ON","color":{"b":0,"g":0,"r":0,"w":255},"brightness":100,"effect":"rainbow","transition":2}"#,
        ],
    );
    check_sent("light", &json_light, &[], "turn_off", &json!({}), &[r#"d/set {"state":"OFF"}"#]);
    check_refused("light", &json_light, "turn_on", &json!({"effect": "disco"}), "none of rainbow");
}

#[test]
fn fans_have_speeds_presets_and_directions() {
    let fan = json!({"pct_cmd_t": "d/pct/set", "pct_stat_t": "d/pct", "spd_rng_max": 3, "pr_mode_cmd_t": "d/mode/set", "pr_modes": ["eco"],
        "osc_cmd_t": "d/osc", "dir_cmd_t": "d/dir"});
    check_shown("fan", &fan, &[("d/pct", "2")], "percentage", json!(66));
    check_shown("fan", &fan, &[("d/pct", "4")], "percentage", Json::Null);
    check_sent("fan", &fan, &[], "set_percentage", &json!({"percentage": 66}), &["d/pct/set 2"]);
    check_sent("fan", &fan, &[("d/pct", "1")], "increase_speed", &json!({}), &["d/pct/set 2"]);
    check_sent(
        "fan",
        &fan,
        &[],
        "turn_on",
        &json!({"percentage": 100, "preset_mode": "eco"}),
        &["d/set ON", "d/pct/set 3", "d/mode/set eco"],
    );
    check_sent("fan", &fan, &[], "oscillate", &json!({"oscillating": true}), &["d/osc oscillate_on"]);
    check_sent("fan", &fan, &[], "set_direction", &json!({"direction": "reverse"}), &["d/dir reverse"]);
    check_refused("fan", &fan, "set_preset_mode", &json!({"preset_mode": "turbo"}), "none of eco");
    check_refused("fan", &fan, "set_percentage", &json!({"percentage": -1}), "-1 is below 0");
}

#[test]
fn what_keeps_a_temperature_or_a_humidity_has_limits_and_modes() {
    let climate = json!({"mode_cmd_t": "d/mode/set", "mode_stat_t": "d/mode", "temp_cmd_t": "d/temp/set", "temp_stat_t": "d/temp",
        "min_temp": 5, "max_temp": 30, "modes": ["off", "heat"], "pow_cmd_t": null, "curr_temp_t": "d/now", "act_t": "d/action"});
    check_shown("climate", &climate, &[("d/mode", "heat")], "", json!("heat"));
    check_shown("climate", &climate, &[("d/mode", "cool")], "", json!("unknown"));
    check_shown("climate", &climate, &[("d/now", "21.5")], "current_temperature", json!(21.5));
    check_shown("climate", &climate, &[("d/action", "heating")], "hvac_action", json!("heating"));
    check_sent(
        "climate",
        &climate,
        &[],
        "set_temperature",
        &json!({"temperature": 21}),
        &["d/temp/set 21.0"],
    );
    check_sent("climate", &climate, &[], "turn_on", &json!({}), &["d/mode/set heat"]);
    check_sent("climate", &climate, &[("d/mode", "heat")], "toggle", &json!({}), &["d/mode/set off"]);
    check_refused("climate", &climate, "set_temperature", &json!({"temperature": 31}), "31 is above 30");
    check_refused("climate", &climate, "set_hvac_mode", &json!({"hvac_mode": "cool"}), "none of off, heat");

    let heater = json!({"mode_cmd_t": "d/mode/set", "temp_cmd_t": "d/temp/set", "modes": ["off", "eco"]});
    check_sent(
        "water_heater",
        &heater,
        &[],
        "set_operation_mode",
        &json!({"operation_mode": "eco"}),
        &["d/mode/set eco"],
    );
    check_refused(
        "water_heater",
        &heater,
        "set_temperature",
        &json!({"temperature": 20}),
        "20 is below 43.3",
    );

    let humidifier = json!({"hum_cmd_t": "d/hum/set", "hum_stat_t": "d/hum", "min_hum": 30, "max_hum": 80, "mode_cmd_t": "d/mode",
        "modes": ["auto"]});
    check_shown("humidifier", &humidifier, &[("d/hum", "45")], "humidity", json!(45));
    check_shown("humidifier", &humidifier, &[("d/state", "ON")], "", json!("on"));
    check_sent("humidifier", &humidifier, &[], "set_humidity", &json!({"humidity": 50}), &["d/hum/set 50"]);
    check_sent("humidifier", &humidifier, &[], "set_mode", &json!({"mode": "auto"}), &["d/mode auto"]);
    check_refused("humidifier", &humidifier, "set_humidity", &json!({"humidity": 90}), "90 is above 80");
}

#[test]
fn sirens_speak_json_unless_they_have_a_template() {
    let siren = json!({"av_tones": ["bell"]});
    check_shown("siren", &siren, &[("d/state", r#"{"state": "ON", "tone": "bell"}"#)], "tone", json!("bell"));
    check_shown("siren", &siren, &[("d/state", "OFF")], "", json!("off"));
    let args = json!({"tone": "bell", "volume_level": 0.5});
    let expected = r#"d/set {"state":"ON","tone":"bell","volume_level":0.5}"#;
    check_sent("siren", &siren, &[], "turn_on", &args, &[expected]);
    check_sent("siren", &siren, &[], "turn_off", &json!({}), &[r#"d/set {"state":"OFF"}"#]);
    let own = json!({"cmd_tpl": "{{ value }}/{{ duration }}"});
    check_sent("siren", &own, &[], "turn_on", &json!({"duration": 5}), &["d/set ON/5"]);
    check_refused("siren", &siren, "turn_on", &json!({"tone": "horn"}), "none of bell");
}

#[test]
fn alarms_want_their_code_when_they_say_so() {
    let alarm =
        json!({"code": "1234", "cod_arm_req": false, "cmd_tpl": r#"{"a":"{{ action }}","c":"{{ code }}"}"#});
    check_sent(
        "alarm_control_panel",
        &alarm,
        &[],
        "alarm_arm_away",
        &json!({}),
        &[r#"d/set {"a":"ARM_AWAY","c":"None"}"#],
    );
    check_sent(
        "alarm_control_panel",
        &alarm,
        &[],
        "alarm_disarm",
        &json!({"code": "1234"}),
        &[r#"d/set {"a":"DISARM","c":"1234"}"#],
    );
    check_refused("alarm_control_panel", &alarm, "alarm_disarm", &json!({"code": "1"}), "the code is wrong");
    check_refused("alarm_control_panel", &alarm, "alarm_disarm", &json!({}), "wants its code");
    let few = json!({"sup_feat": ["arm_home"]});
    check_refused("alarm_control_panel", &few, "alarm_arm_away", &json!({}), "It knows `arm_home`, `disarm`");
    check_shown("alarm_control_panel", &json!({}), &[("d/state", "pending")], "", json!("pending"));
}

#[test]
fn machines_are_sent_off_and_say_what_they_do() {
    let vacuum = json!({"sup_feat": ["start", "fan_speed", "send_command"], "fanspd_lst": ["low"], "set_fan_spd_t": "d/speed",
        "send_cmd_t": "d/send"});
    check_shown(
        "vacuum",
        &vacuum,
        &[("d/state", r#"{"state": "cleaning", "fan_speed": "low"}"#)],
        "fan_speed",
        json!("low"),
    );
    check_shown("vacuum", &vacuum, &[("d/state", r#"{"state": "flying"}"#)], "", json!("unknown"));
    check_sent("vacuum", &vacuum, &[], "start", &json!({}), &["d/set start"]);
    check_sent("vacuum", &vacuum, &[], "set_fan_speed", &json!({"fan_speed": "low"}), &["d/speed low"]);
    check_sent(
        "vacuum",
        &vacuum,
        &[],
        "send_command",
        &json!({"command": "44", "params": {"key": 1}}),
        &[r#"d/send {"command":"44","key":1}"#],
    );
    check_refused("vacuum", &vacuum, "locate", &json!({}), "cannot `locate`");

    let mower =
        json!({"act_stat_t": "d/activity", "strt_mw_cmd_t": "d/mow", "strt_mw_cmd_tpl": "go {{ value }}"});
    check_shown("lawn_mower", &mower, &[("d/activity", "mowing")], "", json!("mowing"));
    check_sent("lawn_mower", &mower, &[], "start_mowing", &json!({}), &["d/mow go start_mowing"]);
}

#[test]
fn what_happens_and_what_could_be_installed() {
    let event = json!({"evt_typ": ["press"]});
    let mut talk = home("event", &event);
    let press = r#"{"event_type": "press", "button": 2}"#;
    assert!(changes(&talk.say("d/state", press))[0].value_changed());
    assert_eq!(changes(&talk.say("d/state", press)).len(), 1, "the same again is another event");
    assert_eq!((talk.shown("d.x"), &talk.state("d.x").attributes["button"]), ("press".into(), &json!(2)));
    assert!(!refusals(&talk.say("d/state", r#"{"event_type": "kick"}"#)).is_empty());

    let update = json!({"pl_inst": "install", "l_ver_t": "d/latest"});
    check_shown("update", &update, &[("d/state", "1.0")], "", json!("unknown"));
    check_shown("update", &update, &[("d/state", "1.0"), ("d/latest", "1.1")], "", json!("on"));
    check_shown(
        "update",
        &update,
        &[("d/state", r#"{"installed_version": "2", "latest_version": "2"}"#)],
        "",
        json!("off"),
    );
    check_sent("update", &update, &[], "install", &json!({}), &["d/set install"]);
    check_shown(
        "image",
        &json!({"url_t": "d/url"}),
        &[("d/url", "http://x/y.png")],
        "",
        json!("http://x/y.png"),
    );
}

#[test]
fn plain_kinds_take_what_is_theirs() {
    check_refused(
        "number",
        &json!({"min": 0, "max": 10, "step": 0.5}),
        "set_value",
        &json!({"value": 0.7}),
        "0.5 is the next",
    );
    check_sent(
        "number",
        &json!({"min": 0, "max": 10, "step": 0.1}),
        &[],
        "set_value",
        &json!({"value": 0.7}),
        &["d/set 0.7"],
    );
    check_shown("number", &json!({"max": 10}), &[("d/state", "11")], "", json!("unknown"));
    check_sent("select", &json!({"ops": ["a"]}), &[], "select_option", &json!({"option": "a"}), &["d/set a"]);
    check_refused("text", &json!({"ptrn": "[a-z]+"}), "set_value", &json!({"value": "A1"}), "does not match");
    check_refused("text", &json!({"max": 3}), "set_value", &json!({"value": "long"}), "too long");
    check_sent("text", &json!({"ptrn": "[a-z]+"}), &[], "set_value", &json!({"value": "ab"}), &["d/set ab"]);
    check_sent("notify", &json!({}), &[], "send_message", &json!({"message": "hi"}), &["d/set hi"]);
    check_sent(
        "lock",
        &json!({"cmd_tpl": "{{ value }}:{{ code }}"}),
        &[],
        "lock",
        &json!({"code": "7"}),
        &["d/set LOCK:7"],
    );
    check_sent("lock", &json!({"pl_open": "OPEN"}), &[], "open", &json!({}), &["d/set OPEN"]);
    let coded = json!({"cmd_tpl": r#"{"do":"{{ value }}","code":"{{ code }}"}"#, "cod_form": "^\\d{4}$"});
    check_sent(
        "lock",
        &coded,
        &[],
        "unlock",
        &json!({"code": "0815"}),
        &[r#"d/set {"do":"UNLOCK","code":"0815"}"#],
    );
    check_refused("lock", &coded, "unlock", &json!({"code": "12"}), "the code does not match");
    let begun = json!({"cmd_tpl": "{{ value }} {{ code }}", "cod_form": "\\d{2}"});
    check_sent("lock", &begun, &[], "unlock", &json!({"code": "12x"}), &["d/set UNLOCK 12x"]);
    check_refused(
        "light",
        &json!({"schema": "json"}),
        "turn_on",
        &json!({"transition": -1}),
        "transition -1 is below 0",
    );
    check_refused("lock", &coded, "lock", &json!({}), "it wants its code");
    let any = json!({"cmd_tpl": "{{ value }} {{ code }}"});
    check_sent("lock", &any, &[], "lock", &json!({"code": 7}), &["d/set LOCK 7"]);
    check_sent("lock", &any, &[], "lock", &json!({}), &["d/set LOCK None"]);
    check_sent("scene", &json!({"pl_on": "2"}), &[], "turn_on", &json!({}), &["d/set 2"]);
    check_shown("device_tracker", &json!({}), &[("d/state", "school")], "", json!("school"));
    check_shown("device_tracker", &json!({"pl_home": "1"}), &[("d/state", "1")], "", json!("home"));
    check_shown(
        "sensor",
        &json!({"dev_cla": "enum", "ops": ["a"]}),
        &[("d/state", "b")],
        "",
        json!("unknown"),
    );
    let reset =
        json!({"stat_cla": "total", "lrst_val_tpl": "{{ value_json.r }}", "val_tpl": "{{ value_json.v }}"});
    check_shown(
        "sensor",
        &reset,
        &[("d/state", r#"{"v": 1, "r": "2020-01-02 08:11:00"}"#)],
        "last_reset",
        json!("2020-01-02T08:11:00"),
    );
}

#[test]
fn what_nothing_reports_is_taken_for_granted_once_it_is_sent() {
    let mut light = home("light", &json!({"stat_t": null, "bri_cmd_t": "d/bri", "rgb_cmd_t": "d/rgb"}));
    tell(&mut light, "turn_on", &json!({"brightness": 50, "rgb_color": [255, 0, 0]})).unwrap();
    assert_eq!((light.shown("d.x"), &light.state("d.x").attributes["brightness"]), ("on".into(), &json!(50)));
    assert_eq!(light.state("d.x").attributes["rgb_color"], json!([255, 0, 0]));
    assert!(light.state("d.x").cause.is_some(), "it knows who wanted it");
    tell(&mut light, "toggle", &json!({})).unwrap();
    assert_eq!(light.shown("d.x"), "off");

    // What is reported waits for the report, unless the device wants it assumed.
    let mut plain = home("switch", &json!({}));
    tell(&mut plain, "turn_on", &json!({})).unwrap();
    assert_eq!(plain.shown("d.x"), "unknown");
    let mut sure = home("switch", &json!({"opt": true}));
    tell(&mut sure, "turn_on", &json!({})).unwrap();
    assert_eq!(sure.shown("d.x"), "on");

    // A fan that only reports whether it runs.
    let mut fan = home("fan", &json!({"pct_cmd_t": "d/pct"}));
    tell(&mut fan, "set_percentage", &json!({"percentage": 40})).unwrap();
    assert_eq!(
        (fan.shown("d.x"), &fan.state("d.x").attributes["percentage"]),
        ("unknown".into(), &json!(40))
    );
}

#[test]
fn a_value_that_has_to_be_confirmed_is_not_there_before_it_is_said() {
    let mut talk = home("sensor", &json!({"exp_aft": 4, "avty_t": "d/status"}));
    talk.say("d/status", "online");
    assert_eq!(talk.state("d.x").availability, Availability::Unavailable);
    talk.say("d/state", "5");
    assert_eq!((talk.state("d.x").availability, talk.shown("d.x")), (Availability::Available, "5".into()));
}

#[test]
fn announcements_that_contradict_themselves_are_refused() {
    fn check(component: &str, more: &Json, expected: &str) {
        let config =
            with(json!({"uniq_id": "x", "cmd_t": "d/set", "stat_t": "d/state", "dev": {"ids": ["d"]}}), more);
        let mut talk = Talk::new();
        let effects = talk.announce(&format!("{component}/d/x"), &config);
        let refused = refusals(&effects);
        assert!(
            refused.first().is_some_and(|refused| refused.why.contains(expected)),
            "{component} {more}: {refused:?}"
        );
    }
    check("cover", &json!({"pos_open": 5, "pos_clsd": 5}), "are the same");
    check(
        "cover",
        &json!({"set_pos_t": "d/pos"}),
        "`set_position_topic` says nothing without `position_topic`",
    );
    check("light", &json!({"schema": "json", "supported_color_modes": ["onoff", "rgb"]}), "stand alone");
    check("light", &json!({"schema": "legacy"}), "`schema` is");
    check("fan", &json!({"spd_rng_min": 0}), "speed_range_min");
    check("fan", &json!({"pr_mode_cmd_t": "d/m"}), "without `preset_modes`");
    check("humidifier", &json!({}), "target_humidity_command_topic");
    check("climate", &json!({"pr_modes": ["none"]}), "no preset");
    check("event", &json!({}), "event_types");
    check("image", &json!({}), "image_topic");
    check("sensor", &json!({"ops": ["a"]}), "device class `enum`");
    check("sensor", &json!({"stat_cla": "sum"}), "`state_class` is");
    check("text", &json!({"max": 300}), "`max` is 300");
    check("text", &json!({"ptrn": "(a"}), "`pattern` cannot be read");
    check("valve", &json!({"reports_position": true, "pl_open": "1"}), "reports its position");
    check("device_tracker", &json!({"stat_t": null}), "state_topic");
}

#[test]
fn what_a_kind_has_of_its_own_is_written_down_and_read_back() {
    fn check(component: &str, more: &Json) {
        let talk = home(component, more);
        let entity = talk.home.entity("d.x").unwrap_or_else(|| panic!("{component} {more}"));
        let written = serde_json::to_string(entity).expect("it can be written");
        let read: model::Entity = serde_json::from_str(&written).expect("it can be read");
        assert_eq!(read, *entity, "{written}");
        // What an older Hearth wrote has no such part.
        let mut older = serde_json::to_value(entity).expect("it can be written");
        older.as_object_mut().expect("an object").remove("features");
        assert!(serde_json::from_value::<model::Entity>(older).is_ok());
    }
    check("sensor", &json!({}));
    check("light", &json!({"schema": "json", "supported_color_modes": ["rgb"], "flash": false}));
    check("cover", &json!({"pos_t": "d/pos"}));
    check("fan", &json!({}));
    check("climate", &json!({}));
    check("alarm_control_panel", &json!({"code": "1"}));
    check("siren", &json!({}));
    check("text", &json!({"ptrn": "a+"}));
    check("vacuum", &json!({}));
    check("event", &json!({"evt_typ": ["a"]}));
}
