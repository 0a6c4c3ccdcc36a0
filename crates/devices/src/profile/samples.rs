//! A profile's own samples: these messages make these entities.

use std::sync::Arc;

use bytes::Bytes;
use model::{Message, Publisher, QoS};

use super::Profile;
use super::schema::{Sample, SampleEntity};
use crate::{Effect, Home};

impl Profile {
    /// Plays the `[[tests]]` of the profile, each in an empty home; returns what is not as the profile says,
    /// in words. A profile that fails its own samples is not to be trusted with devices.
    pub fn failing_samples(&self) -> Vec<String> {
        self.file.tests.iter().flat_map(|sample| self.play(sample)).collect()
    }

    fn play(&self, sample: &Sample) -> Vec<String> {
        let mut home = Home::new(vec![self.clone()]);
        let mut faults = Vec::new();
        let publisher = Arc::new(Publisher { user: "sample".to_owned(), client_id: "sample".to_owned() });
        for (at, message) in (1u32..).zip(&sample.messages) {
            let message = Message {
                id: u64::from(at),
                time_ms: i64::from(at) * 1_000,
                topic: message.topic.as_str().into(),
                payload: Bytes::from(message.payload.clone()),
                qos: QoS::AtMostOnce,
                retain: false,
                publisher: Arc::clone(&publisher),
                cause: None,
                properties: None,
            };
            for effect in home.handle(&message, true) {
                if let Effect::Refused(refused) = effect {
                    faults.push(format!("{}: {}. {}", refused.topic, refused.why, refused.advice));
                }
            }
        }
        for (unique_id, expected) in &sample.entities {
            faults.extend(differences(&home, unique_id, expected));
        }
        faults.into_iter().map(|fault| format!("sample {:?}: {fault}", sample.name)).collect()
    }
}

fn differences(home: &Home, unique_id: &str, expected: &SampleEntity) -> Vec<String> {
    let Some(entity) = home.entities().find(|entity| entity.description.unique_id == unique_id) else {
        return vec![format!("there is no entity {unique_id}")];
    };
    let is = &entity.description;
    let component =
        serde_json::to_value(is.component).ok().and_then(|word| word.as_str().map(ToOwned::to_owned));
    let state = home.state(&entity.id).and_then(|state| state.value.as_ref()).map(ToString::to_string);
    let component_wanted = Some(expected.component.clone());
    let compared = [
        ("component", &component, &component_wanted),
        ("name", &is.name, &expected.name),
        ("unit", &is.unit, &expected.unit),
        ("device_class", &is.device_class, &expected.device_class),
        ("state", &state, &expected.state),
    ];
    compared
        .into_iter()
        .filter(|(_, is, wanted)| wanted.is_some() && is != wanted)
        .map(|(what, is, wanted)| format!("{what} of {unique_id} is {is:?}, not {wanted:?}"))
        .collect()
}
