//! For the tests of this module: an empty database, and somebody at the door.

use std::sync::Arc;

use broker::{Access as _, Granted, Login, Refusal, Transport};
use store::HubDb;

use super::{Credentials, Door};

pub(super) fn open() -> (tempfile::TempDir, Arc<HubDb>) {
    let dir = tempfile::tempdir().unwrap();
    let db = HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap();
    (dir, Arc::new(db))
}

pub(super) async fn login(
    credentials: &Arc<Credentials>,
    user: Option<&str>,
    password: Option<&str>,
) -> Result<Granted, Refusal> {
    login_with(credentials, user, password, None).await
}

pub(super) async fn login_with(
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
        transport: Transport::Tcp,
        certificate_name: certificate.map(str::to_owned),
        will_topic: None,
    };
    Door(credentials.clone()).login(attempt).await
}
