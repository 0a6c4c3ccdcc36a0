//! The credentials, and the gate's question who may come in.

mod boards;
mod row;

use std::collections::HashMap;
use std::sync::Arc;

use broker::{Access, BoxFuture, Granted, Login, Refusal, Standing, Transport};
use model::{Permissions, Publisher};
use parking_lot::{Mutex, RwLock};
use store::credential::Credential as Row;
use store::{HubDb, StoreError};

use crate::api::ApiError;
use crate::credential::{self, PASSWORD_CHARACTERS_MIN, Scratch, SecretHash, looks_made, make_secret};
use crate::guesses::Guesses;
use crate::{clock, demo, doctor};
use row::{from_row, to_row};

/// Longest name of a credential, bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Most credentials.
pub const CREDENTIALS_MAX: usize = 10_000;
/// A name is taken for a mistyped other one when at most this many letters differ.
const LETTERS_APART_MAX: usize = 2;
/// More credentials than this are not looked through for a mistyped name: whoever guesses must not cost much.
const COMPARED_MAX: usize = 1_000;
/// Words of one text that are looked up among the secrets, each of which is hashed with every salt; further ones that
/// look like a secret are taken for one.
const LOOKED_UP_MAX: usize = 8;
/// When to come again, if all places to wait for a slow check are taken, ms. One password is checked at a time,
/// which takes 19 MiB and tens of milliseconds.
const SLOW_CHECK_RETRY_MS: u64 = 1_000;
/// A login moves the stored time of the last one at most this often, ms: a board that reconnects every second
/// should not wear the disk.
const LOGIN_NOTED_MS: i64 = 60_000;

/// One credential, as it is checked.
#[derive(Debug, Clone)]
pub struct Credential {
    /// User name.
    pub name: Arc<str>,
    /// What is kept of its secret.
    pub secret: SecretHash,
    /// What it may write and read.
    pub permissions: Permissions,
    /// Learning mode.
    pub learning: bool,
    /// Made, UTC ms.
    pub created_ms: i64,
    /// Last login, UTC ms.
    pub last_login_ms: Option<i64>,
    /// It lets nobody in any more, but its row is still there: it could not be deleted.
    pub revoked: bool,
}

impl Credential {
    /// What it may do now, learning or not.
    pub fn effective(&self) -> Permissions {
        if self.learning { self.permissions.while_learning() } else { self.permissions.clone() }
    }
}

/// All credentials, in memory for the gate and in `hub.db` for the next start.
pub struct Credentials {
    db: Arc<HubDb>,
    by_name: RwLock<HashMap<String, Credential>>,
    /// Places in the queue for a slow check, and what needs none.
    guesses: Arc<Guesses>,
    /// Whoever holds it may check.
    scratch: Arc<Mutex<Scratch>>,
}

impl Credentials {
    /// Reads them.
    pub fn load(db: Arc<HubDb>) -> Result<Self, StoreError> {
        let rows = db.read(store::credential::all)?;
        let by_name = rows.into_iter().filter_map(from_row).map(|c| (c.name.to_string(), c)).collect();
        Ok(Self { db, by_name: RwLock::new(by_name), guesses: Arc::default(), scratch: Arc::default() })
    }

    /// In order of name.
    pub fn list(&self) -> Vec<Credential> {
        let mut list: Vec<_> = self.by_name.read().values().cloned().collect();
        list.sort_by(|a, b| a.name.cmp(&b.name));
        list
    }

    /// Those that let somebody in, and since when, UTC ms.
    pub(crate) fn since(&self) -> HashMap<Arc<str>, i64> {
        let by_name = self.by_name.read();
        let open = by_name.values().filter(|credential| !credential.revoked);
        open.map(|credential| (credential.name.clone(), credential.created_ms)).collect()
    }

    /// One of them.
    pub fn get(&self, name: &str) -> Option<Credential> {
        self.by_name.read().get(name).cloned()
    }

