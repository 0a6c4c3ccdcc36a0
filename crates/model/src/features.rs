//! What only one kind of entity has: the scales, modes and rules that give its reports and commands their
//! meaning. The words and defaults are those of Home Assistant's MQTT integration.

use serde::{Deserialize, Serialize};

/// By kind of entity; an entity without any takes its reports and commands as they come.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum Features {
    /// Of an alarm control panel.
    Alarm(AlarmFeatures),
    /// Of a thermostat, a water heater or a humidifier.
    Climate(ClimateFeatures),
    /// Of a cover or a valve.
    Cover(CoverFeatures),
    /// Of an event.
    Event(EventFeatures),
    /// Of a fan.
    Fan(FanFeatures),
    /// Of a light.
    Light(LightFeatures),
    /// Of a lock that takes a code.
    Lock(LockFeatures),
    /// Of a camera or an image whose pictures come as messages.
    Picture(PictureFeatures),
    /// Of a siren.
    Siren(SirenFeatures),
    /// Of a text.
    Text(TextFeatures),
    /// Of a vacuum cleaner.
    Vacuum(VacuumFeatures),
}

impl Features {
    /// Whether it is taken for off before it has said anything.
    pub fn off_until_told(&self) -> bool {
        match self {
            Self::Fan(fan) => fan.off_until_told,
            Self::Light(light) => light.off_until_told,
            _ => false,
        }
    }
}

/// When an alarm control panel wants its code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct AlarmFeatures {
    /// The code the hub compares with; `None` if the panel compares itself, or wants none.
    pub code: Option<String>,
    /// A code is wanted, by the hub or by the panel.
    pub wants_code: bool,
    /// To arm it.
    pub code_arm_required: bool,
    /// To disarm it.
    pub code_disarm_required: bool,
    /// To trigger it.
    pub code_trigger_required: bool,
}

/// The modes and limits of what keeps a temperature or a humidity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct ClimateFeatures {
    /// What it can be set to do; the state is one of them.
    pub modes: Vec<String>,
    /// Presets.
    pub preset_modes: Vec<String>,
    /// Modes of its fan.
    pub fan_modes: Vec<String>,
    /// Modes of its vanes.
    pub swing_modes: Vec<String>,
    /// Modes of its vanes from side to side.
    pub swing_horizontal_modes: Vec<String>,
    /// Lowest and highest humidity it can be set to.
    pub humidity: Option<[f64; 2]>,
    /// Temperatures are kept to this step.
    pub precision: Option<f64>,
}

/// The scales of a cover or a valve: 0 is closed, 100 is open.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct CoverFeatures {
    /// What the board calls closed.
    pub position_closed: f64,
    /// What the board calls open.
    pub position_open: f64,
    /// What the board calls the least tilt.
    pub tilt_min: f64,
    /// What the board calls the most tilt.
    pub tilt_max: f64,
    /// The tilt that closes the slats, as the board says it.
    pub tilt_closed: f64,
    /// The tilt that opens the slats, as the board says it.
    pub tilt_opened: f64,
    /// It tells its position.
    pub reports_position: bool,
    /// It tells its state in words of its own, so that a position says nothing about it.
    pub reports_state: bool,
    /// The state that is shown is what was last sent.
    pub optimistic: bool,
    /// The tilt that is shown is what was last sent.
    pub tilt_optimistic: bool,
}

impl Default for CoverFeatures {
    fn default() -> Self {
        Self {
            position_closed: 0.0,
            position_open: 100.0,
            tilt_min: 0.0,
            tilt_max: 100.0,
            tilt_closed: 0.0,
            tilt_opened: 100.0,
            reports_position: false,
            reports_state: false,
            optimistic: false,
            tilt_optimistic: false,
        }
    }
}

/// What can happen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct EventFeatures {
    /// The kinds of event.
    pub event_types: Vec<String>,
}

/// The speeds and modes of a fan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct FanFeatures {
    /// Lowest speed but off, and highest speed, as the board counts them.
    pub speed_range: [f64; 2],
    /// Presets.
    pub preset_modes: Vec<String>,
    /// Speeds that older firmwares have words for, from slow to fast.
    pub speeds: Vec<String>,
    /// The word for: the speed is not known.
    pub no_percentage: String,
    /// The word for: no preset.
    pub no_preset_mode: String,
    /// The words for oscillating and not.
    pub oscillation: [String; 2],
    /// It is taken for off once its board is there and until it says what it is, as Home Assistant does with a
    /// Tasmota's; [`State::reported_ms`](crate::State::reported_ms) stays 0 until then.
    pub off_until_told: bool,
}

