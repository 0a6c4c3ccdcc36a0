//! Proposals as they look from outside: bounded, and what was left off is said.

use std::cmp::Reverse;

use devices::Belongings;
use devices::proposal::{Confidence as Sure, Offer, Proposal};
use model::Area;

use super::Open;
use crate::api::types::{Confidence, ProposalView, ProposedEntity, ProposedPresence, ProposedSample};

/// Proposals of one answer.
const PROPOSALS_MAX: usize = 100;
/// Entities of all proposals of one answer.
const ENTITIES_MAX: usize = 500;
/// Values that were seen, of each entity.
const SAMPLES_MAX: usize = 5;

/// What is shown of the proposals, the one that spoke last first; and how many are left off.
pub(super) fn bounded(
    mut open: Vec<Open<'_>>,
    belongings: &Belongings,
    areas: &[Area],
) -> (Vec<ProposalView>, usize) {
    open.sort_by_key(|open| Reverse(open.last_ms()));
    let count = open.len();
    let mut room = ENTITIES_MAX;
    let fits = open.into_iter().take(PROPOSALS_MAX).take_while(|open| {
        let fits = open.offers.len() <= room;
        room = room.saturating_sub(open.offers.len());
        fits
    });
    let shown: Vec<ProposalView> = fits.map(|open| view(&open, belongings, areas)).collect();
    let left_off = count - shown.len();
    (shown, left_off)
}

/// The area a level of the topics is called after.
fn area_in(root: &str, areas: &[Area]) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let mut levels = root.split('/').map(plain);
    levels
        .find_map(|level| areas.iter().find(|area| plain(&area.name) == level || area.id == level))
        .map(|area| area.id.clone())
}

fn view(open: &Open<'_>, belongings: &Belongings, areas: &[Area]) -> ProposalView {
    let Proposal { id, root, name, user, client_id, presence, left_off, .. } = open.proposal.clone();
    let presence = presence.map(|presence| ProposedPresence {
        topic: presence.source.topic,
        online: presence.source.online,
        offline: presence.source.offline,
        why: presence.why,
    });
    ProposalView {
        device: belongings.device_under(&root).map(ToOwned::to_owned),
        area: area_in(&root, areas),
        id,
        root,
        name,
        user,
        client_id,
        presence,
        since_ms: open.offers.iter().map(|offer| offer.evidence.since_ms).min().unwrap_or_default(),
        last_ms: open.last_ms(),
        entities: open.offers.iter().map(|offer| entity((*offer).clone())).collect(),
        more_entities: left_off as u32,
    }
}

fn entity(offer: Offer) -> ProposedEntity {
    let Offer { key, description, path, confidence, evidence } = offer;
    let command = description.commands.values().next();
    ProposedEntity {
        key,
        name: description.name.unwrap_or_default(),
        component: description.component,
        unit: description.unit,
        device_class: description.device_class,
        state_class: description.state_class,
        topic: description.sources.first().map(|source| source.topic.clone()).unwrap_or_default(),
        path,
        command_topic: command.map(|command| command.topic.clone()),
        wanted: confidence > Sure::Guess,
        confidence: match confidence {
            Sure::Guess => Confidence::Guess,
            Sure::Likely => Confidence::Likely,
            Sure::Clear => Confidence::Clear,
        },
        why: evidence.why,
        samples: evidence
            .samples
            .into_iter()
            .take(SAMPLES_MAX)
            .map(|(time_ms, value)| ProposedSample { time_ms, value })
            .collect(),
        messages: evidence.messages,
        since_ms: evidence.since_ms,
        last_ms: evidence.last_ms,
    }
}
