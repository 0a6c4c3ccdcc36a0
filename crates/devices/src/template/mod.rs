//! Templates: Jinja as announcements and profiles write it, under limits.
//!
//! A template comes from outside. It may take [`TEMPLATE_FUEL`] steps (the engine charges memory to the same
//! budget) and print [`TEMPLATE_OUTPUT_BYTES_MAX`]; it reads nothing but the variables it is given.

mod filters;
mod leaves;
mod methods;
mod operators;
mod path;
mod python;
mod room;

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};

use crate::limits::{
    OPERATORS_MAX, TEMPLATE_BYTES_MAX, TEMPLATE_FUEL, TEMPLATE_LIGHT_FUEL, TEMPLATE_OUTPUT_BYTES_MAX,
};

pub(crate) use path::{Bare, Path};
pub(crate) use python::{print, print_json};

/// Why a template gave no text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TemplateError {
    /// It points to something that is not there: the message is not meant for it.
    Undefined,
    /// The allowance is used up. See [`Templates::allow`].
    Spent,
    /// It cannot be read, or went wrong. In words.
    Failed(String),
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined => f.write_str("it uses a value that is not there"),
            Self::Spent => f.write_str("what templates may take for one message is used up"),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl From<minijinja::Error> for TemplateError {
    fn from(error: minijinja::Error) -> Self {
        match error.kind() {
            ErrorKind::UndefinedError => Self::Undefined,
            ErrorKind::OutOfFuel => Self::Failed("it takes too many steps or too much memory".to_owned()),
            _ => Self::Failed(match error.line() {
                Some(line) if line > 1 => format!("{} (line {line})", reason(&error)),
                _ => reason(&error),
            }),
        }
    }
}

fn reason(error: &minijinja::Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned)
}

fn environment(fuel: u64) -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Chainable);
    env.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    env.set_fuel(Some(fuel));
    env.set_recursion_limit(64);
    env.set_formatter(|out, _state, value| {
        let text = match value.as_str() {
            Some(text) => return write(out, text),
            None => print(value),
        };
        write(out, &text)
    });
    env.set_unknown_method_callback(methods::call);
    filters::add_to(&mut env);
    crate::homie::add_to(&mut env);
    crate::tasmota::add_to(&mut env);
    env
}

fn write(out: &mut minijinja::Output, text: &str) -> Result<(), minijinja::Error> {
    out.write_str(text).map_err(|_| ErrorKind::WriteFailure.into())
}

/// Whether a text matches all of a pattern.
pub(crate) fn matches(pattern: &str, text: &str) -> Option<bool> {
    filters::whole_match(pattern, text)
}

/// A JSON value as templates see it.
pub(crate) fn from_json(json: &serde_json::Value) -> Value {
    Value::from(minijinja::value::Serde(json))
}

/// For templates that are rendered once, such as those of a profile or a command.
static ONCE: LazyLock<Environment<'static>> = LazyLock::new(|| environment(TEMPLATE_FUEL));
/// What they are first tried with.
static LIGHT: LazyLock<Environment<'static>> = LazyLock::new(|| environment(TEMPLATE_LIGHT_FUEL));

/// Whether a text is a template at all.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("{%") || text.contains("{#")
}

/// Checks that a template can be read.
pub(crate) fn check(source: &str) -> Result<(), TemplateError> {
    check_source(source)?;
    room::fitting(source, || Ok(ONCE.template_from_str(source).map(drop)?))
}

/// Whether a template is small enough to be read.
fn check_source(source: &str) -> Result<(), TemplateError> {
    check_length(source)?;
    check_operators(operators::in_template(source))
}

/// The same of an expression.
fn check_expression_source(source: &str) -> Result<(), TemplateError> {
    check_length(source)?;
    check_operators(operators::in_expression(source))
}

fn check_length(source: &str) -> Result<(), TemplateError> {
    if source.len() > TEMPLATE_BYTES_MAX {
        return Err(TemplateError::Failed(format!(
            "it has {} bytes; templates can have at most {TEMPLATE_BYTES_MAX}",
            source.len()
        )));
    }
    Ok(())
}

