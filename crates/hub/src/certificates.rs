//! The broker's certificate, in the data folder under `tls/`:
//!
//! | file | what |
//! |---|---|
//! | `authority.pem`, `authority.key` | the home's own authority; clients trust `authority.pem` |
//! | `server.pem`, `server.key` | the certificate it issued for the broker |
//! | `brought.pem` | chain and key the owner brought; while it is there, it is used instead |
//!
//! All of it is made with the first listener that needs it and never changed unasked: boards in the wall know it
//! by heart. A key is written before its certificate, so a certificate that is there is complete.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use broker::Tls;
use broker::authority::{self, AuthorityError, Issued};
use broker::certificate::{self, Described};
use parking_lot::Mutex;
use serde_json::{Value, json};

use crate::api::ApiError;
use crate::api::types::{CertificateView, ClientCertificate, ClientCertificates, Level, TlsSettings};
use crate::data_dir::{make_private_dir, write_private};
use crate::{Hub, clock, network};

/// Where [`TlsSettings`] are kept.
pub const SETTING: &str = "broker.tls";
/// Name of the authority, as people see it.
const AUTHORITY_NAME: &str = "Hearth at home";
/// A certificate is told to expire this long before it does, ms.
const EXPIRY_TOLD_MS: i64 = 30 * 24 * 3_600_000;
/// Longest certificate chain or key that is taken, bytes.
const PEM_BYTES_MAX: usize = 64 * 1024;

