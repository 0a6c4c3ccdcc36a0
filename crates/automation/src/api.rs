//! The functions scripts call. Each checks what it is given and writes it to the [`Desk`]; none waits.

use std::sync::Arc;

use bytes::Bytes;
use model::topic::{TopicFilter, check_topic};
use model::{Availability, QoS, Value};
use rhai::{Dynamic, Engine, EvalAltResult, FnPtr, ImmutableString, Map, NativeCallContext};

use crate::convert::{
    from_json, from_value, options, to_json, to_number, to_payload, to_value, to_wanted, type_word,
};
use crate::desk::{Desk, Registration, Wish};
use crate::memory::uncounted;
use crate::trigger::{Crossing, Trigger};
use crate::words::{fault, wrong_arguments};

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// Gives an engine Hearth's functions, bound to one script's desk.
pub(crate) fn register(engine: &mut Engine, desk: &Arc<Desk>) {
    register_triggers(engine, desk);
    register_actions(engine, desk);
    register_reads(engine, desk);
}

fn register_triggers(engine: &mut Engine, desk: &Arc<Desk>) {
    engine.register_type_with_name::<Trigger>("trigger");
    let at = desk.clone();
    engine.register_fn("on", move |context: NativeCallContext, trigger: Trigger, handler: FnPtr| {
        at.register(Registration { trigger, handler, position: context.call_position() })
    });
    engine.register_fn("topic", |filter: &str| -> Outcome<Trigger> {
        let filter = TopicFilter::new(filter)
            .map_err(|error| fault(format!("`{filter}` is not a topic filter: {error}.")))?;
        Ok(Trigger::Topic(filter))
    });
    engine.register_fn("changed", |entities: Dynamic| changed(&entities, Map::new()));
    engine.register_fn("changed", |entities: Dynamic, options: Map| changed(&entities, options));
    for (name, above) in [("above", true), ("below", false)] {
        engine.register_fn(name, move |entity: &str, bound: Dynamic| {
            crossing(name, above, entity, &bound, Map::new())
        });
        engine.register_fn(name, move |entity: &str, bound: Dynamic, options: Map| {
            crossing(name, above, entity, &bound, options)
        });
    }
    engine.register_fn("started", || Trigger::Started);
}

fn changed(entities: &Dynamic, given: Map) -> Outcome<Trigger> {
    let [from, to] = options("changed", given, ["from", "to"]).map_err(fault)?;
    let wanted = |value: Option<Dynamic>| value.map(|value| to_wanted(&value)).transpose().map_err(fault);
    let (from, to) = (wanted(from)?, wanted(to)?);
    let (list, entities) = if let Ok(items) = entities.as_array_ref() {
        let names = items.iter().map(|item| item.clone().into_string()).collect::<Result<Vec<_>, _>>();
        (true, names.map_err(not_entities)?)
    } else {
        (false, vec![entities.clone().into_string().map_err(not_entities)?])
    };
    if entities.is_empty() || entities.iter().any(String::is_empty) {
        return Err(fault("`changed` needs at least one entity, such as `changed(\"hall.motion\")`."));
    }
    Ok(Trigger::Changed { entities, list, from, to })
}

fn not_entities(given: &str) -> Box<EvalAltResult> {
    let given = format!("a {} where an entity's id should stand", crate::convert::type_name_word(given));
    fault(wrong_arguments("changed", &given).unwrap_or(given))
}

fn crossing(name: &str, above: bool, entity: &str, bound: &Dynamic, given: Map) -> Outcome<Trigger> {
    let [clear] = options(name, given, ["clear"]).map_err(fault)?;
    let number = |value: &Dynamic| {
        to_number(value)
            .filter(|number| number.is_finite())
            .ok_or_else(|| fault(format!("`{name}` compares with a number; a {} is none.", type_word(value))))
    };
    let bound = number(bound)?;
    let clear = clear.as_ref().map(number).transpose()?.unwrap_or(bound);
    if entity.is_empty() {
        return Err(fault(format!(
            "`{name}` needs an entity, such as `{name}(\"living.temperature\", 25)`."
        )));
    }
    if (above && clear > bound) || (!above && clear < bound) {
        let side = if above { "higher" } else { "lower" };
        return Err(fault(format!(
            "`clear: {clear}` is {side} than the bound {bound}: it could never fire again. Put it on the other \
             side."
        )));
    }
    Ok(Trigger::Crossing(Crossing { entity: entity.to_owned(), above, bound, clear }))
}

fn register_actions(engine: &mut Engine, desk: &Arc<Desk>) {
    let at = desk.clone();
    engine.register_fn("publish", move |topic: &str, value: Dynamic| publish(&at, topic, &value, Map::new()));
    let at = desk.clone();
    engine.register_fn("publish", move |topic: &str, value: Dynamic, options: Map| {
        publish(&at, topic, &value, options)
    });
    for name in ["turn_on", "turn_off"] {
        let at = desk.clone();
        engine.register_fn(name, move |entity: &str| command(&at, entity, name, None));
    }
    let at = desk.clone();
    engine.register_fn("toggle", move |entity: &str| toggle(&at, entity));
    let at = desk.clone();
    engine.register_fn("command", move |entity: &str, verb: &str| command(&at, entity, verb, None));
    let at = desk.clone();
    engine.register_fn("command", move |entity: &str, verb: &str, options: Map| {
        command(&at, entity, verb, Some(options))
    });
    for (name, level) in [("log", "info"), ("warn", "warning")] {
        let at = desk.clone();
        engine.register_fn(name, move |text: Dynamic| at.say(level, &text.to_string()));
        // Rhai's `log` of a number is its logarithm; here it is written down like anything else.
        let at = desk.clone();
        engine.register_fn(name, move |number: f64| at.say(level, &number.to_string()));
    }
    let at = desk.clone();
    engine.on_print(move |text| at.say("info", text));
    let at = desk.clone();
    engine.on_debug(move |text, _, position| match position.line() {
        Some(line) => at.say("info", &format!("line {line}: {text}")),
        None => at.say("info", text),
    });
}

