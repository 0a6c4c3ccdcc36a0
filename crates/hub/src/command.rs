//! Commands on their way: sent, held back by the relay guard, or waiting until the device wakes or is back.
//!
//! What waits is kept here and not in the board's session at the broker: of commands about the same only the newest is
//! sent, the guard looks at it when it is, and it is given up after a day.

use std::sync::Arc;
use std::time::Duration;

use broker::{Draft, NotPublished, Reach};
use devices::{CommandError, Effect, Order, Send, Waiting, WaitsFor, attribute_words};
use model::{Cause, CommandStage, CommandState, Publisher, Value};
use serde_json::{Map, Value as Json};
use store::Written;

use crate::api::types::Level;
use crate::{Hub, clock, ingest, scripts};

/// Time between two looks at a board that is back and does not listen yet.
const LISTENS_AGAIN: Duration = Duration::from_secs(1);

/// A verb for an entity.
#[derive(Clone, Copy)]
struct Told<'a> {
    entity: &'a str,
    verb: &'a str,
    value: Option<&'a Value>,
}

impl Hub {
    /// Tells an entity to do something, now or when its device wakes or is back. What the device answers comes as a state, later.
    /// What has to be kept is durable when the returned promise resolves.
    pub(crate) fn command(
        self: &Arc<Self>,
        publisher: Publisher,
        entity: &str,
        verb: &str,
        value: Option<&Value>,
        attributes: &Map<String, Json>,
        cause: Cause,
    ) -> Result<Option<Written<()>>, CommandError> {
        let told = Told { entity, verb, value };
        let (order, name, sleeps) = {
            let home = self.home.read();
            let order = home.command(entity, verb, value, attributes)?;
            let name = home.entity(entity).map_or_else(|| entity.to_owned(), |found| found.name.clone());
            (order, name, home.is_asleep(entity))
        };
        let mut said = value.map_or(String::new(), |value| format!(" {value}"));
        let asked: Vec<String> =
            attributes.iter().map(|(name, value)| attribute_words(name, value)).collect();
        if !asked.is_empty() {
            said.push_str(&format!(" with {}", asked.join(", ")));
        }
        let reach = if sleeps { Reach::Heard } else { self.reach(entity, &order) };
        let waits_for = match reach {
            _ if sleeps => Some(WaitsFor::Wake),
            Reach::Kept { until_ms } => Some(WaitsFor::Return(until_ms)),
            Reach::Heard | Reach::Deaf | Reach::Nobody => None,
        };
        let then = match waits_for {
            Some(WaitsFor::Wake) => " It sleeps, so the command waits until it wakes.",
            Some(WaitsFor::Return(_)) => {
                " Its board is not connected, so the command waits until it is back."
            }
            None => "",
        };
        let text = format!("{cause} told {name} ({entity}) to {}{said}.{then}", verb.replace('_', " "));
        self.activity.add(Level::Info, "command", Some(entity), text);
        if let Some(what) = waits_for {
            let told = (verb, value, attributes);
            let waits = self.home.write().wait(entity, told, cause, what, clock::now_ms())?;
            return Ok(ingest::carry_out_command(self, waits));
        }
        self.send(told, order, publisher, cause)?;
        if reach == Reach::Nobody {
            let unheard = self.home.write().unheard(entity, clock::now_ms());
            drop(ingest::carry_out_command(self, unheard));
        }
        Ok(None)
    }

    /// Whether a command would come to the board of an entity now. What is retained finds it whenever it comes.
    fn reach(&self, entity: &str, order: &Order) -> Reach {
        let user = {
            let home = self.home.read();
            let device = home.entity(entity).and_then(|found| home.device(&found.device));
            device.and_then(|device| device.credential.clone())
        };
        let told = order.sends.first().filter(|_| order.sends.iter().all(|send| !send.retain));
        user.zip(told).map_or(Reach::Heard, |(user, send)| self.gate.reach(&user, &send.topic))
    }

    /// Sends what waited for boards that are back. Says whether one is that does not listen yet.
    fn send_to_returned(self: &Arc<Self>) -> bool {
        let mut is_deaf = false;
        let away = self.home.read().away();
        for entity in away {
            match self.reach_of_waiting(&entity) {
                Some(Reach::Heard) => self.send_waiting(&entity),
                Some(Reach::Deaf) => is_deaf = true,
                Some(Reach::Kept { .. } | Reach::Nobody) | None => {}
            }
        }
        is_deaf
    }

    fn reach_of_waiting(&self, entity: &str) -> Option<Reach> {
        let order = {
            let home = self.home.read();
            let Waiting { verb, value, attributes, .. } = home.waiting(entity).first()?;
            home.command(entity, verb, value.as_ref(), attributes).ok()
        };
        // What cannot be made into messages any more is told when it is tried.
        Some(order.map_or(Reach::Heard, |order| self.reach(entity, &order)))
    }