    /// The one whose name is nearly this, if there is one.
    fn like(&self, name: &str) -> Option<String> {
        let by_name = self.by_name.read();
        if name.len() > NAME_BYTES_MAX || by_name.len() > COMPARED_MAX {
            return None;
        }
        let letters = name.chars().count();
        let known = by_name.keys().filter(|known| {
            !known.starts_with(demo::USER_PREFIX)
                && known.chars().count().abs_diff(letters) <= LETTERS_APART_MAX
        });
        let near = known.map(|known| (letters_apart(&known.to_lowercase(), &name.to_lowercase()), known));
        near.filter(|(apart, _)| *apart <= LETTERS_APART_MAX && *apart < name.len())
            .min()
            .map(|(_, known)| known.clone())
    }

    /// How a name that somebody tried to log in with may be written down and shown. As it is when a credential has
    /// it, or nearly has it and it cannot be a password of one; else shortened, since people paste a password into
    /// the field for the name. Whether it is one cannot be tried: that takes tens of milliseconds for each credential.
    pub(crate) fn told(&self, name: &str) -> String {
        if self.by_name.read().contains_key(name) {
            return name.to_owned();
        }
        if looks_made(name) {
            // Not even its first letters.
            return broker::by_length(name);
        }
        let is_nearly_known = self.like(name).is_some() && !self.may_be_password(name);
        if is_nearly_known { name.to_owned() } else { broker::shortened(name) }
    }

    /// A text that came over the wire as it may be written down and shown: each of its words that is the secret of a
    /// credential now is told by its length. Of passwords that a person chose only those are known that were right in
    /// this run; `user`: whose they may be, `None` for anybody's.
    pub(crate) fn masked(&self, text: &str, user: Option<&str>) -> String {
        let by_name = self.by_name.read();
        let mut looked_up = 0;
        let is_made = |word: &str| {
            looked_up += 1;
            // More words in the shape of a secret than anybody means.
            looked_up > LOOKED_UP_MAX || by_name.values().any(|credential| credential.secret.is_made(word))
        };
        let is_of = |credential: &Credential, word: &str| {
            credential.secret.is_slow()
                && self.guesses.is_right(&credential.name, credential.secret.hash(), word.as_bytes())
        };
        let is_chosen = |word: &str| {
            word.chars().count() >= PASSWORD_CHARACTERS_MIN
                && match user {
                    Some(user) => by_name.get(user).is_some_and(|credential| is_of(credential, word)),
                    None => by_name.values().any(|credential| is_of(credential, word)),
                }
        };
        credential::masked(text, is_made, is_chosen)
    }

    /// Whether a person may have chosen this as the password of a credential.
    fn may_be_password(&self, name: &str) -> bool {
        name.chars().count() >= PASSWORD_CHARACTERS_MIN
            && self.by_name.read().values().any(|credential| credential.secret.is_slow())
    }

    /// Makes one; durable when this returns. `secret`: chosen by a person, or made here.
    pub async fn add(
        &self,
        name: &str,
        permissions: Permissions,
        secret: Option<String>,
    ) -> Result<String, ApiError> {
        check_name(name)?;
        check_permissions(&permissions)?;
        let (secret, hash) = self.secret(secret).await?;
        self.insert(name, permissions, hash, store::credential::put).await?;
        Ok(secret)
    }

