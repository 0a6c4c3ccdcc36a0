//! Own sketches: what raw traffic gives away, and what it does not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::sync::Arc;

use devices::proposal::{Confidence, Observed, Offer, Proposal, Traffic};
use devices::{Adoption, Home};
use model::{Component, Message, Publisher, QoS, TopicFilter};
use proptest::prelude::*;

/// Time between two messages of a test unless it says otherwise, ms.
const STEP_MS: i64 = 1_000;

/// Messages as they were seen, one by one.
#[derive(Default)]
struct Told {
    traffic: Traffic,
    messages: Vec<Message>,
    id: u64,
    now_ms: i64,
}

impl Told {
    /// `who topic payload`, one a line. `who` is `user` or `user/client`, with an `!` in front when the message is to be
    /// retained; `+200 …` comes that many ms after the one before.
    fn new(lines: &str) -> Self {
        let mut told = Self { now_ms: 1_760_000_000_000, ..Self::default() };
        lines.lines().map(str::trim).filter(|line| !line.is_empty()).for_each(|line| told.line(line));
        told
    }

    /// The same lines again and again, with `{n}` counting.
    fn repeated(times: u32, lines: &str) -> Self {
        let lines: Vec<String> = (0..times).map(|n| lines.replace("{n}", &n.to_string())).collect();
        Self::new(&lines.join("\n"))
    }

    fn line(&mut self, line: &str) {
        let (after, line) = match line.strip_prefix('+').and_then(|rest| rest.split_once(' ')) {
            Some((after, rest)) => (after.parse().unwrap(), rest),
            None => (STEP_MS, line),
        };
        let mut words = line.splitn(3, ' ');
        let (who, topic, payload) =
            (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or(""));
        let retain = who.starts_with('!');
        let (user, client) =
            who.trim_start_matches('!').split_once('/').unwrap_or((who.trim_start_matches('!'), "c"));
        self.say(user, client, topic, payload.as_bytes(), retain, after);
    }

    fn say(&mut self, user: &str, client: &str, topic: &str, payload: &[u8], retain: bool, after: i64) {
        self.id += 1;
        self.now_ms += after;
        let publisher = Publisher { user: user.to_owned(), client_id: client.to_owned() };
        let (id, time_ms) = (self.id, self.now_ms);
        self.traffic.observe(&Observed { id, time_ms, topic, payload, publisher: &publisher, retain });
        self.messages.push(Message {
            id,
            time_ms,
            topic: topic.into(),
            payload: payload.to_vec().into(),
            qos: QoS::AtLeastOnce,
            retain,
            publisher: Arc::new(publisher),
            cause: None,
            properties: None,
        });
    }

    /// Makes everything that is proposed, in a home that then hears the same again; says what stays unknown there.
    fn unknown_once_accepted(&self) -> Vec<String> {
        let mut home = Home::new(Vec::new());
        for proposal in self.proposals() {
            let adoption = Adoption {
                device: None,
                name: proposal.name,
                area: None,
                credential: Some(proposal.user),
                presence: proposal.presence.map(|presence| presence.source),
                entities: proposal.offers.into_iter().map(|offer| offer.description).collect(),
            };
            home.adopt(adoption, self.now_ms).unwrap();
        }
        self.messages.iter().for_each(|message| drop(home.handle(message, true)));
        let unknown = home.states().filter(|(_, state)| state.value.is_none());
        unknown.map(|(id, _)| id.to_owned()).collect()
    }

    fn listening(mut self, client: &str, filter: &str) -> Self {
        self.traffic.listens(client, &TopicFilter::new(filter).unwrap());
        self
    }

    fn with_will(mut self, client: &str, topic: &str, payload: &str) -> Self {
        self.traffic.will(client, topic, payload.as_bytes());
        self
    }

    fn proposals(&self) -> Vec<Proposal> {
        self.traffic.propose(|_, _| false)
    }
}

