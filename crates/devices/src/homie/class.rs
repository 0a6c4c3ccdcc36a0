//! Homie has no device classes: they are told from the unit and from what things are called.

/// The device class of a number, and its state class.
pub(super) fn of_number(unit: Option<&str>, called: &str) -> (Option<&'static str>, Option<&'static str>) {
    let says = |words: &[&str]| words.iter().any(|word| called.contains(word));
    let class = match unit.unwrap_or_default() {
        "°C" | "°F" | "K" => Some("temperature"),
        "%" if says(&["humid", "feucht"]) => Some("humidity"),
        "%" if says(&["batter"]) => Some("battery"),
        "%" if says(&["moist", "soil"]) => Some("moisture"),
        "V" | "mV" => Some("voltage"),
        "A" | "mA" => Some("current"),
        "W" | "kW" => Some("power"),
        "kWh" | "Wh" => Some("energy"),
        "Hz" => Some("frequency"),
        "lx" | "lux" => Some("illuminance"),
        "Pa" | "hPa" | "kPa" | "mbar" | "bar" | "psi" => Some("pressure"),
        "ppm" if says(&["co2", "carbon"]) => Some("carbon_dioxide"),
        "dBm" => Some("signal_strength"),
        "m/s" | "km/h" | "kn" => Some("speed"),
        _ => None,
    };
    let state_class = match (class, unit) {
        (Some("energy"), _) => Some("total_increasing"),
        (_, Some(_)) => Some("measurement"),
        (_, None) => None,
    };
    (class, state_class)
}

/// The device class of something that is one way or the other.
pub(super) fn of_boolean(called: &str) -> Option<&'static str> {
    const CLASSES: [(&str, &str); 14] = [
        ("motion", "motion"),
        ("occupan", "occupancy"),
        ("presence", "presence"),
        ("smoke", "smoke"),
        ("leak", "moisture"),
        ("water", "moisture"),
        ("window", "window"),
        ("garage", "garage_door"),
        ("door", "door"),
        ("contact", "opening"),
        ("vibration", "vibration"),
        ("tamper", "tamper"),
        ("batter", "battery"),
        ("problem", "problem"),
    ];
    CLASSES.iter().find(|(word, _)| called.contains(word)).map(|(_, class)| *class)
}
