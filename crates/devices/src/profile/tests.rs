//! Profiles as specifications: errors say where to look, each shipped file passes its own samples.

use super::*;

fn parse_error(text: &str) -> String {
    Profile::parse("my.toml", text).expect_err("the profile is wrong").to_string()
}

const HEAD: &str = "schema = 1\n[firmware]\nid = 'x'\nname = 'X'\n";

#[test]
fn errors_say_where_to_look() {
    fn check(rest: &str, line: usize, expected: &str) {
        let error = parse_error(&format!("{HEAD}{rest}"));
        assert!(error.starts_with(&format!("my.toml, line {line}: ")), "{error}");
        assert!(error.contains(expected), "{error}");
    }
    check("nam = 'Y'\n", 5, "unknown field `nam`");
    check("nam = 'Y'\n", 5, "Did you mean `name`?");
    check("[[entity]]\ncomponent = 'sensor'\nid = 'a'\ncolour = 'red'\n", 8, "Correct or remove it.");
    check("[[entity]]\ncomponent = 'light'\nid = 'a'\nfeatures = { of = 'lamp' }\n", 8, "the features");
    check(
        "[[announce]]\nkind = 'fingerprint'\ntopic = 'a/{b}'\npart = 'c'\npayload = '('\n",
        9,
        "the payload",
    );
    check("[vars]\na = '{{ b'\n", 6, "the template `{{ b`");
    check("[[announce]]\nkind = 'json'\ntopic = 'a/{b'\npart = 'c'\n[device]\nid = 'x'\n", 7, "brace");
    check("[[announce]]\nkind = 'xml'\n", 6, "unknown variant `xml`");
    check("[[announce]]\nkind = 'json'\ntopic = 'a/{b}'\npart = 'c'\n", 5, "[device] is missing");
    check("[[entity]]\ncomponent = 'sensor'\nid = 'a'\nwhen = 'a =='\n", 8, "the expression `a ==`");
    check("[[provision]]\ntransport = 'manual'\n", 5, "says nothing");
    check("[[onstart.publish]]\ntopic = 'a/#'\npayload = ''\n", 6, "the topic");
    check("[vars]\na = \"\\u007b{ b\"\n", 6, "the template `{{ b`");
    check("[[ announce ]]\nkind = 'json'\ntopic = 'a/{b}'\npart = 'c'\n", 5, "[device] is missing");
    let error = parse_error("schema = 1\n[firmware]\nname = 'X'\nid = ''\n");
    assert!(error.starts_with("my.toml, line 4: the id"), "{error}");
    let error = parse_error("schema = 2\n[firmware]\nid = 'x'\nname = 'X'\n");
    assert_eq!(
        error,
        "my.toml, line 1: the schema is 2; this program reads 1. Update Hearth or the profile."
    );
    assert!(parse_error(&"#".repeat(300_000)).contains("larger than"));
}

#[test]
fn every_shipped_profile_passes_its_own_samples() {
    for (name, text) in BUILT_IN {
        let profile = Profile::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert!(!profile.file.tests.is_empty(), "{name} has samples");
        assert_eq!(profile.failing_samples(), Vec::<String>::new(), "{name}");
    }
    assert_eq!(Profile::built_in().len(), BUILT_IN.len());
}

#[test]
fn a_sample_that_does_not_hold_is_told() {
    let (_, text) = BUILT_IN.iter().find(|(name, _)| *name == "tasmota.toml").unwrap();
    let wrong = text.replace("state = '20.4'", "state = '20.5'");
    let faults = Profile::parse("tasmota.toml", &wrong).unwrap().failing_samples();
    assert_eq!(faults.len(), 1, "{faults:?}");
    assert!(faults[0].contains("20.4"), "{faults:?}");
}

