//! TLS: the certificate the gate shows, whose certificates it believes, and why a handshake failed, in words.
//!
//! TLS 1.2 and 1.3 with rustls over ring. BearSSL on an ESP8266 meets it at TLS 1.2 with
//! ECDHE-ECDSA-AES128-GCM-SHA256 or with ChaCha20.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{
    AlertDescription, CertificateError as Cert, Error, PeerIncompatible, RootCertStore, ServerConfig,
};

use crate::certificate::{self, CertificateError};
use crate::clock::now_ms;

/// Plaintext of a record when records are small, with the five bytes of header rustls counts in. Whole records
/// then have at most 512 bytes behind the header with every cipher suite, and the first block of plaintext fits
/// a client's 512-byte buffer in the sense of RFC 6066, section 4.
const SMALL_RECORD: usize = 5 + 512 - 24;

/// The gate's certificate and what it asks of its clients.
#[derive(Debug, Clone)]
pub struct Tls {
    pub(crate) config: Arc<ServerConfig>,
}

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    /// The certificate cannot be read.
    #[error("The certificate cannot be used. {0}")]
    Certificate(#[from] CertificateError),
    /// Its time is over.
    #[error(
        "The certificate ran out {days} days ago, so clients refuse it. Get a new one, or go back to Hearth's own."
    )]
    Expired {
        /// Whole days since.
        days: i64,
    },
    /// Its time has not come.
    #[error(
        "The certificate is valid in {days} days at the earliest. Check the computer's clock, or choose another certificate."
    )]
    NotYet {
        /// Days until then, rounded up.
        days: i64,
    },
    /// There is no key.
    #[error(
        "There is no private key in it. A key file begins with -----BEGIN PRIVATE KEY----- (also EC or RSA PRIVATE KEY); one that says ENCRYPTED must be decrypted first."
    )]
    NoKey,
    /// The key cannot be used.
    #[error("The private key cannot be used: {0}. Use an ECDSA P-256 or P-384, Ed25519 or RSA key.")]
    Key(String),
    /// The key is another's.
    #[error("The private key does not belong to the certificate. Choose the two that were made together.")]
    KeyMismatch,
    /// The authority for clients cannot be used.
    #[error("The authority for client certificates cannot be used: {0}")]
    ClientAuthority(String),
    /// The library refuses.
    #[error("TLS cannot be set up with this certificate: {0}")]
    Setup(String),
}

impl Tls {
    /// Checks a certificate chain (the server's own first) and its key, both PEM.
    ///
    /// With `small_records` no record is larger than 512 bytes, which boards with small buffers need. With
    /// `client_authority_pem` clients are asked for a certificate signed by it; with `client_required` those
    /// without one are refused.
    pub fn new(
        certificate_pem: &str,
        key_pem: &str,
        small_records: bool,
        client_authority_pem: Option<&str>,
        client_required: bool,
    ) -> Result<Self, TlsError> {
        let chain = chain(certificate_pem)?;
        check_dates(certificate_pem, now_ms())?;
        let key = match PrivateKeyDer::from_pem_slice(key_pem.as_bytes()) {
            Ok(key) => key,
            Err(rustls::pki_types::pem::Error::NoItemsFound) => return Err(TlsError::NoKey),
            Err(why) => return Err(TlsError::Key(why.to_string())),
        };
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        provider.key_provider.load_private_key(key.clone_key()).map_err(|why| TlsError::Key(words(&why)))?;
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_protocol_versions(&versions)
            .map_err(|why| TlsError::Setup(words(&why)))?;
        let builder = match client_authority_pem {
            None => builder.with_no_client_auth(),
            Some(pem) => builder.with_client_cert_verifier(verifier(pem, client_required, provider)?),
        };
        let mut config = builder.with_single_cert(chain, key).map_err(|why| match why {
            Error::InconsistentKeys(_) => TlsError::KeyMismatch,
            why => TlsError::Setup(words(&why)),
        })?;
        config.max_fragment_size = small_records.then_some(SMALL_RECORD);
        // A board that comes again is spared the key exchange, which takes it a second.
        config.ticketer =
            rustls::crypto::ring::Ticketer::new().map_err(|why| TlsError::Setup(words(&why)))?;
        Ok(Self { config: Arc::new(config) })
    }
}

