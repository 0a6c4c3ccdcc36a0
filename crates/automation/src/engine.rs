//! Rhai engines with every guard on.

use std::sync::{Arc, OnceLock};

use rhai::packages::{
    BasicArrayPackage, BasicBlobPackage, BasicMapPackage, BasicMathPackage, BitFieldPackage, CorePackage,
    LogicPackage, MoreStringPackage, Package,
};
use rhai::{Dynamic, Engine, EvalAltResult, Shared, def_package};

use crate::desk::Desk;
use crate::limits::Limits;
use crate::reference::ABSENT;
use crate::words::{fault, unknown_function};
use crate::{api, event, guard};

def_package! {
    /// The language's functions without `timestamp`, which no replay could repeat.
    LanguagePackage(_module):
        CorePackage, BitFieldPackage, LogicPackage, BasicMathPackage, BasicArrayPackage, BasicBlobPackage,
        BasicMapPackage, MoreStringPackage
    {}
}

/// The language's functions, built once and shared by all engines.
fn language() -> Shared<rhai::Module> {
    static LANGUAGE: OnceLock<LanguagePackage> = OnceLock::new();
    LANGUAGE.get_or_init(LanguagePackage::new).as_shared_module()
}

/// An engine for one script. `new_raw` brings no file access and no printing of its own.
pub(crate) fn build(limits: &Limits, desk: &Arc<Desk>) -> Engine {
    let mut engine = Engine::new_raw();
    engine.register_global_module(language());
    engine
        .set_max_call_levels(limits.call_levels_max)
        .set_max_operations(limits.operations_max)
        .set_max_string_size(limits.text_bytes_max)
        .set_max_array_size(limits.array_items_max)
        .set_max_map_size(limits.map_entries_max)
        .set_max_variables(limits.variables_max)
        .set_max_functions(limits.functions_max)
        .set_max_modules(0)
        .set_max_expr_depths(limits.expression_depth_max, limits.function_expression_depth_max)
        .set_strict_variables(true);
    for word in ["eval", "import", "export"] {
        engine.disable_symbol(word);
    }
    engine.on_progress(|_| guard::progress().map(Dynamic::from));
    // These hide Rhai's own: `sleep` would hold a thread of the pool that nothing could take back.
    engine.register_fn("sleep", |_: Dynamic| absent("sleep"));
    engine.register_fn("sleep", |_: i64| absent("sleep"));
    engine.register_fn("sleep", |_: f64| absent("sleep"));
    engine.register_fn("timestamp", || absent("timestamp"));
    event::register(&mut engine);
    api::register(&mut engine, desk);
    engine
}

fn absent(name: &str) -> Result<(), Box<EvalAltResult>> {
    Err(fault(unknown_function(name, [])))
}

/// A function an engine knows, of Hearth or of the language.
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) arguments: usize,
    /// First paragraph of Rhai's words about it; empty for Hearth's own.
    pub(crate) doc: String,
}

/// Every function an engine knows, once per form.
pub(crate) fn known_functions() -> &'static [Known] {
    static KNOWN: OnceLock<Vec<Known>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let limits = Limits::default();
        let engine = build(&limits, &Arc::new(Desk::new("", None, &limits)));
        let mut known = engine.collect_fn_metadata(
            None,
            |function| {
                let name = function.metadata.name.as_str();
                let callable = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
                let absent = ABSENT.iter().any(|(absent, _)| *absent == name);
                (callable && !absent && !name.contains('$')).then(|| Known {
                    name: name.to_owned(),
                    arguments: function.metadata.num_params,
                    doc: function
                        .metadata
                        .comments
                        .first()
                        .map_or_else(String::new, |words| first_paragraph(words)),
                })
            },
            true,
        );
        known.sort_by(|a, b| a.name.cmp(&b.name));
        known
    })
}

/// Their names.
pub(crate) fn known_names() -> impl Iterator<Item = &'static str> {
    known_functions().iter().map(|known| known.name.as_str())
}

fn first_paragraph(comment: &str) -> String {
    comment
        .lines()
        .map(|line| line.trim_start_matches('/').trim())
        .take_while(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
