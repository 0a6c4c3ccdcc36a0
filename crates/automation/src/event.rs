//! The event object `e` that a handler receives.

use std::sync::Arc;

use model::run::RunTrigger;
use model::{Cause, StateChange};
use rhai::{Dynamic, Engine, EvalAltResult};

use crate::convert::{cut, from_json, from_value};
use crate::inbox::Happening;
use crate::report::TriggerKind;
use crate::words::{fault, suggestion};

/// How much of a payload a run's record keeps, bytes.
const RECORDED_PAYLOAD_BYTES_MAX: usize = 1 << 10;

/// The fields of an event, with what they are.
pub(crate) const FIELDS: [(&str, &str); 10] = [
    ("kind", "`\"topic\"`, `\"changed\"`, `\"above\"`, `\"below\"` or `\"started\"`"),
    ("topic", "Topic of the message; for a state, of the message that set it; `()` when there is none"),
    ("payload", "The message's payload as text; `()` for a state"),
    ("json", "The payload read as JSON; `()` when it is not JSON"),
    ("value", "The entity's value now; `()` for a message or when unknown"),
    ("old", "The entity's value before; `()` for a message or when unknown"),
    ("entity", "The entity's id; `()` for a message"),
    ("time", "When it happened, ms since 1970"),
    ("cause", "Why it happened, in words; `\"\"` when unknown"),
    ("retained", "Whether the message was published retained"),
];

/// What a handler is told. Cheap to copy.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    pub(crate) kind: TriggerKind,
    pub(crate) happening: Happening,
    pub(crate) time_ms: i64,
}

impl Event {
    /// Why it happened, when known.
    pub(crate) fn cause(&self) -> Option<&Cause> {
        match &self.happening {
            Happening::Message(message) => message.cause.as_ref(),
            Happening::Change(change) => change.new.cause.as_ref(),
            Happening::Started => None,
        }
    }

    /// What a run's record says about it.
    pub(crate) fn record(&self, trigger: &str, line: Option<u32>) -> RunTrigger {
        let bare = RunTrigger {
            trigger: trigger.to_owned(),
            line,
            topic: None,
            payload: None,
            entity: None,
            old: None,
            value: None,
            message_id: None,
        };
        match &self.happening {
            Happening::Message(message) => RunTrigger {
                topic: Some(message.topic.to_string()),
                payload: Some(payload_words(&message.payload)),
                message_id: Some(message.id),
                ..bare
            },
            Happening::Change(change) => RunTrigger {
                entity: Some(change.entity.clone()),
                old: change.old.as_ref().and_then(|old| old.value.clone()),
                value: change.new.value.clone(),
                topic: change.new.topic.clone(),
                message_id: change.new.message_id,
                ..bare
            },
            Happening::Started => bare,
        }
    }

    fn change(&self) -> Option<&Arc<StateChange>> {
        match &self.happening {
            Happening::Change(change) => Some(change),
            _ => None,
        }
    }

    fn field(&self, engine: &Engine, name: &str) -> Result<Dynamic, Box<EvalAltResult>> {
        let value = match (name, &self.happening) {
            ("kind", _) => kind_word(self.kind).into(),
            ("time", _) => Dynamic::from_int(self.time_ms),
            ("cause", _) => self.cause().map(Cause::to_string).unwrap_or_default().into(),
            ("retained", happening) => {
                matches!(happening, Happening::Message(message) if message.retain).into()
            }
            ("topic", Happening::Message(message)) => message.topic.as_ref().into(),
            ("topic", Happening::Change(change)) => text_or_unit(change.new.topic.as_deref()),
            ("payload", Happening::Message(message)) => {
                let longest = engine.max_string_size();
                if message.payload.len() > longest {
                    return Err(fault(format!(
                        "The payload of `{}` has {} KiB; a script's text can have {} KiB. Publish less at \
                         once, or read fields of `e.json`.",
                        cut(&message.topic, 200),
                        message.payload.len() >> 10,
                        longest >> 10
                    )));
                }
                String::from_utf8_lossy(&message.payload).into_owned().into()
            }
            ("json", Happening::Message(message)) => {
                let value =
                    serde_json::from_slice(&message.payload).map_or(Dynamic::UNIT, |json| from_json(&json));
                engine.ensure_data_size_within_limits(&value)?;
                value
            }
            ("value", _) => from_value(self.change().and_then(|change| change.new.value.as_ref())),
            ("old", _) => from_value(
                self.change().and_then(|change| change.old.as_ref()).and_then(|old| old.value.as_ref()),
            ),
            ("entity", _) => text_or_unit(self.change().map(|change| change.entity.as_str())),
            ("topic" | "payload" | "json", _) => Dynamic::UNIT,
            _ => {
                let names = FIELDS.map(|(name, _)| name);
                return Err(fault(format!(
                    "An event has no field `{}`.{} It has {}.",
                    cut(name, 100),
                    suggestion(name, names),
                    names.join(", ")
                )));
            }
        };
        Ok(value)
    }
}

fn text_or_unit(text: Option<&str>) -> Dynamic {
    text.map_or(Dynamic::UNIT, Into::into)
}

fn kind_word(kind: TriggerKind) -> &'static str {
    match kind {
        TriggerKind::Topic => "topic",
        TriggerKind::Changed => "changed",
        TriggerKind::Above => "above",
        TriggerKind::Below => "below",
        TriggerKind::Started => "started",
    }
}

/// A payload as a record shows it.
pub(crate) fn payload_words(payload: &[u8]) -> String {
    // Three more than is kept: a character that the cut would split is then whole, and cut off whole.
    let shown = &payload[..payload.len().min(RECORDED_PAYLOAD_BYTES_MAX + 3)];
    cut(&String::from_utf8_lossy(shown), RECORDED_PAYLOAD_BYTES_MAX).to_owned()
}

/// Makes events readable by scripts. One indexer serves every field, so that a field that does not exist is
/// an error with words instead of a silent `()`.
pub(crate) fn register(engine: &mut Engine) {
    engine.register_type_with_name::<Event>("event");
    engine.register_indexer_get(
        |context: rhai::NativeCallContext,
         event: &mut Event,
         name: &str|
         -> Result<Dynamic, Box<EvalAltResult>> { event.field(context.engine(), name) },
    );
}