fn publish(desk: &Desk, topic: &str, value: &Dynamic, given: Map) -> Outcome<()> {
    check_topic(topic).map_err(|error| fault(format!("Cannot publish to `{topic}`: {error}.")))?;
    let [qos, retain] = options("publish", given, ["qos", "retain"]).map_err(fault)?;
    let qos = match qos {
        None => QoS::default(),
        Some(level) => level
            .as_int()
            .ok()
            .and_then(|level| u8::try_from(level).ok())
            .and_then(|level| QoS::try_from(level).ok())
            .ok_or_else(|| fault("`qos` is 0, 1 or 2."))?,
    };
    let retain = match retain {
        None => false,
        Some(retain) => retain.as_bool().map_err(|_| fault("`retain` is true or false."))?,
    };
    let wish = uncounted(|| {
        Ok::<_, String>(Wish::Publish {
            topic: topic.to_owned(),
            payload: Bytes::from(to_payload(value)?),
            qos,
            retain,
        })
    });
    desk.ask(wish.map_err(fault)?)
}

fn command(desk: &Desk, entity: &str, verb: &str, given: Option<Map>) -> Outcome<()> {
    let wish = uncounted(|| {
        let mut attributes = serde_json::Map::new();
        let mut value = None;
        for (name, given) in given.iter().flatten() {
            if name == "value" {
                value = to_value(given)?;
            } else {
                attributes.insert(name.to_string(), to_json(given)?);
            }
        }
        Ok::<_, String>(Wish::Command { entity: entity.to_owned(), verb: verb.to_owned(), value, attributes })
    });
    desk.ask(wish.map_err(fault)?)
}

fn toggle(desk: &Desk, entity: &str) -> Outcome<()> {
    let state = desk.get(entity);
    match state.and_then(|state| state.value) {
        Some(Value::Bool(on)) => command(desk, entity, if on { "turn_off" } else { "turn_on" }, None),
        other => {
            let why = match other {
                None => "Its state is unknown, so there is nothing to toggle. Use `turn_on` or `turn_off`."
                    .to_owned(),
                Some(value) => format!("It is {value}, neither on nor off. Use `command` instead."),
            };
            let what = uncounted(|| format!("toggle({:?})", crate::convert::cut(entity, 200)));
            desk.ask(Wish::Refused { what, why: uncounted(|| why.clone()) })
        }
    }
}

fn register_reads(engine: &mut Engine, desk: &Arc<Desk>) {
    let at = desk.clone();
    engine.register_fn("get", move |entity: &str| -> Dynamic {
        from_value(at.get(entity).and_then(|state| state.value).as_ref())
    });
    let at = desk.clone();
    engine.register_fn("get", move |entity: &str, field: &str| -> Dynamic {
        let Some(state) = at.get(entity) else { return Dynamic::UNIT };
        match (state.attributes.get(field), field) {
            (Some(value), _) => from_json(value),
            (None, "availability") => match state.availability {
                Availability::Available => "available".into(),
                Availability::Unavailable => "unavailable".into(),
                Availability::Asleep => "asleep".into(),
            },
            (None, _) => Dynamic::UNIT,
        }
    });
    let at = desk.clone();
    engine.register_fn("now", move || at.now_ms());
    engine.register_fn("round", |number: i64| number);
    engine.register_fn("round", |number: i64, _digits: i64| number);
    engine.register_fn("round", |number: f64, digits: i64| -> Outcome<f64> {
        const DIGITS_MAX: i64 = 15;
        if !(0..=DIGITS_MAX).contains(&digits) {
            return Err(fault(format!("`round` takes 0 to {DIGITS_MAX} digits, not {digits}.")));
        }
        let factor = 10_f64.powi(digits as i32);
        let rounded = (number * factor).round() / factor;
        Ok(if rounded.is_finite() { rounded } else { number })
    });
    register_replace(engine);
}

/// Rhai's own `replace` builds the whole result before its size is checked: two texts of 128 KiB make
/// 17 GB. These compute the size first. A function registered here goes before the packages'.
fn register_replace(engine: &mut Engine) {
    type Text = ImmutableString;
    fn replace(context: &NativeCallContext, text: &mut Text, old: &str, new: &str) -> Outcome<()> {
        let found = text.matches(old).count();
        let size = text
            .len()
            .saturating_sub(found.saturating_mul(old.len()))
            .saturating_add(found.saturating_mul(new.len()));
        let longest = context.engine().max_string_size();
        if size > longest {
            return Err(fault(format!(
                "`replace` would make a text of {} KiB; the longest is {} KiB.",
                size >> 10,
                longest >> 10
            )));
        }
        if found > 0 {
            *text = text.replace(old, new).into();
        }
        Ok(())
    }
    engine.register_fn("replace", |context: NativeCallContext, text: &mut Text, old: &str, new: &str| {
        replace(&context, text, old, new)
    });
    engine.register_fn("replace", |context: NativeCallContext, text: &mut Text, old: &str, new: char| {
        replace(&context, text, old, new.encode_utf8(&mut [0; 4]))
    });
    engine.register_fn("replace", |context: NativeCallContext, text: &mut Text, old: char, new: &str| {
        replace(&context, text, old.encode_utf8(&mut [0; 4]), new)
    });
    engine.register_fn("replace", |context: NativeCallContext, text: &mut Text, old: char, new: char| {
        replace(&context, text, old.encode_utf8(&mut [0; 4]), new.encode_utf8(&mut [0; 4]))
    });
}
