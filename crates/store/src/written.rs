//! The promise of a write: resolves when it is on the disk.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::sync::oneshot;

use crate::error::{Result, StoreError};

/// Resolves once the write is durable, or with the reason why it is not. Dropping it does not undo the write.
#[derive(Debug)]
#[must_use = "await it to know that the write is durable, or drop it on purpose"]
pub struct Written<T>(oneshot::Receiver<Result<T>>);

impl<T> Written<T> {
    pub(crate) fn pair() -> (oneshot::Sender<Result<T>>, Self) {
        let (sender, receiver) = oneshot::channel();
        (sender, Self(receiver))
    }

    /// Blocks this thread until the write is durable. Never call it on an async worker.
    pub fn wait(mut self) -> Result<T> {
        // Not `blocking_recv`: that panics on a runtime's thread, where opening a database at start is fine.
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut context = Context::from_waker(&waker);
        loop {
            if let Poll::Ready(outcome) = Pin::new(&mut self).poll(&mut context) {
                return outcome;
            }
            thread::park();
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

impl<T> Future for Written<T> {
    type Output = Result<T>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|received| received.unwrap_or(Err(StoreError::Closed)))
    }
}
