//! The second stage from chunks to merges.

use super::cut::{count_neighbours, cut};
use super::encode::{Inherited, Sequences, encode};
use super::merge::{Scratch, merge};
use super::ranks::Ranks;
use super::rules::Rules;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::table::Table;
use crate::train::admit::Admit;
use crate::train::heap::Tie;
use crate::train::session::{Merged, Options, Session};
use crate::train::slots::{Affixes, Slots, Unit, Unknown};

/// How a second stage is set up.
#[derive(Debug, Clone)]
pub struct Setup {
    /// Vetoes.
    pub rules: Rules,
    /// Stop when the best pair is rarer than this (0 means 1).
    pub min_frequency: u64,
    /// First bound below which neighbours are cut apart; None: chosen from the counts, 0: nothing is ever cut.
    pub bound: Option<u64>,
    /// How many merges are wanted; only the choice of the bound depends on it.
    pub n_merges: usize,
    /// Threads that encode.
    pub threads: usize,
}

/// What a second stage did, for reports and tests.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Tokens of all distinct chunks after encoding.
    pub n_symbols: u64,
    /// Distinct pairs of neighbours among them.
    pub n_neighbours: u64,
    /// Tokens in the runs that the last cut left.
    pub n_kept: u64,
    /// Distinct runs that the last cut left.
    pub n_runs: u64,
    /// The bound of the last cut.
    pub bound: u64,
    /// How often everything was cut again.
    pub n_recuts: u64,
    /// Tokens of the whole text now, chunks weighted by their counts.
    pub n_tokens: u64,
}

/// Training on chunks that begin as tokens of an earlier stage.
///
/// Invariant: every pair with a count of at least `bound` is counted in full. Two things can break it, and both make
/// the chunks be cut again: counts that fall below the bound, and a merge that spells a token that exists already.
/// Then one token stands for several sequences of older tokens, each perhaps too rare to be kept where together they
/// are not.
pub struct Superword {
    setup: Setup,
    /// The chunks, not cut; `merges[..n_applied]` are done in them. Empty once no cut can follow.
    whole: Sequences,
    session: Session,
    merges: Vec<[u32; 3]>,
    counts: Vec<u64>,
    n_applied: usize,
    stats: Stats,
}

impl Superword {
    /// Encodes the chunks by the inherited merges and cuts them.
    ///
    /// # Errors
    /// `Usage`: ids without token. `Input`, `Resource`: too much for 64-bit sums or for the memory.
    pub fn new(table: &Table, inherited: &Inherited, setup: Setup, monitor: &mut dyn Monitor) -> Result<Self> {
        let total: u128 = (0..table.len()).map(|i| table.pretoken(i).len() as u128 * u128::from(table.counts[i])).sum();
        if total > i64::MAX as u128 {
            return Err(Error::Input(format!(
                "the counts add up to {total} bytes, more than 2^63 - 1: scale them down"
            )));
        }
        let whole = encode(table, inherited, setup.threads, monitor)?;
        Self::over(whole, inherited.tokens.clone(), setup, monitor)
    }

    /// Goes on where a session stands: with its segmentation and its tokens.
    pub fn after(session: &Session, setup: Setup, monitor: &mut dyn Monitor) -> Result<Self> {
        let (ids, ends, weights) = session.segmentation();
        Self::over(Sequences { ids, ends, weights }, session.tokens().to_vec(), setup, monitor)
    }

    fn over(whole: Sequences, tokens: Vec<Vec<u8>>, setup: Setup, monitor: &mut dyn Monitor) -> Result<Self> {
        let mut start = 0;
        let weighted = whole.ends.iter().zip(&whole.weights).map(|(&end, &weight)| {
            let length = end - std::mem::replace(&mut start, end);
            length * weight
        });
        let n_tokens = weighted.sum();
        let mut stats = Stats { n_symbols: whole.ids.len() as u64, n_tokens, ..Stats::default() };
        let session = open(&whole, tokens, &setup, setup.n_merges, u64::MAX, &mut stats, monitor)?;
        let mut made = Self { setup, whole, session, merges: Vec::new(), counts: Vec::new(), n_applied: 0, stats };
        made.drop_whole();
        Ok(made)
    }

    /// Merges until there are `vocab_size` tokens or no pair is left; true when the size was reached.
    pub fn run(&mut self, vocab_size: usize, monitor: &mut dyn Monitor) -> Result<bool> {
        while self.session.n_present() < vocab_size {
            monitor.poll("merge superwords", self.session.n_present() as u64, vocab_size as u64)?;
            let wanted = vocab_size - self.session.n_present();
            match self.session.best() {
                Some(best) if best.count >= self.stats.bound => {
                    let merged = self.session.merge(best.left, best.right)?;
                    self.note(merged);
                    if !merged.is_growth && !self.is_complete() {
                        self.cut_again(wanted, self.stats.bound, monitor)?;
                    }
                }
                _ if self.is_complete() => return Ok(false),
                _ => self.cut_again(wanted, self.stats.bound / 2, monitor)?,
            }
        }
        Ok(true)
    }

