//! Counts of byte n-grams while a corpus is read.

use super::model::{ByteLm, Row};
use super::{MAX_ORDER, too_many};
use crate::error::{Error, Result};

const EMPTY: u64 = u64::MAX;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;

/// An n-gram, by its first n - 1 bytes' number and its last byte, and how often it was seen.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// parent << 8 | byte
    key: u64,
    /// Number of this n-gram as a context.
    node: u32,
    count: u32,
}

const VACANT: Slot = Slot { key: EMPTY, node: 0, count: 0 };

/// How often each n-gram of 1 to `order` bytes was seen. Node 0 is the empty context.
#[derive(Debug)]
pub struct NgramCounts {
    order: usize,
    slots: Vec<Slot>,
    shift: u32,
    n_nodes: u32,
}

impl NgramCounts {
    /// Nothing seen yet.
    ///
    /// # Errors
    /// `Usage`: an order outside 1..=32.
    pub fn new(order: usize) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(Error::Usage(format!("order must be between 1 and {MAX_ORDER}, got {order}")));
        }
        let bits = 12;
        Ok(Self { order, slots: vec![VACANT; 1 << bits], shift: 64 - bits, n_nodes: 1 })
    }

    #[inline]
    fn find(&self, key: u64) -> usize {
        let mut at = (key.wrapping_mul(MULTIPLIER) >> self.shift) as usize;
        while self.slots[at].key != key && self.slots[at].key != EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    /// Learns from a document that occurs `times` times; contexts never reach over its start.
    ///
    /// # Errors
    /// `Resource`: an n-gram seen more than 2^32 - 1 times, that many different ones, or no memory.
    pub fn add(&mut self, document: &[u8], times: u64) -> Result<()> {
        let times = u32::try_from(times).map_err(|_| too_many())?;
        // Numbers of the contexts that end here, by length from 1 on.
        let mut contexts: Vec<u64> = Vec::with_capacity(self.order);
        let mut next: Vec<u64> = Vec::with_capacity(self.order);
        for &byte in document {
            self.make_room()?;
            next.clear();
            for length in 0..=contexts.len().min(self.order - 1) {
                let parent = if length == 0 { 0 } else { contexts[length - 1] };
                next.push(u64::from(self.count(parent << 8 | u64::from(byte), times)?));
            }
            std::mem::swap(&mut contexts, &mut next);
        }
        Ok(())
    }

    fn count(&mut self, key: u64, times: u32) -> Result<u32> {
        let at = self.find(key);
        if self.slots[at].key == EMPTY {
            self.slots[at] = Slot { key, node: self.n_nodes, count: 0 };
            self.n_nodes = self.n_nodes.checked_add(1).ok_or_else(too_many)?;
        }
        let slot = &mut self.slots[at];
        slot.count = slot.count.checked_add(times).ok_or_else(too_many)?;
        Ok(slot.node)
    }

    fn make_room(&mut self) -> Result<()> {
        if 2 * (self.n_nodes as usize + self.order) <= self.slots.len() {
            return Ok(());
        }
        let size = 2 * self.slots.len();
        let mut wider = Vec::new();
        wider.try_reserve_exact(size).map_err(|_| {
            Error::Resource(format!("the byte language model needs {} MiB more", (size * size_of::<Slot>()) >> 20))
        })?;
        wider.resize(size, VACANT);
        self.shift -= 1;
        for slot in std::mem::replace(&mut self.slots, wider) {
            if slot.key != EMPTY {
                let at = self.find(slot.key);
                self.slots[at] = slot;
            }
        }
        Ok(())
    }

    /// What was learnt. N-grams of three bytes and more that were seen less often than `min_count` are left out.
    ///
    /// # Errors
    /// `Resource`: more than 2^32 - 1 bytes after one context.
    pub fn freeze(mut self, min_count: u32) -> Result<ByteLm> {
        self.slots.retain(|slot| slot.key != EMPTY);
        self.slots.sort_unstable_by_key(|slot| slot.key);
        let grams = self.slots;
        let mut kids = vec![(0_u32, 0_u32); self.n_nodes as usize];
        for (at, gram) in grams.iter().enumerate() {
            let range = &mut kids[(gram.key >> 8) as usize];
            *range = if range.1 == 0 { (at as u32, at as u32 + 1) } else { (range.0, at as u32 + 1) };
        }
        // Breadth first, so that numbers depend on the n-grams alone. A rare n-gram's longer forms are rarer still.
        let mut rows: Vec<Row> = Vec::with_capacity(grams.len());
        let mut queue = vec![(0_u32, 0_usize)];
        let mut at = 0;
        while let Some(&(node, length)) = queue.get(at) {
            let (low, high) = kids[node as usize];
            for gram in &grams[low as usize..high as usize] {
                if length < 2 || gram.count >= min_count {
                    rows.push(Row { parent: at as u32, byte: gram.key as u8, count: gram.count });
                    queue.push((gram.node, length + 1));
                }
            }
            at += 1;
        }
        drop((grams, kids, queue));
        ByteLm::from_rows(self.order, &rows)
    }
}
