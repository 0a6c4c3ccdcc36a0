//! The life of a board, once for each firmware, over real TCP with a real hub: it announces itself with nothing but its
//! profile's permissions, reports, is told and answers, vanishes and returns, gets a newer firmware, is renamed,
//! replaced and removed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

use std::time::Duration;

use serde_json::{Value, json};
use testkit::hearth::{Hearth, binary};
use testkit::voices::{Cast, Firmware, Login, TalkingBoard};
use tokio::time::{sleep, timeout};

/// Longest any step may take.
const WAIT: Duration = Duration::from_secs(60);
/// Time between two looks.
const LOOK: Duration = Duration::from_millis(25);

struct Story {
    hearth: Hearth,
    firmware: Firmware,
    cast: Cast,
    _folder: tempfile::TempDir,
}

/// An entity as the home shows it: id and state.
#[derive(Debug, Clone)]
struct Seen {
    id: String,
    name: String,
    state: Value,
}

impl Story {
    async fn begin(firmware: Firmware) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hearth = Hearth::start(&binary().unwrap(), folder.path()).await.unwrap();
        Self { hearth, firmware, cast: firmware.cast(), _folder: folder }
    }

    async fn call(&self, method: &str, params: Value) -> Value {
        self.hearth.call(method, params).await.unwrap()
    }

    /// A board with a credential and the permissions of its profile.
    async fn board(&self, name: &str, serial: u8, is_new: bool) -> TalkingBoard {
        let access = self.call("add_board", json!({ "name": name, "firmware": self.cast.profile })).await;
        let text = |field: &str| access[field].as_str().unwrap().to_owned();
        let login = Login { broker: self.hearth.mqtt(), user: text("user"), password: text("secret") };
        let mut voice = self.firmware.voice(&text("topic"), serial);
        if is_new {
            voice.updates();
        }
        TalkingBoard::plug_in(login, voice).await.unwrap()
    }

    /// Asks until the home is as it should be.
    async fn until<T>(&self, what: &str, wanted: impl Fn(&Value) -> Option<T>) -> T {
        let mut home = Value::Null;
        let found = timeout(WAIT, async {
            loop {
                home = self.call("home", json!({})).await;
                if let Some(found) = wanted(&home) {
                    return found;
                }
                sleep(LOOK).await;
            }
        })
        .await;
        found.unwrap_or_else(|_| panic!("{:?}: {what} never came about; the home is {home:#}", self.firmware))
    }

    /// Of a sketch that announces nothing, everything that is proposed is accepted.
    async fn accept(&self, device: Option<&str>, entities: usize) {
        if self.firmware != Firmware::Sketch {
            return;
        }
        let proposed = timeout(WAIT, async {
            loop {
                let listed = self.call("list_proposals", json!({})).await;
                let first = listed["proposals"][0].clone();
                if first["entities"].as_array().is_some_and(|found| found.len() == entities) {
                    return first;
                }
                sleep(LOOK).await;
            }
        });
        let proposed = proposed.await.expect("a sketch is proposed");
        self.call("accept_proposal", json!({ "id": proposed["id"], "device": device })).await;
    }

    async fn device(&self) -> String {
        self.until("a device", |home| Some(home["devices"][0]["id"].as_str()?.to_owned())).await
    }

    /// What can be told, what measures.
    async fn parts(&self, device: &str) -> (Option<Seen>, Option<Seen>) {
        let Cast { actuator, sensor, .. } = self.cast;
        self.until("all entities", |home| {
            let actuator = actuator
                .map(|component| find(home, device, component, None))
                .map_or(Some(None), |found| found.map(Some));
            let sensor = sensor
                .map(|class| find(home, device, "sensor", Some(class)))
                .map_or(Some(None), |found| found.map(Some));
            Some((actuator?, sensor?))
        })
        .await
    }

    async fn shows(&self, id: &str, value: Value) {
        self.until(&format!("{id} is {value}"), |home| {
            (by_id(home, id)?.state["value"] == value).then_some(())
        })
        .await;
    }

    async fn is(&self, ids: &[&Seen], availability: &str) {
        self.until(availability, |home| {
            ids.iter()
                .all(|seen| {
                    by_id(home, &seen.id).is_some_and(|now| now.state["availability"] == availability)
                })
                .then_some(())
        })
        .await;
    }

    /// It is told the opposite of what it is, does it and says so.
    async fn tell(&self, board: &TalkingBoard, actuator: &Seen) {
        let wanted = !board.is_on();
        let verb = if wanted { "turn_on" } else { "turn_off" };
        self.call("command", json!({ "entity": actuator.id, "verb": verb })).await;
        self.shows(&actuator.id, json!(wanted)).await;
        assert_eq!(board.is_on(), wanted, "the state is the board's answer");
    }

    async fn measure(&self, board: &TalkingBoard, sensor: &Seen, value: f64) {
        board.measure(value).await.unwrap();
        self.shows(&sensor.id, json!(value)).await;
    }
}

fn seen(view: &Value) -> Option<Seen> {
    let text = |field: &str| Some(view["entity"][field].as_str()?.to_owned());
    Some(Seen { id: text("id")?, name: text("name")?, state: view["state"].clone() })
}

fn by_id(home: &Value, id: &str) -> Option<Seen> {
    home["entities"].as_array()?.iter().find(|view| view["entity"]["id"] == id).and_then(seen)
}

