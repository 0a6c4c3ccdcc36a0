//! What each method does. Most are a few lines: the rules are where the thing itself is.

use std::collections::BTreeMap;
use std::sync::Arc;

use automation::Automations;
use bytes::Bytes;
use devices::HandMade;
use model::topic::check_topic;
use model::{Area, Cause, Component, Entity, Publisher, QoS, TopicFilter};
use store::HistoryQuery;

use super::types::*;
use super::{ApiError, Caller, ErrorCode};
use crate::{Hub, clock, dashboard, demo, hex, views, watch};

type Result<T> = std::result::Result<T, ApiError>;

/// Readings of one answer unless the caller says otherwise, and at most.
const READINGS_DEFAULT: u32 = 10_000;
const READINGS_MAX: u32 = 100_000;
/// Buckets of one answer.
const BUCKETS_MAX: u32 = 5_000;
/// Topics of one answer unless the caller says otherwise, and at most.
const TOPICS_DEFAULT: u32 = 5_000;
const TOPICS_MAX: u32 = 50_000;
/// Longest payload a person publishes, bytes.
const PUBLISH_BYTES_MAX: usize = 1024 * 1024;
/// Longest name of a setting, and longest value, bytes of JSON.
const KEY_BYTES_MAX: usize = 64;
const SETTING_BYTES_MAX: usize = 64 * 1024;

fn person(caller: &Caller) -> Cause {
    Cause::Person { who: caller.who().to_owned() }
}

/// Runs something that reads or writes files off the async workers.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?
}

fn at_most(limit: Option<u32>, default: u32, max: u32) -> usize {
    limit.unwrap_or(default).clamp(1, max) as usize
}

