//! Pair merging by the counting rule of BoundlessBPE (Schmidt et al., 2025), with removal of tokens.
//!
//! It differs from the usual rule in runs of one token: of r equal tokens the pair counts floor(r / 2), which is how
//! often it would be merged. Sequences here are pretokens or runs of whole pretokens, so they are short, and a merge
//! recounts every sequence that it changes.

use std::collections::HashMap;

use super::counts::PairMap;
use crate::error::{Error, Result};
use crate::monitor::Monitor;
use crate::pretok::whole_words::SEPARATOR;
use crate::table::Table;
use crate::train::heap::{Entry, Heap, Tie};
use crate::train::pairs::{pair_key, pair_of};

#[derive(Default)]
struct Pair {
    count: i64,
    /// Sequences where the pair was made at some time, each at least once.
    homes: Vec<u32>,
}

/// What a merge did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MergedRun {
    /// The token that stands for both.
    pub token: u32,
    /// How often the pair was replaced.
    pub count: u64,
    /// Some sequence became a single token.
    pub is_whole: bool,
}

/// Weighted sequences of tokens under merges and removals; ties go to the smallest (left bytes, right bytes).
pub struct Runs {
    tokens: Vec<Vec<u8>>,
    by_bytes: HashMap<Vec<u8>, u32>,
    uses: Vec<i64>,
    /// Sequences that each token was made in.
    homes: Vec<Vec<u32>>,
    sequences: Vec<Vec<u32>>,
    weights: Vec<i64>,
    pairs: PairMap<Pair>,
    heap: Heap,
    deltas: PairMap<i64>,
    can_remove: bool,
}

impl Runs {
    /// The pretokens of a table in single bytes; `can_remove` keeps what removals need.
    pub fn over_bytes(table: &Table, can_remove: bool, monitor: &mut dyn Monitor) -> Result<Self> {
        let tokens = (0..=255u8).map(|byte| vec![byte]).collect();
        let sequences = (0..table.len()).map(|i| table.pretoken(i).iter().map(|byte| u32::from(*byte)).collect());
        Self::over(tokens, sequences.collect(), table.counts.clone(), can_remove, monitor)
    }

    /// Runs of at least two of `tokens` in a table of pretokens with separators between; others end a run.
    pub fn over_pretokens(table: &Table, tokens: Vec<Vec<u8>>, monitor: &mut dyn Monitor) -> Result<Self> {
        let ids: HashMap<&[u8], u32> = tokens.iter().map(Vec::as_slice).zip(0..).collect();
        let mut found: HashMap<Vec<u32>, u32> = HashMap::new();
        let (mut sequences, mut weights) = (Vec::new(), Vec::new());
        let mut run = Vec::new();
        let mut add = |run: &mut Vec<u32>, count: u64| {
            if run.len() >= 2 {
                match found.get(run) {
                    Some(&index) => weights[index as usize] += count,
                    None => {
                        found.insert(run.clone(), weights.len() as u32);
                        sequences.push(run.clone());
                        weights.push(count);
                    }
                }
            }
            run.clear();
        };
        for (index, (bytes, count)) in table.iter().enumerate() {
            if index % 65_536 == 0 {
                monitor.poll("find runs", index as u64, table.len() as u64)?;
            }
            for pretoken in bytes.split(|byte| *byte == SEPARATOR) {
                match ids.get(pretoken) {
                    Some(&id) => run.push(id),
                    None => add(&mut run, count),
                }
            }
            add(&mut run, count);
        }
        drop(found);
        Self::over(tokens, sequences, weights, false, monitor)
    }

    fn over(
        tokens: Vec<Vec<u8>>,
        sequences: Vec<Vec<u32>>,
        weights: Vec<u64>,
        can_remove: bool,
        monitor: &mut dyn Monitor,
    ) -> Result<Self> {
        if sequences.len() >= u32::MAX as usize {
            return Err(Error::Resource(format!("{} sequences, at most 2^32 - 2 are supported", sequences.len())));
        }
        let total: u128 = sequences.iter().zip(&weights).map(|(s, w)| s.len() as u128 * u128::from(*w)).sum();
        if total > i64::MAX as u128 {
            return Err(Error::Input(format!(
                "the counts add up to {total} tokens, more than 2^63 - 1: scale them down"
            )));
        }
        let n = tokens.len();
        let mut made = Self {
            by_bytes: tokens.iter().cloned().zip(0..).collect(),
            tokens,
            uses: vec![0; n],
            homes: vec![Vec::new(); n],
            sequences,
            weights: weights.into_iter().map(|weight| weight as i64).collect(),
            pairs: PairMap::default(),
            heap: Heap::new(Tie::SmallestStrings),
            deltas: PairMap::default(),
            can_remove,
        };
        for index in 0..made.sequences.len() {
            if index % 65_536 == 0 {
                monitor.poll("count pairs", index as u64, made.sequences.len() as u64)?;
            }
            let weight = made.weights[index];
            for &token in &made.sequences[index] {
                made.uses[token as usize] += weight;
            }
            let pairs = &mut made.pairs;
            for_each_pair(&made.sequences[index], |key, n| {
                let pair = pairs.entry(key).or_default();
                pair.count += weight * n;
                if pair.homes.last() != Some(&(index as u32)) {
                    pair.homes.push(index as u32);
                }
            });
        }
        let keys: Vec<u64> = made.pairs.keys().copied().collect();
        for key in keys {
            made.push(key);
        }
        Ok(made)
    }

