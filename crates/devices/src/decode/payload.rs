//! A payload, read at most once however many entities look into it.

use std::cell::OnceCell;

use minijinja::Value as TemplateValue;
use serde_json::Value as Json;

use crate::limits::JSON_BYTES_MAX;
use crate::template;

/// One message's payload and what was made of it.
pub(crate) struct Payload<'a> {
    bytes: &'a [u8],
    json: OnceCell<Option<Json>>,
    template_json: OnceCell<TemplateValue>,
}

impl<'a> Payload<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, json: OnceCell::new(), template_json: OnceCell::new() }
    }

    /// As text; `None` if it is not UTF-8.
    pub(crate) fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes).ok()
    }

    /// As JSON; `None` if it is not, or too large.
    pub(crate) fn json(&self) -> Option<&Json> {
        self.json
            .get_or_init(|| {
                (self.bytes.len() <= JSON_BYTES_MAX)
                    .then(|| serde_json::from_slice(self.bytes).ok())
                    .flatten()
            })
            .as_ref()
    }

    /// As templates see it: `value_json`, undefined if it is not JSON.
    pub(crate) fn template_json(&self) -> TemplateValue {
        self.template_json
            .get_or_init(|| self.json().map_or(TemplateValue::UNDEFINED, template::from_json))
            .clone()
    }
}
