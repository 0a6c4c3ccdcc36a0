//! Faults that can be seen in a script's text without running it. Rhai finds an unknown function only when
//! it gets there, which may be at night.

use std::collections::BTreeSet;

use model::run::ScriptError;
use model::topic::{TopicFilter, check_topic};
use rhai::{AST, ASTNode, Expr, FnCallExpr, Position, Stmt};

use crate::engine::{known_functions, known_names};
use crate::reference::ABSENT;
use crate::words::{at, unknown_function, wrong_arguments};

/// Functions that are part of the language and take what they like.
const SYNTAX: [&str; 9] =
    ["print", "debug", "type_of", "call", "curry", "Fn", "is_shared", "is_def_var", "is_def_fn"];

/// The faults, in the order of the text.
pub(crate) fn faults(ast: &AST) -> Vec<ScriptError> {
    let own = Own::of(ast);
    let mut found = Vec::new();
    walk(ast, |node| {
        let (call, position, method) = match node {
            ASTNode::Expr(Expr::FnCall(call, position)) | ASTNode::Stmt(Stmt::FnCall(call, position)) => {
                (call, *position, false)
            }
            ASTNode::Expr(Expr::MethodCall(call, position)) => (call, *position, true),
            _ => return,
        };
        if !call.is_operator_call() && !call.is_qualified() {
            found.extend(call_fault(call, method, &own).map(|words| at(position_of(call, position), words)));
        }
    });
    found.sort_by_key(|error| (error.line, error.column));
    found.dedup();
    found
}

fn walk(ast: &AST, mut visit: impl FnMut(&ASTNode)) {
    ast.walk(&mut |path: &[ASTNode]| {
        if let Some(node) = path.last() {
            visit(node);
        }
        true
    });
}

/// An argument's place is as good when the call itself has none.
fn position_of(call: &FnCallExpr, position: Position) -> Position {
    if position.is_none() { call.args.first().map_or(position, Expr::position) } else { position }
}

/// The names a script itself gives: they may hold functions.
struct Own {
    functions: BTreeSet<String>,
    /// Variables, arguments and fields of maps, any of which may hold a closure.
    holders: BTreeSet<String>,
}

impl Own {
    fn of(ast: &AST) -> Own {
        let mut functions = BTreeSet::new();
        let mut holders = BTreeSet::new();
        for function in ast.iter_functions() {
            functions.insert(function.name.to_owned());
            holders.extend(function.params.iter().map(|name| (*name).to_owned()));
        }
        walk(ast, |node| match node {
            ASTNode::Stmt(Stmt::Var(var, ..)) => {
                holders.insert(var.0.name.to_string());
            }
            ASTNode::Expr(Expr::Map(map, _)) => {
                holders.extend(map.0.iter().map(|(name, _)| name.name.to_string()));
            }
            // A map whose fields are all known beforehand.
            ASTNode::Expr(Expr::DynamicConstant(value, _)) => {
                if let Ok(map) = value.as_map_ref() {
                    holders.extend(map.keys().map(ToString::to_string));
                }
            }
            ASTNode::Expr(Expr::Property(property, _)) => {
                holders.insert(property.2.to_string());
            }
            _ => {}
        });
        Own { functions, holders }
    }
}

fn call_fault(call: &FnCallExpr, method: bool, own: &Own) -> Option<String> {
    let name = call.name.as_str();
    let named = name.starts_with(|first: char| first.is_alphabetic() || first == '_');
    if !named || name.contains('$') || SYNTAX.contains(&name) || own.functions.contains(name) {
        return None;
    }
    let given = call.args.len() + usize::from(method);
    let absent = ABSENT.iter().any(|(absent, _)| *absent == name);
    if absent || !known_names().any(|known| known == name) {
        let maybe_held = own.holders.contains(name);
        return (absent || !maybe_held)
            .then(|| unknown_function(name, own.functions.iter().map(String::as_str)));
    }
    if !known_functions().iter().any(|known| known.name == name && known.arguments == given) {
        let count = match given {
            0 => "nothing".to_owned(),
            1 => "one value".to_owned(),
            more => format!("{more} values"),
        };
        return wrong_arguments(name, &count)
            .or_else(|| Some(format!("`{name}` does not work with {count}.")));
    }
    let Some(Expr::StringConstant(text, _)) = call.args.first() else { return None };
    match name {
        "publish" if !method => {
            check_topic(text).err().map(|error| format!("Cannot publish to `{text}`: {error}."))
        }
        "topic" if !method => {
            TopicFilter::new(text).err().map(|error| format!("`{text}` is not a topic filter: {error}."))
        }
        _ => None,
    }
}
