//! The HTTP door: `POST /api/<method>`, the WebSocket at `GET /api/events`, and the UI's files.
//!
//! Nothing here decides anything about the house: every method goes to [`crate::api::dispatch`], as the
//! window's and the command line's do.

mod attempts;
mod connections;
mod guard;
mod pages;
mod pictures;
mod places;
mod socket;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{ConnectInfo, Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{any, get, post};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::Hub;
use crate::api::{self, ApiError, Caller, ErrorCode};
use attempts::Attempts;
use guard::Shown;
use places::Seat;

pub(crate) use places::CONNECTIONS_MAX;

/// Largest body of a call: a payload of the broker's largest packet, written in JSON.
const BODY_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Largest body of a login, which anybody may send.
const LOGIN_BYTES_MAX: usize = 4 * 1024;
/// Longest wait for the whole body of a request, however it trickles in, and for that of a login, which is small.
const BODY_S_MAX: u64 = 30;
const LOGIN_S_MAX: u64 = 10;
/// Bytes read of the body of a refused request, and for how long.
const UNREAD_BYTES_MAX: usize = 64 * 1024;
const UNREAD_MS_MAX: u64 = 500;
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
        .route("/api/pictures/{entity}/{id}", get(pictures::picture))
        .route("/api/{method}", post(call))
        .fallback(pages::page)
        .layer(middleware::from_fn_with_state(door.clone(), check))
        .with_state(door);
    connections::serve(listener, router, closing).await;
    Ok(())
}

