//! The counter: a bounded queue, its workers, and the merge of what they counted.

use super::merge::{Cursor, Range, merge};
use super::runs::{Run, Spill};
use super::specials::Specials;
use super::worker::{Harvest, Plan, Worker};
use super::{Batch, CountOptions, Split, Stats};
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::table::Table;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long the entering thread sleeps before it polls the monitor again.
const TICK: Duration = Duration::from_millis(50);
/// Runs merged at once; each is an open file with a buffer per thread.
const FAN_IN: usize = 64;

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
    harvests: Receiver<Result<Harvest>>,
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
            harvests,
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
            match self.harvests.recv_timeout(TICK) {
                Ok(harvest) => harvests.push(harvest?),
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
        self.merge(&mut harvests, monitor)
    }

    /// What was counted; complete after `finish`.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    fn merge(&self, harvests: &mut [Harvest], monitor: &mut dyn Monitor) -> Result<Table> {
        let mut runs: Vec<Run> = harvests.iter_mut().flat_map(|harvest| harvest.runs.drain(..)).collect();
        while runs.len() > FAN_IN {
            monitor.poll("merging runs", 0, runs.len() as u64)?;
            let few: Vec<Run> = runs.drain(..FAN_IN).collect();
            runs.push(self.plan.spill.write_merged(&few)?);
        }
        let largest = harvests.iter().max_by_key(|harvest| harvest.stats.bytes);
        let ranges = largest.map(|harvest| self.plan.spill.ranges(&harvest.sorted)).unwrap_or_default();
        let tables = self.merge_ranges(&ranges, harvests, &runs, monitor)?;
        Table::concatenate(tables)
    }

    /// Merges the ranges in parallel; this thread only polls.
    fn merge_ranges(
        &self,
        ranges: &[Range],
        harvests: &[Harvest],
        runs: &[Run],
        monitor: &mut dyn Monitor,
    ) -> Result<Vec<Table>> {
        let next = AtomicUsize::new(0);
        let merge_one = |index: usize, range: Range| -> Result<Table> {
            let mut table = Table::new(self.track_first);
            let in_memory = harvests.iter().flat_map(|harvest| harvest.sorted.cursors(range));
            let on_disk = runs.iter().map(|run| Cursor::of_run(run, index));
            merge(in_memory.chain(on_disk), |bytes, count, first| {
                if table.len() & 0xfff == 0 && self.plan.is_cancelled() {
                    return Err(Error::Interrupted);
                }
                table.push(bytes, count, first)
            })?;
            Ok(table)
        };
        let (sender, merged) = channel();
        let mut tables: Vec<Option<Table>> = ranges.iter().map(|_| None).collect();
        std::thread::scope(|scope| {
            for _ in 0..self.threads.min(ranges.len()) {
                let (sender, next) = (sender.clone(), &next);
                scope.spawn(move || {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(range) = ranges.get(index) else { return };
                        let result = caught(|| merge_one(index, *range));
                        let has_failed = result.is_err();
                        if sender.send((index, result)).is_err() || has_failed {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            let outcome = self.collect(&merged, &mut tables, monitor);
            if outcome.is_err() {
                self.cancel();
            }
            outcome
        })?;
        Ok(tables.into_iter().flatten().collect())
    }

    fn collect(
        &self,
        merged: &Receiver<(usize, Result<Table>)>,
        tables: &mut [Option<Table>],
        monitor: &mut dyn Monitor,
    ) -> Result<()> {
        let mut done = 0;
        loop {
            match merged.recv_timeout(TICK) {
                Ok((index, table)) => {
                    if let Some(place) = tables.get_mut(index) {
                        *place = Some(table?);
                    }
                    done += 1;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            monitor.poll("merging counts", done, tables.len() as u64)?;
        }
    }

    fn cancel(&self) {
        self.plan.cancelled.store(true, Ordering::Relaxed);
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
        plan.cancelled.store(true, Ordering::Relaxed);
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

fn caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown");
        Err(Error::Internal(format!("panic in a counting thread: {text}")))
    })
}