fn check_operators(most: usize) -> Result<(), TemplateError> {
    if most > OPERATORS_MAX {
        return Err(TemplateError::Failed(format!(
            "one of its expressions has {most} operators; there can be {OPERATORS_MAX}. Take it apart with `{{% set %}}`"
        )));
    }
    Ok(())
}

/// Renders a template that is not kept.
pub(crate) fn render_once(source: &str, context: Value) -> Result<String, TemplateError> {
    if !is_template(source) {
        return Ok(source.to_owned());
    }
    check_source(source)?;
    let once = |env: &Environment<'static>| rendered(env.template_from_str(source)?, &context);
    let light = room::fitting(source, || once(&LIGHT))?;
    match light.map_or_else(|| room::roomy(|| once(&ONCE)), |light| Ok(Some(light)))? {
        Some((text, _)) => Ok(text),
        None => Err(out_of_fuel()),
    }
}

/// What a template prints, and what fuel that took; `None` if it had too little.
fn rendered(
    template: minijinja::Template<'_, '_>,
    context: &Value,
) -> Result<Option<(String, u64)>, TemplateError> {
    match template.render_captured(context.clone()) {
        Ok(done) => {
            let taken = done.state().fuel_levels().map_or(u64::MAX, |(taken, _)| taken);
            limited(done.into_output()).map(|text| Some((text, taken)))
        }
        Err(error) if error.kind() == ErrorKind::OutOfFuel => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn out_of_fuel() -> TemplateError {
    minijinja::Error::from(ErrorKind::OutOfFuel).into()
}

/// Evaluates an expression, such as `cfg.rl` or `item == 1`.
pub(crate) fn evaluate(expression: &str, context: Value) -> Result<Value, TemplateError> {
    check_expression_source(expression)?;
    room::fitting(expression, || Ok(ONCE.compile_expression(expression)?.eval(context)?))
}

/// Names a template uses without setting them, with what it takes of each: `cfg.state`, `value`.
pub(crate) fn variables(source: &str) -> Result<Vec<String>, TemplateError> {
    check_source(source)?;
    let mut names = room::fitting(source, || {
        let names = ONCE.template_from_str(source)?.undeclared_variables(true);
        Ok(names.into_iter().collect::<Vec<String>>())
    })?;
    names.sort_unstable();
    Ok(names)
}

/// Checks an expression.
pub(crate) fn check_expression(expression: &str) -> Result<(), TemplateError> {
    check_expression_source(expression)?;
    room::fitting(expression, || Ok(ONCE.compile_expression(expression).map(drop)?))
}

/// What came of a template that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Printed {
    /// What it printed, or why not, in words.
    pub text: Result<String, String>,
    /// Steps it took; 0 for a bare path and a plain text, which need no engine.
    pub fuel: u64,
}

/// Tries a template as a state source has it, over the `value` and `value_json` of a payload.
pub fn try_template(source: &str, payload: &str) -> Printed {
    // A device has more, but no template of it.
    let allowed = TEMPLATE_LIGHT_FUEL + TEMPLATE_FUEL;
    let mut templates = Templates::new();
    templates.allow(allowed);
    let json = serde_json::from_str::<serde_json::Value>(payload).ok();
    let text = match templates.acquire(source) {
        Ok(Template::Bare(Bare::Payload)) => Ok(payload.to_owned()),
        Ok(Template::Bare(Bare::Json(path))) => json
            .as_ref()
            .and_then(|json| path.print(json))
            .map(std::borrow::Cow::into_owned)
            .ok_or(TemplateError::Undefined),
        Ok(Template::Plain(text)) => Ok(text.to_string()),
        Ok(Template::Kept(kept)) => {
            let value_json = json.as_ref().map_or(Value::UNDEFINED, from_json);
            let context = minijinja::context! { value => payload, value_json => value_json };
            templates.render(&kept, context).map(|text| text.trim().to_owned())
        }
        Err(why) => Err(why),
    };
    let fuel = allowed - templates.rest().0;
    Printed { text: text.map_err(|why| why.to_string()), fuel }
}

fn limited(text: String) -> Result<String, TemplateError> {
    if text.len() > TEMPLATE_OUTPUT_BYTES_MAX {
        return Err(TemplateError::Failed(format!(
            "it printed {} bytes; at most {TEMPLATE_OUTPUT_BYTES_MAX} are kept",
            text.len()
        )));
    }
    Ok(text)
}

/// The compiled templates of a home's state sources: each distinct text is kept once, as long as one source
/// uses it.
#[derive(Debug)]
pub(crate) struct Templates {
    env: Environment<'static>,
    users: HashMap<Arc<str>, usize>,
    /// Fuel that [`Templates::render`] may still take.
    left: u64,
    /// Something was not rendered, or not to its end, for want of it.
    wanting: bool,
}

/// A template ready to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Template {
    /// A bare path, which needs no engine.
    Bare(Bare),
    /// A text without anything to fill in.
    Plain(Arc<str>),
    /// Anything else, by its source.
    Kept(Arc<str>),
}

