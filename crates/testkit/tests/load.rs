//! The load generator against mosquitto: figures are worth nothing unless the counting is right.

use std::time::Duration;

use testkit::load::connects::{ConnectPlan, connect_and_close, idle};
use testkit::load::{Connection, Plan, run};
use testkit::mosquitto::Mosquitto;

fn plan(mosquitto: &Mosquitto) -> Plan {
    Plan {
        address: mosquitto.address(),
        credentials: Vec::new(),
        publishers: 1,
        subscribers: 1,
        qos: 0,
        in_flight: 10,
        payload_bytes: 64,
        messages: 1_000,
        rate: None,
        topic: "load/{n}".to_owned(),
        filter: "load/+".to_owned(),
        pid: Some(mosquitto.pid()),
        timeout: Duration::from_secs(30),
    }
}

#[tokio::test]
async fn every_message_is_counted_once() {
    let mosquitto = Mosquitto::start().await.unwrap();
    for (publishers, subscribers, qos) in [(1, 1, 0), (7, 3, 0), (1, 1, 1), (7, 3, 1), (1, 0, 1)] {
        let report = run(Plan { publishers, subscribers, qos, ..plan(&mosquitto) }).await.unwrap();
        let name = format!("{publishers} to {subscribers} at QoS {qos}");
        assert_eq!((report.published, report.expected), (1_000, 1_000 * u64::from(subscribers)), "{name}");
        assert_eq!((report.delivered, report.disordered), (report.expected, 0), "{name}");
        assert_eq!(report.acked, if qos == 1 { 1_000 } else { 0 }, "{name}");
        assert_eq!((report.timed_out, report.failed, report.errors.len()), (false, 0, 0), "{name}");
        assert_eq!(report.ack.map(|ack| ack.count), (qos == 1).then_some(1_000), "{name}");
        assert!(report.broker.is_some_and(|cost| cost.rss_kib > 0), "{name}");
    }
    mosquitto.stop().await.unwrap();
}

#[tokio::test]
async fn a_pace_is_kept_and_measured() {
    let mosquitto = Mosquitto::start().await.unwrap();
    let plan = Plan { publishers: 2, messages: 100, rate: Some(1_000.0), ..plan(&mosquitto) };
    let report = run(plan).await.unwrap();
    assert_eq!(report.latency.map(|latency| latency.count), Some(100));
    // The last of 50 messages of one publisher leaves 100 ms after the start, never sooner.
    assert!(report.elapsed_ms >= 95, "{report:?}");
    mosquitto.stop().await.unwrap();
}

#[tokio::test]
async fn what_never_comes_is_a_loss_and_ends_the_run() {
    let mosquitto = Mosquitto::start().await.unwrap();
    let report = run(Plan { filter: "elsewhere".to_owned(), ..plan(&mosquitto) }).await.unwrap();
    assert_eq!((report.delivered, report.received_percent, report.timed_out), (0, 0.0, false));
    mosquitto.stop().await.unwrap();
}

#[tokio::test]
async fn a_run_ends_at_its_deadline() {
    let mosquitto = Mosquitto::start().await.unwrap();
    let plan = Plan { rate: Some(1.0), timeout: Duration::from_millis(300), ..plan(&mosquitto) };
    let report = run(plan).await.unwrap();
    assert!(report.timed_out && report.delivered < 1_000, "{report:?}");
    mosquitto.stop().await.unwrap();
}

#[tokio::test]
async fn connections_are_counted_and_kept() {
    let mosquitto = Mosquitto::start().await.unwrap();
    let plan = ConnectPlan {
        address: mosquitto.address(),
        credentials: Vec::new(),
        connections: 50,
        at_once: 8,
        timeout: Duration::from_secs(30),
    };
    let report = connect_and_close(&plan).await.unwrap();
    assert_eq!((report.connected, report.failed), (50, 0), "{:?}", report.errors);
    let report = idle(&plan, mosquitto.pid(), Duration::from_millis(50)).await.unwrap();
    assert!(report.rss_kib >= report.rss_before_kib && report.connections == 50, "{report:?}");
    mosquitto.stop().await.unwrap();
}

#[tokio::test]
async fn only_this_machine_is_loaded() {
    let address = "192.0.2.1:1883".parse().unwrap();
    let error = Connection::open(address, "c", true, None).await.unwrap_err().to_string();
    assert!(error.contains("not on this machine"), "{error}");
}