/// `Name kind unit class`, and behind `<-` what tells it; a guess in brackets.
fn shown(offer: &Offer) -> String {
    let description = &offer.description;
    let kind = match (description.component, description.state_class.as_deref()) {
        (Component::Sensor, Some("measurement")) => "number".to_owned(),
        (Component::Sensor, Some(class)) => class.to_owned(),
        (Component::Sensor, None) => "words".to_owned(),
        (component, _) => serde_json::to_value(component).unwrap().as_str().unwrap().to_owned(),
    };
    let mut words = vec![description.name.clone().unwrap(), kind];
    words.extend(description.unit.clone());
    words.extend(description.device_class.clone());
    if let Some((_, command)) = description.commands.first_key_value() {
        words.push(format!("<- {}", command.topic));
    }
    let text = words.join(" ");
    if offer.confidence == Confidence::Guess { format!("({text})") } else { text }
}

/// What is proposed of the traffic: of each device a line `root: name`, then its entities.
#[track_caller]
fn check(told: &Told, expected: &[&str]) {
    let mut lines = Vec::new();
    for proposal in told.proposals() {
        lines.push(format!("{}: {}", proposal.root, proposal.name));
        if let Some(presence) = &proposal.presence {
            let source = &presence.source;
            lines.push(format!("there by {} {}/{}", source.topic, source.online, source.offline));
        }
        lines.extend(proposal.offers.iter().map(shown));
    }
    assert_eq!(lines, expected);
    assert_eq!(told.unknown_once_accepted(), Vec::<String>::new(), "what is proposed works");
}