    async fn insert(
        &self,
        name: &str,
        permissions: Permissions,
        secret: SecretHash,
        put: impl FnOnce(&store::Conn, &Row) -> Result<(), StoreError> + Send + 'static,
    ) -> Result<(), ApiError> {
        let credential = Credential {
            name: name.into(),
            secret,
            permissions,
            learning: false,
            created_ms: clock::now_ms(),
            last_login_ms: None,
            revoked: false,
        };
        {
            let mut by_name = self.by_name.write();
            if by_name.contains_key(name) {
                return Err(ApiError::conflict(format!(
                    "There is already a credential called `{name}`. Choose another name, or revoke that one first."
                )));
            }
            if by_name.len() >= CREDENTIALS_MAX {
                return Err(ApiError::conflict(format!(
                    "There can be at most {CREDENTIALS_MAX} credentials. Revoke some first."
                )));
            }
            by_name.insert(name.to_owned(), credential.clone());
        }
        let row = to_row(&credential);
        if let Err(why) = self.db.write(move |conn| put(conn, &row)).await {
            self.by_name.write().remove(name);
            return Err(ApiError::internal(why));
        }
        Ok(())
    }

    /// Gives one a new secret; durable when this returns, and the old one lets nobody in any more. Closing its
    /// connections is the caller's part.
    pub async fn renew(&self, name: &str, secret: Option<String>) -> Result<String, ApiError> {
        let (secret, hash) = self.secret(secret).await?;
        let (before, written) = {
            let mut by_name = self.by_name.write();
            let credential = by_name.get_mut(name).ok_or_else(|| ApiError::not_found("credential", name))?;
            if credential.revoked {
                return Err(ApiError::conflict(format!(
                    "`{name}` was revoked, but could not be removed. Free space on the disk, revoke it again, and make \
                     a new one."
                )));
            }
            let before = credential.clone();
            credential.secret = hash;
            // A login that was decided by the old secret and is on its way in is known by the old name.
            credential.name = name.into();
            let row = to_row(credential);
            (before, self.db.write(move |conn| store::credential::set_secret(conn, &row)))
        };
        if let Err(why) = written.await {
            if let Some(credential) = self.by_name.write().get_mut(name) {
                credential.secret = before.secret;
                credential.name = before.name;
            }
            return Err(ApiError::internal(why));
        }
        Ok(secret)
    }

    /// A secret and what is kept of it: the one a person chose, or a new one.
    async fn secret(&self, chosen: Option<String>) -> Result<(String, SecretHash), ApiError> {
        let Some(secret) = chosen else {
            let secret = make_secret().map_err(ApiError::internal)?;
            let hash = SecretHash::generated(&secret).map_err(ApiError::internal)?;
            return Ok((secret, hash));
        };
        let scratch = self.scratch.clone();
        let hashing =
            tokio::task::spawn_blocking(move || (SecretHash::chosen(&secret, &mut scratch.lock()), secret))
                .await;
        let (hash, secret) = hashing.map_err(ApiError::internal)?;
        Ok((secret, hash.map_err(|why| ApiError::invalid(why.to_string()))?))
    }

    /// Gives one other permissions; durable when this returns. Telling the gate is the caller's part.
    pub async fn set_permissions(&self, name: &str, permissions: Permissions) -> Result<(), ApiError> {
        check_permissions(&permissions)?;
        let (before, written) = {
            let mut by_name = self.by_name.write();
            let credential = by_name.get_mut(name).ok_or_else(|| ApiError::not_found("credential", name))?;
            let before = std::mem::replace(&mut credential.permissions, permissions.clone());
            let name = name.to_owned();
            // Handed over under the lock, so that the rows come in the order of the changes.
            let write =
                move |conn: &store::Conn| store::credential::set_permissions(conn, &name, &permissions);
            (before, self.db.write(write))
        };
        if let Err(why) = written.await {
            if let Some(credential) = self.by_name.write().get_mut(name) {
                credential.permissions = before;
            }
            return Err(ApiError::internal(why));
        }
        Ok(())
    }

    /// Switches the learning of one on or off, for the logins from now on.
    pub fn set_learning(&self, name: &str, on: bool) {
        if let Some(credential) = self.by_name.write().get_mut(name) {
            credential.learning = on;
        }
    }

    /// Lets nobody in with it any more, in this run; says whether there is such a credential. Closing its
    /// connections is the caller's part.
    pub fn lock_out(&self, name: &str) -> bool {
        let mut by_name = self.by_name.write();
        let Some(credential) = by_name.get_mut(name) else { return false };
        credential.revoked = true;
        true
    }