    fn push(&mut self, key: u64) {
        if let Some(pair) = self.pairs.get(&key).filter(|pair| pair.count > 0) {
            self.heap.push(Entry { count: pair.count, key, pair: 0, position: 0 }, &self.tokens);
        }
    }

    /// The best pair with its count.
    pub fn best(&mut self) -> Option<(u32, u32, u64)> {
        loop {
            let top = self.heap.peek()?;
            let count = self.pairs.get(&top.key).map_or(0, |pair| pair.count);
            if count == top.count {
                let (left, right) = pair_of(top.key);
                return Some((left, right, count as u64));
            }
            // A count that rose was pushed again when it rose.
            if count <= 0 || count > top.count {
                self.heap.pop(&self.tokens);
            } else {
                self.heap.lower_top(Entry { count, ..top }, &self.tokens);
            }
        }
    }

    /// Merges the pair everywhere, from left to right.
    ///
    /// # Errors
    /// `Usage`: no such token.
    pub fn merge(&mut self, left: u32, right: u32) -> Result<MergedRun> {
        let bytes = [self.token(left)?, self.token(right)?].concat();
        let token = match self.by_bytes.get(&bytes) {
            Some(&token) => token,
            None => self.add(bytes)?,
        };
        let homes = self.pairs.get_mut(&pair_key(left, right)).map(|pair| std::mem::take(&mut pair.homes));
        let (mut count, mut is_whole) = (0, false);
        for index in distinct(homes.unwrap_or_default()) {
            let sequence = &self.sequences[index as usize];
            if !sequence.windows(2).any(|two| two == [left, right]) {
                continue;
            }
            let mut merged = Vec::with_capacity(sequence.len() - 1);
            let mut at = 0;
            while at < sequence.len() {
                let is_pair = sequence[at] == left && sequence.get(at + 1) == Some(&right);
                merged.push(if is_pair { token } else { sequence[at] });
                at += 1 + usize::from(is_pair);
            }
            let replaced = (sequence.len() - merged.len()) as i64 * self.weights[index as usize];
            is_whole |= merged.len() == 1;
            count += replaced;
            self.change(index, merged);
            if self.can_remove {
                self.homes[token as usize].push(index);
            }
        }
        self.uses[token as usize] += count;
        self.uses[left as usize] -= count;
        self.uses[right as usize] -= count;
        self.apply_deltas();
        Ok(MergedRun { token, count: count as u64, is_whole })
    }

    /// Replaces every use of the token by `pieces`; how many there were.
    ///
    /// # Errors
    /// `Usage`: no such token, pieces that do not spell it, or a trainer made without `can_remove`.
    pub fn remove(&mut self, token: u32, pieces: &[u32]) -> Result<u64> {
        let mut spelled = Vec::new();
        for &piece in pieces {
            spelled.extend_from_slice(self.token(piece)?);
        }
        if spelled != self.token(token)? || !self.can_remove || pieces.contains(&token) {
            return Err(Error::Usage(format!("token id {token} cannot be replaced by {pieces:?}")));
        }
        let mut count = 0;
        for index in distinct(std::mem::take(&mut self.homes[token as usize])) {
            let sequence = &self.sequences[index as usize];
            let n = sequence.iter().filter(|id| **id == token).count();
            if n == 0 {
                continue;
            }
            let same = |id: u32| std::iter::once(id);
            let mut split = Vec::with_capacity(sequence.len() + n * pieces.len());
            for &id in sequence {
                if id == token { split.extend_from_slice(pieces) } else { split.extend(same(id)) }
            }
            count += n as i64 * self.weights[index as usize];
            self.change(index, split);
            for &piece in pieces {
                self.homes[piece as usize].push(index);
            }
        }
        self.uses[token as usize] -= count;
        for &piece in pieces {
            self.uses[piece as usize] += count;
        }
        self.apply_deltas();
        Ok(count as u64)
    }

    /// How often the token stands in the sequences.
    ///
    /// # Errors
    /// `Usage`: no such token.
    pub fn uses(&self, token: u32) -> Result<u64> {
        self.token(token)?;
        Ok(self.uses[token as usize].max(0) as u64)
    }

