//! A credential as `hub.db` keeps it.

use store::credential::{Credential as Row, CredentialKind};

use super::Credential;
use crate::credential::SecretHash;
use crate::hex;

/// As it is written.
pub(super) fn to_row(credential: &Credential) -> Row {
    let (kind, salt, hash) = match &credential.secret {
        SecretHash::Generated { salt, hash } => (CredentialKind::Generated, salt, hash),
        SecretHash::Chosen { salt, hash } => (CredentialKind::Password, salt, hash),
    };
    Row {
        name: credential.name.to_string(),
        kind,
        salt: hex::encode(salt),
        hash: hex::encode(hash),
        permissions: credential.permissions.clone(),
        device: None,
        created_ms: credential.created_ms,
        last_login_ms: credential.last_login_ms,
    }
}

/// A row whose salt or hash cannot be read lets nobody in.
pub(super) fn from_row(row: Row) -> Option<Credential> {
    let (salt, hash) = (hex::decode(&row.salt)?, hex::decode(&row.hash)?);
    let secret = match row.kind {
        CredentialKind::Generated => SecretHash::Generated { salt, hash },
        CredentialKind::Password => SecretHash::Chosen { salt, hash },
    };
    Some(Credential {
        name: row.name.into(),
        secret,
        permissions: row.permissions,
        learning: false,
        created_ms: row.created_ms,
        last_login_ms: row.last_login_ms,
        revoked: false,
    })
}
