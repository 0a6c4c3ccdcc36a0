//! What a number measures: by the words of its name, if what it was seen to be is possible for that.

/// What is known of a number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Figures {
    pub(super) least: f64,
    pub(super) most: f64,
    /// Digits behind the point.
    pub(super) decimals: u8,
    /// It never fell, or only to begin anew.
    pub(super) rises: bool,
    /// How much it grows in a second, when it grows as evenly as a clock.
    pub(super) pace: Option<f64>,
}

/// What a number measures.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Measured {
    pub(super) unit: Option<&'static str>,
    pub(super) device_class: Option<&'static str>,
    pub(super) state_class: Option<&'static str>,
    pub(super) category: Option<&'static str>,
    /// The name and what was seen agree.
    pub(super) fits: bool,
    /// The unit stands in the name; these words are then no part of it.
    pub(super) unit_words: usize,
    /// Why, in words; a sentence.
    pub(super) why: String,
}

/// A row of the table.
struct Measure {
    /// Whole words of a name, in the languages sketches are written in.
    words: &'static [&'static str],
    /// Parts of longer words, such as `Außentemperatur`.
    parts: &'static [&'static str],
    class: Option<&'static str>,
    /// Units and where values lie in them, the likeliest first.
    fits: &'static [(&'static str, f64, f64)],
    counts: bool,
    diagnostic: bool,
}

const fn measure(
    words: &'static [&'static str],
    parts: &'static [&'static str],
    class: Option<&'static str>,
    fits: &'static [(&'static str, f64, f64)],
) -> Measure {
    Measure { words, parts, class, fits, counts: false, diagnostic: false }
}

/// The more special ones first: `vbat` is a voltage before it is a battery.
const MEASURES: &[Measure] = &[
    Measure {
        diagnostic: true,
        ..measure(
            &["rssi", "wifi", "signal", "dbm", "signalstrength"],
            &["wifisignal"],
            Some("signal_strength"),
            &[("dBm", -127.0, -1.0)],
        )
    },
    Measure {
        diagnostic: true,
        ..measure(
            &["heap", "freeheap", "freemem", "ram"],
            &["freeheap"],
            Some("data_size"),
            &[("B", 512.0, 9e6)],
        )
    },
    measure(&["co2", "eco2", "kohlendioxid"], &[], Some("carbon_dioxide"), &[("ppm", 300.0, 40_000.0)]),
    measure(&["tvoc", "voc"], &[], Some("volatile_organic_compounds_parts"), &[("ppb", 0.0, 60_000.0)]),
    measure(&["pm25"], &[], Some("pm25"), &[("μg/m³", 0.0, 1_000.0)]),
    measure(&["pm10"], &[], Some("pm10"), &[("μg/m³", 0.0, 1_000.0)]),
    measure(&["pm1"], &[], Some("pm1"), &[("μg/m³", 0.0, 1_000.0)]),
    measure(
        &["vbat", "vbatt", "ubat", "vcc", "vdd", "vin"],
        &[],
        Some("voltage"),
        &[("V", 0.5, 60.0), ("mV", 500.0, 60_000.0)],
    ),
    measure(&["ph"], &[], Some("ph"), &[("", 0.0, 14.0)]),
    measure(
        &["temp", "temperature", "tmp", "temperatur", "temperatura", "teplota", "celsius", "t"],
        &["temperat", "tempera"],
        Some("temperature"),
        &[("°C", -60.0, 130.0)],
    ),
    measure(
        &["moist", "moisture", "soil", "bodenfeuchte", "boden"],
        &["moisture", "bodenfeucht"],
        Some("moisture"),
        &[("%", 0.0, 100.0)],
    ),
    measure(
        &[
            "hum",
            "humi",
            "humid",
            "humidity",
            "rh",
            "feuchte",
            "humedad",
            "humidite",
            "umidita",
            "vocht",
            "wilgotnosc",
        ],
        &["feucht", "humid"],
        Some("humidity"),
        &[("%", 0.0, 100.0)],
    ),
    measure(
        &["press", "pressure", "baro", "druck", "presion", "pression", "pressione", "tlak"],
        &["luftdruck", "pressure", "baromet"],
        Some("pressure"),
        &[("hPa", 300.0, 1_100.0), ("Pa", 30_000.0, 110_000.0)],
    ),
    measure(
        &["volt", "volts", "voltage", "spannung", "tension", "voltaje", "napeti"],
        &["spannung", "voltage"],
        Some("voltage"),
        &[("V", 0.0, 500.0), ("mV", 500.0, 60_000.0)],
    ),
    measure(
        &["bat", "batt", "battery", "akku", "batterie", "bateria", "batteria", "soc"],
        &["battery", "batterie"],
        Some("battery"),
        &[("%", 0.0, 100.0)],
    ),
    measure(
        &["curr", "current", "amp", "amps", "ampere", "strom", "corriente", "courant"],
        &[],
        Some("current"),
        &[("A", -100.0, 100.0), ("mA", -100_000.0, 100_000.0)],
    ),
    Measure {
        counts: true,
        ..measure(
            &["energy", "energie", "kwh", "verbrauch", "consumption", "energia"],
            &["energie", "energy"],
            Some("energy"),
            &[("kWh", 0.0, 1e6)],
        )
    },
    measure(
        &["power", "watt", "watts", "leistung", "puissance", "potencia", "potenza"],
        &["leistung"],
        Some("power"),
        &[("W", -50_000.0, 50_000.0)],
    ),
    measure(
        &["lux", "lx", "illuminance", "lum", "luminosity", "helligkeit", "brightness", "light"],
        &["helligkeit"],
        Some("illuminance"),
        &[("lx", 0.0, 200_000.0)],
    ),
    measure(
        &["rain", "regen", "lluvia", "pluie"],
        &["niederschlag"],
        Some("precipitation"),
        &[("mm", 0.0, 2_000.0)],
    ),
    measure(&["freq", "frequency", "frequenz"], &[], Some("frequency"), &[("Hz", 0.0, 1e6)]),
    measure(&["uv", "uvi"], &[], None, &[("UV index", 0.0, 20.0)]),
    Measure {
        counts: true,
        diagnostic: true,
        ..measure(&["uptime", "laufzeit", "millis", "runtime"], &["uptime"], Some("duration"), &[])
    },
    Measure {
        counts: true,
        ..measure(
            &[
                "count", "counter", "pulses", "pulse", "ticks", "impulse", "impulses", "zaehler", "total",
                "boots",
            ],
            &["zaehler", "counter"],
            None,
            &[],
        )
    },
];

