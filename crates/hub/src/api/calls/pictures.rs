//! The pictures of cameras and images.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Result, blocking};
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::pictures::SETTING;

pub(in crate::api) async fn list_pictures(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<PictureList> {
    if hub.home.read().entity(&by.id).is_none() {
        return Err(ApiError::not_found("entity", &by.id));
    }
    hub.pictures.written().await;
    Ok(PictureList { pictures: hub.pictures.list(&by.id), keep: hub.pictures.settings().keep })
}

pub(in crate::api) async fn get_picture(hub: &Arc<Hub>, _: &Caller, by: ByPicture) -> Result<PictureData> {
    let hub = hub.clone();
    blocking(move || {
        let (picture, _, bytes) = hub.pictures.get(&by.entity, by.id)?;
        Ok(PictureData { picture, base64: STANDARD.encode(bytes) })
    })
    .await
}

pub(in crate::api) async fn picture_settings(
    hub: &Arc<Hub>,
    _: &Caller,
    _: Empty,
) -> Result<PictureSettings> {
    Ok(hub.pictures.settings())
}

pub(in crate::api) async fn set_picture_settings(
    hub: &Arc<Hub>,
    _: &Caller,
    settings: PictureSettings,
) -> Result<Empty> {
    settings.check()?;
    let value = serde_json::to_value(&settings).map_err(ApiError::internal)?;
    hub.keep_setting(SETTING, value).await?;
    let pictures = hub.pictures.clone();
    blocking(move || {
        pictures.set(settings);
        Ok(Empty {})
    })
    .await
}
