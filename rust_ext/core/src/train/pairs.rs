//! Pair counts and the lists of slots where each pair starts.

use std::ops::Range;

/// Index of no segment.
const NONE: u32 = u32::MAX;
const EMPTY: u64 = u64::MAX;

/// A pair of tokens as one number that orders by (left id, right id).
#[inline(always)]
pub(crate) fn pair_key(left: u32, right: u32) -> u64 {
    (u64::from(left) << 32) | u64::from(right)
}

/// The two tokens of a pair key.
#[inline(always)]
pub(crate) fn pair_of(key: u64) -> (u32, u32) {
    ((key >> 32) as u32, key as u32)
}

/// What is known of one pair.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair {
    pub key: u64,
    /// Weighted number of adjacent positions, overlapping ones included.
    pub count: i64,
    /// May not be merged: vetoed, or its token would break a rule.
    pub is_blocked: bool,
    /// Stood somewhere after some step, and was not merged since.
    pub was_seen: bool,
    segments: u32,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    start: u64,
    length: u32,
    next: u32,
}

/// An open-addressing map from pair to index, dense data per index, and one arena for all position lists.
pub(crate) struct Pairs {
    keys: Vec<u64>,
    values: Vec<u32>,
    mask: usize,
    pub pairs: Vec<Pair>,
    segments: Vec<Segment>,
    arena: Vec<u32>,
    n_dead: usize,
}

/// The positions of one pair: runs of the arena in ascending order, or the union of several that overlap.
pub(crate) enum Positions {
    InArena(Vec<Range<usize>>),
    Merged(Vec<u32>),
}

impl Positions {
    /// What to ask `Pairs::position` for, in this order.
    pub fn runs(&self) -> Vec<Range<usize>> {
        match self {
            Positions::InArena(runs) => runs.clone(),
            Positions::Merged(positions) => std::iter::once(0..positions.len()).collect(),
        }
    }
}

/// Arenas smaller than this are never compacted.
const COMPACT_FROM: usize = 1 << 16;

impl Pairs {
    pub fn new() -> Self {
        let size = 1 << 12;
        Self {
            keys: vec![EMPTY; size],
            values: vec![0; size],
            mask: size - 1,
            pairs: Vec::new(),
            segments: Vec::new(),
            arena: Vec::new(),
            n_dead: 0,
        }
    }

    #[inline(always)]
    fn probe(&self, key: u64) -> usize {
        let hash = key.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut at = ((hash >> 32) ^ hash) as usize & self.mask;
        while self.keys[at] != key && self.keys[at] != EMPTY {
            at = (at + 1) & self.mask;
        }
        at
    }

    /// Index of a pair that was seen before.
    #[inline(always)]
    pub fn find(&self, key: u64) -> Option<usize> {
        let at = self.probe(key);
        (self.keys[at] == key).then(|| self.values[at] as usize)
    }

    /// Index of the pair, and whether it is new; a new one has count 0 and is not blocked.
    #[inline(always)]
    pub fn find_or_add(&mut self, key: u64) -> (usize, bool) {
        let at = self.probe(key);
        if self.keys[at] == key {
            return (self.values[at] as usize, false);
        }
        let index = self.pairs.len();
        self.pairs.push(Pair { key, count: 0, is_blocked: false, was_seen: false, segments: NONE });
        self.keys[at] = key;
        self.values[at] = index as u32;
        if self.pairs.len() * 4 > self.mask * 3 {
            self.grow();
        }
        (index, true)
    }

    #[cold]
    fn grow(&mut self) {
        let size = (self.mask + 1) * 2;
        self.keys = vec![EMPTY; size];
        self.values = vec![0; size];
        self.mask = size - 1;
        for index in 0..self.pairs.len() {
            let at = self.probe(self.pairs[index].key);
            self.keys[at] = self.pairs[index].key;
            self.values[at] = index as u32;
        }
    }

    /// Reuses the room of lists that were taken, once they fill a third of the arena; arena indices change.
    pub fn compact(&mut self) {
        if self.arena.len() < COMPACT_FROM || self.n_dead * 3 < self.arena.len() {
            return;
        }
        // Segments are in the order of their starts, so every list moves to the left or stays.
        let mut end = 0;
        for segment in &mut self.segments {
            let (start, length) = (segment.start as usize, segment.length as usize);
            self.arena.copy_within(start..start + length, end);
            segment.start = end as u64;
            end += length;
        }
        self.arena.truncate(end);
        self.n_dead = 0;
    }

    /// Gives the pair a new list of `length` positions to be filled through the returned arena index.
    pub fn add_list(&mut self, index: usize, length: u32) -> usize {
        let start = self.arena.len();
        self.arena.resize(start + length as usize, 0);
        let segment = Segment { start: start as u64, length, next: self.pairs[index].segments };
        self.pairs[index].segments = self.segments.len() as u32;
        self.segments.push(segment);
        start
    }

    /// Writes one position of a list.
    #[inline(always)]
    pub fn set_position(&mut self, at: usize, position: u32) {
        self.arena[at] = position;
    }

    /// Sorts the positions of a list that was filled out of order.
    pub fn sort_list(&mut self, start: usize, length: usize) {
        self.arena[start..start + length].sort_unstable();
    }

    /// Takes the pair's positions, ascending and each once; the pair has no lists any more.
    pub fn take_positions(&mut self, index: usize) -> Positions {
        let mut at = std::mem::replace(&mut self.pairs[index].segments, NONE);
        // The newest list comes first.
        let mut lists: Vec<Range<usize>> = Vec::new();
        while let Some(segment) = self.segments.get_mut(at as usize) {
            let start = segment.start as usize;
            let length = std::mem::take(&mut segment.length) as usize;
            at = segment.next;
            self.n_dead += length;
            lists.push(start..start + length);
        }
        lists.retain(|list| !list.is_empty());
        lists.reverse();
        let ascends = |pair: &[Range<usize>]| match pair {
            [one, next] => self.arena[one.end - 1] < self.arena[next.start],
            _ => true,
        };
        if lists.windows(2).all(ascends) {
            return Positions::InArena(lists);
        }
        let mut merged = Vec::with_capacity(lists.iter().map(Range::len).sum());
        for list in lists {
            merged.extend_from_slice(&self.arena[list]);
        }
        merged.sort_unstable();
        merged.dedup();
        Positions::Merged(merged)
    }

    /// Position `i` of a run of a list that was taken after the last `compact`.
    #[inline(always)]
    pub fn position(&self, list: &Positions, i: usize) -> usize {
        match list {
            Positions::InArena(_) => self.arena[i] as usize,
            Positions::Merged(positions) => positions[i] as usize,
        }
    }

    /// The smallest position in the pair's lists that `is_valid` accepts.
    pub fn first_position(&self, index: usize, is_valid: impl Fn(u32) -> bool) -> Option<u32> {
        let mut best: Option<u32> = None;
        let mut at = self.pairs[index].segments;
        while let Some(&segment) = self.segments.get(at as usize) {
            let low = segment.start as usize;
            let list = &self.arena[low..low + segment.length as usize];
            let found = list.iter().copied().find(|&position| is_valid(position));
            best = [best, found].into_iter().flatten().min();
            at = segment.next;
        }
        best
    }
}
