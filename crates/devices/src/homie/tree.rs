//! Versions 3 and 4: the description is a tree of topics.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::format::Definition;
use super::shape::{Node, Property, Shape};
use super::stats;
use crate::announcement::Problem;
use crate::limits::ENTITIES_PER_DEVICE_MAX;
use crate::slug::capitalised;

/// Reads the attributes of a device; `None` while some are still to come. When the device has said that it is
/// ready, what is missing is taken for what the topics show: boards leave attributes out.
pub(super) fn read(attributes: &BTreeMap<String, Json>, is_ready: bool) -> Result<Option<Shape>, Problem> {
    let tree = Tree { attributes, is_ready };
    if !is_ready && tree.text("$nodes").is_none() {
        return Ok(None);
    }
    let mut shape = Shape {
        name: tree.word("$name"),
        mac: tree.word("$mac"),
        ip: tree.word("$localip"),
        implementation: tree.word("$implementation"),
        firmware: tree.word("$fw/name"),
        firmware_version: tree.word("$fw/version"),
        stats: attributes.keys().filter(|attribute| stats::is_stat(attribute)).cloned().collect(),
        ..Shape::default()
    };
    let mut budget = ENTITIES_PER_DEVICE_MAX + 1;
    for listed in tree.list("$nodes", "") {
        let Some(nodes) = tree.nodes(&listed, &mut budget, &mut shape.faults) else { return Ok(None) };
        shape.nodes.extend(nodes);
    }
    Ok(Some(shape))
}

struct Tree<'a> {
    attributes: &'a BTreeMap<String, Json>,
    is_ready: bool,
}

impl Tree<'_> {
    fn text(&self, attribute: &str) -> Option<&str> {
        self.attributes.get(attribute)?.as_str()
    }

    fn word(&self, attribute: &str) -> Option<String> {
        self.text(attribute).map(str::trim).filter(|text| !text.is_empty()).map(ToOwned::to_owned)
    }

    /// The ids a list names; those that have attributes, if there is no list.
    fn list(&self, attribute: &str, under: &str) -> Vec<String> {
        let ids: Vec<String> = match self.text(attribute) {
            Some(list) => list.split(',').map(|id| id.trim().to_owned()).collect(),
            None => {
                let rest = self.attributes.keys().filter_map(|name| name.strip_prefix(under));
                let mut seen: Vec<String> =
                    rest.filter_map(|rest| rest.split_once('/')).map(|(id, _)| id.to_owned()).collect();
                seen.dedup();
                seen
            }
        };
        let mut known = Vec::with_capacity(ids.len());
        for id in ids {
            let is_id = !id.is_empty() && !id.starts_with('$') && !id.contains(['/', '+', '#']);
            let is_new = is_id && !known.contains(&id);
            if is_new && known.len() <= ENTITIES_PER_DEVICE_MAX {
                known.push(id);
            }
        }
        known
    }

    /// The nodes a list entry stands for: one, or all of `lights[]`. `None` while they are not complete.
    fn nodes(&self, listed: &str, budget: &mut usize, faults: &mut Vec<String>) -> Option<Vec<Node>> {
        let Some(array) = listed.strip_suffix("[]") else {
            return self.node(listed, listed, None, budget, faults).map(|node| vec![node]);
        };
        let range = self.text(&format!("{array}/$array"));
        if range.is_none() && !self.is_ready {
            return None;
        }
        let (first, last) = range
            .and_then(|range| range.split_once('-'))
            .and_then(|(first, last)| {
                Some((first.trim().parse::<u32>().ok()?, last.trim().parse::<u32>().ok()?))
            })
            .unwrap_or((0, 0));
        let mut nodes = Vec::new();
        for index in first..=last {
            if *budget == 0 {
                break;
            }
            let node = self.node(&format!("{array}_{index}"), array, Some(index), budget, faults)?;
            *budget = budget.saturating_sub(1);
            nodes.push(node);
        }
        Some(nodes)
    }

    /// A node under `id`, whose attributes stand under `described`.
    fn node(
        &self,
        id: &str,
        described: &str,
        index: Option<u32>,
        budget: &mut usize,
        faults: &mut Vec<String>,
    ) -> Option<Node> {
        let attribute = format!("{described}/$properties");
        if !self.is_ready && self.text(&attribute).is_none() {
            return None;
        }
        let name = self.word(&format!("{id}/$name")).or_else(|| {
            let name = self.word(&format!("{described}/$name"))?;
            Some(index.map_or_else(|| name.clone(), |index| format!("{name} {index}")))
        });
        let kind = self.word(&format!("{described}/$type")).unwrap_or_default();
        let mut node = Node { id: id.to_owned(), name, kind, properties: Vec::new() };
        for property in self.list(&attribute, &format!("{described}/")) {
            if *budget == 0 {
                break;
            }
            *budget -= 1;
            let base = format!("{described}/{property}");
            let named = |name: &str| self.word(&format!("{base}/{name}"));
            if !self.is_ready && (named("$name").is_none() || named("$datatype").is_none()) {
                return None;
            }
            let settable = named("$settable").as_deref() == Some("true");
            let format = self.text(&format!("{base}/$format")).filter(|format| !format.is_empty());
            let datatype =
                named("$datatype").unwrap_or_else(|| guessed(&node.kind, settable, format).to_owned());
            match definition(&datatype, format) {
                Ok(definition) => node.properties.push(Property {
                    name: named("$name").unwrap_or_else(|| capitalised(&property)),
                    definition,
                    unit: named("$unit"),
                    settable,
                    retained: named("$retained").as_deref() != Some("false"),
                    id: property,
                }),
                Err(why) => faults.push(format!("the property `{id}/{property}`: {why}")),
            }
        }
        Some(node)
    }
}

/// Version 3 lets a board leave the datatype out; a switch is still one.
fn guessed(kind: &str, settable: bool, format: Option<&str>) -> &'static str {
    let kind = kind.to_ascii_lowercase();
    match format {
        _ if settable && ["switch", "relay", "light", "led", "outlet"].contains(&kind.as_str()) => "boolean",
        Some(format) if format.contains(',') => "enum",
        _ => "string",
    }
}

/// Boards of the older versions write formats that version 5 refuses, such as `0-100` or none for an enum: the
/// values are then taken as they come.
fn definition(datatype: &str, format: Option<&str>) -> Result<Definition, String> {
    let written = match (datatype, format) {
        ("color", None) => Some("rgb"),
        ("boolean", _) => None,
        _ => format,
    };
    match Definition::new(datatype, written) {
        Ok(definition) => Ok(definition),
        Err(_) if matches!(datatype, "integer" | "float" | "percent") => Definition::new(datatype, Some(":")),
        Err(_) if datatype == "enum" => Definition::new("string", None),
        Err(why) => Err(why),
    }
}
