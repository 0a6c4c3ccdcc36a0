//! What values a property can have.

use serde_json::Value as Json;

/// The type of a property's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is named as the convention names it")]
pub enum Datatype {
    Integer,
    Float,
    /// Version 4.
    Percent,
    Boolean,
    String,
    Enum,
    Color,
    Datetime,
    Duration,
    Json,
}

impl Datatype {
    /// By the convention's word.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "integer" => Self::Integer,
            "float" => Self::Float,
            "percent" => Self::Percent,
            "boolean" => Self::Boolean,
            "string" => Self::String,
            "enum" => Self::Enum,
            "color" => Self::Color,
            "datetime" => Self::Datetime,
            "duration" => Self::Duration,
            "json" => Self::Json,
            _ => return None,
        })
    }

    /// The convention's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Percent => "percent",
            Self::Boolean => "boolean",
            Self::String => "string",
            Self::Enum => "enum",
            Self::Color => "color",
            Self::Datetime => "datetime",
            Self::Duration => "duration",
            Self::Json => "json",
        }
    }
}

/// Type and format of a property's values.
#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    pub(super) datatype: Datatype,
    pub(super) format: Format,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Format {
    Any,
    Range {
        min: Option<f64>,
        max: Option<f64>,
        step: Option<f64>,
    },
    /// Values of an enum; what false and true are called.
    Words(Vec<String>),
    Colors(Vec<ColorSpace>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ColorSpace {
    Rgb,
    Hsv,
    Xyz,
}

impl ColorSpace {
    pub(super) fn parse(word: &str) -> Option<Self> {
        match word {
            "rgb" => Some(Self::Rgb),
            "hsv" => Some(Self::Hsv),
            "xyz" => Some(Self::Xyz),
            _ => None,
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Rgb => "rgb",
            Self::Hsv => "hsv",
            Self::Xyz => "xyz",
        }
    }
}

impl Definition {
    /// Reads `datatype` and `format` of a description. In words if they do not fit together.
    pub fn new(datatype: &str, format: Option<&str>) -> Result<Self, String> {
        let datatype =
            Datatype::parse(datatype).ok_or_else(|| format!("the datatype {datatype:?} does not exist"))?;
        Ok(Self { datatype, format: read(datatype, format)? })
    }

    /// Reads the members of a property in a description of version 5.
    pub fn from_json(property: &Json) -> Result<Self, String> {
        let datatype = property.get("datatype").and_then(Json::as_str).ok_or("the datatype is missing")?;
        match property.get("format") {
            None => Self::new(datatype, None),
            Some(Json::String(format)) => Self::new(datatype, Some(format)),
            Some(_) => Err("the format is not a text".to_owned()),
        }
    }

    /// Smallest value, largest value and step.
    pub(super) fn range(&self) -> (Option<f64>, Option<f64>, Option<f64>) {
        match &self.format {
            Format::Range { min, max, step } => (*min, *max, *step),
            _ => (None, None, None),
        }
    }

    /// The colour format a device likes best.
    pub(super) fn color_space(&self) -> &'static str {
        match &self.format {
            Format::Colors(spaces) => spaces.first().map_or("rgb", |space| space.word()),
            _ => "rgb",
        }
    }

    pub(super) fn words(&self) -> &[String] {
        match &self.format {
            Format::Words(words) => words,
            _ => &[],
        }
    }
}

fn read(datatype: Datatype, format: Option<&str>) -> Result<Format, String> {
    match (datatype, format) {
        (Datatype::Integer | Datatype::Float | Datatype::Percent, Some(format)) => range(datatype, format),
        (Datatype::Percent, None) => Ok(Format::Range { min: Some(0.0), max: Some(100.0), step: None }),
        (Datatype::Enum, Some(format)) => words(format).map(Format::Words),
        (Datatype::Boolean, Some(format)) => match words(format)? {
            words if words.len() == 2 => Ok(Format::Words(words)),
            words => Err(format!("{} names for false and true; there are two", words.len())),
        },
        (Datatype::Color, Some(format)) => colors(format),
        (Datatype::Enum | Datatype::Color, None) => {
            Err(format!("a property of type {} needs a format", datatype.word()))
        }
        (Datatype::Json, Some(format)) => match serde_json::from_str(format) {
            Ok(Json::Object(_)) => Ok(Format::Any),
            _ => Err("the format of a json property is a JSON schema, which is an object".to_owned()),
        },
        (_, _) => Ok(Format::Any),
    }
}

/// `[min]:[max][:step]`.
fn range(datatype: Datatype, format: &str) -> Result<Format, String> {
    let parts: Vec<&str> = format.split(':').collect();
    let bound = |text: &str| -> Result<Option<f64>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        number(datatype, text).map(Some).ok_or_else(|| format!("{text:?} in the format is not a number"))
    };
    let (min, max, step) = match parts.as_slice() {
        [min, max] => (bound(min)?, bound(max)?, None),
        [_, _, ""] => return Err("the step at the end of the format is missing".to_owned()),
        [min, max, step] => (bound(min)?, bound(max)?, bound(step)?),
        _ => return Err("the format of a number is min:max or min:max:step".to_owned()),
    };
    if min.zip(max).is_some_and(|(min, max)| min > max) {
        return Err("the smallest value is above the largest".to_owned());
    }
    if step.is_some_and(|step| step <= 0.0) {
        return Err("the step is not above 0".to_owned());
    }
    Ok(Format::Range { min, max, step })
}

/// A number as a payload and a format write it: no blanks, no `inf`; an integer has digits and a sign only.
pub(super) fn number(datatype: Datatype, text: &str) -> Option<f64> {
    if datatype == Datatype::Integer {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let whole = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        return whole.then(|| text.parse::<i64>().ok()).flatten().map(|number| number as f64);
    }
    let allowed = |b: u8| b.is_ascii_digit() || matches!(b, b'-' | b'.' | b'e' | b'E');
    if !text.bytes().all(allowed) || !text.bytes().any(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse::<f64>().ok().filter(|number| number.is_finite())
}

/// A list without empty, repeated or broken words. Blanks count.
fn words(format: &str) -> Result<Vec<String>, String> {
    let words: Vec<String> = format.split(',').map(ToOwned::to_owned).collect();
    if words.iter().any(String::is_empty) {
        return Err("a value in the format is empty".to_owned());
    }
    if let Some(broken) = words.iter().find(|word| word.contains(['\n', '\r'])) {
        return Err(format!("the value {broken:?} goes over more than one line"));
    }
    let twice = words.iter().enumerate().find(|(at, word)| words[..*at].contains(word));
    match twice {
        Some((_, word)) => Err(format!("the value {word:?} is in the format twice")),
        None => Ok(words),
    }
}

fn colors(format: &str) -> Result<Format, String> {
    let space = |word: &String| {
        ColorSpace::parse(word)
            .ok_or_else(|| format!("the colour format {word:?} is none of rgb, hsv and xyz"))
    };
    words(format)?.iter().map(space).collect::<Result<_, _>>().map(Format::Colors)
}
