//! Environment variables that WebKitGTK needs and some systems do not set.

use std::env;
use std::ffi::{OsStr, OsString};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Without it the window stays blank on some NVIDIA and Wayland systems (tauri issues 9304 and 9394).
const RENDERER: (&str, &str) = ("WEBKIT_DISABLE_DMABUF_RENDERER", "1");

/// A kiosk or systemd start has none, and then the page's language is "C", which `Intl` refuses.
const LANGUAGE: (&str, &str) = ("LANG", "en_US.UTF-8");

/// Starts this program anew, under the same process id, when a variable is missing. GTK reads them through C,
/// where they must not change once a thread runs, so they are given to a fresh start instead.
pub(crate) fn complete() {
    let missing = missing(|name| env::var_os(name));
    let Ok(program) = env::current_exe() else { return };
    if missing.is_empty() {
        return;
    }
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // Comes back only if it failed; Hearth then goes on as well as it can.
    let _ = command.args(arguments).envs(missing).exec();
}

/// The variables to add, with their values.
fn missing(value: impl Fn(&str) -> Option<OsString>) -> Vec<(&'static str, &'static str)> {
    let mut missing = Vec::new();
    if value(RENDERER.0).is_none() {
        missing.push(RENDERER);
    }
    if value(LANGUAGE.0).is_none_or(|language| is_no_language(&language)) {
        missing.push(LANGUAGE);
    }
    missing
}

fn is_no_language(value: &OsStr) -> bool {
    value.to_str().is_none_or(|value| ["", "C", "POSIX"].contains(&value) || value.starts_with("C."))
}

#[cfg(test)]
mod tests {
    use super::{LANGUAGE, RENDERER, missing};

    fn check(environment: &[(&str, &str)], expected: &[(&str, &str)]) {
        let value =
            |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        assert_eq!(missing(value), expected, "{environment:?}");
    }

    #[test]
    fn only_what_is_missing_or_no_language_is_replaced() {
        check(&[], &[RENDERER, LANGUAGE]);
        check(&[("LANG", "C.UTF-8")], &[RENDERER, LANGUAGE]);
        check(&[("LANG", "de_DE.UTF-8"), ("WEBKIT_DISABLE_DMABUF_RENDERER", "0")], &[]);
        check(&[RENDERER, LANGUAGE], &[]);
    }
}