#[test]
fn a_credential_may_do_what_its_firmware_needs_and_no_more() {
    fn check(profile: &str, write: &[&str], never: &[&str]) {
        let profiles = Profile::built_in();
        let profile = profiles.iter().find(|known| known.id() == profile).unwrap();
        let variables =
            [("user", "plug"), ("topic", "plug")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let permissions = profile.acl(&variables).unwrap();
        for topic in write {
            assert!(permissions.may_write(topic), "{} writes {topic}", profile.id());
        }
        for topic in never {
            assert!(!permissions.may_write(topic), "{} must not write {topic}", profile.id());
        }
    }
    check(
        "tasmota",
        &["tele/plug/LWT", "stat/plug/RESULT", "plug/tele/SENSOR", "tasmota/discovery/00000049A3BC/config"],
        &["cmnd/plug/POWER", "cmnd/lamp/POWER", "tele/lamp/LWT", "homeassistant/switch/a/b/config"],
    );
    check(
        "esphome",
        &["plug/switch/relay/state", "homeassistant/switch/plug/relay/config", "esphome/discover/plug"],
        &["lamp/status", "homeassistant/switch/lamp/relay/config"],
    );
    check(
        "custom",
        &["plug/status", "homeassistant/sensor/plug/uptime/config", "homeassistant/device/plug/config"],
        &["home/lamp", "homeassistant/sensor/lamp/uptime/config"],
    );
}

#[test]
fn a_wildcard_in_a_variable_widens_nothing() {
    let profiles = Profile::built_in();
    let tasmota = profiles.iter().find(|profile| profile.id() == "tasmota").unwrap();
    let variables = [("topic".to_owned(), "#".to_owned())].into();
    assert!(tasmota.acl(&variables).unwrap_err().to_string().contains("wildcard"));
}

#[test]
fn snippets_are_filled_in() {
    fn check(profile: &str, language: &str, expected: &[&str]) {
        let profiles = Profile::built_in();
        let profile = profiles.iter().find(|known| known.id() == profile).unwrap();
        let handover = Handover {
            host: "192.168.1.2".into(),
            port: 1883,
            user: "plug".into(),
            password: "s3cret".into(),
            topic: "plug".into(),
        };
        let snippets = profile.snippets(&handover).unwrap();
        assert_eq!(snippets[0].language, language);
        for part in expected {
            assert!(snippets[0].text.contains(part), "{part} in {}", snippets[0].text);
        }
    }
    check(
        "tasmota",
        "text",
        &["Backlog MqttHost 192.168.1.2; MqttPort 1883; MqttUser plug; MqttPassword s3cret;"],
    );
    check("esphome", "yaml", &["broker: \"192.168.1.2\"", "password: \"s3cret\"", "name: plug"]);
    check(
        "custom",
        "cpp",
        &["MQTT_HOST = \"192.168.1.2\";", "MQTT_PORT = 1883;", "homeassistant/sensor/plug/uptime/config"],
    );
}

/// Text that a C compiler would put together of literals and the macro `TOPIC`.
fn c_text(source: &str, topic: &str) -> String {
    let mut text = String::new();
    let mut rest = source.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("TOPIC") {
            text.push_str(topic);
            rest = after.trim_start();
            continue;
        }
        // Literals of C and JSON escape alike here.
        let mut literals = serde_json::Deserializer::from_str(rest).into_iter::<String>();
        text.push_str(&literals.next().unwrap().unwrap());
        rest = rest[literals.byte_offset()..].trim_start();
    }
    text
}

/// The sketch of the example is read as a compiler would: what it publishes is what the hub hears.
#[test]
fn the_sketch_of_the_example_works_with_its_profile() {
    let profiles = Profile::built_in();
    let custom = profiles.iter().find(|profile| profile.id() == "custom").unwrap();
    let handover = Handover {
        host: "192.168.1.2".into(),
        port: 1883,
        user: "shed".into(),
        password: "s3cret".into(),
        topic: "garden/shed".into(),
    };
    let sketch = custom.snippets(&handover).unwrap().remove(0).text;
    let between = |from: &str, to: &str| sketch.split_once(from).unwrap().1.split_once(to).unwrap().0;
    let topic = c_text(between("#define TOPIC", "\n"), "");
    let announce = c_text(between("ANNOUNCE =", ";"), &topic);
    let variables =
        [("user", "shed"), ("topic", &topic)].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let permissions = custom.acl(&variables).unwrap();
    let mut home = custom.empty_home();
    home.set_permissions("sample", Some(permissions.clone()));
    let mut published = 0;
    for (at, call) in (1..).zip(sketch.split("mqtt.publish(").skip(1)) {
        let (to, payload) = call.split_once(");").unwrap().0.split_once(", ").unwrap();
        let to = c_text(to, &topic);
        let payload = match payload.trim_end_matches(", true") {
            "ANNOUNCE" => announce.clone(),
            literal if literal.starts_with('"') => c_text(literal, &topic),
            _ => "20".to_owned(),
        };
        assert!(permissions.may_write(&to), "the broker lets it publish {to}");
        let effects = home.handle(&samples::played(at, &to, payload.clone().into(), false), true);
        let refused = effects.iter().find(|effect| matches!(effect, crate::Effect::Refused(_)));
        assert_eq!(refused, None, "{to} {payload}");
        // Its availability came before the entity; it is retained, so the hub hears it again.
        home.handle(&samples::played(1, &format!("{topic}/status"), "online".into(), true), false);
        published += 1;
    }
    assert_eq!(published, 3, "{sketch}");
    let entity = home.entities().next().unwrap();
    assert_eq!((entity.name.as_str(), entity.description.unit.as_deref()), ("Uptime", Some("s")));
    let state = home.state(&entity.id).unwrap();
    assert_eq!(state.value, model::Value::number(20.0));
    assert_eq!(state.availability, model::Availability::Available);
    assert_eq!(home.devices().next().unwrap().name, "garden/shed");
}

#[test]
fn the_published_schema_is_the_one_profiles_are_read_by() {
    const PUBLISHED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../firmware-profiles/schema.json");
    let schema = schemars::schema_for!(File);
    let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
    if std::env::var_os("HEARTH_WRITE_API").is_some() {
        std::fs::write(PUBLISHED, &text).unwrap();
    }
    let published = std::fs::read_to_string(PUBLISHED).unwrap_or_default();
    assert!(
        published == text,
        "firmware-profiles/schema.json is stale: run `HEARTH_WRITE_API=1 cargo test -p devices schema`"
    );
}
