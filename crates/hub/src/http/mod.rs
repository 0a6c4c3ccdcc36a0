//! The HTTP door: `POST /api/<method>`, the WebSocket at `GET /api/events`, and the UI's files.
//!
//! Nothing here decides anything about the house: every method goes to [`crate::api::dispatch`], as the
//! window's and the command line's do.

mod attempts;
mod guard;
mod pages;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use axum::serve::ListenerExt as _;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Hub;
use crate::api::{self, ApiError, Caller, ErrorCode};
use attempts::Attempts;

/// Largest body of a call: a payload of the broker's largest packet, written in JSON.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long open answers may take after the hub was told to stop.
const GRACE_MS: u64 = 500;
/// Name of the cookie.
const COOKIE: &str = "hearth_token";

const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; \
     connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

#[derive(Clone)]
struct Door {
    hub: Arc<Hub>,
    attempts: Arc<Attempts>,
    closing: CancellationToken,
}

/// Serves the door until `closing`.
pub async fn serve(hub: Arc<Hub>, listener: TcpListener, closing: CancellationToken) -> io::Result<()> {
    let door = Door { hub, attempts: Arc::default(), closing: closing.clone() };
    let router = Router::new()
        .route("/api/login", post(login))
        .route("/api/logout", post(logout))
        .route("/api/session", get(session))
        .route("/api/openapi.json", get(openapi))
        .route("/api/events", any(socket::open))
        .route("/api/{method}", post(call))
        .fallback(pages::page)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(door.clone(), check))
        .with_state(door);
    let listener = listener.tap_io(|stream| {
        // Small answers must not wait for an acknowledgement of the ones before.
        let _ = stream.set_nodelay(true);
    });
    let served = axum::serve(listener, router.into_make_service_with_connect_info::<SocketAddr>())
        .with_graceful_shutdown(closing.clone().cancelled_owned());
    tokio::select! {
        result = served.into_future() => result,
        () = async {
            closing.cancelled().await;
            tokio::time::sleep(std::time::Duration::from_millis(GRACE_MS)).await;
        } => Ok(()),
    }
}

/// The rules every request passes, whatever its path.
async fn check(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let Some(host) = guard::host(headers) else {
        return refuse(
            StatusCode::MISDIRECTED_REQUEST,
            ErrorCode::Denied,
            "Hearth is not known under this name. Use its address, such as http://127.0.0.1:8460.",
        );
    };
    let path = request.uri().path();
    let is_api = path.starts_with("/api/");
    if is_api && !guard::same_origin(headers, &host) {
        return refuse(
            StatusCode::FORBIDDEN,
            ErrorCode::Denied,
            "This request came from another web page. Open Hearth itself.",
        );
    }
    if is_api && path != "/api/login" {
        match identify(&door, headers, peer) {
            Ok(caller) => {
                request.extensions_mut().insert(caller);
            }
            Err(refusal) => return *refusal,
        }
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn identify(door: &Door, headers: &HeaderMap, peer: SocketAddr) -> Result<Caller, Box<Response>> {
    let Some(token) = guard::token(headers, COOKIE) else {
        return Err(Box::new(refuse(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Denied,
            "A token is needed. `hearth token` prints it.",
        )));
    };
    try_token(door, &token, peer)
}

fn try_token(door: &Door, token: &str, peer: SocketAddr) -> Result<Caller, Box<Response>> {
    if let Some(wait_s) = door.attempts.wait_s(peer.ip()) {
        return Err(Box::new(refuse(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::Busy,
            &format!("Too many wrong tokens from this address. Try again in {wait_s} s."),
        )));
    }
    match door.hub.owner_of_token(token) {
        Some(name) => {
            door.attempts.succeeded(peer.ip());
            Ok(Caller::Remote { name })
        }
        None => {
            door.attempts.failed(peer.ip());
            Err(Box::new(refuse(
                StatusCode::UNAUTHORIZED,
                ErrorCode::Denied,
                "This token is not known. `hearth token` prints the right one.",
            )))
        }
    }
}

#[derive(Deserialize)]
struct LoginForm {
    token: String,
}

async fn login(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    body: Bytes,
) -> Response {
    let Ok(form) = serde_json::from_slice::<LoginForm>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, ErrorCode::Invalid, "Send {\"token\": \"…\"}.");
    };
    match try_token(&door, form.token.trim(), peer) {
        Ok(_) => ([(header::SET_COOKIE, cookie(form.token.trim()))], "{}").into_response(),
        Err(refusal) => *refusal,
    }
}

