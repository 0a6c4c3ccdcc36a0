//! One entity as far as it is known: what its values make it, and why.

use std::collections::{BTreeMap, HashSet};

use model::{CommandSpec, Component, EntityDescription, Value};
use serde_json::Value as Json;

use super::Confidence;
use super::command::Echo;
use super::leaf::Leaf;
use super::measure::{Measured, measured, of_unit, range};
use super::offer::{Match, Told};
use super::series::{Kind, Pair, Series, alike, other_of};
use super::words::{name_of, words};
use crate::home::{clean_name, words_for};

/// Longest sample shown, in characters.
const SAMPLE_CHARS_MAX: usize = 80;

/// An entity as far as it is known.
pub(super) struct Draft<'a> {
    series: &'a Series,
    parts: &'a [&'a str],
    command: Option<&'a Match<'a>>,
    pub(super) description: EntityDescription,
    pub(super) map: BTreeMap<String, Value>,
    pub(super) unit_text: Option<String>,
    pub(super) confidence: Confidence,
    pub(super) why: Vec<String>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(series: &'a Series, parts: &'a [&'a str], command: Option<&'a Match<'a>>) -> Self {
        let mut description = EntityDescription::new("", Component::Sensor);
        description.name = Some(clean_name(&name_of(parts)));
        let (map, why) = (BTreeMap::new(), Vec::new());
        Self { series, parts, command, description, map, unit_text: None, confidence: Confidence::Guess, why }
    }

    /// Makes it what its values are; `None` when that is nothing.
    pub(super) fn fill(&mut self, kind: &Kind) -> Option<()> {
        let enough = self.series.points.len();
        match kind {
            Kind::Number(figures, unit) => {
                let said: Vec<String> = self.parts.iter().flat_map(|part| words(part)).collect();
                let mut found = measured(&said, figures);
                self.why.push(format!("A number, {} in {}.", range(figures), messages(enough)));
                if let Some((written, (unit, class))) =
                    unit.as_ref().and_then(|unit| Some((unit, of_unit(unit)?)))
                {
                    let device_class = if found.unit == Some(unit) { found.device_class } else { class };
                    let why = format!("It writes {written} behind the number.");
                    found = Measured { unit: Some(unit), device_class, fits: true, why, ..found };
                }
                self.unit_text.clone_from(unit);
                self.measure(&found);
                self.description.precision = Some(figures.decimals);
                self.confidence = match (found.fits, enough) {
                    (true, 5..) => Confidence::Clear,
                    (true, _) | (false, 3..) => Confidence::Likely,
                    (false, _) => Confidence::Guess,
                };
                if let Some(command) = self.command {
                    self.description.component = Component::Number;
                    self.description.state_class = None;
                    let (least, most) = hull(command.told, figures.least, figures.most);
                    (self.description.min, self.description.max) = (Some(least), Some(most));
                    self.description.step = Some(if figures.decimals > 0 { 0.1 } else { 1.0 });
                    self.set_command(command);
                }
            }
            Kind::OnOff(pair) => self.on_off(pair, enough)?,
            Kind::Words(options) => {
                self.why.push(format!("One of {} in {}.", options.join(", "), messages(enough)));
                if let Some(command) = self.command {
                    self.description.component = Component::Select;
                    self.description.options.clone_from(options);
                    self.confidence = Confidence::Likely;
                    self.set_command(command);
                }
            }
            Kind::Bit(_) | Kind::Nothing => return None,
        }
        Some(())
    }

    fn measure(&mut self, found: &Measured) {
        let description = &mut self.description;
        description.unit = found.unit.map(ToOwned::to_owned);
        description.device_class = found.device_class.map(ToOwned::to_owned);
        description.state_class = found.state_class.map(ToOwned::to_owned);
        description.category = found.category.map(ToOwned::to_owned);
        if !found.why.is_empty() {
            self.why.push(found.why.clone());
        }
        if found.device_class.is_none() && found.unit.is_none() && self.series.only_rises() {
            description.state_class = Some("total_increasing".to_owned());
            self.why.push("It only ever rose.".to_owned());
        }
        // A unit that stands in the name is not said twice.
        if found.unit_words > 0
            && let Some((last, before)) = self.parts.split_last()
        {
            let mut kept = words(last);
            kept.truncate(kept.len().saturating_sub(found.unit_words));
            let last = kept.join("_");
            let parts: Vec<&str> =
                before.iter().copied().chain([last.as_str()]).filter(|part| !part.is_empty()).collect();
            if !parts.is_empty() {
                description.name = Some(clean_name(&name_of(&parts)));
            }
        }
    }

    fn on_off(&mut self, pair: &Pair, enough: usize) -> Option<()> {
        let is_said = |word: &str| self.series.points.iter().any(|point| shown(&point.leaf) == word);
        let (on, off) = (is_said(&pair.on), is_said(&pair.off));
        self.why.push(match (on, off) {
            (true, true) => format!("Only {} and {} in {}.", pair.on, pair.off, messages(enough)),
            (true, false) => format!("Only {} in {}; {} is assumed.", pair.on, messages(enough), pair.off),
            _ => format!("Only {} in {}; {} is assumed.", pair.off, messages(enough), pair.on),
        });
        self.confidence = if on && off && enough >= 3 { Confidence::Clear } else { Confidence::Likely };
        self.description.component = Component::BinarySensor;
        self.description.device_class = class_of(self.parts, pair).map(ToOwned::to_owned);
        self.map = words_for(Component::BinarySensor);
        self.map.insert(pair.on.clone(), Value::Bool(true));
        self.map.insert(pair.off.clone(), Value::Bool(false));
        let Some(command) = self.command else { return Some(()) };
        self.description.component = Component::Switch;
        self.description.device_class = None;
        let said = command.told.series;
        let told = said.and_then(spoken_pair).unwrap_or_else(|| pair.clone());
        for (verb, word) in [("turn_on", &told.on), ("turn_off", &told.off)] {
            let payload = match &command.told.key {
                None => word.clone(),
                Some(key) => {
                    let literal = told.json || word.parse::<f64>().is_ok();
                    let value = if literal { word.clone() } else { Json::from(word.as_str()).to_string() };
                    format!("{{{}:{value}}}", Json::from(key.as_str()))
                }
            };
            self.tell(command, verb, payload);
        }
        self.say_echo(command);
        if command.echo.answered > 0 {
            self.confidence = Confidence::Clear;
        }
        Some(())
    }

    fn set_command(&mut self, command: &Match) {
        let is_number = self.description.component == Component::Number;
        let payload = match &command.told.key {
            None => "{{ value }}".to_owned(),
            Some(key) if is_number => format!("{{{}: {{{{ value }}}} }}", Json::from(key.as_str())),
            Some(key) => format!("{{{}: {{{{ value | tojson }}}} }}", Json::from(key.as_str())),
        };
        self.tell(command, "set", payload);
        self.say_echo(command);
    }

    fn tell(&mut self, command: &Match, verb: &str, payload: String) {
        let spec = CommandSpec { topic: command.told.topic.clone(), payload, ..CommandSpec::default() };
        self.description.commands.insert(verb.to_owned(), spec);
    }

    fn say_echo(&mut self, command: &Match) {
        let (Echo { tried, answered, within_ms }, topic) = (command.echo, &command.told.topic);
        let within = (within_ms as f64 / 100.0).ceil().max(1.0) / 10.0;
        self.why.push(match (tried, answered) {
            (0, _) if command.told.listens => {
                format!("It listens to {topic}; nobody has told it anything there yet.")
            }
            (0, _) => format!("Told by {topic}, going by the name; no answer was seen yet."),
            (tried, 0) => {
                format!("Told by {topic}, going by the name; {} was not answered.", commands(tried))
            }
            (tried, answered) if tried == answered => {
                format!("Told by {topic}: seen answered {} within {within} s.", times(answered))
            }
            (tried, answered) => {
                format!("Told by {topic}: {answered} of {} answered, within {within} s.", commands(tried))
            }
        });
    }
}