    /// The merges made here: (left, right, token) with their counts.
    pub fn merges(&self) -> (&[[u32; 3]], &[u64]) {
        (&self.merges, &self.counts)
    }

    /// All tokens' bytes, by id.
    pub fn tokens(&self) -> &[Vec<u8>] {
        self.session.tokens()
    }

    /// What was done so far.
    pub fn stats(&self) -> Stats {
        self.stats
    }

    fn note(&mut self, merged: Merged) {
        self.merges.push([merged.left, merged.right, merged.token]);
        self.counts.push(merged.count);
        self.stats.n_tokens -= merged.replaced;
    }

    fn floor(&self) -> u64 {
        self.setup.min_frequency.max(1)
    }

    /// Nothing that may still be merged was cut.
    fn is_complete(&self) -> bool {
        self.stats.bound <= 1
    }

    fn cut_again(&mut self, wanted: usize, at_most: u64, monitor: &mut dyn Monitor) -> Result<()> {
        if at_most < self.stats.bound && self.stats.bound <= self.floor() {
            // What is rarer than the floor will never be merged.
            self.stats.bound = 0;
            return Ok(());
        }
        apply(&mut self.whole, &self.merges[self.n_applied..], monitor)?;
        self.n_applied = self.merges.len();
        let tokens = self.session.tokens().to_vec();
        self.session = open(&self.whole, tokens, &self.setup, wanted, at_most, &mut self.stats, monitor)?;
        self.stats.n_recuts += 1;
        self.drop_whole();
        Ok(())
    }

    fn drop_whole(&mut self) {
        if self.is_complete() {
            self.whole = Sequences::default();
        }
    }
}

/// Merges in all sequences, in place.
fn apply(whole: &mut Sequences, merges: &[[u32; 3]], monitor: &mut dyn Monitor) -> Result<()> {
    let ranks = Ranks::new(merges)?;
    let (mut scratch, mut buffer) = (Scratch::default(), Vec::new());
    let (mut start, mut kept) = (0, 0);
    let n = whole.ids.len() as u64;
    for (index, end) in whole.ends.iter_mut().enumerate() {
        if index % 4096 == 0 {
            monitor.poll("merge chunks", start as u64, n)?;
        }
        buffer.clear();
        buffer.extend_from_slice(&whole.ids[start..*end as usize]);
        start = *end as usize;
        merge(&ranks, &mut scratch, &mut buffer);
        whole.ids[kept..kept + buffer.len()].copy_from_slice(&buffer);
        kept += buffer.len();
        *end = kept as u64;
    }
    whole.ids.truncate(kept);
    Ok(())
}

/// A session over the chunks, cut at a bound of at most `at_most`.
fn open(
    whole: &Sequences,
    tokens: Vec<Vec<u8>>,
    setup: &Setup,
    wanted: usize,
    at_most: u64,
    stats: &mut Stats,
    monitor: &mut dyn Monitor,
) -> Result<Session> {
    let options = |keys: Vec<Vec<u8>>| Options {
        unit: Unit::Byte,
        keys,
        atom_ids: Vec::new(),
        affixes: Affixes::default(),
        unknown: Unknown::Block,
        tie: Tie::SmallestIds,
        admit: Admit::Superword(setup.rules.clone()),
        min_frequency: setup.min_frequency,
        is_unique: false,
        keeps_specials: false,
        can_split: false,
    };
    if setup.bound == Some(0) {
        stats.bound = 0;
        (stats.n_kept, stats.n_runs) = (whole.ids.len() as u64, whole.weights.len() as u64);
        let slots = Slots::from_sequences(&whole.ids, &whole.ends, &whole.weights)?;
        return Session::over(slots, options(tokens), monitor);
    }
    let (counts, n_neighbours) = count_neighbours(whole, &tokens, &setup.rules, monitor)?;
    // A merge takes one pair of neighbours and brings new ones, which are rarer: on our corpora (4 to 100 MB) the last
    // of N merges was as frequent as about the N-th pair of neighbours before the first. Half as much again is margin.
    let guess = || counts.nth_largest(wanted + wanted / 2);
    let bound = setup.bound.filter(|_| at_most == u64::MAX).unwrap_or_else(guess);
    stats.bound = bound.min(at_most).max(setup.min_frequency).max(1);
    stats.n_neighbours = n_neighbours as u64;
    let runs = cut(whole, &counts, stats.bound, monitor)?;
    drop(counts);
    (stats.n_kept, stats.n_runs) = (runs.ids.len() as u64, runs.weights.len() as u64);
    let slots = Slots::from_sequences(&runs.ids, &runs.ends, &runs.weights)?;
    drop(runs);
    Session::over(slots, options(tokens), monitor)
}
