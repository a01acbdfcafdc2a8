//! Which code a phrase and one more id make: a hash table of indexes into the book's entries.

use super::book::Entry;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const SMALLEST: usize = 256;
const LARGEST_START: usize = 1 << 20;
/// Slots for each entry that is expected: with fewer, a phrase that is not there is searched for longer.
const SPARSENESS: usize = 4;

/// (phrase, id) -> index of the entry; open addressing. Keys stay in the book, so that the table fits the nearest cache.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Index of the entry + 1, 0 where there is none; a power of two.
    slots: Vec<u32>,
    shift: u32,
    len: usize,
}

impl Edges {
    pub fn new() -> Self {
        Self { slots: vec![0; SMALLEST], shift: shift_of(SMALLEST), len: 0 }
    }

    /// Empties the table and makes it right for `expected` entries.
    pub fn clear(&mut self, expected: usize) {
        let wanted = expected.saturating_mul(SPARSENESS).clamp(SMALLEST, LARGEST_START).next_power_of_two();
        self.slots.clear();
        if self.slots.capacity() > 16 * wanted {
            self.slots = Vec::new();
        }
        self.slots.resize(wanted, 0);
        (self.shift, self.len) = (shift_of(wanted), 0);
    }

    #[inline]
    fn home(&self, phrase: u32, id: u32) -> usize {
        ((u64::from(phrase) << 32 | u64::from(id)).wrapping_mul(MULTIPLIER) >> self.shift) as usize
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    /// The index of the entry, else the slot where it belongs.
    #[inline]
    pub fn find(&self, entries: &[Entry], phrase: u32, id: u32) -> Result<u32, usize> {
        let mut at = self.home(phrase, id);
        loop {
            let slot = self.slots[at];
            let Some(index) = slot.checked_sub(1) else { return Err(at) };
            let entry = &entries[index as usize];
            if entry.parent == phrase && entry.last == id {
                return Ok(index);
            }
            at = self.next(at);
        }
    }

    /// Adds entry `index` at the slot that `find` gave for it; `entries` holds it.
    #[inline]
    pub fn insert(&mut self, at: usize, index: u32, entries: &[Entry]) {
        self.slots[at] = index + 1;
        self.len += 1;
        if 2 * self.len > self.slots.len() {
            self.grow(entries);
        }
    }

    #[cold]
    fn grow(&mut self, entries: &[Entry]) {
        let wider = vec![0; SPARSENESS * self.slots.len()];
        self.shift = shift_of(wider.len());
        for slot in std::mem::replace(&mut self.slots, wider) {
            if slot == 0 {
                continue;
            }
            let entry = &entries[slot as usize - 1];
            let mut at = self.home(entry.parent, entry.last);
            while self.slots[at] != 0 {
                at = self.next(at);
            }
            self.slots[at] = slot;
        }
    }

    /// Takes an edge out; those behind it move up, so that no marks of absence are needed.
    pub fn remove(&mut self, entries: &[Entry], phrase: u32, id: u32) {
        let mut hole = self.home(phrase, id);
        loop {
            let Some(index) = self.slots[hole].checked_sub(1) else { return };
            let entry = &entries[index as usize];
            if entry.parent == phrase && entry.last == id {
                break;
            }
            hole = self.next(hole);
        }
        self.len -= 1;
        let mask = self.slots.len() - 1;
        let mut at = hole;
        loop {
            at = self.next(at);
            let Some(index) = self.slots[at].checked_sub(1) else { break };
            let entry = &entries[index as usize];
            let home = self.home(entry.parent, entry.last);
            // It may move if its home is not between the hole and where it is.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
        }
        self.slots[hole] = 0;
    }
}

fn shift_of(slots: usize) -> u32 {
    64 - slots.trailing_zeros()
}
