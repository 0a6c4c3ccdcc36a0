//! Own sketches: what the journal gives away about boards that do not announce themselves. It is worked out when
//! somebody asks, from the messages the journal has anyway; nothing watches the traffic for it.

mod accept;
mod look;

use std::sync::Arc;

use devices::proposal::{Confidence as Sure, Offer, Proposal};
use model::Area;
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::api::types::{
    Confidence, DismissProposal, DismissedProposal, ProposalView, Proposals, ProposedEntity,
    ProposedPresence, ProposedSample,
};
use crate::{Hub, clock};

/// The setting that keeps what was dismissed.
const SETTING: &str = "proposals.dismissed";
/// Dismissals kept; the oldest goes.
const DISMISSED_MAX: usize = 500;

/// One thing that was dismissed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Dismissed {
    id: String,
    key: Option<String>,
    name: String,
    time_ms: i64,
}

impl Hub {
    /// What could be made of the traffic, and what was dismissed of it.
    pub(crate) async fn proposals(self: &Arc<Self>) -> Result<Proposals, ApiError> {
        let (proposals, dismissed) = self.look_for_proposals().await?;
        let home = self.home.read();
        let belongings = home.belongings();
        let areas: Vec<Area> = home.areas().cloned().collect();
        drop(home);
        let mut proposals: Vec<ProposalView> = proposals
            .into_iter()
            .map(|proposal| {
                let device = belongings.device_under(&proposal.root).map(ToOwned::to_owned);
                let area = area_in(&proposal.root, &areas);
                view(proposal, device, area)
            })
            .collect();
        proposals.sort_by_key(|proposal| std::cmp::Reverse(proposal.last_ms));
        let dismissed = dismissed.into_iter().rev();
        let dismissed = dismissed.map(|Dismissed { id, key, name, time_ms }| DismissedProposal {
            id,
            key,
            name,
            dismissed_ms: time_ms,
        });
        Ok(Proposals { proposals, dismissed: dismissed.collect() })
    }

    /// Does not propose this again. Durable when this returns.
    pub(crate) async fn dismiss_proposal(self: &Arc<Self>, wanted: DismissProposal) -> Result<(), ApiError> {
        let (proposals, _) = self.look_for_proposals().await?;
        let found = proposals.iter().find(|proposal| proposal.id == wanted.id).ok_or_else(gone)?;
        let name = match &wanted.key {
            None => found.name.clone(),
            Some(key) => {
                let offer = found.offers.iter().find(|offer| offer.key == *key).ok_or_else(gone)?;
                format!("{}: {}", found.name, name_of(offer))
            }
        };
        let dismissed = Dismissed { id: wanted.id, key: wanted.key, name, time_ms: clock::now_ms() };
        let _changing = self.proposing.lock().await;
        let mut kept = self.dismissed().await?;
        kept.retain(|other| (&other.id, &other.key) != (&dismissed.id, &dismissed.key));
        kept.push(dismissed);
        let surplus = kept.len().saturating_sub(DISMISSED_MAX);
        kept.drain(..surplus);
        self.keep_dismissed(&kept).await
    }

    /// Proposes again what was dismissed. Durable when this returns.
    pub(crate) async fn restore_proposal(self: &Arc<Self>, wanted: &DismissProposal) -> Result<(), ApiError> {
        let _changing = self.proposing.lock().await;
        let mut kept = self.dismissed().await?;
        let before = kept.len();
        kept.retain(|other| (&other.id, &other.key) != (&wanted.id, &wanted.key));
        if kept.len() == before {
            return Err(ApiError::not_found("dismissed proposal", &wanted.id));
        }
        self.keep_dismissed(&kept).await
    }

    async fn dismissed(self: &Arc<Self>) -> Result<Vec<Dismissed>, ApiError> {
        let hub = self.clone();
        let read =
            tokio::task::spawn_blocking(move || hub.setting(SETTING)).await.map_err(ApiError::internal)?;
        let kept = read.map_err(ApiError::internal)?.unwrap_or_default();
        // What an older or newer version wrote in another form is proposed again.
        Ok(serde_json::from_value(kept).unwrap_or_default())
    }

    async fn keep_dismissed(&self, kept: &[Dismissed]) -> Result<(), ApiError> {
        self.keep_setting(SETTING, serde_json::to_value(kept).map_err(ApiError::internal)?).await
    }

    /// The proposals without what was dismissed, and what was.
    async fn look_for_proposals(self: &Arc<Self>) -> Result<(Vec<Proposal>, Vec<Dismissed>), ApiError> {
        // What was accepted before this call is in the journal, and what it announced is in the home.
        self.journal.flush().await.map_err(ApiError::internal)?;
        self.ingested().await;
        let dismissed = self.dismissed().await?;
        let hub = self.clone();
        // One at a time: whoever reloads a page ten times reads the journal once after the other.
        let _alone = self.looking.lock().await;
        let looked =
            tokio::task::spawn_blocking(move || look::look(&hub)).await.map_err(ApiError::internal)?;
        let mut proposals = looked.map_err(ApiError::internal)?;
        let is_dismissed = |id: &str, key: Option<&str>| {
            dismissed.iter().any(|other| other.id == id && other.key.as_deref() == key)
        };
        proposals.retain_mut(|proposal| {
            proposal.offers.retain(|offer| !is_dismissed(&proposal.id, Some(&offer.key)));
            let sure = proposal.offers.iter().any(|offer| offer.confidence > Sure::Guess);
            sure && !is_dismissed(&proposal.id, None)
        });
        Ok((proposals, dismissed))
    }
}

/// The error for what is not proposed any more.
fn gone() -> ApiError {
    ApiError::conflict(
        "This is no longer proposed: it was accepted, dismissed, or its messages are gone. Reload the list.",
    )
}

fn name_of(offer: &Offer) -> &str {
    offer.description.name.as_deref().unwrap_or_default()
}

/// The area a level of the topics is called after.
fn area_in(root: &str, areas: &[Area]) -> Option<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-', ' '], "");
    let mut levels = root.split('/').map(plain);
    levels
        .find_map(|level| areas.iter().find(|area| plain(&area.name) == level || area.id == level))
        .map(|area| area.id.clone())
}

fn view(proposal: Proposal, device: Option<String>, area: Option<String>) -> ProposalView {
    let presence = proposal.presence.map(|presence| ProposedPresence {
        topic: presence.source.topic,
        online: presence.source.online,
        offline: presence.source.offline,
        why: presence.why,
    });
    let entities: Vec<ProposedEntity> = proposal.offers.into_iter().map(entity).collect();
    ProposalView {
        id: proposal.id,
        root: proposal.root,
        name: proposal.name,
        user: proposal.user,
        client_id: proposal.client_id,
        device,
        area,
        presence,
        since_ms: entities.iter().map(|entity| entity.since_ms).min().unwrap_or_default(),
        last_ms: entities.iter().map(|entity| entity.last_ms).max().unwrap_or_default(),
        entities,
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
            .map(|(time_ms, value)| ProposedSample { time_ms, value })
            .collect(),
        messages: evidence.messages,
        since_ms: evidence.since_ms,
        last_ms: evidence.last_ms,
    }
}
