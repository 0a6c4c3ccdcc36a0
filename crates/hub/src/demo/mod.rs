//! The demo home: sixteen virtual boards, each a real MQTT client with a credential of its own.
//!
//! They get two days of past, so that charts have something to show at once, and everything they leave
//! behind can be taken away again.

mod actuator;
mod boards;
mod view;
mod world;

use std::net::SocketAddr;
use std::time::Duration;

use model::{Entity, Reading, Value};
use rumqttc::{AsyncClient, Event, EventLoop, LastWill, MqttOptions, NetworkOptions, Packet, QoS};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use actuator::Memory;
pub use boards::USER_PREFIX;
use boards::{BOARDS, Board, Report};

use crate::clock;

/// How much past a new demo home gets, ms.
pub const PAST_MS: i64 = 2 * 24 * 3_600_000;
/// Time between two readings of that past, ms.
const PAST_STEP_MS: i64 = 5 * 60_000;
/// Time before a board that was thrown out tries again, ms.
const RETRY_MS: u64 = 5_000;
/// Time a cover or a lock takes for a step, ms.
const STEP_MS: u64 = 1_000;
/// Requests that may wait in one board's client.
const REQUESTS_MAX: usize = 64;
/// Longest a board takes to say goodbye, ms.
const GOODBYE_MS: u64 = 1_000;
/// Largest packet a board takes.
const PACKET_BYTES_MAX: usize = 64 * 1024;

/// The boards' credentials: names and permissions.
pub fn credentials() -> impl Iterator<Item = (String, model::Permissions)> {
    BOARDS.iter().map(|board| (board.user(), board.permissions()))
}

/// The running boards; they stop when this is dropped.
pub struct Demo {
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Demo {
    /// Connects the boards. `secret` gives the secret of each user.
    pub fn start(broker: SocketAddr, mut secret: impl FnMut(&str) -> Option<String>) -> Self {
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        for (number, board) in BOARDS.iter().enumerate() {
            let Some(secret) = secret(&board.user()) else { continue };
            tasks.spawn(live(board, number, broker, secret, stop.clone()));
        }
        tasks.close();
        Self { stop, tasks }
    }

    /// Disconnects the boards and waits until they are gone.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn live(
    board: &'static Board,
    number: usize,
    broker: SocketAddr,
    secret: String,
    stop: CancellationToken,
) {
    let mut options = MqttOptions::new(board.user(), broker.ip().to_string(), broker.port());
    options.set_credentials(board.user(), secret);
    options.set_keep_alive(Duration::from_secs(60));
    options.set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
    let (topic, gone) = board.will();
    options.set_last_will(LastWill::new(topic, gone, QoS::AtLeastOnce, true));
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    events.set_network_options(network);
    stop.run_until_cancelled(speak(board, number, &client, &mut events)).await;
    // A goodbye, so that no last will is left behind.
    let _ = client.try_disconnect();
    let goodbye = async { while next(&mut events).await.is_some() {} };
    let _ = tokio::time::timeout(Duration::from_millis(GOODBYE_MS), goodbye).await;
}

async fn speak(board: &Board, number: usize, client: &AsyncClient, events: &mut EventLoop) {
    let mut memory = Memory::START;
    // Boards do not all speak in the same second. The first report is made on connecting.
    let period = Duration::from_secs(board.every_s);
    let first = tokio::time::Instant::now() + period + Duration::from_millis(150 * number as u64);
    let mut reports = tokio::time::interval_at(first, period);
    loop {
        tokio::select! {
            event = next(events) => match event {
                Some(Packet::ConnAck(_)) => {
                    if let Some(filter) = board.commands() {
                        let _ = client.try_subscribe(filter, QoS::AtLeastOnce);
                    }
                    let now = clock::local_ms();
                    let said = board.announcement(now).into_iter().chain(board.measurement(now, memory));
                    said.for_each(|report| send(client, &report));
                }
                Some(Packet::Publish(command)) => {
                    let payload = String::from_utf8_lossy(&command.payload);
                    for answer in board.obey(&command.topic, &payload, &mut memory) {
                        send(client, &answer);
                    }
                }
                Some(_) => {}
                None => tokio::time::sleep(Duration::from_millis(RETRY_MS)).await,
            },
            () = tokio::time::sleep(Duration::from_millis(STEP_MS)), if memory.is_moving() => {
                actuator::step(&mut memory);
                send(client, &board.told(clock::local_ms(), memory));
            }
            _ = reports.tick() => {
                board.measurement(clock::local_ms(), memory).iter().for_each(|report| send(client, report));
            }
        }
    }
}

/// The next packet that came in; `None` when the connection failed.
async fn next(events: &mut EventLoop) -> Option<Packet> {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(packet)) => return Some(packet),
            Ok(Event::Outgoing(_)) => {}
            Err(why) => {
                tracing::debug!(%why, "a demo board lost its connection");
                return None;
            }
        }
    }
}

/// A board that cannot send now says it again with its next report.
fn send(client: &AsyncClient, report: &Report) {
    let _ =
        client.try_publish(report.topic.as_str(), QoS::AtLeastOnce, report.retain, report.payload.as_slice());
}

/// The room a board stands in.
pub fn room(user: &str) -> Option<&'static str> {
    BOARDS.iter().find(|board| board.user() == user).map(|board| board.area)
}

/// The past of one sensor of the demo home, oldest first, up to `now_ms`; nothing for what has none.
pub fn past(user: &str, entity: &Entity, now_ms: i64) -> Vec<Reading> {
    let announced = &entity.description.unique_id;
    let found = BOARDS.iter().find(|board| board.user() == user).and_then(|board| {
        // Both firmwares end a unique id with the name of the measurement.
        let sensor = board.sensors.iter().find(|sensor| announced.ends_with(sensor.key))?;
        Some((sensor, board))
    });
    let Some((sensor, board)) = found else { return Vec::new() };
    let offset_ms = clock::local_ms() - clock::now_ms();
    let step_ms = PAST_STEP_MS.max(1_000 * board.every_s as i64);
    let first = (now_ms - PAST_MS).div_euclid(step_ms) * step_ms;
    (0..)
        .map(|n| first + n * step_ms)
        .take_while(|time_ms| *time_ms < now_ms)
        .map(|time_ms| {
            let value = sensor.curve.at(time_ms + offset_ms);
            let value = if sensor.unit.is_empty() { Value::Bool(value > 0.5) } else { Value::Number(value) };
            Reading { entity: entity.id.clone(), time_ms, message_id: 0, value }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Component, EntityDescription};

    #[test]
    fn a_new_demo_home_has_two_days_behind_it() {
        fn check(user: &str, unique_id: &str, expected: usize) {
            let entity = Entity {
                id: "x".into(),
                device: "x".into(),
                name: "x".into(),
                name_by_owner: false,
                by_hand: false,
                description: EntityDescription::new(unique_id, Component::Sensor),
            };
            let readings = past(user, &entity, 1_790_000_000_000);
            assert_eq!(readings.len(), expected, "{user} {unique_id}");
            assert!(readings.windows(2).all(|pair| pair[1].time_ms - pair[0].time_ms == PAST_STEP_MS));
        }
        check("demo-living-climate", "demo-living-climate-temperature", 577);
        check("demo-fridge", "D2DE_sensor_ENERGY_Power", 577);
        check("demo-fridge", "D2DE_sensor_ENERGY_Voltage", 0);
        check("somebody", "demo-living-climate-temperature", 0);
    }
}
