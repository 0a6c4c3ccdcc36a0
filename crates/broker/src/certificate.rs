//! What a certificate says, and the fingerprints boards pin it by.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use x509_parser::public_key::PublicKey;

/// Why a certificate could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is none.
    #[error(
        "There is no certificate in it. A certificate file begins with -----BEGIN CERTIFICATE-----; choose the PEM form."
    )]
    None,
    /// It is none; the parser's words, for the log.
    #[error("It is damaged, or no certificate at all. Export it again in PEM form.")]
    Unreadable(String),
}

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// Common name of its subject.
    pub common_name: Option<String>,
    /// Common name of who signed it.
    pub issuer: Option<String>,
    /// Host names and IP addresses it is for.
    pub names: Vec<String>,
    /// Valid from, UTC ms.
    pub not_before_ms: i64,
    /// Valid until, UTC ms.
    pub not_after_ms: i64,
    /// Whether it may sign others.
    pub is_authority: bool,
    /// SHA-1 of the certificate, `AA:BB:…`: what `setFingerprint` of an ESP8266 and ESPHome's
    /// `ssl_fingerprints` compare.
    pub sha1: String,
    /// SHA-256 of the certificate, `AA:BB:…`.
    pub sha256: String,
    /// Fingerprint of the public key as Tasmota's `MqttFingerprint` compares it, `AA BB …`; `None` for a kind of
    /// key Tasmota does not know.
    pub tasmota: Option<String>,
    /// The public key, DER (SubjectPublicKeyInfo).
    pub public_key: Vec<u8>,
}

/// Reads the first certificate of a PEM text.
pub fn describe(pem: &str) -> Result<Described, CertificateError> {
    let der = match CertificateDer::pem_slice_iter(pem.as_bytes()).next() {
        None => return Err(CertificateError::None),
        Some(Err(why)) => return Err(CertificateError::Unreadable(why.to_string())),
        Some(Ok(der)) => der,
    };
    describe_der(&der)
}

pub(crate) fn describe_der(der: &[u8]) -> Result<Described, CertificateError> {
    let (_, certificate) =
        X509Certificate::from_der(der).map_err(|why| CertificateError::Unreadable(why.to_string()))?;
    let key = certificate.public_key();
    let first = |name: &x509_parser::x509::X509Name<'_>| {
        name.iter_common_name().next().and_then(|cn| cn.as_str().ok()).map(str::to_owned)
    };
    Ok(Described {
        common_name: first(certificate.subject()),
        issuer: first(certificate.issuer()),
        names: names(&certificate),
        not_before_ms: certificate.validity().not_before.timestamp().saturating_mul(1_000),
        not_after_ms: certificate.validity().not_after.timestamp().saturating_mul(1_000),
        is_authority: certificate.is_ca(),
        sha1: hex(digest(&SHA1_FOR_LEGACY_USE_ONLY, der).as_ref(), ':'),
        sha256: hex(digest(&SHA256, der).as_ref(), ':'),
        tasmota: key.parsed().ok().and_then(|key| tasmota(&key)).map(|digest| hex(&digest, ' ')),
        public_key: key.raw.to_vec(),
    })
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let text = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(text).collect()
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| Ipv4Addr::from(bytes).into()),
        16 => <[u8; 16]>::try_from(bytes).ok().map(|bytes| Ipv6Addr::from(bytes).into()),
        _ => None,
    }
}

/// Tasmota hashes not the certificate but its key, so that a renewed certificate with the same key is still
/// known: SHA-1 over a tag and the key's numbers, each behind its length of four bytes (the present form of
/// Tasmota's WiFiClientSecureLight; versions before 8.4 left the lengths out).
fn tasmota(key: &PublicKey<'_>) -> Option<[u8; 20]> {
    const P256_BITS: usize = 256;
    let parts: Vec<&[u8]> = match key {
        PublicKey::RSA(rsa) => {
            vec![b"ssh-rsa", without_zeros(rsa.exponent), without_zeros(rsa.modulus)]
        }
        PublicKey::EC(point) if point.key_size() == P256_BITS => vec![b"ecdsa-sha2-nistp256", point.data()],
        _ => return None,
    };
    let mut hashed = Vec::new();
    for part in parts {
        hashed.extend(u32::try_from(part.len()).ok()?.to_be_bytes());
        hashed.extend(part);
    }
    digest(&SHA1_FOR_LEGACY_USE_ONLY, &hashed).as_ref().try_into().ok()
}

/// DER puts a zero before a number whose first bit is set; BearSSL takes it away.
fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

fn hex(bytes: &[u8], between: char) -> String {
    let mut text = String::with_capacity(bytes.len() * 3);
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            text.push(between);
        }
        let _ = write!(text, "{byte:02X}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_certificate_is_told_apart() {
        assert_eq!(describe("hello"), Err(CertificateError::None));
        assert_eq!(describe(""), Err(CertificateError::None));
        let not_one = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
        assert!(matches!(describe(not_one), Err(CertificateError::Unreadable(_))));
    }

    #[test]
    fn numbers_lose_the_zero_der_put_before_them() {
        assert_eq!(without_zeros(&[0, 0x80, 1]), [0x80, 1]);
        assert_eq!(without_zeros(&[1, 0, 1]), [1, 0, 1]);
        assert_eq!(without_zeros(&[0]), [0; 0]);
    }
}
