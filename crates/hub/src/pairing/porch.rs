//! Who is turned away at the door while the window is open becomes a candidate, with a hash of what it tried. The
//! hash is in memory only, and only as long as the window is open.

use std::sync::Arc;

use broker::{Access, BoxFuture, Granted, Login, Refusal, Standing};
use bytes::Bytes;
use devices::Profile;
use devices::pairing::{Found, Sighting, Way};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::Pairings;
use crate::access::{Credentials, Door, check_name};
use crate::clock;
use crate::credential::{SecretHash, random};
use crate::profiles::Profiles;

/// What a candidate tried. Nothing shows it.
pub(super) struct Tried {
    pub(super) user: Option<String>,
    /// The topic it uses, by its last will.
    pub(super) topic: Option<String>,
    /// What is kept of its password, or why it cannot be a credential.
    pub(super) secret: Result<SecretHash, String>,
    /// The same again needs no new hash.
    fingerprint: [u8; 32],
    salt: [u8; 16],
}

impl Tried {
    fn is_same(&self, user: Option<&str>, password: Option<&Bytes>) -> bool {
        fingerprint(&self.salt, user, password).ct_eq(&self.fingerprint).into()
    }
}

/// Why what every board of a firmware knows is no access.
fn factory_words(user: &str, firmware: &str) -> String {
    format!(
        "every factory-fresh {firmware} logs in as `{user}` with the same password, so all of them would come in. Give \
         it an access of its own, or set an MQTT user and a password of your own on the board and let it try again"
    )
}

fn fingerprint(salt: &[u8], user: Option<&str>, password: Option<&Bytes>) -> [u8; 32] {
    let hash = Sha256::new().chain_update(salt).chain_update(user.unwrap_or_default()).chain_update([0]);
    hash.chain_update(password.map_or(&[][..], |password| password)).finalize().into()
}

/// The door, and what happens in front of it.
pub(crate) struct Porch {
    pub(crate) door: Door,
    pub(crate) pairings: Arc<Pairings>,
    pub(crate) profiles: Arc<Profiles>,
}

impl Access for Porch {
    fn login(&self, attempt: Login) -> BoxFuture<'static, Result<Granted, Refusal>> {
        let watched = self.pairings.state.lock().window.is_open(clock::now_ms());
        if !watched {
            return self.door.login(attempt);
        }
        let (pairings, profiles) = (self.pairings.clone(), self.profiles.current());
        let credentials = self.door.0.clone();
        let seen = attempt.clone();
        let deciding = self.door.login(attempt);
        Box::pin(async move {
            let decided = deciding.await;
            let is_stranger = seen.certificate_name.is_none()
                && seen.user.as_ref().is_none_or(|user| credentials.get(user).is_none());
            if is_stranger && matches!(decided, Err(Refusal::BadCredentials { .. })) {
                pairings.turned_away(seen, &credentials, &profiles).await;
            }
            decided
        })
    }

    fn standing(&self, granted: &Granted) -> Standing {
        self.door.standing(granted)
    }

    fn told_name(&self, user: &str) -> String {
        self.door.told_name(user)
    }
}

impl Pairings {
    async fn turned_away(&self, seen: Login, credentials: &Credentials, profiles: &[Profile]) {
        let Login { client_id, user, password, peer, will_topic, .. } = seen;
        let of_factory = user.as_deref().zip(password.as_ref()).and_then(|(user, password)| {
            profiles.iter().find(|profile| profile.is_factory_login(user, password)).map(Profile::name)
        });
        let (firmware, topic) = {
            let known =
                profiles.iter().find(|profile| profile.knows_client(&client_id, will_topic.as_deref()));
            let topic =
                known.zip(will_topic.as_deref()).and_then(|(profile, will)| profile.topic_of_will(will));
            (known.map(|profile| profile.id().to_owned()), topic)
        };
        let sighting = Sighting {
            way: Way::Refused {
                client_id: credentials.masked(&client_id, None),
                user: user.as_deref().map(|user| credentials.told(user)),
            },
            address: Some(peer.ip().to_string()),
            http_port: None,
            firmware,
            found: Found::default(),
        };
        let id = {
            let mut state = self.state.lock();
            if let Way::Refused { client_id, .. } = &sighting.way
                && state.is_in(client_id, sighting.address.as_deref(), clock::now_ms())
            {
                return;
            }
            let Some((id, _)) = state.window.seen(sighting, clock::now_ms()) else { return };
            let is_known =
                state.tried.get(&id).is_some_and(|tried| tried.is_same(user.as_deref(), password.as_ref()));
            if is_known {
                return;
            }
            id
        };
        let Ok(salt) = random() else { return };
        let fingerprint = fingerprint(&salt, user.as_deref(), password.as_ref());
        let secret = match (&user, password) {
            (None, _) => Err("it gave no user name".to_owned()),
            (_, None) => Err("it gave no password".to_owned()),
            (Some(user), _) if check_name(user).is_err() => {
                Err("its user name cannot be the name of a credential".to_owned())
            }
            (Some(user), Some(password)) => match of_factory {
                Some(firmware) => Err(factory_words(user, firmware)),
                None => match credentials.hash_of(password, peer.ip()).await {
                    Some(hashed) => {
                        hashed.map_err(|()| "its password has fewer than eight characters".to_owned())
                    }
                    // It comes again.
                    None => return,
                },
            },
        };
        let mut state = self.state.lock();
        if state.window.is_open(clock::now_ms()) && state.window.candidate(id).is_some() {
            state.tried.insert(id, Tried { user, topic, secret, fingerprint, salt });
        }
        drop(state);
        self.change();
    }
}
