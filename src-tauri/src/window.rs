//! The window: shown again, and what closing it means.

use std::sync::Arc;

use hub::api::{ApiError, Caller, dispatch};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tauri::{AppHandle, Manager, Window, WindowEvent};
use tauri_plugin_dialog::{DialogExt, MessageDialogButtons, MessageDialogResult};

use crate::hosted::HostedHub;

const MAIN: &str = "main";

/// Setting: whether Hearth goes on in the tray when its window is closed; `null` until the owner was asked.
const KEEP_IN_TRAY: &str = "keep_in_tray";

const KEEP: &str = "Keep running";
const QUIT: &str = "Quit";
const CANCEL: &str = "Cancel";

/// Brings the window to the front, from the tray or from behind.
pub(crate) fn show(app: &AppHandle) {
    let Some(window) = app.get_webview_window(MAIN) else { return };
    for step in [window.show(), window.unminimize(), window.set_focus()] {
        if let Err(error) = step {
            tracing::warn!(%error, "the window cannot be brought to the front");
        }
    }
}

/// Closing the window hides it or quits, as the owner chose; the first time it asks.
pub(crate) fn on_event(window: &Window, event: &WindowEvent) {
    if let WindowEvent::CloseRequested { api, .. } = event {
        api.prevent_close();
        let app = window.app_handle().clone();
        tauri::async_runtime::spawn(async move {
            // A hub that could not start has nothing to keep running.
            match keep_in_tray(&app).await {
                Ok(Some(true)) => hide(&app),
                Ok(None) => ask(app),
                Ok(Some(false)) | Err(_) => crate::quit(&app),
            }
        });
    }
}

fn hide(app: &AppHandle) {
    if let Some(window) = app.get_webview_window(MAIN)
        && let Err(error) = window.hide()
    {
        tracing::warn!(%error, "the window cannot be hidden");
    }
}

fn ask(app: AppHandle) {
    let mut question = app
        .dialog()
        .message(
            "While Hearth runs, devices stay connected and automations go on. Open its window again from the \
             tray, or by starting Hearth. You can change this in the settings.",
        )
        .title("Keep Hearth running without its window?")
        .buttons(MessageDialogButtons::YesNoCancelCustom(KEEP.into(), QUIT.into(), CANCEL.into()));
    if let Some(window) = app.get_webview_window(MAIN) {
        question = question.parent(&window);
    }
    question.show_with_result(move |answer| {
        let keep = match answer {
            MessageDialogResult::Yes => true,
            MessageDialogResult::No => false,
            MessageDialogResult::Custom(text) if text == KEEP => true,
            MessageDialogResult::Custom(text) if text == QUIT => false,
            _ => return,
        };
        tauri::async_runtime::spawn(async move {
            if let Err(error) = remember(&app, keep).await {
                tracing::warn!(error = error.message, "the answer is not remembered");
            }
            if keep { hide(&app) } else { crate::quit(&app) }
        });
    });
}

async fn keep_in_tray(app: &AppHandle) -> Result<Option<bool>, ApiError> {
    let setting = call(app, "get_setting", json!({ "key": KEEP_IN_TRAY })).await?;
    let setting: Value = serde_json::from_str(setting.get()).map_err(ApiError::internal)?;
    Ok(setting["value"].as_bool())
}

async fn remember(app: &AppHandle, keep: bool) -> Result<(), ApiError> {
    call(app, "set_setting", json!({ "key": KEEP_IN_TRAY, "value": keep })).await?;
    Ok(())
}

async fn call(app: &AppHandle, method: &str, params: Value) -> Result<Box<RawValue>, ApiError> {
    let hosted = app.state::<Arc<HostedHub>>().inner().clone();
    let params = to_raw_value(&params).map_err(ApiError::internal)?;
    dispatch(hosted.hub().await?, Caller::Desktop, method, Some(&params)).await
}
