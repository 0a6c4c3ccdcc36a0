//! Several devices at once: all that are named, or none.

use std::sync::Arc;

use super::Result;
use super::home::wish;
use crate::Hub;
use crate::api::types::*;
use crate::api::{ApiError, Caller};

pub(in crate::api) async fn move_devices(hub: &Arc<Hub>, _: &Caller, wanted: MoveDevices) -> Result<Empty> {
    some(wanted.ids.len())?;
    let effects = hub.home.write().move_devices(&wanted.ids, wanted.area.as_deref());
    wish(hub, effects).await
}

pub(in crate::api) async fn rename_devices(
    hub: &Arc<Hub>,
    _: &Caller,
    wanted: RenameDevices,
) -> Result<Empty> {
    some(wanted.names.len())?;
    let names: Vec<_> = wanted.names.into_iter().map(|Rename { id, name }| (id, name)).collect();
    let effects = hub.home.write().rename_devices(&names);
    wish(hub, effects).await
}

pub(in crate::api) async fn remove_devices(
    hub: &Arc<Hub>,
    caller: &Caller,
    by: RemoveDevices,
) -> Result<RemovedDevices> {
    some(by.ids.len())?;
    let names: Vec<String> = {
        let home = hub.home.read();
        home.devices().filter(|device| by.ids.contains(&device.id)).map(|d| d.name.clone()).collect()
    };
    let removed = hub.remove_devices(caller.who(), &by.ids, by.keep_credentials).await?;
    let text = match names.as_slice() {
        [name] => format!("{} removed the device {name}.", caller.who()),
        names => format!("{} removed {} devices: {}.", caller.who(), names.len(), listed(names)),
    };
    hub.activity.add(Level::Info, "device", None, text + removed.words().as_str());
    Ok(removed)
}

impl RemovedDevices {
    /// What became of the credentials, to stand behind what was removed.
    pub(super) fn words(&self) -> String {
        let revoked = self.revoked.iter().map(|user| format!(" The access `{user}` is revoked."));
        revoked.chain(self.keeps.iter().map(|why| format!(" {why}"))).collect()
    }
}

/// The first of them by name; a line of the activity is no list.
fn listed(names: &[String]) -> String {
    const NAMED: usize = 5;
    let first = names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", ");
    if names.len() > NAMED { format!("{first} and {} more", names.len() - NAMED) } else { first }
}

fn some(count: usize) -> Result<()> {
    if count > 0 {
        Ok(())
    } else {
        Err(ApiError::invalid("No device is named. Name at least one by its id."))
    }
}
