//! `homie5_testsuite.jsonl`: which formats and values version 5 of the Homie convention allows, and trees of topics.

use devices::homie::{Definition, is_id};
use serde_json::Value as Json;

use crate::reader::{Corpus, text};
use crate::score::Scores;

const FILE: &str = "homie5_testsuite";

pub(crate) fn score(corpus: &Corpus, scores: &mut Scores) {
    for row in corpus.rows(FILE) {
        let kind = text(&row, "testtype");
        let (definition, input) = (&row["definition"], text(&row, "input_data"));
        let what = format!("{kind} {definition} {input:?}: {}", text(&row, "description"));
        scores.count(FILE, "all", &what, &check(kind, definition, input, &row));
    }
}

fn check(kind: &str, definition: &Json, input: &str, row: &Json) -> Result<(), String> {
    let outcome = match kind {
        "homieid" if is_id(input) => Ok(input.to_owned()),
        "homieid" => Err("it is no id".to_owned()),
        "propertydescription" => Definition::from_json(definition).map(|_| String::new()),
        _ => Definition::from_json(definition).and_then(|definition| definition.read(input, None)),
    };
    let is_valid = row["valid"] == "true" || row["valid"] == true;
    match (outcome, is_valid) {
        (Ok(output), true) => match row.get("output_data") {
            Some(wanted) if *wanted != output.as_str() => {
                Err(format!("it is read as {output:?}, not as {wanted}"))
            }
            _ => Ok(()),
        },
        (Err(_), false) => Ok(()),
        (Ok(_), false) => Err("it is taken".to_owned()),
        (Err(why), true) => Err(why),
    }
}
