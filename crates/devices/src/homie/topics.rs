//! Where attributes stand.

use serde_json::Value as Json;

use super::stats;
use crate::announcement::Problem;
use crate::limits::{ANNOUNCEMENT_BYTES_MAX, HOMIE_ATTRIBUTE_BYTES_MAX};

/// Attributes that say something Hearth uses. The value of a property and the log of a device do not announce; of a
/// statistic only that it is told.
pub(super) const FILTERS: [&str; 22] = [
    "+/5/+/$state",
    "+/5/+/$description",
    "+/+/$homie",
    "+/+/$name",
    "+/+/$state",
    "+/+/$nodes",
    "+/+/$localip",
    "+/+/$mac",
    "+/+/$implementation",
    "+/+/$fw/name",
    "+/+/$fw/version",
    "+/+/$stats/+",
    "+/+/+/$name",
    "+/+/+/$type",
    "+/+/+/$properties",
    "+/+/+/$array",
    "+/+/+/+/$name",
    "+/+/+/+/$datatype",
    "+/+/+/+/$unit",
    "+/+/+/+/$format",
    "+/+/+/+/$settable",
    "+/+/+/+/$retained",
];

/// One attribute's place.
pub(super) struct Place<'a> {
    /// `homie/lamp`, or `homie/5/lamp`.
    pub(super) root: &'a str,
    /// What follows.
    pub(super) attribute: &'a str,
}

impl<'a> Place<'a> {
    pub(super) fn of(topic: &'a str) -> Option<Self> {
        let slashes: Vec<usize> = topic.match_indices('/').map(|(at, _)| at).collect();
        let level = |n: usize| -> Option<&str> {
            let start = if n == 0 { 0 } else { slashes.get(n - 1)? + 1 };
            Some(&topic[start..slashes.get(n).copied().unwrap_or(topic.len())])
        };
        let last = level(slashes.len())?;
        let is_version_5 = level(1) == Some("5") && matches!(last, "$state" | "$description");
        let at = *slashes.get(if is_version_5 { 2 } else { 1 })?;
        let (root, attribute) = (&topic[..at], &topic[at + 1..]);
        // A broadcast to all devices is no device.
        let is_device = root.rsplit('/').next().is_some_and(|id| !id.is_empty() && !id.starts_with('$'));
        (is_device && attribute.contains('$')).then_some(Self { root, attribute })
    }

    /// The attribute as it is kept; `None` takes it away.
    pub(super) fn read(&self, payload: &[u8]) -> Result<Option<Json>, Problem> {
        if payload.is_empty() {
            return Ok(None);
        }
        if stats::is_stat(self.attribute) {
            return Ok(Some(Json::Bool(true)));
        }
        let most =
            if self.attribute == "$description" { ANNOUNCEMENT_BYTES_MAX } else { HOMIE_ATTRIBUTE_BYTES_MAX };
        if payload.len() > most {
            return Err(Problem::new(
                format!("The attribute `{}` of {:?} has more than {most} bytes", self.attribute, self.root),
                "Make it shorter.",
            ));
        }
        if self.attribute == "$description" {
            return serde_json::from_slice(payload).map(Some).map_err(|why| {
                Problem::new(
                    format!("The description of {:?} is not valid JSON: {why}", self.root),
                    "Correct it at that place.",
                )
            });
        }
        match std::str::from_utf8(payload) {
            Ok(text) => Ok(Some(Json::from(text))),
            Err(_) => Err(Problem::new(
                format!("The attribute `{}` of {:?} is not UTF-8", self.attribute, self.root),
                "Send it as UTF-8.",
            )),
        }
    }
}

pub(super) fn is_version_5(root: &str) -> bool {
    root.split('/').count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_is_an_attribute_of_a_device() {
        fn check(topic: &str, expected: Option<(&str, &str)>) {
            let place = Place::of(topic).map(|place| (place.root, place.attribute));
            assert_eq!(place, expected, "{topic}");
        }
        check("homie/lamp/$state", Some(("homie/lamp", "$state")));
        check("home/lamp/light/on/$settable", Some(("home/lamp", "light/on/$settable")));
        check("homie/lamp/$stats/uptime", Some(("homie/lamp", "$stats/uptime")));
        check("homie/lamp/$fw/name", Some(("homie/lamp", "$fw/name")));
        check("homie/5/lamp/$state", Some(("homie/5/lamp", "$state")));
        check("homie/5/lamp/$description", Some(("homie/5/lamp", "$description")));
        check("homie/5/$broadcast/$state", None);
        check("homie/$broadcast/$name", None);
        check("homie/lamp/light/on", None);
        check("homie", None);
    }
}
