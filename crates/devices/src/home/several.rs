//! What a person changes of several devices at once: of all that are named, or of none.

use std::collections::{BTreeMap, BTreeSet};

use super::Home;
use super::edit::checked_name;
use crate::effect::Effect;
use crate::error::RegistryError;

impl Home {
    /// Moves devices to an area, or out of all. An id that is named twice counts once.
    pub fn move_devices(&mut self, ids: &[String], area: Option<&str>) -> Result<Vec<Effect>, RegistryError> {
        self.each(ids.iter().map(String::as_str), |home, id| home.move_device(id, area))
    }

    /// Gives devices other names, each by its id; of an id that is named twice the last one.
    pub fn rename_devices(&mut self, names: &[(String, String)]) -> Result<Vec<Effect>, RegistryError> {
        names.iter().try_for_each(|(_, name)| checked_name(name).map(|_| ()))?;
        let by_id: BTreeMap<&str, &str> =
            names.iter().map(|(id, name)| (id.as_str(), name.as_str())).collect();
        self.each(by_id.keys().copied(), |home, id| home.rename_device(id, by_id.get(id).copied()))
    }

    /// Removes devices and their entities.
    pub fn remove_devices(&mut self, ids: &[String]) -> Result<Vec<Effect>, RegistryError> {
        self.each(ids.iter().map(String::as_str), Self::remove_device)
    }

    /// Does it to each device once all of them are known to be there.
    fn each<'a>(
        &mut self,
        ids: impl Iterator<Item = &'a str>,
        mut change: impl FnMut(&mut Self, &str) -> Result<Vec<Effect>, RegistryError>,
    ) -> Result<Vec<Effect>, RegistryError> {
        let ids: BTreeSet<&str> = ids.collect();
        if let Some(unknown) = ids.iter().find(|id| !self.devices.contains_key(**id)) {
            return Err(RegistryError::UnknownDevice((*unknown).to_owned()));
        }
        let mut effects = Vec::new();
        for id in ids {
            effects.extend(change(self, id)?);
        }
        Ok(effects)
    }
}
