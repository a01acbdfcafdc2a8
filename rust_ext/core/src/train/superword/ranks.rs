//! Merges by pair, for encoding exactly as a replay of the merges in their order would.

use std::collections::HashMap;

use crate::error::{Error, Result};
use crate::train::pairs::pair_key;

const EMPTY: u64 = u64::MAX;
/// "No merge": never a rank.
pub(super) const NO_RANK: u32 = u32::MAX;

/// Merges in their order; `rank` finds the first one of a pair at or after a rank.
pub(super) struct Ranks {
    keys: Vec<u64>,
    ranks: Vec<u32>,
    mask: usize,
    results: Vec<u32>,
    /// All ranks of the pairs that were merged more than once: a pair can come back after a token is made another way.
    again: HashMap<u64, Vec<u32>>,
}

impl Ranks {
    /// Of (left, right, result) in order.
    pub fn new(merges: &[[u32; 3]]) -> Result<Self> {
        if merges.len() >= NO_RANK as usize {
            return Err(Error::Resource(format!("{} merges, at most 2^32 - 2 are supported", merges.len())));
        }
        let size = (2 * merges.len() + 2).next_power_of_two();
        let mut made = Self {
            keys: vec![EMPTY; size],
            ranks: vec![NO_RANK; size],
            mask: size - 1,
            results: merges.iter().map(|merge| merge[2]).collect(),
            again: HashMap::new(),
        };
        for (rank, merge) in merges.iter().enumerate() {
            let key = pair_key(merge[0], merge[1]);
            let at = made.probe(key);
            if made.keys[at] == key {
                let first = made.ranks[at];
                made.again.entry(key).or_insert_with(|| vec![first]).push(rank as u32);
            } else {
                made.keys[at] = key;
                made.ranks[at] = rank as u32;
            }
        }
        Ok(made)
    }

    #[inline(always)]
    fn probe(&self, key: u64) -> usize {
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = ((hash >> 32) ^ hash) as usize & self.mask;
        while self.keys[at] != key && self.keys[at] != EMPTY {
            at = (at + 1) & self.mask;
        }
        at
    }

    /// The first merge of the pair with a rank of at least `born`, or `NO_RANK`.
    #[inline(always)]
    pub fn rank(&self, left: u32, right: u32, born: u32) -> u32 {
        let key = pair_key(left, right);
        let rank = self.ranks[self.probe(key)];
        if rank == NO_RANK || rank >= born { rank } else { self.rank_again(key, born) }
    }

    #[cold]
    fn rank_again(&self, key: u64, born: u32) -> u32 {
        let all = self.again.get(&key).map_or(&[][..], Vec::as_slice);
        all.iter().copied().find(|rank| *rank >= born).unwrap_or(NO_RANK)
    }

    /// The token that a merge makes.
    #[inline(always)]
    pub fn result(&self, rank: u32) -> u32 {
        self.results[rank as usize]
    }
}
