//! Availability: which of several topics said what, and what that means together.

use model::Availability;
use model::entity::{AvailabilityMode, AvailabilitySpec};

use super::payload::Payload;
use super::source::text_of;
use crate::template::{Template, TemplateError, Templates};

/// What the availability topics of a device or an entity have said so far.
#[derive(Debug, Default)]
pub(crate) struct Presence {
    templates: Vec<Option<Template>>,
    told: Vec<Option<bool>>,
    latest: Option<bool>,
}

impl Presence {
    /// Compiles the templates of a specification; nothing has been said yet.
    pub(crate) fn new(spec: &AvailabilitySpec, templates: &mut Templates) -> Result<Self, TemplateError> {
        let compiled = spec
            .sources
            .iter()
            .map(|source| source.template.as_deref().map(|template| templates.acquire(template)).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self { told: vec![None; compiled.len()], templates: compiled, latest: None })
    }

    /// Gives the templates back.
    pub(crate) fn release(&self, templates: &mut Templates) {
        self.templates.iter().flatten().for_each(|template| templates.release(template));
    }

    /// Whether hearing this source takes the template engine.
    pub(crate) fn is_costly(&self, source: usize) -> bool {
        matches!(self.templates.get(source), Some(Some(Template::Kept(_))))
    }

    /// Takes in a message of one source; whether it was online, if it said anything.
    pub(crate) fn hear(
        &mut self,
        spec: &AvailabilitySpec,
        source: usize,
        payload: &Payload,
        templates: &mut Templates,
    ) -> Option<bool> {
        let (wanted, template) = (spec.sources.get(source)?, self.templates.get(source)?);
        let text = text_of(template.as_ref(), payload, templates, None).ok().flatten()?;
        let online = if text == wanted.online {
            true
        } else if text == wanted.offline {
            false
        } else {
            return None;
        };
        self.told[source] = Some(online);
        self.latest = Some(online);
        Some(online)
    }

    /// What it comes to; `None` as long as nobody has said anything.
    pub(crate) fn verdict(&self, spec: &AvailabilitySpec) -> Option<Availability> {
        let latest = self.latest?;
        let online = match spec.mode {
            AvailabilityMode::Latest => latest,
            AvailabilityMode::Any => self.told.contains(&Some(true)),
            // A topic that has not spoken yet is not there: Home Assistant's rule.
            AvailabilityMode::All => self.told.iter().all(|told| *told == Some(true)),
        };
        Some(match (online, spec.sleepy) {
            (true, _) => Availability::Available,
            (false, true) => Availability::Asleep,
            (false, false) => Availability::Unavailable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::entity::AvailabilitySource;

    #[test]
    fn several_topics_are_put_together_by_the_mode() {
        fn check(mode: AvailabilityMode, told: &[(usize, &str)], expected: Option<Availability>) {
            let source = |template: Option<&str>| AvailabilitySource {
                topic: "t".into(),
                template: template.map(ToOwned::to_owned),
                online: "online".into(),
                offline: "offline".into(),
            };
            let spec = AvailabilitySpec {
                mode,
                sources: vec![source(None), source(Some("{{ value_json.state }}"))],
                sleepy: false,
            };
            let mut templates = Templates::new();
            let mut presence = Presence::new(&spec, &mut templates).unwrap();
            for (source, payload) in told {
                presence.hear(&spec, *source, &Payload::new(payload.as_bytes()), &mut templates);
            }
            assert_eq!(presence.verdict(&spec), expected, "{mode:?} {told:?}");
        }
        use Availability::{Available, Unavailable};
        use AvailabilityMode::{All, Any, Latest};
        const JSON_ON: (usize, &str) = (1, r#"{"state":"online"}"#);
        const JSON_OFF: (usize, &str) = (1, r#"{"state":"offline"}"#);
        check(Latest, &[], None);
        check(Latest, &[(0, "rubbish")], None);
        check(Latest, &[(0, "online"), JSON_OFF], Some(Unavailable));
        check(Latest, &[JSON_OFF, (0, "online")], Some(Available));
        check(Any, &[JSON_OFF], Some(Unavailable));
        check(Any, &[(0, "online"), JSON_OFF], Some(Available));
        check(All, &[(0, "online")], Some(Unavailable));
        check(All, &[(0, "online"), JSON_ON], Some(Available));
        check(All, &[(0, "online"), JSON_ON, (0, "offline")], Some(Unavailable));
    }
}