    /// Publishes the messages of a command, up to the first that is not taken.
    fn send(
        self: &Arc<Self>,
        told: Told<'_>,
        order: Order,
        publisher: Publisher,
        cause: Cause,
    ) -> Result<(), CommandError> {
        let entity = told.entity;
        let effects = {
            let (now_ms, mut home) = (clock::now_ms(), self.home.write());
            home.await_answer(entity, &order, cause.clone(), now_ms);
            home.sending(entity, told.verb, told.value, &order, now_ms)
        };
        let (waits, told): (Vec<_>, Vec<_>) =
            effects.into_iter().partition(|effect| matches!(effect, Effect::KeepWaiting { .. }));
        drop(ingest::carry_out_command(self, told));
        let publisher = Arc::new(publisher);
        let mut last = None;
        let mut outcome = Ok(());
        for send in order.sends {
            match self.gate.publish_one(draft(send, &publisher, &cause)) {
                Ok(message) => last = Some(message.id),
                Err(why) => {
                    outcome = Err(why);
                    break;
                }
            }
        }
        let effects = {
            let (now_ms, mut home) = (clock::now_ms(), self.home.write());
            match &outcome {
                Ok(()) => home.passed(entity, now_ms),
                Err(NotPublished::Held(held)) => home.held(entity, &held.why, now_ms),
                Err(why @ NotPublished::NoRoom) => home.unsent(entity, &why.to_string(), now_ms),
            }
        };
        drop(ingest::carry_out_command(self, effects));
        if !waits.is_empty() {
            self.forget_waiting(entity.to_owned(), last);
        }
        outcome.map_err(|why| match why {
            NotPublished::Held(held) => CommandError::Held { why: held.why },
            NotPublished::NoRoom => CommandError::NotSent { why: why.to_string() },
        })
    }

    /// Takes a command that waited out of `hub.db` when its message is durable, and not before: a crash between the two
    /// sends it once more, and never loses it.
    fn forget_waiting(self: &Arc<Self>, entity: String, sent: Option<u64>) {
        let hub = self.clone();
        self.tasks.spawn(async move {
            if let Some(id) = sent {
                hub.gate.durable(id).await;
            }
            if let Err(why) = ingest::keep_waiting(&hub, entity).await {
                tracing::error!(%why, "a command that was sent is still kept, and may be sent again");
            }
        });
    }

    /// The device of an entity is awake, or has said something although it was away: it is sent what waited for it, if
    /// it is there.
    pub(crate) fn woke(self: &Arc<Self>, entity: &str) {
        let is_away = self.home.read().waiting(entity).iter().any(|waiting| waiting.away);
        if !is_away || self.reach_of_waiting(entity) == Some(Reach::Heard) {
            self.send_waiting(entity);
        }
    }

    fn send_waiting(self: &Arc<Self>, entity: &str) {
        let waiting = self.home.read().waiting(entity).to_vec();
        for Waiting { verb, value, attributes, cause, asked_ms, .. } in waiting {
            let told = Told { entity, verb: &verb, value: value.as_ref() };
            let order = self.home.read().command(entity, &verb, value.as_ref(), &attributes);
            let publisher = match &cause {
                Cause::Run { .. } => scripts::publisher(&cause),
                _ => Publisher::hub("command"),
            };
            let outcome = order.and_then(|order| self.send(told, order, publisher, cause));
            // What the guard held back has a line.
            if let Err(why) = &outcome
                && !matches!(why, CommandError::Held { .. })
            {
                let text = format!(
                    "The command `{verb}` that waited for {entity} could not be sent when it was back: {why}"
                );
                self.activity.add(Level::Warning, "command", Some(entity), text);
                let effects = self.home.write().waited(entity, asked_ms, &verb);
                drop(ingest::carry_out_command(self, effects));
            }
        }
    }

    /// A line for a command that came to nothing.
    pub(crate) fn tell_command(&self, entity: &str, command: &CommandState) {
        if !matches!(command.stage, CommandStage::Unconfirmed | CommandStage::Expired) {
            return;
        }
        let home = self.home.read();
        let device = home.entity(entity).map(|found| found.device.clone());
        let name = home.entity(entity).map_or(entity, |found| &found.name);
        let verb = command.verb.replace('_', " ");
        let said = command.value.as_ref().map_or(String::new(), |value| format!(" {value}"));
        let why = command.why.as_deref().unwrap_or_default();
        let text =
            format!("Nobody knows whether {name} ({entity}) did what it was told, {verb}{said}. {why}");
        drop(home);
        if let Some(device) = device {
            self.device_log.add(&device, "unconfirmed", Level::Warning, &text);
        }
        self.activity.add(Level::Warning, "command", Some(entity), text);
    }
}

/// Sends what waited for boards that were away, when somebody comes in. Ends with the hub.
pub(crate) async fn attend(hub: Arc<Hub>) {
    let mut is_deaf = false;
    loop {
        tokio::select! {
            () = hub.came.notified() => {}
            () = tokio::time::sleep(LISTENS_AGAIN), if is_deaf => {}
        }
        is_deaf = hub.send_to_returned();
    }
}

fn draft(send: Send, publisher: &Arc<Publisher>, cause: &Cause) -> Draft {
    Draft {
        topic: send.topic.into(),
        payload: send.payload,
        qos: send.qos,
        retain: send.retain,
        publisher: publisher.clone(),
        cause: Some(cause.clone()),
        properties: None,
        inbound_qos2: None,
    }
}
