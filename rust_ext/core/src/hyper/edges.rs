//! Which code a phrase and one more id make: one hash table.

const EMPTY: u64 = u64::MAX;
const MULTIPLIER: u64 = 0x9E37_79B9_7F4A_7C15;
const SMALLEST: usize = 256;

/// (phrase, id) -> code; open addressing, at most half full.
#[derive(Debug, Clone)]
pub struct Edges {
    slots: Vec<(u64, u32)>,
    shift: u32,
    len: usize,
}

impl Edges {
    pub fn new() -> Self {
        Self { slots: vec![(EMPTY, 0); SMALLEST], shift: 64 - SMALLEST.trailing_zeros(), len: 0 }
    }

    /// Empties the table; a much too large one is given back.
    pub fn clear(&mut self) {
        if self.slots.len() > SMALLEST && self.len * 16 < self.slots.len() {
            *self = Self::new();
        } else if self.len > 0 {
            self.slots.fill((EMPTY, 0));
            self.len = 0;
        }
    }

    #[inline]
    fn home(&self, key: u64) -> usize {
        (key.wrapping_mul(MULTIPLIER) >> self.shift) as usize
    }

    #[inline]
    fn next(&self, at: usize) -> usize {
        (at + 1) & (self.slots.len() - 1)
    }

    #[inline]
    pub fn get(&self, phrase: u32, id: u32) -> Option<u32> {
        let key = key(phrase, id);
        let mut at = self.home(key);
        loop {
            let (found, code) = self.slots[at];
            if found == key {
                return Some(code);
            }
            if found == EMPTY {
                return None;
            }
            at = self.next(at);
        }
    }

    /// Adds an edge that is not there.
    #[inline]
    pub fn insert(&mut self, phrase: u32, id: u32, code: u32) {
        self.len += 1;
        if 2 * self.len > self.slots.len() {
            self.grow();
        }
        self.put(key(phrase, id), code);
    }

    #[inline]
    fn put(&mut self, key: u64, code: u32) {
        let mut at = self.home(key);
        while self.slots[at].0 != EMPTY {
            at = self.next(at);
        }
        self.slots[at] = (key, code);
    }

    fn grow(&mut self) {
        let wider = vec![(EMPTY, 0); 2 * self.slots.len()];
        self.shift -= 1;
        for (key, code) in std::mem::replace(&mut self.slots, wider) {
            if key != EMPTY {
                self.put(key, code);
            }
        }
    }

    /// Takes an edge out; those behind it move up, so that no marks of absence are needed.
    pub fn remove(&mut self, phrase: u32, id: u32) {
        let key = key(phrase, id);
        let mut hole = self.home(key);
        while self.slots[hole].0 != key {
            if self.slots[hole].0 == EMPTY {
                return;
            }
            hole = self.next(hole);
        }
        self.len -= 1;
        let mut at = hole;
        loop {
            at = self.next(at);
            let (found, _) = self.slots[at];
            if found == EMPTY {
                break;
            }
            // It may move if its home is not between the hole and where it is.
            let mask = self.slots.len() - 1;
            if (at.wrapping_sub(self.home(found)) & mask) >= (at.wrapping_sub(hole) & mask) {
                self.slots[hole] = self.slots[at];
                hole = at;
            }
        }
        self.slots[hole] = (EMPTY, 0);
    }
}

#[inline]
fn key(phrase: u32, id: u32) -> u64 {
    u64::from(phrase) << 32 | u64::from(id)
}
