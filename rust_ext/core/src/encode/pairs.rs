//! From a pair of neighbouring tokens to the merge that joins them.

use crate::error::{Error, Result};
use std::collections::HashMap;

/// "No merge".
pub const NO_RANK: u32 = u32::MAX;
/// Ranks stay below this, so that a rank and a position in a short word fit in one `u32`.
pub const RANK_LIMIT: u32 = 1 << 25;

const EMPTY: u64 = u64::MAX;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// (left id, right id) -> rank, and rank -> id of the result.
///
/// A slot packs left, right and rank into 64 bits, so that a probe costs one cache line; vocabularies too large for
/// that use a `HashMap`.
#[derive(Debug, Default)]
pub struct Pairs {
    slots: Vec<u64>,
    shift: u32,
    id_bits: u32,
    rank_bits: u32,
    wide: Option<HashMap<u64, u32>>,
    results: Vec<u32>,
}

impl Pairs {
    /// `merges` is (left, right, rank), where a later entry of a pair replaces an earlier one (as in HF);
    /// `results[rank]` is the id that a merge of that rank makes.
    pub fn new(merges: &[(u32, u32, u32)], results: Vec<u32>) -> Result<Self> {
        if results.len() >= RANK_LIMIT as usize {
            return Err(Error::Tokenizer(format!(
                "{} merges are too many, at most {RANK_LIMIT} are supported",
                results.len()
            )));
        }
        let largest = merges.iter().map(|m| m.0.max(m.1)).max().unwrap_or(0);
        let id_bits = (32 - largest.leading_zeros()).max(1);
        let mut made = Self { results, id_bits, rank_bits: 64u32.saturating_sub(2 * id_bits), ..Self::default() };
        if made.rank_bits == 0 || made.results.len() as u64 >= (1 << made.rank_bits.min(32)) - 1 {
            made.wide = Some(merges.iter().map(|m| (u64::from(m.0) << 32 | u64::from(m.1), m.2)).collect());
            return Ok(made);
        }
        let size = (2 * merges.len()).next_power_of_two().max(16);
        made.shift = 64 - size.trailing_zeros();
        made.slots = vec![EMPTY; size];
        for &(left, right, rank) in merges {
            made.insert(left, right, rank);
        }
        Ok(made)
    }

    fn insert(&mut self, left: u32, right: u32, rank: u32) {
        let key = self.key(left, right);
        let mask = self.slots.len() - 1;
        let mut at = self.home(key);
        while self.slots[at] != EMPTY && self.slots[at] >> self.rank_bits != key {
            at = (at + 1) & mask;
        }
        self.slots[at] = key << self.rank_bits | u64::from(rank);
    }

    #[inline(always)]
    fn key(&self, left: u32, right: u32) -> u64 {
        u64::from(left) << self.id_bits | u64::from(right)
    }

    #[inline(always)]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(MULTIPLIER) >> self.shift) as usize
    }

    /// The rank of the merge of two neighbours, or `NO_RANK`.
    #[inline(always)]
    pub fn rank(&self, left: u32, right: u32) -> u32 {
        if let Some(wide) = &self.wide {
            return wide.get(&(u64::from(left) << 32 | u64::from(right))).copied().unwrap_or(NO_RANK);
        }
        if (left | right) >> self.id_bits != 0 {
            return NO_RANK;
        }
        let key = self.key(left, right);
        let mut at = self.home(key);
        let mask = self.slots.len() - 1;
        loop {
            let slot = self.slots[at & mask];
            if slot == EMPTY {
                return NO_RANK;
            }
            if slot >> self.rank_bits == key {
                return (slot & ((1 << self.rank_bits) - 1)) as u32;
            }
            at += 1;
        }
    }

    /// The id that the merge of that rank makes.
    #[inline(always)]
    pub fn result(&self, rank: u32) -> u32 {
        self.results[rank as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_and_wide_tables_agree() {
        let merges: Vec<_> = (0..500u32).map(|i| (i * 7 % 64, i * 13 % 61, i)).collect();
        let packed = Pairs::new(&merges, (0..500).collect()).unwrap();
        // Ids of 31 bits leave no room for a rank.
        let far: Vec<_> = merges.iter().map(|m| (m.0 << 25, m.1 << 25, m.2)).collect();
        let wide = Pairs::new(&far, (0..500).collect()).unwrap();
        assert!(wide.wide.is_some() && packed.wide.is_none());
        for left in 0..70 {
            for right in 0..70 {
                let last = merges.iter().rev().find(|m| (m.0, m.1) == (left, right)).map_or(NO_RANK, |m| m.2);
                assert_eq!(packed.rank(left, right), last);
                if left < 64 && right < 64 {
                    assert_eq!(wide.rank(left << 25, right << 25), last);
                }
            }
        }
        assert_eq!(packed.rank(u32::MAX, 3), NO_RANK);
    }

    #[test]
    fn no_merges_match_nothing() {
        let none = Pairs::new(&[], Vec::new()).unwrap();
        assert_eq!(none.rank(0, 0), NO_RANK);
        assert_eq!(none.rank(1, u32::MAX), NO_RANK);
    }
}
