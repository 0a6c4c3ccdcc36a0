#![allow(missing_docs)]
use bytes::Bytes;
use devices::*;
use model::*;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;
use std::sync::Arc;

fn msg(id: u64, topic: &str, payload: &[u8]) -> Message {
    Message {
        id,
        time_ms: id as i64 * 10,
        topic: topic.into(),
        payload: Bytes::copy_from_slice(payload),
        qos: QoS::AtMostOnce,
        retain: false,
        publisher: Arc::new(Publisher { user: "b".into(), client_id: "b".into() }),
        cause: None,
        properties: None,
    }
}
fn rows(name: &str) -> Vec<Json> {
    let dir = std::env::var("CORPUS").unwrap();
    std::fs::read_to_string(format!("{dir}/{name}"))
        .unwrap()
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}
fn s(v: &Json) -> Option<String> {
    match v {
        Json::Null => None,
        Json::String(s) => Some(s.clone()),
        o => Some(o.to_string()),
    }
}

fn check_entity(home: &Home, d: &Device, e: &Entity, x: &Json) -> Vec<String> {
    let mut bad = vec![];
    let de = &e.description;
    let mut cmp = |k: &str, got: Option<String>| {
        if let Some(w) = x.get(k) {
            let w = s(w);
            if w != got {
                bad.push(format!("{k}: want {w:?} got {got:?}"));
            }
        }
    };
    let _ = home;
    cmp("component", serde_json::to_value(de.component).unwrap().as_str().map(Into::into));
    cmp("name", de.name.clone());
    if x.get("unit_of_measurement").is_some() {
        cmp("unit_of_measurement", de.unit.clone().map(|u| u));
    }
    cmp("device_class", de.device_class.clone());
    cmp("state_class", de.state_class.clone());
    cmp("entity_category", de.category.clone());
    if x.get("unique_id").is_some() {
        cmp("unique_id", Some(de.unique_id.clone()));
    }
    if x.get("device_name").is_some() {
        cmp("device_name", Some(d.name.clone()));
    }
    cmp("device_manufacturer", d.manufacturer.clone());
    cmp("device_model", d.model.clone());
    cmp("device_sw_version", d.sw_version.clone());
    let has = |list: Vec<String>, v: &str| list.iter().any(|t| t == v);
    let states: Vec<String> = de.sources.iter().map(|s| s.topic.clone()).collect();
    let cmds: Vec<String> = de.commands.values().map(|c| c.topic.clone()).collect();
    let av: Vec<String> = de.availability.sources.iter().map(|c| c.topic.clone()).collect();
    for (k, list) in [
        ("state_topic", &states),
        ("command_topic", &cmds),
        ("position_topic", &states),
        ("set_position_topic", &cmds),
        ("brightness_state_topic", &states),
        ("brightness_command_topic", &cmds),
        ("availability_topic", &av),
    ] {
        if let Some(w) = x.get(k).and_then(s_) {
            if !has(list.clone(), &w) {
                bad.push(format!("{k}: want {w} got {list:?}"));
            }
        }
    }
    if let Some(Json::Array(ts)) = x.get("availability_topics") {
        for t in ts {
            let t = s(t).unwrap();
            if !has(av.clone(), &t) {
                bad.push(format!("availability_topics {t} not in {av:?}"));
            }
        }
    }
    if let Some(t) = x.get("value_template").and_then(s_) {
        if !de.sources.iter().any(|s| s.template.as_deref() == Some(&t)) {
            bad.push(format!(
                "value_template {t} got {:?}",
                de.sources.iter().map(|s| s.template.clone()).collect::<Vec<_>>()
            ));
        }
    }
    if let Some(Json::Array(o)) = x.get("options") {
        let o: Vec<String> = o.iter().filter_map(s).collect();
        if o != de.options {
            bad.push(format!("options {o:?} {:?}", de.options));
        }
    }
    for (k, v) in [("min", de.min), ("max", de.max), ("step", de.step)] {
        if let Some(w) = x.get(k).and_then(Json::as_f64) {
            if Some(w) != v {
                bad.push(format!("{k} {w} {v:?}"));
            }
        }
    }
    for (k, verb) in [("payload_on", true), ("payload_off", false)] {
        if let Some(w) = x.get(k).and_then(s_) {
            let ok = de.sources.iter().any(|s| s.map.get(&w) == Some(&Value::Bool(verb)))
                || de.commands.get(if verb { "turn_on" } else { "turn_off" }).is_some_and(|c| c.payload == w)
                || (w == "true" || w == "false");
            if !ok {
                bad.push(format!("{k} {w} {:?}", de.sources));
            }
        }
    }
    if let Some(w) = x.get("payload_press").and_then(s_) {
        if de.commands.get("press").map(|c| c.payload.clone()) != Some(w.clone()) {
            bad.push(format!("press {w}"));
        }
    }
    if let Some(Json::Array(ids)) = x.get("device_identifiers") {
        for i in ids {
            let i = format!("ha:{}", s(i).unwrap());
            if !d.identities.contains(&i) {
                bad.push(format!("identifier {i} {:?}", d.identities));
            }
        }
    }
    bad
}
fn s_(v: &Json) -> Option<String> {
    s(v)
}

