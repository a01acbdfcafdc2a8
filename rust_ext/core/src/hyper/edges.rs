//! Which code a phrase and one more id make: a hash table of places in the book.

use super::book::Entry;

const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const SMALLEST: usize = 256;
const LARGEST_START: usize = 1 << 20;
/// Slots for each entry that is expected: with fewer, a phrase that is not there is searched for longer.
const SPARSENESS: usize = 8;

/// (phrase, id) -> place in the book; open addressing. Keys stay in the book, so that the table fits the nearest cache.
/// The book's entries begin with a blank one, all others are in the table.
#[derive(Debug, Clone)]
pub struct Edges {
    /// Places in the book, 0 where there is none; their number is a power of two.
    slots: Vec<u32>,
    shift: u32,
    len: usize,
}

/// The table as a loop needs it, in registers.
#[derive(Debug)]
pub struct Slots<'a> {
    /// Places in the book, 0 where there is none.
    pub slots: &'a mut [u32],
    shift: u32,
}

impl Slots<'_> {
    /// The place of a key in the book, 0 if it is not there, and its slot.
    #[inline(always)]
    pub fn find(&self, entries: &[Entry], key: Entry) -> (u32, usize) {
        let at = self.home(key);
        let place = self.slots[at];
        let difference = entries[place as usize].key() ^ key.key();
        // One branch, which is rarely taken; with `&&` there would be one for an empty slot, which cannot be foreseen.
        if difference.min(u64::from(place)) != 0 {
            let at = self.find_from(at, entries, key);
            return (self.slots[at], at);
        }
        (place, at)
    }

    #[inline(never)]
    fn find_from(&self, first: usize, entries: &[Entry], key: Entry) -> usize {
        let mut at = first;
        while self.slots[at] != 0 && entries[self.slots[at] as usize] != key {
            at = (at + 1) & (self.slots.len() - 1);
        }
        at
    }

    #[inline(always)]
    fn home(&self, key: Entry) -> usize {
        (key.key().wrapping_mul(MULTIPLIER) >> self.shift) as usize
    }
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

    /// The table for a loop that adds up to `more` entries to these.
    pub fn slots(&mut self, entries: &[Entry], more: usize) -> Slots<'_> {
        while 2 * (self.len + more) > self.slots.len() {
            self.grow(entries);
        }
        Slots { slots: &mut self.slots, shift: self.shift }
    }

    /// Notes how many there are after that loop.
    pub fn set_len(&mut self, len: usize) {
        self.len = len;
    }

    /// The place of a key in the book.
    pub fn place(&mut self, entries: &[Entry], key: Entry) -> Option<u32> {
        Some(self.slots(entries, 0).find(entries, key).0).filter(|&place| place != 0)
    }

    /// Adds the entry at `place`, which is not in the table.
    pub fn insert(&mut self, entries: &[Entry], place: u32) {
        let Some(&key) = entries.get(place as usize) else { return };
        let table = self.slots(entries, 1);
        let (_, at) = table.find(entries, key);
        table.slots[at] = place;
        self.len += 1;
    }

    #[cold]
    fn grow(&mut self, entries: &[Entry]) {
        let before = std::mem::take(&mut self.slots);
        self.slots = vec![0; SPARSENESS * before.len()];
        self.shift = shift_of(self.slots.len());
        let table = Slots { slots: &mut self.slots, shift: self.shift };
        for place in before.into_iter().filter(|&place| place != 0) {
            let (_, at) = table.find(entries, entries[place as usize]);
            table.slots[at] = place;
        }
    }

    /// Takes an edge out; those behind it move up, so that no marks of absence are needed.
    pub fn remove(&mut self, entries: &[Entry], key: Entry) {
        let table = self.slots(entries, 0);
        let (place, mut hole) = table.find(entries, key);
        if place == 0 {
            return;
        }
        let mask = table.slots.len() - 1;
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let place = table.slots[at];
            if place == 0 {
                break;
            }
            let home = table.home(entries[place as usize]);
            // It may move if its home is not between the hole and where it is.
            if (at.wrapping_sub(home) & mask) >= (at.wrapping_sub(hole) & mask) {
                table.slots[hole] = place;
                hole = at;
            }
        }
        table.slots[hole] = 0;
        self.len -= 1;
    }
}

fn shift_of(slots: usize) -> u32 {
    64 - slots.trailing_zeros()
}
