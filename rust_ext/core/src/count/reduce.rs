//! The end of a count: the sorted tables and runs of all workers become one table.

use super::merge::{Cursor, Range, merge};
use super::pool::TICK;
use super::runs::Run;
use super::worker::{Harvest, Plan};
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::table::Table;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

/// Runs merged at once; each is an open file with a buffer per thread.
const FAN_IN: usize = 64;

/// Merges range by range, on `threads` threads; this thread only polls.
pub fn reduce<S: Sync + Send>(
    plan: &Plan<S>,
    mut harvests: Vec<Harvest>,
    threads: usize,
    track_first: bool,
    monitor: &mut dyn Monitor,
) -> Result<Table> {
    let mut runs: Vec<Run> = harvests.iter_mut().flat_map(|harvest| harvest.runs.drain(..)).collect();
    while runs.len() > FAN_IN {
        let few: Vec<Run> = runs.drain(..FAN_IN).collect();
        runs.push(plan.spill.write_merged(&few, || monitor.poll("merging runs", 0, 0))?);
    }
    let largest = harvests.iter().max_by_key(|harvest| harvest.stats.bytes);
    let ranges = largest.map(|harvest| plan.spill.ranges(&harvest.sorted)).unwrap_or_default();
    let next = AtomicUsize::new(0);
    let merge_one = |index: usize, range: Range| -> Result<Table> {
        let mut table = Table::new(track_first);
        let in_memory = harvests.iter().flat_map(|harvest| harvest.sorted.cursors(range));
        let on_disk = runs.iter().map(|run| Cursor::of_run(run, index));
        merge(in_memory.chain(on_disk), |bytes, count, first| {
            if table.len() & 0xfff == 0 && plan.is_cancelled() {
                return Err(Error::Interrupted);
            }
            table.push(bytes, count, first)
        })?;
        Ok(table)
    };
    let (sender, merged) = channel();
    let tables = std::thread::scope(|scope| {
        for _ in 0..threads.min(ranges.len()) {
            let (sender, next, ranges, merge_one) = (sender.clone(), &next, &ranges, &merge_one);
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
        let outcome = collect(&merged, ranges.len(), monitor);
        if outcome.is_err() {
            plan.cancel();
        }
        outcome
    })?;
    drop(harvests);
    Table::concatenate(tables, track_first)
}

fn collect(merged: &Receiver<(usize, Result<Table>)>, n: usize, monitor: &mut dyn Monitor) -> Result<Vec<Table>> {
    let mut tables: Vec<Option<Table>> = (0..n).map(|_| None).collect();
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
            Err(RecvTimeoutError::Disconnected) => break,
        }
        monitor.poll("merging counts", done, n as u64)?;
    }
    let missing = || Error::Internal("a range of the counts was not merged".into());
    tables.into_iter().map(|table| table.ok_or_else(missing)).collect()
}

/// Runs `f`; a panic becomes an error.
pub fn caught<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("unknown");
        Err(Error::Internal(format!("panic in a counting thread: {text}")))
    })
}
