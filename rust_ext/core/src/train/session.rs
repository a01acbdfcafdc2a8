//! The training session: what can be asked and done between two merges.

use std::collections::HashMap;

use super::admit::Admit;
use super::heap::{Entry, Heap, Tie};
use super::pairs::{Pairs, pair_key, pair_of};
use super::rewrite::Neighbours;
use super::slots::{Affixes, FIRST_MARK, INNER, LONGEST_TOKEN, Slots, Unit, Unknown};
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::table::Table;

/// How a session is set up. Token ids start with the indices of `keys` and go on as merges make new tokens.
#[derive(Debug, Clone)]
pub struct Options {
    /// What one atom is.
    pub unit: Unit,
    /// For each token that exists before the first merge (specials, byte tokens, atoms) the bytes that a merge must
    /// spell to be this token; empty: no merge ever is.
    pub keys: Vec<Vec<u8>>,
    /// Ids of the atoms; an atom's bytes are its key.
    pub atom_ids: Vec<u32>,
    /// Marks that depend on an atom's place.
    pub affixes: Affixes,
    /// What a character outside the alphabet does.
    pub unknown: Unknown,
    /// Which of equally frequent pairs wins.
    pub tie: Tie,
    /// Which pairs may be merged at all.
    pub admit: Admit,
    /// Stop when the best pair is rarer than this (0 means 1).
    pub min_frequency: u64,
    /// A pair that spells a string already in the vocabulary is dropped instead of merged (sentencepiece).
    pub is_unique: bool,
    /// A pair that spells a special, a byte token or an atom is dropped instead of merged.
    pub keeps_specials: bool,
    /// Remember where every token was made, so that it can be split again.
    pub can_split: bool,
}

/// The best pair now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Left token.
    pub left: u32,
    /// Right token.
    pub right: u32,
    /// Weighted number of adjacent positions, overlapping ones included.
    pub count: u64,
}

/// What a merge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Merged {
    /// Left token.
    pub left: u32,
    /// Right token.
    pub right: u32,
    /// The token that stands for both now.
    pub token: u32,
    /// Pair count that decided.
    pub count: u64,
    /// Weighted number of replacements.
    pub replaced: u64,
    /// The vocabulary grew: the token is new, or was absent and is back.
    pub is_growth: bool,
}

/// Numbers of the event kinds; part of the file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    /// left + right -> token.
    Merge = 0,
    /// token -> pieces.
    Split = 1,
    /// The token leaves the vocabulary, not the segmentation.
    Flag = 3,
    /// The flag is taken back.
    Unflag = 4,
}

/// The event log in columns.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    /// Event kinds.
    pub kind: Vec<u8>,
    /// Token made or removed.
    pub token: Vec<u32>,
    /// Left parent of a merge.
    pub left: Vec<u32>,
    /// Right parent of a merge.
    pub right: Vec<u32>,
    /// Pair count of a merge, frequency of a split token.
    pub count: Vec<u64>,
    /// Pieces of all splits, end to end.
    pub pieces: Vec<u32>,
    /// Where each event's pieces end in `pieces`.
    pub piece_ends: Vec<u64>,
}

impl EventLog {
    pub(crate) fn push(&mut self, kind: EventKind, token: u32, parents: (u32, u32), count: u64, pieces: &[u32]) {
        self.kind.push(kind as u8);
        self.token.push(token);
        self.left.push(parents.0);
        self.right.push(parents.1);
        self.count.push(count);
        self.pieces.extend_from_slice(pieces);
        self.piece_ends.push(self.pieces.len() as u64);
    }
}

/// Training in steps: ask for the best pair, merge it, look, split, veto, go on.
pub struct Session {
    pub(crate) options: Options,
    pub(crate) slots: Slots,
    pub(crate) pairs: Pairs,
    pub(crate) heap: Heap,
    pub(crate) tokens: Vec<Vec<u8>>,
    pub(crate) lengths: Vec<u32>,
    pub(crate) parents: Vec<Option<(u32, u32)>>,
    pub(crate) is_present: Vec<bool>,
    pub(crate) frequencies: Vec<i64>,
    pub(crate) occurrences: Vec<Vec<u32>>,
    pub(crate) n_present: usize,
    pub(crate) log: EventLog,
    by_key: HashMap<Vec<u8>, u32>,
    pub(crate) left: Neighbours,
    pub(crate) right: Neighbours,
}

