//! The credentials of boards that are being paired.

use std::net::IpAddr;

use bytes::Bytes;
use model::Permissions;
use serde_json::Value;

use super::{Credentials, check_name, check_permissions};
use crate::api::ApiError;
use crate::credential::SecretHash;

impl Credentials {
    /// Makes one for a pairing under way: it does not outlive this run unless [`Self::keep_board`] says so.
    pub(crate) async fn begin_board(
        &self,
        name: &str,
        permissions: Permissions,
        secret: SecretHash,
    ) -> Result<(), ApiError> {
        check_name(name)?;
        check_permissions(&permissions)?;
        self.insert(name, permissions, secret, store::board::begin).await
    }

    /// The board is in: its credential lasts, and what is known of it is kept beside.
    pub(crate) async fn keep_board(&self, name: &str, board: Value) -> Result<(), ApiError> {
        let row = name.to_owned();
        let kept = self.db.write(move |conn| store::board::keep(conn, &row, &board)).await;
        if kept.map_err(ApiError::internal)? { Ok(()) } else { Err(ApiError::not_found("credential", name)) }
    }

    /// What would be kept of a password that somebody at this address was seen to use: `None` when too many wait for
    /// such work, and `Err` when it cannot be one.
    pub(crate) async fn hash_of(&self, password: Bytes, peer: IpAddr) -> Option<Result<SecretHash, ()>> {
        let place = self.guesses.take(peer)?;
        let scratch = self.scratch.clone();
        let hashing = tokio::task::spawn_blocking(move || {
            let password = std::str::from_utf8(&password).map_err(drop)?;
            let hash = SecretHash::chosen(password, &mut scratch.lock()).map_err(drop);
            drop(place);
            hash
        });
        hashing.await.ok()
    }
}
