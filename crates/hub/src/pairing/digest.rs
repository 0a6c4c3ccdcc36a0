//! HTTP Digest with SHA-256 (RFC 7616), as Shelly's second generation asks for it.

use sha2::{Digest as _, Sha256};

use crate::hex;

/// Longest challenge that is read, bytes.
const CHALLENGE_BYTES_MAX: usize = 2_048;

/// What a board asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
}

impl Challenge {
    /// Reads `WWW-Authenticate`; `None` when it asks for something else.
    pub(super) fn read(header: &str) -> Option<Self> {
        let rest = header.trim().strip_prefix("Digest ").filter(|_| header.len() <= CHALLENGE_BYTES_MAX)?;
        let fields = fields(rest);
        let field = |name: &str| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let sha256 = field("algorithm").is_some_and(|algorithm| algorithm.eq_ignore_ascii_case("SHA-256"));
        let auth = field("qop")?.split(',').any(|qop| qop.trim() == "auth");
        let challenge = Self { realm: field("realm")?, nonce: field("nonce")?, opaque: field("opaque") };
        (sha256 && auth).then_some(challenge)
    }

    /// The value of `Authorization`. `cnonce`: drawn anew for each.
    pub(super) fn answer(&self, method: &str, uri: &str, user: &str, password: &str, cnonce: &str) -> String {
        let Self { realm, nonce, opaque } = self;
        let who = hash(&format!("{user}:{realm}:{password}"));
        let what = hash(&format!("{method}:{uri}"));
        let response = hash(&format!("{who}:{nonce}:00000001:{cnonce}:auth:{what}"));
        let opaque = opaque.as_ref().map_or(String::new(), |opaque| format!(", opaque=\"{opaque}\""));
        format!(
            "Digest username=\"{user}\", realm=\"{realm}\", uri=\"{uri}\", algorithm=SHA-256, nonce=\"{nonce}\", \
             nc=00000001, cnonce=\"{cnonce}\", qop=auth, response=\"{response}\"{opaque}"
        )
    }
}

fn hash(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes()))
}

/// `name=value` and `name="value"`, comma between them.
fn fields(text: &str) -> Vec<(String, String)> {
    let mut fields = Vec::new();
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_at(after.find(',').unwrap_or(after.len())),
        };
        fields.push((name.trim().to_ascii_lowercase(), value.to_owned()));
        rest = after.trim_start().strip_prefix(',').unwrap_or_default();
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_answered_as_it_says() {
        let challenge = Challenge::read(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"",
        )
        .unwrap();
        let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
        let answer = challenge.answer("GET", "/dir/index.html", "Mufasa", "Circle of Life", cnonce);
        let expected =
            "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\", opaque=\"FQhe";
        assert!(answer.contains(expected), "{answer}");
    }

    #[test]
    fn what_is_no_such_challenge_is_not_answered() {
        for header in
            ["Basic realm=\"x\"", "Digest realm=\"x\", qop=auth, nonce=\"n\"", "Digest ", "Digest a=\"b"]
        {
            assert_eq!(Challenge::read(header), None, "{header}");
        }
    }
}
