//! `camera` and `image`: pictures. A picture is no state; where one can be fetched is.

use model::EntityDescription;

use super::super::config::{Config, missing};
use crate::announcement::Problem;

pub(super) fn read_camera(config: &Config) -> Result<(), Problem> {
    config.required_topic("topic").map(|_| ())
}

pub(super) fn read_image(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    match (config.topic("image_topic")?, config.topic("url_topic")?) {
        (None, None) => Err(missing("image_topic")),
        (Some(_), Some(_)) => Err(Problem::new(
            "`image_topic` and `url_topic` exclude each other",
            "Announce the entity again with one of them.",
        )),
        (Some(_), None) => Ok(()),
        (None, Some(_)) => {
            entity.sources.extend(config.source("url_topic", "url_template", "")?);
            Ok(())
        }
    }
}