impl Session {
    /// Lays out the table and counts its pairs.
    ///
    /// Fails with `Usage` when an atom id has no key, and with `Input` or `Resource` when the counts or the symbols
    /// are too many for 64-bit sums or 32-bit positions.
    pub fn new(table: &Table, options: Options, monitor: &mut dyn Monitor) -> Result<Self> {
        let mut atom_ids = HashMap::new();
        for &id in &options.atom_ids {
            let key = options.keys.get(id as usize);
            let key = key.ok_or_else(|| Error::Usage(format!("atom id {id} has no token")))?;
            atom_ids.insert(key.clone(), id);
        }
        let slots = Slots::build(table, options.unit, &atom_ids, &options.affixes, options.unknown)?;
        Self::over(slots, options, monitor)
    }

    /// A session over slots that are laid out already; their symbols index `options.keys`.
    pub(crate) fn over(slots: Slots, options: Options, monitor: &mut dyn Monitor) -> Result<Self> {
        let n = options.keys.len();
        if n >= INNER as usize {
            return Err(Error::Resource(format!("{n} tokens to start from, training can hold {INNER}")));
        }
        let mut by_key = HashMap::new();
        for (id, key) in options.keys.iter().enumerate().filter(|(_, key)| !key.is_empty()) {
            by_key.entry(key.clone()).or_insert(id as u32);
        }
        let mut session = Self {
            slots,
            pairs: Pairs::new(),
            heap: Heap::new(options.tie),
            tokens: options.keys.clone(),
            lengths: vec![1; n],
            parents: vec![None; n],
            is_present: vec![true; n],
            frequencies: vec![0; n],
            occurrences: Vec::new(),
            n_present: n,
            log: EventLog::default(),
            by_key,
            left: Neighbours::default(),
            right: Neighbours::default(),
            options,
        };
        session.grow_tables();
        session.count_pairs(monitor)?;
        Ok(session)
    }

    fn grow_tables(&mut self) {
        let n = self.tokens.len();
        self.left.resize(n);
        self.right.resize(n);
        if self.options.can_split {
            self.occurrences.resize(n, Vec::new());
        }
    }

    /// Counts all pairs and token frequencies in one pass, fills the position lists in a second.
    fn count_pairs(&mut self, monitor: &mut dyn Monitor) -> Result<()> {
        let n_slots = self.slots.slots.len();
        let mut lengths: Vec<u32> = Vec::new();
        for at in 1..n_slots {
            if at % 65_536 == 0 {
                monitor.poll("count pairs", at as u64, 2 * n_slots as u64)?;
            }
            let (before, symbol) = (self.slots.slots[at - 1].symbol(), self.slots.slots[at].symbol());
            if symbol >= FIRST_MARK {
                continue;
            }
            let weight = self.slots.weight(at);
            self.frequencies[symbol as usize] += weight;
            if before < FIRST_MARK {
                let (index, is_new) = self.pairs.find_or_add(pair_key(before, symbol));
                self.pairs.pairs[index].count += weight;
                if is_new {
                    lengths.push(0);
                }
                lengths[index] += 1;
            }
        }
        self.fill_lists(&lengths, monitor)?;
        for index in 0..self.pairs.pairs.len() {
            self.block_if_inadmissible(index, true);
            self.push(index);
        }
        Ok(())
    }

    fn fill_lists(&mut self, lengths: &[u32], monitor: &mut dyn Monitor) -> Result<()> {
        let n_slots = self.slots.slots.len();
        let mut cursors: Vec<usize> = Vec::with_capacity(lengths.len());
        for (index, &length) in lengths.iter().enumerate() {
            cursors.push(self.pairs.add_list(index, length));
        }
        for at in 1..n_slots {
            if at % 65_536 == 0 {
                monitor.poll("count pairs", (n_slots + at) as u64, 2 * n_slots as u64)?;
            }
            let (before, symbol) = (self.slots.slots[at - 1].symbol(), self.slots.slots[at].symbol());
            if before < FIRST_MARK
                && symbol < FIRST_MARK
                && let Some(index) = self.pairs.find(pair_key(before, symbol))
            {
                self.pairs.set_position(cursors[index], (at - 1) as u32);
                cursors[index] += 1;
            }
        }
        Ok(())
    }

