//! One queued write with its caller's type hidden, so that writes of all types share a transaction.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use tokio::sync::oneshot;

use crate::error::{Result, StoreError};
use crate::{Conn, Written};

pub(crate) trait Job: Send {
    /// Does the work. `Err` means it is to be undone; the caller is told.
    fn run(&mut self, conn: &Conn) -> Result<(), ()>;
    /// The transaction on `file` is durable, or is not and why.
    fn finish(self: Box<Self>, commit: &Result<()>, file: &Path);
}

struct Write<F, T> {
    work: Option<F>,
    outcome: Result<T>,
    caller: oneshot::Sender<Result<T>>,
}

/// Packs a write with the promise of its outcome.
pub(crate) fn job<T, F>(work: F) -> (Box<dyn Job>, Written<T>)
where
    T: Send + 'static,
    F: FnOnce(&Conn) -> Result<T> + Send + 'static,
{
    let (caller, written) = Written::pair();
    (Box::new(Write { work: Some(work), outcome: Err(StoreError::Closed), caller }), written)
}

impl<F, T> Job for Write<F, T>
where
    T: Send,
    F: FnOnce(&Conn) -> Result<T> + Send,
{
    fn run(&mut self, conn: &Conn) -> Result<(), ()> {
        if let Some(work) = self.work.take() {
            // A bug in one caller's closure must not take the writer of everybody with it.
            self.outcome = catch_unwind(AssertUnwindSafe(|| work(conn)))
                .unwrap_or_else(|_| Err(StoreError::Sql("the write panicked and was undone".into())));
        }
        self.outcome.as_ref().map(|_| ()).map_err(|_| ())
    }

    fn finish(self: Box<Self>, commit: &Result<()>, file: &Path) {
        let outcome = match commit {
            Ok(()) => self.outcome,
            // The closure's own error says more than the failed transaction's.
            Err(why) => self.outcome.and(Err(why.clone())),
        };
        // The caller may have stopped waiting; the write counts all the same.
        let _ = self.caller.send(outcome.map_err(|why| why.in_file(file)));
    }
}
