//! What the gate sees, told to people: every refusal is a line they can act on.

use std::sync::Arc;

use broker::{Action, ClientInfo, GateEvent, Watch};

use crate::activity::ActivityLog;
use crate::api::types::{ClientView, Level};
use crate::clock;
use crate::demo;
use crate::frames::{HubEvent, Watchers};
use crate::refusals::Refusals;

/// Takes the gate's events. Everything it does is memory and a queue, so it never keeps the gate.
pub struct GateWatch {
    /// For people.
    pub activity: Arc<ActivityLog>,
    /// For the UI.
    pub watchers: Arc<Watchers>,
    /// With the rules that would allow them.
    pub refusals: Arc<Refusals>,
}

impl Watch for GateWatch {
    fn seen(&self, event: GateEvent) {
        self.refusals.seen(&event, clock::now_ms());
        let client = |level, user: &str, text: String| self.activity.add(level, "client", Some(user), text);
        match event {
            GateEvent::Connected(info) => {
                let view = client_view(&info);
                // The demo's comings and goings are not news.
                if !view.user.starts_with(demo::USER_PREFIX) {
                    let address = if view.address.is_empty() { "an unknown address" } else { &view.address };
                    client(
                        Level::Info,
                        &view.user,
                        format!(
                            "{} connected as `{}` from {address} (MQTT {}).",
                            view.client_id, view.user, view.version
                        ),
                    );
                }
                self.watchers.tell(&HubEvent::Connected(view));
            }
            GateEvent::Disconnected { client_id, user, why, will } => {
                if !user.starts_with(demo::USER_PREFIX) {
                    let will = if will { " Its last will is published." } else { "" };
                    client(Level::Info, &user, format!("{client_id} (`{user}`) disconnected: {why}.{will}"));
                }
                self.watchers.tell(&HubEvent::Disconnected(client_id));
            }
            GateEvent::Refused { peer, client_id, user, what, why, advice, .. } => {
                let who =
                    client_id.filter(|id| !id.is_empty()).map_or(String::new(), |id| format!(" ({id})"));
                let text = format!("{what} It came from {}{who}, and {why}. {advice}", peer.ip());
                self.activity.add(Level::Warning, "client", user.as_deref(), text);
            }
            GateEvent::Denied { client_id, user, topic, action, more, .. } => {
                let did = match action {
                    Action::Publish => "publish to",
                    Action::Subscribe => "subscribe to",
                    Action::Receive => "receive",
                };
                let (why, _) = self.refusals.words(action, &user, &client_id, &topic);
                let more = if more > 0 {
                    format!(" {more} more of its attempts were denied.")
                } else {
                    String::new()
                };
                client(
                    Level::Warning,
                    &user,
                    format!(
                        "{client_id} (`{user}`) may not {did} `{topic}`: {why}. If it should, allow it on the \
                         Broker page.{more}"
                    ),
                );
            }
            GateEvent::Dropped { client_id, count, why } => {
                self.activity.add(
                    Level::Warning,
                    "client",
                    Some(&client_id),
                    format!("{count} messages for {client_id} were dropped: {why}."),
                );
            }
            GateEvent::RetainedFull { client_id, user, topic, count, why } => {
                let text = format!(
                    "{count} messages of {client_id} (`{user}`) were not retained, the last one on `{topic}`: {why}. \
                     Publish an empty retained message to each topic that is no longer used."
                );
                client(Level::Warning, &user, text);
            }
            GateEvent::Learned { .. } => {}
            GateEvent::JournalFailing { why: Some(why) } => {
                self.activity.add(Level::Error, "hub", None, format!("Messages cannot be stored: {why}"));
            }
            GateEvent::JournalFailing { why: None } => {
                self.activity.add(Level::Info, "hub", None, "Messages can be stored again.");
            }
            GateEvent::BusRebuilt { count } => {
                tracing::warn!(count, "the bus was rebuilt; nothing was lost");
            }
        }
    }
}

/// A client as the API shows it.
pub fn client_view(info: &ClientInfo) -> ClientView {
    ClientView {
        client_id: info.client_id.to_string(),
        user: info.user.to_string(),
        address: info.peer.map(|peer| peer.ip().to_string()).unwrap_or_default(),
        transport: info.transport.map(Into::into),
        version: info.version.clone(),
        since_ms: info.connected_ms.or(info.disconnected_ms).unwrap_or_default(),
        connected: info.peer.is_some(),
        keepalive_s: info.keepalive_s,
        expiry_s: info.expiry_s,
        subscription_count: u32::try_from(info.subscription_count).unwrap_or(u32::MAX),
        queued: info.queued as u64,
        queued_bytes: info.queued_bytes as u64,
        in_flight: u32::try_from(info.in_flight).unwrap_or(u32::MAX),
        messages_in: info.messages_in,
        messages_out: info.messages_out,
        rate_in: 0.0,
        rate_out: 0.0,
        dropped: info.dropped,
        denied: info.denied,
        learning: info.learning,
    }
}
