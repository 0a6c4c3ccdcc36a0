//! Version 5: the description is one JSON document.

use serde_json::{Map, Value as Json};

use super::format::Definition;
use super::is_id;
use super::shape::{Node, Property, Shape};
use crate::announcement::Problem;

/// Reads a description. An object in it that is wrong is left out, as the convention asks.
pub(super) fn read(document: &Json) -> Result<Option<Shape>, Problem> {
    let Some(members) = document.as_object() else {
        return Err(Problem::new(
            "The description is not a JSON object",
            "Publish an object as `$description`.",
        ));
    };
    if let Some(version) = text(members, "homie").filter(|version| !version.starts_with("5.")) {
        return Err(Problem::new(
            format!("The description is of Homie {version}"),
            "Publish one of version 5, or use the topics of version 4.",
        ));
    }
    let mut shape =
        Shape { name: text(members, "name"), lives_on: text(members, "root"), ..Shape::default() };
    for (id, node) in objects(members, "nodes") {
        if !is_id(id) {
            shape.faults.push(format!("the node id {id:?} has characters other than a to z, 0 to 9 and -"));
            continue;
        }
        let mut read = Node {
            id: id.clone(),
            name: text(node, "name"),
            kind: text(node, "type").unwrap_or_default(),
            properties: Vec::new(),
        };
        for (id, property) in objects(node, "properties") {
            match self::property(id, property) {
                Ok(property) => read.properties.push(property),
                Err(why) => shape.faults.push(format!("the property `{}/{id}`: {why}", read.id)),
            }
        }
        shape.nodes.push(read);
    }
    Ok(Some(shape))
}

fn property(id: &str, members: &Map<String, Json>) -> Result<Property, String> {
    if !is_id(id) {
        return Err("its id has characters other than a to z, 0 to 9 and -".to_owned());
    }
    let flag = |name: &str, missing: bool| members.get(name).and_then(Json::as_bool).unwrap_or(missing);
    Ok(Property {
        id: id.to_owned(),
        name: text(members, "name").unwrap_or_else(|| id.to_owned()),
        definition: Definition::from_json(&Json::Object(members.clone()))?,
        unit: text(members, "unit"),
        settable: flag("settable", false),
        retained: flag("retained", true),
    })
}

fn text(members: &Map<String, Json>, name: &str) -> Option<String> {
    members.get(name)?.as_str().filter(|text| !text.is_empty()).map(ToOwned::to_owned)
}

fn objects<'a>(
    members: &'a Map<String, Json>,
    name: &str,
) -> impl Iterator<Item = (&'a String, &'a Map<String, Json>)> {
    let objects = members.get(name).and_then(Json::as_object).into_iter().flatten();
    objects.filter_map(|(id, object)| Some((id, object.as_object()?)))
}
