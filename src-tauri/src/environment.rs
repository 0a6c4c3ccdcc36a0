//! Environment variables that WebKitGTK needs and some systems do not set.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Each variable, what it gets when it is unusable, and when it is.
const NEEDED: [(&str, &str, fn(&OsStr) -> bool); 2] = [
    // Without it the window stays blank on some NVIDIA and Wayland systems (tauri issues 9304 and 9394).
    ("WEBKIT_DISABLE_DMABUF_RENDERER", "1", OsStr::is_empty),
    // A kiosk or systemd start has none, and then the page's language is "C", which `Intl` refuses.
    ("LANG", "en_US.UTF-8", is_no_language),
];

/// Starts this program anew, under the same process id, when a variable is missing. GTK reads them through C,
/// where they must not change once a thread runs, so they are given to a fresh start instead.
pub(crate) fn complete() {
    let missing: Vec<_> = missing(|name| env::var_os(name)).collect();
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

fn missing<V: AsRef<OsStr>>(
    value: impl Fn(&str) -> Option<V>,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    NEEDED.into_iter().filter_map(move |(name, default, unusable)| {
        value(name).is_none_or(|value| unusable(value.as_ref())).then_some((name, default))
    })
}

fn is_no_language(value: &OsStr) -> bool {
    value.to_str().is_none_or(|value| ["", "C", "POSIX"].contains(&value) || value.starts_with("C."))
}

#[cfg(test)]
mod tests {
    use super::missing;

    fn check(environment: &[(&str, &str)], expected: &[(&str, &str)]) {
        let value = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
        assert_eq!(missing(value).collect::<Vec<_>>(), expected, "{environment:?}");
    }

    #[test]
    fn only_what_is_missing_or_no_language_is_replaced() {
        let renderer = ("WEBKIT_DISABLE_DMABUF_RENDERER", "1");
        let language = ("LANG", "en_US.UTF-8");
        check(&[], &[renderer, language]);
        check(&[("LANG", "C.UTF-8")], &[renderer, language]);
        check(&[("LANG", "de_DE.UTF-8"), ("WEBKIT_DISABLE_DMABUF_RENDERER", "0")], &[]);
        check(&[renderer, language], &[]);
    }
}
