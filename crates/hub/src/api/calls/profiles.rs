//! Firmware profiles, and trying them.

use std::sync::Arc;

use devices::limits::{JSON_BYTES_MAX, PROFILE_BYTES_MAX, TEMPLATE_FUEL, TEMPLATE_LIGHT_FUEL};
use devices::{Profile, TrialMessage};

use super::{Result, blocking, written};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::profiles::{faults, samples};

pub(in crate::api) async fn list_profiles(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<ProfileList> {
    let hub = hub.clone();
    blocking(move || {
        let folder = hub.profiles.folder().display().to_string();
        Ok(ProfileList { profiles: hub.profiles.list(&hub), folder })
    })
    .await
}

pub(in crate::api) async fn get_profile(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<ProfileDetail> {
    let hub = hub.clone();
    blocking(move || hub.profiles.get(&hub, &by.id)).await
}

pub(in crate::api) async fn check_profile(
    _: &Arc<Hub>,
    _: &Caller,
    draft: ProfileSource,
) -> Result<ProfileCheck> {
    blocking(move || Ok(checked(&draft.source))).await
}

/// What is found in a profile.
pub(crate) fn checked(source: &str) -> ProfileCheck {
    let found = Profile::examine("The draft", source);
    ProfileCheck {
        id: found.profile.as_ref().map(|profile| profile.id().to_owned()),
        name: found.profile.as_ref().map(|profile| profile.name().to_owned()),
        samples: samples(&found.covered),
        plays: found.profile.iter().flat_map(Profile::samples).map(play).collect(),
        faults: faults(&found.faults, source),
    }
}

/// A sample as the playground takes it.
fn play((name, messages): (&str, Vec<TrialMessage>)) -> ProfilePlay {
    let messages = messages.into_iter().map(|message| TryMessage {
        topic: message.topic,
        payload: String::from_utf8_lossy(&message.payload).into_owned(),
        encoding: PayloadEncoding::Text,
        retain: message.retain,
    });
    ProfilePlay { name: name.to_owned(), messages: messages.collect() }
}

pub(in crate::api) async fn try_profile(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: TryProfile,
) -> Result<ProfileTrial> {
    if wanted.source.as_ref().is_some_and(|source| source.len() > PROFILE_BYTES_MAX) {
        return Err(ApiError::invalid(format!(
            "A profile can have at most {} KiB.",
            PROFILE_BYTES_MAX >> 10
        )));
    }
    hub.profiles.try_out(hub, wanted.key, wanted.source, wanted.messages).await
}

pub(in crate::api) async fn try_template(
    _: &Arc<Hub>,
    _: &Caller,
    wanted: TryTemplate,
) -> Result<TriedTemplate> {
    if wanted.payload.len() > JSON_BYTES_MAX {
        return Err(ApiError::invalid(format!("The payload can have at most {} KiB.", JSON_BYTES_MAX >> 10)));
    }
    blocking(move || {
        let printed = devices::try_template(&wanted.template, &wanted.payload);
        let steps = |fuel: u64| u32::try_from(fuel).unwrap_or(u32::MAX);
        let fuel_max = steps(TEMPLATE_FUEL + TEMPLATE_LIGHT_FUEL);
        let (text, why) = match printed.text {
            Ok(text) => (Some(text), None),
            Err(why) => (None, Some(why)),
        };
        Ok(TriedTemplate { text, why, fuel: steps(printed.fuel), fuel_max })
    })
    .await
}

pub(in crate::api) async fn save_profile(
    hub: &Arc<Hub>,
    _: &Caller,
    save: SaveProfile,
) -> Result<ProfileDetail> {
    let (saving, file) = (hub.clone(), save.file);
    let saved = blocking(move || {
        let name = saving.profiles.save(&saving, file, &save.source)?;
        saving.profiles.get(&saving, &name)
    })
    .await?;
    written(hub).await?;
    Ok(saved)
}

pub(in crate::api) async fn remove_profile(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let removing = hub.clone();
    blocking(move || removing.profiles.remove(&removing, &by.id)).await?;
    written(hub).await?;
    Ok(Empty {})
}
