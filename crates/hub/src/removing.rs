//! Devices are removed, and with the last one of a board the board's access, unless its owner keeps it. What was seen of
//! the board while it was paired goes, too, so that nothing offers it again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use devices::{Home, Profile};
use model::Device;

use crate::api::ApiError;
use crate::api::types::RemovedDevices;
use crate::proposals::former;
use crate::{Hub, clock};

/// What becomes of the credentials of devices that are removed.
#[derive(Debug, Default)]
pub(crate) struct Fate {
    pub(crate) revokes: Vec<String>,
    /// Why others are kept, a sentence each.
    pub(crate) keeps: Vec<String>,
}

impl Hub {
    /// What becomes of their credentials unless these are kept.
    pub(crate) fn fate_of_removed(&self, home: &Home, gone: &BTreeSet<&str>) -> Fate {
        let mut users: BTreeMap<&str, Vec<&Device>> = BTreeMap::new();
        for device in gone.iter().filter_map(|id| home.device(id)).filter(|device| !device.demo) {
            let user = device.credential.as_deref();
            if let Some(user) = user.filter(|user| self.credentials.get(user).is_some()) {
                users.entry(user).or_default().push(device);
            }
        }
        let mut fate = Fate::default();
        for (user, own) in users {
            let others = home.devices_of(user).filter(|device| !gone.contains(device.id.as_str()));
            let others: Vec<_> = others.collect();
            let is_bridge = |device: &&Device| home.profile(&device.profile).is_some_and(Profile::is_bridge);
            let why = match others.as_slice() {
                [] if own.iter().any(is_bridge) => "a bridge announces others with it".to_owned(),
                [] => {
                    fate.revokes.push(user.to_owned());
                    continue;
                }
                [other] => format!("{} uses it, too", other.name),
                many => format!("{} other devices use it, too", many.len()),
            };
            fate.keeps.push(format!("The access `{user}` is kept, because {why}."));
        }
        fate
    }

    /// Removes devices, their entities and readings, and the credentials nobody else uses, unless these are kept: all of
    /// them, or none if one is not there. Durable when this returns.
    pub(crate) async fn remove_devices(
        self: &Arc<Self>,
        who: &str,
        ids: &[String],
        keep_credentials: bool,
    ) -> Result<RemovedDevices, ApiError> {
        let named: BTreeSet<&str> = ids.iter().map(String::as_str).collect();
        let (gone, entities, fate, effects) = {
            let mut home = self.home.write();
            let gone: Vec<Device> = named.iter().filter_map(|id| home.device(id)).cloned().collect();
            let entities = named.iter().flat_map(|id| home.entities_of(id));
            let entities: Vec<String> = entities.map(|entity| entity.id.clone()).collect();
            let fate = self.fate_of_removed(&home, &named);
            let effects = home.remove_devices(ids).map_err(|why| ApiError::from_registry(&why))?;
            if !keep_credentials {
                // Locked out while the home is held: what is on its way announces nothing any more.
                for user in &fate.revokes {
                    self.credentials.lock_out(user);
                    home.set_permissions(user, None);
                }
            }
            (gone, entities, fate, effects)
        };
        self.wish(effects).await?;
        let (revoked, mut kept) =
            if keep_credentials { (Vec::new(), fate.revokes) } else { (fate.revokes, Vec::new()) };
        for user in &revoked {
            self.drop_credential(user, &format!("{who} removed its device")).await?;
        }
        // What boards say that stay connected is no sketch's.
        let (users, now_ms) = (kept.clone(), clock::now_ms());
        if !users.is_empty() {
            let written = self.db.write(move |conn| former::keep_removed(conn, &users, now_ms));
            written.await.map_err(ApiError::internal)?;
        }
        self.pairings.forget_devices(&gone);
        self.look_anew();
        // Their readings go together: each waits for a commit, and one commit is enough for all.
        let forgotten: Vec<_> = entities.iter().map(|entity| self.readings.remove_entity(entity)).collect();
        for written in forgotten {
            written.await.map_err(ApiError::internal)?;
        }
        self.forget_pictures(entities).await;
        let mut keeps = fate.keeps;
        keeps.extend(
            kept.drain(..).map(|user| format!("The access `{user}` is kept; its board can still log in.")),
        );
        Ok(RemovedDevices { revoked, keeps })
    }
}
