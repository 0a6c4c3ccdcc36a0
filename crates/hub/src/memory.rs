//! Where the program's memory comes from.
//!
//! Messages are made by one thread and given back by another, in bursts. The C library's allocator keeps what such
//! bursts leave in pieces: among clients that came and went the hub used 20 MiB and held 80, more each minute.
//! mimalloc gives unused pages back within a second. Around it stands the counter that bounds what scripts hold.

use automation::memory::Counting;
use mimalloc::MiMalloc;

/// For a program's `#[global_allocator]`.
pub type Memory = Counting<MiMalloc>;

/// See [`Memory`].
pub const fn memory() -> Memory {
    Counting::new(MiMalloc)
}
