//! Adding a board: a credential of its own with the permissions of its firmware, and everything to type or
//! paste into it. And the demo home, whose boards are added the same way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use devices::Handover;
use fast_qr::convert::svg::SvgBuilder;
use fast_qr::qr::QRBuilder;
use model::Permissions;
use serde_json::json;

use crate::api::ApiError;
use crate::api::types::{AddBoard, BoardAccess, Level, Snippet};
use crate::demo::{self, Demo};
use crate::frames::HubEvent;
use crate::pairing::record::Board;
use crate::{Hub, ingest, scripts};

/// Names tried when a name is taken.
const NAMES_TRIED_MAX: u32 = 100;
/// Longest name of a board, characters.
const NAME_CHARACTERS_MAX: usize = 100;

/// How long a question that was on its way to a removed board may take to be written.
const LAST_QUESTIONS: Duration = Duration::from_millis(200);

impl Hub {
    /// Makes the credential of a board.
    pub async fn add_board(&self, board: AddBoard) -> Result<BoardAccess, ApiError> {
        let profile = self.profile(&board.firmware)?;
        let user = self.free_user_but(&slug_of(&board.name)?, |_| false)?;
        if let Some(area) = &board.area
            && !self.home.read().areas().any(|known| known.id == *area)
        {
            return Err(ApiError::not_found("area", area));
        }
        let variables =
            BTreeMap::from([("user".to_owned(), user.clone()), ("topic".to_owned(), user.clone())]);
        let permissions = profile.acl(&variables).map_err(ApiError::internal)?;
        let secret = self.make_credential(&user, permissions.clone(), None).await?;
        // The names in a bridge's house are those of its devices.
        if !profile.is_bridge() {
            let known = Board::by_hand(board.name.trim(), &board.firmware, &user, board.area);
            self.credentials.keep_board(&user, json!(known)).await?;
            let expected = known.expected();
            self.pairings.add_board(&user, known);
            self.home.write().expect_board(&user, Some(expected));
        }
        let address = self.board_address();
        let handover = Handover {
            host: address.host.clone(),
            port: address.port,
            user: user.clone(),
            password: secret.clone(),
            topic: user.clone(),
        };
        let snippets: Vec<Snippet> = profile
            .snippets(&handover)
            .map_err(ApiError::internal)?
            .into_iter()
            .map(|snippet| Snippet { title: snippet.title, language: snippet.language, text: snippet.text })
            .collect();
        let coded = snippets
            .first()
            .map_or_else(|| format!("mqtt://{}:{}", address.host, address.port), |s| s.text.clone());
        self.activity.add(
            Level::Info,
            "credential",
            Some(&user),
            format!("A credential for the board `{}` was made.", board.name),
        );
        Ok(BoardAccess {
            host: address.host,
            port: address.port,
            topic: user.clone(),
            user,
            secret,
            permissions,
            snippets,
            qr_svg: qr_svg(&coded),
            warning: address.warning,
        })
    }

    /// Makes a credential, and lets the home hold what is announced with it to its permissions.
    pub(crate) async fn make_credential(
        &self,
        name: &str,
        permissions: Permissions,
        secret: Option<String>,
    ) -> Result<String, ApiError> {
        // What is there already is left alone.
        let is_new = self.credentials.get(name).is_none();
        if is_new {
            // The home knows of it before it can log in: nothing it announces is taken for a stranger's.
            self.home.write().set_permissions(name, Some(permissions.clone()));
        }
        let added = self.credentials.add(name, permissions, secret).await;
        if added.is_err() && is_new && self.credentials.get(name).is_none() {
            self.home.write().set_permissions(name, None);
        }
        added
    }