    /// Locks one out and forgets it; durable when this returns. When it cannot be written, the credential stays
    /// locked out and in the list, so that it can be removed again.
    pub async fn remove(&self, name: &str) -> Result<bool, ApiError> {
        if !self.lock_out(name) {
            return Ok(false);
        }
        let row = name.to_owned();
        let removed = self.db.write(move |conn| store::board::remove(conn, &row)).await;
        removed.map_err(ApiError::internal)?;
        self.by_name.write().remove(name);
        Ok(true)
    }

    fn logged_in(&self, name: &str) {
        let now_ms = clock::now_ms();
        if let Some(credential) = self.by_name.write().get_mut(name) {
            if credential.last_login_ms.is_some_and(|last| now_ms - last < LOGIN_NOTED_MS) {
                return;
            }
            credential.last_login_ms = Some(now_ms);
        }
        let name = name.to_owned();
        // Nobody waits: a login time lost in a crash costs nothing.
        drop(self.db.write(move |conn| store::credential::logged_in(conn, &name, now_ms)));
    }
}

fn check_permissions(permissions: &Permissions) -> Result<(), ApiError> {
    for filters in [&permissions.write, &permissions.read] {
        if filters.len() > model::permission::FILTERS_MAX {
            return Err(ApiError::invalid(format!(
                "A credential can have at most {} filters of one kind.",
                model::permission::FILTERS_MAX
            )));
        }
    }
    Ok(())
}

/// A name that can be a user name, part of a topic and a word on the command line.
pub(crate) fn check_name(name: &str) -> Result<(), ApiError> {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.chars().all(plain) {
        return Err(ApiError::invalid(format!(
            "`{name}` cannot be the name of a credential. Use 1 to {NAME_BYTES_MAX} letters, digits, `-`, `_`, `.` or `@`."
        )));
    }
    if name == Publisher::HUB {
        return Err(ApiError::invalid("`hearth` is the hub itself. Choose another name."));
    }
    Ok(())
}

/// Answers the gate.
pub struct Door(pub Arc<Credentials>);

impl Access for Door {
    fn standing(&self, granted: &Granted) -> Standing {
        standing(&self.0, granted)
    }

    fn told_name(&self, user: &str) -> String {
        self.0.told(user)
    }