/// The words for on and off that commands were given in.
fn spoken_pair(series: &Series) -> Option<Pair> {
    if let Some(pair) = series.pair() {
        return Some(pair);
    }
    // Among toggles, numbers and the like there may be one that shows how it is written.
    series.points.iter().rev().find_map(|point| match &point.leaf {
        Leaf::Word(word) => {
            let (other, is_on) = other_of(word)?;
            let (on, off) = if is_on { (word.clone(), other) } else { (other, word.clone()) };
            Some(Pair { on: alike(&on, word), off: alike(&off, word), json: false })
        }
        Leaf::Number { value, .. } if *value == 0.0 || *value == 1.0 => {
            Some(Pair { on: "1".into(), off: "0".into(), json: false })
        }
        _ => None,
    })
}

/// The smallest usual range that holds what was seen and what was asked for.
fn hull(told: &Told, least: f64, most: f64) -> (f64, f64) {
    const USUAL: [(f64, f64); 6] =
        [(0.0, 1.0), (0.0, 100.0), (0.0, 255.0), (0.0, 1_023.0), (-100.0, 100.0), (0.0, 65_535.0)];
    let asked =
        told.series.into_iter().flat_map(|series| &series.points).filter_map(|point| match point.leaf {
            Leaf::Number { value, .. } => Some(value),
            _ => None,
        });
    let (least, most) = asked.fold((least, most), |(least, most), value| (least.min(value), most.max(value)));
    let usual = USUAL.into_iter().find(|(from, to)| {
        least >= *from && most <= *to && (*to > 1.0 || most <= 1.0 && least < most && most.fract() != 0.0)
    });
    usual.unwrap_or((least, most))
}

