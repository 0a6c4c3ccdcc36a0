//! State sources, ready to decode a message.

use std::borrow::Cow;

use minijinja::context;
use model::{Entity, State, StateSource};
use serde_json::Value as Json;

use super::payload::Payload;
use super::reading::{self, Said};
use crate::limits::{ATTRIBUTES_BYTES_MAX, ATTRIBUTES_MAX};
use crate::template::{Bare, Template, TemplateError, Templates};

/// A state source with its template compiled.
#[derive(Debug)]
pub(crate) struct Source {
    template: Option<Template>,
    field: Field,
}

#[derive(Debug)]
enum Field {
    State,
    Attribute(String),
    AllAttributes,
}

/// What a message says through one source.
#[derive(Debug, PartialEq)]
pub(crate) enum Decoded {
    /// About the state.
    State(Said),
    /// One attribute.
    Attribute(String, Json),
    /// All attributes at once.
    Attributes(serde_json::Map<String, Json>),
    /// Nothing for this source.
    Nothing,
    /// The template failed. In words.
    Failed(String),
}

impl Source {
    /// Compiles a source.
    pub(crate) fn new(spec: &StateSource, templates: &mut Templates) -> Result<Self, TemplateError> {
        let template = spec.template.as_deref().map(|source| templates.acquire(source)).transpose()?;
        let field = match spec.field.as_str() {
            "" | "state" => Field::State,
            "*" => Field::AllAttributes,
            name => Field::Attribute(name.to_owned()),
        };
        Ok(Self { template, field })
    }

    /// Whether decoding takes the template engine.
    pub(crate) fn is_costly(&self) -> bool {
        matches!(self.template, Some(Template::Kept(_)))
    }

    /// Gives its template back.
    pub(crate) fn release(&self, templates: &mut Templates) {
        if let Some(template) = &self.template {
            templates.release(template);
        }
    }

    /// Decodes a message for an entity that now is in `state`.
    pub(crate) fn decode(
        &self,
        spec: &StateSource,
        entity: &Entity,
        state: &State,
        payload: &Payload,
        templates: &mut Templates,
    ) -> Decoded {
        if matches!(self.field, Field::Attribute(_) | Field::AllAttributes)
            && let Some(json) = self.bare_json(payload)
        {
            return self.attribute(json.cloned());
        }
        let text = match text_of(self.template.as_ref(), payload, templates, Some((entity, state))) {
            Ok(Some(text)) => text,
            Ok(None) => return Decoded::Nothing,
            Err(why) => return Decoded::Failed(why),
        };
        match &self.field {
            Field::State => Decoded::State(said(spec, entity, &text)),
            _ => self.attribute(Some(serde_json::from_str(&text).unwrap_or_else(|_| Json::from(&*text)))),
        }
    }

    /// The JSON a bare path points to, with its type kept.
    fn bare_json<'p>(&self, payload: &'p Payload) -> Option<Option<&'p Json>> {
        match &self.template {
            None | Some(Template::Bare(Bare::Payload)) => Some(payload.json()).filter(Option::is_some),
            Some(Template::Bare(Bare::Json(path))) => Some(payload.json().and_then(|json| path.find(json))),
            _ => None,
        }
    }

    fn attribute(&self, json: Option<Json>) -> Decoded {
        match (&self.field, json) {
            (Field::Attribute(name), Some(Json::String(text))) => {
                Decoded::Attribute(name.clone(), reading::cut(&text).into())
            }
            (Field::Attribute(name), Some(json)) if fits(&json) => Decoded::Attribute(name.clone(), json),
            (Field::AllAttributes, Some(Json::Object(members))) => {
                let allowed = members.into_iter().filter(|(name, _)| !RESERVED.contains(&name.as_str()));
                let members: serde_json::Map<_, _> = allowed.take(ATTRIBUTES_MAX).collect();
                let members = Json::Object(members);
                match (fits(&members), members) {
                    (true, Json::Object(members)) => Decoded::Attributes(members),
                    _ => {
                        Decoded::Failed(format!("its attributes have more than {ATTRIBUTES_BYTES_MAX} bytes"))
                    }
                }
            }
            _ => Decoded::Nothing,
        }
    }
}

/// Names that mean something of the entity itself; a device cannot set them by the way. Source: the list Home
/// Assistant's MQTT entities block.
const RESERVED: [&str; 17] = [
    "assumed_state",
    "available",
    "context_recent_time",
    "device_class",
    "device_info",
    "entity_category",
    "entity_picture",
    "entity_registry_enabled_default",
    "extra_state_attributes",
    "force_update",
    "friendly_name",
    "icon",
    "should_poll",
    "state",
    "supported_features",
    "unique_id",
    "unit_of_measurement",
];

/// Whether attributes are small enough to keep; counts without writing them out.
fn fits(json: &Json) -> bool {
    fn size(json: &Json) -> usize {
        match json {
            Json::String(text) => text.len() + 2,
            Json::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
            Json::Object(members) => {
                members.iter().map(|(key, value)| key.len() + size(value) + 4).sum::<usize>() + 2
            }
            _ => 8,
        }
    }
    size(json) <= ATTRIBUTES_BYTES_MAX
}

fn said(spec: &StateSource, entity: &Entity, text: &str) -> Said {
    if spec.map.is_empty() {
        return reading::read(&entity.description, text);
    }
    match spec.map.get(text) {
        Some(value) => Said::Value(value.clone()),
        None if text == "None" => Said::Unknown,
        None => Said::Nothing,
    }
}

/// What a template makes of a payload; without a template, the payload itself. `None` if the message is not
/// meant for it.
pub(crate) fn text_of<'p>(
    template: Option<&Template>,
    payload: &'p Payload,
    templates: &mut Templates,
    entity: Option<(&Entity, &State)>,
) -> Result<Option<Cow<'p, str>>, String> {
    match template {
        None | Some(Template::Bare(Bare::Payload)) => Ok(payload.text().map(Cow::Borrowed)),
        Some(Template::Bare(Bare::Json(path))) => Ok(payload.json().and_then(|json| path.print(json))),
        Some(Template::Plain(text)) => Ok(Some(Cow::Owned(text.to_string()))),
        Some(Template::Kept(source)) => {
            let Some(value) = payload.text() else { return Ok(None) };
            let own = entity.map(|(entity, state)| (entity.id.as_str(), context_of(state)));
            let context = context! {
                value => value,
                value_json => payload.template_json(),
                entity_id => own.as_ref().map(|(id, _)| *id),
                this => own.as_ref().map(|(_, this)| this.clone()),
            };
            match templates.render(source, context) {
                // Home Assistant strips what a template prints.
                Ok(text) => Ok(Some(Cow::Owned(text.trim().to_owned()))),
                // What is used up is told once, of the whole device.
                Err(TemplateError::Undefined | TemplateError::Spent) => Ok(None),
                Err(TemplateError::Failed(why)) => Err(why),
            }
        }
    }
}

fn context_of(state: &State) -> minijinja::Value {
    let attributes = minijinja::Value::from_pairs(
        state.attributes.iter().map(|(name, value)| (name.clone(), crate::template::from_json(value))),
    );
    let shown = match &state.value {
        Some(value) => value.to_string(),
        None => "unknown".to_owned(),
    };
    context! { state => shown, attributes => attributes }
}
