//! Retained messages of boards that are not there any more. The broker keeps them for ever and hands them to
//! whoever subscribes, so a home of some years is full of them.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use broker::Draft;
use devices::Claim;
use model::{Cause, Message, Publisher, TopicFilter};

use crate::api::ApiError;
use crate::api::types::{
    ClearedTopic, ClearedTopics, DeviceRetained, Ghost, GhostReason, Ghosts, Level, RestoredTopics,
    RetainedKind, RetainedTopic,
};
use crate::start::everything;
use crate::{Hub, clock};

/// Days without a sign of a board after which it counts as gone, unless asked otherwise.
pub(crate) const AWAY_DAYS: u32 = 30;
/// Ghosts of one answer.
const GHOSTS_MAX: usize = 5_000;
/// Retained messages of one device in one answer.
const DEVICE_RETAINED_MAX: usize = 5_000;
/// Topics cleared, or restored, in one call.
const TOPICS_PER_CALL_MAX: usize = 5_000;
/// Time after a start in which no board counts as away, ms: the hub itself may have been switched off for weeks.
const COME_BACK_MS: i64 = 10 * 60 * 1_000;
/// Messages looked at under one lock of the home.
const LOOKED_AT: usize = 200;
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Whether whoever sent a message is still there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    There,
    Away { since_ms: i64 },
    Revoked,
}

impl Hub {
    /// Retained messages that belong to no device that is there. Looks at all of them, so not on an async worker.
    pub(crate) fn ghosts(&self, days: u32) -> Ghosts {
        let retained = self.gate.retained(&everything(), usize::MAX);
        let presence = self.presence(&retained, days);
        let mut ghosts = Vec::new();
        for some in retained.chunks(LOOKED_AT) {
            let home = self.home.read();
            for message in some.iter().filter(|message| !message.topic.starts_with('$')) {
                let claim = home.claim(message);
                let device = claim.device().and_then(|id| home.device(id));
                // A board that came back with another credential goes on with the topics of the old one.
                let owner = device.and_then(|device| device.credential.as_deref());
                if owner.is_some_and(|owner| presence.get(owner).is_none_or(|p| *p == Presence::There)) {
                    continue;
                }
                let Some(reason) = reason(message, &claim, &presence) else { continue };
                let why = words(reason, message, device.map(|device| device.name.as_str()), days);
                ghosts.push(Ghost { retained: view(message, &claim), reason: reason.into(), why });
            }
        }
        let more = ghosts.len() > GHOSTS_MAX;
        ghosts.truncate(GHOSTS_MAX);
        Ghosts { ghosts, days, more }
    }

    /// When each credential that retained something, or announced a device, was last there.
    fn presence(&self, retained: &[Arc<Message>], days: u32) -> HashMap<String, Presence> {
        let now_ms = clock::now_ms();
        let clients = self.gate.clients();
        let connected: HashSet<&str> =
            clients.iter().filter(|client| client.peer.is_some()).map(|client| &*client.user).collect();
        let mut seen_ms: HashMap<String, i64> = HashMap::new();
        let mut saw = |user: &str, ms: i64| {
            let seen = seen_ms.entry(user.to_owned()).or_default();
            *seen = (*seen).max(ms);
        };
        for message in retained {
            saw(&message.publisher.user, message.time_ms);
        }
        for client in &clients {
            saw(&client.user, client.disconnected_ms.unwrap_or_default());
        }
        {
            let home = self.home.read();
            for (id, state) in home.states() {
                let device = home.entity(id).and_then(|entity| home.device(&entity.device));
                if let Some(user) = device.and_then(|device| device.credential.as_deref()) {
                    saw(user, state.reported_ms);
                }
            }
        }
        let just_started = now_ms - self.started_ms < COME_BACK_MS;
        let away_ms = i64::from(days) * DAY_MS;
        let presence = seen_ms.into_iter().map(|(user, seen_ms)| {
            let presence = match self.credentials.get(&user) {
                _ if user == Publisher::HUB => Presence::There,
                // Its connection may be about to end.
                None => Presence::Revoked,
                Some(credential) if credential.revoked => Presence::Revoked,
                Some(_) if connected.contains(user.as_str()) => Presence::There,
                Some(credential) => {
                    let since_ms = seen_ms.max(credential.last_login_ms.unwrap_or(credential.created_ms));
                    if just_started || now_ms - since_ms < away_ms {
                        Presence::There
                    } else {
                        Presence::Away { since_ms }
                    }
                }
            };
            (user, presence)
        });
        presence.collect()
    }

