//! Registered devices.

use model::Device;
use serde_json::Value;

use super::json;
use crate::Conn;
use crate::error::Result;

/// A device and what `devices` wants kept with it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceRow {
    /// The device.
    pub device: Device,
    /// Its announced description, availability and so on; the store does not look inside. `Null` for nothing.
    pub extra: Value,
}

/// All devices, by id.
pub fn all(conn: &Conn) -> Result<Vec<DeviceRow>> {
    let mut statement = conn.prepare_cached("SELECT json, extra FROM device ORDER BY id")?;
    let mut rows = statement.query([])?;
    let mut devices = Vec::new();
    while let Some(row) = rows.next()? {
        devices.push(DeviceRow {
            device: json::read("device", row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?,
            extra: json::read("device", row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?,
        });
    }
    Ok(devices)
}

/// Adds or replaces a device with all that is kept with it.
pub fn put(conn: &Conn, row: &DeviceRow) -> Result<()> {
    conn.prepare_cached("INSERT OR REPLACE INTO device (id, json, extra) VALUES (?1, ?2, ?3)")?.execute((
        &row.device.id,
        json::write("device", &row.device)?,
        json::write("device", &row.extra)?,
    ))?;
    Ok(())
}

/// Adds or replaces a device and leaves what is kept with it as it is.
pub fn put_device(conn: &Conn, device: &Device) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO device (id, json, extra) VALUES (?1, ?2, 'null')
         ON CONFLICT (id) DO UPDATE SET json = excluded.json",
    )?
    .execute((&device.id, json::write("device", device)?))?;
    Ok(())
}

/// Removes a device with its entities and their states; says whether it was there.
pub fn remove(conn: &Conn, id: &str) -> Result<bool> {
    conn.prepare_cached("DELETE FROM entity WHERE device = ?1")?.execute([id])?;
    Ok(conn.prepare_cached("DELETE FROM device WHERE id = ?1")?.execute([id])? > 0)
}
