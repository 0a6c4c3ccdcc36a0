//! The API's door into the window: calls, and streams through Tauri's channels.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use hub::api::{ApiError, Caller, ErrorCode, dispatch, open_stream};
use serde::Serialize;
use serde_json::value::RawValue;
use tauri::Webview;
use tauri::ipc::Channel;
use tauri::webview::{PageLoadEvent, PageLoadPayload};
use tauri::{Manager, State};
use tokio::sync::{mpsc, oneshot};

use crate::hosted::HostedHub;

/// Items of a stream on their way to the page; beyond it the stream waits and merges.
const STREAM_ITEMS_MAX: usize = 16;

/// Streams one page may hold open.
const SUBSCRIPTIONS_MAX: usize = 64;

/// What travels to the page on a channel.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StreamMessage {
    Item(Box<RawValue>),
    End(bool),
}

/// The streams the page holds open, by the id it gave them. Dropping an entry ends its stream.
#[derive(Default)]
pub(crate) struct Subscriptions(Mutex<HashMap<u32, oneshot::Sender<()>>>);

impl Subscriptions {
    /// Resolves when the subscription ends.
    fn add(&self, id: u32) -> Result<oneshot::Receiver<()>, ApiError> {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, end| !end.is_closed());
        if open.len() >= SUBSCRIPTIONS_MAX && !open.contains_key(&id) {
            return Err(ApiError {
                code: ErrorCode::Busy,
                message: format!("{SUBSCRIPTIONS_MAX} streams are open. Close one to open another."),
            });
        }
        let (end, ended) = oneshot::channel();
        open.insert(id, end);
        Ok(ended)
    }

    fn remove(&self, id: u32) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Carries out one method. Waits while the hub is starting.
#[tauri::command]
pub(crate) async fn rpc(
    hosted: State<'_, Arc<HostedHub>>,
    method: String,
    params: Option<Box<RawValue>>,
) -> Result<Box<RawValue>, ApiError> {
    let hub = hosted.hub().await?;
    dispatch(hub, Caller::Desktop, &method, params.as_deref()).await
}

/// Opens a stream; its items arrive on the channel.
#[tauri::command]
pub(crate) async fn subscribe(
    hosted: State<'_, Arc<HostedHub>>,
    subscriptions: State<'_, Subscriptions>,
    id: u32,
    method: String,
    params: Option<Box<RawValue>>,
    channel: Channel<StreamMessage>,
) -> Result<(), ApiError> {
    let ended = subscriptions.add(id)?;
    let (into, items) = mpsc::channel(STREAM_ITEMS_MAX);
    open_stream(hosted.hub().await?, Caller::Desktop, &method, params.as_deref(), into)?;
    tauri::async_runtime::spawn(forward(items, ended, channel));
    Ok(())
}

/// Ends a stream.
#[tauri::command]
pub(crate) fn unsubscribe(subscriptions: State<'_, Subscriptions>, id: u32) {
    subscriptions.remove(id);
}

/// Tries again to start a hub that could not start.
#[tauri::command]
pub(crate) fn start_again(hosted: State<'_, Arc<HostedHub>>) {
    hosted.start_again();
}

/// A page that loads anew has forgotten its streams.
pub(crate) fn page_load(page: &Webview, load: &PageLoadPayload<'_>) {
    if load.event() == PageLoadEvent::Started {
        page.state::<Subscriptions>().clear();
    }
}

async fn forward(
    mut items: mpsc::Receiver<Box<RawValue>>,
    mut ended: oneshot::Receiver<()>,
    channel: Channel<StreamMessage>,
) {
    loop {
        let item = tokio::select! {
            item = items.recv() => item,
            _ = &mut ended => return,
        };
        let last = item.is_none();
        let message = item.map_or(StreamMessage::End(true), StreamMessage::Item);
        if channel.send(message).is_err() || last {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(message: &StreamMessage, expected: &str) {
        assert_eq!(serde_json::to_string(message).unwrap(), expected);
    }

    #[test]
    fn messages_have_the_shape_the_page_reads() {
        check(&StreamMessage::Item(RawValue::from_string("[1]".into()).unwrap()), r#"{"item":[1]}"#);
        check(&StreamMessage::End(true), r#"{"end":true}"#);
    }

    #[test]
    fn a_page_holds_a_bounded_number_of_streams() {
        let subscriptions = Subscriptions::default();
        let mut open: Vec<_> =
            (0..SUBSCRIPTIONS_MAX as u32).map(|id| subscriptions.add(id).unwrap()).collect();
        assert_eq!(subscriptions.add(1000).unwrap_err().code, ErrorCode::Busy);
        // One that ended by itself makes room.
        open.pop();
        assert!(subscriptions.add(1000).is_ok());
    }

    #[test]
    fn unsubscribing_and_a_fresh_page_end_streams() {
        let subscriptions = Subscriptions::default();
        let (mut first, mut second) = (subscriptions.add(1).unwrap(), subscriptions.add(2).unwrap());
        subscriptions.remove(1);
        assert!(first.try_recv().is_err_and(|why| why == oneshot::error::TryRecvError::Closed));
        assert!(second.try_recv().is_err_and(|why| why == oneshot::error::TryRecvError::Empty));
        subscriptions.clear();
        assert!(second.try_recv().is_err_and(|why| why == oneshot::error::TryRecvError::Closed));
    }
}