    pub(crate) fn block_if_inadmissible(&mut self, index: usize, is_initial: bool) {
        let (left, right) = pair_of(self.pairs.pairs[index].key);
        let (left, right) = (left as usize, right as usize);
        let length = (self.lengths[left] as usize).saturating_add(self.lengths[right] as usize);
        let admit = &self.options.admit;
        let is_admitted = length <= LONGEST_TOKEN
            && (*admit == Admit::All || admit.admits(&self.tokens[left], &self.tokens[right], length, is_initial));
        self.pairs.pairs[index].is_blocked |= !is_admitted;
    }

    /// Queues the pair with its count as it is now.
    pub(crate) fn push(&mut self, index: usize) {
        let pair = self.pairs.pairs[index];
        if pair.count > 0 && !pair.is_blocked {
            self.pairs.pairs[index].was_seen = true;
            let position = self.first_position(index);
            let entry = Entry { count: pair.count, key: pair.key, pair: index as u32, position };
            self.heap.push(entry, &self.tokens);
        }
    }

    fn first_position(&self, index: usize) -> u32 {
        if self.options.tie != Tie::FirstPosition {
            return 0;
        }
        let (left, right) = pair_of(self.pairs.pairs[index].key);
        self.pairs.first_position(index, |at| self.stands_at(at as usize, left, right)).unwrap_or(u32::MAX)
    }

    #[inline(always)]
    pub(crate) fn stands_at(&self, at: usize, left: u32, right: u32) -> bool {
        self.slots.slots[at].symbol() == left && self.slots.slots[self.slots.next(at)].symbol() == right
    }

    /// The pair that a merge should take next; None when no pair is left that is frequent enough.
    pub fn best(&mut self) -> Option<Candidate> {
        let floor = self.options.min_frequency.max(1) as i64;
        loop {
            let top = self.heap.peek()?;
            let pair = self.pairs.pairs[top.pair as usize];
            if pair.is_blocked || pair.count < floor {
                self.heap.pop(&self.tokens);
                continue;
            }
            let position = self.first_position(top.pair as usize);
            if pair.count != top.count || position != top.position {
                // A count that rose was pushed again when it rose, so lowering the top keeps the heap complete.
                if pair.count > top.count {
                    self.heap.pop(&self.tokens);
                } else {
                    self.heap.lower_top(Entry { count: pair.count, position, ..top }, &self.tokens);
                }
                continue;
            }
            let (left, right) = pair_of(pair.key);
            if (self.options.is_unique || self.options.keeps_specials) && self.is_taken(left, right) {
                self.pairs.pairs[top.pair as usize].is_blocked = true;
                continue;
            }
            return Some(Candidate { left, right, count: pair.count as u64 });
        }
    }

    /// Takes the best pair and merges it; None when none is left.
    pub fn step(&mut self) -> Result<Option<Merged>> {
        match self.best() {
            Some(candidate) => self.merge(candidate.left, candidate.right).map(Some),
            None => Ok(None),
        }
    }

