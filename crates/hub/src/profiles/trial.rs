//! Trying a profile from the app or the command line: in an empty home, off the async workers, for so long and no
//! longer. Nothing is sent or kept.

use std::sync::Arc;
use std::time::{Duration, Instant};

use devices::{Place, Played, Profile, Trial, TrialMessage};

use super::{Profiles, faults};
use crate::api::ApiError;
use crate::api::types::{
    PayloadEncoding, ProfileTrial, TriedCommand, TriedEntity, TriedMessage, TriedRule, TriedSend, TryMessage,
};
use crate::{Hub, hex};

/// Most trials at a time.
pub(super) const TRIALS_MAX: usize = 2;
/// Longest trial.
const TRIAL_TIME: Duration = Duration::from_secs(5);

impl Profiles {
    /// Tries a profile: a draft, or one that is in use, by its key.
    pub(crate) async fn try_out(
        &self,
        hub: &Arc<Hub>,
        key: Option<String>,
        source: Option<String>,
        messages: Vec<TryMessage>,
    ) -> Result<ProfileTrial, ApiError> {
        let Ok(_place) = self.trying.try_acquire() else {
            return Err(ApiError {
                code: crate::api::ErrorCode::Busy,
                message: "Other profiles are being tried. Try again in a moment.".to_owned(),
            });
        };
        let source = match (source, key) {
            (Some(source), _) => source,
            (None, Some(key)) => self.get(hub, &key)?.source,
            (None, None) => return Err(ApiError::invalid("Say which profile is to be tried, or give one.")),
        };
        let tried = tokio::task::spawn_blocking(move || try_source(&source, messages));
        tried.await.map_err(ApiError::internal)?
    }
}

/// Tries a profile as it is written. One that fails its own samples can be tried all the same.
pub(crate) fn try_source(source: &str, messages: Vec<TryMessage>) -> Result<ProfileTrial, ApiError> {
    let profile = match Profile::parse("The draft", source) {
        Ok(profile) => profile,
        Err(fault) => {
            return Ok(ProfileTrial { faults: faults(&[fault], source), ..ProfileTrial::default() });
        }
    };
    let messages = messages.into_iter().map(message).collect::<Result<Vec<_>, _>>()?;
    let begun = Instant::now();
    let trial = profile.try_out(&messages, &|| begun.elapsed() < TRIAL_TIME).map_err(ApiError::invalid)?;
    let is_whole = trial.messages.len() == messages.len() && begun.elapsed() < TRIAL_TIME;
    Ok(shown(trial, is_whole))
}

fn message(given: TryMessage) -> Result<TrialMessage, ApiError> {
    let payload = match given.encoding {
        PayloadEncoding::Text => given.payload.into(),
        PayloadEncoding::Hex => hex::decode(&given.payload)
            .ok_or_else(|| ApiError::invalid("The payload is not written in pairs of hexadecimal digits."))?
            .into(),
    };
    Ok(TrialMessage { topic: given.topic, payload, retain: given.retain })
}

fn shown(trial: Trial, is_whole: bool) -> ProfileTrial {
    ProfileTrial {
        faults: Vec::new(),
        messages: trial.messages.into_iter().map(shown_message).collect(),
        devices: trial.devices,
        entities: trial.entities.into_iter().map(|(entity, state)| TriedEntity { entity, state }).collect(),
        commands: trial
            .commands
            .into_iter()
            .map(|command| {
                let (sends, why) = match command.sends {
                    Ok(sends) => (sends.into_iter().map(shown_send).collect(), None),
                    Err(why) => (Vec::new(), Some(why)),
                };
                TriedCommand { entity: command.entity, verb: command.verb, value: command.value, sends, why }
            })
            .collect(),
        is_whole,
    }
}

fn shown_message(played: Played) -> TriedMessage {
    TriedMessage {
        topic: played.topic,
        rules: played
            .rules
            .into_iter()
            .map(|rule| TriedRule {
                profile: rule.profile,
                rule: rule.rule,
                line: rule.place.and_then(|Place { line, .. }| u32::try_from(line).ok()),
                captures: rule.captures,
                made: rule.made,
            })
            .collect(),
        described: played.described,
        reported: played.reported,
        sends: played.sends.into_iter().map(shown_send).collect(),
        problems: played.problems,
        fuel: u32::try_from(played.fuel).unwrap_or(u32::MAX),
    }
}

fn shown_send(send: devices::Send) -> TriedSend {
    let payload = String::from_utf8_lossy(&send.payload).into_owned();
    TriedSend { topic: send.topic, payload, retain: send.retain }
}
