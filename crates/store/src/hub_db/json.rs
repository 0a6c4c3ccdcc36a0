//! Records kept as JSON: fields may be added without a new format.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Result, StoreError};

pub(crate) fn write<T: Serialize + ?Sized>(table: &'static str, record: &T) -> Result<String> {
    serde_json::to_string(record).map_err(|why| StoreError::record(table, why))
}

pub(crate) fn read<T: DeserializeOwned>(table: &'static str, text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|why| StoreError::record(table, why))
}
