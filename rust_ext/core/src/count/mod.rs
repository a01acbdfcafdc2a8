//! Counting pretokens in parallel, within a memory budget.
//!
//! Each worker counts into tables of its own; a table that reaches its share of the budget is written out as a sorted
//! run. At the end the sorted tables and runs are merged, range by range of the key, so that the ranges laid end to
//! end are the sorted table. (Ranges rather than hash partitions: nothing is left to sort after the merge.)

mod front;
pub(crate) mod hash;
mod long;
mod merge;
mod pool;
mod reduce;
mod runs;
mod sections;
mod short;
mod specials;
mod tally;
#[cfg(test)]
mod tests;
mod worker;

use crate::error::{Error, Result};
use crate::pretok::Scheme;
use std::borrow::Cow;
use std::path::PathBuf;

pub use pool::Counter;
pub use sections::{Sections, sections};

/// Pretokens longer than this are reported: they are rarely words, and slow to train on.
pub const LONG_PRETOKEN_BYTES: usize = 64 << 10;

/// What cuts a document into pretokens; `Scheme` is the one that matters, tests bring their own.
pub trait Split: Send + Sync + 'static {
    /// The text as the scheme sees it; borrowed when it is the text itself.
    fn rewrite<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]>;
    /// Calls `f` with the start and end of each pretoken of a rewritten text, in order.
    fn scan<F: FnMut(usize, usize)>(&self, rewritten: &[u8], f: F) -> Result<()>;
}

impl Split for Scheme {
    fn rewrite<'t>(&self, text: &'t [u8]) -> Cow<'t, [u8]> {
        Scheme::rewrite(self, text).text
    }
    fn scan<F: FnMut(usize, usize)>(&self, rewritten: &[u8], f: F) -> Result<()> {
        Scheme::scan(self, rewritten, f)
    }
}

/// How to count.
#[derive(Debug, Clone)]
pub struct CountOptions {
    /// Worker threads, at least 1.
    pub threads: usize,
    /// Bytes that the tables of all workers together may take before they are spilled; the result comes on top.
    pub memory_bytes: u64,
    /// Folder for spilled runs; the system's temporary folder when absent. The files there have no name.
    pub spill_dir: Option<PathBuf>,
    /// Whether the table keeps where each pretoken was first seen.
    pub track_first: bool,
    /// Strings that are cut out of every document before it is pre-tokenised, and counted apart.
    pub specials: Vec<Vec<u8>>,
}

impl Default for CountOptions {
    fn default() -> Self {
        Self { threads: 1, memory_bytes: 1 << 30, spill_dir: None, track_first: false, specials: Vec::new() }
    }
}

/// Some documents, end to end.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The documents.
    pub blob: Vec<u8>,
    /// `offsets[i]..offsets[i + 1]` is document `i` in `blob`.
    pub offsets: Vec<u64>,
    /// How often each document counts; the fraction is decided by a hash of the document, so that neither order nor
    /// sharding matters.
    pub weight: f64,
}

impl Batch {
    fn check(&self) -> Result<()> {
        let is_sorted = self.offsets.windows(2).all(|pair| pair[0] <= pair[1]);
        let end = self.offsets.last().copied().unwrap_or(0);
        if !is_sorted || end > self.blob.len() as u64 {
            return Err(Error::Input(format!("document offsets must rise and end within {} bytes", self.blob.len())));
        }
        if !self.weight.is_finite() || self.weight < 0.0 {
            return Err(Error::Usage(format!("weight must be a number of at least 0, got {}", self.weight)));
        }
        Ok(())
    }

    fn documents(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }
}

/// What was counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Documents given.
    pub documents: u64,
    /// Documents that their weight left out.
    pub documents_left_out: u64,
    /// Bytes of all documents given.
    pub bytes: u64,
    /// Pretokens counted, weights included.
    pub pretokens: u64,
    /// Bytes of the longest pretoken.
    pub longest: u64,
    /// Pretokens of more than `LONG_PRETOKEN_BYTES`.
    pub long_pretokens: u64,
    /// How often each special was cut out, in the order of `CountOptions::specials`.
    pub specials: Vec<u64>,
    /// Runs written to disk.
    pub runs: u64,
}

impl Stats {
    fn add(&mut self, other: &Stats) -> Result<()> {
        for (mine, theirs) in [
            (&mut self.documents, other.documents),
            (&mut self.documents_left_out, other.documents_left_out),
            (&mut self.bytes, other.bytes),
            (&mut self.pretokens, other.pretokens),
            (&mut self.long_pretokens, other.long_pretokens),
            (&mut self.runs, other.runs),
        ] {
            *mine = add(*mine, theirs)?;
        }
        self.longest = self.longest.max(other.longest);
        self.specials.resize(self.specials.len().max(other.specials.len()), 0);
        for (mine, theirs) in self.specials.iter_mut().zip(&other.specials) {
            *mine = add(*mine, *theirs)?;
        }
        Ok(())
    }
}

/// The sum, or the error that says that 64 bits are not enough.
#[inline(always)]
pub(crate) fn add(a: u64, b: u64) -> Result<u64> {
    match a.checked_add(b) {
        Some(sum) => Ok(sum),
        None => Err(overflow(a, b)),
    }
}

#[cold]
fn overflow(a: u64, b: u64) -> Error {
    Error::Input(format!("a count exceeds 2^64 - 1: {a} + {b}"))
}

#[cold]
pub(crate) fn no_memory(bytes: u64) -> Error {
    Error::Resource(format!("cannot get {bytes} bytes of memory for counting; lower the memory budget"))
}