/// Units as they stand at the end of names: words, unit, class.
const UNITS: &[(&str, &str, Option<&str>)] = &[
    ("celsius", "°C", Some("temperature")),
    ("fahrenheit", "°F", Some("temperature")),
    ("degc", "°C", Some("temperature")),
    ("degf", "°F", Some("temperature")),
    ("hpa", "hPa", Some("pressure")),
    ("kpa", "kPa", Some("pressure")),
    ("mbar", "mbar", Some("pressure")),
    ("bar", "bar", Some("pressure")),
    ("mv", "mV", Some("voltage")),
    ("ma", "mA", Some("current")),
    ("kw", "kW", Some("power")),
    ("wh", "Wh", Some("energy")),
    ("kwh", "kWh", Some("energy")),
    ("ppm", "ppm", None),
    ("ppb", "ppb", None),
    ("lux", "lx", Some("illuminance")),
    ("lx", "lx", Some("illuminance")),
    ("percent", "%", None),
    ("pct", "%", None),
    ("prozent", "%", None),
    ("dbm", "dBm", Some("signal_strength")),
    ("cm", "cm", Some("distance")),
    ("mm", "mm", Some("distance")),
    ("km", "km", Some("distance")),
    ("kg", "kg", Some("weight")),
    ("lpm", "L/min", Some("volume_flow_rate")),
    ("kmh", "km/h", Some("speed")),
    ("rpm", "rpm", None),
    ("hz", "Hz", Some("frequency")),
];

/// Single letters; they mean a unit only behind a word that means its measure.
const LETTERS: &[(&str, &str, &str)] = &[
    ("c", "°C", "temperature"),
    ("f", "°F", "temperature"),
    ("v", "V", "voltage"),
    ("v", "V", "battery"),
    ("a", "A", "current"),
    ("w", "W", "power"),
    ("s", "s", "duration"),
];

/// Reads a unit written behind the values.
pub(super) fn of_unit(written: &str) -> Option<(&'static str, Option<&'static str>)> {
    const WRITTEN: &[(&str, &str, Option<&str>)] = &[
        ("°C", "°C", Some("temperature")),
        ("C", "°C", Some("temperature")),
        ("°F", "°F", Some("temperature")),
        ("F", "°F", Some("temperature")),
        ("%", "%", None),
        ("Pa", "Pa", Some("pressure")),
        ("V", "V", Some("voltage")),
        ("A", "A", Some("current")),
        ("W", "W", Some("power")),
        ("m", "m", Some("distance")),
        ("g", "g", Some("weight")),
        ("L", "L", None),
        ("l", "L", None),
        ("dB", "dB", None),
        ("µg/m³", "μg/m³", None),
    ];
    let known = WRITTEN.iter().find(|(unit, ..)| *unit == written).map(|(_, unit, class)| (*unit, *class));
    let lower = written.to_lowercase();
    known.or_else(|| UNITS.iter().find(|(word, ..)| *word == lower).map(|(_, unit, class)| (*unit, *class)))
}

