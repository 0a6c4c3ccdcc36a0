//! Credentials, boards and who is connected.

use std::sync::Arc;

use super::Result;
use crate::api::types::*;
use crate::api::{ApiError, Caller};
use crate::{Hub, demo, views};

pub(in crate::api) async fn list_credentials(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Credentials> {
    let clients = hub.gate.clients();
    let connected = |name: &str| clients.iter().any(|client| &*client.user == name && client.peer.is_some());
    let credentials = hub.credentials.list();
    Ok(Credentials {
        credentials: credentials.iter().map(|c| views::credential(c, connected(&c.name))).collect(),
    })
}

pub(in crate::api) async fn add_credential(
    hub: &Arc<Hub>,
    caller: &Caller,
    add: AddCredential,
) -> Result<NewCredential> {
    if add.name.starts_with(demo::USER_PREFIX) {
        return Err(ApiError::invalid(
            "Names that start with `demo-` belong to the demo home. Choose another.",
        ));
    }
    let secret = hub.make_credential(&add.name, add.permissions.clone(), add.secret).await?;
    let text = format!("{} made the credential `{}`.", caller.who(), add.name);
    hub.activity.add(Level::Info, "credential", Some(&add.name), text);
    Ok(NewCredential { user: add.name, secret, permissions: add.permissions })
}

pub(in crate::api) async fn renew_secret(
    hub: &Arc<Hub>,
    caller: &Caller,
    renew: RenewSecret,
) -> Result<NewCredential> {
    hub.renew_secret(caller.who(), &renew.name, renew.secret).await
}

pub(in crate::api) async fn revoke_credential(
    hub: &Arc<Hub>,
    caller: &Caller,
    named: Named,
) -> Result<Empty> {
    let closed = hub.drop_credential(&named.name, "its credential was revoked").await?;
    let closed = closed.ok_or_else(|| ApiError::not_found("credential", &named.name))?;
    let text = format!(
        "{} revoked the credential `{}`; {closed} connections were closed.",
        caller.who(),
        named.name
    );
    hub.activity.add(Level::Info, "credential", Some(&named.name), text);
    Ok(Empty {})
}

pub(in crate::api) async fn add_board(hub: &Arc<Hub>, _: &Caller, board: AddBoard) -> Result<BoardAccess> {
    hub.add_board(board).await
}
