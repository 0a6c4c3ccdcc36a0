//! What a script's variables weigh: an allocator that counts for the thread whose script is running.
//!
//! Rhai bounds each text and array, but not their sum: a hundred arrays just below the bound are allowed.
//! So the program installs [`Counting`] around its allocator, and a run is stopped when what its script
//! holds passes [`crate::Limits::memory_bytes_max`]. Where it is not installed nothing is counted and only
//! the size limits hold.
//!
//! A run stays on one thread from start to end, so the count is thread-local and needs no atomics. Outside
//! a run an allocation pays one thread-local read.
#![allow(unsafe_code, reason = "`GlobalAlloc` is an unsafe trait; nothing here touches the memory itself")]

use std::alloc::{GlobalAlloc, Layout};
use std::cell::Cell;

thread_local! {
    // `const` and without a destructor: reading them never allocates, also while a thread starts or ends.
    static COUNTED: Cell<bool> = const { Cell::new(false) };
    static HELD: Cell<isize> = const { Cell::new(0) };
}

/// Wraps the program's allocator and counts what scripts hold.
///
/// ```
/// #[global_allocator]
/// static ALLOCATOR: automation::memory::Counting<std::alloc::System> =
///     automation::memory::Counting::new(std::alloc::System);
/// # fn main() {}
/// ```
#[derive(Debug, Default)]
pub struct Counting<A>(A);

impl<A> Counting<A> {
    /// Around this allocator.
    pub const fn new(allocator: A) -> Self {
        Self(allocator)
    }
}

#[inline]
fn count(bytes: isize) {
    if COUNTED.get() {
        HELD.set(HELD.get().wrapping_add(bytes));
    }
}

// A layout is at most `isize::MAX` bytes, so the casts below keep their value.
//
// SAFETY: every call is passed on unchanged to an allocator that keeps `GlobalAlloc`'s contract, and its
// answer is returned unchanged. Counting touches only thread-locals without destructors, so it neither
// allocates nor unwinds.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Counting<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: `pointer` came from `self.0` with this layout, as the caller promises.
        unsafe { self.0.dealloc(pointer, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller's promises about `layout` are passed on.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(new_size as isize - layout.size() as isize);
        // SAFETY: `pointer` came from `self.0` with this layout, as the caller promises.
        unsafe { self.0.realloc(pointer, layout, new_size) }
    }
}

/// Starts counting on this thread, for a script that holds `held` bytes already.
pub(crate) fn start(held: isize) {
    HELD.set(held);
    COUNTED.set(true);
}

/// Bytes held now by the script that runs on this thread.
pub(crate) fn held() -> isize {
    HELD.get()
}

/// Stops counting; what the script holds now. Never negative: a value made outside a run and dropped inside
/// one would otherwise be a credit.
pub(crate) fn stop() -> isize {
    COUNTED.set(false);
    HELD.get().max(0)
}

/// Does something for the house in the middle of a run, such as writing a log line down: what it allocates
/// outlives the run and is not the script's.
pub(crate) fn uncounted<T>(work: impl FnOnce() -> T) -> T {
    struct Again(bool);
    impl Drop for Again {
        fn drop(&mut self) {
            COUNTED.set(self.0);
        }
    }
    let _again = Again(COUNTED.replace(false));
    work()
}