    /// Merges until the vocabulary has `vocab_size` tokens or no pair is left; true when it was reached.
    pub fn run(&mut self, vocab_size: usize, monitor: &mut dyn Monitor) -> Result<bool> {
        while self.n_present < vocab_size {
            monitor.poll("merge", self.n_present as u64, vocab_size as u64)?;
            if self.step()?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Merges the pairs in order, whatever the rules say: the merges of a vocabulary that is to be continued.
    ///
    /// The rules hold for every pair that is left.
    pub fn replay(&mut self, merges: &[(u32, u32)], monitor: &mut dyn Monitor) -> Result<()> {
        for index in 0..self.pairs.pairs.len() {
            self.pairs.pairs[index].is_blocked = false;
        }
        let admit = std::mem::replace(&mut self.options.admit, Admit::All);
        for (done, &(left, right)) in merges.iter().enumerate() {
            monitor.poll("replay merges", done as u64, merges.len() as u64)?;
            self.merge(left, right)?;
        }
        self.options.admit = admit;
        for index in 0..self.pairs.pairs.len() {
            let (left, right) = pair_of(self.pairs.pairs[index].key);
            let are_atoms = self.lengths[left as usize] == 1 && self.lengths[right as usize] == 1;
            self.block_if_inadmissible(index, are_atoms);
        }
        Ok(())
    }

    /// Forbids the pair for good.
    pub fn veto(&mut self, left: u32, right: u32) {
        let (index, _) = self.pairs.find_or_add(pair_key(left, right));
        self.pairs.pairs[index].is_blocked = true;
    }

    /// Merges the pair everywhere, left to right, whatever its count.
    pub fn merge(&mut self, left: u32, right: u32) -> Result<Merged> {
        self.check_token(left)?;
        self.check_token(right)?;
        let (index, _) = self.pairs.find_or_add(pair_key(left, right));
        if self.pairs.pairs[index].is_blocked {
            return Err(Error::Usage(format!("pair ({left}, {right}) may not be merged: vetoed or against the rules")));
        }
        let length = self.lengths[left as usize] as usize + self.lengths[right as usize] as usize;
        if length > LONGEST_TOKEN {
            return Err(Error::Usage(format!("pair ({left}, {right}) makes {length} atoms, over {LONGEST_TOKEN}")));
        }
        let count = self.pairs.pairs[index].count.max(0) as u64;
        let (token, is_growth) = self.product(left, right)?;
        let replaced = self.replace(index, left, right, token);
        self.pairs.pairs[index].count -= replaced;
        self.pairs.pairs[index].was_seen = false;
        self.frequencies[token as usize] += replaced;
        self.frequencies[left as usize] -= replaced;
        self.frequencies[right as usize] -= replaced;
        self.log.push(EventKind::Merge, token, (left, right), count, &[]);
        Ok(Merged { left, right, token, count, replaced: replaced as u64, is_growth })
    }

    pub(crate) fn check_token(&self, token: u32) -> Result<()> {
        if (token as usize) < self.tokens.len() {
            return Ok(());
        }
        Err(Error::Usage(format!("token id {token} does not exist, there are {}", self.tokens.len())))
    }

    fn joined(&self, left: u32, right: u32) -> Vec<u8> {
        let (left, right) = (&self.tokens[left as usize], &self.tokens[right as usize]);
        let prefix = &self.options.affixes.prefix;
        let right = right.strip_prefix(prefix.as_slice()).unwrap_or(right);
        [left.as_slice(), right].concat()
    }

    /// Whether the options forbid the token that the pair spells.
    fn is_taken(&self, left: u32, right: u32) -> bool {
        let product = self.by_key.get(&self.joined(left, right));
        product.is_some_and(|&token| self.options.is_unique || self.parents[token as usize].is_none())
    }

    /// The token that the pair spells: an existing one (restored if absent) or a new one; true when the vocabulary grew.
    fn product(&mut self, left: u32, right: u32) -> Result<(u32, bool)> {
        let bytes = self.joined(left, right);
        if let Some(&token) = self.by_key.get(&bytes) {
            let was_absent = !std::mem::replace(&mut self.is_present[token as usize], true);
            self.n_present += usize::from(was_absent);
            if self.parents[token as usize].is_none() && self.lengths[token as usize] == 1 {
                self.lengths[token as usize] = self.lengths[left as usize] + self.lengths[right as usize];
            }
            return Ok((token, was_absent));
        }
        let token = u32::try_from(self.tokens.len()).ok().filter(|&id| id < INNER);
        let token = token.ok_or_else(|| Error::Resource(format!("more than {INNER} tokens")))?;
        self.lengths.push(self.lengths[left as usize] + self.lengths[right as usize]);
        self.by_key.insert(bytes.clone(), token);
        self.tokens.push(bytes);
        self.parents.push(Some((left, right)));
        self.is_present.push(true);
        self.frequencies.push(0);
        self.n_present += 1;
        self.grow_tables();
        Ok((token, true))
    }
}
