//! A vocabulary of LZW phrases: learn every phrase of one pass, then thin them out by how much each one saves.

use crate::error::{Error, Result};
use crate::monitor::Monitor;
use std::collections::HashMap;

const POLL_UNITS: usize = 1 << 12;
const NONE: u32 = u32::MAX;

/// Options of the trainer.
#[derive(Debug, Clone)]
pub struct Options {
    /// Tokens wanted, the 256 bytes included.
    pub vocab_size: usize,
    /// Most bytes in a phrase.
    pub max_length: usize,
    /// Share of phrases that a round keeps at most, unless that is fewer than wanted.
    pub keep: f64,
    /// Phrases that are used less often leave in the next round.
    pub min_count: u64,
    /// Segments with the fewest tokens instead of the longest first.
    pub is_shortest: bool,
}

/// What came out.
#[derive(Debug, Default)]
pub struct Phrases {
    /// Phrases with their uses, best first.
    pub phrases: Vec<(Vec<u8>, u64)>,
    /// Uses of the 256 bytes as tokens of their own.
    pub byte_counts: Vec<u64>,
    /// Phrases before each round, and at the end.
    pub sizes: Vec<usize>,
}

/// A phrase is its parent's bytes and one more; nodes 0..=255 are the bytes.
struct Book {
    edges: HashMap<u64, u32, std::hash::BuildHasherDefault<Mix>>,
    parents: Vec<u32>,
    bytes: Vec<u8>,
    lengths: Vec<u32>,
    is_kept: Vec<bool>,
}

/// One multiplication: keys are small distinct numbers.
#[derive(Default)]
struct Mix(u64);

impl std::hash::Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, value: u64) {
        let mixed = (self.0 ^ value).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 32);
    }
}

impl Book {
    fn new() -> Self {
        Self {
            edges: HashMap::default(),
            parents: vec![NONE; 256],
            bytes: (0..=255).collect(),
            lengths: vec![1; 256],
            is_kept: vec![true; 256],
        }
    }

    #[inline]
    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        self.edges.get(&(u64::from(node) << 8 | u64::from(byte))).copied()
    }

    fn add(&mut self, node: u32, byte: u8) -> Result<()> {
        let child = u32::try_from(self.parents.len()).ok().filter(|&child| child < NONE);
        let child = child.ok_or_else(|| Error::Resource("more LZW phrases than 32-bit numbers".into()))?;
        self.edges.insert(u64::from(node) << 8 | u64::from(byte), child);
        self.parents.push(node);
        self.bytes.push(byte);
        self.lengths.push(self.lengths[node as usize] + 1);
        self.is_kept.push(true);
        Ok(())
    }

    fn spell(&self, node: u32) -> Vec<u8> {
        let mut spelled = Vec::with_capacity(self.lengths[node as usize] as usize);
        let mut here = node;
        while here != NONE {
            spelled.push(self.bytes[here as usize]);
            here = self.parents[here as usize];
        }
        spelled.reverse();
        spelled
    }

    /// One pass over a unit; whether it learnt a phrase.
    fn learn(&mut self, unit: &[u8], max_length: usize) -> Result<bool> {
        let before = self.parents.len();
        let mut node = NONE;
        for &byte in unit {
            if node == NONE {
                node = u32::from(byte);
            } else if let Some(child) = self.child(node, byte) {
                node = child;
            } else {
                self.add(node, byte)?;
                node = u32::from(byte);
            }
            if self.lengths[node as usize] as usize == max_length {
                node = NONE;
            }
        }
        Ok(self.parents.len() > before)
    }

    /// Calls `found(end, node)` for every kept phrase that starts at `start`, shortest first.
    #[inline]
    fn each(&self, unit: &[u8], start: usize, mut found: impl FnMut(usize, u32)) {
        let mut node = u32::from(unit[start]);
        found(start + 1, node);
        for (end, &byte) in unit.iter().enumerate().skip(start + 1) {
            let Some(child) = self.child(node, byte) else { return };
            node = child;
            if self.is_kept[node as usize] {
                found(end + 1, node);
            }
        }
    }

    fn greedy(&self, unit: &[u8], mut used: impl FnMut(u32)) {
        let mut start = 0;
        while start < unit.len() {
            let mut longest = (start + 1, u32::from(unit[start]));
            self.each(unit, start, |end, node| longest = (end, node));
            used(longest.1);
            start = longest.0;
        }
    }

    /// The fewest tokens; of equals the longer first token.
    fn shortest(&self, unit: &[u8], best: &mut Vec<(u32, u32, usize)>, mut used: impl FnMut(u32)) {
        best.clear();
        best.resize(unit.len() + 1, (u32::MAX, 0, 0));
        best[unit.len()].0 = 0;
        for start in (0..unit.len()).rev() {
            let mut choice = (u32::MAX, 0, 0);
            self.each(unit, start, |end, node| {
                let cost = best[end].0.saturating_add(1);
                // Ends rise: `<=` keeps the longest.
                if cost <= choice.0 {
                    choice = (cost, node, end);
                }
            });
            best[start] = choice;
        }
        let mut start = 0;
        while start < unit.len() {
            used(best[start].1);
            start = best[start].2;
        }
    }
}

