//! State sources, ready to decode a message.

use std::borrow::Cow;

use minijinja::{Value as TemplateValue, context};
use model::{Entity, State, StateSource};
use serde_json::Value as Json;

use super::payload::Payload;
use crate::component::{self, Change, Ear, Report, Shine};
use crate::template::{Bare, Template, TemplateError, Templates};

/// A state source with its template compiled.
#[derive(Debug)]
pub(crate) struct Source {
    template: Option<Template>,
}

impl Source {
    /// Compiles a source.
    pub(crate) fn new(spec: &StateSource, templates: &mut Templates) -> Result<Self, TemplateError> {
        let template = spec.template.as_deref().map(|source| templates.acquire(source)).transpose()?;
        Ok(Self { template })
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

    /// What a message changes of an entity that now is in `state`. The error is why it makes no sense, in words.
    pub(crate) fn decode(
        &self,
        spec: &StateSource,
        entity: &Entity,
        state: &State,
        shine: &mut Option<Box<Shine>>,
        payload: &Payload,
        templates: &mut Templates,
    ) -> Result<Vec<Change>, String> {
        let description = &entity.description;
        let is_attribute = !matches!(spec.field.as_str(), "" | "state");
        if is_attribute
            && (spec.field == "*" || !component::is_native(description, &spec.field))
            && let Some(json) = self.bare_json(payload)
        {
            return match (spec.field.as_str(), json) {
                ("*", Some(Json::Object(members))) => component::attributes(description.component, members),
                ("*", _) | (_, None) => Ok(Vec::new()),
                (name, Some(json)) => Ok(component::attribute(name, json.clone())),
            };
        }
        self.hear(spec, entity, state, shine, payload, templates)
    }

    fn hear(
        &self,
        spec: &StateSource,
        entity: &Entity,
        state: &State,
        shine: &mut Option<Box<Shine>>,
        payload: &Payload,
        templates: &mut Templates,
    ) -> Result<Vec<Change>, String> {
        let Some(text) = text_of(self.template.as_ref(), payload, templates, Some((entity, state)))? else {
            return Ok(Vec::new());
        };
        let is_whole = matches!(self.template, None | Some(Template::Bare(Bare::Payload)));
        let report = Report::new(&text, is_whole.then_some(payload));
        if spec.field == "*" {
            return match report.object() {
                Some(members) => component::attributes(entity.description.component, &members),
                None => Ok(Vec::new()),
            };
        }
        let mut ear = Ear { description: &entity.description, state, shine };
        component::hear(&mut ear, spec, &report)
    }

    /// The JSON a bare path points to, with its type kept.
    fn bare_json<'p>(&self, payload: &'p Payload) -> Option<Option<&'p Json>> {
        match &self.template {
            None | Some(Template::Bare(Bare::Payload)) => Some(payload.json()).filter(Option::is_some),
            Some(Template::Bare(Bare::Json(path))) => Some(payload.json().and_then(|json| path.find(json))),
            _ => None,
        }
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
            let more =
                entity.map(|(entity, _)| component::variables(&entity.description)).unwrap_or_default();
            let context = context! {
                value => value,
                value_json => payload.template_json(),
                entity_id => own.as_ref().map(|(id, _)| *id),
                this => own.as_ref().map(|(_, this)| this.clone()),
                ..TemplateValue::from_pairs(more)
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

/// An entity's state as its templates see it: `this`.
pub(crate) fn context_of(state: &State) -> minijinja::Value {
    let attributes = minijinja::Value::from_pairs(
        state.attributes.iter().map(|(name, value)| (name.clone(), crate::template::from_json(value))),
    );
    let shown = match &state.value {
        Some(value) => value.to_string(),
        None => "unknown".to_owned(),
    };
    context! { state => shown, attributes => attributes }
}