fn chain(pem: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    // Also tells what is wrong with it, if anything is.
    certificate::describe(pem)?;
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|why| CertificateError::Unreadable(why.to_string()).into())
}

fn check_dates(pem: &str, now_ms: i64) -> Result<(), TlsError> {
    const DAY_MS: i64 = 24 * 3_600_000;
    let described = certificate::describe(pem)?;
    if now_ms > described.not_after_ms {
        return Err(TlsError::Expired { days: (now_ms - described.not_after_ms) / DAY_MS });
    }
    if now_ms < described.not_before_ms {
        return Err(TlsError::NotYet { days: (described.not_before_ms - now_ms) / DAY_MS + 1 });
    }
    Ok(())
}

fn verifier(
    pem: &str,
    required: bool,
    provider: Arc<rustls::crypto::CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, TlsError> {
    let refused = |why: String| TlsError::ClientAuthority(why);
    let mut roots = RootCertStore::empty();
    for authority in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let authority = authority.map_err(|why| refused(why.to_string()))?;
        roots.add(authority).map_err(|why| refused(words(&why)))?;
    }
    if roots.is_empty() {
        return Err(refused(CertificateError::None.to_string()));
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = if required { builder } else { builder.allow_unauthenticated() };
    builder.build().map_err(|why| refused(why.to_string()))
}

fn words(why: &Error) -> String {
    why.to_string()
}

/// Common name of the certificate a client has shown, which the handshake has verified.
pub(crate) fn client_name(connection: &rustls::ServerConnection) -> Option<String> {
    let shown = connection.peer_certificates()?.first()?;
    certificate::describe_der(shown).ok()?.common_name
}

/// Why a handshake failed, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failed<'a> {
    pub(crate) why: Cow<'a, str>,
    pub(crate) advice: &'static str,
}

const TRUST: &str = "Give the client the authority's certificate or the fingerprint shown on the Broker page, and an address that the certificate names.";
const OWN_CERTIFICATE: &str =
    "Give the client a certificate made on the Broker page, or switch client certificates off.";
const OLD: &str = "Use TLS 1.2 or 1.3; a library that offers neither must be brought up to date.";
const BROKEN: &str = "If this is a device of yours, check its TLS settings.";

/// Words for the error a handshake ended with.
pub(crate) fn failed(error: &io::Error) -> Failed<'static> {
    let Some(why) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) else {
        if error.kind() == io::ErrorKind::UnexpectedEof || error.kind() == io::ErrorKind::ConnectionReset {
            let why = "it closed the connection in the middle of the TLS handshake, which is how many clients say that they do not trust the certificate";
            return Failed { why: why.into(), advice: TRUST };
        }
        return Failed { why: format!("the network connection failed: {error}").into(), advice: BROKEN };
    };
    let (why, advice) = match why {
        Error::AlertReceived(alert) => return refused_by_client(*alert),
        Error::NoCertificatesPresented => ("it shows no certificate, and one is asked for", OWN_CERTIFICATE),
        Error::InvalidCertificate(wrong) => (
            match wrong {
                Cert::Expired | Cert::ExpiredContext { .. } => "its certificate has run out",
                Cert::NotValidYet | Cert::NotValidYetContext { .. } => {
                    "its certificate is not valid yet; one of the two clocks is wrong"
                }
                Cert::UnknownIssuer => "its certificate was signed by an authority that is not believed here",
                Cert::InvalidPurpose | Cert::InvalidPurposeContext { .. } => {
                    "its certificate is not one for clients"
                }
                _ => "its certificate cannot be believed",
            },
            OWN_CERTIFICATE,
        ),
        Error::PeerIncompatible(what) => (
            match what {
                PeerIncompatible::Tls12NotOffered
                | PeerIncompatible::Tls12NotOfferedOrEnabled
                | PeerIncompatible::SupportedVersionsExtensionRequired => "it offers no TLS 1.2 or 1.3",
                PeerIncompatible::NoCipherSuitesInCommon
                | PeerIncompatible::NoSignatureSchemesInCommon
                | PeerIncompatible::NoKxGroupsInCommon
                | PeerIncompatible::NoEcPointFormatsInCommon => {
                    "it and Hearth have no cipher, curve or signature in common"
                }
                _ => "it and Hearth have no way of TLS in common",
            },
            OLD,
        ),
        Error::InvalidMessage(_) => ("what it sends is not TLS, or was damaged", BROKEN),
        _ => return Failed { why: format!("the TLS handshake failed: {why}").into(), advice: BROKEN },
    };
    Failed { why: why.into(), advice }
}