pub(super) async fn info(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Info> {
    let counters = hub.gate.counters();
    let address = hub.board_address();
    let reading = hub.clone();
    let readings = blocking(move || reading.readings.count().map_err(ApiError::internal)).await?;
    let failures = [hub.journal.failure(), hub.db.failure(), hub.readings.failure()];
    Ok(Info {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        data_dir: hub.data.path().display().to_string(),
        mqtt: hub.gate.addresses().iter().map(ToString::to_string).collect(),
        board_host: address.host,
        board_port: address.port,
        board_warning: address.warning,
        http: hub.http_address().map(|address| address.to_string()),
        started_ms: hub.started_ms,
        now_ms: clock::now_ms(),
        demo: hub.demo.lock().await.is_some(),
        counters: Counters {
            messages_in: counters.messages_in,
            messages_out: counters.messages_out,
            dropped: counters.shed_qos0 + counters.dropped_clean + counters.dropped_queue,
            refused: counters.refused + counters.denied,
            clients: counters.connected,
            readings,
            journal_backlog: hub.journal.backlog() as u64,
        },
        troubles: failures.into_iter().flatten().collect(),
    })
}

pub(super) async fn home(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<HomeSnapshot> {
    let home = hub.home.read();
    Ok(HomeSnapshot {
        devices: home.devices().cloned().collect(),
        entities: home.entities().map(|entity| view(&home, entity)).collect(),
        areas: home.areas().cloned().collect(),
    })
}

fn view(home: &devices::Home, entity: &Entity) -> EntityView {
    EntityView { entity: entity.clone(), state: home.state(&entity.id).cloned().unwrap_or_default() }
}

pub(super) async fn get_device(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<DeviceDetail> {
    let (device, entities) = {
        let home = hub.home.read();
        let device = home.device(&by.id).cloned().ok_or_else(|| ApiError::not_found("device", &by.id))?;
        let entities: Vec<_> = home
            .entities()
            .filter(|entity| entity.device == by.id)
            .map(|entity| view(&home, entity))
            .collect();
        (device, entities)
    };
    let clients = hub.gate.clients();
    let user = device.credential.as_deref();
    let client = clients.iter().find(|client| user == Some(&client.user)).map(watch::client_view);
    let connected = client.as_ref().is_some_and(|client| client.connected);
    let credential =
        user.and_then(|user| hub.credentials.get(user)).map(|c| views::credential(&c, connected));
    let reading = hub.clone();
    let sources: BTreeMap<String, ()> = entities
        .iter()
        .flat_map(|view| &view.entity.description.sources)
        .map(|source| (source.topic.clone(), ()))
        .collect();
    let topics = blocking(move || {
        let mut topics = Vec::new();
        for topic in sources.into_keys() {
            let query = history_query(&topic, None, 1)?;
            topics.extend(reading.journal.history(&query).map_err(ApiError::internal)?.messages);
        }
        Ok(topics.iter().map(views::topic_message).collect())
    })
    .await?;
    Ok(DeviceDetail { device, entities, topics, credential, client })
}

pub(super) async fn rename_device(hub: &Arc<Hub>, _: &Caller, rename: Rename) -> Result<Empty> {
    let effects = hub.home.write().rename_device(&rename.id, Some(&rename.name));
    wish(hub, effects).await
}

pub(super) async fn move_device(hub: &Arc<Hub>, _: &Caller, wanted: MoveDevice) -> Result<Empty> {
    let effects = hub.home.write().move_device(&wanted.id, wanted.area.as_deref());
    wish(hub, effects).await
}

pub(super) async fn remove_device(hub: &Arc<Hub>, caller: &Caller, by: ById) -> Result<Empty> {
    let name = hub.home.read().device(&by.id).map(|device| device.name.clone()).unwrap_or_default();
    hub.remove_device(&by.id).await?;
    let text = format!("{} removed the device {name}.", caller.who());
    hub.activity.add(Level::Info, "device", Some(&by.id), text);
    Ok(Empty {})
}

pub(super) async fn rename_entity(hub: &Arc<Hub>, _: &Caller, rename: Rename) -> Result<Empty> {
    let effects = hub.home.write().rename_entity(&rename.id, Some(&rename.name));
    wish(hub, effects).await
}

pub(super) async fn add_entity(hub: &Arc<Hub>, _: &Caller, add: AddEntity) -> Result<Entity> {
    let wanted = HandMade {
        device: add.device,
        device_name: None,
        name: add.name,
        component: add.component.unwrap_or(Component::Sensor),
        topic: add.topic,
        path: add.path.filter(|path| !path.is_empty()),
        unit: add.unit.filter(|unit| !unit.is_empty()),
        command_topic: add.command_topic.filter(|topic| !topic.is_empty()),
    };
    let added = hub.home.write().add_entity_by_hand(wanted, clock::now_ms());
    let (id, effects) = added.map_err(|why| ApiError::from_registry(&why))?;
    hub.wish(effects).await?;
    hub.home.read().entity(&id).cloned().ok_or_else(|| ApiError::not_found("entity", &id))
}

pub(super) async fn remove_entity(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let effects = hub.home.write().remove_entity(&by.id);
    wish(hub, effects).await?;
    hub.readings.remove_entity(&by.id).await.map_err(ApiError::internal)?;
    Ok(Empty {})
}

pub(super) async fn add_area(hub: &Arc<Hub>, _: &Caller, named: Named) -> Result<Area> {
    let added = hub.home.write().add_area(&named.name);
    let (id, effects) = added.map_err(|why| ApiError::from_registry(&why))?;
    hub.wish(effects).await?;
    Ok(Area { id, name: named.name })
}

pub(super) async fn rename_area(hub: &Arc<Hub>, _: &Caller, rename: Rename) -> Result<Empty> {
    let effects = hub.home.write().rename_area(&rename.id, &rename.name);
    wish(hub, effects).await
}

pub(super) async fn remove_area(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let effects = hub.home.write().remove_area(&by.id);
    wish(hub, effects).await
}

async fn wish(
    hub: &Arc<Hub>,
    effects: std::result::Result<Vec<devices::Effect>, devices::RegistryError>,
) -> Result<Empty> {
    hub.wish(effects.map_err(|why| ApiError::from_registry(&why))?).await?;
    Ok(Empty {})
}

pub(super) async fn command(hub: &Arc<Hub>, caller: &Caller, command: Command) -> Result<Empty> {
    running(hub)?;
    let publisher = Publisher::hub("command");
    let Command { entity, verb, value, attributes } = command;
    hub.command(publisher, &entity, &verb, value.as_ref(), &attributes, person(caller)).map_err(|why| {
        let code = match why {
            devices::CommandError::UnknownEntity { .. } => ErrorCode::NotFound,
            _ => ErrorCode::Invalid,
        };
        ApiError { code, message: why.to_string() }
    })?;
    Ok(Empty {})
}

/// What only makes sense while boards are there.
fn running(hub: &Hub) -> Result<()> {
    if hub.options.mqtt.is_some() {
        return Ok(());
    }
    Err(ApiError::conflict("Hearth is not running, so nobody would hear this. Start it with `hearth serve`."))
}

fn known_entity(hub: &Hub, id: &str) -> Result<()> {
    match hub.home.read().entity(id) {
        Some(_) => Ok(()),
        None => Err(ApiError::not_found("entity", id)),
    }
}

fn check_span(from_ms: i64, to_ms: i64) -> Result<()> {
    if from_ms < to_ms {
        return Ok(());
    }
    Err(ApiError::invalid("The span of time is empty: `from_ms` must be smaller than `to_ms`."))
}

pub(super) async fn readings_range(hub: &Arc<Hub>, _: &Caller, range: ReadingsRange) -> Result<Readings> {
    known_entity(hub, &range.entity)?;
    check_span(range.from_ms, range.to_ms)?;
    let limit = at_most(range.limit, READINGS_DEFAULT, READINGS_MAX);
    settled(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let found = hub.readings.range(&range.entity, range.from_ms, range.to_ms, limit + 1);
        let mut readings = found.map_err(ApiError::internal)?;
        let more = readings.len() > limit;
        readings.truncate(limit);
        Ok(Readings { readings, more })
    })
    .await
}

/// Waits until what was accepted before this call can be read from the journal, lone QoS 0 messages included.
async fn journalled(hub: &Hub) -> Result<()> {
    hub.journal.flush().await.map_err(ApiError::internal)
}

/// Waits until what happened before this call can be read from `hub.db`.
async fn written(hub: &Hub) -> Result<()> {
    hub.db.flush().await.map_err(ApiError::internal)
}

/// Waits until what was accepted before this call can be read: whoever saw an acknowledgement finds the reading.
async fn settled(hub: &Hub) -> Result<()> {
    hub.ingested().await;
    hub.readings.flush().await.map_err(ApiError::internal)
}

pub(super) async fn readings_buckets(hub: &Arc<Hub>, _: &Caller, wanted: ReadingsBuckets) -> Result<Buckets> {
    known_entity(hub, &wanted.entity)?;
    check_span(wanted.from_ms, wanted.to_ms)?;
    let points = i64::from(wanted.points.clamp(1, BUCKETS_MAX));
    let span = wanted.to_ms.saturating_sub(wanted.from_ms);
    let bucket_ms = round_bucket(span.div_euclid(points).max(1));
    let hub = hub.clone();
    blocking(move || {
        let found = hub.readings.buckets(&wanted.entity, wanted.from_ms, wanted.to_ms, bucket_ms);
        Ok(Buckets { bucket_ms, buckets: found.map_err(ApiError::internal)? })
    })
    .await
}

/// The next length of a bucket that divides a day: buckets then stand still while a chart moves on.
fn round_bucket(at_least_ms: i64) -> i64 {
    const SECOND: i64 = 1_000;
    const MINUTE: i64 = 60 * SECOND;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    const LENGTHS: [i64; 19] = [
        100,
        500,
        SECOND,
        2 * SECOND,
        5 * SECOND,
        10 * SECOND,
        30 * SECOND,
        MINUTE,
        2 * MINUTE,
        5 * MINUTE,
        10 * MINUTE,
        15 * MINUTE,
        30 * MINUTE,
        HOUR,
        2 * HOUR,
        3 * HOUR,
        6 * HOUR,
        12 * HOUR,
        DAY,
    ];
    LENGTHS.into_iter().find(|length| *length >= at_least_ms).unwrap_or_else(|| {
        let days = at_least_ms.saturating_add(DAY - 1) / DAY;
        days.saturating_mul(DAY)
    })
}

pub(super) async fn last_reading(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<LastReading> {
    known_entity(hub, &by.id)?;
    settled(hub).await?;
    let hub = hub.clone();
    blocking(move || Ok(LastReading { reading: hub.readings.last(&by.id).map_err(ApiError::internal)? }))
        .await
}

pub(super) async fn publish(hub: &Arc<Hub>, caller: &Caller, publish: Publish) -> Result<Published> {
    running(hub)?;
    check_topic(&publish.topic)
        .map_err(|why| ApiError::invalid(format!("This topic cannot be used: {why}.")))?;
    if publish.topic.starts_with('$') {
        return Err(ApiError::invalid(
            "Topics that start with `$` belong to the broker. Choose another topic.",
        ));
    }
    let payload: Bytes = match publish.encoding {
        PayloadEncoding::Text => publish.payload.into(),
        PayloadEncoding::Hex => hex::decode(&publish.payload)
            .ok_or_else(|| ApiError::invalid("The payload is not written in pairs of hexadecimal digits."))?
            .into(),
    };
    if payload.len() > PUBLISH_BYTES_MAX {
        return Err(ApiError::invalid(format!(
            "A payload can have at most {} KiB.",
            PUBLISH_BYTES_MAX >> 10
        )));
    }
    if let Some(why) = hub.journal.failure() {
        return Err(ApiError::internal(why));
    }
    let publisher = Publisher::hub("publish");
    let cause = Some(person(caller));
    let message = hub.publish(publisher, publish.topic, payload, publish.qos, publish.retain, cause);
    let id = message.ok_or_else(|| ApiError::internal("the message was not accepted"))?.id;
    if publish.qos != QoS::AtMostOnce {
        hub.gate.durable(id).await;
    }
    Ok(Published { id })
}

pub(super) async fn list_topics(hub: &Arc<Hub>, _: &Caller, wanted: ListTopics) -> Result<Topics> {
    let limit = at_most(wanted.limit, TOPICS_DEFAULT, TOPICS_MAX);
    journalled(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let search = wanted.search.map(|text| text.to_lowercase()).filter(|text| !text.is_empty());
        let mut found = hub.journal.topics().map_err(ApiError::internal)?;
        found.retain(|topic| {
            wanted.after.as_deref().is_none_or(|after| &*topic.topic > after)
                && search.as_deref().is_none_or(|search| topic.topic.to_lowercase().contains(search))
        });
        found.sort_by(|a, b| a.topic.cmp(&b.topic));
        let more = found.len() > limit;
        found.truncate(limit);
        let mut topics = Vec::with_capacity(found.len());
        for topic in found {
            // The newest message may have been pruned; its topic is then a name without a value.
            let Some(last) = hub.journal.message(topic.last_id).map_err(ApiError::internal)? else {
                continue;
            };
            let retained = hub.is_retained(&topic.topic);
            topics.push(TopicView { count: topic.count, last: views::topic_message(&last), retained });
        }
        Ok(Topics { topics, more })
    })
    .await
}

pub(super) async fn topic_history(hub: &Arc<Hub>, _: &Caller, wanted: TopicHistory) -> Result<Messages> {
    let limit = at_most(wanted.limit, 100, 1_000);
    let query = history_query(&wanted.topic, wanted.before, limit)?;
    journalled(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let history = hub.journal.history(&query).map_err(ApiError::internal)?;
        Ok(Messages { messages: history.messages.iter().map(views::topic_message).collect() })
    })
    .await
}

fn history_query(topic: &str, before: Option<u64>, limit: usize) -> Result<HistoryQuery> {
    let mut query = HistoryQuery { before, limit, ..HistoryQuery::default() };
    if topic.contains(['+', '#']) {
        query.filter = Some(filter(topic)?);
    } else {
        query.topic = Some(topic.to_owned());
    }
    Ok(query)
}

/// A filter as a person typed it.
pub(super) fn filter(text: &str) -> Result<TopicFilter> {
    TopicFilter::new(text).map_err(|why| ApiError::invalid(format!("`{text}` is no topic filter: {why}.")))
}

pub(super) async fn clear_retained(hub: &Arc<Hub>, caller: &Caller, by: ByTopic) -> Result<Empty> {
    running(hub)?;
    if !hub.is_retained(&by.topic) {
        return Err(ApiError {
            code: ErrorCode::NotFound,
            message: format!("No message is retained on `{}`.", by.topic),
        });
    }
    hub.clear_retained(&by.topic, caller.who());
    Ok(Empty {})
}

pub(super) async fn list_credentials(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Credentials> {
    let clients = hub.gate.clients();
    let connected = |name: &str| clients.iter().any(|client| &*client.user == name && client.peer.is_some());
    let credentials = hub.credentials.list();
    Ok(Credentials {
        credentials: credentials.iter().map(|c| views::credential(c, connected(&c.name))).collect(),
    })
}

pub(super) async fn add_credential(
    hub: &Arc<Hub>,
    caller: &Caller,
    add: AddCredential,
) -> Result<NewCredential> {
    if add.name.starts_with(demo::USER_PREFIX) {
        return Err(ApiError::invalid(
            "Names that start with `demo-` belong to the demo home. Choose another.",
        ));
    }
    let secret = hub.credentials.add(&add.name, add.permissions.clone(), add.secret).await?;
    let text = format!("{} made the credential `{}`.", caller.who(), add.name);
    hub.activity.add(Level::Info, "credential", Some(&add.name), text);
    Ok(NewCredential { user: add.name, secret, permissions: add.permissions })
}

pub(super) async fn revoke_credential(hub: &Arc<Hub>, caller: &Caller, named: Named) -> Result<Empty> {
    if !hub.credentials.remove(&named.name).await? {
        return Err(ApiError::not_found("credential", &named.name));
    }
    let closed = hub.gate.disconnect_user(&named.name, "its credential was revoked");
    let text = format!(
        "{} revoked the credential `{}`; {closed} connections were closed.",
        caller.who(),
        named.name
    );
    hub.activity.add(Level::Info, "credential", Some(&named.name), text);
    Ok(Empty {})
}

pub(super) async fn add_board(hub: &Arc<Hub>, _: &Caller, board: AddBoard) -> Result<BoardAccess> {
    hub.add_board(board).await
}

pub(super) async fn list_clients(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Clients> {
    let mut clients: Vec<_> = hub.gate.clients().iter().map(watch::client_view).collect();
    clients.sort_by(|a, b| a.client_id.cmp(&b.client_id));
    Ok(Clients { clients })
}

pub(super) async fn list_automations(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<AutomationList> {
    let mut automations = hub.scripts().list();
    automations.sort_by_key(|automation| automation.name.to_lowercase());
    Ok(AutomationList { automations })
}

pub(super) async fn get_automation(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<AutomationDetail> {
    hub.scripts().get(&by.id)
}

pub(super) async fn save_automation(
    hub: &Arc<Hub>,
    _: &Caller,
    save: SaveAutomation,
) -> Result<AutomationDetail> {
    let hub = hub.clone();
    blocking(move || {
        let id = hub.scripts().save(&hub, save.id, save.name.as_deref(), save.source)?;
        hub.scripts().get(&id)
    })
    .await
}

pub(super) async fn enable_automation(
    hub: &Arc<Hub>,
    _: &Caller,
    enable: EnableAutomation,
) -> Result<AutomationView> {
    let hub = hub.clone();
    blocking(move || {
        hub.scripts().enable(&hub, &enable.id, enable.enabled)?;
        Ok(hub.scripts().get(&enable.id)?.automation)
    })
    .await
}

pub(super) async fn remove_automation(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let hub = hub.clone();
    blocking(move || hub.scripts().remove(&hub, &by.id).map(|()| Empty {})).await
}

pub(super) async fn check_script(_: &Arc<Hub>, _: &Caller, script: ScriptSource) -> Result<ScriptCheck> {
    blocking(move || {
        let found = Automations::examine(&script.source);
        Ok(ScriptCheck {
            triggers: found.triggers.into_iter().map(|trigger| trigger.trigger).collect(),
            error: found.errors.into_iter().next(),
            warnings: found.warnings,
        })
    })
    .await
}

pub(super) async fn script_functions(_: &Arc<Hub>, _: &Caller, _: Empty) -> Result<ScriptFunctions> {
    let functions = automation::completions().into_iter();
    Ok(ScriptFunctions {
        functions: functions
            .map(|function| ScriptFunction {
                name: function.name,
                signature: function.signature,
                help: function.help,
            })
            .collect(),
    })
}

pub(super) async fn list_runs(hub: &Arc<Hub>, _: &Caller, wanted: ListRuns) -> Result<Runs> {
    let limit = at_most(wanted.limit, 50, store::run::RUNS_MAX);
    written(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        let newest = hub
            .db
            .read(|conn| store::run::newest(conn, wanted.automation.as_deref(), wanted.before_ms, limit));
        Ok(Runs { runs: newest.map_err(ApiError::internal)? })
    })
    .await
}

pub(super) async fn list_activity(hub: &Arc<Hub>, _: &Caller, wanted: ListActivity) -> Result<Activity> {
    let limit = at_most(wanted.limit, 100, 1_000);
    written(hub).await?;
    let hub = hub.clone();
    blocking(move || {
        Ok(Activity { lines: hub.activity.list(wanted.before, limit).map_err(ApiError::internal)? })
    })
    .await
}

pub(super) async fn dashboard(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Dashboard> {
    let home = hub.home.read();
    let areas: Vec<_> = home.areas().cloned().collect();
    let devices: Vec<_> = home.devices().cloned().collect();
    let entities: Vec<_> = home.entities().cloned().collect();
    drop(home);
    Ok(dashboard::of(&areas, &devices, &entities))
}

pub(super) async fn start_demo(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Empty> {
    hub.start_demo().await?;
    Ok(Empty {})
}

pub(super) async fn remove_demo(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Empty> {
    hub.remove_demo().await?;
    Ok(Empty {})
}

pub(super) async fn get_setting(hub: &Arc<Hub>, _: &Caller, by: ByKey) -> Result<Setting> {
    let value = hub.setting(&by.key).unwrap_or_default();
    Ok(Setting { key: by.key, value })
}

pub(super) async fn set_setting(hub: &Arc<Hub>, _: &Caller, setting: Setting) -> Result<Empty> {
    if setting.key.is_empty() || setting.key.len() > KEY_BYTES_MAX || setting.key == "demo" {
        return Err(ApiError::invalid(format!("`{}` is no setting that can be changed here.", setting.key)));
    }
    if setting.value.to_string().len() > SETTING_BYTES_MAX {
        return Err(ApiError::invalid(format!(
            "A setting can have at most {} KiB.",
            SETTING_BYTES_MAX >> 10
        )));
    }
    hub.keep_setting(&setting.key, setting.value).await?;
    Ok(Empty {})
}

impl Hub {
    /// Keeps a setting; `null` forgets it. Durable when this returns.
    pub(crate) async fn keep_setting(&self, key: &str, value: serde_json::Value) -> Result<()> {
        let key = key.to_owned();
        let written = self.db.write(move |conn| match value {
            serde_json::Value::Null => store::setting::remove(conn, &key).map(|_| ()),
            value => store::setting::set(conn, &key, &value),
        });
        written.await.map_err(ApiError::internal)
    }

    pub(crate) fn is_retained(&self, topic: &str) -> bool {
        TopicFilter::new(topic).is_ok_and(|filter| !self.gate.retained(&filter, 1).is_empty())
    }

    /// Takes away what is retained on a topic, by the empty retained message MQTT has for it.
    pub(crate) fn clear_retained(&self, topic: &str, who: &str) {
        let cause = Some(Cause::Person { who: who.to_owned() });
        let publisher = Publisher::hub("clear-retained");
        self.publish(publisher, topic.to_owned(), Bytes::new(), QoS::AtLeastOnce, true, cause);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_have_round_lengths() {
        fn check(at_least_ms: i64, expected: i64) {
            assert_eq!(round_bucket(at_least_ms), expected);
        }
        check(1, 100);
        check(432_000, 600_000);
        check(3_600_000, 3_600_000);
        check(100_000_000, 172_800_000);
        check(i64::MAX, (i64::MAX / 86_400_000) * 86_400_000);
    }
}
