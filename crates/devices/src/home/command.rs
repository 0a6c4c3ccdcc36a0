//! Commands: from a verb and its arguments to the messages that carry it out, and what they lead to.

use std::collections::VecDeque;

use model::{Cause, Value};
use serde_json::{Map, Value as Json};

use super::answer::Given;
use super::{EntityEntry, Home, Waiting};
use crate::component::{self, Args, Change, Order, Wish};
use crate::error::CommandError;
use crate::limits::UNDER_WAY_MAX;
use crate::slug::distance;

/// How long after a command a change of state counts as its answer, ms. Boards answer in well under a second;
/// a slow network or a cover that only reports when it has arrived may take longer.
const ANSWER_MS: i64 = 5_000;

/// What is awaited of an entity after commands.
#[derive(Debug, Default)]
pub(super) struct Awaited {
    /// Cause of the last command, and until when a change counts as its answer, UTC ms.
    answer: Option<(Cause, i64)>,
    /// Messages after the last of which the entity is assumed to be something, until they come by.
    under_way: VecDeque<UnderWay>,
    /// The newest command.
    pub(super) given: Option<Given>,
    /// Commands that wait until the device wakes, in the order they were given.
    pub(super) waiting: Vec<Waiting>,
}

#[derive(Debug)]
struct UnderWay {
    topic: String,
    payload: bytes::Bytes,
    assumed: Vec<Change>,
}

impl Home {
    /// The messages that carry out a command. `attributes` go with the verb, such as `brightness` with
    /// `turn_on`. Nothing is sent unless all of it is valid.
    pub fn command(
        &self,
        entity: &str,
        verb: &str,
        value: Option<&Value>,
        attributes: &Map<String, Json>,
    ) -> Result<Order, CommandError> {
        let Some(entry) = self.by_id(entity) else {
            return Err(CommandError::UnknownEntity {
                entity: entity.to_owned(),
                similar: self.similar(entity),
            });
        };
        let args = Args::new(value, attributes);
        component::command(Wish::new(&entry.entity, &entry.state, entry.shine.as_deref(), verb, args))
    }

    /// What to tell somebody who names an entity that does not exist; `None` if it does.
    pub fn explain_unknown(&self, entity: &str) -> Option<String> {
        if self.by_id(entity).is_some() {
            return None;
        }
        let similar = self.similar(entity);
        Some(CommandError::UnknownEntity { entity: entity.to_owned(), similar }.to_string())
    }

    /// A command is being sent: what changes within [`ANSWER_MS`] is taken for its answer, and has its cause.
    /// What nothing will report is taken for granted as soon as the message has passed the log.
    pub fn await_answer(&mut self, entity: &str, order: &Order, cause: Cause, now_ms: i64) {
        let Some(slot) = self.slot_of.get(entity).copied() else { return };
        let Some(entry) = self.entry_mut(slot) else { return };
        let until_ms = now_ms.saturating_add(ANSWER_MS);
        let awaited = entry.awaited();
        awaited.answer = Some((cause, until_ms));
        if !order.assumed.is_empty() {
            let last = order.sends.len().saturating_sub(1);
            awaited.under_way.extend(order.sends.iter().enumerate().map(|(at, send)| UnderWay {
                topic: send.topic.clone(),
                payload: send.payload.clone(),
                assumed: if at == last { order.assumed.clone() } else { Vec::new() },
            }));
            let too_many = awaited.under_way.len().saturating_sub(UNDER_WAY_MAX);
            awaited.under_way.drain(..too_many);
        }
    }

    /// The entity whose id is written most like this, if any is close.
    fn similar(&self, id: &str) -> Option<String> {
        const CLOSE: usize = 4;
        const LONGEST: usize = 120;
        if id.len() > LONGEST {
            return None;
        }
        let near = self.slot_of.keys().map(|known| (distance(id, known), known)).min();
        near.filter(|(distance, _)| *distance <= CLOSE).map(|(_, known)| known.clone())
    }
}

impl EntityEntry {
    /// What is awaited, to be added to.
    pub(super) fn awaited(&mut self) -> &mut Awaited {
        self.awaited.get_or_insert_default()
    }

    /// The cause of the command that a change soon after it answers.
    pub(super) fn answered(&mut self, time_ms: i64) -> Option<Cause> {
        let (cause, until_ms) = self.awaited.as_mut()?.answer.take()?;
        (time_ms <= until_ms).then_some(cause)
    }

    /// What a message on a command topic lets the entity be taken for. Without a state topic that goes for
    /// messages of others too.
    pub(super) fn assumed(&mut self, topic: &str, payload: &[u8]) -> Vec<Change> {
        if let Some(awaited) = &mut self.awaited
            && let Some(at) =
                awaited.under_way.iter().position(|sent| sent.topic == topic && sent.payload == payload)
            && let Some(sent) = awaited.under_way.remove(at)
        {
            return sent.assumed;
        }
        let description = &self.entity.description;
        if !description.assumed_state {
            return Vec::new();
        }
        let Ok(text) = std::str::from_utf8(payload) else { return Vec::new() };
        let Some((verb, value)) = component::overheard(description, topic, text) else { return Vec::new() };
        let args = Args::new(value.as_ref(), &Map::new());
        let wish = Wish::new(&self.entity, &self.state, self.shine.as_deref(), verb, args);
        component::command(wish).map(|order| order.assumed).unwrap_or_default()
    }
}
