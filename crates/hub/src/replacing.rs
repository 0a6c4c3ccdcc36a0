//! A new board takes the place of another one. The registry and the old board's credential change in one
//! transaction, so that a crash leaves either two boards or the one that was wanted. The new board's readings move
//! behind the old ones afterwards; that they are to is a part of the transaction, and finished at the next start if
//! need be.

use std::sync::Arc;

use devices::{Home, MatchedBy, Replacement};
use model::{Component, Device};
use serde_json::{Value, json};
use store::{Conn, StoreError};

use crate::api::ApiError;
use crate::api::types::{
    GainedEntity, Level, LostEntity, MatchBy, MatchedEntity, ReplacePreview, Replaced, RetainedTopic,
};
use crate::proposals::former;
use crate::{Hub, clock, ingest};

/// Where it is kept which readings are to go on under another entity: pairs of entity ids.
const MOVES: &str = "readings-to-move";

/// What becomes of the old board's credential.
#[derive(Default)]
struct Fate {
    revokes: Option<String>,
    keeps: Option<String>,
}

impl Hub {
    /// What [`Hub::replace_device`] would do. Looks at all retained messages, so not on an async worker.
    pub(crate) fn replace_preview(&self, old: &str, new: &str) -> Result<ReplacePreview, ApiError> {
        let retained = self.left_retained(old, new)?;
        let home = self.home.read();
        let plan = home.replacement(old, new).map_err(|why| ApiError::from_registry(&why))?;
        let device = |id: &str| home.device(id).cloned().ok_or_else(|| ApiError::not_found("device", id));
        let (before, after) = (device(old)?, device(new)?);
        let Fate { revokes, keeps } = self.fate(&home, &before, &after);
        let entity = |id: &str| {
            home.entity(id).map_or((id.to_owned(), Component::Sensor), |entity| {
                (entity.name.clone(), entity.description.component)
            })
        };
        let plain = |id: String| {
            let (name, component) = entity(&id);
            LostEntity { id, name, component }
        };
        let Replacement { matched, lost, gained, by_hand } = plan;
        Ok(ReplacePreview {
            matched: matched
                .into_iter()
                .map(|matched| {
                    let (name, component) = entity(&matched.id);
                    let from_name = entity(&matched.from).0;
                    let by = match matched.by {
                        MatchedBy::UniqueId => MatchBy::UniqueId,
                        MatchedBy::Name => MatchBy::Name,
                        MatchedBy::Kind => MatchBy::Kind,
                    };
                    MatchedEntity { id: matched.id, name, component, from_name, from: matched.from, by }
                })
                .collect(),
            lost: lost.into_iter().map(plain).collect(),
            gained: gained
                .into_iter()
                .map(|gained| {
                    let (name, component) = entity(&gained.from);
                    GainedEntity { id: gained.id, name, component }
                })
                .collect(),
            by_hand: by_hand.into_iter().map(plain).collect(),
            old: before,
            new: after,
            revokes,
            keeps,
            retained,
        })
    }

    /// What the old board leaves retained: what it has, without what is the new one's, too.
    fn left_retained(&self, old: &str, new: &str) -> Result<Vec<RetainedTopic>, ApiError> {
        let news = self.retained_of_device(new)?.topics;
        let is_news = |topic: &RetainedTopic| news.iter().any(|other| other.topic == topic.topic);
        let mut left = self.retained_of_device(old)?.topics;
        left.retain(|topic| !is_news(topic));
        Ok(left)
    }

    fn fate(&self, home: &Home, old: &Device, new: &Device) -> Fate {
        let Some(user) = old.credential.clone().filter(|user| self.credentials.get(user).is_some()) else {
            return Fate::default();
        };
        let others =
            home.devices_of(&user).filter(|device| device.id != old.id && device.id != new.id).count();
        let why = if new.credential.as_ref() == Some(&user) {
            format!("The new board uses `{user}`, too.")
        } else if others == 1 {
            format!("Another device uses `{user}`, too.")
        } else if others > 1 {
            format!("{others} other devices use `{user}`, too.")
        } else {
            return Fate { revokes: Some(user), keeps: None };
        };
        Fate { revokes: None, keeps: Some(why) }
    }

