//! Secrets in what clients say: people paste a password into the field for the client id, and boards are built that
//! put it into a topic. What the gate tells becomes kept texts, the log and answers of the API, so it goes through
//! here first, once, where it comes in. Messages do not.

use broker::{ClientInfo, GateEvent};

use crate::access::Credentials;

impl Credentials {
    /// An event with each word that is a secret told by its length.
    pub(crate) fn without_secrets(&self, event: GateEvent) -> GateEvent {
        match event {
            GateEvent::Connected(mut info) => {
                info.client_id = self.told_client(&info).into();
                GateEvent::Connected(info)
            }
            GateEvent::Disconnected { client_id, user, why, will } => GateEvent::Disconnected {
                client_id: self.masked(&client_id, Some(&user)),
                why: self.masked(&why, Some(&user)),
                user,
                will,
            },
            GateEvent::Refused { at, peer, client_id, user, what, why, advice, count, more, ago_ms } => {
                GateEvent::Refused {
                    at,
                    peer,
                    // Whoever is not in may say anybody's.
                    client_id: client_id.map(|id| self.masked(&id, None)),
                    what: self.masked(&what, user.as_deref()),
                    why: self.masked(&why, user.as_deref()),
                    advice: self.masked(&advice, user.as_deref()),
                    user,
                    count,
                    more,
                    ago_ms,
                }
            }
            GateEvent::Denied { client_id, user, peer, topic, action, count, more, ago_ms } => {
                GateEvent::Denied {
                    client_id: self.masked(&client_id, Some(&user)),
                    topic: self.masked(&topic, Some(&user)),
                    user,
                    peer,
                    action,
                    count,
                    more,
                    ago_ms,
                }
            }
            GateEvent::Held { client_id, user, peer, topic, why, count, more, ago_ms } => GateEvent::Held {
                client_id: self.masked(&client_id, Some(&user)),
                topic: self.masked(&topic, Some(&user)),
                user,
                peer,
                why,
                count,
                more,
                ago_ms,
            },
            GateEvent::Learned { client_id, user, action, topic } => GateEvent::Learned {
                client_id: self.masked(&client_id, Some(&user)),
                topic: self.masked(&topic, Some(&user)),
                user,
                action,
            },
            GateEvent::Dropped { client_id, count, why } => {
                GateEvent::Dropped { client_id: self.masked(&client_id, None), count, why }
            }
            GateEvent::RetainedFull { client_id, user, topic, count, why } => GateEvent::RetainedFull {
                client_id: self.masked(&client_id, Some(&user)),
                topic: self.masked(&topic, Some(&user)),
                user,
                count,
                why,
            },
            event @ (GateEvent::JournalFailing { .. } | GateEvent::BusRebuilt { .. }) => event,
        }
    }

    /// The id of a client that is in: as it is, since it is needed to find and kick the client, unless it is a secret.
    pub(crate) fn told_client(&self, info: &ClientInfo) -> String {
        self.masked(&info.client_id, Some(&info.user))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use broker::{Action, RefusedAt};
    use model::Permissions;
    use store::HubDb;

    use super::*;

    fn denied(client_id: &str, topic: &str) -> GateEvent {
        GateEvent::Denied {
            client_id: client_id.to_owned(),
            user: "plug".to_owned(),
            peer: None,
            topic: topic.to_owned(),
            action: Action::Publish,
            count: 1,
            more: 0,
            ago_ms: 0,
        }
    }

    fn refused(client_id: &str, why: &str) -> GateEvent {
        GateEvent::Refused {
            at: RefusedAt::Login,
            peer: ([127, 0, 0, 1], 1).into(),
            client_id: Some(client_id.to_owned()),
            user: Some("plug".to_owned()),
            what: "The client was not let in.".to_owned(),
            why: why.to_owned(),
            advice: "Check it.".to_owned(),
            count: 1,
            more: 0,
            ago_ms: 0,
        }
    }

    #[tokio::test]
    async fn no_event_has_a_secret_of_any_credential_and_what_is_none_stays() {
        let dir = tempfile::tempdir().unwrap();
        let db = Arc::new(HubDb::open(&dir.path().join("hub.db"), store::log_checked()).unwrap());
        let credentials = Credentials::load(db).unwrap();
        credentials.add("plug", Permissions::default(), None).await.unwrap();
        let secret = credentials.add("lamp", Permissions::default(), None).await.unwrap();
        let hidden = "…(24 characters)";
        let check = |event: fn(&str, &str) -> GateEvent, said: [&str; 2], told: [&str; 2]| {
            assert_eq!(credentials.without_secrets(event(said[0], said[1])), event(told[0], told[1]));
        };
        check(denied, [&secret, "a"], [hidden, "a"]);
        check(denied, ["c", &format!("home/{secret}/set")], ["c", &format!("home/{hidden}/set")]);
        check(
            refused,
            [&format!("plug-{secret}"), &format!("it may not publish to a/{secret}, which is its will")],
            [&format!("plug-{hidden}"), &format!("it may not publish to a/{hidden}, which is its will")],
        );
        let made_up = "ABCDEFGHIJKLMNOPQRSTUVWX";
        check(denied, [made_up, "tele/plug/STATE"], [made_up, "tele/plug/STATE"]);
    }
}
