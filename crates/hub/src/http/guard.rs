//! Who may talk to the door: rules over headers, without state.
//!
//! The `Host` rule stops DNS rebinding, the `Origin` rule stops other web pages and cross-site WebSockets.

use std::net::{Ipv4Addr, Ipv6Addr};

use axum::http::{HeaderMap, header};

/// Longest header value that is looked at.
const VALUE_BYTES_MAX: usize = 1_024;

/// The `Host` of a request, if Hearth answers to it. An attacker's page can only ever come with a name, never
/// with an address, so addresses are fine; of names only `localhost` is.
pub(super) fn host(headers: &HeaderMap) -> Option<String> {
    let host = single(headers, header::HOST)?;
    let (is_known, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (name, port) = rest.split_once(']')?;
            (name.parse::<Ipv6Addr>().is_ok(), port)
        }
        None => {
            let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
            (name.eq_ignore_ascii_case("localhost") || name.parse::<Ipv4Addr>().is_ok(), port)
        }
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(|port| port.parse::<u16>().is_ok());
    (is_known && is_port).then(|| host.to_owned())
}

/// Whether the request comes from Hearth's own page, or from no page at all. A browser always says where a
/// page's WebSocket or POST comes from.
pub(super) fn same_origin(headers: &HeaderMap, host: &str) -> bool {
    if !headers.contains_key(header::ORIGIN) {
        return true;
    }
    let Some(origin) = single(headers, header::ORIGIN) else { return false };
    let Some((scheme, rest)) = origin.split_once("://") else { return false };
    matches!(scheme, "http" | "https") && rest.eq_ignore_ascii_case(host)
}

/// Whether a browser says that another site made it ask. Who types or pastes an address is not.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    headers.get_all("sec-fetch-site").iter().any(|site| site != "none" && site != "same-origin")
}

/// A token and how it came.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown {
    /// As a bearer token: somebody gave it on purpose.
    Bearer(String),
    /// As a cookie or as an entry of the WebSocket's sub-protocols: a browser kept it.
    Browser(String),
}

/// The token of a request: bearer, cookie, or an entry of the WebSocket's sub-protocols.
pub(super) fn token(headers: &HeaderMap, cookie: &str) -> Option<Shown> {
    let bearer = single(headers, header::AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
    });
    let from_cookie = || {
        let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        cookies
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .find_map(|(name, value)| (name == cookie).then_some(value))
    };
    let from_protocol = || {
        let protocols = single(headers, header::SEC_WEBSOCKET_PROTOCOL)?;
        let mut entries = protocols.split(',').map(str::trim);
        (entries.next()? == super::socket::PROTOCOL).then(|| entries.next()).flatten()
    };
    let given = |token: &&str| !token.is_empty();
    let of_browser = || from_cookie().or_else(from_protocol).filter(given);
    match bearer {
        Some(token) => Some(token).filter(given).map(|token| Shown::Bearer(token.to_owned())),
        None => of_browser().map(|token| Shown::Browser(token.to_owned())),
    }
}

/// A header that must not be there twice.
fn single(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    (values.next().is_none() && value.len() <= VALUE_BYTES_MAX).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn only_addresses_and_localhost_are_answered() {
        fn check(host_header: &'static str, expected: bool) {
            assert_eq!(host(&headers(&[("host", host_header)])).is_some(), expected, "{host_header}");
        }
        check("127.0.0.1:8460", true);
        check("192.168.1.7", true);
        check("[::1]:8460", true);
        check("localhost:8460", true);
        check("evil.example", false);
        check("127.0.0.1.evil.example", false);
        check("[::1", false);
        check("[::1]", true);
        check("[::1]evil.example", false);
        check("[::1]:8460.evil.example", false);
        check("[127.0.0.1]", false);
        check("127.0.0.1:8460:evil.example", false);
        check("localhost:", false);
        check("", false);
    }

    #[test]
    fn other_pages_are_refused() {
        fn check(origin: &'static str, expected: bool) {
            let found = same_origin(&headers(&[("origin", origin)]), "127.0.0.1:8460");
            assert_eq!(found, expected, "{origin}");
        }
        check("http://127.0.0.1:8460", true);
        check("http://127.0.0.1:9999", false);
        check("http://evil.example", false);
        check("null", false);
        check("file://127.0.0.1:8460", false);
        assert!(same_origin(&headers(&[]), "127.0.0.1:8460"), "curl sends none");
    }

    #[test]
    fn a_token_is_found_wherever_a_client_can_put_it() {
        fn check(name: &'static str, value: &'static str, expected: Option<Shown>) {
            assert_eq!(token(&headers(&[(name, value)]), "c"), expected, "{name}: {value}");
        }
        let bearer = || Some(Shown::Bearer("abc".to_owned()));
        let browser = || Some(Shown::Browser("abc".to_owned()));
        check("authorization", "Bearer abc", bearer());
        check("authorization", "Basic abc", None);
        check("authorization", "Bearer ", None);
        check("cookie", "a=1; c=abc", browser());
        check("cookie", "cc=abc", None);
        check("sec-websocket-protocol", "hearth, abc", browser());
        check("sec-websocket-protocol", "other, abc", None);
    }

    #[test]
    fn a_browser_tells_when_another_site_made_it_ask() {
        fn check(site: &'static str, expected: bool) {
            assert_eq!(is_cross_site(&headers(&[("sec-fetch-site", site)])), expected, "{site}");
        }
        check("cross-site", true);
        check("same-site", true);
        check("none", false);
        check("same-origin", false);
        assert!(!is_cross_site(&headers(&[])), "curl sends none");
    }
}