async fn logout() -> Response {
    let gone = format!("{COOKIE}=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0");
    ([(header::SET_COOKIE, gone)], "{}").into_response()
}

async fn session(request: Request) -> Response {
    let who = request.extensions().get::<Caller>().map_or("", |caller| caller.who());
    json(StatusCode::OK, &serde_json::json!({ "name": who }))
}

async fn openapi() -> Response {
    json(StatusCode::OK, &api::documents::openapi())
}

/// A token that a browser keeps for a year. It is 24 letters and digits, so it needs no quoting.
fn cookie(token: &str) -> String {
    format!("{COOKIE}={token}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000")
}

async fn call(State(door): State<Door>, Path(method): Path<String>, request: Request) -> Response {
    let Some(caller) = request.extensions().get::<Caller>().cloned() else {
        return refuse(StatusCode::UNAUTHORIZED, ErrorCode::Denied, "A token is needed.");
    };
    let body = match axum::body::to_bytes(request.into_body(), BODY_BYTES_MAX).await {
        Ok(body) => body,
        Err(_) => {
            return refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                ErrorCode::Invalid,
                "The body is larger than 4 MiB. Send less at once.",
            );
        }
    };
    let params = match std::str::from_utf8(&body).ok().filter(|text| !text.trim().is_empty()) {
        None if body.is_empty() => None,
        Some(text) => match serde_json::from_str::<&RawValue>(text) {
            Ok(params) => Some(params),
            Err(why) => {
                let message = format!("The body is no JSON: {why}.");
                return refuse(StatusCode::BAD_REQUEST, ErrorCode::Invalid, &message);
            }
        },
        None => return refuse(StatusCode::BAD_REQUEST, ErrorCode::Invalid, "The body is no JSON text."),
    };
    match api::dispatch(door.hub, caller, &method, params).await {
        Ok(result) => raw_json(StatusCode::OK, result.get().to_owned()),
        Err(error) => json(status_of(error.code), &error),
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::NotFound => StatusCode::NOT_FOUND,
        ErrorCode::Invalid => StatusCode::BAD_REQUEST,
        ErrorCode::Denied => StatusCode::FORBIDDEN,
        ErrorCode::Conflict => StatusCode::CONFLICT,
        ErrorCode::Busy => StatusCode::SERVICE_UNAVAILABLE,
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn refuse(status: StatusCode, code: ErrorCode, message: &str) -> Response {
    json(status, &ApiError { code, message: message.to_owned() })
}

fn json(status: StatusCode, body: &impl serde::Serialize) -> Response {
    raw_json(status, serde_json::to_string(body).unwrap_or_else(|_| "{}".to_owned()))
}

fn raw_json(status: StatusCode, body: String) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

#[derive(Deserialize)]
struct TokenQuery {
    token: Option<String>,
}

/// `/?token=…`, the link that `hearth serve` prints: a right token becomes a cookie, so that it does not stay
/// in the address bar.
fn login_by_link(door: &Door, peer: SocketAddr, uri: &axum::http::Uri) -> Option<Response> {
    let Query(TokenQuery { token }) = Query::<TokenQuery>::try_from_uri(uri).ok()?;
    let token = token?;
    Some(match try_token(door, &token, peer) {
        Ok(_) => ([(header::SET_COOKIE, cookie(&token))], Redirect::to("/")).into_response(),
        Err(refusal) => *refusal,
    })
}

/// Whether a page may be asked for this way.
fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}
