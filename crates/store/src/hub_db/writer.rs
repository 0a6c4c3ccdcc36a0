//! The one thread that writes `hub.db`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::State;
use parking_lot::{Condvar, Mutex};
use rusqlite::{Connection, TransactionBehavior};

use super::job::{Job, job};
use super::late::Late;
use crate::error::{Result, StoreError};
use crate::{Conn, Written};

/// How late a late write may be.
const LATE: Duration = Duration::from_millis(1_000);
/// Writes one transaction may hold; more only make the first ones wait.
const GROUP_MAX: usize = 1_000;
/// Writes that may wait. Callers wait for their own, so this is reached only when somebody does not; the
/// write is then refused.
const QUEUE_MAX: usize = 100_000;

#[derive(Default)]
struct Queue {
    jobs: Vec<Box<dyn Job>>,
    late: Late,
    late_since: Option<Instant>,
    /// Write what may be late with the next group.
    hurry: bool,
    closing: bool,
}

struct Shared {
    path: PathBuf,
    queue: Mutex<Queue>,
    work: Condvar,
    failure: Mutex<Option<String>>,
}

pub(crate) struct Writer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(crate) fn start(path: &Path, connection: Connection) -> Result<Self> {
        let shared = Arc::new(Shared {
            path: path.to_owned(),
            queue: Mutex::default(),
            work: Condvar::new(),
            failure: Mutex::new(None),
        });
        let thread = std::thread::Builder::new()
            .name("hub-db".into())
            .spawn({
                let shared = Arc::clone(&shared);
                move || run(&shared, connection)
            })
            .map_err(|why| StoreError::Disk { file: path.to_owned(), why: why.to_string() })?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)) })
    }

    pub(crate) fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Conn) -> Result<T> + Send + 'static,
    ) -> Written<T> {
        let (job, written) = job(work);
        self.push(job, false);
        written
    }

    pub(crate) fn flush(&self) -> Written<()> {
        let (job, written) = job(|_| Ok(()));
        self.push(job, true);
        written
    }

    fn push(&self, job: Box<dyn Job>, hurry: bool) {
        let mut queue = self.shared.queue.lock();
        if queue.closing {
            drop(queue);
            return job.finish(&Err(StoreError::Closed), &self.shared.path);
        }
        if queue.jobs.len() >= QUEUE_MAX {
            drop(queue);
            let why = format!("{QUEUE_MAX} writes are waiting already");
            return job
                .finish(&Err(StoreError::Disk { file: self.shared.path.clone(), why }), &self.shared.path);
        }
        queue.jobs.push(job);
        queue.hurry |= hurry;
        drop(queue);
        self.shared.work.notify_one();
    }

    pub(crate) fn move_cursor(&self, client_id: &str, cursor: u64) {
        self.later(|late| late.move_cursor(client_id, cursor));
    }

    pub(crate) fn keep_states(&self, states: Vec<(String, State)>, cursor: u64) {
        self.later(|late| late.keep_states(states, cursor));
    }

    fn later(&self, put: impl FnOnce(&mut Late)) {
        let mut queue = self.shared.queue.lock();
        put(&mut queue.late);
        if queue.late_since.is_none() {
            queue.late_since = Some(Instant::now());
            drop(queue);
            self.shared.work.notify_one();
        }
    }

    pub(crate) fn failure(&self) -> Option<String> {
        self.shared.failure.lock().clone()
    }

    /// Writes what is queued and joins the thread; the second time it does nothing.
    pub(crate) fn close(&self) -> Result<()> {
        self.shared.queue.lock().closing = true;
        self.shared.work.notify_one();
        let Some(thread) = self.thread.lock().take() else { return Ok(()) };
        if thread.join().is_err() {
            return Err(StoreError::Sql("the writer of hub.db panicked".into()));
        }
        match self.failure() {
            Some(why) => Err(StoreError::Disk { file: self.shared.path.clone(), why }),
            None => Ok(()),
        }
    }
}

/// What the thread does next.
struct Group {
    jobs: Vec<Box<dyn Job>>,
    late: Option<Late>,
    last: bool,
}

fn run(shared: &Shared, mut connection: Connection) {
    loop {
        let mut group = wait(shared);
        let commit = write(&mut connection, &mut group).map_err(|why| why.in_file(&shared.path));
        match &commit {
            Ok(()) => *shared.failure.lock() = None,
            Err(why) => {
                tracing::error!("{why}");
                *shared.failure.lock() = Some(why.to_string());
                let mut queue = shared.queue.lock();
                queue.late.take_back(group.late.take().unwrap_or_default());
                // Try again in a while even if nobody writes, so that the failure does not outlive its reason.
                queue.late_since = Some(Instant::now());
            }
        }
        for job in group.jobs {
            job.finish(&commit, &shared.path);
        }
        if group.last {
            return;
        }
    }
}

/// Waits until something is due.
fn wait(shared: &Shared) -> Group {
    let mut queue = shared.queue.lock();
    loop {
        let late_due = queue.late_since.map(|since| since + LATE);
        let is_due = queue.hurry || queue.closing || late_due.is_some_and(|due| due <= Instant::now());
        if queue.closing || !queue.jobs.is_empty() || (is_due && late_due.is_some()) {
            let rest =
                if queue.jobs.len() > GROUP_MAX { queue.jobs.split_off(GROUP_MAX) } else { Vec::new() };
            let jobs = std::mem::replace(&mut queue.jobs, rest);
            let late = (is_due && queue.late_since.is_some()).then(|| std::mem::take(&mut queue.late));
            if is_due {
                queue.late_since = None;
                // A flush waits behind the jobs that did not fit; it hurries again with them.
                queue.hurry = !queue.jobs.is_empty() && queue.hurry;
            }
            let last = queue.closing && queue.jobs.is_empty();
            return Group { jobs, late, last };
        }
        match late_due {
            Some(due) => {
                shared.work.wait_until(&mut queue, due);
            }
            None => shared.work.wait(&mut queue),
        }
    }
}

fn write(connection: &mut Connection, group: &mut Group) -> Result<()> {
    if group.jobs.is_empty() && group.late.is_none() {
        return Ok(());
    }
    let mut transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for job in &mut group.jobs {
        let savepoint = transaction.savepoint()?;
        // A savepoint that is dropped uncommitted is undone.
        if job.run(&savepoint).is_ok() {
            savepoint.commit()?;
        } else {
            drop(savepoint);
        }
        // A full disk undoes the whole transaction, not only this write.
        if transaction.is_autocommit() {
            return Err(StoreError::Full { file: PathBuf::new() });
        }
    }
    if let Some(late) = &group.late {
        late.write(&transaction)?;
    }
    transaction.commit()?;
    Ok(())
}
