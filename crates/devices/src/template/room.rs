//! Room for templates that nest deeply: a stack of their own.
//!
//! A chain such as `1 + a + a + ..` is a tree as deep as it is long, and a loop can put a list into a list again and
//! again. The engine walks, prints and drops both by recursion, which on the stack of an ordinary thread ends the
//! whole process.

use super::TemplateError;

/// Enough for a source of [`TEMPLATE_BYTES_MAX`](crate::limits::TEMPLATE_BYTES_MAX) that nests with every byte, and
/// for values that nest with every one of [`TEMPLATE_FUEL`](crate::limits::TEMPLATE_FUEL) steps. Only what is used of
/// it takes memory.
const STACK_BYTES: usize = if cfg!(target_pointer_width = "32") { 64 << 20 } else { 256 << 20 };
/// Sources up to this long nest no deeper than an ordinary stack holds. Nearly all are shorter.
const SHORT_BYTES: usize = 768;

/// Works on a source, with more room if it is long.
pub(super) fn fitting<T: Send>(
    source: &str,
    work: impl FnOnce() -> Result<T, TemplateError> + Send,
) -> Result<T, TemplateError> {
    if source.len() <= SHORT_BYTES { work() } else { roomy(work) }
}

/// Works on a large stack.
pub(super) fn roomy<T: Send>(
    work: impl FnOnce() -> Result<T, TemplateError> + Send,
) -> Result<T, TemplateError> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("template".to_owned()).stack_size(STACK_BYTES);
        match thread.spawn_scoped(scope, work) {
            Ok(running) => running.join().unwrap_or_else(|why| std::panic::resume_unwind(why)),
            Err(why) => Err(TemplateError::Failed(format!("there is no room to try it: {why}"))),
        }
    })
}
