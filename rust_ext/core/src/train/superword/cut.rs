//! Cuts sequences where no later merge can pass, and counts equal runs together.

use super::counts::{Counts, PairMap};
use super::encode::Sequences;
use super::rules::Rules;
use crate::error::Result;
use crate::monitor::Monitor;
use crate::train::pairs::{pair_key, pair_of};

const POLL_SYMBOLS: usize = 1 << 18;

/// Weighted counts of all neighbours; 0 for those that a rule keeps apart for good.
pub(super) fn count_neighbours(
    sequences: &Sequences,
    tokens: &[Vec<u8>],
    rules: &Rules,
    monitor: &mut dyn Monitor,
) -> Result<(Counts, usize)> {
    let mut counts = Counts::new();
    let mut polled = 0;
    for_each(sequences, |start, ids, weight| {
        if start - polled >= POLL_SYMBOLS {
            polled = start;
            monitor.poll("count neighbours", start as u64, sequences.ids.len() as u64)?;
        }
        for two in ids.windows(2) {
            counts.add(pair_key(two[0], two[1]), weight);
        }
        Ok(())
    })?;
    let n = counts.update(|key, sum| {
        let (left, right) = pair_of(key);
        if rules.bar(&tokens[left as usize], &tokens[right as usize]) { 0 } else { sum }
    });
    Ok((counts, n))
}

/// The runs between cuts, equal ones added up, in the order of first appearance; runs of one token are left out.
///
/// A cut lies where the neighbours' count is below `bound`. Why nothing is lost: a token with a count of at least
/// `bound` spans only neighbours that occur together at least as often, so none of its occurrences is cut, and it is
/// counted in full. Pairs below the bound may be counted short, and are never asked for.
pub(super) fn cut(sequences: &Sequences, counts: &Counts, bound: u64, monitor: &mut dyn Monitor) -> Result<Sequences> {
    let mut runs = Runs::default();
    let mut polled = 0;
    for_each(sequences, |start, ids, weight| {
        if start - polled >= POLL_SYMBOLS {
            polled = start;
            monitor.poll("cut chunks", start as u64, sequences.ids.len() as u64)?;
        }
        let mut begin = 0;
        for at in 1..ids.len() {
            let count = counts.get(pair_key(ids[at - 1], ids[at]));
            if count < bound || count == 0 {
                runs.add(&ids[begin..at], weight);
                begin = at;
            }
        }
        runs.add(&ids[begin..], weight);
        Ok(())
    })?;
    Ok(runs.made)
}

fn for_each(sequences: &Sequences, mut f: impl FnMut(usize, &[u32], u64) -> Result<()>) -> Result<()> {
    let mut start = 0;
    for (&end, &weight) in sequences.ends.iter().zip(&sequences.weights) {
        f(start, &sequences.ids[start..end as usize], weight)?;
        start = end as usize;
    }
    Ok(())
}

/// Distinct runs. The map goes from a hash to the last run with it; `older` chains the runs of one hash.
#[derive(Default)]
struct Runs {
    made: Sequences,
    by_hash: PairMap<u32>,
    older: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl Runs {
    #[inline(always)]
    fn add(&mut self, ids: &[u32], weight: u64) {
        if ids.len() >= 2 {
            self.add_run(ids, weight);
        }
    }

    fn add_run(&mut self, ids: &[u32], weight: u64) {
        let hash = hash_of(ids);
        let newest = self.by_hash.get(&hash).copied().unwrap_or(NONE);
        let mut index = newest;
        while index != NONE {
            let at = index as usize;
            let start = if at == 0 { 0 } else { self.made.ends[at - 1] as usize };
            if self.made.ids[start..self.made.ends[at] as usize] == *ids {
                self.made.weights[at] += weight;
                return;
            }
            index = self.older[at];
        }
        // Beyond 2^32 - 2 distinct runs they are simply no longer added up.
        if self.made.weights.len() < NONE as usize {
            self.by_hash.insert(hash, self.made.weights.len() as u32);
        }
        self.older.push(newest);
        self.made.ids.extend_from_slice(ids);
        self.made.ends.push(self.made.ids.len() as u64);
        self.made.weights.push(weight);
    }
}

fn hash_of(ids: &[u32]) -> u64 {
    let fold = |hash: u64, id: u32| {
        let product = u128::from(hash ^ u64::from(id)) * u128::from(0xd6e8_feb8_6659_fd93_u64);
        (product >> 64) as u64 ^ product as u64
    };
    ids.iter().fold(0x9e37_79b9_7f4a_7c15 ^ ids.len() as u64, |hash, &id| fold(hash, id))
}
