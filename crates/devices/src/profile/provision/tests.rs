use serde_json::json;

use super::*;

fn profile(id: &str) -> Profile {
    Profile::built_in().into_iter().find(|profile| profile.id() == id).unwrap()
}

fn settings() -> Settings {
    Settings {
        handover: Handover {
            host: "192.168.1.7".into(),
            port: 1883,
            user: "plug".into(),
            password: "Secret1".into(),
            topic: "plug".into(),
        },
        board_password: None,
        wifi: None,
    }
}

#[test]
fn steps_are_filled_and_escaped() {
    fn check(firmware: &str, transport: Transport, settings: &Settings, expected: &[&str]) {
        let plan = profile(firmware).plan(transport, settings).unwrap().unwrap();
        let told: Vec<String> = plan
            .steps
            .iter()
            .map(|(step, _)| match step {
                Step::Http { method, path, body, .. } => {
                    format!(
                        "{method:?} {path}{}",
                        body.as_ref().map_or(String::new(), |body| format!(" {body}"))
                    )
                }
                Step::Line { text, .. } => text.clone(),
                Step::Publish { topic, payload } => format!("{topic} {payload}"),
                Step::Reappear { seconds } => seconds.to_string(),
            })
            .collect();
        assert_eq!(told, expected);
    }
    let mut with_password = settings();
    with_password.board_password = Some(Secret("a b&c".into()));
    check(
        "tasmota",
        Transport::Http,
        &with_password,
        &[
            "Get /cm?user=admin&password=a%20b%26c&cmnd=Backlog%20MqttHost%20192.168.1.7%3BMqttPort%201883%3BMqttUser%20\
           plug%3BMqttPassword%20Secret1%3BTopic%20plug%3BSetOption19%200",
        ],
    );
    check(
        "shelly-gen1",
        Transport::Http,
        &settings(),
        &[
            "Get /settings?mqtt_enable=1&mqtt_server=192.168.1.7%3A1883&mqtt_user=plug&mqtt_pass=Secret1&mqtt_id=plug",
            "Get /reboot",
        ],
    );
    check(
        "wled",
        Transport::Http,
        &settings(),
        &[
            r#"Post /json/cfg {"if":{"mqtt":{"en":true,"broker":"192.168.1.7","port":1883,"user":"plug","psk":"Secret1","cid":"plug","topics":{"device":"wled/plug"}}}}"#,
            r#"Post /json/cfg {"rb":true}"#,
        ],
    );
    let mut with_wifi = settings();
    with_wifi.wifi = Some(Wifi { ssid: "Home".into(), password: "x".into() });
    check(
        "tasmota",
        Transport::Serial,
        &with_wifi,
        &[
            "SSId1 Home",
            "Password1 x",
            "Backlog MqttHost 192.168.1.7; MqttPort 1883; MqttUser plug; MqttPassword Secret1; Topic plug; SetOption19 0",
        ],
    );
    assert_eq!(profile("esphome").plan(Transport::Http, &settings()).unwrap(), None);
}

#[test]
fn a_board_that_moves_keeps_its_user_and_password() {
    for profile in Profile::built_in() {
        for transport in profile.moved_transports() {
            let plan = profile.moved_plan(transport, &settings()).unwrap().unwrap();
            for (step, _) in plan.steps {
                let (Step::Http { path: a, body: Some(b), .. } | Step::Publish { topic: a, payload: b }) =
                    step
                else {
                    continue;
                };
                assert!(!a.contains("Secret1") && !b.contains("Secret1") && !b.contains("user"), "{a} {b}");
            }
        }
    }
}

#[test]
fn nothing_that_carries_a_secret_shows_it() {
    let mut settings = settings();
    settings.board_password = Some(Secret("Board1".into()));
    settings.wifi = Some(Wifi { ssid: "Home".into(), password: "Wifi1".into() });
    for profile in Profile::built_in() {
        for transport in profile.transports() {
            let told = format!("{:?} {settings:?}", profile.plan(transport, &settings).unwrap());
            for secret in ["Secret1", "Board1", "Wifi1"] {
                assert!(!told.contains(secret), "{told}");
            }
        }
    }
}

