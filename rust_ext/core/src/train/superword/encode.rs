//! The chunks in inherited tokens: each distinct word once.

use std::sync::atomic::{AtomicBool, Ordering};

use super::merge::{Scratch, merge};
use super::ranks::Ranks;
use crate::count::hash::of_bytes;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::table::Table;

/// The vocabulary that a second stage starts from; token ids index `tokens`.
#[derive(Debug, Clone)]
pub struct Inherited {
    /// Bytes of every token: specials, atoms, merge results.
    pub tokens: Vec<Vec<u8>>,
    /// The atom of each byte.
    pub byte_ids: Vec<u32>,
    /// (left, right, result) in order.
    pub merges: Vec<[u32; 3]>,
}

/// Weighted sequences of tokens, end to end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sequences {
    pub ids: Vec<u32>,
    /// Where each sequence ends in `ids`.
    pub ends: Vec<u64>,
    pub weights: Vec<u64>,
}

/// Longest word that is remembered.
const MAX_WORD: usize = 64;
const POLL_BYTES: usize = 1 << 20;

/// Which bytes stand next to each other inside of some inherited token; merges never join others.
struct Joints(Vec<bool>);

impl Joints {
    fn new(inherited: &Inherited) -> Self {
        let mut joints = vec![false; 1 << 16];
        for merge in &inherited.merges {
            for two in inherited.tokens[merge[2] as usize].windows(2) {
                joints[usize::from(two[0]) << 8 | usize::from(two[1])] = true;
            }
        }
        Self(joints)
    }

    #[inline(always)]
    fn holds(&self, left: u8, right: u8) -> bool {
        self.0[usize::from(left) << 8 | usize::from(right)]
    }
}

/// Encodes all chunks of the table by the inherited merges, exactly as replaying these over the chunks would.
///
/// # Errors
/// `Usage`: an id without token. `Resource`: memory.
pub(crate) fn encode(
    table: &Table,
    inherited: &Inherited,
    threads: usize,
    monitor: &mut dyn Monitor,
) -> Result<Sequences> {
    check(inherited)?;
    let (ranks, joints) = (Ranks::new(&inherited.merges)?, Joints::new(inherited));
    let shared = Shared { table, ranks, joints, byte_ids: &inherited.byte_ids, stop: AtomicBool::new(false) };
    let bounds = shares(table, threads.max(1));
    let shared = &shared;
    std::thread::scope(|scope| {
        let others: Vec<_> =
            bounds[1..].windows(2).map(|two| scope.spawn(move || shared.encode(two[0], two[1], None))).collect();
        let mine = shared.encode(bounds[0], bounds[1], Some(monitor));
        if mine.is_err() {
            shared.stop.store(true, Ordering::Relaxed);
        }
        let mut whole = mine?;
        for other in others {
            let part = other.join().map_err(|_| Error::Internal("a thread that encodes chunks died".into()))??;
            let shift = whole.ids.len() as u64;
            whole.ids.try_reserve_exact(part.ids.len()).map_err(|_| no_memory(part.ids.len()))?;
            whole.ids.extend_from_slice(&part.ids);
            whole.ends.extend(part.ends.iter().map(|end| end + shift));
            whole.weights.extend_from_slice(&part.weights);
        }
        Ok(whole)
    })
}

fn check(inherited: &Inherited) -> Result<()> {
    let n = inherited.tokens.len();
    if inherited.byte_ids.len() != 256 {
        return Err(Error::Usage(format!(
            "a second stage needs the atoms of 256 bytes, got {}",
            inherited.byte_ids.len()
        )));
    }
    let ids = inherited.merges.iter().flatten().chain(&inherited.byte_ids);
    match ids.max().filter(|id| **id as usize >= n) {
        Some(id) => Err(Error::Usage(format!("token id {id} does not exist, there are {n}"))),
        None => Ok(()),
    }
}

/// Bounds of `n` parts of the table with about equally many bytes.
fn shares(table: &Table, n: usize) -> Vec<usize> {
    let total = table.blob.len() as u64;
    (0..=n as u64)
        .map(|part| table.offsets.partition_point(|o| *o < total * part / n as u64).min(table.len()))
        .collect()
}

#[cold]
fn no_memory(symbols: usize) -> Error {
    Error::Resource(format!("no memory for {symbols} symbols of the second stage: sample its corpus"))
}

struct Shared<'a> {
    table: &'a Table,
    ranks: Ranks,
    joints: Joints,
    byte_ids: &'a [u32],
    stop: AtomicBool,
}

