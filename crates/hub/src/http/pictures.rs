//! `GET /api/pictures/<entity>/<id>`: a picture as it came. Host, origin and token are checked as for every call.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Door, json, refuse, status_of};
use crate::api::{ApiError, ErrorCode};

/// A picture opened by itself runs nothing and loads nothing, whatever a board put into it.
const CONTENT_SECURITY_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; sandbox";

pub(super) async fn picture(
    State(door): State<Door>,
    Path((entity, id)): Path<(String, String)>,
) -> Response {
    let wanted = match id.as_str() {
        "latest" => None,
        id => match id.parse() {
            Ok(id) => Some(id),
            Err(_) => {
                let message = "A picture is named by the number of its message, or `latest`.";
                return refuse(StatusCode::BAD_REQUEST, ErrorCode::Invalid, message);
            }
        },
    };
    if wanted.is_none() {
        door.hub.pictures.written().await;
    }
    let pictures = door.hub.pictures.clone();
    let read = tokio::task::spawn_blocking(move || pictures.get(&entity, wanted)).await;
    let (_, kind, bytes) = match read.map_err(ApiError::internal).and_then(|read| read) {
        Ok(read) => read,
        Err(error) => return json(status_of(error.code), &error),
    };
    // A picture never changes, the newest one does.
    let caching = if wanted.is_some() { "private, max-age=31536000, immutable" } else { "no-store" };
    let headers = [
        (header::CONTENT_TYPE, kind.media_type()),
        (header::CACHE_CONTROL, caching),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::CONTENT_DISPOSITION, "inline"),
    ];
    (headers, bytes).into_response()
}
