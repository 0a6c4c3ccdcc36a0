//! Accepting a proposal: the device and its entities are made, and past messages become readings of theirs.

use std::collections::BTreeSet;
use std::sync::Arc;

use devices::proposal::{Confidence as Sure, Offer, Proposal};
use devices::{Adoption, Effect, Home, Saved};
use model::{EntityDescription, Message, Reading};
use store::{HistoryQuery, QueueFull};

use super::{Open, gone, open};
use crate::api::ApiError;
use crate::api::types::{AcceptProposal, AcceptedEntity, AcceptedProposal};
use crate::{Hub, clock};

/// Most days of past messages that become readings.
const HISTORY_DAYS_MAX: u32 = 31;
/// Past messages of one topic that become readings, the newest.
const HISTORY_PER_TOPIC_MAX: usize = 50_000;
/// Messages read at a time.
const PAGE: usize = 5_000;
/// A day, ms.
const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

impl Hub {
    /// Makes what was proposed. Durable when this returns.
    pub(crate) async fn accept_proposal(
        self: &Arc<Self>,
        who: &str,
        wanted: AcceptProposal,
    ) -> Result<AcceptedProposal, ApiError> {
        let days = wanted.history_days.unwrap_or(0);
        if days > HISTORY_DAYS_MAX {
            return Err(ApiError::invalid(format!(
                "At most {HISTORY_DAYS_MAX} days of history can be brought. Choose fewer."
            )));
        }
        let _accepting = self.proposing.lock().await;
        // What was announced since the list was made is nobody's to accept any more.
        self.look_anew();
        let looked = self.look_for_proposals().await?;
        let dismissed = self.dismissed().await?;
        let open = open(&looked.proposals, &dismissed);
        let open = open.into_iter().find(|open| open.proposal.id == wanted.id).ok_or_else(gone)?;
        let adoption = adoption(&open, wanted)?;
        // What came before is history and no news; what comes from here on is told by the bus.
        self.ingested().await;
        let up_to = self.journal.durable();
        let adopted = self.home.write().adopt(adoption, clock::now_ms());
        self.look_anew();
        let (device, made, effects) = adopted.map_err(|why| ApiError::from_registry(&why))?;
        let saved =
            Saved {
                devices: effects
                    .iter()
                    .filter_map(|effect| {
                        if let Effect::SaveDevice(record) = effect { Some(record.clone()) } else { None }
                    })
                    .collect(),
                entities: made.clone(),
                ..Saved::default()
            };
        let name = self.home.read().device(&device).map(|found| found.name.clone()).unwrap_or_default();
        self.wish(effects).await?;
        let entities: Vec<String> = made.iter().map(|entity| entity.id.clone()).collect();
        let text = format!("{who} accepted what was proposed: {name}, with {} entities.", entities.len());
        self.activity.add(crate::api::types::Level::Info, "device", Some(&device), text);
        let names: Vec<&str> = made.iter().map(|entity| entity.name.as_str()).collect();
        let text = format!("Added from what was proposed: {}.", names.join(", "));
        self.device_log.add(&device, "added", crate::api::types::Level::Info, &text);
        let readings = if days == 0 { 0 } else { self.bring_history(saved, days, up_to).await? };
        Ok(AcceptedProposal { device, entities, readings })
    }

    /// Makes readings of past messages, as if the entities had been there; says how many.
    async fn bring_history(self: &Arc<Self>, saved: Saved, days: u32, up_to: u64) -> Result<u64, ApiError> {
        let from_ms = clock::now_ms() - i64::from(days) * DAY_MS;
        let hub = self.clone();
        let found = tokio::task::spawn_blocking(move || past(&hub, saved, from_ms, up_to)).await;
        let mut readings = found.map_err(ApiError::internal)??;
        let count = readings.len() as u64;
        while !readings.is_empty() {
            let rest = readings.split_off(readings.len().min(PAGE));
            // The cursor is not moved by what is long past.
            while let Err(QueueFull(refused)) = self.readings.append(readings, 0) {
                readings = refused;
                if let Some(why) = self.readings.failure() {
                    return Err(ApiError::internal(why));
                }
                self.readings.backlog_low().await;
            }
            readings = rest;
        }
        self.readings.flush().await.map_err(ApiError::internal)?;
        Ok(count)
    }
}

/// What the entities would have read. A home of its own reads it, so that nothing fires and nobody is told.
fn past(hub: &Hub, saved: Saved, from_ms: i64, up_to: u64) -> Result<Vec<Reading>, ApiError> {
    let sources = saved.entities.iter().flat_map(|entity| &entity.description.sources);
    let topics: BTreeSet<String> = sources.map(|source| source.topic.clone()).collect();
    let mut home = Home::new(Vec::new());
    home.restore(saved);
    let mut readings = Vec::new();
    for topic in topics {
        let mut messages: Vec<Message> = Vec::new();
        let mut before = Some(up_to + 1);
        while let Some(end) = before.filter(|_| messages.len() < HISTORY_PER_TOPIC_MAX) {
            let topic = Some(topic.clone());
            let query = HistoryQuery { topic, before: Some(end), limit: PAGE, ..HistoryQuery::default() };
            let page = hub.journal.history(&query).map_err(ApiError::internal)?;
            let young = page.messages.into_iter().take_while(|message| message.time_ms >= from_ms);
            let count = messages.len();
            messages.extend(young);
            before = page.next_before.filter(|_| messages.len() > count);
        }
        for message in messages.iter().rev() {
            let effects = home.handle(message, true).into_iter();
            readings.extend(effects.filter_map(|effect| match effect {
                Effect::Reading(reading) => Some(reading),
                _ => None,
            }));
        }
    }
    Ok(readings)
}

fn adoption(open: &Open<'_>, wanted: AcceptProposal) -> Result<Adoption, ApiError> {
    let all = || {
        let likely = open.offers.iter().filter(|offer| offer.confidence > Sure::Guess);
        likely.map(|offer| AcceptedEntity { key: offer.key.clone(), name: None, unit: None }).collect()
    };
    let chosen: Vec<AcceptedEntity> = wanted.entities.unwrap_or_else(all);
    if chosen.is_empty() {
        return Err(ApiError::invalid(
            "Nothing was chosen. Choose at least one entity, or dismiss the proposal.",
        ));
    }
    let mut entities = Vec::with_capacity(chosen.len());
    for entity in chosen {
        let offer = open.offers.iter().find(|offer| offer.key == entity.key).ok_or_else(gone)?;
        if entities.iter().any(|(key, _)| *key == entity.key) {
            return Err(ApiError::invalid(format!("`{}` is chosen twice.", entity.key)));
        }
        entities.push((entity.key.clone(), edited(offer, entity)));
    }
    let Proposal { name, user, presence, .. } = open.proposal;
    Ok(Adoption {
        device: wanted.device,
        name: wanted.name.unwrap_or_else(|| name.clone()),
        area: wanted.area,
        credential: Some(user.clone()).filter(|user| !user.is_empty()),
        presence: presence.as_ref().map(|presence| presence.source.clone()),
        entities: entities.into_iter().map(|(_, description)| description).collect(),
    })
}

fn edited(offer: &Offer, entity: AcceptedEntity) -> EntityDescription {
    let mut description = offer.description.clone();
    description.name = entity.name.or(description.name);
    if let Some(unit) = entity.unit.map(|unit| unit.trim().to_owned()) {
        let unit = Some(unit).filter(|unit| !unit.is_empty());
        if unit != description.unit {
            // What is measured in another unit may be something else; the owner knows, the class does not.
            description.device_class = None;
        }
        description.unit = unit;
    }
    description
}