/// What a number with these words in its name measures.
pub(super) fn measured(words: &[String], figures: &Figures) -> Measured {
    let row = row_of(words);
    let mut found = Measured::default();
    if let Some((unit, class, count)) = unit_of(words, row) {
        found.unit = Some(unit);
        // A battery in volts is a voltage.
        found.device_class =
            class.filter(|class| *class == "voltage").or(row.and_then(|row| row.class)).or(class);
        found.fits = holds(unit, figures);
        found.unit_words = count;
        found.why = format!("The name says {unit}.");
        if !found.fits {
            found.why = format!("The name says {unit}, but {} is none.", range(figures));
            (found.unit, found.device_class, found.unit_words) = (None, None, 0);
        }
    } else if let Some(row) = row {
        by_name(row, words, figures, &mut found);
    }
    let counts = row.is_some_and(|row| row.counts) || matches!(found.unit, Some("kWh" | "Wh"));
    found.state_class = Some(if counts && figures.rises { "total_increasing" } else { "measurement" });
    if row.is_some_and(|row| row.diagnostic) && (found.fits || figures.pace.is_some()) {
        found.category = Some("diagnostic");
    }
    found
}

fn by_name(row: &Measure, words: &[String], figures: &Figures, found: &mut Measured) {
    let name = words.join(" ");
    if row.class == Some("duration") {
        let paces = [("s", 1.0), ("ms", 1_000.0), ("min", 1.0 / 60.0)];
        let close = |pace: &f64, wanted: f64| (pace / wanted - 1.0).abs() < 0.2;
        let unit = figures.pace.and_then(|pace| paces.into_iter().find(|(_, wanted)| close(&pace, *wanted)));
        found.fits = unit.is_some();
        found.unit = unit.map(|(unit, _)| unit);
        found.device_class = unit.and(row.class);
        found.why = match unit {
            Some((unit, _)) => format!("It grows as the time does, in {unit}."),
            None => format!("“{name}” is usually a time; in which unit cannot be seen yet."),
        };
        return;
    }
    // A battery is told in volts as often as in percent.
    let cell = (0.5..=5.5, figures.decimals > 0);
    if row.class == Some("battery")
        && cell.0.contains(&figures.least)
        && cell.0.contains(&figures.most)
        && cell.1
    {
        (found.unit, found.device_class, found.fits) = (Some("V"), Some("voltage"), true);
        found.why = format!("“{name}” of {} is the voltage of a cell.", range(figures));
        return;
    }
    let fit = row.fits.iter().find(|(_, least, most)| figures.least >= *least && figures.most <= *most);
    if let Some((unit, ..)) = fit {
        found.unit = Some(*unit).filter(|unit| !unit.is_empty());
        found.device_class = row.class;
        found.fits = true;
        found.why = match found.unit {
            Some(unit) => format!("“{name}” of {} is possible in {unit}.", range(figures)),
            None => format!("“{name}” of {} is possible.", range(figures)),
        };
    } else if let Some((unit, ..)) = row.fits.first() {
        found.why = format!(
            "“{name}” is usually in {unit}, but {} is not possible there; so it has no unit.",
            range(figures)
        );
    } else {
        found.fits = row.counts && figures.rises;
        if found.fits {
            found.why = format!("“{name}” counts, and never fell.");
        }
    }
}

fn row_of(words: &[String]) -> Option<&'static Measure> {
    // The last word that means something decides: `battery temperature` is a temperature.
    let whole = |word: &str| MEASURES.iter().find(|row| row.words.contains(&word));
    let part = |word: &str| {
        let long = word.len() >= 6;
        MEASURES.iter().find(|row| long && row.parts.iter().any(|part| word.contains(part)))
    };
    words.iter().rev().find_map(|word| whole(word).or_else(|| part(word)))
}

/// The unit a name ends with: unit, class, words it takes.
fn unit_of(words: &[String], row: Option<&Measure>) -> Option<(&'static str, Option<&'static str>, usize)> {
    let last = words.last()?;
    // `batt_mV` falls apart into three.
    if let [.., first, second] = words
        && words.len() >= 3
        && let Some(found) = UNITS.iter().find(|(word, ..)| **word == format!("{first}{second}"))
    {
        return Some((found.1, found.2, 2));
    }
    if words.len() < 2 {
        return None;
    }
    if let Some((_, unit, class)) = UNITS.iter().find(|(word, ..)| word == last) {
        return Some((unit, *class, 1));
    }
    let class = row?.class?;
    let (_, unit, _) = LETTERS.iter().find(|(letter, _, of)| letter == last && *of == class)?;
    Some((unit, Some(if *unit == "V" { "voltage" } else { class }), 1))
}

