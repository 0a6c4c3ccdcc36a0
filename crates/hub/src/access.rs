//! The credentials: whom the gate lets in, with which secret, and what each of them may do.

mod boards;
mod door;
mod row;
#[cfg(test)]
mod test_door;
mod words;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use model::{Permissions, Publisher};
use parking_lot::{Mutex, RwLock};
use store::credential::Credential as Row;
use store::{HubDb, StoreError};

use crate::api::ApiError;
use crate::clock;
use crate::credential::{Scratch, SecretHash, make_secret};
use crate::guesses::Guesses;
use row::{from_row, to_row};

pub use door::Door;

/// Longest name of a credential, bytes.
pub const NAME_BYTES_MAX: usize = 64;
/// Most credentials.
pub const CREDENTIALS_MAX: usize = 10_000;
/// Names of revoked ones that are remembered.
const GONE_MAX: usize = 1_000;

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
    /// Names of those that were revoked in this run, the newest last.
    gone: RwLock<VecDeque<String>>,
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
        let by_name = RwLock::new(by_name);
        Ok(Self { db, by_name, gone: RwLock::default(), guesses: Arc::default(), scratch: Arc::default() })
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
        let mut gone = self.gone.write();
        gone.retain(|known| known != name);
        if gone.len() >= GONE_MAX {
            gone.pop_front();
        }
        gone.push_back(name.to_owned());
        Ok(true)
    }

    /// Whether the one of this name was revoked in this run, gone or not yet, and none was made since.
    fn was_revoked(&self, name: &str) -> bool {
        match self.by_name.read().get(name) {
            Some(credential) => credential.revoked,
            None => self.gone.read().iter().any(|known| known == name),
        }
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

#[cfg(test)]
mod tests {
    use broker::{Access as _, Standing};

    use super::test_door::{login, open};
    use super::*;

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
