//! How a step reaches a board.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use devices::pairing::Outcome;
use devices::{Plan, Secret, Step, Transport, holds};
use model::{Cause, Publisher, QoS};
use serde_json::Value as Json;

use super::http::{Answer, NoAnswer, WebPage};
use super::{Work, console, serial};
use crate::Hub;

/// Time between two looks whether a board is back.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What leads to a board.
#[derive(Debug, Clone)]
pub(super) enum Carrier {
    /// Its web page, or a console behind a TCP port.
    Network {
        /// Its address.
        address: SocketAddr,
        /// Its own password.
        password: Option<Secret>,
    },
    /// A serial port.
    Serial {
        /// Its name.
        port: String,
    },
    /// The broker: the board is connected.
    Broker,
    /// Nothing is handed over: the board already uses what becomes its credential.
    Nothing,
}

/// What each step of a plan brings, in words, as a pairing counts them: what is said on one console is one step, since
/// it needs one connection.
pub(super) fn course(plan: &Plan) -> Vec<String> {
    let words = plan.steps.iter().map(|(_, say)| say.clone());
    if is_console(plan.transport) {
        let said: Vec<String> = words.filter(|say| !say.is_empty()).collect();
        return if plan.steps.is_empty() { Vec::new() } else { vec![said.join(", ")] };
    }
    words.collect()
}

fn is_console(transport: Transport) -> bool {
    matches!(transport, Transport::Serial | Transport::Terminal)
}

/// Carries out one step of a pairing.
pub(super) async fn run(hub: &Arc<Hub>, work: &Arc<Work>, at: usize) -> Outcome {
    match &work.plan {
        Some(plan) => carry(hub, plan, &work.carrier, at).await,
        None => Outcome::Done,
    }
}

/// Carries out one step of a plan.
pub(super) async fn carry(hub: &Arc<Hub>, plan: &Plan, carrier: &Carrier, at: usize) -> Outcome {
    if plan.transport == Transport::Mqtt {
        if let Some((Step::Publish { topic, payload }, _)) = plan.steps.get(at) {
            let payload = Bytes::from(payload.clone());
            // Whether it reached the board shows when it logs in.
            let _ = hub.publish(
                Publisher::hub("pairing"),
                topic.clone(),
                payload,
                QoS::AtLeastOnce,
                false,
                None::<Cause>,
            );
        }
        return Outcome::Done;
    }
    if let (Carrier::Network { address, .. }, Some((Step::Reappear { seconds }, _))) =
        (carrier, plan.steps.get(at))
    {
        return reappear(*address, Duration::from_secs(u64::from(*seconds))).await;
    }
    let (plan, carrier) = (plan.clone(), carrier.clone());
    let blocking = tokio::task::spawn_blocking(move || match carrier {
        Carrier::Network { address, password } if !is_console(plan.transport) => {
            let page = WebPage { address, auth: plan.auth, user: plan.auth_user.clone(), password };
            plan.steps
                .get(at)
                .map_or(Outcome::Done, |(step, say)| over_http(&page, &plan, step, say.is_empty()))
        }
        Carrier::Network { address, .. } => match console::connect(address) {
            Ok(mut line) => console::converse(&mut line, &lines(&plan)),
            Err(why) => Outcome::Unreachable(why.kind().to_string()),
        },
        Carrier::Serial { port } => match serial::open(&port) {
            Ok(mut line) => console::converse(&mut line, &lines(&plan)),
            Err(why) => Outcome::Unreachable(why.trim_end_matches('.').to_owned()),
        },
        Carrier::Broker | Carrier::Nothing => Outcome::Done,
    });
    blocking.await.unwrap_or_else(|why| Outcome::Lost(why.to_string()))
}

/// Waits until somebody listens there again.
async fn reappear(address: SocketAddr, most: Duration) -> Outcome {
    let back = async {
        while tokio::net::TcpStream::connect(address).await.is_err() {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    };
    match tokio::time::timeout(most, back).await {
        Ok(()) => Outcome::Done,
        Err(_) => Outcome::Unreachable(format!("it did not come back within {} s", most.as_secs())),
    }
}

fn lines(plan: &Plan) -> Vec<Step> {
    plan.steps.iter().map(|(step, _)| step.clone()).collect()
}

/// `brings_nothing`: it only restarts the board, so that a lost answer is as good as one.
fn over_http(page: &WebPage, plan: &Plan, step: &Step, brings_nothing: bool) -> Outcome {
    match step {
        Step::Http { method, path, body, status, json, reboot } => {
            match page.ask(*method, path, body.as_deref()) {
                Ok(answer) => judge(&answer, plan, *status, json.as_deref()),
                Err(NoAnswer::Lost(_)) if *reboot && brings_nothing => Outcome::Done,
                Err(NoAnswer::Lost(why)) => Outcome::Lost(why),
                Err(NoAnswer::Unreachable(why)) => Outcome::Unreachable(why),
            }
        }
        Step::Line { .. } | Step::Publish { .. } | Step::Reappear { .. } => Outcome::Done,
    }
}

/// Whether the board took a step. What it answered is not told: it may repeat what it was sent.
fn judge(answer: &Answer, plan: &Plan, status: Option<u16>, json: Option<&str>) -> Outcome {
    let body = answer.json.as_ref().unwrap_or(&Json::Null);
    if matches!(answer.status, 401 | 403) || plan.denied.as_deref().is_some_and(|denied| holds(denied, body))
    {
        return Outcome::Denied;
    }
    let fits = status.map_or((200..300).contains(&answer.status), |status| status == answer.status);
    if !fits {
        return Outcome::Unexpected(format!("it answered with status {}", answer.status));
    }
    match json {
        Some(json) if !holds(json, body) => Outcome::Unexpected(
            "its answer is not what this firmware says when it takes something".to_owned(),
        ),
        _ => Outcome::Done,
    }
}