impl Templates {
    pub(crate) fn new() -> Self {
        Self { env: environment(TEMPLATE_FUEL), users: HashMap::new(), left: TEMPLATE_FUEL, wanting: false }
    }

    /// Sets what the next renderings may take together.
    pub(crate) fn allow(&mut self, fuel: u64) {
        self.left = fuel;
        self.wanting = false;
    }

    /// What is left of it, and whether that was too little.
    pub(crate) fn rest(&self) -> (u64, bool) {
        (self.left, self.wanting)
    }

    /// Gets a template ready; [`Templates::release`] gives it back.
    pub(crate) fn acquire(&mut self, source: &str) -> Result<Template, TemplateError> {
        if let Some(bare) = Bare::parse(source) {
            return Ok(Template::Bare(bare));
        }
        if !is_template(source) {
            return Ok(Template::Plain(source.into()));
        }
        check_source(source)?;
        if let Some((source, _)) = self.users.get_key_value(source) {
            let source = source.clone();
            *self.users.entry(source.clone()).or_default() += 1;
            return Ok(Template::Kept(source));
        }
        let env = &mut self.env;
        room::fitting(source, || Ok(env.add_template_owned(source.to_owned(), source.to_owned())?))?;
        let source: Arc<str> = source.into();
        self.users.insert(source.clone(), 1);
        Ok(Template::Kept(source))
    }

