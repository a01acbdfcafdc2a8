//! Rewriting one pair everywhere, and bringing the counts and lists of its neighbours up to date.

use super::pairs::{Pairs, pair_key};
use super::session::Session;
use super::slots::{FIRST_MARK, INNER, Slot};

/// Weight and number of a merge's neighbours on one side, by token.
#[derive(Default)]
pub(crate) struct Neighbours {
    sums: Vec<(i64, u32)>,
    seen: Vec<u32>,
    places: Vec<(u32, u32)>,
    cursor: Vec<usize>,
}

const NO_LIST: usize = usize::MAX;
/// How many neighbours of one merge are noted before their counts and lists are brought up to date.
const MOST_PLACES: usize = 1 << 18;
/// How many positions ahead the slots are fetched while a merge walks its list.
const PREFETCH: usize = 24;

impl Neighbours {
    pub(crate) fn resize(&mut self, n_tokens: usize) {
        self.sums.resize(n_tokens, (0, 0));
        self.cursor.resize(n_tokens, NO_LIST);
    }

    #[inline(always)]
    fn note(&mut self, token: u32, weight: i64, position: u32) {
        let sum = &mut self.sums[token as usize];
        if sum.1 == 0 {
            self.seen.push(token);
        }
        sum.0 += weight;
        sum.1 += 1;
        self.places.push((token, position));
    }

    fn clear(&mut self) {
        for &token in &self.seen {
            self.sums[token as usize] = (0, 0);
            self.cursor[token as usize] = NO_LIST;
        }
        self.seen.clear();
        self.places.clear();
    }
}

impl Session {
    /// Rewrites every occurrence and moves the counts of its neighbours; the weighted number of replacements.
    pub(crate) fn replace(&mut self, index: usize, left: u32, right: u32, token: u32) -> i64 {
        self.pairs.compact();
        let list = self.pairs.take_positions(index);
        let mut replaced = 0;
        for run in list.runs() {
            for i in run.clone() {
                if i + PREFETCH < run.end {
                    prefetch(&self.slots.slots, self.pairs.position(&list, i + PREFETCH));
                }
                replaced += self.replace_at(self.pairs.position(&list, i), left, right, token);
                // One letter repeated a million times has neighbours by the million: they are not kept for long.
                if self.left.places.len().max(self.right.places.len()) >= MOST_PLACES {
                    self.update_pairs(left, right, token);
                }
            }
        }
        self.update_pairs(left, right, token);
        replaced
    }

    /// Rewrites the pair at `at` if it still stands there, and notes its neighbours; the weight replaced.
    #[inline(always)]
    fn replace_at(&mut self, at: usize, left: u32, right: u32, token: u32) -> i64 {
        let slot = self.slots.slots[at];
        if slot.symbol() != left {
            return 0;
        }
        let middle = at + slot.link() + 1;
        let second = self.slots.slots[middle];
        if second.symbol() != right {
            return 0;
        }
        let weight = self.slots.weight(at);
        let last = middle + second.link();
        let before = self.slots.previous(at);
        let before_symbol = self.slots.slots[before].symbol();
        if before_symbol < FIRST_MARK {
            self.left.note(before_symbol, weight, before as u32);
        }
        let after_symbol = self.slots.slots[last + 1].symbol();
        if after_symbol < FIRST_MARK {
            self.right.note(after_symbol, weight, at as u32);
        }
        self.slots.slots[middle].set_symbol(INNER);
        self.slots.slots[at].set_symbol(token);
        self.slots.slots[at].set_link(last - at);
        self.slots.slots[last].set_link(last - at);
        if self.options.can_split {
            self.occurrences[token as usize].push(at as u32);
        }
        weight
    }

    /// Moves the counts of the neighbours from the merged pair's parts to the new token and lists the new pairs.
    fn update_pairs(&mut self, left: u32, right: u32, token: u32) {
        for i in 0..self.left.seen.len() {
            let neighbour = self.left.seen[i];
            let weight = self.left.sums[neighbour as usize].0;
            self.change(pair_key(neighbour, left), -weight);
            self.change(pair_key(neighbour, token), weight);
        }
        for i in 0..self.right.seen.len() {
            let neighbour = self.right.seen[i];
            let weight = self.right.sums[neighbour as usize].0;
            self.change(pair_key(right, neighbour), -weight);
            self.change(pair_key(token, neighbour), weight);
        }
        // (token, token) is met from both sides: one list holds the positions of both.
        let n_twins = self.right.sums[token as usize].1;
        let has_left_twin = self.left.sums[token as usize].1 > 0;
        for i in 0..self.left.seen.len() {
            let neighbour = self.left.seen[i];
            let extra = if neighbour == token { n_twins } else { 0 };
            let length = self.left.sums[neighbour as usize].1 + extra;
            self.left.cursor[neighbour as usize] = self.list_for(pair_key(neighbour, token), length);
        }
        let twin_start = self.left.cursor[token as usize];
        fill(&mut self.pairs, &mut self.left);
        for i in 0..self.right.seen.len() {
            let neighbour = self.right.seen[i];
            self.right.cursor[neighbour as usize] = if neighbour == token && has_left_twin {
                self.left.cursor[token as usize]
            } else {
                self.list_for(pair_key(token, neighbour), self.right.sums[neighbour as usize].1)
            };
        }
        fill(&mut self.pairs, &mut self.right);
        if has_left_twin && n_twins > 0 && twin_start != NO_LIST {
            self.pairs.sort_list(twin_start, (self.left.sums[token as usize].1 + n_twins) as usize);
        }
        for i in 0..self.left.seen.len() {
            self.push_new(pair_key(self.left.seen[i], token));
        }
        for i in 0..self.right.seen.len() {
            let neighbour = self.right.seen[i];
            if neighbour != token || !has_left_twin {
                self.push_new(pair_key(token, neighbour));
            }
        }
        self.left.clear();
        self.right.clear();
    }

    pub(crate) fn change(&mut self, key: u64, weight: i64) -> usize {
        let (index, is_new) = self.pairs.find_or_add(key);
        if is_new {
            self.block_if_inadmissible(index, false);
        }
        self.pairs.pairs[index].count += weight;
        index
    }

    /// A list for the pair's new positions, unless it can never be merged.
    fn list_for(&mut self, key: u64, length: u32) -> usize {
        match self.pairs.find(key) {
            Some(index) if !self.is_hopeless(index) => self.pairs.add_list(index, length),
            _ => NO_LIST,
        }
    }

    fn push_new(&mut self, key: u64) {
        if let Some(index) = self.pairs.find(key).filter(|&index| !self.is_hopeless(index)) {
            self.push(index);
        }
    }

    /// Counts are exact, so a pair without weight stands nowhere and needs no list.
    fn is_hopeless(&self, index: usize) -> bool {
        let pair = self.pairs.pairs[index];
        pair.is_blocked || pair.count <= 0
    }
}

fn fill(pairs: &mut Pairs, side: &mut Neighbours) {
    for &(token, position) in &side.places {
        let cursor = &mut side.cursor[token as usize];
        if *cursor != NO_LIST {
            pairs.set_position(*cursor, position);
            *cursor += 1;
        }
    }
}

#[inline(always)]
fn prefetch(slots: &[Slot], at: usize) {
    #[cfg(target_arch = "x86_64")]
    if let Some(slot) = slots.get(at) {
        // SAFETY: prefetching is a hint without effect on memory, and the address is inside the slice.
        unsafe {
            std::arch::x86_64::_mm_prefetch(std::ptr::from_ref(slot).cast(), std::arch::x86_64::_MM_HINT_T0);
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (slots, at);
}