impl Shared<'_> {
    fn encode(&self, from: usize, to: usize, mut monitor: Option<&mut dyn Monitor>) -> Result<Sequences> {
        let mut made = Sequences::default();
        // Room for a token of two bytes: what is never written takes no memory, and what never moves leaves no holes.
        // Where it cannot be had, the room grows as it is needed.
        let n_bytes = self.table.offsets[to] - self.table.offsets[from];
        let _ = made.ids.try_reserve_exact(n_bytes as usize / 2);
        made.ends.reserve_exact(to - from);
        made.weights.reserve_exact(to - from);
        let mut words = Words::new();
        let mut buffer = Vec::new();
        let mut scratch = Scratch::default();
        let (start, end) = (self.table.offsets[from], self.table.offsets[to]);
        let mut polled = start;
        for index in from..to {
            let at = self.table.offsets[index];
            if at - polled >= POLL_BYTES as u64 {
                polled = at;
                if self.stop.load(Ordering::Relaxed) {
                    return Err(Error::Interrupted);
                }
                if let Some(monitor) = &mut monitor {
                    monitor.poll("encode chunks", at - start, end - start)?;
                }
            }
            let chunk = self.table.pretoken(index);
            // Doubling would leave half of the room unused: an eighth more is enough, and most of the memory is this.
            if made.ids.capacity() - made.ids.len() < chunk.len() {
                let more = chunk.len().max(made.ids.len() / 8);
                made.ids.try_reserve_exact(more).map_err(|_| no_memory(made.ids.len() + more))?;
            }
            let mut begin = 0;
            for cut in 1..=chunk.len() {
                if cut < chunk.len() && self.joints.holds(chunk[cut - 1], chunk[cut]) {
                    continue;
                }
                self.word(&chunk[begin..cut], &mut words, &mut buffer, &mut scratch, &mut made.ids);
                begin = cut;
            }
            made.ends.push(made.ids.len() as u64);
            made.weights.push(self.table.counts[index]);
        }
        Ok(made)
    }

    #[inline(always)]
    fn word(&self, word: &[u8], words: &mut Words, buffer: &mut Vec<u32>, scratch: &mut Scratch, ids: &mut Vec<u32>) {
        if let [byte] = word {
            ids.push(self.byte_ids[usize::from(*byte)]);
            return;
        }
        if word.len() > MAX_WORD {
            self.merge(word, buffer, scratch);
            ids.extend_from_slice(buffer);
            return;
        }
        let hash = of_bytes(word);
        if let Some(known) = words.find(hash, word) {
            ids.extend_from_slice(known);
            return;
        }
        self.merge(word, buffer, scratch);
        ids.extend_from_slice(buffer);
        words.add(hash, word, buffer);
    }

    #[inline(never)]
    fn merge(&self, word: &[u8], buffer: &mut Vec<u32>, scratch: &mut Scratch) {
        buffer.clear();
        buffer.extend(word.iter().map(|byte| self.byte_ids[usize::from(*byte)]));
        merge(&self.ranks, scratch, buffer);
    }
}

/// Words with their tokens; forgets everything when it has grown large, so that memory stays bounded.
struct Words {
    /// (hash, place in `bytes`, place in `ids`, lengths in bytes and ids); a length of 0 is an empty slot.
    slots: Vec<(u32, u32, u32, u8, u8)>,
    n: usize,
    bytes: Vec<u8>,
    ids: Vec<u32>,
}

/// 2 MB of slots at most.
const MAX_SLOTS: usize = 1 << 17;

impl Words {
    fn new() -> Self {
        Self { slots: vec![(0, 0, 0, 0, 0); 1 << 12], n: 0, bytes: Vec::new(), ids: Vec::new() }
    }

    #[inline(always)]
    fn find(&self, hash: u64, word: &[u8]) -> Option<&[u32]> {
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        loop {
            let (tag, place, ids, length, n) = self.slots[at];
            if length == 0 {
                return None;
            }
            let is_same = || self.bytes[place as usize..place as usize + usize::from(length)] == *word;
            if tag == (hash >> 32) as u32 && usize::from(length) == word.len() && is_same() {
                return Some(&self.ids[ids as usize..ids as usize + usize::from(n)]);
            }
            at = (at + 1) & mask;
        }
    }

    fn add(&mut self, hash: u64, word: &[u8], ids: &[u32]) {
        if self.n * 2 >= self.slots.len() {
            self.make_room();
        }
        let entry =
            ((hash >> 32) as u32, self.bytes.len() as u32, self.ids.len() as u32, word.len() as u8, ids.len() as u8);
        self.put(hash as usize, entry);
        self.n += 1;
        self.bytes.extend_from_slice(word);
        self.ids.extend_from_slice(ids);
    }

    fn put(&mut self, hash: usize, entry: (u32, u32, u32, u8, u8)) {
        let mask = self.slots.len() - 1;
        let mut at = hash & mask;
        while self.slots[at].3 != 0 {
            at = (at + 1) & mask;
        }
        self.slots[at] = entry;
    }

    #[cold]
    fn make_room(&mut self) {
        if self.slots.len() >= MAX_SLOTS {
            *self = Self::new();
            return;
        }
        let size = self.slots.len() * 2;
        let old = std::mem::replace(&mut self.slots, vec![(0, 0, 0, 0, 0); size]);
        for entry in old.into_iter().filter(|entry| entry.3 != 0) {
            let place = entry.1 as usize;
            let hash = of_bytes(&self.bytes[place..place + usize::from(entry.3)]);
            self.put(hash as usize, entry);
        }
    }
}
