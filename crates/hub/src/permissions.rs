//! Changing what a credential may do, and letting it learn: at once, for connections that are open too.

use std::sync::Arc;

use broker::Granted;
use model::Permissions;

use crate::api::ApiError;
use crate::api::types::{Level, NewCredential};
use crate::learning::LEARNING_MS;
use crate::{Hub, clock, demo};

impl Hub {
    /// Gives a credential other permissions; durable, and in force, when this returns.
    pub(crate) async fn set_permissions(
        &self,
        who: &str,
        name: &str,
        permissions: Permissions,
    ) -> Result<(), ApiError> {
        refuse_demo(name)?;
        self.credentials.set_permissions(name, permissions).await?;
        self.apply_permissions(name);
        let text = format!("{who} changed what `{name}` may do; it holds for its open connections, too.");
        self.activity.add(Level::Info, "credential", Some(name), text);
        Ok(())
    }

    /// Gives a credential a new secret; the old one stops at once. Its rules and sessions stay.
    pub(crate) async fn renew_secret(
        &self,
        who: &str,
        name: &str,
        secret: Option<String>,
    ) -> Result<NewCredential, ApiError> {
        refuse_demo(name)?;
        let secret = self.credentials.renew(name, secret).await?;
        let closed = self.gate.close_connections(name, "its credential has a new password");
        let text = format!(
            "{who} made a new password for `{name}`; the old one is not taken any more, and {closed} connections were \
             closed."
        );
        self.activity.add(Level::Info, "credential", Some(name), text);
        let permissions = self.credential(name)?.permissions;
        Ok(NewCredential { user: name.to_owned(), secret, permissions })
    }

    /// Begins the learning of a credential, or prolongs it.
    pub(crate) async fn begin_learning(&self, who: &str, name: &str) -> Result<(), ApiError> {
        refuse_demo(name)?;
        self.credential(name)?;
        self.learning.begin(name, clock::now_ms()).await?;
        self.credentials.set_learning(name, true);
        self.apply_permissions(name);
        let text = format!(
            "{who} let `{name}` learn: until learning is ended, for {} hours at most, it may do nearly everything.",
            LEARNING_MS / 3_600_000
        );
        self.activity.add(Level::Warning, "credential", Some(name), text);
        Ok(())
    }

    /// Ends it. `why` is told.
    pub(crate) async fn end_learning(&self, name: &str, why: &str) -> Result<(), ApiError> {
        self.credential(name)?;
        // First nothing more is allowed, then it is written down.
        self.credentials.set_learning(name, false);
        self.apply_permissions(name);
        if self.learning.end(name, clock::now_ms()).await? {
            let text =
                format!("{why} Only its rules count for `{name}` now; the Broker page has what it learned.");
            self.activity.add(Level::Info, "credential", Some(name), text);
        }
        Ok(())
    }

    /// Ends what has learned long enough. Called once a second.
    pub(crate) async fn end_due_learning(self: &Arc<Self>, now_ms: i64) {
        for name in self.learning.over(now_ms) {
            let why = format!("The learning of `{name}` is over after its time.");
            if let Err(error) = self.end_learning(&name, &why).await {
                tracing::error!(name, "learning could not be ended: {}", error.message);
            }
        }
    }

    pub(crate) fn credential(&self, name: &str) -> Result<crate::access::Credential, ApiError> {
        self.credentials.get(name).ok_or_else(|| ApiError::not_found("credential", name))
    }

    /// Tells gate and home what a credential may do now.
    fn apply_permissions(&self, name: &str) {
        // Read under the home's lock, so that of two changes the newer one stays.
        let mut home = self.home.write();
        let Some(credential) = self.credentials.get(name) else { return };
        home.set_permissions(name, Some(credential.effective()));
        self.gate.permissions_changed(&Granted {
            user: credential.name,
            permissions: credential.permissions,
            learning: credential.learning,
        });
    }
}

fn refuse_demo(name: &str) -> Result<(), ApiError> {
    if name.starts_with(demo::USER_PREFIX) {
        return Err(ApiError::invalid(
            "The credentials of the demo home are made anew at each start. Choose another.",
        ));
    }
    Ok(())
}