/// A client says what it does not like with an alert (RFC 8446, section 6.2).
fn refused_by_client(alert: AlertDescription) -> Failed<'static> {
    use AlertDescription as Alert;
    let (why, advice): (Cow<'static, str>, _) = match alert {
        Alert::UnknownCA | Alert::BadCertificate | Alert::CertificateUnknown | Alert::AccessDenied => {
            ("it does not trust the certificate".into(), TRUST)
        }
        Alert::CertificateExpired => (
            "it takes the certificate for expired, or not valid yet".into(),
            "Check the client's clock: a board without the time of day cannot check a certificate's dates.",
        ),
        Alert::UnsupportedCertificate => (
            "it cannot handle the certificate's kind of key".into(),
            "Build the client with elliptic curves (ECDSA), or bring a certificate with an RSA key.",
        ),
        Alert::ProtocolVersion => ("it does not speak TLS 1.2 or 1.3".into(), OLD),
        Alert::HandshakeFailure | Alert::InsufficientSecurity | Alert::IllegalParameter => {
            ("it does not accept the cipher or key that was chosen".into(), OLD)
        }
        Alert::UserCanceled | Alert::CloseNotify => ("it gave the handshake up".into(), TRUST),
        alert => (format!("it ended the handshake with the alert {alert:?}").into(), BROKEN),
    };
    Failed { why, advice }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{Issued, issue_client, issue_server, make_authority};

    fn server() -> (Issued, Issued) {
        let authority = make_authority("Hearth", now_ms()).unwrap();
        let server = issue_server(&authority, &["127.0.0.1".to_owned()]).unwrap();
        (authority, server)
    }

    #[test]
    fn a_certificate_and_its_key_are_taken_anything_else_is_told_in_words() {
        let (authority, server) = server();
        let check = |certificate: &str, key: &str| {
            Tls::new(certificate, key, false, None, false).map(|_| ()).map_err(|why| why.to_string())
        };
        assert_eq!(check(&server.certificate_pem, &server.key_pem), Ok(()));
        assert_eq!(
            check(&server.certificate_pem, &authority.key_pem),
            Err(
                "The private key does not belong to the certificate. Choose the two that were made together."
                    .into()
            )
        );
        let swapped = check(&server.key_pem, &server.certificate_pem).unwrap_err();
        assert!(swapped.contains("There is no certificate in it"), "{swapped}");
        let no_key = check(&server.certificate_pem, &server.certificate_pem).unwrap_err();
        assert!(no_key.contains("There is no private key in it"), "{no_key}");
        let bad = "-----BEGIN PRIVATE KEY-----\naGVsbG8=\n-----END PRIVATE KEY-----\n";
        let bad = check(&server.certificate_pem, bad).unwrap_err();
        assert!(bad.starts_with("The private key cannot be used"), "{bad}");
    }

    #[test]
    fn a_certificate_is_taken_in_its_time_only() {
        const DAY_MS: i64 = 24 * 3_600_000;
        let (_, server) = server();
        let described = certificate::describe(&server.certificate_pem).unwrap();
        let check = |at_ms| check_dates(&server.certificate_pem, at_ms);
        assert_eq!(check(now_ms()), Ok(()));
        assert_eq!(check(described.not_after_ms + 3 * DAY_MS + 1), Err(TlsError::Expired { days: 3 }));
        assert_eq!(check(described.not_before_ms - DAY_MS), Err(TlsError::NotYet { days: 2 }));
    }

    #[test]
    fn an_authority_for_clients_must_be_one() {
        let (authority, server) = server();
        let check = |pem: &str| Tls::new(&server.certificate_pem, &server.key_pem, true, Some(pem), true);
        assert!(check(&authority.certificate_pem).is_ok());
        assert!(matches!(check("nothing"), Err(TlsError::ClientAuthority(_))));
    }

    #[test]
    fn the_name_in_a_clients_certificate_is_read() {
        let (authority, _) = server();
        let client = issue_client(&authority, "Küche").unwrap();
        let described = certificate::describe(&client.certificate_pem).unwrap();
        assert_eq!(described.common_name.as_deref(), Some("Küche"));
    }
}
