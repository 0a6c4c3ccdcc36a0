//! The command-line clients people have.

mod common;

use std::process::Stdio;

use common::gate;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

fn mosquitto(program: &str, port: u16, more: &[&str]) -> Command {
    let mut command = Command::new(program);
    let port = port.to_string();
    command.args(["-h", "127.0.0.1", "-p", &port, "-u", "admin", "-P", "secret"]).args(more);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

const MISSING: &str = "mosquitto_pub and mosquitto_sub are needed: apt install mosquitto-clients";

#[tokio::test]
async fn mosquitto_pub_and_sub_work_in_every_version_and_qos() {
    let running = gate().await;
    let port = running.addr.port();
    for version in ["mqttv31", "mqttv311", "mqttv5"] {
        for qos in ["0", "1", "2"] {
            let topic = format!("m/{version}/{qos}");
            let common = ["-V", version, "-q", qos, "-t", &topic];
            let mut publish = common.to_vec();
            publish.extend(["-r", "-m", "retained hello"]);
            let published = mosquitto("mosquitto_pub", port, &publish).output().await.expect(MISSING);
            assert!(published.status.success(), "{version} {qos}: {published:?}");
            let mut subscribe = common.to_vec();
            subscribe.extend(["-C", "2", "-W", "15"]);
            let mut subscriber = mosquitto("mosquitto_sub", port, &subscribe).spawn().expect(MISSING);
            let mut lines = BufReader::new(subscriber.stdout.take().unwrap()).lines();
            assert_eq!(
                lines.next_line().await.unwrap().as_deref(),
                Some("retained hello"),
                "{version} {qos}"
            );
            let mut publish = common.to_vec();
            publish.extend(["-m", "live hello"]);
            let published = mosquitto("mosquitto_pub", port, &publish).output().await.expect(MISSING);
            assert!(published.status.success(), "{version} {qos}: {published:?}");
            assert_eq!(lines.next_line().await.unwrap().as_deref(), Some("live hello"), "{version} {qos}");
            assert!(subscriber.wait().await.unwrap().success());
        }
    }
}