impl Default for FanFeatures {
    fn default() -> Self {
        Self {
            speed_range: [1.0, 100.0],
            preset_modes: Vec::new(),
            speeds: Vec::new(),
            no_percentage: "None".to_owned(),
            no_preset_mode: "None".to_owned(),
            oscillation: ["oscillate_on".to_owned(), "oscillate_off".to_owned()],
            off_until_told: false,
        }
    }
}

/// How a light speaks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum LightSchema {
    /// A topic for each of its qualities.
    #[default]
    Basic,
    /// One JSON object.
    Json,
    /// One payload by templates.
    Template,
    /// It tells each of its qualities by itself, as a basic light does, and takes one payload by templates.
    Line,
}

/// In which way a light is told what to shine like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
#[allow(missing_docs, reason = "each is named for what it is")]
pub enum ColorMode {
    Onoff,
    Brightness,
    ColorTemp,
    Hs,
    Rgb,
    Rgbw,
    Rgbww,
    White,
    Xy,
}

/// Which message switches a light on that is told more than that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub enum OnCommand {
    /// A message of its own, after the others.
    #[default]
    Last,
    /// A message of its own, before the others.
    First,
    /// Its brightness.
    Brightness,
}

/// The scales and colours of a light. Brightness runs from 0 to 255 whatever the board counts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LightFeatures {
    /// How it speaks.
    pub schema: LightSchema,
    /// The ways it can shine in, sorted by name.
    pub color_modes: Vec<ColorMode>,
    /// It tells which of them it is in.
    pub reports_color_mode: bool,
    /// It takes a brightness of its own beside the colour.
    pub brightness: bool,
    /// It tells its brightness beside the colour.
    pub reports_brightness: bool,
    /// What the board calls full brightness.
    pub brightness_scale: f64,
    /// What the board calls full white.
    pub white_scale: f64,
    /// The board counts colour temperature in kelvin; else in mireds.
    pub kelvin: bool,
    /// Warmest, kelvin.
    pub min_kelvin: f64,
    /// Coldest, kelvin.
    pub max_kelvin: f64,
    /// It has effects.
    pub effects: bool,
    /// Which message switches it on.
    pub on_command: OnCommand,
    /// It takes the time in which it is to change.
    pub transition: bool,
    /// How long a short and a long flash last, seconds, if it can flash.
    pub flash_s: Option<[f64; 2]>,
    /// It is taken for off once its board is there and until it says what it is, as Home Assistant does with a
    /// Tasmota's; [`State::reported_ms`](crate::State::reported_ms) stays 0 until then.
    pub off_until_told: bool,
}

impl Default for LightFeatures {
    fn default() -> Self {
        Self {
            schema: LightSchema::default(),
            color_modes: Vec::new(),
            reports_color_mode: false,
            brightness: false,
            reports_brightness: false,
            brightness_scale: 255.0,
            white_scale: 255.0,
            kelvin: false,
            min_kelvin: 2000.0,
            max_kelvin: 6535.0,
            effects: false,
            on_command: OnCommand::default(),
            transition: false,
            flash_s: None,
            off_until_told: false,
        }
    }
}

/// The code a lock takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct LockFeatures {
    /// Regular expression that a code begins with; without a match nothing is sent. `None` if any will do.
    pub code_format: Option<String>,
}

/// What a siren can be told beside on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct SirenFeatures {
    /// Its tones.
    pub tones: Vec<String>,
    /// It takes a duration.
    pub duration: bool,
    /// It takes a volume.
    pub volume: bool,
}

/// What a text must look like.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct TextFeatures {
    /// Regular expression the whole text has to match.
    pub pattern: Option<String>,
    /// It is not to be shown.
    pub password: bool,
}

/// What a vacuum cleaner can be told.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct VacuumFeatures {
    /// Its speeds.
    pub fan_speeds: Vec<String>,
}

/// Where the pictures of a camera or an image come from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema, ts_rs::TS))]
pub struct PictureFeatures {
    /// Topic; each message is a picture.
    pub topic: String,
    /// They are written in base64.
    pub base64: bool,
}
