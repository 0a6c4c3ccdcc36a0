//! The home's own certificate authority: pure functions from names and a time to PEM. Who calls keeps the files.
//!
//! Keys are ECDSA P-256, the curve that BearSSL on an ESP8266 computes fast enough. Certificates are valid for
//! long: a board in a wall cannot be given a new one when the old one runs out, and what protects it is that the
//! key stays at home. The last day is before 2050, so that dates keep the short form every parser knows
//! (RFC 5280, section 4.1.2.5). Apple's clients take server certificates of at most 825 days from any authority;
//! for those a certificate of one's own can be brought.

use std::net::IpAddr;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _,
};
use time::{Duration, OffsetDateTime};

use crate::certificate::{self, CertificateError};

/// How long an authority, and with it everything it signs, is valid.
const VALID_YEARS: i64 = 20;
/// A day before which no certificate of ours was made, UTC ms: 2026-01-01. A computer whose clock says less has
/// not been told the time yet.
const FIRST_MADE_MS: i64 = 1_767_225_600_000;
/// Certificates are valid from 2024-01-01, UTC ms, on: a board without a clock takes the day it was built for.
const VALID_FROM_MS: i64 = 1_704_067_200_000;
/// Longest common name (RFC 5280, appendix A.1).
const COMMON_NAME_CHARS_MAX: usize = 64;

/// A certificate and its private key.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued {
    /// The certificate, PEM; of a server the authority's stands behind it.
    pub certificate_pem: String,
    /// The private key, PEM (PKCS#8).
    pub key_pem: String,
}

impl std::fmt::Debug for Issued {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issued").field("certificate_pem", &self.certificate_pem).finish_non_exhaustive()
    }
}

/// Why a certificate could not be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthorityError {
    /// A name that cannot stand in a certificate.
    #[error("`{0}` cannot stand in a certificate. Use a host name such as hearth.local, or an IP address.")]
    Name(String),
    /// A server without names would be trusted by nobody.
    #[error("A server's certificate needs at least one name or address. Give those that clients will type.")]
    NoNames,
    /// The name of a client's certificate.
    #[error(
        "`{0}` cannot be the name of a client's certificate: it must have 1 to {COMMON_NAME_CHARS_MAX} characters and no control characters."
    )]
    ClientName(String),
    /// The authority's certificate or key cannot be used.
    #[error("The authority's files cannot be used: {0}. Put your copy of them back.")]
    Authority(String),
    /// The authority's certificate cannot be read.
    #[error("The authority's certificate cannot be read: {0}")]
    Certificate(#[from] CertificateError),
    /// The library failed.
    #[error("The certificate could not be made: {0}")]
    Making(String),
}

/// Makes an authority that is valid for twenty years. `name` is what people see it by; `now_ms` is UTC ms.
pub fn make_authority(name: &str, now_ms: i64) -> Result<Issued, AuthorityError> {
    let mut params = params(name, expiry(now_ms));
    // Zero: it signs servers and clients, and no further authority.
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = new_key()?;
    let certificate = params.self_signed(&key).map_err(making)?;
    Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

/// Issues a server's certificate for host names and IP addresses, valid as long as the authority. The chain
/// includes the authority's certificate, so that it can be learned from a connection.
pub fn issue_server(authority: &Issued, names: &[String]) -> Result<Issued, AuthorityError> {
    server(authority, names, new_key()?)
}

/// The same with the key of a certificate before, so that boards that pin the key need not be told.
pub fn renew_server(authority: &Issued, names: &[String], key_pem: &str) -> Result<Issued, AuthorityError> {
    server(authority, names, KeyPair::from_pem(key_pem).map_err(making)?)
}

fn server(authority: &Issued, names: &[String], key: KeyPair) -> Result<Issued, AuthorityError> {
    let first = names.first().ok_or(AuthorityError::NoNames)?;
    for name in names {
        if name.is_empty() || name.chars().any(|c| !c.is_ascii() || c.is_control() || c.is_whitespace()) {
            return Err(AuthorityError::Name(name.clone()));
        }
    }
    let common_name: String = first.chars().take(COMMON_NAME_CHARS_MAX).collect();
    let subject = params(&common_name, OffsetDateTime::UNIX_EPOCH);
    let mut params = CertificateParams::new(names).map_err(|_| AuthorityError::Name(first.clone()))?;
    params.distinguished_name = subject.distinguished_name;
    let mut issued = issue(authority, params, ExtendedKeyUsagePurpose::ServerAuth, &key)?;
    issued.certificate_pem.push_str(&authority.certificate_pem);
    Ok(issued)
}

/// Issues a certificate that logs a client in as the credential `name`, valid as long as the authority.
pub fn issue_client(authority: &Issued, name: &str) -> Result<Issued, AuthorityError> {
    let length = name.chars().count();
    if length == 0 || length > COMMON_NAME_CHARS_MAX || name.chars().any(char::is_control) {
        return Err(AuthorityError::ClientName(name.to_owned()));
    }
    let params = params(name, OffsetDateTime::UNIX_EPOCH);
    issue(authority, params, ExtendedKeyUsagePurpose::ClientAuth, &new_key()?)
}

/// Whether a certificate for `names` is one for the address or host name a client would use.
pub fn covers(names: &[String], wanted: &str) -> bool {
    match wanted.parse::<IpAddr>() {
        Ok(wanted) => names.iter().any(|name| name.parse::<IpAddr>().is_ok_and(|name| name == wanted)),
        Err(_) => names.iter().any(|name| {
            let label_and_rest = wanted.split_once('.');
            name.eq_ignore_ascii_case(wanted)
                || name.strip_prefix("*.").is_some_and(|domain| {
                    label_and_rest.is_some_and(|(_, rest)| rest.eq_ignore_ascii_case(domain))
                })
        }),
    }
}

fn issue(
    authority: &Issued,
    mut params: CertificateParams,
    purpose: ExtendedKeyUsagePurpose,
    key: &KeyPair,
) -> Result<Issued, AuthorityError> {
    let unusable = |why: rcgen::Error| AuthorityError::Authority(why.to_string());
    let signing = KeyPair::from_pem(&authority.key_pem).map_err(unusable)?;
    let described = certificate::describe(&authority.certificate_pem)?;
    if described.public_key != signing.subject_public_key_info() {
        let why = "the key does not belong to the certificate".to_owned();
        return Err(AuthorityError::Authority(why));
    }
    let issuer = Issuer::from_ca_cert_pem(&authority.certificate_pem, signing).map_err(unusable)?;
    params.not_before = at(VALID_FROM_MS);
    params.not_after = at(described.not_after_ms);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![purpose];
    let certificate = params.signed_by(key, &issuer).map_err(making)?;
    Ok(Issued { certificate_pem: certificate.pem(), key_pem: key.serialize_pem() })
}

fn params(common_name: &str, not_after: OffsetDateTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Hearth");
    params.distinguished_name.push(DnType::CommonName, common_name);
    params.not_before = at(VALID_FROM_MS);
    params.not_after = not_after;
    params
}

fn new_key() -> Result<KeyPair, AuthorityError> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(making)
}