    /// All tokens' bytes, by id.
    pub fn tokens(&self) -> &[Vec<u8>] {
        &self.tokens
    }

    /// Number of distinct sequences.
    pub fn n_sequences(&self) -> usize {
        self.sequences.len()
    }

    fn token(&self, id: u32) -> Result<&[u8]> {
        let token = self.tokens.get(id as usize).map(Vec::as_slice);
        token.ok_or_else(|| Error::Usage(format!("token id {id} does not exist, there are {}", self.tokens.len())))
    }

    fn add(&mut self, bytes: Vec<u8>) -> Result<u32> {
        let id = u32::try_from(self.tokens.len()).ok().filter(|id| *id < u32::MAX);
        let id = id.ok_or_else(|| Error::Resource("more than 2^32 tokens".into()))?;
        self.by_bytes.insert(bytes.clone(), id);
        self.tokens.push(bytes);
        self.uses.push(0);
        self.homes.push(Vec::new());
        Ok(id)
    }

    /// Puts a new sequence in the place of an old one and notes how the pair counts change.
    fn change(&mut self, index: u32, new: Vec<u32>) {
        let weight = self.weights[index as usize];
        let old = std::mem::replace(&mut self.sequences[index as usize], new);
        let deltas = &mut self.deltas;
        for_each_pair(&old, |key, n| *deltas.entry(key).or_default() -= weight * n);
        let pairs = &mut self.pairs;
        for_each_pair(&self.sequences[index as usize], |key, n| {
            *deltas.entry(key).or_default() += weight * n;
            let homes = &mut pairs.entry(key).or_default().homes;
            // Pairs that were there before have this home already.
            if homes.last() != Some(&index) && !old.windows(2).any(|two| pair_key(two[0], two[1]) == key) {
                homes.push(index);
            }
        });
    }

    fn apply_deltas(&mut self) {
        let deltas = std::mem::take(&mut self.deltas);
        for (&key, &delta) in deltas.iter().filter(|(_, delta)| **delta != 0) {
            self.pairs.entry(key).or_default().count += delta;
            if delta > 0 {
                self.push(key);
            }
        }
        self.deltas = deltas;
        self.deltas.clear();
    }
}

fn distinct(mut indices: Vec<u32>) -> Vec<u32> {
    indices.sort_unstable();
    indices.dedup();
    indices
}

/// Every pair with how often a merge would replace it, in order.
fn for_each_pair(sequence: &[u32], mut f: impl FnMut(u64, i64)) {
    let mut rest = sequence;
    while let [first, ..] = rest {
        let length = rest.iter().take_while(|id| *id == first).count();
        if length >= 2 {
            f(pair_key(*first, *first), (length / 2) as i64);
        }
        if let Some(next) = rest.get(length) {
            f(pair_key(*first, *next), 1);
        }
        rest = &rest[length..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::monitor::Silent;

    fn table(words: &[(&str, u64)]) -> Table {
        let mut table = Table::default();
        let mut words = words.to_vec();
        words.sort_unstable();
        for (word, count) in words {
            table.push(word.as_bytes(), count, 0).unwrap();
        }
        table
    }

    #[test]
    fn a_run_of_equal_tokens_counts_half() {
        let mut runs = Runs::over_bytes(&table(&[("aaaaa", 10), ("bc", 19)]), false, &mut Silent).unwrap();
        assert_eq!(runs.best(), Some((97, 97, 20)));
        assert_eq!(runs.merge(97, 97).unwrap().count, 20);
        assert_eq!(runs.best(), Some((98, 99, 19)));
    }

    #[test]
    fn a_removed_token_falls_into_its_pieces_and_can_come_back() {
        let mut runs = Runs::over_bytes(&table(&[("abc", 5), ("abd", 4)]), true, &mut Silent).unwrap();
        let ab = runs.merge(97, 98).unwrap();
        assert_eq!((ab.token, ab.count, ab.is_whole), (256, 9, false));
        runs.merge(256, 99).unwrap();
        assert_eq!(runs.uses(256), Ok(4));
        assert_eq!(runs.remove(256, &[97, 98]), Ok(4));
        assert_eq!(runs.best(), Some((97, 98, 4)));
        assert_eq!(runs.merge(97, 98).unwrap().token, 256);
    }

    #[test]
    fn runs_end_at_pretokens_that_are_no_tokens() {
        let table = table(&[("a\u{0}b", 1)]);
        let mut joined = Table::default();
        joined.push(b"a\xffb\xffx\xffa\xffb", 3, 0).unwrap();
        let runs = Runs::over_pretokens(&joined, vec![b"a".to_vec(), b"b".to_vec()], &mut Silent).unwrap();
        assert_eq!(runs.n_sequences(), 1);
        assert_eq!(runs.uses(0), Ok(6));
        assert_eq!(table.len(), 1);
    }
}
