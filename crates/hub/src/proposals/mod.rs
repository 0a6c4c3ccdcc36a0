//! Own sketches: what the journal gives away about boards that do not announce themselves. It is worked out when
//! somebody asks, from the messages the journal has anyway; nothing watches the traffic for it.

mod accept;
pub(crate) mod former;
mod look;
mod view;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use devices::proposal::{Confidence as Sure, Offer, Proposal};
use model::Area;
use serde::{Deserialize, Serialize};

use crate::api::ApiError;
use crate::api::types::{DismissProposal, DismissedProposal, Proposals};
use crate::{Hub, clock};
use look::Looked;

/// The setting that keeps what was dismissed.
const SETTING: &str = "proposals.dismissed";
/// Dismissals kept; the oldest goes.
const DISMISSED_MAX: usize = 500;

/// How long what was found is shown again. Whoever reloads a page ten times makes the journal be read once.
const SHARED_FOR: Duration = Duration::from_secs(5);

/// What was found last. Whoever reads the journal for proposals holds it.
#[derive(Default)]
pub(crate) struct Looking {
    /// The round it is of, when it was found, and what.
    last: tokio::sync::Mutex<Option<(u64, Instant, Arc<Looked>)>>,
    /// Moves when what was found before does not count any more.
    round: AtomicU64,
}

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
        let dismissed = self.dismissed().await?;
        let looked = self.look_for_proposals().await?;
        let home = self.home.read();
        let belongings = home.belongings();
        let areas: Vec<Area> = home.areas().cloned().collect();
        drop(home);
        let (proposals, more) = view::bounded(open(&looked.proposals, &dismissed), &belongings, &areas);
        let dismissed = dismissed.into_iter().rev();
        let dismissed = dismissed.map(|Dismissed { id, key, name, time_ms }| DismissedProposal {
            id,
            key,
            name,
            dismissed_ms: time_ms,
        });
        Ok(Proposals {
            proposals,
            more: more as u32,
            topics_left_off: looked.topics_left_off as u32,
            dismissed: dismissed.collect(),
        })
    }

    /// Does not propose this again. Durable when this returns.
    pub(crate) async fn dismiss_proposal(self: &Arc<Self>, wanted: DismissProposal) -> Result<(), ApiError> {
        let looked = self.look_for_proposals().await?;
        let _changing = self.proposing.lock().await;
        let mut kept = self.dismissed().await?;
        let open = open(&looked.proposals, &kept);
        let found = open.iter().find(|open| open.proposal.id == wanted.id).ok_or_else(gone)?;
        let name = match &wanted.key {
            None => found.proposal.name.clone(),
            Some(key) => {
                let offer = found.offers.iter().find(|offer| offer.key == *key).ok_or_else(gone)?;
                format!("{}: {}", found.proposal.name, name_of(offer))
            }
        };
        let dismissed = Dismissed { id: wanted.id, key: wanted.key, name, time_ms: clock::now_ms() };
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

    /// What the journal gives away, as it was found a moment ago or is found now: one looks, and whoever asks meanwhile
    /// gets the same.
    async fn look_for_proposals(self: &Arc<Self>) -> Result<Arc<Looked>, ApiError> {
        let mut last = self.looking.last.lock().await;
        let round = self.looking.round.load(Ordering::Acquire);
        if let Some((of_round, at, looked)) = &*last
            && *of_round == round
            && at.elapsed() < SHARED_FOR
        {
            return Ok(looked.clone());
        }
        // What was accepted before this call is in the journal, and what it announced is in the home.
        self.journal.flush().await.map_err(ApiError::internal)?;
        self.ingested().await;
        let hub = self.clone();
        let looking =
            tokio::task::spawn_blocking(move || look::look(&hub)).await.map_err(ApiError::internal)?;
        let looked = Arc::new(looking.map_err(ApiError::internal)?);
        *last = Some((round, Instant::now(), looked.clone()));
        Ok(looked)
    }

    /// What belongs to whom has changed: what was found before is not shown any more.
    pub(crate) fn look_anew(&self) {
        self.looking.round.fetch_add(1, Ordering::AcqRel);
    }
}

/// A proposal without what was dismissed of it.
struct Open<'p> {
    proposal: &'p Proposal,
    offers: Vec<&'p Offer>,
}

impl Open<'_> {
    /// When it said something last, UTC ms.
    fn last_ms(&self) -> i64 {
        self.offers.iter().map(|offer| offer.evidence.last_ms).max().unwrap_or_default()
    }
}

/// The proposals without what was dismissed. What is left of one may be nothing but guesses, and is none then.
fn open<'p>(proposals: &'p [Proposal], dismissed: &[Dismissed]) -> Vec<Open<'p>> {
    let dismissed: HashSet<(&str, Option<&str>)> =
        dismissed.iter().map(|dismissed| (dismissed.id.as_str(), dismissed.key.as_deref())).collect();
    let left = |proposal: &'p Proposal| {
        let is_open = |offer: &&Offer| !dismissed.contains(&(&*proposal.id, Some(offer.key.as_str())));
        let offers: Vec<&Offer> = proposal.offers.iter().filter(is_open).collect();
        let sure = offers.iter().any(|offer| offer.confidence > Sure::Guess);
        (sure && !dismissed.contains(&(&*proposal.id, None))).then_some(Open { proposal, offers })
    };
    proposals.iter().filter_map(left).collect()
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