/// Whether values can be in a unit.
fn holds(unit: &str, figures: &Figures) -> bool {
    let (least, most) = match unit {
        "°C" => (-100.0, 1_800.0),
        "°F" => (-150.0, 3_300.0),
        "%" => (0.0, 100.0),
        "dBm" => (-127.0, 20.0),
        "hPa" | "mbar" => (300.0, 1_200.0),
        "ppm" | "ppb" | "lx" | "kWh" | "Wh" | "Hz" => (0.0, 1e9),
        _ => (-1e9, 1e9),
    };
    figures.least >= least && figures.most <= most
}

/// `512`, or `20.5 to 22`.
pub(super) fn range(figures: &Figures) -> String {
    if (figures.most - figures.least).abs() < f64::EPSILON {
        format!("{}", figures.most)
    } else {
        format!("{} to {}", figures.least, figures.most)
    }
}

#[cfg(test)]
mod tests {
    use super::super::words::words;
    use super::*;

    fn figures(least: f64, most: f64, decimals: u8) -> Figures {
        Figures { least, most, decimals, rises: false, pace: None }
    }

    #[test]
    fn names_mean_a_unit_only_where_the_values_can_have_it() {
        fn check(name: &str, figures: Figures, expected: (Option<&str>, Option<&str>)) {
            let found = measured(&words(name), &figures);
            assert_eq!((found.unit, found.device_class), expected, "{name}: {}", found.why);
        }
        let temperature = Some("temperature");
        check("temp", figures(20.5, 22.0, 1), (Some("°C"), temperature));
        check("temp", figures(512.0, 512.0, 0), (None, None));
        check("tempF", figures(70.0, 75.0, 1), (Some("°F"), temperature));
        check("temp_c", figures(4_000.0, 4_000.0, 0), (None, None));
        check("Außentemperatur", figures(-3.0, 5.0, 1), (Some("°C"), temperature));
        check("Luftfeuchtigkeit", figures(40.0, 55.0, 0), (Some("%"), Some("humidity")));
        check("soilMoisture", figures(512.0, 700.0, 0), (None, None));
        check("soil_moisture", figures(12.0, 70.0, 0), (Some("%"), Some("moisture")));
        check("pressure", figures(990.0, 1_013.0, 1), (Some("hPa"), Some("pressure")));
        check("luftdruck", figures(99_000.0, 101_300.0, 1), (Some("Pa"), Some("pressure")));
        check("vbat", figures(3.7, 4.1, 2), (Some("V"), Some("voltage")));
        check("batt_mV", figures(3_700.0, 4_100.0, 0), (Some("mV"), Some("voltage")));
        check("battery", figures(3.7, 4.1, 2), (Some("V"), Some("voltage")));
        check("battery", figures(80.0, 100.0, 0), (Some("%"), Some("battery")));
        check("battery_temp", figures(20.0, 21.0, 0), (Some("°C"), temperature));
        check("rssi", figures(-70.0, -60.0, 0), (Some("dBm"), Some("signal_strength")));
        check("rssi", figures(40.0, 60.0, 0), (None, None));
        check("co2", figures(410.0, 1_200.0, 0), (Some("ppm"), Some("carbon_dioxide")));
        check("distance_cm", figures(10.0, 200.0, 0), (Some("cm"), Some("distance")));
        check("lux", figures(0.0, 30_000.0, 0), (Some("lx"), Some("illuminance")));
        check("blub", figures(1.0, 2.0, 0), (None, None));
    }

    #[test]
    fn what_counts_and_rises_is_a_total_and_an_uptime_has_the_unit_of_its_pace() {
        fn check(name: &str, rises: bool, pace: Option<f64>, expected: (&str, Option<&str>)) {
            let figures = Figures { least: 1.0, most: 900.0, decimals: 0, rises, pace };
            let found = measured(&words(name), &figures);
            assert_eq!((found.state_class.unwrap(), found.unit), expected, "{name}");
        }
        check("energy", true, None, ("total_increasing", Some("kWh")));
        check("energy", false, None, ("measurement", Some("kWh")));
        check("pulses", true, None, ("total_increasing", None));
        check("brightness", true, None, ("measurement", Some("lx")));
        check("uptime", true, Some(1.02), ("total_increasing", Some("s")));
        check("uptime", true, Some(998.0), ("total_increasing", Some("ms")));
        check("uptime", true, None, ("total_increasing", None));
    }
}