fn find(home: &Value, device: &str, component: &str, class: Option<&str>) -> Option<Seen> {
    let wanted = |view: &&Value| {
        let entity = &view["entity"];
        let of_class = class.is_none_or(|class| entity["device_class"] == class);
        entity["device"] == device && entity["component"] == component && of_class
    };
    home["entities"].as_array()?.iter().find(wanted).and_then(seen)
}

async fn tell(firmware: Firmware) {
    let story = Story::begin(firmware).await;
    let cast = story.cast;

    // It announces itself.
    let mut board = story.board("Kettle", 1, false).await;
    story.accept(None, 2).await;
    let device = story.device().await;
    let (actuator, sensor) = story.parts(&device).await;
    let all: Vec<&Seen> = actuator.iter().chain(&sensor).collect();
    story.is(&all, "available").await;

    // It reports.
    match (&sensor, &actuator) {
        (Some(sensor), _) => story.measure(&board, sensor, 23.25).await,
        (None, Some(actuator)) => {
            board.measure(1.0).await.unwrap();
            story.shows(&actuator.id, json!(true)).await;
        }
        (None, None) => panic!("a board has something"),
    }

    // It is told, and answers.
    if let Some(actuator) = &actuator {
        story.tell(&board, actuator).await;
        story.tell(&board, actuator).await;
    }

    // It vanishes and its will says so; it returns.
    board.lose_power();
    story.is(&all, "unavailable").await;
    board.power_up().await.unwrap();
    story.is(&all, "available").await;

    // A newer firmware changes what it has.
    board.update().await.unwrap();
    if firmware == Firmware::Sketch {
        board.measure(23.5).await.unwrap();
        board.measure(23.75).await.unwrap();
    }
    story.accept(Some(&device), 1).await;
    if let Some((component, class)) = cast.gains {
        story.until("what the newer firmware has", |home| find(home, &device, component, class)).await;
    }
    if let Some(version) = cast.version {
        let told = |home: &Value| (home["devices"][0]["sw_version"] == version).then_some(());
        story.until("the version of the newer firmware", told).await;
    }
    // What it no longer has went with the old one.
    let (actuator, sensor) = match firmware {
        Firmware::ShellyGen1 => {
            let gone = |home: &Value| find(home, &device, "switch", None).is_none().then_some(());
            story.until("the relays are a roller", gone).await;
            (None, sensor)
        }
        _ => story.parts(&device).await,
    };

    // It is renamed, and starts again.
    story.call("rename_device", json!({ "id": device, "name": "Kettle corner" })).await;
    for seen in actuator.iter().chain(&sensor) {
        story.call("rename_entity", json!({ "id": seen.id, "name": format!("My {}", seen.name) })).await;
    }
    board.lose_power();
    board.power_up().await.unwrap();
    if let Some(sensor) = &sensor {
        story.measure(&board, sensor, 24.25).await;
    }
    if let Some(actuator) = &actuator {
        story.tell(&board, actuator).await;
    }
    let home = story.call("home", json!({})).await;
    assert_eq!(home["devices"][0]["name"], "Kettle corner");
    for seen in actuator.iter().chain(&sensor) {
        assert_eq!(by_id(&home, &seen.id).unwrap().name, format!("My {}", seen.name));
    }

    // Another board takes its place: ids and names go on. What was made by hand has no board to be replaced.
    let mut last = board;
    if firmware != Firmware::Sketch {
        last.lose_power();
        let spare = story.board("Spare", 2, true).await;
        let new = story.until("the spare board", |home| {
            let devices = home["devices"].as_array()?;
            let new = devices.iter().find(|other| other["id"] != device.as_str())?["id"].as_str()?;
            let has = |component, class| find(home, new, component, class).is_some();
            let whole = cast.gains.is_none_or(|(component, class)| has(component, class))
                && sensor.as_ref().is_none_or(|_| has("sensor", cast.sensor));
            whole.then(|| new.to_owned())
        });
        let new = new.await;
        story.call("replace_device", json!({ "old": device, "new": new })).await;
        let home = story.call("home", json!({})).await;
        let devices = home["devices"].as_array().unwrap();
        assert_eq!(
            (devices.len(), &devices[0]["id"], &devices[0]["name"]),
            (1, &json!(device), &json!("Kettle corner"))
        );
        if let Some(sensor) = &sensor {
            story.measure(&spare, sensor, 25.25).await;
        }
        if let Some(actuator) = &actuator {
            story.tell(&spare, actuator).await;
        }
        last = spare;
    }

    // It is removed, and leaves nothing.
    last.lose_power();
    story.is(&actuator.iter().chain(&sensor).collect::<Vec<_>>(), "unavailable").await;
    story.call("remove_device", json!({ "id": device })).await;
    let home = story.call("home", json!({})).await;
    assert_eq!((&home["devices"], &home["entities"]), (&json!([]), &json!([])));
    story.hearth.stop().await.unwrap();
}

macro_rules! stories {
    ($($name:ident: $firmware:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                tell(Firmware::$firmware).await;
            }
        )*
    };
}

stories! {
    tasmota: Tasmota,
    esphome: Esphome,
    homie_3: Homie3,
    homie_4: Homie4,
    homie_5: Homie5,
    shelly_of_the_first_generation: ShellyGen1,
    shelly_of_the_second_generation: ShellyGen2,
    espeasy: Espeasy,
    wled: Wled,
    espurna: Espurna,
    openmqttgateway: OpenMqttGateway,
    zigbee2mqtt: Zigbee2Mqtt,
    ems_esp: EmsEsp,
    the_device_form_of_home_assistant: DeviceForm,
    a_sketch_that_announces_itself: Custom,
    a_sketch_that_announces_nothing: Sketch,
}