/// Learns from `units` (concatenated in `blob`, cut by `offsets`), unit `i` occurring `counts[i]` times (once each if
/// empty). A unit that occurs more often is read again until it teaches nothing more.
///
/// # Errors
/// `Usage`: options that cannot work, offsets that do not fit. `Input`: uses that add up to more than 2^64 - 1.
/// `Resource`: too many phrases.
pub fn lzw_phrases(
    blob: &[u8],
    offsets: &[u64],
    counts: &[u64],
    options: &Options,
    monitor: &mut dyn Monitor,
) -> Result<Phrases> {
    let is_sound = offsets.first() == Some(&0)
        && offsets.last() == Some(&(blob.len() as u64))
        && offsets.is_sorted()
        && (counts.is_empty() || counts.len() + 1 == offsets.len());
    if !is_sound || options.vocab_size < 256 || options.max_length == 0 || !(options.keep > 0.0 && options.keep < 1.0) {
        return Err(Error::Usage("LZW: sizes, lengths or offsets that cannot work".into()));
    }
    let n_units = offsets.len() - 1;
    let unit = |i: usize| (&blob[offsets[i] as usize..offsets[i + 1] as usize], counts.get(i).copied().unwrap_or(1));
    let mut book = Book::new();
    for i in 0..n_units {
        if i % POLL_UNITS == 0 {
            monitor.poll("learn phrases", i as u64, n_units as u64)?;
        }
        let (bytes, count) = unit(i);
        for _ in 0..count {
            if !book.learn(bytes, options.max_length)? {
                break;
            }
        }
    }
    let wanted = options.vocab_size - 256;
    let mut kept: Vec<u32> = (256..book.parents.len() as u32).collect();
    let mut sizes = vec![kept.len()];
    let segment = |book: &Book, monitor: &mut dyn Monitor| -> Result<Vec<u64>> {
        let mut uses = vec![0_u64; book.parents.len()];
        let mut best = Vec::new();
        let mut is_too_large = false;
        for i in 0..n_units {
            if i % POLL_UNITS == 0 {
                monitor.poll("segment", i as u64, n_units as u64)?;
            }
            let (bytes, count) = unit(i);
            let used = |node: u32| {
                let slot = &mut uses[node as usize];
                match slot.checked_add(count) {
                    Some(sum) => *slot = sum,
                    None => is_too_large = true,
                }
            };
            if options.is_shortest { book.shortest(bytes, &mut best, used) } else { book.greedy(bytes, used) }
        }
        if is_too_large { Err(Error::Input("counts add up to more than 2^64 - 1".into())) } else { Ok(uses) }
    };
    while kept.len() > wanted {
        let uses = segment(&book, monitor)?;
        // At least one leaves, or a round could change nothing: the share is rounded up.
        let limit = wanted.max(((options.keep * kept.len() as f64).ceil() as usize).min(kept.len() - 1));
        kept.retain(|&node| uses[node as usize] >= options.min_count);
        rank(&book, &uses, &mut kept);
        kept.truncate(limit);
        book.is_kept[256..].fill(false);
        for &node in &kept {
            book.is_kept[node as usize] = true;
        }
        sizes.push(kept.len());
    }
    let uses = segment(&book, monitor)?;
    rank(&book, &uses, &mut kept);
    Ok(Phrases {
        phrases: kept.iter().map(|&node| (book.spell(node), uses[node as usize])).collect(),
        byte_counts: uses[..256].to_vec(),
        sizes,
    })
}

/// By bytes saved (falling), length (falling), bytes.
fn rank(book: &Book, uses: &[u64], kept: &mut Vec<u32>) {
    let mut keyed: Vec<(u128, u32, Vec<u8>, u32)> = kept
        .iter()
        .map(|&node| {
            let length = book.lengths[node as usize];
            (u128::from(uses[node as usize]) * u128::from(length - 1), length, book.spell(node), node)
        })
        .collect();
    keyed.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| b.1.cmp(&a.1)).then_with(|| a.2.cmp(&b.2)));
    kept.clear();
    kept.extend(keyed.iter().map(|row| row.3));
}
