//! The threads that automations run on, and the watchdog over them.
//!
//! An automation with mail stands in one queue; a thread takes it, works on it for a short slice, and puts
//! it back at the end if mail is left. So a busy script slows nobody down by more than a slice, and no
//! script is ever on two threads.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};

use crate::automation::{Automation, RunHead, Seat};
use crate::inbox::Mail;
use crate::limits::Limits;
use crate::script::STACK_BYTES;

/// The pool. Dropping it stops it.
pub(crate) struct Pool {
    shared: Arc<Shared>,
}

struct Shared {
    limits: Limits,
    queue: Mutex<Queue>,
    /// Someone has mail, or all is over.
    mail: Condvar,
    places: Mutex<Vec<Arc<Place>>>,
    /// The watchdog's sleep is over early, or a thread has ended.
    ending: Condvar,
}

#[derive(Default)]
struct Queue {
    ready: VecDeque<Arc<Automation>>,
    /// Threads that have not ended; those given up do not count.
    threads: usize,
    stopping: bool,
}

/// One thread's place.
#[derive(Default)]
struct Place {
    busy: Mutex<Option<Busy>>,
    /// The watchdog gave this thread up; another has its place.
    lost: AtomicBool,
}

struct Busy {
    since: Instant,
    automation: Arc<Automation>,
    head: RunHead,
    /// Nobody has claimed the run's record.
    unwritten: bool,
}

impl Seat for Arc<Place> {
    fn take(&self, automation: &Arc<Automation>, head: &RunHead) {
        *self.busy.lock() = Some(Busy {
            since: Instant::now(),
            automation: automation.clone(),
            head: head.clone(),
            unwritten: true,
        });
    }

    fn lost(&self) -> bool {
        self.lost.load(Ordering::Acquire)
    }

    fn claim(&self) -> bool {
        match &mut *self.busy.lock() {
            Some(busy) => std::mem::replace(&mut busy.unwritten, false),
            None => false,
        }
    }
}

impl Pool {
    /// Starts the threads.
    pub(crate) fn start(limits: &Limits) -> Pool {
        let shared = Arc::new(Shared {
            limits: limits.clone(),
            queue: Mutex::new(Queue::default()),
            mail: Condvar::new(),
            places: Mutex::new(Vec::new()),
            ending: Condvar::new(),
        });
        for _ in 0..limits.pool_threads() {
            shared.start_thread();
        }
        let watched = shared.clone();
        let watchdog = std::thread::Builder::new().name("automation-watch".to_owned());
        if let Err(error) = watchdog.spawn(move || watched.watch()) {
            tracing::error!(
                "No thread for the watchdog over automations ({error}): a stuck one stays stuck."
            );
        }
        Pool { shared }
    }

    /// Gives an automation an event. Never blocks.
    pub(crate) fn deliver(&self, automation: &Arc<Automation>, mail: Mail) {
        if !automation.is_running() {
            return;
        }
        {
            let mut inbox = automation.inbox.lock();
            inbox.push(mail);
            if std::mem::replace(&mut inbox.scheduled, true) {
                return;
            }
        }
        self.shared.enqueue(automation.clone());
    }

    /// Lets the runs that are under way end, for a bounded time, and ends the threads.
    pub(crate) fn stop(&self) {
        let patience = Duration::from_millis(self.shared.limits.wall_ms + self.shared.limits.late_ms);
        let until = Instant::now() + patience;
        let mut queue = self.shared.queue.lock();
        queue.stopping = true;
        queue.ready.clear();
        self.shared.mail.notify_all();
        self.shared.ending.notify_all();
        while queue.threads > 0 {
            if self.shared.ending.wait_until(&mut queue, until).timed_out() {
                tracing::warn!("{} automation threads do not end; they are left behind.", queue.threads);
                return;
            }
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Shared {
    fn enqueue(&self, automation: Arc<Automation>) {
        {
            let mut queue = self.queue.lock();
            if queue.stopping {
                return;
            }
            queue.ready.push_back(automation);
        }
        self.mail.notify_one();
    }

    fn start_thread(self: &Arc<Self>) {
        let place = Arc::new(Place::default());
        self.places.lock().push(place.clone());
        self.queue.lock().threads += 1;
        let shared = self.clone();
        let builder = std::thread::Builder::new().name("automation".to_owned()).stack_size(STACK_BYTES);
        if let Err(error) = builder.spawn(move || shared.work(&place)) {
            tracing::error!("No thread for automations ({error}). They run more slowly or not at all.");
            self.queue.lock().threads -= 1;
        }
    }

    fn work(&self, place: &Arc<Place>) {
        while let Some(automation) = self.next() {
            self.slice(&automation, place);
            if place.lost() {
                // The watchdog has counted this thread out and started another.
                return;
            }
        }
        self.queue.lock().threads -= 1;
        self.ending.notify_all();
    }

    fn next(&self) -> Option<Arc<Automation>> {
        let mut queue = self.queue.lock();
        loop {
            if queue.stopping {
                return None;
            }
            match queue.ready.pop_front() {
                Some(automation) => return Some(automation),
                None => self.mail.wait(&mut queue),
            }
        }
    }

    /// Works on one automation for a slice.
    fn slice(&self, automation: &Arc<Automation>, place: &Arc<Place>) {
        let began = Instant::now();
        let slice = Duration::from_millis(self.limits.slice_ms);
        for _ in 0..self.limits.slice_events_max.max(1) {
            let mail = {
                let mut inbox = automation.inbox.lock();
                if !automation.is_running() {
                    inbox.clear();
                }
                match inbox.pop() {
                    Some(mail) => mail,
                    None => {
                        inbox.scheduled = false;
                        return;
                    }
                }
            };
            automation.handle(mail, place);
            *place.busy.lock() = None;
            if place.lost() {
                return;
            }
            if began.elapsed() >= slice {
                break;
            }
        }
        self.enqueue(automation.clone());
    }

    /// Looks after the threads until the pool stops. A run cannot be stopped while it is inside one of the
    /// house's functions; all that can be done is to give its thread up.
    fn watch(self: &Arc<Self>) {
        let tick = Duration::from_millis(self.limits.watch_ms.max(1));
        loop {
            {
                let mut queue = self.queue.lock();
                if !queue.stopping {
                    self.ending.wait_for(&mut queue, tick);
                }
                if queue.stopping {
                    return;
                }
            }
            let late = self.take_late();
            for (busy, held) in late {
                self.queue.lock().threads -= 1;
                self.start_thread();
                let held_ms = u64::try_from(held.as_millis()).unwrap_or(u64::MAX);
                busy.automation.give_up(&busy.head, busy.unwritten, held_ms);
            }
        }
    }

    /// The runs that have held their thread too long, their threads marked as lost.
    fn take_late(&self) -> Vec<(Busy, Duration)> {
        let bound = Duration::from_millis(self.limits.wall_ms + self.limits.late_ms);
        let mut late = Vec::new();
        self.places.lock().retain(|place| {
            let mut busy = place.busy.lock();
            let held = busy.as_ref().map_or(Duration::ZERO, |busy| busy.since.elapsed());
            if held <= bound {
                return true;
            }
            // Marked under the lock that `claim` takes: either the run writes its record, or the watchdog.
            place.lost.store(true, Ordering::Release);
            late.extend(busy.take().map(|busy| (busy, held)));
            false
        });
        late
    }
}
