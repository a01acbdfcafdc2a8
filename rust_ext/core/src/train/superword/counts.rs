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

/// Counts of pairs of tokens.
pub(super) struct Counts {
    keys: Vec<u64>,
    sums: Vec<u64>,
    mask: usize,
    n: usize,
}

impl Counts {
    pub fn new() -> Self {
        let size = 1 << 12;
        Self { keys: vec![EMPTY; size], sums: vec![0; size], mask: size - 1, n: 0 }
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

    /// Adds to the sum of a key; sums cannot overflow since the table's total was checked.
    #[inline(always)]
    pub fn add(&mut self, key: u64, weight: u64) {
        let at = self.probe(key);
        if self.keys[at] == EMPTY {
            self.keys[at] = key;
            self.n += 1;
        }
        self.sums[at] = self.sums[at].saturating_add(weight);
        if self.n * 3 > self.mask * 2 {
            self.grow();
        }
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.mask + 1) * 2;
        let keys = std::mem::replace(&mut self.keys, vec![EMPTY; size]);
        let sums = std::mem::replace(&mut self.sums, vec![0; size]);
        self.mask = size - 1;
        for (key, sum) in keys.into_iter().zip(sums).filter(|(key, _)| *key != EMPTY) {
            let at = self.probe(key);
            self.keys[at] = key;
            self.sums[at] = sum;
        }
    }

    /// The sum of a key; 0 if it was never added.
    #[inline(always)]
    pub fn get(&self, key: u64) -> u64 {
        self.sums[self.probe(key)]
    }

    /// Changes every sum, and returns how many keys there are.
    pub fn update(&mut self, mut f: impl FnMut(u64, u64) -> u64) -> usize {
        for (&key, sum) in self.keys.iter().zip(&mut self.sums).filter(|(key, _)| **key != EMPTY) {
            *sum = f(key, *sum);
        }
        self.n
    }

    /// The `rank`-th largest sum (0: the largest), or 0 when there are not so many keys.
    pub fn nth_largest(&self, rank: usize) -> u64 {
        let mut sums: Vec<u64> = self.sums.iter().copied().filter(|sum| *sum > 0).collect();
        if rank >= sums.len() {
            return 0;
        }
        *sums.select_nth_unstable_by(rank, |a, b| b.cmp(a)).1
    }
}
