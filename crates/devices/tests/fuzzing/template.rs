//! Any template, over any payload.
//!
//! Input: the template; behind the last line feed, if there is one, the payload. What must hold:
//! - nothing panics, and the stack of a small thread is enough;
//! - it takes no more steps than it is allowed, and is told apart from one that fails when it would;
//! - it prints no more than a template may, and the same again for the same payload;
//! - once and kept it prints the same, and nothing is kept of it when its last user goes.

use devices::fuzzing::{Kept, expression, render_kept};
use devices::limits::{DEVICE_FUEL, TEMPLATE_LIGHT_FUEL, TEMPLATE_OUTPUT_BYTES_MAX};
use serde_json::{Value as Json, json};

/// As the threads of the hub have.
const STACK_BYTES: usize = 2 * 1024 * 1024;

pub fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (source, payload) = text.rsplit_once('\n').unwrap_or((&text, "21.5"));
    std::thread::scope(|scope| {
        let small = std::thread::Builder::new().stack_size(STACK_BYTES);
        let done = small.spawn_scoped(scope, || try_out(source, &variables(payload))).unwrap().join();
        if let Err(why) = done {
            std::panic::resume_unwind(why);
        }
    });
}

/// What the templates of announcements see.
fn variables(payload: &str) -> Json {
    let mut variables = json!({
        "value": payload,
        "name": "x",
        "entity_id": "sensor.x",
        "this": {"entity_id": "sensor.x", "state": "on", "attributes": {"x": 1}},
        "brightness": 100,
        "position": 50,
        "list": [1, 2.5, "a", null, {"b": [true]}],
    });
    if let Ok(json) = serde_json::from_str::<Json>(payload) {
        variables["value_json"] = json;
    }
    variables
}

fn try_out(source: &str, variables: &Json) {
    let once = devices::render(source, variables);
    assert_eq!(once, devices::render(source, variables), "it is another one the second time");
    if let Ok(printed) = &once {
        let most = TEMPLATE_OUTPUT_BYTES_MAX.max(source.len());
        assert!(printed.len() <= most, "{} bytes are printed", printed.len());
    }
    for allowed in [DEVICE_FUEL, TEMPLATE_LIGHT_FUEL, 7, 0] {
        let Some(Kept { printed, left, is_wanting, is_left_over }) = render_kept(source, variables, allowed)
        else {
            break;
        };
        assert!(left <= allowed && !is_left_over, "{left} of {allowed} is left");
        assert!(printed.is_err() || !is_wanting, "it printed what it had no allowance for");
        if allowed == DEVICE_FUEL {
            assert_eq!(printed, once, "kept and once it is not the same");
        } else if printed.is_ok() {
            assert_eq!(printed, once, "it is another one with less to take");
        }
    }
    let _ = expression(source, variables);
}
