//! One worker: takes batches, cuts documents into pretokens, counts them.

use super::merge::Sorted;
use super::runs::{Run, Spill};
use super::specials::Specials;
use super::tally::Tally;
use super::{Batch, Split, Stats, hash};
use crate::error::{Error, Result};
use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What all workers share.
pub struct Plan<S> {
    pub scheme: S,
    pub specials: Specials,
    pub spill: Arc<Spill>,
    pub share_bytes: u64,
    /// Set when the work is to end early.
    pub cancelled: AtomicBool,
}

impl<S> Plan<S> {
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }

    pub fn cancel(&self) {
        self.cancelled.store(true, Ordering::Relaxed);
    }
}

/// What a worker hands in at the end.
pub struct Harvest {
    pub sorted: Sorted,
    pub runs: Vec<Run>,
    pub stats: Stats,
}

/// See the module.
pub struct Worker<'p, S> {
    plan: &'p Plan<S>,
    tally: Tally,
    stats: Stats,
}

impl<'p, S: Split> Worker<'p, S> {
    pub fn new(plan: &'p Plan<S>) -> Result<Self> {
        let tally = Tally::new(plan.share_bytes, Arc::clone(&plan.spill))?;
        let stats = Stats { specials: vec![0; plan.specials.len()], ..Stats::default() };
        Ok(Self { plan, tally, stats })
    }

    /// Counts a batch whose first document starts at global position `position` (in bytes plus documents).
    pub fn count(&mut self, batch: &Batch, position: u64) -> Result<()> {
        let mut found = std::mem::take(&mut self.stats.specials);
        for (i, pair) in batch.offsets.windows(2).enumerate() {
            if self.plan.is_cancelled() {
                return Err(Error::Interrupted);
            }
            let (start, end) = (pair[0] as usize, pair[1] as usize);
            self.stats.documents += 1;
            self.stats.bytes += (end - start) as u64;
            let weight = document_weight(batch, start, end);
            if weight == 0 {
                self.stats.documents_left_out += 1;
                continue;
            }
            self.tally.set_weight(weight)?;
            // Four per byte and document: a rewritten section of n bytes has at most 3 n + 3, so that positions of
            // different sections never overlap.
            let at = |section_start: usize| (position + section_start as u64 + i as u64) * 4;
            self.plan.specials.cut(&batch.blob[start..end], &mut found, |low, high| {
                count_section(self.plan, &mut self.tally, &batch.blob, start + low, start + high, at(start + low))
            })?;
        }
        self.stats.specials = found;
        Ok(())
    }

    pub fn finish(self) -> Result<Harvest> {
        let (pretokens, longest, long_pretokens) =
            (self.tally.pretokens, self.tally.longest as u64, self.tally.long_pretokens);
        let (sorted, runs) = self.tally.finish()?;
        let runs_written = runs.len() as u64;
        let stats = Stats { pretokens, longest, long_pretokens, runs: runs_written, ..self.stats };
        Ok(Harvest { sorted, runs, stats })
    }
}

/// How often a document counts: the whole part of the weight, and once more when its hash falls into the fraction.
pub(super) fn document_weight(batch: &Batch, start: usize, end: usize) -> u64 {
    let whole = batch.weight.trunc();
    let fraction = batch.weight - whole;
    if fraction == 0.0 {
        return whole as u64;
    }
    let draw = (hash::of_bytes(&batch.blob[start..end]) >> 11) as f64 / (1u64 << 53) as f64;
    whole as u64 + u64::from(draw < fraction)
}

fn count_section<S: Split>(
    plan: &Plan<S>,
    tally: &mut Tally,
    blob: &[u8],
    start: usize,
    end: usize,
    position: u64,
) -> Result<()> {
    let section = &blob[start..end];
    match plan.scheme.rewrite(section) {
        // Counting from the whole blob lets short keys be read in one go up to the very end of a document.
        Cow::Borrowed(text) if std::ptr::eq(text, section) => scan(plan, tally, section, (blob, start), position),
        Cow::Borrowed(text) => scan(plan, tally, text, (text, 0), position),
        Cow::Owned(text) => scan(plan, tally, &text, (&text, 0), position),
    }
}

fn scan<S: Split>(
    plan: &Plan<S>,
    tally: &mut Tally,
    text: &[u8],
    (around, shift): (&[u8], usize),
    position: u64,
) -> Result<()> {
    // An error is stored only when there is one: storing Ok for each pretoken costs a tenth of all time.
    let mut failure = None;
    let mut n = 0u64;
    let scanned = plan.scheme.scan(text, |low, high| {
        if failure.is_some() {
            return;
        }
        n += 1;
        if n & 0xfff == 0 && plan.is_cancelled() {
            failure = Some(Error::Interrupted);
            return;
        }
        if let Err(error) = tally.count(around, shift + low, shift + high, position + low as u64) {
            failure = Some(error);
        }
    });
    scanned?;
    match failure {
        Some(error) => Err(error),
        None => tally.add_pretokens(n),
    }
}
