//! Templates: the text must be the one Python's Jinja2 prints; where Python raises, rendering must fail.

use serde_json::Value as Json;

use crate::reader::{Corpus, text};
use crate::score::Scores;

pub(crate) fn score(corpus: &Corpus, scores: &mut Scores) {
    let context = corpus.json("templates_context.json");
    for row in corpus.rows("templates") {
        let template = text(&row, "template");
        scores.count("templates", "jinja", template, &check(template, &context, &row["expect"]));
    }
}

fn check(template: &str, context: &Json, expected: &Json) -> Result<(), String> {
    let printed = devices::render(template, context);
    match (printed, expected) {
        (Ok(printed), Json::String(expected)) if printed == *expected => Ok(()),
        (Err(_), Json::Null) => Ok(()),
        (Ok(printed), Json::Null) => Err(format!("it printed {printed:?} and Python raises")),
        (Ok(printed), expected) => Err(format!("it printed {printed:?} and not {expected}")),
        (Err(why), expected) => Err(format!("it failed, and Python prints {expected}: {why}")),
    }
}
