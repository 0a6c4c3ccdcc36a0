//! Secrets: making them, keeping only their hashes, checking them.
//!
//! A secret that Hearth made carries 142 bits, so a fast salted hash is enough and a whole house that
//! reconnects after a power cut is served at once. A password that a person chose is kept with argon2id,
//! which is slow on purpose and therefore checked off the async workers.

use argon2::{Argon2, Block, Params};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// Characters of a secret that Hearth makes: 62^24 is more than 2^142.
const SECRET_CHARACTERS: usize = 24;
/// Shortest password a person may choose.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;
/// Longest password; boards keep it in a few dozen bytes of flash.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// argon2id with 19 MiB and two passes: the first of OWASP's recommended settings.
const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
const ARGON2_PASSES: u32 = 2;
const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What is kept of a secret.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretHash {
    /// SHA-256 over salt and secret, for secrets that Hearth made.
    Generated {
        /// 16 random bytes.
        salt: Vec<u8>,
        /// The hash.
        hash: Vec<u8>,
    },
    /// argon2id, for passwords that a person chose.
    Chosen {
        /// 16 random bytes.
        salt: Vec<u8>,
        /// The hash.
        hash: Vec<u8>,
    },
}

// Hashes do not belong into logs either.
impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Generated { .. } => "SecretHash::Generated",
            Self::Chosen { .. } => "SecretHash::Chosen",
        })
    }
}

/// Why a secret could not be made or kept.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The system gave no random bytes.
    #[error("The system gave no random numbers ({0}). Without them no secret is safe; try again later.")]
    Random(getrandom::Error),
    /// The password is too short or too long.
    #[error(
        "A password has {PASSWORD_CHARACTERS_MIN} characters or more, and at most {PASSWORD_BYTES_MAX} bytes."
    )]
    Length,
    /// argon2 failed, which it does only for want of memory.
    #[error("The password could not be hashed: {0}")]
    Hash(argon2::Error),
}

/// A new secret: letters and digits only, because Tasmota's `Backlog` and web forms break on others.
pub fn make_secret() -> Result<String, SecretError> {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    /// Bytes from here on are thrown away, so that each character is equally likely.
    const FAIR: u8 = 248;
    let mut secret = String::with_capacity(SECRET_CHARACTERS);
    while secret.len() < SECRET_CHARACTERS {
        let bytes: [u8; 32] = random()?;
        let fair = bytes.into_iter().filter(|byte| *byte < FAIR);
        let wanted = SECRET_CHARACTERS - secret.len();
        secret.extend(fair.take(wanted).map(|byte| char::from(ALPHABET[usize::from(byte % 62)])));
    }
    Ok(secret)
}

/// Random bytes from the system.
pub fn random<const N: usize>() -> Result<[u8; N], SecretError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(SecretError::Random)?;
    Ok(bytes)
}

impl SecretHash {
    /// Keeps a secret that [`make_secret`] made.
    pub fn generated(secret: &str) -> Result<Self, SecretError> {
        let salt = random::<SALT_BYTES>()?;
        Ok(Self::Generated { salt: salt.to_vec(), hash: fast_hash(&salt, secret.as_bytes()).to_vec() })
    }

    /// Keeps a password that a person chose. Takes tens of milliseconds.
    pub fn chosen(password: &str, scratch: &mut Scratch) -> Result<Self, SecretError> {
        if password.chars().count() < PASSWORD_CHARACTERS_MIN || password.len() > PASSWORD_BYTES_MAX {
            return Err(SecretError::Length);
        }
        let salt = random::<SALT_BYTES>()?;
        let hash = slow_hash(&salt, password.as_bytes(), scratch).map_err(SecretError::Hash)?;
        Ok(Self::Chosen { salt: salt.to_vec(), hash: hash.to_vec() })
    }

    /// What is kept: it is another one for every secret and salt.
    pub fn hash(&self) -> &[u8] {
        match self {
            Self::Generated { hash, .. } | Self::Chosen { hash, .. } => hash,
        }
    }

    /// Whether checking takes so long that it belongs off the async workers.
    pub fn is_slow(&self) -> bool {
        matches!(self, Self::Chosen { .. })
    }

    /// Whether this is the secret, if Hearth made it: that is found out at once.
    pub fn is_made(&self, secret: &str) -> bool {
        !self.is_slow() && self.verify(secret.as_bytes(), &mut Scratch::default())
    }

    /// Whether this is the secret; takes equally long for every wrong one.
    pub fn verify(&self, secret: &[u8], scratch: &mut Scratch) -> bool {
        let (found, expected) = match self {
            Self::Generated { salt, hash } => (fast_hash(salt, secret), hash),
            Self::Chosen { salt, hash } if secret.len() <= PASSWORD_BYTES_MAX => {
                let Ok(found) = slow_hash(salt, secret, scratch) else { return false };
                (found, hash)
            }
            Self::Chosen { .. } => return false,
        };
        found.ct_eq(expected).into()
    }
}

fn fast_hash(salt: &[u8], secret: &[u8]) -> [u8; HASH_BYTES] {
    Sha256::new().chain_update(salt).chain_update(secret).finalize().into()
}

