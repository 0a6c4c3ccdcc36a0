//! What the gate sees, told to people: every refusal is a line they can act on.

use std::sync::Arc;
use std::time::Instant;

use broker::watch::TAKEN_OVER;
use broker::{Action, ClientInfo, GateEvent, Watch};

use model::Publisher;
use tokio::sync::Notify;

use crate::access::Credentials;
use crate::activity::ActivityLog;
use crate::api::types::{ClientView, Level};
use crate::asking::Asking;
use crate::client_log::{About, ClientLog};
use crate::clock;
use crate::demo;
use crate::device_log::DeviceLog;
use crate::frames::{HubEvent, Watchers};
use crate::learning::Learning;
use crate::pairing::Pairings;
use crate::rates::ClientRates;
use crate::refusals::Refusals;

/// Takes the gate's events, without the secrets in them. Everything it does is memory and a queue, so it never keeps the gate.
pub struct GateWatch {
    /// Who know their secrets.
    pub credentials: Arc<Credentials>,
    /// For people.
    pub activity: Arc<ActivityLog>,
    /// For the UI.
    pub watchers: Arc<Watchers>,
    /// With the rules that would allow them.
    pub refusals: Arc<Refusals>,
    /// What learning credentials do.
    pub learning: Arc<Learning>,
    /// What happened to each client.
    pub client_log: Arc<ClientLog>,
    /// The list of them.
    pub client_rates: Arc<ClientRates>,
    /// What happened to each device.
    pub device_log: Arc<DeviceLog>,
    /// Which wait for a board to come in.
    pub(crate) pairings: Arc<Pairings>,
    /// Somebody came in, for whom commands may wait.
    pub(crate) came: Arc<Notify>,
    /// Who is to announce itself again.
    pub(crate) asking: Arc<Asking>,
}

impl Watch for GateWatch {
    fn seen(&self, event: GateEvent) {
        let now_ms = clock::now_ms();
        let event = self.credentials.without_secrets(event);
        self.refusals.seen(&event, now_ms);
        self.learning.seen(&event, now_ms);
        match event {
            GateEvent::Connected(info) => {
                let view = client_view(&info, info.client_id.to_string());
                let address = if view.address.is_empty() { "an unknown address" } else { &view.address };
                let by = info.transport.map_or(String::new(), |transport| format!(" by {transport}"));
                let text = format!(
                    "{} connected as `{}` from {address}{by} (MQTT {}).",
                    view.client_id, view.user, view.version
                );
                self.client_log.came_from(&view.client_id, address);
                self.came.notify_one();
                self.pairings.connected(&view.user, &view.client_id, info.peer.map(|peer| peer.ip()));
                if let Some(credential) = self.credentials.get(&view.user) {
                    let may = credential.effective().for_client(&view.user, &view.client_id);
                    self.asking.came(|topic| may.may_read(topic), Instant::now());
                }
                let line = format!("Connected from {address}{by} (MQTT {}).", view.version);
                self.device_log.add_user(&view.user, "connected", Level::Info, &line);
                self.client(Level::Info, &view.client_id, "connected", &view.user, text);
                self.client_rates.outdate();
                self.watchers.tell(&HubEvent::Connected(view));
            }
            GateEvent::Disconnected { client_id, user, why, will } => {
                let will = if will { " Its last will is published." } else { "" };
                let text = format!("{client_id} (`{user}`) disconnected: {why}.{will}");
                self.device_log.add_user(
                    &user,
                    "disconnected",
                    Level::Info,
                    &format!("Disconnected: {why}.{will}"),
                );
                self.client(Level::Info, &client_id, "disconnected", &user, text);
                if why.contains(TAKEN_OVER)
                    && let Some(fight) = self.client_log.fight(&client_id, now_ms)
                {
                    self.refusals.fought(&client_id, &user, &fight, now_ms);
                }
                self.client_rates.outdate();
                self.watchers.tell(&HubEvent::Disconnected(client_id));
            }
            GateEvent::Refused { peer, client_id, user, what, why, advice, .. } => {
                let client_id = client_id.filter(|id| !id.is_empty());
                let who = client_id.as_ref().map_or(String::new(), |id| format!(" ({id})"));
                let text = format!("{what} It came from {}{who}, and {why}. {advice}", peer.ip());
                match client_id {
                    Some(id) => {
                        self.client(Level::Warning, &id, "refused", user.as_deref().unwrap_or(""), text)
                    }
                    None => self.activity.add(Level::Warning, "client", user.as_deref(), text),
                }
            }
            GateEvent::Denied { client_id, user, topic, action, more, .. } => {
                let did = match action {
                    Action::Publish => format!("may not publish to `{topic}`"),
                    Action::Subscribe => format!("may not subscribe to `{topic}`"),
                    Action::Receive => format!("may not receive `{topic}`"),
                    Action::Will { let_in: true } => {
                        format!("was let in without its last will on `{topic}`, which is not allowed")
                    }
                    Action::Will { let_in: false } => {
                        format!("was not let in: its last will on `{topic}` is not allowed")
                    }
                };
                let (why, a_rule_helps) = self.refusals.words(action, &user, &client_id, &topic);
                let advice = if a_rule_helps { " If it should, allow it on the Broker page." } else { "" };
                let more = match more {
                    0 => String::new(),
                    more => format!(" {more} more of its attempts were denied."),
                };
                let text = format!("{client_id} (`{user}`) {did}: {why}.{advice}{more}");
                self.client(Level::Warning, &client_id, "denied", &user, text);
            }
            // What it held back of Hearth itself has a line of the guard's own.
            GateEvent::Held { user, .. } if user == Publisher::HUB => {}
            GateEvent::Held { client_id, user, topic, why, more, .. } => {
                let more = match more {
                    0 => String::new(),
                    more => format!(" {more} more of its messages were held back."),
                };
                let text = format!(
                    "{client_id} (`{user}`) published to `{topic}`, which the relay guard held back: {why}.{more}"
                );
                self.client(Level::Warning, &client_id, "held", &user, text);
            }
            GateEvent::Dropped { client_id, count, why } => {
                let text = format!("{count} messages for {client_id} were dropped: {why}.");
                self.client(Level::Warning, &client_id, "dropped", &client_id, text);
            }
            GateEvent::RetainedFull { client_id, user, topic, count, why } => {
                let text = format!(
                    "{count} messages of {client_id} (`{user}`) were not retained, the last one on `{topic}`: {why}. \
                     Publish an empty retained message to each topic that is no longer used."
                );
                self.client(Level::Warning, &client_id, "denied", &user, text);
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

impl GateWatch {
    /// A line for the log of a client and, except for the demo's comings and goings, which are not news, for the
    /// activity.
    fn client(&self, level: Level, client_id: &str, kind: &'static str, user: &str, text: String) {
        let about = About { client_id: client_id.to_owned(), kind };
        self.client_log.add(&about, clock::now_ms(), level, &text);
        if level != Level::Info || !user.starts_with(demo::USER_PREFIX) {
            let user = Some(user).filter(|user| !user.is_empty());
            self.activity.add_client(level, "client", user, about, text);
        }
    }
}

/// A client as the API shows it, under the id that may be told.
pub fn client_view(info: &ClientInfo, client_id: String) -> ClientView {
    ClientView {
        client_id,
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
        // Whoever looks at all of them finds out.
        in_trouble: false,
    }
}
