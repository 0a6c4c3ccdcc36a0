//! The documents generated from the list: TypeScript for the UI, OpenAPI for everyone else.
//!
//! A test holds the files in the tree against them; `make api` writes them anew.

use std::any::TypeId;
use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};
use ts_rs::{Config, TS, TypeVisitor};

use super::list::{CALLS, STREAMS, visit_types};

/// The TypeScript types and the maps `Calls` and `Streams`.
pub fn typescript() -> String {
    let mut declarations = Declarations {
        config: Config::new().with_large_int("number"),
        seen: HashSet::new(),
        found: BTreeMap::new(),
    };
    visit_types(&mut declarations);
    let mut text =
        String::from("// Made from the list in crates/hub/src/api/list.rs by `make api`. Do not edit.\n\n");
    for declaration in declarations.found.values() {
        let _ = writeln!(text, "export {declaration}\n");
    }
    let config = &declarations.config;
    text.push_str("export interface Calls {\n");
    for call in CALLS {
        let (params, result) = (call.typescript.0(config), call.typescript.1(config));
        let _ = writeln!(
            text,
            "  /** {} */\n  {}: [params: {params}, result: {result}];",
            call.help.trim(),
            call.name
        );
    }
    text.push_str("}\n\nexport interface Streams {\n");
    for stream in STREAMS {
        let (params, item) = (stream.typescript.0(config), stream.typescript.1(config));
        let _ = writeln!(
            text,
            "  /** {} */\n  {}: [params: {params}, item: {item}];",
            stream.help.trim(),
            stream.name
        );
    }
    text.push_str("}\n");
    text
}

/// Collects the declaration of each named type once. Types may refer to themselves, so it remembers what it
/// has seen.
struct Declarations {
    config: Config,
    seen: HashSet<TypeId>,
    found: BTreeMap<String, String>,
}

impl TypeVisitor for Declarations {
    fn visit<T: TS + 'static + ?Sized>(&mut self) {
        if !self.seen.insert(TypeId::of::<T>()) {
            return;
        }
        // Only derived types have a file to go to; the rest (numbers, arrays, options) have no declaration.
        if T::output_path().is_some() {
            self.found.insert(T::ident(&self.config), T::decl(&self.config));
        }
        T::visit_dependencies(self);
        T::visit_generics(self);
    }
}

/// The OpenAPI 3.1 document.
pub fn openapi() -> Value {
    let mut generator = SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut paths = serde_json::Map::new();
    let error = generator.subschema_for::<super::ApiError>();
    for call in CALLS {
        let body = |schema: &schemars::Schema| json!({ "application/json": { "schema": schema } });
        let params = (call.params)(&mut generator);
        let result = (call.result)(&mut generator);
        paths.insert(
            format!("/api/{}", call.name),
            json!({ "post": {
                "operationId": call.name,
                "summary": call.help.trim(),
                "requestBody": { "content": body(&params) },
                "responses": {
                    "200": { "description": "Done.", "content": body(&result) },
                    "default": { "description": "Not done; the message says why.", "content": body(&error) },
                },
            }}),
        );
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Hearth",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Every method is a POST with a JSON body. Live changes come over the WebSocket at \
                            /api/events: send {\"op\":\"sub\",\"id\":1,\"method\":\"events\"}.",
        },
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "securitySchemes": { "token": { "type": "http", "scheme": "bearer" } },
            "schemas": generator.take_definitions(true),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    fn check_fresh(path: &str, expected: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        if std::env::var_os("HEARTH_WRITE_API").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, expected).unwrap();
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == expected, "{} is stale: run `make api` and commit it", path.display());
    }

    #[test]
    fn typescript_is_fresh() {
        check_fresh("ui/src/lib/api.gen.ts", &super::typescript());
    }

    #[test]
    fn openapi_is_fresh() {
        let document = serde_json::to_string_pretty(&super::openapi()).unwrap() + "\n";
        check_fresh("docs/openapi.json", &document);
    }
}
