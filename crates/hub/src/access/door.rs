//! The gate's questions: who may come in, and whether what was granted still holds.

use std::sync::Arc;

use broker::{Access, BoxFuture, Granted, Login, Refusal, Standing, Transport};

use super::Credentials;
use crate::credential::{Scratch, looks_made};
use crate::{clock, doctor};

/// When to come again, if all places to wait for a slow check are taken, ms. One password is checked at a time,
/// which takes 19 MiB and tens of milliseconds.
const SLOW_CHECK_RETRY_MS: u64 = 1_000;
/// A login moves the stored time of the last one at most this often, ms: a board that reconnects every second
/// should not wear the disk.
const LOGIN_NOTED_MS: i64 = 60_000;

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
            let open = credentials.get(&user).filter(|credential| !credential.revoked);
            let Some(credential) = open else {
                if credentials.was_revoked(&user) {
                    return bad(
                        format!("the credential `{user}` was revoked"),
                        "Make a new credential in Settings, Access, and set it on the device.".to_owned(),
                    );
                }
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

impl Credentials {
    /// Somebody came in with one.
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
    use model::Permissions;

    use super::super::test_door::{login, login_with, open};
    use super::*;

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
}