    fn login(&self, attempt: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        let credentials = self.0.clone();
        Box::pin(async move {
            let bad = |why: String, advice: String| Err(Refusal::BadCredentials { why, advice });
            if attempt.user.is_none() && attempt.client_id == doctor::client_id() {
                return Err(Refusal::Look);
            }
            // TLS has verified a client's certificate, and the authority makes one for a credential only.
            let shown = attempt.certificate_name;
            if let (Some(shown), Some(user)) = (&shown, &attempt.user)
                && shown != user
            {
                let user = credentials.told(user);
                return bad(
                    format!("its certificate is for `{shown}`, and it gave the user name `{user}`"),
                    format!(
                        "Leave the user name out on the device, or set it to `{shown}`; or make a certificate for \
                         `{user}` in Settings, Broker, Certificate."
                    ),
                );
            }
            let by_certificate = shown.is_some();
            let Some(user) = shown.or(attempt.user) else {
                let advice = if matches!(attempt.transport, Transport::Tls | Transport::Wss) {
                    "Set a user name and a password on the device. If it has a certificate instead, none was asked of \
                     it: switch client certificates on in Settings, Broker, Certificate."
                } else {
                    "Set a user name and a password on the device: make them in Settings, Access."
                };
                return bad("it sent no user name".to_owned(), advice.to_owned());
            };
            let Some(credential) = credentials.get(&user) else {
                let hint = match credentials.like(&user) {
                    _ if looks_made(&user) => {
                        "It looks like a password: was it typed as the user name? ".to_owned()
                    }
                    Some(like) => format!("Did you mean `{like}`? "),
                    None => String::new(),
                };
                // A certificate was not typed.
                let told = if by_certificate { user } else { credentials.told(&user) };
                return bad(
                    format!("there is no credential called `{told}`"),
                    format!("{hint}Make it in Settings, Access, or correct the user name on the device."),
                );
            };
            if credential.revoked {
                return bad(
                    format!("the credential `{user}` was revoked"),
                    "Make a new credential in Settings, Access, and set it on the device.".to_owned(),
                );
            }
            if by_certificate {
                credentials.logged_in(&user);
                return Ok(Granted {
                    user: credential.name,
                    permissions: credential.permissions,
                    learning: credential.learning,
                });
            }
            let Some(password) = attempt.password else {
                return bad(format!("it sent no password for `{user}`"), password_advice(&user));
            };
            let secret = credential.secret;
            let kept = secret.hash().to_vec();
            let right = if secret.is_slow() && credentials.guesses.is_right(&user, &kept, &password) {
                true
            } else if secret.is_slow() {
                // The place goes with the work: a client that gives up must not make room for another one
                // while its own password is still being checked.
                let Some(place) = credentials.guesses.take(attempt.peer.ip()) else {
                    return Err(Refusal::TooManyAttempts { retry_ms: SLOW_CHECK_RETRY_MS });
                };
                let scratch = credentials.scratch.clone();
                let (guesses, peer, name) = (credentials.guesses.clone(), attempt.peer.ip(), user.clone());
                let checking = tokio::task::spawn_blocking(move || {
                    let right = secret.verify(&password, &mut scratch.lock());
                    if right {
                        guesses.right(&name, &kept, &password);
                    } else {
                        guesses.failed(peer);
                    }
                    drop(place);
                    right
                });
                checking.await.unwrap_or(false)
            } else {
                secret.verify(&password, &mut Scratch::default())
            };
            if !right {
                return bad(format!("the password for `{user}` is wrong"), password_advice(&user));
            }
            credentials.logged_in(&user);
            Ok(Granted {
                user: credential.name,
                permissions: credential.permissions,
                learning: credential.learning,
            })
        })
    }
}

fn password_advice(user: &str) -> String {
    format!(
        "Check the password on the device, or make a new one for `{user}`: Settings, Access, New password."
    )
}

