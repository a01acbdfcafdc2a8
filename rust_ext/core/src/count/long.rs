//! Counts of pretokens of 16 bytes and more: the bytes lie in an arena, the slots point into it.

use super::short::zeroed;
use super::{add, hash, no_memory};
use crate::error::Result;

/// One pretoken: `arena[start..start + len]`. `count` 0 marks a free slot.
#[derive(Debug, Clone, Copy, Default)]
pub struct LongSlot {
    hash: u64,
    start: usize,
    len: usize,
    pub count: u64,
    pub first: u64,
}

impl LongSlot {
    pub fn bytes<'a>(&self, arena: &'a [u8]) -> &'a [u8] {
        &arena[self.start..self.start + self.len]
    }
}

/// The first 15 bytes as a number that sorts as they do, above any shorter pretoken with the same bytes.
pub fn prefix_of(bytes: &[u8]) -> u128 {
    let mut word = [0u8; 16];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    word[15] = 16;
    u128::from_be_bytes(word)
}

/// The table. Its capacity is a power of two and at most half of it is used.
pub struct LongTable {
    slots: Vec<LongSlot>,
    arena: Vec<u8>,
    used: usize,
}

impl LongTable {
    pub fn with_capacity(capacity: usize) -> Result<Self> {
        Ok(Self { slots: zeroed(capacity.next_power_of_two())?, arena: Vec::new(), used: 0 })
    }

    pub fn is_empty(&self) -> bool {
        self.used == 0
    }

    /// Bytes that the table will take at most while one more pretoken of `len` bytes enters, growth included.
    pub fn memory_bytes_with(&self, len: usize) -> u64 {
        let is_full = self.used * 2 >= self.slots.len();
        let slots = self.slots.len() * if is_full { 3 } else { 1 };
        let arena = if self.arena.len() + len > self.arena.capacity() {
            self.arena.capacity() + (self.arena.len() + len).max(self.arena.capacity() * 2)
        } else {
            self.arena.capacity()
        };
        (slots * size_of::<LongSlot>() + arena) as u64
    }

    pub fn memory_bytes(&self) -> u64 {
        (self.slots.len() * size_of::<LongSlot>() + self.arena.capacity()) as u64
    }

    /// Adds `count` to `bytes`, making room as needed.
    pub fn add(&mut self, bytes: &[u8], count: u64, position: u64) -> Result<()> {
        if self.used * 2 >= self.slots.len() {
            self.grow()?;
        }
        let hash = hash::of_bytes(bytes);
        let i = self.find(hash, bytes);
        let slot = &mut self.slots[i];
        if slot.count > 0 {
            slot.count = add(slot.count, count)?;
            return Ok(());
        }
        self.arena.try_reserve(bytes.len()).map_err(|_| no_memory(bytes.len() as u64))?;
        *slot = LongSlot { hash, start: self.arena.len(), len: bytes.len(), count, first: position };
        self.arena.extend_from_slice(bytes);
        self.used += 1;
        Ok(())
    }

    fn find(&self, hash: u64, bytes: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut i = hash as usize & mask;
        loop {
            let slot = &self.slots[i];
            if slot.count == 0 || (slot.hash == hash && slot.bytes(&self.arena) == bytes) {
                return i;
            }
            i = (i + 1) & mask;
        }
    }

    #[cold]
    fn grow(&mut self) -> Result<()> {
        let bigger = zeroed(self.slots.len() * 2)?;
        let mask = bigger.len() - 1;
        let old = std::mem::replace(&mut self.slots, bigger);
        for slot in old.iter().filter(|slot| slot.count > 0) {
            let mut i = slot.hash as usize & mask;
            while self.slots[i].count > 0 {
                i = (i + 1) & mask;
            }
            self.slots[i] = *slot;
        }
        Ok(())
    }

    /// The used slots sorted by bytes, and the arena they point into.
    pub fn into_sorted(mut self) -> (Vec<LongSlot>, Vec<u8>) {
        self.slots.retain(|slot| slot.count > 0);
        let arena = std::mem::take(&mut self.arena);
        self.slots.sort_unstable_by(|a, b| a.bytes(&arena).cmp(b.bytes(&arena)));
        (self.slots, arena)
    }
}