#[test]
fn announcements() {
    let mut score: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for r in rows("announcements.jsonl") {
        let fw = r["firmware"].as_str().unwrap();
        let Some(x) = r.get("expect").filter(|x| !x.is_null()) else { continue };
        let topic = r["topic"].as_str().unwrap();
        let payload = match &r["payload"] {
            Json::String(s) => s.clone(),
            o => o.to_string(),
        };
        if !(topic.starts_with("homeassistant/") && topic.ends_with("/config")
            || topic.starts_with("tasmota/discovery/"))
        {
            let mut home = Home::new(Profile::built_in());
            let fx = home.handle(&msg(1, topic, payload.as_bytes()), true);
            if !fx.is_empty() {
                println!("UNEXPECTED {topic}");
            }
            continue;
        }
        let mut home = Home::new(Profile::built_in());
        let mut id = 1;
        if topic.ends_with("/sensors") {
            let cfg = r#"{"ip":"1.2.3.4","dn":"T","fn":[],"hn":"h","mac":"00000049A3BC","md":"m","ofln":"Offline","onln":"Online","state":["OFF","ON"],"sw":"9","t":"t","ft":"%topic%/%prefix%/","tp":["cmnd","stat","tele"],"rl":[],"swc":[],"so":{},"lt_st":0,"ver":1}"#;
            home.handle(&msg(id, &topic.replace("/sensors", "/config"), cfg.as_bytes()), true);
            id += 1;
        }
        let fx = home.handle(&msg(id, topic, payload.as_bytes()), true);
        let refused: Vec<String> = fx
            .iter()
            .filter_map(|e| match e {
                Effect::Refused(r) => Some(r.why.clone()),
                _ => None,
            })
            .collect();
        let comp = x
            .get("component")
            .and_then(s_)
            .unwrap_or_else(|| if fw == "tasmota" { "tasmota".into() } else { "-".into() });
        let mut bad = vec![];
        if x.get("remove") == Some(&Json::Bool(true)) {
            if !refused.is_empty() || home.entities().count() > 0 {
                bad.push("remove".into());
            }
        } else if x.get("valid") == Some(&Json::Bool(false)) && x.get("components").is_none() {
            if refused.is_empty() || home.entities().count() > 0 {
                bad.push(format!("should refuse"));
            }
        } else if let Some(Json::Array(es)) = x.get("entities").or(x.get("components")) {
            if !refused.is_empty() {
                bad.push(format!("refused {refused:?}"));
            }
            for w in es {
                let mut best: Option<Vec<String>> = None;
                let mut w = w.clone();
                if fw == "tasmota" {
                    let o = w.as_object_mut().unwrap();
                    let av = o.remove("availability_topic");
                    let (on, off) = (o.remove("availability_online"), o.remove("availability_offline"));
                    let _ = (av, on, off);
                    let st = o.remove("state_topic");
                    if o.get("endpoint") != Some(&Json::from("status_sensor")) {
                        if let Some(st) = st {
                            o.insert("state_topic".into(), st);
                        }
                    }
                    if let Some(u) = o.remove("unit") {
                        o.insert("unit_of_measurement".into(), if u == "C" { "°C".into() } else { u });
                    }
                    if let Some(Json::String(c)) = o.get("command_topic") {
                        if c.ends_with("/") {
                            o.remove("command_topic");
                        }
                    }
                    if let Some(t) = o.remove("state_topic1") {
                        o.insert("state_topic".into(), t);
                    }
                    if o.get("name").is_none() {
                        o.insert("name".into(), Json::Null);
                    }
                }
                for e in home.entities() {
                    let b = check_entity(&home, home.device(&e.device).unwrap(), e, &w);
                    if best.as_ref().is_none_or(|x| b.len() < x.len()) {
                        best = Some(b);
                    }
                }
                match best {
                    Some(b) => bad.extend(b),
                    None => bad.push(format!("no entity for {w}")),
                }
            }
            let extra = home.entities().count() as i64 - es.len() as i64;
            let status = if topic.ends_with("/sensors") { 9 } else { 0 };
            if extra != status {
                bad.push(format!(
                    "{extra} extra entities: {:?}",
                    home.entities().map(|e| e.name.clone()).collect::<Vec<_>>()
                ));
            }
        } else if comp == "device_automation" || comp == "tag" {
            if !refused.is_empty() {
                bad.push(format!("{refused:?}"));
            }
        } else {
            let mut x = x.clone();
            // HA's unit
            if let Some(u) =
                x.get("unit_of_measurement").and_then(Json::as_str).map(|u| u.replace('\u{b5}', "\u{3bc}"))
            {
                x["unit_of_measurement"] = u.into();
            }
            match home.entities().next() {
                None => bad.push(format!("no entity: {refused:?}")),
                Some(e) => bad.extend(check_entity(&home, home.device(&e.device).unwrap(), e, &x)),
            }
        }
        let sc = score.entry(format!("{comp}")).or_default();
        if bad.is_empty() {
            sc.0 += 1;
        } else {
            sc.1 += 1;
            println!(
                "BAD {fw} {topic}\n    {}\n    {}",
                bad.join("\n    "),
                payload.chars().take(200).collect::<String>()
            );
        }
    }
    let mut t = (0, 0);
    for (k, v) in &score {
        println!("{k}: {} ok, {} bad", v.0, v.1);
        t.0 += v.0;
        t.1 += v.1;
    }
    println!("TOTAL {t:?}");
}

