//! `camera` and `image`: pictures. A picture is no state; where one can be fetched is.

use model::features::PictureFeatures;
use model::{EntityDescription, Features};

use super::super::config::{Config, missing};
use crate::announcement::Problem;

pub(super) fn read_camera(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    let topic = config.required_topic("topic")?;
    entity.features = Some(picture(config, topic));
    Ok(())
}

pub(super) fn read_image(config: &Config, entity: &mut EntityDescription) -> Result<(), Problem> {
    match (config.topic("image_topic")?, config.topic("url_topic")?) {
        (None, None) => Err(missing("image_topic")),
        (Some(_), Some(_)) => Err(Problem::new(
            "`image_topic` and `url_topic` exclude each other",
            "Announce the entity again with one of them.",
        )),
        (Some(topic), None) => {
            entity.features = Some(picture(config, topic));
            Ok(())
        }
        (None, Some(_)) => {
            entity.sources.extend(config.source("url_topic", "url_template", "")?);
            Ok(())
        }
    }
}

/// Older announcements of cameras say `encoding`, which Home Assistant has for text otherwise.
fn picture(config: &Config, topic: String) -> Box<Features> {
    let base64 = ["image_encoding", "encoding"].iter().any(|key| config.text(key).as_deref() == Some("b64"));
    Box::new(Features::Picture(PictureFeatures { topic, base64 }))
}
