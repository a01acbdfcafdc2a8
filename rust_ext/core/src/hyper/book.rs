//! The phrases of a book by code, and in LRU mode the order of their use.

use super::rules::{Policy, Rules};
use std::sync::Arc;

const NONE: u32 = u32::MAX;

/// A phrase: that of `parent` (a base id or a code) and one more base id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// A base id, or the code of a phrase.
    pub parent: u32,
    /// The last base id.
    pub last: u32,
}

/// What else there is to know of a phrase; apart from `Entry`, which is searched and given away.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// The first base id.
    pub first: u32,
    /// Number of base ids.
    pub length: u32,
}

/// Neighbours in the list of uses, by index of entry.
#[derive(Debug, Clone, Copy)]
struct Links {
    newer: u32,
    older: u32,
}

/// A slot for a new phrase, and the phrase that had to leave it.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// The new phrase's code.
    pub code: u32,
    /// The phrase that had the code.
    pub evicted: Option<Entry>,
}

/// Whether and where a new phrase fits.
#[derive(Debug, Clone, Copy)]
pub enum Room {
    /// Here.
    Slot(Slot),
    /// Nowhere.
    Full,
    /// Nowhere, and the book was emptied.
    Emptied,
}

/// Phrases by code. A phrase's prefixes are in the book as long as it is.
#[derive(Debug, Clone)]
pub struct Book {
    rules: Arc<Rules>,
    entries: Vec<Entry>,
    /// As long as `entries`.
    shapes: Vec<Shape>,
    /// In LRU mode, as long as `entries`.
    links: Vec<Links>,
    newest: u32,
    oldest: u32,
}

impl Book {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, entries: Vec::new(), shapes: Vec::new(), links: Vec::new(), newest: NONE, oldest: NONE }
    }

    /// What encoder and decoder agreed on.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn shared_rules(&self) -> Arc<Rules> {
        self.rules.clone()
    }

    pub(super) fn clear(&mut self) {
        self.entries.clear();
        self.shapes.clear();
        self.links.clear();
        (self.newest, self.oldest) = (NONE, NONE);
    }

    /// The phrases in order of their codes.
    #[inline]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The phrases in order of their codes; the book is empty then.
    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        let next = Vec::with_capacity(self.entries.len());
        let entries = std::mem::replace(&mut self.entries, next);
        self.clear();
        entries
    }

    /// Number of phrases.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no phrase.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The phrase of a code; None for base ids and unknown codes.
    #[inline]
    pub fn entry(&self, code: u32) -> Option<&Entry> {
        self.entries.get(code.checked_sub(self.rules.base())? as usize)
    }

    /// First base id and length of the phrase of a base id or a code.
    #[inline]
    pub(super) fn shape(&self, code: u32) -> Option<Shape> {
        match code.checked_sub(self.rules.base()) {
            None => Some(Shape { first: code, length: 1 }),
            Some(index) => self.shapes.get(index as usize).copied(),
        }
    }

    /// Appends the base ids of a base id or a code.
    #[inline]
    pub fn spell(&self, code: u32, out: &mut Vec<u32>) {
        if let Some(shape) = self.shape(code) {
            spell(&self.entries, self.rules.base(), code, shape.length as usize, out);
        }
    }

    /// Makes room for a phrase that begins with that of `parent`.
    #[inline]
    pub(super) fn reserve(&mut self, parent: u32) -> Room {
        let n = self.entries.len() as u32;
        if n < self.rules.capacity() {
            return Room::Slot(Slot { code: self.rules.base() + n, evicted: None });
        }
        match self.rules.policy() {
            Policy::Freeze => Room::Full,
            Policy::Reset if n > 0 => {
                self.clear();
                Room::Emptied
            }
            Policy::Reset => Room::Full,
            Policy::Lru => self.evict(parent),
        }
    }

    /// Prefixes are always used after what they begin, so that the oldest entry is no prefix of another one.
    fn evict(&mut self, parent: u32) -> Room {
        let oldest = self.oldest;
        let entry = self.entries.get(oldest as usize).copied();
        let Some(entry) = entry.filter(|_| self.rules.base() + oldest != parent) else { return Room::Full };
        let code = self.rules.base() + oldest;
        self.unlink(oldest);
        Room::Slot(Slot { code, evicted: Some(entry) })
    }

    /// Puts `parent`, whose shape is given, and `last` in a slot that `reserve` gave for them.
    #[inline(always)]
    pub(super) fn fill(&mut self, slot: Slot, parent: u32, Shape { first, length }: Shape, last: u32) {
        let (entry, shape) = (Entry { parent, last }, Shape { first, length: length + 1 });
        let index = (slot.code - self.rules.base()) as usize;
        if index == self.entries.len() {
            self.entries.push(entry);
            self.shapes.push(shape);
        } else {
            self.entries[index] = entry;
            self.shapes[index] = shape;
        }
        if self.rules.policy() == Policy::Lru {
            if self.links.len() < self.entries.len() {
                self.links.push(Links { newer: NONE, older: NONE });
            }
            self.link(index as u32);
            self.touch(parent);
        }
    }

    /// Notes that a phrase, and with it its prefixes, was used.
    #[inline]
    pub(super) fn touch(&mut self, code: u32) {
        if self.rules.policy() != Policy::Lru {
            return;
        }
        let mut code = code;
        while let Some(&entry) = self.entry(code) {
            let index = code - self.rules.base();
            self.unlink(index);
            self.link(index);
            code = entry.parent;
        }
    }

    fn link(&mut self, index: u32) {
        self.links[index as usize] = Links { newer: NONE, older: self.newest };
        match self.links.get_mut(self.newest as usize) {
            Some(links) => links.newer = index,
            None => self.oldest = index,
        }
        self.newest = index;
    }

    fn unlink(&mut self, index: u32) {
        let Links { newer, older } = self.links[index as usize];
        match self.links.get_mut(newer as usize) {
            Some(links) => links.older = older,
            None => self.newest = older,
        }
        match self.links.get_mut(older as usize) {
            Some(links) => links.newer = newer,
            None => self.oldest = newer,
        }
    }
}

/// Appends the `length` base ids of a base id or of the code of one of the `entries`, whose codes begin at `base`.
#[inline]
pub(super) fn spell(entries: &[Entry], base: u32, code: u32, length: usize, out: &mut Vec<u32>) {
    if length == 1 {
        out.push(code);
        return;
    }
    let start = out.len();
    out.resize(start + length, 0);
    let mut here = code;
    for slot in out[start..].iter_mut().rev() {
        let entry = here.checked_sub(base).and_then(|index| entries.get(index as usize));
        (*slot, here) = entry.map_or((here, here), |entry| (entry.last, entry.parent));
    }
}