    /// Removes a credential and closes its connections; returns how many, or `None` if there is no such
    /// credential. Its devices stay, and belong to whoever announces them next.
    pub(crate) async fn drop_credential(
        self: &Arc<Self>,
        name: &str,
        why: &str,
    ) -> Result<Option<usize>, ApiError> {
        // First the door is shut, then it is written down: a full disk keeps nobody in.
        if !self.credentials.lock_out(name) {
            return Ok(None);
        }
        self.pairings.forget(name);
        let closed = self.gate.disconnect_user(name, why);
        let released = {
            let mut home = self.home.write();
            home.set_permissions(name, None);
            home.release_devices(name)
        };
        let removed = match self.learning.forget(name).await {
            Ok(()) => self.credentials.remove(name).await.map(drop),
            Err(why) => Err(why),
        };
        let released = self.wish(released).await;
        self.look_anew();
        removed.map_err(|why| ApiError {
            message: format!(
                "`{name}` is locked out now and {closed} connections were closed, but it could not be removed for \
                 good. Free space on the disk and revoke it again before the hub is restarted. {}",
                why.message
            ),
            ..why
        })?;
        released?;
        Ok(Some(closed))
    }

    /// A user name made of this that no credential has. `taken` knows of more that are taken.
    pub(crate) fn free_user_but(&self, slug: &str, taken: impl Fn(&str) -> bool) -> Result<String, ApiError> {
        let slug =
            if slug.starts_with(demo::USER_PREFIX) { format!("board-{slug}") } else { slug.to_owned() };
        std::iter::once(slug.clone())
            .chain((2..NAMES_TRIED_MAX).map(|n| format!("{slug}-{n}")))
            .find(|name| {
                self.credentials.get(name).is_none() && name != model::Publisher::HUB && !taken(name)
            })
            .ok_or_else(|| {
                ApiError::conflict(format!("There are too many boards called `{slug}`. Choose another name."))
            })
    }

    /// Starts the demo home, and remembers to do so at the next start.
    pub async fn start_demo(self: &Arc<Self>) -> Result<(), ApiError> {
        self.keep_setting("demo", json!(true)).await?;
        self.resume_demo().await;
        self.activity.add(Level::Info, "hub", None, "The demo home started. Settings removes it again.");
        Ok(())
    }

    /// Connects the demo's boards, each with a new secret: nobody else needs to know it.
    pub(crate) async fn resume_demo(self: &Arc<Self>) {
        let mut running = self.demo.lock().await;
        if running.is_some() {
            return;
        }
        let Some(broker) = self.listening(broker::Transport::Tcp).map(reachable) else {
            let text = "The demo home is not connected: plain MQTT is switched off, and its boards speak nothing else.";
            self.activity.add(Level::Warning, "hub", None, text);
            return;
        };
        let mut secrets = BTreeMap::new();
        for (user, permissions) in demo::credentials() {
            let _ = self.credentials.remove(&user).await;
            match self.make_credential(&user, permissions, None).await {
                Ok(secret) => {
                    secrets.insert(user, secret);
                }
                Err(why) => tracing::error!(%why, user, "a demo board has no credential"),
            }
        }
        *running = Some(Demo::start(broker, |user| secrets.remove(user)));
    }

    /// Stops the demo home and takes away everything it left: devices, readings, retained messages,
    /// credentials, empty areas it brought.
    pub async fn remove_demo(self: &Arc<Self>) -> Result<(), ApiError> {
        self.keep_setting("demo", serde_json::Value::Null).await?;
        let running = self.demo.lock().await.take();
        if let Some(demo) = running {
            demo.stop().await;
        }
        for (user, _) in demo::credentials() {
            self.drop_credential(&user, "the demo home was removed").await?;
        }
        // The boards' last words first, also those that are being gathered, so that nothing comes back after its
        // device is gone.
        self.journal.flush().await.map_err(ApiError::internal)?;
        self.ingested().await;
        let (devices, areas): (Vec<_>, Vec<_>) = {
            let home = self.home.read();
            let demo = home.devices().filter(|device| device.demo);
            demo.map(|device| (device.id.clone(), device.area.clone())).unzip()
        };
        if !devices.is_empty() {
            self.remove_devices("the owner", &devices, false).await?;
        }
        self.clear_demo_retained();
        for area in areas.into_iter().flatten() {
            let still_used =
                self.home.read().devices().any(|device| device.area.as_deref() == Some(area.as_str()));
            if !still_used {
                let removed = self.home.write().remove_area(&area);
                if let Ok(effects) = removed {
                    self.wish(effects).await?;
                }
            }
        }
        // Again and again: what Hearth still asked of a board while it was being removed comes behind the first time.
        for _ in 0..2 {
            self.forget_demo_messages().await?;
            tokio::time::sleep(LAST_QUESTIONS).await;
        }
        self.forget_demo_messages().await?;
        self.watchers.tell(&HubEvent::Areas);
        self.activity.add(Level::Info, "hub", None, "The demo home was removed with all its data.");
        Ok(())
    }

