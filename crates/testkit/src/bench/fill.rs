//! A folder with a past, made the way a real one is: announcements and readings over MQTT.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::hearth::Hearth;
use crate::load::Connection;
use crate::load::feed::{Outgoing, publish_all};
use crate::load::wire::Credential;

/// Connections that publish readings.
const FEEDERS: u32 = 4;
const IN_FLIGHT: usize = 500;
/// Sensors of one device.
const SENSORS_PER_DEVICE: u32 = 5;
/// Longest the hub may take to have everything it acknowledged in its tables.
const APPLIED_TIMEOUT: Duration = Duration::from_secs(180);
const APPLIED_STEP: Duration = Duration::from_millis(250);
/// The same for entities, which are there sooner; each question costs the hub a few milliseconds.
const REGISTERED_STEP: Duration = Duration::from_millis(25);

/// How long filling took.
#[derive(Debug, Clone, Copy)]
pub struct Filled {
    /// From the first announcement until every entity was registered.
    pub announced_in: Duration,
    /// From the first reading until every one was acknowledged.
    pub acknowledged_in: Duration,
    /// From the first reading until every one was stored as a reading.
    pub stored_in: Duration,
}

/// Announces `entities` sensors as Home Assistant discovery does and publishes `readings` values of them in
/// turn, at QoS 1. Returns when all are stored.
pub async fn fill(hearth: &Hearth, entities: u32, readings: u32) -> Result<Filled> {
    let login = login(hearth).await?;
    let readings_before = count_readings(hearth).await?;
    let announced_in = announce(hearth, &login, entities).await?.registered_in;

    let start = Instant::now();
    let mut feeders = JoinSet::new();
    for feeder in 0..FEEDERS {
        let mut connection = open(hearth, &login, feeder + 1).await?;
        let own = (0..readings).filter(move |number| number % FEEDERS == feeder);
        feeders.spawn(async move {
            publish_all(&mut connection, IN_FLIGHT, own.map(|number| reading(number, entities))).await?;
            connection.close().await
        });
    }
    for outcome in feeders.join_all().await {
        outcome?;
    }
    let acknowledged_in = start.elapsed();
    let wanted = readings_before + u64::from(readings);
    until(APPLIED_STEP, async || Ok(count_readings(hearth).await? >= wanted))
        .await
        .context("storing the readings")?;
    Ok(Filled { announced_in, acknowledged_in, stored_in: start.elapsed() })
}

/// How long announcing took.
#[derive(Debug, Clone, Copy)]
pub(super) struct Announced {
    /// From the first announcement until the last one was acknowledged.
    pub(super) acknowledged_in: Duration,
    /// From the first announcement until every entity was in the registry and shown.
    pub(super) registered_in: Duration,
}

/// Announces `entities` sensors, retained, as Home Assistant discovery does.
pub(super) async fn announce(hearth: &Hearth, login: &Credential, entities: u32) -> Result<Announced> {
    let wanted = count_entities(hearth).await? + u64::from(entities);
    let announcements: Vec<_> = (0..entities).map(announcement).collect();
    let mut connection = open(hearth, login, 0).await?;
    let start = Instant::now();
    publish_all(&mut connection, IN_FLIGHT, announcements).await?;
    let acknowledged_in = start.elapsed();
    until(REGISTERED_STEP, async || Ok(count_entities(hearth).await? >= wanted))
        .await
        .context("registering the entities")?;
    let registered_in = start.elapsed();
    connection.close().await?;
    Ok(Announced { acknowledged_in, registered_in })
}

/// A credential that may announce and report.
pub(super) async fn login(hearth: &Hearth) -> Result<Credential> {
    hearth.add_credential("fill", &["homeassistant/#", "fill/#"], &[]).await
}

async fn open(hearth: &Hearth, login: &Credential, number: u32) -> Result<Connection> {
    Ok(Connection::open(hearth.mqtt(), &format!("fill-{number}"), true, Some(login)).await?.0)
}

fn announcement(number: u32) -> Outgoing {
    let device = number / SENSORS_PER_DEVICE;
    let payload = json!({
        "name": format!("Sensor {number}"),
        "unique_id": format!("fill_{number}"),
        "state_topic": state_topic(number),
        "unit_of_measurement": "°C",
        "device_class": "temperature",
        "state_class": "measurement",
        "device": { "identifiers": [format!("fill_{device}")], "name": format!("Board {device}") },
    });
    Outgoing {
        topic: format!("homeassistant/sensor/fill_{number}/config"),
        payload: payload.to_string().into_bytes(),
        retain: true,
    }
}

/// Values that change every time, as a sensor's do: a value that stays would be the cheap case.
fn reading(number: u32, entities: u32) -> Outgoing {
    let (sensor, round) = (number % entities, number / entities);
    let hundredths = 1_800 + (round * 7 + sensor) % 900;
    Outgoing {
        topic: state_topic(sensor),
        payload: format!("{}.{:02}", hundredths / 100, hundredths % 100).into_bytes(),
        retain: false,
    }
}

fn state_topic(sensor: u32) -> String {
    format!("fill/{sensor}/state")
}

/// Entities the hub knows.
pub(super) async fn count_entities(hearth: &Hearth) -> Result<u64> {
    let home = hearth.call("home", Value::Null).await?;
    Ok(home["entities"].as_array().map_or(0, Vec::len) as u64)
}

async fn count_readings(hearth: &Hearth) -> Result<u64> {
    let info = hearth.call("info", Value::Null).await?;
    info["counters"]["readings"].as_u64().context("info has no counters.readings")
}

async fn until(step: Duration, mut done: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + APPLIED_TIMEOUT;
    while !done().await? {
        if Instant::now() > deadline {
            bail!("hearth acknowledged it all but did not apply it within {APPLIED_TIMEOUT:?}");
        }
        sleep(step).await;
    }
    Ok(())
}
