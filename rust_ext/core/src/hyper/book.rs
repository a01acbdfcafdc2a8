//! The phrases of a book by code, and in LRU mode the order of their use.

use super::rules::{Policy, Rules};
use std::sync::Arc;

const NONE: u32 = u32::MAX;

/// A phrase: that of `parent` (a base id or the code of a phrase) and one more base id, `last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry(u64);

impl Entry {
    /// Equal to no phrase.
    pub const BLANK: Self = Self(u64::MAX);

    /// `last` behind the phrase of `parent`.
    #[inline(always)]
    pub fn new(parent: u32, last: u32) -> Self {
        Self(u64::from(parent) << 32 | u64::from(last))
    }

    /// A base id, or the code of a phrase.
    #[inline(always)]
    pub fn parent(self) -> u32 {
        (self.0 >> 32) as u32
    }

    /// The last base id.
    #[inline(always)]
    pub fn last(self) -> u32 {
        self.0 as u32
    }

    /// Both in one number.
    #[inline(always)]
    pub fn key(self) -> u64 {
        self.0
    }
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
    /// Behind a blank one, so that 0 is the place of none and an unknown phrase can be looked up like a known one.
    entries: Vec<Entry>,
    /// In LRU mode, one for each phrase.
    links: Vec<Links>,
    newest: u32,
    oldest: u32,
}

impl Book {
    pub(super) fn new(rules: Arc<Rules>) -> Self {
        Self { rules, entries: vec![Entry::BLANK], links: Vec::new(), newest: NONE, oldest: NONE }
    }

    /// What encoder and decoder agreed on.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(super) fn shared_rules(&self) -> Arc<Rules> {
        self.rules.clone()
    }

    pub(super) fn clear(&mut self) {
        self.entries.truncate(1);
        self.links.clear();
        (self.newest, self.oldest) = (NONE, NONE);
    }

    /// The phrases in order of their codes, behind a blank one.
    #[inline]
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The same, for an encoder to add some: only to a book that freezes.
    pub(super) fn entries_mut(&mut self) -> &mut Vec<Entry> {
        &mut self.entries
    }

    /// The same; the book is empty then.
    pub(super) fn take_entries(&mut self) -> Vec<Entry> {
        let mut next = Vec::with_capacity(self.entries.len());
        next.push(Entry::BLANK);
        let entries = std::mem::replace(&mut self.entries, next);
        self.clear();
        entries
    }

    /// Number of phrases.
    pub fn len(&self) -> usize {
        self.entries.len() - 1
    }

    /// Whether there is no phrase.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The phrase of a code; None for base ids and unknown codes.
    #[inline]
    pub fn entry(&self, code: u32) -> Option<Entry> {
        entry_of(&self.entries, self.rules.base(), code)
    }

    /// Appends the base ids of a base id or a code; nothing for an unknown code.
    pub fn spell(&self, code: u32, out: &mut Vec<u32>) {
        let base = self.rules.base();
        if code < base || self.entry(code).is_some() {
            spell(&self.entries, base, code, length_of(&self.entries, base, code), out);
        }
    }

    /// Makes room for a phrase that begins with that of `parent`.
    #[inline]
    pub(super) fn reserve(&mut self, parent: u32) -> Room {
        let n = self.len() as u32;
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
        let code = self.rules.base().saturating_add(oldest);
        let Some(entry) = self.entry(code).filter(|_| code != parent) else { return Room::Full };
        self.unlink(oldest);
        Room::Slot(Slot { code, evicted: Some(entry) })
    }

    /// Puts `parent` and `last` in a slot that `reserve` gave for them.
    #[inline(always)]
    pub(super) fn fill(&mut self, slot: Slot, parent: u32, last: u32) {
        let entry = Entry::new(parent, last);
        let index = slot.code - self.rules.base();
        match self.entries.get_mut(index as usize + 1) {
            Some(place) => *place = entry,
            None => self.entries.push(entry),
        }
        if self.rules.policy() == Policy::Lru {
            if self.links.len() < self.len() {
                self.links.push(Links { newer: NONE, older: NONE });
            }
            self.link(index);
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
        while let Some(entry) = self.entry(code) {
            let index = code - self.rules.base();
            self.unlink(index);
            self.link(index);
            code = entry.parent();
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

/// Appends the `length` base ids of a base id or of the code of one of the `entries` (behind a blank one), whose codes
/// begin at `base`.
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
        (*slot, here) = entry_of(entries, base, here).map_or((here, here), |entry| (entry.last(), entry.parent()));
    }
}

/// Number of base ids of a base id or of the code of one of the `entries`.
pub(super) fn length_of(entries: &[Entry], base: u32, code: u32) -> usize {
    std::iter::successors(Some(code), |&code| Some(entry_of(entries, base, code)?.parent())).count()
}

#[inline(always)]
fn entry_of(entries: &[Entry], base: u32, code: u32) -> Option<Entry> {
    entries.get(code.checked_sub(base)? as usize + 1).copied()
}