/// What an on or off is of.
fn class_of(parts: &[&str], pair: &Pair) -> Option<&'static str> {
    const CLASSES: [(&str, &[&str]); 8] = [
        ("door", &["door", "tuer", "porte", "puerta", "porta"]),
        ("window", &["window", "fenster", "fenetre", "ventana"]),
        ("motion", &["motion", "pir", "bewegung", "movement"]),
        ("occupancy", &["occupancy", "presence", "praesenz"]),
        ("moisture", &["leak", "water", "wasser", "flood"]),
        ("smoke", &["smoke", "rauch"]),
        ("garage_door", &["garage"]),
        ("vibration", &["vibration", "shake"]),
    ];
    let said: HashSet<String> = parts.iter().flat_map(|part| words(part)).collect();
    let named =
        CLASSES.iter().find(|(_, of)| of.iter().any(|word| said.contains(*word))).map(|(class, _)| *class);
    let opens = pair.off.to_lowercase() == "closed";
    named.or(opens.then_some("opening"))
}

/// A value as it was said.
pub(super) fn shown(leaf: &Leaf) -> String {
    match leaf {
        Leaf::Number { value, decimals, unit } => {
            let number = format!("{value:.*}", usize::from(*decimals));
            unit.as_ref().map_or(number.clone(), |unit| format!("{number} {unit}"))
        }
        Leaf::Word(word) => word.chars().take(SAMPLE_CHARS_MAX).collect(),
        Leaf::Bool(value) => value.to_string(),
        Leaf::Other => "…".to_owned(),
    }
}

fn messages(count: usize) -> String {
    if count == 1 { "1 message".to_owned() } else { format!("{count} messages") }
}

fn commands(count: u32) -> String {
    if count == 1 { "1 command".to_owned() } else { format!("{count} commands") }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => format!("{more} times"),
    }
}