/// Letters to add, leave out or change to make one name of the other.
fn letters_apart(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut before = std::mem::replace(&mut row[0], i + 1);
        for (j, to) in b.iter().enumerate() {
            let change = before + usize::from(from != *to);
            before = row[j + 1];
            row[j + 1] = change.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// What a credential may do now, against what it was granted at its login.
fn standing(credentials: &Credentials, granted: &Granted) -> Standing {
    let by_name = credentials.by_name.read();
    match by_name.get(&*granted.user) {
        None => Standing::Gone,
        Some(now) if now.revoked => Standing::Gone,
        // Another secret since, or another credential of the same name.
        Some(now) if !Arc::ptr_eq(&now.name, &granted.user) => Standing::Gone,
        Some(now) if now.permissions == granted.permissions && now.learning == granted.learning => {
            Standing::Same
        }
        Some(now) => Standing::Changed(Granted {
            user: now.name.clone(),
            permissions: now.permissions.clone(),
            learning: now.learning,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open() -> (tempfile::TempDir, Arc<HubDb>) {
        let dir = tempfile::tempdir().unwrap();
        let db = HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap();
        (dir, Arc::new(db))
    }

    async fn login(
        credentials: &Arc<Credentials>,
        user: Option<&str>,
        password: Option<&str>,
    ) -> Result<Granted, Refusal> {
        login_with(credentials, user, password, None).await
    }

    async fn login_with(
        credentials: &Arc<Credentials>,
        user: Option<&str>,
        password: Option<&str>,
        certificate: Option<&str>,
    ) -> Result<Granted, Refusal> {
        let attempt = Login {
            client_id: "c".into(),
            user: user.map(str::to_owned),
            password: password.map(|p| p.to_owned().into()),
            peer: "127.0.0.1:1".parse().unwrap(),
            version: 4,
            transport: broker::Transport::Tcp,
            certificate_name: certificate.map(str::to_owned),
            will_topic: None,
        };
        Door(credentials.clone()).login(attempt).await
    }

    #[tokio::test]
    async fn only_the_right_secret_comes_in_also_after_a_restart() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db.clone()).unwrap());
        let made = credentials.add("plug", Permissions::default(), None).await.unwrap();
        let chosen =
            credentials.add("phone", Permissions::default(), Some("a password".into())).await.unwrap();
        assert_eq!(chosen, "a password");
        for credentials in [credentials, Arc::new(Credentials::load(db).unwrap())] {
            assert!(login(&credentials, Some("plug"), Some(&made)).await.is_ok());
            assert!(login(&credentials, Some("phone"), Some("a password")).await.is_ok());
            assert!(login(&credentials, Some("plug"), Some("a password")).await.is_err());
            assert!(login(&credentials, Some("plug"), None).await.is_err());
            assert!(login(&credentials, None, None).await.is_err());
            assert!(login(&credentials, Some("nobody"), Some(&made)).await.is_err());
        }
    }

    #[tokio::test]
    async fn a_certificate_is_proof_for_the_credential_it_names_and_for_no_other() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db).unwrap());
        let secret = credentials.add("plug", Permissions::default(), None).await.unwrap();
        credentials.add("other", Permissions::default(), None).await.unwrap();
        let login = async |user, password, certificate| {
            login_with(&credentials, user, password, certificate)
                .await
                .map(|granted| granted.user.to_string())
        };
        assert_eq!(login(None, None, Some("plug")).await.as_deref(), Ok("plug"));
        assert_eq!(login(Some("plug"), Some("anything"), Some("plug")).await.as_deref(), Ok("plug"));
        assert!(login(Some("other"), None, Some("plug")).await.is_err());
        assert!(login(Some("plug"), Some(&secret), Some("other")).await.is_err());
        assert!(login(None, None, Some("nobody")).await.is_err());
        credentials.remove("plug").await.unwrap();
        assert!(
            login(None, None, Some("plug")).await.is_err(),
            "a revoked credential's certificate is worth nothing"
        );
    }

    #[tokio::test]
    async fn what_changed_while_a_login_was_decided_is_made_good() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db.clone()).unwrap());
        let secret = credentials.add("plug", Permissions::default(), None).await.unwrap();
        let granted = login(&credentials, Some("plug"), Some(&secret)).await.unwrap();
        let door = Door(credentials.clone());
        assert!(matches!(door.standing(&granted), Standing::Same));
        credentials.set_permissions("plug", Permissions::all()).await.unwrap();
        let Standing::Changed(now) = door.standing(&granted) else { panic!("it changed") };
        assert_eq!(now.permissions, Permissions::all());
        let stored = Credentials::load(db).unwrap().get("plug").unwrap();
        assert_eq!(stored.permissions, Permissions::all());
        credentials.set_learning("plug", true);
        assert!(matches!(door.standing(&now), Standing::Changed(Granted { learning: true, .. })));
        credentials.remove("plug").await.unwrap();
        assert!(matches!(door.standing(&granted), Standing::Gone));
        assert!(credentials.set_permissions("plug", Permissions::all()).await.is_err());
    }

    #[tokio::test]
    async fn a_new_secret_takes_the_place_of_the_old_one() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db.clone()).unwrap());
        let old = credentials.add("plug", Permissions::all(), None).await.unwrap();
        let granted = login(&credentials, Some("plug"), Some(&old)).await.unwrap();
        let new = credentials.renew("plug", None).await.unwrap();
        assert!(
            matches!(Door(credentials.clone()).standing(&granted), Standing::Gone),
            "it is on its way in"
        );
        for credentials in [credentials.clone(), Arc::new(Credentials::load(db.clone()).unwrap())] {
            assert!(login(&credentials, Some("plug"), Some(&old)).await.is_err());
            let granted = login(&credentials, Some("plug"), Some(&new)).await.unwrap();
            assert_eq!(granted.permissions, Permissions::all());
        }
        credentials.renew("plug", Some("my own secret".into())).await.unwrap();
        let credentials = Arc::new(Credentials::load(db).unwrap());
        assert!(login(&credentials, Some("plug"), Some("my own secret")).await.is_ok());
        assert!(credentials.renew("plug", Some("short".into())).await.is_err());
        assert!(credentials.renew("nobody", None).await.is_err());
    }

    #[tokio::test]
    async fn a_refused_login_says_what_to_do() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db).unwrap());
        credentials.add("sensor", Permissions::default(), None).await.unwrap();
        let check = async |user, password, certificate, expected: &str| match login_with(
            &credentials,
            user,
            password,
            certificate,
        )
        .await
        {
            Err(Refusal::BadCredentials { advice, .. }) => assert!(advice.starts_with(expected), "{advice}"),
            other => panic!("{other:?}"),
        };
        let password = "Check the password on the device, or make a new one for `sensor`: Settings, Access, New password.";
        check(Some("sensor"), Some("wrong"), None, password).await;
        check(Some("sensor"), None, None, password).await;
        check(Some("Sensr"), None, None, "Did you mean `sensor`? Make it in Settings, Access").await;
        check(Some("boiler"), None, None, "Make it in Settings, Access, or correct the user name").await;
        check(
            Some("sensor"),
            None,
            Some("plug"),
            "Leave the user name out on the device, or set it to `plug`",
        )
        .await;
        check(None, None, None, "Set a user name and a password on the device").await;
    }

    #[tokio::test]
    async fn a_name_nobody_has_is_shortened_unless_it_is_nearly_known_and_no_password() {
        let (_dir, db) = open();
        let credentials = Credentials::load(db).unwrap();
        let secret = credentials.add("kitchen-plug", Permissions::default(), None).await.unwrap();
        let check = |name: &str, expected: &str| assert_eq!(credentials.told(name), expected, "{name}");
        check("kitchen-plug", "kitchen-plug");
        check("Kitchen-Plugg", "Kitchen-Plugg");
        check("my wifi password", "my…(16 characters)");
        check(&secret, "…(24 characters)");
        credentials.add("phone", Permissions::default(), Some("kitchen-plug1".into())).await.unwrap();
        check("kitchen-plug1", "ki…(13 characters)");
        check("fone", "fone");
    }

    #[tokio::test]
    async fn a_secret_of_now_is_masked_wherever_it_stands_and_an_old_one_is_a_word() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db).unwrap());
        let old = credentials.add("plug", Permissions::default(), None).await.unwrap();
        let new = credentials.renew("plug", None).await.unwrap();
        let check = |text: &str, user, expected: &str| {
            assert_eq!(credentials.masked(text, user), expected, "{text} {user:?}");
        };
        check(&format!("a/{new}"), Some("plug"), "a/…(24 characters)");
        check(&new, None, "…(24 characters)");
        check(&old, None, &old);
        let many = [old.as_str()].repeat(LOOKED_UP_MAX + 1).join("/");
        assert!(
            credentials.masked(&many, None).ends_with("/…(24 characters)"),
            "what costs too much is hidden"
        );

        credentials.add("phone", Permissions::default(), Some("my own secret".into())).await.unwrap();
        check("my own secret", None, "my own secret");
        login(&credentials, Some("phone"), Some("my own secret")).await.unwrap();
        check("my own secret", None, "…(13 characters)");
        check("a/my own secret/b", Some("phone"), "a/…(13 characters)/b");
        check("my own secret", Some("plug"), "my own secret");
    }

    #[tokio::test]
    async fn the_words_about_a_refused_login_have_no_password_that_was_typed_as_the_name() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db).unwrap());
        let secret = credentials.add("plug", Permissions::default(), None).await.unwrap();
        for typed in [secret.as_str(), "correct horse battery"] {
            for certificate in [None, Some("plug")] {
                let refusal = login_with(&credentials, Some(typed), None, certificate).await.unwrap_err();
                let words = format!("{refusal:?}");
                assert!(!words.contains(typed) && words.contains("characters)"), "{words}");
            }
        }
    }

    #[tokio::test]
    async fn what_cannot_be_removed_lets_nobody_in_and_stays_listed_until_it_is() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db.clone()).unwrap());
        let secret = credentials.add("plug", Permissions::all(), None).await.unwrap();
        let granted = login(&credentials, Some("plug"), Some(&secret)).await.unwrap();
        let batch = |sql: &'static str| {
            db.write(move |conn| {
                conn.execute_batch(sql).unwrap();
                Ok(())
            })
        };
        batch("CREATE TEMP TRIGGER full BEFORE DELETE ON credential BEGIN SELECT RAISE(ABORT, 'full'); END")
            .await
            .unwrap();
        for _ in 0..2 {
            assert!(credentials.remove("plug").await.is_err());
            assert!(login(&credentials, Some("plug"), Some(&secret)).await.is_err());
            assert!(matches!(Door(credentials.clone()).standing(&granted), Standing::Gone));
            assert!(credentials.list()[0].revoked && credentials.renew("plug", None).await.is_err());
        }
        batch("DROP TRIGGER full").await.unwrap();
        assert!(credentials.remove("plug").await.unwrap());
        assert!(!credentials.remove("plug").await.unwrap());
        assert!(Credentials::load(db).unwrap().list().is_empty());
    }

    #[test]
    fn letters_between_two_names_are_counted() {
        for (a, b, expected) in
            [("", "", 0), ("plug", "plug", 0), ("plug", "plgu", 2), ("plug", "lug", 1), ("a", "xyz", 3)]
        {
            assert_eq!((letters_apart(a, b), letters_apart(b, a)), (expected, expected), "{a} {b}");
        }
    }

    #[tokio::test]
    async fn a_flood_of_wrong_passwords_has_a_bound() {
        let (_dir, db) = open();
        let credentials = Arc::new(Credentials::load(db).unwrap());
        credentials.add("phone", Permissions::default(), Some("a password".into())).await.unwrap();
        let held = credentials.scratch.clone().lock_arc();
        let flood: Vec<_> = (0..crate::guesses::PLACES_MAX + 20)
            .map(|_| {
                let credentials = credentials.clone();
                tokio::spawn(async move { login(&credentials, Some("phone"), Some("wrong")).await })
            })
            .collect();
        let mut refused_at_once = 0;
        while refused_at_once < 20 {
            tokio::task::yield_now().await;
            refused_at_once = flood.iter().filter(|login| login.is_finished()).count();
        }
        drop(held);
        for login in flood {
            assert!(login.await.unwrap().is_err());
        }
        assert!(login(&credentials, Some("phone"), Some("a password")).await.is_ok());
    }

    #[tokio::test]
    async fn names_that_could_be_mistaken_are_refused() {
        let (_dir, db) = open();
        let credentials = Credentials::load(db).unwrap();
        for name in ["", "hearth", "a b", "a/b", "a#", "+", &"x".repeat(65)] {
            assert!(credentials.add(name, Permissions::default(), None).await.is_err(), "{name}");
        }
        credentials.add("küche-1", Permissions::default(), None).await.unwrap();
        assert!(credentials.add("küche-1", Permissions::default(), None).await.is_err(), "twice");
    }
}
