//! Weighted counts by u64 key, open addressing, u64 sums; and a map from such keys to anything.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map from pairs of tokens (or other u64 keys).
pub(super) type PairMap<T> = HashMap<u64, T, BuildHasherDefault<Mixer>>;

/// Multiplies and folds: keys come from our own numbering, nobody chooses them to collide.
#[derive(Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(self.0 ^ u64::from(byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xd6e8_feb8_6659_fd93_u64);
        self.0 = (product >> 64) as u64 ^ product as u64;
    }
}

const EMPTY: u64 = u64::MAX;
const FIRST_SLOTS: usize = 1 << 12;

/// Counts of pairs of tokens: 12 bytes a slot, four fifths full at most; they are a good part of a stage's memory.
pub(super) struct Counts {
    keys: Vec<u64>,
    /// `u32::MAX`: the sum is in `large`.
    sums: Vec<u32>,
    large: PairMap<u64>,
    n: usize,
}

impl Counts {
    pub fn new() -> Self {
        Self { keys: vec![EMPTY; FIRST_SLOTS], sums: vec![0; FIRST_SLOTS], large: PairMap::default(), n: 0 }
    }

    #[inline(always)]
    fn probe(&self, key: u64) -> usize {
        let product = u128::from(key ^ 0x9e37_79b9_7f4a_7c15) * u128::from(0xd6e8_feb8_6659_fd93_u64);
        let hash = (product >> 64) as u64 ^ product as u64;
        // The table may have any size: the hash as a fraction of it.
        let mut at = ((u128::from(hash) * self.keys.len() as u128) >> 64) as usize;
        while self.keys[at] != key && self.keys[at] != EMPTY {
            at += 1;
            if at == self.keys.len() {
                at = 0;
            }
        }
        at
    }

    /// Adds to the sum of a key; sums cannot overflow since the table's total was checked.
    #[inline(always)]
    pub fn add(&mut self, key: u64, weight: u64) {
        let at = self.probe(key);
        if self.keys[at] == EMPTY {
            self.keys[at] = key;
            self.n += 1;
        }
        let sum = self.sum_at(at).saturating_add(weight);
        self.set(at, sum);
        if self.n * 5 > self.keys.len() * 4 {
            self.grow();
        }
    }

    #[inline(always)]
    fn sum_at(&self, at: usize) -> u64 {
        match self.sums[at] {
            u32::MAX => self.large.get(&self.keys[at]).copied().unwrap_or(0),
            sum => u64::from(sum),
        }
    }

    #[inline(always)]
    fn set(&mut self, at: usize, sum: u64) {
        if sum >= u64::from(u32::MAX) {
            self.large.insert(self.keys[at], sum);
            self.sums[at] = u32::MAX;
        } else {
            self.sums[at] = sum as u32;
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = self.keys.len() + self.keys.len() / 2;
        let keys = std::mem::replace(&mut self.keys, vec![EMPTY; size]);
        let sums = std::mem::replace(&mut self.sums, vec![0; size]);
        for (key, sum) in keys.into_iter().zip(sums).filter(|(key, _)| *key != EMPTY) {
            let at = self.probe(key);
            self.keys[at] = key;
            self.sums[at] = sum;
        }
    }

    /// The sum of a key; 0 if it was never added.
    #[inline(always)]
    pub fn get(&self, key: u64) -> u64 {
        self.sum_at(self.probe(key))
    }

    /// Changes every sum, and returns how many keys there are.
    pub fn update(&mut self, mut f: impl FnMut(u64, u64) -> u64) -> usize {
        for at in 0..self.keys.len() {
            if self.keys[at] != EMPTY {
                let sum = f(self.keys[at], self.sum_at(at));
                self.set(at, sum);
            }
        }
        self.n
    }

    /// The `rank`-th largest sum (0: the largest), or 0 when there are not so many keys.
    pub fn nth_largest(&self, rank: usize) -> u64 {
        let at_least = |bound: u64| (0..self.keys.len()).filter(|&at| self.sum_at(at) >= bound).count();
        // The largest bound that more than `rank` sums reach, found by halving: a sorted copy would take memory.
        let (mut low, mut high) = (0, (0..self.keys.len()).map(|at| self.sum_at(at)).max().unwrap_or(0));
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            if at_least(middle) > rank { low = middle } else { high = middle - 1 }
        }
        low
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_exact_beyond_32_bits_and_while_the_table_grows() {
        let mut counts = Counts::new();
        let key = |i: u64| (i << 32) | (i * 7919 % 1013);
        for round in 0..3 {
            for i in 0..50_000 {
                counts.add(key(i), i + round);
            }
        }
        counts.add(key(7), u64::from(u32::MAX));
        counts.add(key(7), 1 << 40);
        assert_eq!(counts.get(key(7)), 3 * 7 + 3 + u64::from(u32::MAX) + (1 << 40));
        assert!((0..50_000).filter(|i| *i != 7).all(|i| counts.get(key(i)) == 3 * i + 3));
        assert_eq!(counts.get(key(50_001)), 0);
        assert_eq!(counts.update(|_, sum| if sum > 1 << 40 { 0 } else { sum }), 50_000);
        assert_eq!(counts.get(key(7)), 0);
        assert_eq!(counts.nth_largest(0), 3 * 49_999 + 3);
        assert_eq!(counts.nth_largest(10), 3 * 49_989 + 3);
        assert_eq!(counts.nth_largest(60_000), 0);
    }
}