const PUMP: &str = "
    pump garden/pump1/moisture 51{n}
    pump garden/pump1/state {\"temp\":21.{n},\"hum\":4{n},\"relay\":\"OFF\"}
    phone garden/pump1/relay/set ON
    +300 pump garden/pump1/state {\"temp\":21.5,\"hum\":40,\"relay\":\"ON\"}
    phone garden/pump1/relay/set OFF
    +400 pump garden/pump1/state {\"temp\":21.5,\"hum\":41,\"relay\":\"OFF\"}";

#[test]
fn a_sketch_becomes_one_device_with_its_numbers_and_its_switch() {
    let told = Told::repeated(3, PUMP).listening("c", "garden/pump1/relay/set");
    check(
        &told,
        &[
            "garden/pump1: Pump 1",
            "Moisture number",
            "Humidity number % humidity",
            "Relay switch <- garden/pump1/relay/set",
            "Temperature number °C temperature",
        ],
    );
    let relay = &told.proposals()[0].offers[2];
    assert_eq!(relay.key, "garden/pump1/state#relay");
    assert_eq!(relay.confidence, Confidence::Clear);
    assert!(
        relay
            .evidence
            .why
            .contains(&"Told by garden/pump1/relay/set: seen answered 6 times within 0.4 s.".to_owned()),
        "{:?}",
        relay.evidence.why
    );
    let commands = &relay.description.commands;
    assert_eq!((commands["turn_on"].payload.as_str(), commands["turn_off"].payload.as_str()), ("ON", "OFF"));
}

#[test]
fn a_command_topic_that_is_only_listened_to_is_proposed_and_said_to_be_untried() {
    let told =
        Told::repeated(3, "pump g/p/state {\"relay\":\"on\",\"temp\":2{n}}").listening("c", "g/p/relay/set");
    check(&told, &["g/p: P", "Relay switch <- g/p/relay/set", "Temperature number °C temperature"]);
    let why = &told.proposals()[0].offers[0].evidence.why;
    assert_eq!(why[1], "It listens to g/p/relay/set; nobody has told it anything there yet.");
}

#[test]
fn a_command_that_is_never_answered_tells_nothing() {
    let told = Told::new(
        "pump g/p/relay OFF
         pump g/p/relay OFF
         phone g/p/relay/set ON
         pump g/p/relay OFF
         phone g/p/relay/set ON
         pump g/p/relay OFF",
    );
    check(&told, &["g/p: P", "Relay binary_sensor"]);
}

#[test]
fn the_owner_may_be_the_one_who_tries() {
    let told = Told::new(
        "lamp g/lamp/state 0
         lamp g/lamp/state 0
         hearth/publish g/lamp/set 1
         +150 lamp g/lamp/state 1",
    );
    check(&told, &["g/lamp: Lamp", "Lamp switch <- g/lamp/set"]);
}

#[test]
fn commands_in_the_way_of_tasmota_are_found_at_the_front_of_their_topic() {
    let told = Told::new(
        "b stat/pump/POWER OFF
         b tele/pump/SENSOR {\"temp\":20.5}
         b tele/pump/SENSOR {\"temp\":20.6}
         b tele/pump/SENSOR {\"temp\":20.7}
         phone cmnd/pump/POWER ON
         +100 b stat/pump/POWER ON
         phone cmnd/pump/POWER OFF
         +100 b stat/pump/POWER OFF",
    );
    check(&told, &[": Pump", "Power switch <- cmnd/pump/POWER", "Temperature number °C temperature"]);
}

#[test]
fn a_wish_in_json_is_told_in_json() {
    let told = Told::new(
        "b g/lamp/state {\"on\":false,\"level\":10}
         b g/lamp/state {\"on\":false,\"level\":10}
         phone g/lamp/set {\"on\":true}
         +100 b g/lamp/state {\"on\":true,\"level\":10}
         phone g/lamp/set {\"level\":200}
         +100 b g/lamp/state {\"on\":true,\"level\":200}",
    );
    check(&told, &["g/lamp: Lamp", "Level number <- g/lamp/set", "On switch <- g/lamp/set"]);
    let offers = &told.proposals()[0].offers;
    assert_eq!(offers[1].description.commands["turn_on"].payload, "{\"on\":true}");
    assert_eq!(offers[0].description.commands["set"].payload, "{\"level\": {{ value }} }");
    assert_eq!(offers[0].description.max, Some(255.0));
}

#[test]
fn a_topic_without_a_word_for_it_is_a_command_when_its_board_answers() {
    let told = Told::new(
        "b g/pump/level 5
         b g/pump/level 6
         b g/pump/level 7
         b g/pump/light/state OFF
         phone/p g/pump/light ON
         +100 b g/pump/light/state ON
         phone/p g/pump/light OFF
         +100 b g/pump/light/state OFF",
    );
    check(&told, &["g/pump: Pump", "Level number", "Light switch <- g/pump/light"]);
}

#[test]
fn a_word_for_being_there_or_the_last_will_is_availability() {
    let words = Told::repeated(3, "!b g/p/status online\n b g/p/temp 2{n}");
    check(&words, &["g/p: P", "there by g/p/status online/offline", "Temperature number °C temperature"]);
    let will = Told::repeated(3, "!b g/p/lebt ja\n b g/p/temp 2{n}").with_will("c", "g/p/lebt", "nein");
    check(&will, &["g/p: P", "there by g/p/lebt ja/nein", "Temperature number °C temperature"]);
}

#[test]
fn a_gateway_is_divided_and_a_board_is_not() {
    let gateway = Told::repeated(
        3,
        "b r/kitchen/temp 2{n}
         b r/kitchen/hum 4{n}
         b r/bath/temp 2{n}
         b r/bath/hum 5{n}",
    );
    let pair = ["Humidity number % humidity", "Temperature number °C temperature"];
    check(&gateway, &["r/bath: Bath", pair[0], pair[1], "r/kitchen: Kitchen", pair[0], pair[1]]);
    let board = Told::repeated(3, "b node/soil/temp 1{n}\n b node/air/temp 2{n}\n b node/air/hum 4{n}");
    check(
        &board,
        &[
            "node: Node",
            "Air humidity number % humidity",
            "Air temperature number °C temperature",
            "Soil temperature number °C temperature",
        ],
    );
}

#[test]
fn boards_of_one_login_are_told_apart_by_their_clients_and_one_board_of_many_ids_is_one() {
    let two = Told::repeated(3, "all/a kitchen/temp 2{n}\n all/b bath/temp 2{n}");
    check(
        &two,
        &[
            "bath: Bath",
            "Temperature number °C temperature",
            "kitchen: Kitchen",
            "Temperature number °C temperature",
        ],
    );
    let random = Told::repeated(3, "all/ESP{n} node/x/temp 2{n}\n all/ESP{n} node/y/hum 4{n}");
    check(&random, &["node: Node", "X temperature number °C temperature", "Y humidity number % humidity"]);
}

#[test]
fn what_a_name_means_has_to_be_possible() {
    let told = Told::repeated(
        5,
        "b n/temp 512
         b n/vbat 3.7{n}
         b n/rssi -6{n}
         b n/luftdruck 101{n}.5
         b n/lux 1{n}00
         b n/Feuchte 4{n}.5
         b n/battery 9{n}",
    );
    check(
        &told,
        &[
            "n: N",
            "Feuchte number % humidity",
            "Battery number % battery",
            "Luftdruck number hPa pressure",
            "Brightness number lx illuminance",
            "Wi-Fi signal number dBm signal_strength",
            "Temperature number",
            "Battery voltage number V voltage",
        ],
    );
    let why = &told.proposals()[0].offers[5].evidence.why;
    assert_eq!(why[1], "“temp” is usually in °C, but 512 is not possible there; so it has no unit.");
}

#[test]
fn a_unit_behind_the_number_or_in_the_name_is_taken() {
    let told = Told::repeated(3, "b n/inside 21.{n} °C\n b n/tank_cm 10{n}\n b n/batt_mv 370{n}");
    check(
        &told,
        &["n: N", "Battery number mV voltage", "Inside number °C temperature", "Tank number cm distance"],
    );
    let template = told.proposals()[0].offers[1].description.sources[0].template.clone();
    assert_eq!(template.as_deref(), Some("{{ value | replace('°C', '') | trim }}"));
}

#[test]
fn counters_rise_and_uptimes_keep_pace() {
    let told = Told::repeated(
        6,
        "b n/energy 12.{n}
         +0 b n/pulses 4{n}
         +0 b n/uptime 10{n}",
    );
    check(
        &told,
        &[
            "n: N",
            "Energy total_increasing kWh energy",
            "Pulses total_increasing",
            "Uptime total_increasing s duration",
        ],
    );
}

#[test]
fn json_is_flattened_with_its_lists() {
    let told = Told::repeated(
        3,
        "b n/data {\"bme\":{\"temp\":21.{n},\"press\":1013},\"soil\":[5{n},61],\"note\":null}",
    );
    check(
        &told,
        &[
            "n: N",
            "Bme pressure number hPa pressure",
            "Bme temperature number °C temperature",
            "Soil 0 number % moisture",
            "Soil 1 number % moisture",
        ],
    );
    assert_eq!(told.proposals()[0].offers[2].path.as_deref(), Some("soil[0]"));
}

#[test]
fn what_a_newer_firmware_says_more_is_proposed_and_what_comes_now_and_then_is_not() {
    let before = "b n/state {\"temp\":20.5}\n".repeat(20);
    let after = "b n/state {\"temp\":20.5,\"hum\":41}\n".repeat(4);
    let [hum, temp] = ["Humidity number % humidity", "Temperature number °C temperature"];
    check(&Told::new(&format!("{before}{after}")), &["n: N", temp, hum]);
    check(&Told::new(&format!("{after}{before}")), &["n: N", temp]);
}

#[test]
fn pairs_of_words_and_bits_of_switching_names_are_on_or_off() {
    let told = Told::new(
        "b h/door open
         b h/door closed
         b h/door open
         b h/pir 1
         b h/pir 0
         b h/pir 1
         b h/bits 1
         b h/bits 0
         b h/bits 1
         b h/window {\"open\":true}
         b h/window {\"open\":false}
         b h/window {\"open\":true}",
    );
    check(
        &told,
        &[
            "h: H",
            "Bits number",
            "Door binary_sensor door",
            "Motion binary_sensor motion",
            "Window open binary_sensor window",
        ],
    );
}

#[test]
fn words_that_repeat_are_offered_as_a_guess_beside_what_is_sure() {
    let lines = "b w/mode idle\n b w/mode washing\n b w/mode idle\n b w/mode washing\n b w/temp 40.5\n";
    let told = Told::new(&lines.repeat(3));
    check(&told, &["w: W", "(Mode words)", "Temperature number °C temperature"]);
}

#[test]
fn what_is_taken_is_left_out_and_the_rest_is_still_proposed() {
    let told = Told::repeated(3, PUMP);
    let taken = |topic: &str, template: Option<&str>| {
        topic == "garden/pump1/moisture" || template == Some("{{ value_json.temp }}")
    };
    let proposals = told.traffic.propose(taken);
    let names: Vec<_> =
        proposals[0].offers.iter().map(|offer| offer.description.name.clone().unwrap()).collect();
    assert_eq!(names, ["Humidity", "Relay"]);
    assert_eq!(told.traffic.propose(|_, _| true), []);
}

#[test]
fn nothing_is_proposed_of_what_says_nothing() {
    // Said once or twice.
    check(&Told::new("b a/temp 20\n b a/temp 21"), &[]);
    // A new topic for every message.
    check(&Told::repeated(20, "b log/{n} 5"), &[]);
    // Texts that never repeat.
    check(&Told::repeated(20, "b chat/room hello number {n}"), &[]);
    // Hearth itself, and the demo home.
    check(&Told::repeated(5, "hearth/automation/x a/temp 2{n}\n demo-hall/x b/temp 2{n}"), &[]);
    // Only commands, and nobody that answers.
    check(&Told::repeated(5, "phone a/relay/set ON"), &[]);
    // Being there is no entity.
    check(&Told::repeated(5, "!b a/status online"), &[]);
    // Who it is, and what time it has.
    check(
        &Told::repeated(
            5,
            "b a/info {\"ip\":\"10.0.0.2\",\"version\":3,\"ts\":1760000000,\"mac\":\"aa:bb\"}",
        ),
        &[],
    );
    // Words alone are a guess.
    check(&Told::repeated(5, "b a/mode idle\n b a/mode busy"), &[]);
    // Broken JSON.
    check(&Told::repeated(5, "b a/state {\"temp\":2{n}"), &[]);
    // One retained number may be anybody's setting.
    check(&Told::new("!b a/threshold 5"), &[]);
}

#[test]
fn pictures_and_long_lists_are_nothing_to_make_an_entity_of() {
    let mut told = Told::default();
    for _ in 0..5 {
        told.say("cam", "c", "cam/picture", &[0xff, 0xd8, 0xff, 0x00], false, 1_000);
        told.say("cam", "c", "cam/long", "1".repeat(5_000).as_bytes(), false, 1_000);
        told.say("cam", "c", "cam/chart", format!("[{}1]", "1,".repeat(200)).as_bytes(), false, 1_000);
    }
    check(&told, &[]);
}

fn message() -> impl Strategy<Value = (String, String, String)> {
    let who = prop::sample::select(vec!["a/1", "a/2", "b/1", "!b/1", "hearth/x"]);
    let level = || {
        prop::sample::select(vec![
            "g", "pump", "relay", "temp", "state", "set", "cmnd", "0", "", "{{ x }}", "ä",
        ])
    };
    let topic = prop::collection::vec(level(), 1..5).prop_map(|levels| levels.join("/"));
    let payload = prop_oneof![
        prop::sample::select(vec![
            "ON",
            "OFF",
            "1",
            "0",
            "21.5",
            "21.5 °C",
            "online",
            "offline",
            "toggle",
            "{\"a\":1}",
            "{\"{{ a\":\"ON\"}",
            "[1,2]",
            "{\"relay\":\"ON\",\"x\":[{\"it's\":2}]}",
            "1e400",
            "-0",
            "NaN",
            "{",
        ])
        .prop_map(ToOwned::to_owned),
        "\\PC{0,20}",
    ];
    (who.prop_map(ToOwned::to_owned), topic, payload)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn whatever_is_said_what_is_proposed_can_be_accepted(said in prop::collection::vec(message(), 0..60)) {
        let mut told = Told { now_ms: 1_760_000_000_000, ..Told::default() };
        for (who, topic, payload) in said.iter().chain(&said) {
            told.line(&format!("{who} {} {payload}", topic.replace(' ', "")));
        }
        told.unknown_once_accepted();
        let keys: Vec<String> = told.proposals().into_iter().flat_map(|one| one.offers).map(|offer| offer.key).collect();
        let once: std::collections::BTreeSet<&String> = keys.iter().collect();
        prop_assert_eq!(once.len(), keys.len());
    }
}