/// The rules every request passes, whatever its path.
async fn check(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&door, request.headers(), request.uri().path(), peer) {
        Ok(Some(caller)) => {
            prove(request.extensions().get());
            request.extensions_mut().insert(caller);
        }
        // A page is for everybody, but whoever logged in before keeps the place for it.
        Ok(None) => {
            let shown = guard::token(request.headers(), COOKIE);
            if let Some(Shown::Browser(token)) = shown
                && known(&door, &token).is_some()
            {
                prove(request.extensions().get());
            }
        }
        Err(refusal) => {
            // Closing a connection while the client still sends would tear the answer away from it.
            let rest = axum::body::to_bytes(request.into_body(), UNREAD_BYTES_MAX);
            let _ = tokio::time::timeout(Duration::from_millis(UNREAD_MS_MAX), rest).await;
            return *refusal;
        }
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static(CONTENT_SECURITY_POLICY);
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// A right token came over the connection that sits here.
fn prove(seat: Option<&Seat>) {
    if let Some(seat) = seat {
        seat.is_owners();
    }
}

/// Who asks, if the path needs somebody.
fn admit(
    door: &Door,
    headers: &HeaderMap,
    path: &str,
    peer: SocketAddr,
) -> Result<Option<Caller>, Box<Response>> {
    let Some(host) = guard::host(headers) else {
        return Err(Box::new(refuse(
            StatusCode::MISDIRECTED_REQUEST,
            ErrorCode::Denied,
            "Hearth is not known under this name. Use its address, such as http://127.0.0.1:8460.",
        )));
    };
    let is_api = path.starts_with("/api/");
    if is_api && !guard::same_origin(headers, &host) {
        return Err(Box::new(refuse(
            StatusCode::FORBIDDEN,
            ErrorCode::Denied,
            "This request came from another web page. Open Hearth itself.",
        )));
    }
    if is_api && path != "/api/login" { identify(door, headers, peer).map(Some) } else { Ok(None) }
}

fn identify(door: &Door, headers: &HeaderMap, peer: SocketAddr) -> Result<Caller, Box<Response>> {
    // A browser sends its cookie by itself, whichever page asks: a stale one is no guess.
    match guard::token(headers, COOKIE) {
        Some(Shown::Bearer(token)) => try_token(door, &token, peer),
        Some(Shown::Browser(token)) => known(door, &token).ok_or_else(|| Box::new(unknown_token())),
        None => Err(Box::new(refuse(
            StatusCode::UNAUTHORIZED,
            ErrorCode::Denied,
            "A token is needed. `hearth token` prints it.",
        ))),
    }
}

fn known(door: &Door, token: &str) -> Option<Caller> {
    door.hub.owner_of_token(token).map(|name| Caller::Remote { name })
}

fn unknown_token() -> Response {
    refuse(
        StatusCode::UNAUTHORIZED,
        ErrorCode::Denied,
        "This token is not known. `hearth token` prints the right one.",
    )
}

/// A token that somebody gave on purpose. A right one always passes: waiting is for those who guess, and must
/// not be a way to lock the owner out.
fn try_token(door: &Door, token: &str, peer: SocketAddr) -> Result<Caller, Box<Response>> {
    if let Some(caller) = known(door, token) {
        door.attempts.succeeded(peer.ip());
        return Ok(caller);
    }
    if let Some(wait_s) = door.attempts.wait_s(peer.ip()) {
        return Err(Box::new(refuse(
            StatusCode::TOO_MANY_REQUESTS,
            ErrorCode::Busy,
            &format!("Too many wrong tokens from this address. Try again in {wait_s} s."),
        )));
    }
    door.attempts.failed(peer.ip());
    Err(Box::new(unknown_token()))
}

#[derive(Deserialize)]
struct LoginForm {
    token: String,
}

async fn login(
    State(door): State<Door>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let seat = request.extensions().get::<Seat>().cloned();
    let body = match read_body(request, LOGIN_BYTES_MAX, LOGIN_S_MAX).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
    };
    let Ok(form) = serde_json::from_slice::<LoginForm>(&body) else {
        return refuse(StatusCode::BAD_REQUEST, ErrorCode::Invalid, "Send {\"token\": \"…\"}.");
    };
    match try_token(&door, form.token.trim(), peer) {
        Ok(_) => {
            prove(seat.as_ref());
            ([(header::SET_COOKIE, cookie(form.token.trim()))], "{}").into_response()
        }
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
    let body = match read_body(request, BODY_BYTES_MAX, BODY_S_MAX).await {
        Ok(body) => body,
        Err(refusal) => return *refusal,
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

/// The whole body of a request, if it is small enough and comes in time.
async fn read_body(request: Request, bytes_max: usize, s_max: u64) -> Result<Bytes, Box<Response>> {
    let body = axum::body::to_bytes(request.into_body(), bytes_max);
    match tokio::time::timeout(Duration::from_secs(s_max), body).await {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(_)) => Err(Box::new(refuse(
            StatusCode::PAYLOAD_TOO_LARGE,
            ErrorCode::Invalid,
            &format!("The body is larger than {} KiB. Send less at once.", bytes_max / 1024),
        ))),
        Err(_) => Err(Box::new(refuse(
            StatusCode::REQUEST_TIMEOUT,
            ErrorCode::Invalid,
            &format!("The body did not come within {s_max} s. Send it at once."),
        ))),
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

/// `/?token=…`, a link with the token in it: a right one becomes a cookie, so that it does not stay in the
/// address bar. A link on another web page is not looked at, and a wrong token is not counted: any page can
/// make a browser ask for this address.
fn login_by_link(door: &Door, headers: &HeaderMap, uri: &axum::http::Uri) -> Option<Response> {
    if guard::is_cross_site(headers) {
        return None;
    }
    let Query(TokenQuery { token }) = Query::<TokenQuery>::try_from_uri(uri).ok()?;
    let token = token?;
    Some(match known(door, &token) {
        Some(_) => ([(header::SET_COOKIE, cookie(&token))], Redirect::to("/")).into_response(),
        None => unknown_token(),
    })
}

/// Whether a page may be asked for this way.
fn is_read(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::Body;
    use hyper::body::Frame;

    use super::*;

    /// A body of which nothing ever comes.
    struct Never;

    impl hyper::body::Body for Never {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_is_small_and_comes_in_time() {
        async fn check(body: Body, expected: Result<&str, StatusCode>) {
            let read = read_body(Request::new(body), 10, LOGIN_S_MAX).await;
            assert_eq!(read.as_deref().map_err(|refusal| refusal.status()), expected.map(str::as_bytes));
        }
        check(Body::from("0123456789"), Ok("0123456789")).await;
        check(Body::from("0123456789a"), Err(StatusCode::PAYLOAD_TOO_LARGE)).await;
        check(Body::new(Never), Err(StatusCode::REQUEST_TIMEOUT)).await;
    }
}
