//! How a name or a text from outside may be written down and shown: people paste a password into the field for the
//! name, and a secret stands in topics.

use super::{Credential, Credentials, NAME_BYTES_MAX};
use crate::credential::{self, PASSWORD_CHARACTERS_MIN, looks_made};
use crate::demo;

/// A name is taken for a mistyped other one when at most this many letters differ.
const LETTERS_APART_MAX: usize = 2;
/// More credentials than this are not looked through for a mistyped name: whoever guesses must not cost much.
const COMPARED_MAX: usize = 1_000;
/// Words of one text that are looked up among the secrets, each of which is hashed with every salt; further ones that
/// look like a secret are taken for one.
const LOOKED_UP_MAX: usize = 8;

impl Credentials {
    /// How a name that somebody tried to log in with may be written down and shown. As it is when a credential has
    /// it, or nearly has it and it cannot be a password of one; else shortened, since people paste a password into
    /// the field for the name. Whether it is one cannot be tried: that takes tens of milliseconds for each credential.
    pub(crate) fn told(&self, name: &str) -> String {
        if self.by_name.read().contains_key(name) || self.was_revoked(name) {
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

    /// The one whose name is nearly this, if there is one.
    pub(super) fn like(&self, name: &str) -> Option<String> {
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

    /// Whether a person may have chosen this as the password of a credential.
    fn may_be_password(&self, name: &str) -> bool {
        name.chars().count() >= PASSWORD_CHARACTERS_MIN
            && self.by_name.read().values().any(|credential| credential.secret.is_slow())
    }
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use model::Permissions;

    use super::super::test_door::{login, open};
    use super::*;

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

    #[test]
    fn letters_between_two_names_are_counted() {
        for (a, b, expected) in
            [("", "", 0), ("plug", "plug", 0), ("plug", "plgu", 2), ("plug", "lug", 1), ("a", "xyz", 3)]
        {
            assert_eq!((letters_apart(a, b), letters_apart(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
