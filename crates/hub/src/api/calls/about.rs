//! The hub itself: numbers, activity, the demo home, settings.

use std::sync::Arc;

use broker::Transport;

use super::{Result, at_most, blocking, written};
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::{Hub, clock};

/// Longest name of a setting, and longest value, bytes of JSON.
const KEY_BYTES_MAX: usize = 64;
const SETTING_BYTES_MAX: usize = 64 * 1024;

pub(in crate::api) async fn info(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Info> {
    let counters = hub.gate.counters();
    let address = hub.board_address();
    let reading = hub.clone();
    let readings = blocking(move || reading.readings.count().map_err(ApiError::internal)).await?;
    let failures = [hub.journal.failure(), hub.db.failure(), hub.readings.failure()];
    let listening = |transport| hub.listening(transport).map(|address| address.to_string());
    Ok(Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_dir: hub.data.path().display().to_string(),
        mqtt: listening(Transport::Tcp).into_iter().collect(),
        mqtts: listening(Transport::Tls),
        ws: listening(Transport::Ws),
        wss: listening(Transport::Wss),
        board_host: address.host,
        board_port: address.port,
        board_warning: address.warning,
        http: hub.http_address().map(|address| address.to_string()),
        started_ms: hub.started_ms,
        now_ms: clock::now_ms(),
        demo: hub.demo.lock().await.is_some(),
        counters: Counters {
            messages_in: counters.messages_in,
            messages_out: counters.messages_out,
            dropped: counters.shed_qos0 + counters.dropped_clean + counters.dropped_queue + counters.late,
            refused: counters.refused + counters.denied + counters.held,
            clients: counters.connected,
            readings,
            journal_backlog: hub.journal.backlog() as u64,
        },
        troubles: failures
            .into_iter()
            .flatten()
            .chain(hub.listeners.troubles())
            .chain(hub.certificate_trouble())
            .chain(hub.too_few_files.clone())
            .collect(),
    })
}

pub(in crate::api) async fn list_activity(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: ListActivity,
) -> Result<Activity> {
    let limit = at_most(wanted.limit, 100, 1_000);
    written(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        Ok(Activity { lines: hub.activity.list(wanted.before, limit).map_err(ApiError::internal)? })
    })
    .await
}

pub(in crate::api) async fn start_demo(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Empty> {
    hub.start_demo().await?;
    Ok(Empty {})
}

pub(in crate::api) async fn remove_demo(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Empty> {
    hub.remove_demo().await?;
    Ok(Empty {})
}

pub(in crate::api) async fn get_setting(hub: &Arc<Hub>, _: &Caller, by: ByKey) -> Result<Setting> {
    let (reading, key) = (hub.clone(), by.key.clone());
    let value =
        blocking(move || reading.setting(&key).map_err(ApiError::internal)).await?.unwrap_or_default();
    Ok(Setting { key: by.key, value })
}

pub(in crate::api) async fn set_setting(hub: &Arc<Hub>, _: &Caller, setting: Setting) -> Result<Empty> {
    if setting.key.is_empty()
        || setting.key.len() > KEY_BYTES_MAX
        || setting.key == "demo"
        || setting.key == crate::profiles::SETTING
        || setting.key == crate::pictures::SETTING
        || setting.key.starts_with("broker.")
        || setting.key.starts_with("proposals.")
    {
        return Err(ApiError::invalid(format!("`{}` is no setting that can be changed here.", setting.key)));
    }
    if setting.value.to_string().len() > SETTING_BYTES_MAX {
        return Err(ApiError::invalid(format!(
            "A setting can have at most {} KiB.",
            SETTING_BYTES_MAX >> 10
        )));
    }
    hub.keep_setting(&setting.key, setting.value).await?;
    Ok(Empty {})
}

impl Hub {
    /// Keeps a setting; `null` forgets it. Durable when this returns.
    pub(crate) async fn keep_setting(&self, key: &str, value: serde_json::Value) -> Result<()> {
        let key = key.to_owned();
        let written = self.db.write(move |conn| match value {
            serde_json::Value::Null => store::setting::remove(conn, &key).map(|_| ()),
            value => store::setting::set(conn, &key, &value),
        });
        written.await.map_err(ApiError::internal)
    }
}