    /// Takes the demo's messages out of the journal: every topic its boards may write or read.
    async fn forget_demo_messages(&self) -> Result<(), ApiError> {
        let filters: Vec<_> =
            demo::credentials().flat_map(|(_, may)| may.write.into_iter().chain(may.read)).collect();
        self.journal.flush().await.map_err(ApiError::internal)?;
        let journal = self.journal.clone();
        let forgetting = tokio::task::spawn_blocking(move || {
            let topics = journal.topics()?.into_iter().map(|topic| topic.topic);
            let demo = topics.filter(|topic| filters.iter().any(|filter| filter.matches(topic)));
            journal.forget_topics(demo.collect());
            Ok::<_, store::StoreError>(())
        });
        forgetting.await.map_err(ApiError::internal)?.map_err(ApiError::internal)
    }

    /// Clears what the demo's boards left retained; the gate knows who sent each message.
    fn clear_demo_retained(&self) {
        let retained = self.gate.retained(&crate::start::everything(), usize::MAX);
        for message in retained.iter().filter(|message| message.publisher.user.starts_with(demo::USER_PREFIX))
        {
            self.clear_retained(&message.topic, "the demo home was removed");
        }
    }

    /// Carries out what a wish brought about and waits until it is durable.
    pub(crate) async fn wish(self: &Arc<Self>, effects: Vec<devices::Effect>) -> Result<(), ApiError> {
        let hub = self.clone();
        let carried_out = tokio::task::spawn_blocking(move || ingest::carry_out_wish(&hub, effects)).await;
        carried_out.map_err(ApiError::internal)?.await.map_err(ApiError::internal)
    }
}

/// Where a program on this computer reaches a broker that listens everywhere.
fn reachable(mut address: std::net::SocketAddr) -> std::net::SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    address
}

/// What the user name and topic of a board are made of.
pub(crate) fn slug_of(name: &str) -> Result<String, ApiError> {
    if name.chars().count() > NAME_CHARACTERS_MAX {
        return Err(ApiError::invalid(format!("A name has at most {NAME_CHARACTERS_MAX} characters.")));
    }
    let slug = topic_word(name);
    if slug.is_empty() {
        return Err(ApiError::invalid(
            "Give the board a name with a letter or digit in it, such as `Kitchen plug`.",
        ));
    }
    Ok(slug)
}

/// A name as one level of a topic that any board can type: ASCII letters, digits and `-`.
fn topic_word(name: &str) -> String {
    let mut ascii = String::with_capacity(name.len());
    for c in name.chars() {
        match c {
            'ä' | 'Ä' => ascii.push_str("ae"),
            'ö' | 'Ö' => ascii.push_str("oe"),
            'ü' | 'Ü' => ascii.push_str("ue"),
            'ß' => ascii.push_str("ss"),
            c if c.is_ascii() => ascii.push(c),
            // Another script: its code points, so that the board still gets a topic of its own.
            c if c.is_alphanumeric() => ascii.push_str(&format!("{:x}", u32::from(c))),
            _ => ascii.push(' '),
        }
    }
    scripts::slug(&ascii).chars().take(32).collect::<String>().trim_end_matches('-').to_owned()
}

/// A QR code as a picture; empty when the text is longer than a code can hold.
fn qr_svg(text: &str) -> String {
    QRBuilder::new(text).build().map(|code| SvgBuilder::default().to_str(&code)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_topics() {
        fn check(name: &str, expected: &str) {
            assert_eq!(topic_word(name), expected);
        }
        check("Kitchen plug", "kitchen-plug");
        check("Küche #1/+", "kueche-1");
        check("  ", "");
        check("灯", "706f");
        check(&"x".repeat(100), &"x".repeat(32));
    }

    #[test]
    fn a_snippet_fits_a_code() {
        assert!(qr_svg("Backlog MqttHost 192.168.1.7; MqttUser kitchen-plug").starts_with("<svg"));
    }
}
