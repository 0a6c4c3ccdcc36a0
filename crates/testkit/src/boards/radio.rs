//! The MQTT client of a board: comes with what is in the flash, tries again and again, says what its firmware says.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::{AsyncClient, Event, LastWill, MqttOptions, Packet, QoS};

use super::{Board, Broker, Firmware, tasmota};

/// Time between two tries. Real boards wait longer.
const TRY_AGAIN: Duration = Duration::from_millis(200);
/// Messages that may wait.
const QUEUE: usize = 64;

/// How a firmware presents itself.
struct Persona {
    client_id: String,
    will: (String, &'static str),
    birth: Vec<(String, String, bool)>,
    listens: Vec<String>,
}

pub(super) async fn run(board: Arc<Board>) {
    // What is in the flash counts from the next start on.
    let mut running = board.running.subscribe();
    while running.wait_for(|running| *running).await.is_ok() {
        let settings = board.broker.borrow().clone();
        let mut away = board.running.subscribe();
        tokio::select! {
            () = async {
                match settings {
                    Some(settings) => talk(&board, &settings).await,
                    None => std::future::pending().await,
                }
            } => {}
            _ = away.changed() => {}
        }
        board.connected.send_replace(false);
    }
}

/// Connects and stays; a refused login is tried again.
async fn talk(board: &Board, settings: &Broker) {
    let persona = persona(board, settings);
    let mut options = MqttOptions::new(persona.client_id, settings.host.clone(), settings.port);
    options.set_credentials(settings.user.clone(), settings.password.clone());
    let (topic, payload) = persona.will;
    options.set_last_will(LastWill::new(topic, payload, QoS::AtLeastOnce, true));
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                board.connected.send_replace(true);
                for filter in &persona.listens {
                    let _ = client.try_subscribe(filter, QoS::AtMostOnce);
                }
                for (topic, payload, retain) in &persona.birth {
                    let _ = client.try_publish(topic, QoS::AtLeastOnce, *retain, payload.as_bytes());
                }
            }
            Ok(Event::Incoming(Packet::Publish(heard))) => {
                let payload = String::from_utf8_lossy(&heard.payload).into_owned();
                if command(board, settings, &heard.topic, &payload) {
                    // The task of its web page restarts it, where it has one; by message the radio does.
                    board.restarts.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    return;
                }
                if board.firmware == Firmware::Tasmota {
                    for (topic, payload) in tasmota::obey(board, &settings.topic, &heard.topic, &payload) {
                        let _ = client.try_publish(topic, QoS::AtMostOnce, false, payload);
                    }
                }
            }
            Ok(_) => {}
            Err(_) => {
                board.connected.send_replace(false);
                tokio::time::sleep(TRY_AGAIN).await;
            }
        }
    }
}

/// A command by message; says whether the board connects anew.
fn command(board: &Board, settings: &Broker, topic: &str, payload: &str) -> bool {
    match board.firmware {
        Firmware::Tasmota if topic == format!("cmnd/{}/Backlog", settings.topic) => {
            tasmota::backlog(board, payload)
        }
        Firmware::ShellyGen2 if topic == format!("{}/rpc", settings.topic) => {
            super::shelly_gen2::call(board, payload) == Some("Shelly.Reboot")
        }
        Firmware::Homie if topic.ends_with("/$implementation/config/set") => {
            super::homie::changed(board, payload)
        }
        _ => false,
    }
}

fn persona(board: &Board, settings: &Broker) -> Persona {
    let (mac, topic) = (board.mac(), &settings.topic);
    let small = mac.to_lowercase();
    match board.firmware {
        Firmware::Tasmota => Persona {
            client_id: format!("DVES_{}", &mac[6..]),
            will: (format!("tele/{topic}/LWT"), "Offline"),
            birth: vec![
                (format!("tele/{topic}/LWT"), "Online".to_owned(), true),
                (format!("tasmota/discovery/{mac}/config"), tasmota::discovery(board, settings), true),
            ],
            listens: vec![
                format!("cmnd/{topic}/#"),
                "cmnd/tasmotas/#".to_owned(),
                format!("cmnd/DVES_{}_fb/#", &mac[6..]),
            ],
        },
        Firmware::ShellyGen1 => Persona {
            client_id: format!("shelly1-{}", &mac[6..]),
            will: (format!("shellies/{topic}/online"), "false"),
            birth: vec![(format!("shellies/{topic}/online"), "true".to_owned(), true)],
            listens: vec!["shellies/command".to_owned(), format!("shellies/{topic}/relay/0/command")],
        },
        Firmware::ShellyGen2 => Persona {
            client_id: format!("shellyplus1-{small}"),
            will: (format!("{topic}/online"), "false"),
            birth: vec![(format!("{topic}/online"), "true".to_owned(), true)],
            listens: vec![format!("{topic}/rpc"), format!("{topic}/command")],
        },
        Firmware::Wled => Persona {
            client_id: format!("WLED-{}", &small[6..]),
            will: (format!("{topic}/status"), "offline"),
            birth: vec![(format!("{topic}/status"), "online".to_owned(), true)],
            listens: [topic.as_str(), "wled/all"]
                .into_iter()
                .flat_map(|topic| [topic.to_owned(), format!("{topic}/col"), format!("{topic}/api")])
                .collect(),
        },
        Firmware::Espurna => Persona {
            client_id: format!("ESPURNA-{}", &mac[6..]),
            will: (format!("{topic}/status"), "0"),
            birth: vec![(format!("{topic}/status"), "1".to_owned(), true)],
            listens: vec![format!("{topic}/relay/+/set")],
        },
        Firmware::Homie => Persona {
            client_id: topic.clone(),
            will: (format!("homie/{topic}/$state"), "lost"),
            birth: vec![(format!("homie/{topic}/$state"), "ready".to_owned(), true)],
            listens: vec![
                format!("homie/{topic}/$implementation/config/set"),
                format!("homie/{topic}/+/+/set"),
            ],
        },
    }
}