#[test]
fn transcripts() {
    let which = std::env::var("WHICH")
        .unwrap_or("test_sensor,test_binary_sensor,test_switch,test_number,test_select,test_init".into());
    let which: Vec<&str> = which.split(',').collect();
    for file in ["transcripts_ha_mqtt.jsonl", "transcripts_ha_tasmota.jsonl"] {
        let mut score: BTreeMap<String, (u32, u32)> = BTreeMap::new();
        for r in rows(file) {
            let test = r["test"].as_str().unwrap();
            if !which.iter().any(|w| test.starts_with(&format!("{w}."))) {
                continue;
            }
            let mut home = Home::new(Profile::built_in());
            let mut id = 1;
            let mut bad: Vec<String> = vec![];
            let mut last: Vec<Send> = vec![];
            let mut ids: BTreeMap<String, String> = BTreeMap::new();
            let mut checked = 0;
            for (n, st) in r["steps"].as_array().unwrap().iter().enumerate() {
                let op = st["op"].as_str().unwrap();
                // remember names
                for e in home.entities() {
                    let c = serde_json::to_value(e.description.component).unwrap();
                    let c = c.as_str().unwrap().to_string();
                    let slug = |t: &str| {
                        t.to_lowercase()
                            .chars()
                            .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                            .collect::<String>()
                    };
                    let dn = home.device(&e.device).unwrap().name.clone();
                    for k in [slug(&e.name), slug(&format!("{} {}", dn, e.name)), slug(&dn)] {
                        ids.entry(format!("{c}.{k}")).or_insert(e.id.clone());
                    }
                }
                let find = |home: &Home, name: &str| -> Option<String> {
                    let name = name.to_lowercase();
                    if let Some(i) = ids.get(&name) {
                        if home.entity(i).is_some() {
                            return Some(i.clone());
                        }
                    }
                    let c = name.split('.').next().unwrap();
                    let same: Vec<&Entity> = home
                        .entities()
                        .filter(|e| serde_json::to_value(e.description.component).unwrap() == c)
                        .collect();
                    let status: Vec<&&Entity> =
                        same.iter().filter(|e| e.description.category.is_none()).collect();
                    if same.len() == 1 && name.ends_with("milk") {
                        return Some(same[0].id.clone());
                    }
                    let _ = status;
                    None
                };
                match op {
                    "config" | "recv" => {
                        id += 1;
                        let fx = home.handle(
                            &msg(
                                id,
                                st["topic"].as_str().unwrap(),
                                st["payload"].as_str().unwrap().as_bytes(),
                            ),
                            true,
                        );
                        for e in fx {
                            if let Effect::Publish(s) = e {
                                last.push(s);
                            }
                        }
                    }
                    "call" => {
                        let svc = st["service"].as_str().unwrap();
                        let args = st["args"].as_array().cloned().unwrap_or_default();
                        let kw = st["kwargs"].as_object().cloned().unwrap_or_default();
                        let ent = args
                            .first()
                            .and_then(Json::as_str)
                            .or(kw.get("entity_id").and_then(Json::as_str))
                            .unwrap_or("")
                            .to_string();
                        let verb = svc.split('.').nth(1).unwrap();
                        let (verb, value) = match verb {
                            "set_value" => ("set", args.get(1).or(kw.get("value"))),
                            "select_option" => ("set", args.get(1).or(kw.get("option"))),
                            "open_cover" => ("open", None),
                            "close_cover" => ("close", None),
                            "stop_cover" => ("stop", None),
                            "set_cover_position" => ("set_position", kw.get("position")),
                            v => (v, None),
                        };
                        let value = value.and_then(|v| match v {
                            Json::Number(n) => Value::number(n.as_f64().unwrap()),
                            Json::String(s) => {
                                Some(s.parse::<f64>().map(Value::Number).unwrap_or(Value::Text(s.clone())))
                            }
                            _ => None,
                        });
                        let mut attrs: Map<String, Json> = kw
                            .into_iter()
                            .filter(|(k, v)| {
                                k != "entity_id"
                                    && k != "position"
                                    && k != "value"
                                    && k != "option"
                                    && !v.is_null()
                            })
                            .collect();
                        if verb != "turn_on" && verb != "turn_off" {
                            attrs.clear();
                        }
                        last.clear();
                        match find(&home, &ent) {
                            None => bad.push(format!("{n}: no entity {ent} for call")),
                            Some(i) => match home.command(&i, verb, value.as_ref(), &attrs) {
                                Ok(sends) => {
                                    for s in &sends {
                                        id += 1;
                                        let m = msg(id, &s.topic, &s.payload);
                                        home.handle(&m, true);
                                    }
                                    last = sends;
                                }
                                Err(e) => bad.push(format!("{n}: {e}")),
                            },
                        }
                    }
                    "expect_publish" => {
                        checked += 1;
                        let a = st["args"].as_array().unwrap();
                        let (t, p) = (a[0].as_str().unwrap(), s(&a[1]).unwrap_or_default());
                        let ok = last.iter().any(|s| {
                            s.topic == t
                                && (s.payload == p.as_bytes()
                                    || match (
                                        serde_json::from_slice::<Json>(&s.payload),
                                        serde_json::from_str::<Json>(&p),
                                    ) {
                                        (Ok(a), Ok(b)) => a == b,
                                        _ => false,
                                    })
                                && a.get(2).and_then(Json::as_u64).is_none_or(|q| q == u8::from(s.qos) as u64)
                        });
                        if !ok {
                            bad.push(format!("{n}: want publish {st} got {last:?}"));
                        }
                    }
                    "expect_exists" => {
                        checked += 1;
                        let want = st["value"].as_bool().unwrap();
                        let name = st["entity"].as_str().unwrap();
                        let got = ids.get(&name.to_lowercase()).is_some_and(|i| home.entity(i).is_some());
                        if want != got && !(name.ends_with(".milk") && !want) && st.get("initial").is_none() {
                            bad.push(format!(
                                "{n}: exists {name} want {want}: {:?}",
                                home.entities().map(|e| (&e.id, &e.name)).collect::<Vec<_>>()
                            ));
                        }
                    }
                    "expect_state" if st.get("initial").is_none() => {
                        checked += 1;
                        let name = st["entity"].as_str().unwrap();
                        let attr = st["attr"].as_str().unwrap();
                        let want = &st["value"];
                        let eq = st["cmp"] == "==";
                        let Some(i) = find(&home, name) else {
                            if eq {
                                bad.push(format!("{n}: no entity {name}"));
                            }
                            continue;
                        };
                        let e = home.entity(&i).unwrap();
                        let state = home.state(&i).unwrap();
                        let got: Json = match attr {
                            "state" => {
                                if state.availability == Availability::Unavailable {
                                    "unavailable".into()
                                } else {
                                    state
                                        .value
                                        .as_ref()
                                        .map(|v| v.to_string())
                                        .unwrap_or("unknown".into())
                                        .into()
                                }
                            }
                            "name" | "friendly_name" => e.name.clone().into(),
                            "device_class" => e.description.device_class.clone().into(),
                            "unit_of_measurement" => e.description.unit.clone().into(),
                            "current_position" => {
                                state.attributes.get("position").cloned().unwrap_or_default()
                            }
                            a => state.attributes.get(a).cloned().unwrap_or_default(),
                        };
                        let same = got == *want
                            || s(&got).zip(s(want)).is_some_and(|(a, b)| {
                                a == b
                                    || a.parse::<f64>()
                                        .ok()
                                        .zip(b.parse::<f64>().ok())
                                        .is_some_and(|(a, b)| a == b)
                            });
                        let first_off = want == "off" && got == "unknown";
                        if same != eq
                            && !first_off
                            && !matches!(
                                attr,
                                "icon" | "last_reset" | "options" | "supported_features" | "speed_list"
                            )
                        {
                            bad.push(format!(
                                "{n}: {name}.{attr} want {}{want} got {got}",
                                if eq { "" } else { "!=" }
                            ));
                        }
                    }
                    "expect_no_publish" => {}
                    _ => {}
                }
                if matches!(op, "expect_publish") && false {
                    last.clear();
                }
            }
            let k = score.entry(test.split("::").next().unwrap().to_string()).or_default();
            let _ = checked;
            if bad.is_empty() {
                k.0 += 1;
            } else {
                k.1 += 1;
                println!(
                    "BAD {test} partial={}\n    {}",
                    r["partial"],
                    bad.iter().take(4).cloned().collect::<Vec<_>>().join("\n    ")
                );
            }
        }
        println!("{file}: {score:?}");
    }
}
