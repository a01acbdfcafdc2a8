//! The counter: a bounded queue, its workers, and the merge of what they counted.

use super::reduce::{caught, reduce};
use super::runs::Spill;
use super::specials::Specials;
use super::worker::{Harvest, Plan, Worker};
use super::{Batch, CountOptions, Split, Stats};
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::table::Table;
use std::collections::VecDeque;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the entering thread sleeps before it polls the monitor again.
pub(super) const TICK: Duration = Duration::from_millis(50);

struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    batches: VecDeque<(Batch, u64)>,
    is_closed: bool,
    bytes_done: u64,
    failure: Option<Error>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'g>(&self, state: MutexGuard<'g, State>) -> MutexGuard<'g, State> {
        self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner).0
    }
}

/// Counts the pretokens of the documents that it is given, while the caller reads the next ones.
pub struct Counter<S: Split> {
    plan: Arc<Plan<S>>,
    queue: Arc<Queue>,
    /// Behind a lock only because a receiver cannot be shared; nobody else waits for it.
    harvests: Mutex<Receiver<Result<Harvest>>>,
    threads: usize,
    track_first: bool,
    position: u64,
    bytes_added: u64,
    stats: Stats,
}

impl<S: Split> Counter<S> {
    /// Starts the workers.
    ///
    /// # Errors
    /// Usage: no threads, an empty or repeated special. Resource: a thread cannot be started.
    pub fn new(scheme: S, options: CountOptions) -> Result<Self> {
        if options.threads == 0 {
            return Err(Error::Usage("threads must be at least 1, got 0".into()));
        }
        let plan = Arc::new(Plan {
            scheme,
            specials: Specials::new(&options.specials)?,
            spill: Arc::new(Spill::new(options.spill_dir)),
            share_bytes: options.memory_bytes / options.threads as u64,
            cancelled: AtomicBool::new(false),
        });
        let queue = Arc::new(Queue { state: Mutex::default(), changed: Condvar::new() });
        let (sender, harvests) = channel();
        for _ in 0..options.threads {
            let (plan, queue, sender) = (Arc::clone(&plan), Arc::clone(&queue), sender.clone());
            std::thread::Builder::new()
                .name("tokkit-count".into())
                .spawn(move || work(&plan, &queue, &sender))
                .map_err(|error| Error::Resource(format!("cannot start a counting thread: {error}")))?;
        }
        Ok(Self {
            plan,
            queue,
            harvests: Mutex::new(harvests),
            threads: options.threads,
            track_first: options.track_first,
            position: 0,
            bytes_added: 0,
            stats: Stats::default(),
        })
    }

    /// Hands over a batch; waits while the workers have enough to do.
    pub fn add(&mut self, batch: Batch, monitor: &mut dyn Monitor) -> Result<()> {
        batch.check()?;
        let position = self.position;
        let size = batch.blob.len() as u64;
        self.position += size + batch.documents() as u64;
        self.bytes_added += size;
        let mut state = self.queue.lock();
        while state.batches.len() >= 2 * self.threads && state.failure.is_none() {
            state = self.queue.wait(state);
            let done = state.bytes_done;
            drop(state);
            monitor.poll("counting", done, 0)?;
            state = self.queue.lock();
        }
        if let Some(error) = &state.failure {
            return Err(error.clone());
        }
        state.batches.push_back((batch, position));
        drop(state);
        self.queue.changed.notify_all();
        Ok(())
    }

    /// Waits for the workers and merges what they counted. Nothing can be added afterwards.
    pub fn finish(&mut self, monitor: &mut dyn Monitor) -> Result<Table> {
        self.queue.lock().is_closed = true;
        self.queue.changed.notify_all();
        let mut harvests = Vec::with_capacity(self.threads);
        while harvests.len() < self.threads {
            let received = self.harvests.get_mut().unwrap_or_else(PoisonError::into_inner).recv_timeout(TICK);
            match received {
                Ok(Ok(harvest)) => harvests.push(harvest),
                // A worker that was told to stop says no more than that; the cause is with the queue.
                Ok(Err(error)) => return Err(self.queue.lock().failure.clone().unwrap_or(error)),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::Internal("a counting thread vanished, or `finish` was called twice".into()));
                }
            }
            let done = self.queue.lock().bytes_done;
            monitor.poll("counting", done, self.bytes_added)?;
        }
        for harvest in &harvests {
            self.stats.add(&harvest.stats)?;
        }
        reduce(&self.plan, harvests, self.threads, self.track_first, monitor)
    }

    /// What was counted; complete after `finish`.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn cancel(&self) {
        self.plan.cancel();
        self.queue.changed.notify_all();
    }
}

impl<S: Split> Drop for Counter<S> {
    /// Workers that still run see it at their next document and end by themselves.
    fn drop(&mut self) {
        self.cancel();
    }
}

fn work<S: Split>(plan: &Plan<S>, queue: &Queue, sender: &Sender<Result<Harvest>>) {
    let result = caught(|| {
        let mut worker = Worker::new(plan)?;
        while let Some((batch, position)) = take(plan, queue)? {
            worker.count(&batch, position)?;
            queue.lock().bytes_done += batch.blob.len() as u64;
        }
        worker.finish()
    });
    if let Err(error) = &result {
        queue.lock().failure.get_or_insert_with(|| error.clone());
        plan.cancel();
        queue.changed.notify_all();
    }
    // Nobody listens any more when the counter was dropped.
    let _ = sender.send(result);
}

fn take<S>(plan: &Plan<S>, queue: &Queue) -> Result<Option<(Batch, u64)>> {
    let mut state = queue.lock();
    loop {
        if plan.is_cancelled() {
            return Err(state.failure.clone().unwrap_or(Error::Interrupted));
        }
        if let Some(next) = state.batches.pop_front() {
            drop(state);
            queue.changed.notify_all();
            return Ok(Some(next));
        }
        if state.is_closed {
            return Ok(None);
        }
        state = queue.wait(state);
    }
}
