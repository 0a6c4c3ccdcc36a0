//! The UI's files, out of the binary.

use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::{Door, is_read, login_by_link};

#[derive(RustEmbed)]
#[folder = "../../ui/dist"]
struct Files;

pub(super) async fn page(State(door): State<Door>, method: Method, headers: HeaderMap, uri: Uri) -> Response {
    if !is_read(&method) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    if uri.path() == "/"
        && let Some(response) = login_by_link(&door, &headers, &uri)
    {
        return response;
    }
    let path = match uri.path().trim_start_matches('/') {
        "" => "index.html",
        path => path,
    };
    let Some(file) = Files::get(path) else {
        return (StatusCode::NOT_FOUND, "There is no such page. Hearth starts at /.").into_response();
    };
    // Vite puts a hash of the content into the names below assets/; everything else may change.
    let caching =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [(header::CONTENT_TYPE, content_type(path)), (header::CACHE_CONTROL, caching)];
    (headers, file.data).into_response()
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map" | "webmanifest") => "application/json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}