    /// Puts the board that announced `new` in the place of `old`; durable when this returns.
    pub(crate) async fn replace_device(
        self: &Arc<Self>,
        who: &str,
        old: &str,
        new: &str,
    ) -> Result<Replaced, ApiError> {
        self.ingested().await;
        // What the old board reported is stored before nobody listens to it any more.
        self.readings.flush().await.map_err(ApiError::internal)?;
        let hub = self.clone();
        let (from, to) = (new.to_owned(), old.to_owned());
        let looking = tokio::task::spawn_blocking(move || hub.left_retained(&to, &from));
        let retained = looking.await.map_err(ApiError::internal)??;
        let (effects, revoked, names, moves, written) = {
            let mut home = self.home.write();
            let device = |id: &str| home.device(id).cloned().ok_or_else(|| ApiError::not_found("device", id));
            let (before, after) = (device(old)?, device(new)?);
            let Fate { revokes, .. } = self.fate(&home, &before, &after);
            let (roots, now_ms) = (home.roots_of(old), clock::now_ms());
            let replaced = home.replace_device(old, new).map_err(|why| ApiError::from_registry(&why))?;
            let (plan, effects) = replaced;
            let moves: Vec<(String, String)> =
                plan.moved().map(|(from, to)| (from.to_owned(), to.to_owned())).collect();
            if let Some(user) = &revokes {
                self.credentials.lock_out(user);
                home.set_permissions(user, None);
            }
            let changes = ingest::registry::changes_of(&effects);
            let (user, kept) = (revokes.clone(), moves.clone());
            let (from, to) = (new.to_owned(), old.to_owned());
            // Queued while the home is held: nothing can be written in between that knows half of it.
            let written = ingest::registry::write_together(&self.db, &home, &changes, move |conn| {
                if let Some(user) = &user {
                    store::board::remove(conn, user)?;
                }
                store::device_log::give(conn, &from, &to)?;
                former::keep(conn, &roots, now_ms)?;
                add_moves(conn, &kept)
            });
            (effects, revokes, (before.name, after.name), moves, written)
        };
        if let Some(user) = &revoked {
            self.pairings.forget(user);
            self.gate.disconnect_user(user, &format!("{who} replaced its board"));
        }
        let kept = written.await;
        // Tells the watchers, and writes again what a full disk may have refused.
        let wished = self.wish(effects).await;
        kept.map_err(|why| not_kept(&why)).and(wished)?;
        if let Some(user) = &revoked {
            self.learning.forget(user).await?;
            self.credentials.remove(user).await?;
        }
        // What is still on its way under the names until now is behind us then.
        self.ingested().await;
        self.look_anew();
        self.move_readings(moves).await?;
        let (before, after) = names;
        let credential =
            revoked.as_ref().map_or(String::new(), |user| format!(" The credential `{user}` is revoked."));
        let text = format!("{who} replaced the board of {before} by {after}.{credential}");
        self.activity.add(Level::Info, "device", Some(old), text);
        let device =
            self.home.read().device(old).cloned().ok_or_else(|| ApiError::not_found("device", old))?;
        Ok(Replaced { device, revoked, retained })
    }

    async fn move_readings(&self, moves: Vec<(String, String)>) -> Result<(), ApiError> {
        let moving: Vec<_> = moves.iter().map(|(from, to)| self.readings.move_entity(from, to)).collect();
        for moved in moving {
            moved.await.map_err(ApiError::internal)?;
        }
        self.db.write(move |conn| remove_moves(conn, &moves)).await.map_err(ApiError::internal)
    }

    /// Finishes what a crash cut off. Blocks; before anything is read from the journal.
    pub(crate) fn move_readings_again(&self) -> Result<(), StoreError> {
        let moves = self.db.read(moves)?;
        for (from, to) in &moves {
            self.readings.move_entity(from, to).wait()?;
        }
        if moves.is_empty() { Ok(()) } else { self.db.write(move |conn| remove_moves(conn, &moves)).wait() }
    }
}

fn not_kept(why: &StoreError) -> ApiError {
    ApiError::internal(format!(
        "the boards were swapped, but that could not be stored and may be undone by a restart ({why})"
    ))
}

fn moves(conn: &Conn) -> Result<Vec<(String, String)>, StoreError> {
    let kept = store::setting::get(conn, MOVES)?.unwrap_or(Value::Null);
    Ok(serde_json::from_value(kept).unwrap_or_default())
}

fn keep_moves(conn: &Conn, moves: &[(String, String)]) -> Result<(), StoreError> {
    if moves.is_empty() {
        return store::setting::remove(conn, MOVES).map(drop);
    }
    store::setting::set(conn, MOVES, &json!(moves))
}

fn add_moves(conn: &Conn, more: &[(String, String)]) -> Result<(), StoreError> {
    let mut all = moves(conn)?;
    all.extend_from_slice(more);
    keep_moves(conn, &all)
}

fn remove_moves(conn: &Conn, done: &[(String, String)]) -> Result<(), StoreError> {
    let mut left = moves(conn)?;
    left.retain(|kept| !done.contains(kept));
    keep_moves(conn, &left)
}