    /// All that a device has retained: its announcements, what it hears and is commanded by, and, if it has its
    /// credential for itself, whatever else that retained. Looks at all of them, so not on an async worker.
    pub(crate) fn retained_of_device(&self, id: &str) -> Result<DeviceRetained, ApiError> {
        let (user, listens) = {
            let home = self.home.read();
            let device = home.device(id).ok_or_else(|| ApiError::not_found("device", id))?;
            let user = device.credential.clone();
            let is_its_own =
                user.is_some() && home.devices().filter(|one| one.credential == user).count() == 1;
            (user.filter(|_| is_its_own), home.topics_of_device(id))
        };
        let (exact, wide): (Vec<TopicFilter>, Vec<TopicFilter>) =
            listens.into_iter().partition(|filter| !filter.as_str().contains(['+', '#']));
        let exact: HashSet<&str> = exact.iter().map(TopicFilter::as_str).collect();
        let retained = self.gate.retained(&everything(), usize::MAX);
        let mut topics = Vec::new();
        for some in retained.chunks(LOOKED_AT) {
            let home = self.home.read();
            for message in some {
                let claim = home.claim(message);
                let is_its = match &claim {
                    Claim::Announces(device) | Claim::Heard(device) => device == id,
                    _ => user.as_deref() == Some(message.publisher.user.as_str()),
                };
                let topic = message.topic.as_ref();
                if is_its || exact.contains(topic) || wide.iter().any(|filter| filter.matches(topic)) {
                    topics.push(view(message, &claim));
                }
            }
        }
        let more = topics.len() > DEVICE_RETAINED_MAX;
        topics.truncate(DEVICE_RETAINED_MAX);
        let fate = self.fate_of_removed(&self.home.read(), &[id].into());
        let (revokes, keeps) = (fate.revokes.into_iter().next(), fate.keeps.into_iter().next());
        Ok(DeviceRetained { topics, more, revokes, keeps })
    }

    /// Takes away what is retained on these topics, durable when this returns.
    pub(crate) async fn clear_topics(&self, who: &str, topics: &[String]) -> Result<ClearedTopics, ApiError> {
        at_most(topics.len())?;
        let (mut cleared, mut missing, mut last) = (Vec::new(), Vec::new(), None);
        for topic in topics {
            match self.retained_on(topic) {
                Some(message) => {
                    last = self.clear_retained(topic, who).or(last);
                    cleared.push(ClearedTopic { topic: topic.clone(), message_id: message.id });
                }
                None => missing.push(topic.clone()),
            }
        }
        if let Some(last) = last {
            self.gate.durable(last).await;
            let text = match cleared.as_slice() {
                [one] => format!("{who} cleared what was retained on `{}`.", one.topic),
                many => format!("{who} cleared what was retained on {} topics.", many.len()),
            };
            self.activity.add(Level::Info, "hub", None, text);
        }
        Ok(ClearedTopics { cleared, missing })
    }