/// Why there is no certificate to use.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unusable {
    /// A file cannot be read or written.
    #[error("{} cannot be used: {why}. Check that the data folder is yours and has space.", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: Arc<io::Error>,
    },
    /// A certificate is there without its key.
    #[error(
        "{} is missing, but its certificate is there. Put your copy back; without one, remove the folder {}, and a \
         new authority is made that every board must be told.",
        path.display(), path.parent().unwrap_or(path).display()
    )]
    NoKey {
        /// The file that is missing.
        path: PathBuf,
    },
    /// The certificate could not be made.
    #[error(transparent)]
    Authority(#[from] AuthorityError),
    /// Certificate and key cannot be used together.
    #[error(transparent)]
    Tls(#[from] broker::TlsError),
    /// A certificate cannot be read.
    #[error("{0}")]
    Unreadable(String),
}

/// The folder with the certificates, and what they are used for.
pub struct Certificates {
    dir: PathBuf,
    settings: Mutex<TlsSettings>,
    /// The trouble that was told last, so that it is told once.
    told: Mutex<Option<String>>,
}

/// The certificate that is used.
struct Used {
    certificate_pem: String,
    key_pem: String,
    own: bool,
}

impl Certificates {
    /// The certificates of a data folder. Nothing is read or made yet.
    pub fn open(data: &Path, settings: Option<&Value>) -> Self {
        let off = TlsSettings { small_records: false, client_certificates: ClientCertificates::Off };
        let settings = settings.and_then(|stored| serde_json::from_value(stored.clone()).ok()).unwrap_or(off);
        Self { dir: data.join("tls"), settings: Mutex::new(settings), told: Mutex::default() }
    }

    /// What is asked of TLS now.
    pub fn settings(&self) -> TlsSettings {
        self.settings.lock().clone()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn read(&self, name: &str) -> Result<Option<String>, Unusable> {
        let path = self.path(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(why) => Err(Unusable::File { path, why: Arc::new(why) }),
        }
    }

    fn write(&self, name: &str, text: &str) -> Result<(), Unusable> {
        let path = self.path(name);
        let written = make_private_dir(&self.dir).and_then(|()| write_private(&path, text.as_bytes()));
        written.map_err(|why| Unusable::File { path, why: Arc::new(why) })
    }

    /// Certificate and key, if the certificate is there.
    fn pair(&self, certificate: &str, key: &str) -> Result<Option<Issued>, Unusable> {
        let Some(certificate_pem) = self.read(certificate)? else { return Ok(None) };
        let key_pem = self.read(key)?.ok_or_else(|| Unusable::NoKey { path: self.path(key) })?;
        Ok(Some(Issued { certificate_pem, key_pem }))
    }

    fn write_pair(&self, certificate: &str, key: &str, issued: &Issued) -> Result<(), Unusable> {
        self.write(key, &issued.key_pem)?;
        self.write(certificate, &issued.certificate_pem)
    }

    /// The authority; made if there is none.
    fn authority(&self) -> Result<Issued, Unusable> {
        if let Some(authority) = self.pair("authority.pem", "authority.key")? {
            return Ok(authority);
        }
        let made = authority::make_authority(AUTHORITY_NAME, clock::now_ms())?;
        self.write_pair("authority.pem", "authority.key", &made)?;
        Ok(made)
    }

    /// What is used, if anything was made or brought.
    fn used(&self) -> Result<Option<Used>, Unusable> {
        if let Some(pem) = self.read("brought.pem")? {
            return Ok(Some(Used { certificate_pem: pem.clone(), key_pem: pem, own: false }));
        }
        let own = self.pair("server.pem", "server.key")?;
        Ok(own.map(|Issued { certificate_pem, key_pem }| Used { certificate_pem, key_pem, own: true }))
    }

    /// What the gate needs for handshakes; the certificate is made if there is none.
    fn tls(&self) -> Result<Tls, Unusable> {
        let used = match self.used()? {
            Some(used) => used,
            None => {
                let issued = authority::issue_server(&self.authority()?, &names())?;
                self.write_pair("server.pem", "server.key", &issued)?;
                Used { certificate_pem: issued.certificate_pem, key_pem: issued.key_pem, own: true }
            }
        };
        let settings = self.settings();
        let authority = match settings.client_certificates {
            ClientCertificates::Off => None,
            _ => Some(self.authority()?.certificate_pem),
        };
        let required = settings.client_certificates == ClientCertificates::Required;
        let Used { certificate_pem, key_pem, .. } = &used;
        Ok(Tls::new(certificate_pem, key_pem, settings.small_records, authority.as_deref(), required)?)
    }

    /// Issues the broker's certificate anew for the names of now. The key stays, so that boards that pin it still
    /// know it.
    fn renew(&self) -> Result<(), Unusable> {
        let authority = self.authority()?;
        let issued = match self.pair("server.pem", "server.key")? {
            Some(before) => authority::renew_server(&authority, &names(), &before.key_pem)?,
            None => authority::issue_server(&authority, &names())?,
        };
        self.write_pair("server.pem", "server.key", &issued)
    }

    /// Uses what the owner brings. It is tried before it replaces anything.
    fn bring(&self, certificate_pem: &str, key_pem: &str) -> Result<(), Unusable> {
        Tls::new(certificate_pem, key_pem, false, None, false)?;
        let described = describe(certificate_pem)?;
        let not_for_a_broker = if described.is_authority {
            Some("This is the certificate of an authority, which most clients refuse from a broker")
        } else if described.names.is_empty() {
            Some(
                "This certificate is for no name and no address, so every client that checks it would refuse it",
            )
        } else {
            None
        };
        if let Some(why) = not_for_a_broker {
            return Err(Unusable::Unreadable(format!(
                "{why}. Bring one that was issued for this computer's name, followed by its chain."
            )));
        }
        // One file: certificate and key are replaced together or not at all.
        self.write("brought.pem", &format!("{}\n{}\n", certificate_pem.trim(), key_pem.trim()))
    }

    fn bring_none(&self) -> Result<(), Unusable> {
        let path = self.path("brought.pem");
        match fs::remove_file(&path) {
            Err(why) if why.kind() != io::ErrorKind::NotFound => {
                Err(Unusable::File { path, why: Arc::new(why) })
            }
            _ => Ok(()),
        }
    }

    /// The certificate for people. `None` before one was made.
    fn view(&self) -> Result<Option<CertificateView>, Unusable> {
        let Some(used) = self.used()? else { return Ok(None) };
        let described = describe(&used.certificate_pem)?;
        let trouble = trouble(&described, used.own, clock::now_ms(), network::lan_address());
        let authority_pem = if used.own { self.read("authority.pem")? } else { None };
        Ok(Some(CertificateView {
            own: used.own,
            names: described.names,
            not_before_ms: described.not_before_ms,
            not_after_ms: described.not_after_ms,
            sha1: described.sha1,
            sha256: described.sha256,
            tasmota: described.tasmota,
            authority_pem,
            trouble,
        }))
    }
}

fn describe(pem: &str) -> Result<Described, Unusable> {
    certificate::describe(pem).map_err(|why| Unusable::Unreadable(why.to_string()))
}

/// What clients may call this computer. The first is its name in multicast DNS.
fn names() -> Vec<String> {
    let host = crate::mdns::label(&network::host_name());
    let mut names = vec![format!("{host}.local"), host, "localhost".to_owned()];
    let addresses = network::lan_address().into_iter().chain(network::lan_addresses());
    let addresses = addresses.map(|address| address.to_string());
    for name in addresses.chain(["127.0.0.1".to_owned(), "::1".to_owned()]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What is not as it should be with the certificate that is used.
fn trouble(
    described: &Described,
    own: bool,
    now_ms: i64,
    address: Option<std::net::IpAddr>,
) -> Option<String> {
    let renew = if own { "Make a new one under Settings, Broker" } else { "Bring a new one" };
    let until = day(described.not_after_ms);
    if described.not_after_ms <= now_ms {
        return Some(format!("The broker's certificate ran out on {until}. {renew}."));
    }
    if described.not_after_ms - now_ms < EXPIRY_TOLD_MS {
        return Some(format!("The broker's certificate runs out on {until}. {renew} before that."));
    }
    if now_ms < described.not_before_ms {
        return Some(format!(
            "The broker's certificate is valid from {} only. Check this computer's clock.",
            day(described.not_before_ms)
        ));
    }
    let address = address.map(|address| address.to_string())?;
    // A certificate from elsewhere is for a host name.
    (own && !authority::covers(&described.names, &address)).then(|| {
        format!(
            "The broker's certificate is not for {address}, this computer's address now. Boards that check the name \
             are refused. {renew}; the key stays, so boards that pin the key need not be told."
        )
    })
}

fn day(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .map_or_else(|| "an unknown day".to_owned(), |time| time.format("%Y-%m-%d").to_string())
}

impl From<Unusable> for ApiError {
    fn from(why: Unusable) -> Self {
        match why {
            Unusable::File { .. } => Self::internal(why),
            why => Self::conflict(why.to_string()),
        }
    }
}

impl Hub {
    /// Works on the certificates off the async workers.
    async fn certificates<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Certificates) -> Result<T, Unusable> + Send + 'static,
    ) -> Result<T, ApiError> {
        let certificates = self.certificates.clone();
        let working = tokio::task::spawn_blocking(move || work(&certificates));
        Ok(working.await.map_err(ApiError::internal)??)
    }

    /// Gives the gate the certificate for handshakes from now on.
    pub(crate) async fn use_certificate(&self) -> Result<(), ApiError> {
        let tls = self.certificates(Certificates::tls).await?;
        self.gate.set_tls(Some(tls));
        Ok(())
    }

    /// The same, if anybody needs it now.
    async fn use_new_certificate(&self) -> Result<(), ApiError> {
        let needed = self.gate.listeners().iter().any(|(transport, _)| transport.is_encrypted());
        if needed { self.use_certificate().await } else { Ok(()) }
    }

    /// The certificate for people.
    pub(crate) async fn certificate_view(&self) -> Result<Option<CertificateView>, ApiError> {
        self.certificates(Certificates::view).await
    }

    async fn certificate_made(&self) -> Result<CertificateView, ApiError> {
        let view = self.certificate_view().await?;
        view.ok_or_else(|| {
            ApiError::conflict("There is no certificate. Switch a listener with TLS on first.")
        })
    }

    pub(crate) async fn set_tls(&self, settings: TlsSettings) -> Result<(), ApiError> {
        let _changing = self.changing.lock().await;
        let before = std::mem::replace(&mut *self.certificates.settings.lock(), settings.clone());
        if let Err(why) = self.use_new_certificate().await {
            *self.certificates.settings.lock() = before;
            return Err(why);
        }
        self.keep_setting(SETTING, json!(settings)).await?;
        let asked = match settings.client_certificates {
            ClientCertificates::Off => "are not asked for",
            ClientCertificates::Optional => "stand for a password",
            ClientCertificates::Required => "are required",
        };
        let records = if settings.small_records { "of at most 512 bytes" } else { "of any size" };
        let text = format!("TLS: records {records}; client certificates {asked}.");
        self.activity.add(Level::Info, "hub", None, text);
        Ok(())
    }

    pub(crate) async fn renew_certificate(&self) -> Result<CertificateView, ApiError> {
        let _changing = self.changing.lock().await;
        self.certificates(|certificates| {
            if certificates.read("brought.pem")?.is_some() {
                return Err(Unusable::Unreadable(
                    "The certificate in use was brought, so Hearth cannot renew it. Bring a new one, or an empty \
                     one to go back to Hearth's own."
                        .to_owned(),
                ));
            }
            certificates.renew()
        })
        .await?;
        self.use_new_certificate().await?;
        let text = "The broker's certificate was renewed. Boards that pin the certificate itself must be told the \
                    new fingerprint; boards that pin the key or trust the authority need nothing.";
        self.activity.add(Level::Warning, "hub", None, text);
        self.certificate_made().await
    }

    pub(crate) async fn bring_certificate(
        &self,
        certificate_pem: String,
        key_pem: String,
    ) -> Result<CertificateView, ApiError> {
        if certificate_pem.len().max(key_pem.len()) > PEM_BYTES_MAX {
            return Err(ApiError::invalid(format!(
                "A certificate or key has at most {PEM_BYTES_MAX} bytes."
            )));
        }
        let _changing = self.changing.lock().await;
        let own = certificate_pem.trim().is_empty() && key_pem.trim().is_empty();
        self.certificates(move |certificates| {
            if own {
                certificates.bring_none()?;
                // There is always one to go back to.
                certificates.tls().map(|_| ())
            } else {
                certificates.bring(&certificate_pem, &key_pem)
            }
        })
        .await?;
        self.use_new_certificate().await?;
        let text = if own {
            "The broker uses the certificate of Hearth's own authority again."
        } else {
            "The broker uses the certificate that was brought."
        };
        self.activity.add(Level::Warning, "hub", None, text);
        self.certificate_made().await
    }

    pub(crate) async fn make_client_certificate(&self, name: String) -> Result<ClientCertificate, ApiError> {
        if self.credentials.get(&name).is_none() {
            return Err(ApiError::not_found("credential", &name));
        }
        let _changing = self.changing.lock().await;
        let issuing = name.clone();
        let Issued { certificate_pem, key_pem } = self
            .certificates(move |certificates| {
                Ok(authority::issue_client(&certificates.authority()?, &issuing)?)
            })
            .await?;
        let text = format!("A client certificate for `{name}` was made.");
        self.activity.add(Level::Info, "credential", Some(&name), text);
        Ok(ClientCertificate { name, certificate_pem, key_pem })
    }

    /// Tells once what is wrong with the certificate, when somebody uses it.
    pub(crate) async fn look_at_certificate(&self) {
        let used = self.gate.listeners().iter().any(|(transport, _)| transport.is_encrypted());
        let trouble = match self.certificate_view().await {
            _ if !used => None,
            Ok(view) => view.and_then(|view| view.trouble),
            Err(why) => Some(why.to_string()),
        };
        let mut told = self.certificates.told.lock();
        if let Some(trouble) = trouble.as_ref().filter(|trouble| told.as_ref() != Some(*trouble)) {
            self.activity.add(Level::Warning, "hub", None, trouble.as_str());
        }
        *told = trouble;
    }

    /// What [`Hub::look_at_certificate`] found last.
    pub(crate) fn certificate_trouble(&self) -> Option<String> {
        self.certificates.told.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 24 * 3_600_000;

    fn open() -> (tempfile::TempDir, Certificates) {
        let dir = tempfile::tempdir().unwrap();
        let certificates = Certificates::open(dir.path(), None);
        (dir, certificates)
    }

    fn bytes(certificates: &Certificates) -> Vec<Vec<u8>> {
        ["authority.pem", "authority.key", "server.pem", "server.key"]
            .iter()
            .map(|name| fs::read(certificates.path(name)).unwrap())
            .collect()
    }

    #[test]
    fn what_was_made_is_never_changed_unasked() {
        let (dir, certificates) = open();
        assert!(certificates.view().unwrap().is_none(), "nothing is made before it is needed");
        certificates.tls().unwrap();
        let made = bytes(&certificates);
        let again = Certificates::open(dir.path(), None);
        again.tls().unwrap();
        assert_eq!(bytes(&again), made);
        let before = again.view().unwrap().unwrap();
        again.renew().unwrap();
        let after = again.view().unwrap().unwrap();
        let renewed = bytes(&again);
        assert_eq!(
            (&renewed[0], &renewed[1], &renewed[3]),
            (&made[0], &made[1], &made[3]),
            "keys and authority stay"
        );
        assert_ne!(renewed[2], made[2]);
        assert_ne!(after.sha1, before.sha1);
        assert_eq!(after.tasmota, before.tasmota);
        assert!(after.tasmota.is_some() && after.trouble.is_none(), "{:?}", after.trouble);
    }

    #[cfg(unix)]
    #[test]
    fn keys_are_for_the_owner_only() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_dir, certificates) = open();
        certificates.tls().unwrap();
        for (name, mode) in [("authority.key", 0o600), ("server.key", 0o600), ("", 0o700)] {
            let found = fs::metadata(certificates.path(name)).unwrap().permissions().mode();
            assert_eq!(found & 0o777, mode, "{name}");
        }
    }

    #[test]
    fn a_lost_key_is_told_and_nothing_is_made_over_it() {
        let (_dir, certificates) = open();
        certificates.tls().unwrap();
        fs::remove_file(certificates.path("authority.key")).unwrap();
        certificates.tls().unwrap();
        let error = certificates.renew().unwrap_err().to_string();
        assert!(error.contains("authority.key is missing"), "{error}");
        fs::remove_file(certificates.path("authority.pem")).unwrap();
        fs::remove_file(certificates.path("server.pem")).unwrap();
        certificates.tls().unwrap();
    }

    #[test]
    fn a_brought_certificate_is_checked_before_it_replaces() {
        let (_dir, certificates) = open();
        certificates.tls().unwrap();
        let own = certificates.view().unwrap().unwrap();
        let other = authority::make_authority("another", 0).unwrap();
        let brought = authority::issue_server(&other, &["mqtt.example".to_owned()]).unwrap();
        let stranger = authority::issue_server(&other, &["x".to_owned()]).unwrap();
        let nameless = authority::issue_client(&other, "x").unwrap();
        for (certificate, key) in [
            (&brought.certificate_pem, &stranger.key_pem),
            (&brought.key_pem, &brought.key_pem),
            (&other.certificate_pem, &other.key_pem),
            (&nameless.certificate_pem, &nameless.key_pem),
        ] {
            assert!(certificates.bring(certificate, key).is_err());
            assert_eq!(certificates.view().unwrap().unwrap().sha1, own.sha1);
        }
        certificates.bring(&brought.certificate_pem, &brought.key_pem).unwrap();
        certificates.tls().unwrap();
        let view = certificates.view().unwrap().unwrap();
        assert!(!view.own && view.authority_pem.is_none());
        assert_eq!(view.names, ["mqtt.example"]);
        certificates.bring_none().unwrap();
        assert_eq!(certificates.view().unwrap().unwrap().sha1, own.sha1);
    }

    #[test]
    fn what_is_wrong_with_a_certificate_is_told() {
        let authority = authority::make_authority("a", 0).unwrap();
        let issued = authority::issue_server(&authority, &["192.168.1.7".to_owned()]).unwrap();
        let described = describe(&issued.certificate_pem).unwrap();
        let check = |now_ms, address: &str, own, expected: Option<&str>| {
            let found = trouble(&described, own, now_ms, address.parse().ok());
            match expected {
                None => assert_eq!(found, None),
                Some(words) => {
                    assert!(found.as_ref().is_some_and(|found| found.contains(words)), "{found:?}")
                }
            }
        };
        let end = described.not_after_ms;
        check(end - 31 * DAY_MS, "192.168.1.7", true, None);
        check(end - 29 * DAY_MS, "192.168.1.7", true, Some("runs out on"));
        check(end, "192.168.1.7", true, Some("ran out on"));
        check(0, "192.168.1.7", true, Some("valid from"));
        check(end - 31 * DAY_MS, "192.168.1.8", true, Some("not for 192.168.1.8"));
        check(end - 31 * DAY_MS, "192.168.1.8", false, None);
        check(end - 31 * DAY_MS, "", true, None);
    }
}