fn making(why: rcgen::Error) -> AuthorityError {
    AuthorityError::Making(why.to_string())
}

fn expiry(now_ms: i64) -> OffsetDateTime {
    at(now_ms.max(FIRST_MADE_MS)).saturating_add(Duration::days(VALID_YEARS * 365 + VALID_YEARS / 4))
}

fn at(ms: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(ms / 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_000_000_000;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn what_an_authority_issues_says_whom_it_is_for_and_how_long() {
        let authority = make_authority("Hearth at home", NOW_MS).unwrap();
        let described = certificate::describe(&authority.certificate_pem).unwrap();
        assert_eq!(described.common_name.as_deref(), Some("Hearth at home"));
        assert!(described.is_authority);
        let years = (described.not_after_ms - NOW_MS) / (365 * 24 * 3_600_000);
        assert_eq!(years, VALID_YEARS);
        assert_eq!(described.not_before_ms, VALID_FROM_MS);

        let wanted = names(&["hearth.local", "192.168.1.5", "fd00::5"]);
        let server = issue_server(&authority, &wanted).unwrap();
        let of_server = certificate::describe(&server.certificate_pem).unwrap();
        assert_eq!(of_server.names, wanted);
        assert_eq!(of_server.not_after_ms, described.not_after_ms);
        assert!(!of_server.is_authority);
        assert!(server.certificate_pem.ends_with(&authority.certificate_pem));

        let renewed = renew_server(&authority, &names(&["hearth.local"]), &server.key_pem).unwrap();
        let of_renewed = certificate::describe(&renewed.certificate_pem).unwrap();
        assert_eq!(of_renewed.public_key, of_server.public_key);
        assert_eq!(of_renewed.names, ["hearth.local"]);

        let client = issue_client(&authority, "plug in the kitchen").unwrap();
        let of_client = certificate::describe(&client.certificate_pem).unwrap();
        assert_eq!(of_client.common_name.as_deref(), Some("plug in the kitchen"));
    }

    #[test]
    fn a_clock_that_was_never_set_makes_no_certificate_that_has_run_out() {
        let authority = make_authority("Hearth", 0).unwrap();
        assert!(certificate::describe(&authority.certificate_pem).unwrap().not_after_ms > NOW_MS);
    }

    #[test]
    fn names_that_cannot_stand_in_a_certificate_are_refused() {
        let authority = make_authority("Hearth", NOW_MS).unwrap();
        assert_eq!(issue_server(&authority, &[]), Err(AuthorityError::NoNames));
        for bad in ["", "a b", "küche.local", "a\nb"] {
            assert_eq!(issue_server(&authority, &names(&[bad])), Err(AuthorityError::Name(bad.into())));
        }
        for bad in ["", "a\0b", &"x".repeat(65)] {
            assert_eq!(issue_client(&authority, bad), Err(AuthorityError::ClientName(bad.into())));
        }
    }

    #[test]
    fn a_key_of_another_authority_signs_nothing() {
        let (one, other) = (make_authority("a", NOW_MS).unwrap(), make_authority("b", NOW_MS).unwrap());
        let mixed = Issued { key_pem: other.key_pem, ..one };
        assert!(matches!(issue_client(&mixed, "x"), Err(AuthorityError::Authority(_))));
    }

    #[test]
    fn a_certificate_covers_its_names_and_no_others() {
        let of = names(&["hearth.local", "*.home.example", "192.168.1.5", "fd00::5"]);
        for yes in ["hearth.local", "HEARTH.local", "mqtt.home.example", "192.168.1.5", "fd00:0::5"] {
            assert!(covers(&of, yes), "{yes}");
        }
        for no in ["local", "x.hearth.local", "a.b.home.example", "home.example", "192.168.1.50", ""] {
            assert!(!covers(&of, no), "{no}");
        }
    }
}
