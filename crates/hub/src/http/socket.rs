//! The WebSocket: calls and streams as JSON text frames.
//!
//! | direction | frame |
//! |---|---|
//! | → | `{"op":"call"\|"sub"\|"unsub","id":1,"method":"…","params":{…}}` |
//! | ← | `{"id":1,"ok":…}`, `{"id":1,"err":{…}}`, `{"id":1,"item":…}`, `{"id":1,"end":true}` |

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use axum::{Extension, http::StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::{Door, refuse};
use crate::api::{self, ApiError, Caller, ErrorCode};

/// Name of the sub-protocol.
pub(super) const PROTOCOL: &str = "hearth";
/// Largest frame from a client.
const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Calls of one connection carried out at a time; more wait in the socket.
const CALLS_MAX: usize = 32;
/// Streams of one connection.
const STREAMS_MAX: usize = 32;
/// Frames waiting for a slow viewer. When they are full its streams wait and merge.
const OUTGOING_MAX: usize = 64;
/// Items waiting in one stream.
const ITEMS_MAX: usize = 4;

#[derive(Deserialize)]
struct Incoming<'a> {
    op: Op,
    id: u64,
    #[serde(default)]
    method: String,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Op {
    Call,
    Sub,
    Unsub,
}

#[derive(Serialize)]
struct Outgoing<'a> {
    id: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ok: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    err: Option<&'a ApiError>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    end: bool,
}

impl Outgoing<'_> {
    const fn new(id: u64) -> Self {
        Self { id, ok: None, item: None, err: None, end: false }
    }

    fn text(&self) -> Message {
        Message::Text(serde_json::to_string(self).unwrap_or_default().into())
    }
}

pub(super) async fn open(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let message = "This address is a WebSocket. Connect with one, or POST to /api/<method>.";
        return refuse(StatusCode::UPGRADE_REQUIRED, ErrorCode::Invalid, message);
    };
    upgrade
        .protocols([PROTOCOL])
        .max_message_size(FRAME_BYTES_MAX)
        .on_upgrade(move |socket| converse(door, caller, socket))
}

async fn converse(door: Door, caller: Caller, mut socket: WebSocket) {
    let (outgoing, mut frames) = mpsc::channel::<Message>(OUTGOING_MAX);
    let calls = Arc::new(Semaphore::new(CALLS_MAX));
    let ended = CancellationToken::new();
    let _end_streams = ended.clone().drop_guard();
    let mut streams: HashMap<u64, CancellationToken> = HashMap::new();
    loop {
        tokio::select! {
            // What is ready goes out first, so that a flood of calls cannot starve the answers.
            biased;
            () = door.closing.cancelled() => break,
            Some(frame) = frames.recv() => {
                if socket.send(frame).await.is_err() {
                    break;
                }
            }
            incoming = socket.recv() => {
                let text = match incoming {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break,
                    Some(Ok(_)) => continue,
                };
                let error = match serde_json::from_str::<Incoming>(&text) {
                    Ok(frame) => act(&door, &caller, frame, &outgoing, &calls, &mut streams, &ended).err(),
                    Err(why) => Some((0, ApiError::invalid(format!("This frame cannot be read: {why}.")))),
                };
                if let Some((id, error)) = error
                    && socket.send(Outgoing { err: Some(&error), ..Outgoing::new(id) }.text()).await.is_err()
                {
                    break;
                }
            }
        }
    }
}

fn act(
    door: &Door,
    caller: &Caller,
    frame: Incoming<'_>,
    outgoing: &mpsc::Sender<Message>,
    calls: &Arc<Semaphore>,
    streams: &mut HashMap<u64, CancellationToken>,
    ended: &CancellationToken,
) -> Result<(), (u64, ApiError)> {
    let (id, outgoing) = (frame.id, outgoing.clone());
    match frame.op {
        Op::Call => {
            let Ok(permit) = calls.clone().try_acquire_owned() else {
                let message = format!("More than {CALLS_MAX} calls at once. Wait for an answer first.");
                return Err((id, ApiError { code: ErrorCode::Busy, message }));
            };
            let answer = api::dispatch(door.hub.clone(), caller.clone(), &frame.method, frame.params);
            tokio::spawn(async move {
                let frame = match answer.await {
                    Ok(ok) => Outgoing { ok: Some(&ok), ..Outgoing::new(id) }.text(),
                    Err(err) => Outgoing { err: Some(&err), ..Outgoing::new(id) }.text(),
                };
                let _ = outgoing.send(frame).await;
                drop(permit);
            });
        }
        Op::Sub => {
            streams.retain(|_, stream| !stream.is_cancelled());
            // Its frames could not be told from those of the other, and nobody could end that one.
            if streams.contains_key(&id) {
                let message = format!("The stream {id} is open already. End it first, or use another id.");
                return Err((id, ApiError { code: ErrorCode::Conflict, message }));
            }
            if streams.len() >= STREAMS_MAX {
                let message = format!("More than {STREAMS_MAX} streams at once. End one first.");
                return Err((id, ApiError { code: ErrorCode::Busy, message }));
            }
            let (into, mut items) = mpsc::channel(ITEMS_MAX);
            api::open_stream(door.hub.clone(), caller.clone(), &frame.method, frame.params, into)
                .map_err(|error| (id, error))?;
            let stop = ended.child_token();
            streams.insert(id, stop.clone());
            tokio::spawn(async move {
                while let Some(Some(item)) = stop.run_until_cancelled(items.recv()).await {
                    let frame = Outgoing { item: Some(&item), ..Outgoing::new(id) }.text();
                    if outgoing.send(frame).await.is_err() {
                        return;
                    }
                }
                stop.cancel();
                let _ = outgoing.send(Outgoing { end: true, ..Outgoing::new(id) }.text()).await;
            });
        }
        Op::Unsub => {
            if let Some(stream) = streams.remove(&id) {
                stream.cancel();
            }
        }
    }
    Ok(())
}