    /// Gets a template ready to be rendered by the engine, whatever its kind.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn acquire_kept(&mut self, source: &str) -> Option<Arc<str>> {
        match self.acquire(source).ok()? {
            Template::Kept(source) => Some(source),
            Template::Bare(_) | Template::Plain(_) => None,
        }
    }

    /// How many are kept.
    #[cfg(feature = "fuzzing")]
    pub(crate) fn kept(&self) -> usize {
        self.users.len()
    }

    /// One user less.
    pub(crate) fn release(&mut self, template: &Template) {
        let Template::Kept(source) = template else { return };
        if let Some(users) = self.users.get_mut(source) {
            *users -= 1;
            if *users == 0 {
                self.users.remove(source);
                self.env.remove_template(source);
            }
        }
    }

    /// Renders a kept template within what is allowed.
    pub(crate) fn render(&mut self, source: &str, context: Value) -> Result<String, TemplateError> {
        for most in [TEMPLATE_LIGHT_FUEL, TEMPLATE_FUEL] {
            let fuel = most.min(self.left);
            if fuel == 0 {
                break;
            }
            self.env.set_fuel(Some(fuel));
            let env = &self.env;
            let work = || rendered(env.get_template(source)?, &context);
            // A few steps nest nothing deeply.
            let done = if fuel <= TEMPLATE_LIGHT_FUEL { work() } else { room::roomy(work) };
            match done {
                Ok(Some((text, taken))) => {
                    self.left = self.left.saturating_sub(taken.min(fuel));
                    return Ok(text);
                }
                Ok(None) if fuel < TEMPLATE_FUEL => self.left -= fuel,
                done => {
                    self.left -= fuel;
                    return Err(done.err().unwrap_or_else(out_of_fuel));
                }
            }
        }
        self.wanting = true;
        Err(TemplateError::Spent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use minijinja::context;

    fn render(source: &str, value: &str) -> Result<String, TemplateError> {
        let json: Option<serde_json::Value> = serde_json::from_str(value).ok();
        let json = json.map_or(Value::UNDEFINED, |json| from_json(&json));
        render_once(source, context! { value => value, value_json => json })
    }

    #[test]
    fn filters_do_what_home_assistants_do() {
        fn check(source: &str, value: &str, expected: &str) {
            assert_eq!(render(source, value).as_deref(), Ok(expected), "{source} of {value}");
        }
        check("{{ value | int * 2 }}", "21", "42");
        check("{{ value | int }}", "21.9", "21");
        check("{{ value | int(5) }}", "x", "5");
        check("{{ value | int(default=5) }}", "x", "5");
        check("{{ 'ff' | int(base=16) }}", "", "255");
        check("{{ value | float(0) }}", "x", "0");
        check("{{ value_json.a | round(1) }}", r#"{"a": 2.345}"#, "2.3");
        check("{{ value_json.a | round }}", r#"{"a": 2.5}"#, "2");
        check("{{ value_json.a | round(0, 'floor') }}", r#"{"a": 2.9}"#, "2");
        check("{{ value_json.a | round(1, 'ceil') }}", r#"{"a": 2.11}"#, "2.2");
        check("{{ 'aaaa bbbb cccc' | truncate(9, True, '', 0) }}", "", "aaaa bbbb");
        check("{{ 'aaaa bbbb cccc' | truncate(11, False, '', 0) }}", "", "aaaa bbbb");
        check("{{ value_json | tojson }}", r#"{"a":[1,true]}"#, r#"{"a":[1,true]}"#);
        check("{{ 'a1b22' | regex_findall('[0-9]+') | join('-') }}", "", "1-22");
        check("{{ 'a1b22' | regex_replace('([a-z])', '<\\\\1>') }}", "", "<a>1<b>22");
        check("{{ value_json.on | iif('yes', 'no') }}", r#"{"on": true}"#, "yes");
        check("{{ value_json.on }}", r#"{"on": true}"#, "True");
        check("{{ value_json.on }}", r#"{"on": null}"#, "None");
        check("{{ value.split(',')[1].upper() }}", "a,b", "B");
        check("{{ value_json.get('x', 'none') }}", "{}", "none");
        check("{{ value_json.a.b.c }}", "{}", "");
        check("{{ value_json|at(['a', 0]) }}", r#"{"a": 5}"#, "5");
        check("{{ 1700000000 | timestamp_custom('%Y-%m-%d %H:%M') }}", "", "2023-11-14 22:13");
        check("{{ min(3, 1, 2) }}{{ max([3, 1]) }}", "", "13");
        check(
            "{{ leaves(value_json, depth=2) | map(attribute='key') | join(',') }}",
            r#"{"A":{"B":1,"C":[1,2]}}"#,
            "B,C,C",
        );
    }

    /// Templates as found in the field, with the text Python's Jinja2 3.1 renders for the same variables; each
    /// row names the firmwares that send it. A row without a text raises in Python.
    #[test]
    fn templates_of_the_field_print_what_python_prints() {
        let context: serde_json::Value =
            serde_json::from_str(include_str!("../../tests/data/corpus/templates_context.json")).unwrap();
        for line in include_str!("../../tests/data/corpus/templates.jsonl").lines() {
            let row: serde_json::Value = serde_json::from_str(line).unwrap();
            let source = row["template"].as_str().unwrap();
            let printed = match Bare::parse(source) {
                Some(Bare::Payload) => Some(context["value"].as_str().unwrap().to_owned()),
                Some(Bare::Json(path)) => {
                    path.print(&context["value_json"]).map(std::borrow::Cow::into_owned)
                }
                None => render_once(source, from_json(&context)).ok(),
            };
            // What is not there is an empty text in Python, and no text at all here.
            assert_eq!(printed.unwrap_or_default(), row["expect"].as_str().unwrap_or_default(), "{source}");
        }
    }

    #[test]
    fn a_missing_value_is_told_apart_from_an_empty_one() {
        assert_eq!(render("{{ value_json.a | is_defined }}", "{}"), Err(TemplateError::Undefined));
        assert_eq!(render("{{ value_json.a | is_defined }}", r#"{"a": ""}"#).as_deref(), Ok(""));
    }

    #[test]
    fn templates_cannot_run_away() {
        fn check(source: &str) {
            let error = render(source, "x").expect_err(source);
            assert!(matches!(error, TemplateError::Failed(_)), "{source}: {error}");
        }
        check("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}");
        check(
            &("{% set x = 'aaaaaaaaaaaaaaaa' %}".to_owned() + &"{% set x = x ~ x %}".repeat(60) + "{{ x }}"),
        );
        check("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}");
        check("{{ 'x' * 10000000 }}");
        check("{{ 'aaaa'.replace('', 'a' * 60000).replace('', 'a' * 60000) }}");
        check("{{ 'a' | regex_replace('(a{1000}){1000}', '') }}");
        check("{{ unclosed");
        check(&"{{ 1 }}".repeat(10_000));
    }

    /// Deeper than the stack of an ordinary thread holds.
    #[test]
    fn templates_that_nest_deeply_do_not_end_the_process() {
        fn check(source: &str, prints: &str) {
            let variables = || context! { value => "x", a => 1 };
            let once = render_once(source, variables());
            let mut templates = Templates::new();
            let kept = templates.acquire(source).and_then(|_| templates.render(source, variables()));
            assert_eq!(once, kept, "{source:.60}");
            assert_eq!(once.as_deref(), Ok(prints), "{source:.60}");
        }
        let chain = |of: &str| of.repeat(6_000 / of.len());
        check(&format!("{{{{ a{} }}}}", chain(" and a")), "1");
        check(&format!("{{% if b %}}{}{{% endif %}}", chain("{%elif b%}")), "");
        check(&format!("{{{{ 1{} }}}}", "+a".repeat(OPERATORS_MAX)), &(OPERATORS_MAX + 1).to_string());
        check(&format!("{{{{ {}a }}}}", "-".repeat(OPERATORS_MAX)), "1");
        check(&format!("{{{{ {}b }}}}", "not ".repeat(OPERATORS_MAX)), "False");
        let nest = |what: &str, then: &str| {
            let set = format!("{{% set n.x = {what} %}}");
            format!("{{% set n = namespace(x=[]) %}}{{% for i in range(1500) %}}{set}{{% endfor %}}{then}")
        };
        check(&nest("[n.x]", "done"), "done");
        let printed = format!("{}[]{}", "[".repeat(1500), "]".repeat(1500));
        check(&nest("[n.x]", "{{ n.x }}"), &printed);
    }

    /// The engine folds constants of a chain again for each of its operators.
    #[test]
    fn chains_of_operators_are_refused_before_they_are_read() {
        fn check(source: &str) {
            let error = render(source, "x").expect_err("it is too long").to_string();
            assert!(error.contains("operators") && error.contains("Take it apart"), "{error}");
        }
        let chain = |of: &str| of.repeat(OPERATORS_MAX + 1);
        check(&format!("{{{{ 1{} }}}}", chain("+1")));
        check(&format!("{{{{ {}1 }}}}", chain("-")));
        check(&format!("{{% if {}x %}}{{% endif %}}", chain("not ")));
        assert!(check_expression(&format!("1{}", chain("*1"))).is_err());
        assert_eq!(render(&chain("-"), "x").as_deref(), Ok(chain("-").as_str()), "a text is none");
    }

    #[test]
    fn a_template_reads_its_own_entity_and_no_other() {
        let context = || {
            context! { entity_id => "switch.a", this => context! { state => "on", attributes => context! { x => 1 } } }
        };
        let check = |source: &str, expected: &str| {
            assert_eq!(render_once(source, context()).as_deref(), Ok(expected), "{source}");
        };
        check("{{ states(entity_id) }}", "on");
        check("{{ is_state(entity_id, 'on') }}", "True");
        check("{{ states('switch.b') }}", "unknown");
        check("{{ state_attr(entity_id, 'x') }}{{ state_attr('switch.b', 'x') }}", "1None");
    }

    #[test]
    fn kept_templates_are_dropped_with_their_last_user() {
        let mut templates = Templates::new();
        let source = "{{ value | upper }}";
        let (one, two) = (templates.acquire(source).unwrap(), templates.acquire(source).unwrap());
        templates.release(&one);
        assert_eq!(templates.render(source, context! { value => "a" }).as_deref(), Ok("A"));
        templates.release(&two);
        assert!(templates.render(source, context! { value => "a" }).is_err() && templates.users.is_empty());
    }
}