#[test]
fn a_board_is_recognised_by_what_it_answers() {
    fn check(probe: &str, answer: Json, expected: &[(&str, bool, Option<&str>)]) {
        let found: Vec<(String, bool, Option<String>)> = Profile::built_in()
            .into_iter()
            .filter_map(|profile| {
                let board = profile.recognise(probe, &answer)?;
                Some((profile.id().to_owned(), board.locked, board.mac))
            })
            .collect();
        let expected: Vec<_> = expected
            .iter()
            .map(|(id, locked, mac)| ((*id).to_owned(), *locked, mac.map(ToOwned::to_owned)))
            .collect();
        assert_eq!(found, expected, "{answer}");
    }
    let status = json!({ "Status": { "DeviceName": "Plug" }, "StatusFWR": { "Version": "15.2.0", "Hardware": "ESP8266EX" },
        "StatusNET": { "Mac": "5C:CF:7F:A1:B2:C3" } });
    check("/cm?cmnd=Status%200", status, &[("tasmota", false, Some("5CCF7FA1B2C3"))]);
    let locked = json!({ "WARNING": "Need user=<username>&password=<password>" });
    check("/cm?cmnd=Status%200", locked, &[("tasmota", true, None)]);
    let gen1 = json!({ "type": "SHSW-25", "mac": "A4CF12F3D2E1", "auth": true, "fw": "1.14.0" });
    check("/shelly", gen1, &[("shelly-gen1", true, Some("A4CF12F3D2E1"))]);
    let gen2 = json!({ "id": "shellyplus1-a8032abe54dc", "mac": "A8032ABE54DC", "model": "SNSW-001X16EU", "gen": 2,
        "auth_en": false, "name": null });
    check("/shelly", gen2, &[("shelly-gen2", false, Some("A8032ABE54DC"))]);
    let wled = json!({ "ver": "0.14.4", "brand": "WLED", "name": "Strip", "mac": "aabbccddeeff" });
    check("/json/info", wled, &[("wled", false, Some("AABBCCDDEEFF"))]);
    check("/json/info", json!({ "brand": "other" }), &[]);
    check("/shelly", json!([1, 2]), &[]);
}

#[test]
fn a_client_is_recognised_by_its_id_or_its_will() {
    fn check(client_id: &str, will: Option<&str>, expected: &[&str]) {
        let profiles = Profile::built_in();
        let found: Vec<&str> = profiles
            .iter()
            .filter(|profile| profile.knows_client(client_id, will))
            .map(Profile::id)
            .collect();
        assert_eq!(found, expected, "{client_id}");
    }
    check("DVES_A1B2C3", None, &["tasmota"]);
    check("shelly1-A1B2C3", None, &["shelly-gen1"]);
    check("shellyplus1-a8032abe54dc", None, &["shelly-gen2"]);
    check("x", Some("wled/a1b2c3/status"), &["wled"]);
    check("x", Some("shellies/a/online"), &["shelly-gen1"]);
    check("x", Some("tele/plug/LWT"), &["tasmota"]);
    check("x", None, &[]);
    assert_eq!(profile("tasmota").topic_of_will("tele/plug/LWT").as_deref(), Some("plug"));
}

#[test]
fn a_block_that_cannot_be_carried_out_is_told() {
    fn check(block: &str, expected: &str) {
        let text = format!("schema = 1\n[firmware]\nid = 'x'\nname = 'X'\n[[provision]]\n{block}");
        let error = Profile::parse("x.toml", &text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    check("transport = 'serial'\nsteps = [{ get = '/' }]", "cannot be carried that way");
    check("transport = 'http'\nsteps = [{ get = '/', line = 'x' }]", "does one thing");
    check("transport = 'http'\nsteps = [{ wait_client = 5 }, { get = '/' }]", "last step");
    check("transport = 'http'\nsteps = [{ get = '/{{' }]", "the template");
    check("transport = 'http'\nsteps = [{ get = '/', wait = 1 }]", "unknown field `wait`");
    check("transport = 'http'\nsteps = [{ wait_client = 6000 }]", "at most 600");
}
