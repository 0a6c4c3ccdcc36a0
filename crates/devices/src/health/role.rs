//! What an entity tells of its board, whatever the firmware calls it.

use model::{Component, EntityDescription};

/// What an entity tells of the board itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// Strength of the Wi-Fi signal, dBm.
    Signal,
    /// Strength of the Wi-Fi signal, percent as Tasmota counts it: 0 is −100 dBm, 100 is −50 dBm.
    SignalPercent,
    /// Time since the last restart.
    Uptime,
    /// Moment of the last restart.
    Started,
    /// Free memory.
    Heap,
    /// Charge of the battery, percent.
    Battery,
    /// Why it restarted, in words.
    RestartReason,
    /// IP address.
    Ip,
    /// MAC address.
    Mac,
    /// Version of the firmware.
    Firmware,
}

/// The role of an entity, if it has one. Only sensors have; their class, unit and words decide.
pub fn role(said: &EntityDescription) -> Option<Role> {
    if !matches!(said.component, Component::Sensor) {
        return None;
    }
    let (class, unit) = (said.device_class.as_deref(), said.unit.as_deref());
    let words = Words::of(said);
    let restart = || words.any(&["restart", "reset", "reboot", "boot"]);
    if unit == Some("dBm") && (class == Some("signal_strength") || words.any(&["rssi", "wifi", "signal"])) {
        return Some(Role::Signal);
    }
    if unit == Some("%")
        && (words.any(&["rssi"]) || (words.any(&["wifi"]) && words.any(&["signal", "quality"])))
    {
        return Some(Role::SignalPercent);
    }
    if class == Some("battery") && unit == Some("%") {
        return Some(Role::Battery);
    }
    if class == Some("timestamp") && (restart() || words.any(&["uptime", "started"])) {
        return Some(Role::Started);
    }
    if words.any(&["uptime"]) && unit.is_some_and(|unit| seconds(unit).is_some()) {
        return Some(Role::Uptime);
    }
    let free = words.any(&["free"]) && words.any(&["memory", "mem", "ram"]);
    if (free || words.any(&["heap", "freemem", "freeheap"])) && unit.is_none_or(|unit| bytes(unit).is_some())
    {
        return Some(Role::Heap);
    }
    if restart() && words.any(&["reason", "cause"]) {
        return Some(Role::RestartReason);
    }
    // Texts of a board's own status; a sensor called after a place may have any of these words in it.
    let is_status = said.category.as_deref() == Some("diagnostic") && unit.is_none() && class.is_none();
    match () {
        () if is_status && words.any(&["ip", "ipaddress"]) => Some(Role::Ip),
        () if is_status && words.any(&["mac", "macaddress"]) => Some(Role::Mac),
        () if is_status && words.any(&["firmware", "version"]) => Some(Role::Firmware),
        () => None,
    }
}

/// Seconds in one of a unit of time.
pub(super) fn seconds(unit: &str) -> Option<f64> {
    Some(match unit {
        "ms" => 0.001,
        "s" => 1.0,
        "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => return None,
    })
}

/// Bytes in one of a unit of memory.
pub(super) fn bytes(unit: &str) -> Option<f64> {
    Some(match unit {
        "B" | "bytes" => 1.0,
        "kB" | "KB" => 1_000.0,
        "KiB" => 1_024.0,
        "MB" => 1_000_000.0,
        "MiB" => 1_048_576.0,
        _ => return None,
    })
}

/// The words of an entity's name and unique id, in lower case. `Wi-Fi` is one of them.
struct Words(Vec<String>);

impl Words {
    fn of(said: &EntityDescription) -> Self {
        let texts = [said.name.as_deref().unwrap_or_default(), said.unique_id.as_str()];
        let texts = texts.map(|text| text.to_lowercase().replace("wi-fi", "wifi"));
        let words = texts.iter().flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
        Self(words.filter(|word| !word.is_empty()).map(ToOwned::to_owned).collect())
    }

    fn any(&self, wanted: &[&str]) -> bool {
        self.0.iter().any(|word| wanted.contains(&word.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_is_known_by_class_unit_and_words() {
        fn check(name: &str, unique_id: &str, unit: &str, class: &str, expected: Option<Role>) {
            let mut said = EntityDescription::new(unique_id, Component::Sensor);
            let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
            (said.name, said.unit, said.device_class) = (some(name), some(unit), some(class));
            said.category = Some("diagnostic".to_owned());
            assert_eq!(role(&said), expected, "{name} {unique_id} {unit} {class}");
        }
        // Tasmota
        check("Signal", "AA_status_sensor_status_signal", "dBm", "signal_strength", Some(Role::Signal));
        check("RSSI", "AA_status_sensor_status_rssi", "%", "", Some(Role::SignalPercent));
        check("Last Restart Time", "AA_last_restart_time", "", "timestamp", Some(Role::Started));
        check("Restart Reason", "AA_status_restart_reason", "", "", Some(Role::RestartReason));
        check("Battery Level", "AA_battery_percentage", "%", "battery", Some(Role::Battery));
        check("Firmware Version", "AA_status_version", "", "", Some(Role::Firmware));
        check("IP", "AA_status_ip", "", "", Some(Role::Ip));
        // ESPHome
        check("WiFi Signal", "ESPsensorwifi_signal", "dBm", "signal_strength", Some(Role::Signal));
        check("Uptime", "ESPsensoruptime", "s", "duration", Some(Role::Uptime));
        check("Heap Free", "ESPsensorheap_free", "B", "", Some(Role::Heap));
        check("Reset Reason", "ESPtext_sensorreset_reason", "", "", Some(Role::RestartReason));
        // Homie, ESPurna, Shelly
        check("Wi-Fi signal", "$stats/signal", "%", "", Some(Role::SignalPercent));
        check("Wi-Fi signal", "rssi", "dBm", "signal_strength", Some(Role::Signal));
        check("Uptime", "$stats/uptime", "s", "duration", Some(Role::Uptime));
        check("Free memory", "$stats/freeheap", "B", "data_size", Some(Role::Heap));
        check("Free memory", "sys/ram_free", "B", "data_size", Some(Role::Heap));
        check("Restart reason", "sys/reset_reason", "", "", Some(Role::RestartReason));
        check("IP address", "wifi/sta_ip", "", "", Some(Role::Ip));
        // OpenMQTTGateway, Shelly, own sketches
        check("SYS: Free memory", "AA-freemem", "B", "data_size", Some(Role::Heap));
        check("SYS: Uptime", "AA-uptime", "s", "", Some(Role::Uptime));
        check("Last restart", "shelly-uptime", "", "timestamp", Some(Role::Started));
        check("Days up", "uptime", "d", "duration", Some(Role::Uptime));
        // What only sounds like it
        check("Temperature", "t", "°C", "temperature", None);
        check("Humidity", "rh", "%", "humidity", None);
        check("Signal tower", "tower", "m", "", None);
        check("Description", "strip", "", "", None);
        check("Heap of leaves", "compost_heap", "°C", "temperature", None);
    }
}