    /// Retains again what was cleared, as it was and in the name of whoever sent it, as far as the journal still
    /// has it and nothing newer is retained there. What a credential announced that is gone stays a ghost: it makes no
    /// device.
    pub(crate) async fn restore_topics(
        self: &Arc<Self>,
        who: &str,
        ids: &[u64],
    ) -> Result<RestoredTopics, ApiError> {
        at_most(ids.len())?;
        self.journal.flush().await.map_err(ApiError::internal)?;
        let (journal, wanted) = (self.journal.clone(), ids.to_vec());
        let read = move || {
            let messages = wanted.into_iter().map(|id| journal.message(id));
            messages.collect::<Result<Vec<_>, _>>()
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(ApiError::internal)?;
        let messages: Vec<Message> = read.map_err(ApiError::internal)?.into_iter().flatten().collect();
        let found = messages.len();
        let mut restored = Vec::new();
        let mut drafts = Vec::new();
        for message in messages {
            if !message.retain || message.payload.is_empty() || self.is_retained(&message.topic) {
                continue;
            }
            restored.push(message.topic.to_string());
            drafts.push(Draft {
                topic: message.topic,
                payload: message.payload,
                qos: message.qos,
                retain: true,
                publisher: message.publisher,
                cause: Some(Cause::Person { who: who.to_owned() }),
                properties: message.properties,
                inbound_qos2: None,
            });
        }
        if let Some(last) = self.gate.publish(drafts).last() {
            self.gate.durable(last.id).await;
            let text = match restored.as_slice() {
                [one] => format!("{who} took back what was retained on `{one}`."),
                many => format!("{who} took back what was retained on {} topics.", many.len()),
            };
            self.activity.add(Level::Info, "hub", None, text);
        }
        self.ingested().await;
        let gone = u32::try_from(ids.len() - found).unwrap_or(u32::MAX);
        Ok(RestoredTopics { restored, gone })
    }

    fn retained_on(&self, topic: &str) -> Option<Arc<Message>> {
        let filter = TopicFilter::new(topic).ok()?;
        self.gate.retained(&filter, 1).pop().filter(|message| message.topic.as_ref() == topic)
    }
}

fn at_most(topics: usize) -> Result<(), ApiError> {
    if topics > TOPICS_PER_CALL_MAX {
        return Err(ApiError::invalid(format!(
            "{topics} topics are too many at once. Send at most {TOPICS_PER_CALL_MAX}."
        )));
    }
    Ok(())
}

#[derive(Clone, Copy)]
enum Reason {
    Revoked,
    Away { since_ms: i64 },
    NoDevice,
}

impl From<Reason> for GhostReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Revoked => Self::NoCredential,
            Reason::Away { since_ms } => Self::Away { since_ms },
            Reason::NoDevice => Self::NoDevice,
        }
    }
}

fn reason(message: &Message, claim: &Claim, presence: &HashMap<String, Presence>) -> Option<Reason> {
    match presence.get(&message.publisher.user)? {
        Presence::Revoked => Some(Reason::Revoked),
        Presence::Away { since_ms } => Some(Reason::Away { since_ms: *since_ms }),
        // What the owner published by hand is nobody's ghost, unless it announces something.
        Presence::There if *claim == Claim::AnnouncesNobody => Some(Reason::NoDevice),
        Presence::There => None,
    }
}

fn words(reason: Reason, message: &Message, device: Option<&str>, days: u32) -> String {
    let user = &message.publisher.user;
    let device = device.map_or(String::new(), |name| format!(" It belongs to {name}."));
    match reason {
        Reason::Revoked => format!("The credential `{user}` that sent it is gone.{device}"),
        Reason::Away { .. } => format!("`{user}` has not been here for more than {days} days.{device}"),
        Reason::NoDevice => {
            "It announces a device that is not here: it was removed, or the announcement was not accepted."
                .to_owned()
        }
    }
}

fn view(message: &Message, claim: &Claim) -> RetainedTopic {
    RetainedTopic {
        topic: message.topic.to_string(),
        message_id: message.id,
        time_ms: message.time_ms,
        bytes: message.payload.len() as u64,
        user: message.publisher.user.clone(),
        kind: match claim {
            Claim::Announces(_) | Claim::AnnouncesNobody | Claim::Waits => RetainedKind::Announcement,
            Claim::Heard(_) => RetainedKind::Heard,
            Claim::Nobody => RetainedKind::Other,
        },
        device: claim.device().map(str::to_owned),
    }
}
