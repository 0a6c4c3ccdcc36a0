//! Devices, entities, areas, and telling them what to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use devices::HandMade;
use model::{Area, Component, Entity, Publisher};

use super::topics::history_query;
use super::{Result, blocking, person, running};
use crate::api::types::*;
use crate::api::{ApiError, Caller, ErrorCode};
use crate::{Hub, clock, dashboard, views, watch};

pub(in crate::api) async fn home(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<HomeSnapshot> {
    let home = hub.home.read();
    Ok(HomeSnapshot {
        devices: home.devices().cloned().collect(),
        entities: home.entities().map(|entity| view(&home, entity)).collect(),
        areas: home.areas().cloned().collect(),
    })
}

fn view(home: &devices::Home, entity: &Entity) -> EntityView {
    EntityView {
        entity: entity.clone(),
        state: home.state(&entity.id).cloned().unwrap_or_default(),
        command: home.commanded(&entity.id).cloned(),
    }
}

pub(in crate::api) async fn get_device(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<DeviceDetail> {
    let (device, entities) = {
        let home = hub.home.read();
        let device = home.device(&by.id).cloned().ok_or_else(|| ApiError::not_found("device", &by.id))?;
        let mut entities: Vec<_> = home.entities_of(&by.id).map(|entity| view(&home, entity)).collect();
        entities.sort_by(|a, b| a.entity.id.cmp(&b.entity.id));
        (device, entities)
    };
    let clients = hub.gate.clients();
    let user = device.credential.as_deref();
    let client = clients.iter().find(|client| user == Some(&client.user));
    let client = client.map(|client| watch::client_view(client, hub.credentials.told_client(client)));
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

pub(in crate::api) async fn rename_device(hub: &Arc<Hub>, _: &Caller, rename: Rename) -> Result<Empty> {
    let effects = hub.home.write().rename_device(&rename.id, Some(&rename.name));
    wish(hub, effects).await
}

pub(in crate::api) async fn move_device(hub: &Arc<Hub>, _: &Caller, wanted: MoveDevice) -> Result<Empty> {
    let effects = hub.home.write().move_device(&wanted.id, wanted.area.as_deref());
    wish(hub, effects).await
}

pub(in crate::api) async fn remove_device(
    hub: &Arc<Hub>,
    caller: &Caller,
    remove: RemoveDevice,
) -> Result<RemovedDevices> {
    let RemoveDevice { id, keep_credential } = remove;
    let name = hub.home.read().device(&id).map(|device| device.name.clone()).unwrap_or_default();
    let removed = hub.remove_devices(caller.who(), std::slice::from_ref(&id), keep_credential).await?;
    let text = format!("{} removed the device {name}.{}", caller.who(), removed.words());
    hub.activity.add(Level::Info, "device", Some(&id), text);
    Ok(removed)
}

pub(in crate::api) async fn rename_entity(hub: &Arc<Hub>, _: &Caller, rename: Rename) -> Result<Empty> {
    let effects = hub.home.write().rename_entity(&rename.id, Some(&rename.name));
    wish(hub, effects).await
}

pub(in crate::api) async fn add_entity(hub: &Arc<Hub>, _: &Caller, add: AddEntity) -> Result<Entity> {
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
    // What was accepted before the entity was made is no reading of it.
    hub.ingested().await;
    let added = hub.home.write().add_entity_by_hand(wanted, clock::now_ms());
    let (id, effects) = added.map_err(|why| ApiError::from_registry(&why))?;
    hub.wish(effects).await?;
    hub.home.read().entity(&id).cloned().ok_or_else(|| ApiError::not_found("entity", &id))
}

pub(in crate::api) async fn remove_entity(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let effects = hub.home.write().remove_entity(&by.id);
    wish(hub, effects).await?;
    hub.readings.remove_entity(&by.id).await.map_err(ApiError::internal)?;
    hub.forget_pictures(vec![by.id]).await;
    Ok(Empty {})
}

pub(in crate::api) async fn add_area(hub: &Arc<Hub>, _: &Caller, named: Named) -> Result<Area> {
    let added = hub.home.write().add_area(&named.name);
    let (id, effects) = added.map_err(|why| ApiError::from_registry(&why))?;
    hub.wish(effects).await?;
    hub.home.read().area(&id).cloned().ok_or_else(|| ApiError::not_found("area", &id))
}

pub(in crate::api) async fn order_areas(hub: &Arc<Hub>, _: &Caller, order: ByIds) -> Result<Empty> {
    let effects = hub.home.write().order_areas(&order.ids);
    wish(hub, effects).await
}

pub(in crate::api) async fn rename_area(hub: &Arc<Hub>, _: &Caller, rename: Rename) -> Result<Empty> {
    let effects = hub.home.write().rename_area(&rename.id, &rename.name);
    wish(hub, effects).await
}

pub(in crate::api) async fn remove_area(hub: &Arc<Hub>, _: &Caller, by: ById) -> Result<Empty> {
    let effects = hub.home.write().remove_area(&by.id);
    wish(hub, effects).await
}

pub(super) async fn wish(
    hub: &Arc<Hub>,
    effects: std::result::Result<Vec<devices::Effect>, devices::RegistryError>,
) -> Result<Empty> {
    hub.wish(effects.map_err(|why| ApiError::from_registry(&why))?).await?;
    Ok(Empty {})
}

pub(in crate::api) async fn command(hub: &Arc<Hub>, caller: &Caller, command: Command) -> Result<Empty> {
    running(hub)?;
    let publisher = Publisher::hub("command");
    let Command { entity, verb, value, attributes } = command;
    let told = hub.command(publisher, &entity, &verb, value.as_ref(), &attributes, person(caller));
    let kept = told.map_err(|why| {
        let code = match why {
            devices::CommandError::UnknownEntity { .. } => ErrorCode::NotFound,
            devices::CommandError::Held { .. } | devices::CommandError::TooManyWaiting { .. } => {
                ErrorCode::Conflict
            }
            devices::CommandError::NotSent { .. } => ErrorCode::Internal,
            _ => ErrorCode::Invalid,
        };
        ApiError { code, message: why.to_string() }
    })?;
    if let Some(written) = kept {
        written.await.map_err(ApiError::internal)?;
    }
    Ok(Empty {})
}

pub(in crate::api) async fn dashboard(hub: &Arc<Hub>, _: &Caller, _: Empty) -> Result<Dashboard> {
    let home = hub.home.read();
    let areas: Vec<_> = home.areas().cloned().collect();
    let devices: Vec<_> = home.devices().cloned().collect();
    let entities: Vec<_> = home.entities().cloned().collect();
    drop(home);
    Ok(dashboard::of(&areas, &devices, &entities))
}
