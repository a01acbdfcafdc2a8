//! BPE-dropout: each best merge is passed over with probability p, and comes back after the next merge that is done.
//!
//! Provilkov et al. 2020, as in HF `tokenizers`: a fresh coin for every candidate at every step. (sentencepiece drops
//! a passed-over merge for good, which is another distribution.)

use super::atoms::Placed;
use super::merge::{candidate, join, link, unlink};
use super::pairs::Pairs;
use std::collections::BinaryHeap;

/// xoshiro256++ (Blackman, Vigna 2019), seeded by splitmix64: small, fast, the same everywhere.
#[derive(Debug, Clone)]
pub struct Random([u64; 4]);

impl Random {
    /// A stream that is fixed by `seed` and `stream` (the position of a text in its batch).
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut state = seed ^ stream.wrapping_mul(0xD134_2543_DE82_EF95);
        Self([(); 4].map(|()| {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ mixed >> 31
        }))
    }

    fn next(&mut self) -> u64 {
        let s = &mut self.0;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let shifted = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= shifted;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// True with probability `p`: never for 0, always for 1.
    pub fn coin(&mut self, p: f64) -> bool {
        ((self.next() >> 11) as f64) < p * (1u64 << 53) as f64
    }
}

/// Joins the atoms of one word in place; p = 0 is the plain encoder, p = 1 leaves the atoms.
pub fn merge_with_dropout(pairs: &Pairs, random: &mut Random, p: f64, word: &mut Vec<Placed>) {
    let mut links = Vec::new();
    link(word, &mut links);
    let first = links.windows(2).zip(0u32..).filter_map(|(two, at)| candidate(pairs, two[0].id, two[1].id, at));
    let mut heap: BinaryHeap<_> = first.collect::<Vec<_>>().into();
    let mut passed = Vec::new();
    while let Some(top) = heap.pop() {
        if random.coin(p) {
            passed.push(top);
            continue;
        }
        heap.extend(passed.drain(..));
        if let Some((left, right)) = join(pairs, &mut links, top) {
            heap.extend(left);
            heap.extend(right);
        }
    }
    if !links.is_empty() {
        unlink(&links, word);
    }
}
