//! A byte language model: interpolated Witten-Bell n-grams.
//!
//! P0 = 1/256; for k = 0 .. order - 1 with context c = the last k bytes: P <- (n(c, b) + u(c) P) / (n(c) + u(c)), n the
//! number of bytes seen after c, u that of different ones; contexts never seen are passed over (Witten & Bell 1991).

mod file;
mod signals;
#[cfg(test)]
mod tests;

use crate::error::{Error, Result};

const EMPTY: u64 = u64::MAX;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
/// The longest n-gram that makes sense: beyond it contexts are whole sentences.
pub const MAX_ORDER: usize = 32;

/// An n-gram, by its first n - 1 bytes' number and its last byte: how often it was seen, and what was seen after it.
#[derive(Debug, Clone, Copy)]
struct Slot {
    /// parent << 8 | byte
    key: u64,
    /// Number of this n-gram as a context.
    node: u32,
    count: u32,
    total: u32,
    kinds: u32,
}

const VACANT: Slot = Slot { key: EMPTY, node: 0, count: 0, total: 0, kinds: 0 };

/// n-gram counts. Node 0 is the empty context.
#[derive(Debug, Clone)]
pub struct ByteLm {
    order: usize,
    slots: Vec<Slot>,
    shift: u32,
    n_nodes: u32,
    total: u32,
    kinds: u32,
    /// Children of each node once `freeze` has run: `kids[starts[node]..starts[node + 1]]`.
    kids: Vec<(u8, u32)>,
    starts: Vec<u32>,
}

impl ByteLm {
    /// A model that has seen nothing.
    ///
    /// # Errors
    /// `Usage`: an order outside 1..=32.
    pub fn new(order: usize) -> Result<Self> {
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(Error::Usage(format!("order must be between 1 and {MAX_ORDER}, got {order}")));
        }
        let bits = 12;
        Ok(Self {
            order,
            slots: vec![VACANT; 1 << bits],
            shift: 64 - bits,
            n_nodes: 1,
            total: 0,
            kinds: 0,
            kids: Vec::new(),
            starts: Vec::new(),
        })
    }

    /// Bytes of the longest n-gram.
    pub fn order(&self) -> usize {
        self.order
    }

    /// Different n-grams of all lengths.
    pub fn len(&self) -> usize {
        self.n_nodes as usize - 1
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.n_nodes == 1
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(MULTIPLIER) >> self.shift) as usize
    }

    #[inline]
    fn find(&self, key: u64) -> usize {
        let mut at = self.home(key);
        while self.slots[at].key != key && self.slots[at].key != EMPTY {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    /// Learns from a document; contexts never reach over its start.
    ///
    /// # Errors
    /// `Resource`: an n-gram seen more than 2^32 - 1 times, or that many different ones.
    pub fn add(&mut self, document: &[u8]) -> Result<()> {
        self.kids.clear();
        self.starts.clear();
        // Numbers of the contexts that end here, by length from 1 on.
        let mut contexts: Vec<u64> = Vec::with_capacity(self.order);
        let mut next: Vec<u64> = Vec::with_capacity(self.order);
        for &byte in document {
            self.make_room()?;
            next.clear();
            for length in 0..=contexts.len().min(self.order - 1) {
                let parent = match length {
                    0 => 0,
                    _ => contexts[length - 1],
                };
                next.push(u64::from(self.count(parent << 8 | u64::from(byte))?));
            }
            std::mem::swap(&mut contexts, &mut next);
        }
        Ok(())
    }

    fn count(&mut self, key: u64) -> Result<u32> {
        let at = self.find(key);
        if self.slots[at].key == EMPTY {
            self.slots[at] = Slot { key, node: self.n_nodes, ..VACANT };
            self.n_nodes = self.n_nodes.checked_add(1).ok_or_else(too_many)?;
        }
        let slot = &mut self.slots[at];
        slot.count = slot.count.checked_add(1).ok_or_else(too_many)?;
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

    /// All n-grams as (parent, byte, node, count), by parent and byte.
    fn grams(&self) -> Vec<(u32, u8, u32, u32)> {
        let filled = self.slots.iter().filter(|slot| slot.key != EMPTY);
        let mut grams: Vec<_> =
            filled.map(|slot| ((slot.key >> 8) as u32, slot.key as u8, slot.node, slot.count)).collect();
        grams.sort_unstable();
        grams
    }

    /// Leaves out n-grams of three bytes and more that were seen less often than `min_count`; n and u follow.
    ///
    /// # Errors
    /// `Resource`: no memory.
    pub fn prune(&self, min_count: u32) -> Result<Self> {
        let mut depth = vec![0_u8; self.n_nodes as usize];
        let mut renamed = vec![0_u32; self.n_nodes as usize];
        let mut small = Self::new(self.order)?;
        // A parent is older than its children, so that its number is smaller.
        let mut grams = self.grams();
        grams.sort_unstable_by_key(|gram| gram.2);
        for (parent, byte, node, count) in grams {
            let length = depth[parent as usize] + 1;
            depth[node as usize] = length;
            let is_gone = parent != 0 && renamed[parent as usize] == 0;
            if is_gone || (length > 2 && count < min_count) {
                continue;
            }
            renamed[node as usize] = small.put(renamed[parent as usize], byte, count)?;
        }
        small.freeze()?;
        Ok(small)
    }

    /// Adds an n-gram with its count; gives its number.
    fn put(&mut self, parent: u32, byte: u8, count: u32) -> Result<u32> {
        self.make_room()?;
        let key = u64::from(parent) << 8 | u64::from(byte);
        let node = self.count(key)?;
        let at = self.find(key);
        self.slots[at].count = count;
        Ok(node)
    }

    /// Adds up what was seen after each context; needed before signals are asked for.
    ///
    /// # Errors
    /// `Resource`: more than 2^32 - 1 bytes after one context.
    pub fn freeze(&mut self) -> Result<()> {
        if !self.starts.is_empty() {
            return Ok(());
        }
        let grams = self.grams();
        let mut totals = vec![(0_u32, 0_u32); self.n_nodes as usize];
        let mut starts = vec![0_u32; self.n_nodes as usize + 1];
        for &(parent, _, _, count) in &grams {
            let (total, kinds) = &mut totals[parent as usize];
            *total = total.checked_add(count).ok_or_else(too_many)?;
            *kinds += 1;
            starts[parent as usize + 1] += 1;
        }
        for node in 0..self.n_nodes as usize {
            starts[node + 1] += starts[node];
        }
        self.kids = grams.iter().map(|gram| (gram.1, gram.3)).collect();
        self.starts = starts;
        for slot in &mut self.slots {
            if slot.key != EMPTY {
                (slot.total, slot.kinds) = totals[slot.node as usize];
            }
        }
        (self.total, self.kinds) = totals[0];
        Ok(())
    }
}

fn too_many() -> Error {
    Error::Resource("the byte language model counts to 2^32 - 1 only: train it on less text".into())
}