fn slow_hash(salt: &[u8], secret: &[u8], scratch: &mut Scratch) -> Result<[u8; HASH_BYTES], argon2::Error> {
    let params = Params::new(ARGON2_MEMORY_KIB, ARGON2_PASSES, 1, Some(HASH_BYTES))?;
    scratch.0.resize(params.block_count(), Block::default());
    let mut hash = [0; HASH_BYTES];
    Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params).hash_password_into_with_memory(
        secret,
        salt,
        &mut hash,
        &mut scratch.0,
    )?;
    Ok(hash)
}

/// The 19 MiB that argon2id works in, kept from one password to the next: allocated anew for each they stay
/// with the allocator and add up.
#[derive(Default)]
pub struct Scratch(Vec<Block>);

/// Whether a text could be a secret that Hearth made: then it is shown to nobody.
pub fn looks_made(text: &str) -> bool {
    let text = text.trim();
    text.len() == SECRET_CHARACTERS && text.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// A text with each of its words that is a secret told by its length alone. `is_made` is asked about words that look
/// like one Hearth made, wherever they stand; `is_chosen` about the whole text, its topic levels, and what stands
/// between spaces and backticks in them.
pub fn masked(
    text: &str,
    mut is_made: impl FnMut(&str) -> bool,
    mut is_chosen: impl FnMut(&str) -> bool,
) -> String {
    if is_chosen(text) {
        return broker::by_length(text);
    }
    let between = |c: char| c.is_whitespace() || c == '`';
    let mut told = String::with_capacity(text.len());
    for level in text.split_inclusive('/') {
        let (level, slash) = level.strip_suffix('/').map_or((level, ""), |level| (level, "/"));
        if level.len() < text.len() && is_chosen(level) {
            told.push_str(&broker::by_length(level));
        } else {
            for word in level.split_inclusive(between) {
                let bare = word.trim_end_matches(between);
                if bare.len() < level.len() && is_chosen(bare) {
                    told.push_str(&broker::by_length(bare));
                } else {
                    mask_made(bare, &mut is_made, &mut told);
                }
                told.push_str(&word[bare.len()..]);
            }
        }
        told.push_str(slash);
    }
    told
}

/// Adds a word, and by their lengths the parts of it that are secrets which Hearth made.
fn mask_made(word: &str, is_made: &mut impl FnMut(&str) -> bool, told: &mut String) {
    for part in word.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let bare = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if looks_made(bare) && is_made(bare) {
            told.push_str(&broker::by_length(bare));
        } else {
            told.push_str(bare);
        }
        told.push_str(&part[bare.len()..]);
    }
}

/// Whether a part of a text that was [`masked`] is told by its length: it is no topic any more.
pub fn is_masked(text: &str) -> bool {
    text.contains("…(")
}

/// What is kept of an owner token. Tokens are made by [`make_secret`]; without a salt one can be found by its
/// hash.
pub fn token_hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_secrets_are_long_plain_and_different() {
        let (a, b) = (make_secret().unwrap(), make_secret().unwrap());
        assert!(a.len() == SECRET_CHARACTERS && a.bytes().all(|c| c.is_ascii_alphanumeric()), "{a}");
        assert_ne!(a, b);
        assert!(looks_made(&a) && looks_made(&format!("{b}\n")), "pasted with its line feed, too");
        assert!(!looks_made(&a[1..]) && !looks_made("living-room-lamp-number-1"));
    }

    #[test]
    fn only_the_secret_itself_verifies() {
        let mut scratch = Scratch::default();
        let chosen = SecretHash::chosen("right secret", &mut scratch).unwrap();
        for hash in [SecretHash::generated("right secret").unwrap(), chosen] {
            assert!(hash.verify(b"right secret", &mut scratch));
            for wrong in [&b""[..], b"right secre", b"right secret ", b"Right secret", &[b'x'; 100_000]] {
                assert!(!hash.verify(wrong, &mut scratch), "{hash:?}");
            }
        }
    }

    #[test]
    fn a_short_password_is_refused() {
        assert!(matches!(SecretHash::chosen("short", &mut Scratch::default()), Err(SecretError::Length)));
    }

    #[test]
    fn each_word_that_is_a_secret_is_told_by_its_length_and_the_rest_as_it_is() {
        let made = "ABCDEFGHIJKLMNOPQRSTUVWX";
        let check = |text: &str, expected: &str| {
            let chosen = |word: &str| word == "correct horse" || word == "hunter-2";
            assert_eq!(masked(text, |word| word == made, chosen), expected, "{text}");
        };
        check("", "");
        check("tele//plug/", "tele//plug/");
        check("/correct horse/ü", "/…(13 characters)/ü");
        check("correct horse", "…(13 characters)");
        check(
            "may not publish to `a/hunter-2` or hunter-2",
            "may not publish to `a/…(8 characters)` or …(8 characters)",
        );
        check(made, "…(24 characters)");
        check(&format!("a/plug_{made}é/{made}"), "a/plug_…(24 characters)é/…(24 characters)");
        check(&format!("a{made}"), &format!("a{made}"));
        check("  `` ", "  `` ");
        assert!(is_masked(&masked(made, |_| true, |_| false)) && !is_masked(made));
    }

    #[test]
    fn a_hash_does_not_show_itself() {
        let hash = SecretHash::generated("secret").unwrap();
        assert_eq!(format!("{hash:?}"), "SecretHash::Generated");
    }
}
