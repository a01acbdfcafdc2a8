//! Pair merging behind a head start: sequences of tokens that are longer than an atom, as ByteSpan's seeds leave them.

use crate::error::{Error, Result};
use crate::monitor::Monitor;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

const POLL_EVERY: usize = 16;

/// A token: whether it begins a pre-token, and its bytes.
pub type Typed = (bool, Vec<u8>);

/// Sequences of ids end to end: sequence `i` is `ids[offsets[i]..offsets[i + 1]]` and occurs `counts[i]` times.
#[derive(Debug)]
pub struct Sequences<'a> {
    /// Below the number of known tokens.
    pub ids: &'a [u32],
    /// One more than there are sequences, from 0 on.
    pub offsets: &'a [u64],
    /// One for each sequence.
    pub counts: &'a [u64],
}

struct Tail {
    sequences: Vec<Vec<u32>>,
    counts: Vec<u64>,
    pairs: HashMap<(u32, u32), u64>,
    /// Where a pair may be; a sequence can be there twice, or have lost it.
    places: HashMap<(u32, u32), Vec<u32>>,
    /// By count, then smaller right, then smaller left. Old counts stay in and are passed over.
    heap: BinaryHeap<(u64, Reverse<u32>, Reverse<u32>)>,
}

/// Up to `wanted` more tokens with their counts: the most frequent pair first (overlapping pairs all count), ties by
/// smaller right id, then left id. A pair whose bytes are a token already becomes that one and takes no place.
///
/// `is_lossy` puts the new token for every pair, overlapping ones too, as the published code does: of `aaa` the last
/// byte is lost.
///
/// # Errors
/// `Usage`: buffers that do not fit. `Input`: counts that add up to more than 2^64 - 1. `Resource`: too many tokens.
pub fn merge_tail(
    given: &Sequences<'_>,
    known: &[Typed],
    wanted: usize,
    is_lossy: bool,
    monitor: &mut dyn Monitor,
) -> Result<Vec<(Typed, u64)>> {
    let mut tokens = known.to_vec();
    let mut ids: HashMap<Typed, u32> = (0_u32..).zip(known).map(|(id, token)| (token.clone(), id)).collect();
    let mut tail = Tail::new(given, known.len())?;
    let mut made = Vec::new();
    while made.len() < wanted {
        let Some((count, Reverse(right), Reverse(left))) = tail.heap.pop() else { break };
        if count == 0 || tail.pairs.get(&(left, right)) != Some(&count) {
            continue;
        }
        let head = &tokens[left as usize];
        let joined = (head.0, [head.1.as_slice(), tokens[right as usize].1.as_slice()].concat());
        let target = match ids.get(&joined) {
            Some(&target) => target,
            None => {
                let target = u32::try_from(tokens.len()).map_err(|_| Error::Resource("more tokens than ids".into()))?;
                if made.len() % POLL_EVERY == 0 {
                    monitor.poll("merge pairs", made.len() as u64, wanted as u64)?;
                }
                ids.insert(joined.clone(), target);
                tokens.push(joined.clone());
                made.push((joined, count));
                target
            }
        };
        tail.merge(left, right, target, is_lossy);
    }
    Ok(made)
}

impl Tail {
    fn new(given: &Sequences<'_>, n_known: usize) -> Result<Self> {
        let (ids, offsets) = (given.ids, given.offsets);
        let is_sound = offsets.first() == Some(&0)
            && offsets.last() == Some(&(ids.len() as u64))
            && offsets.is_sorted()
            && given.counts.len() + 1 == offsets.len()
            && offsets.len() <= u32::MAX as usize
            && ids.iter().all(|&id| (id as usize) < n_known);
        if !is_sound {
            return Err(Error::Usage("pair merging: sequences, counts or ids that do not fit together".into()));
        }
        let total = offsets
            .windows(2)
            .zip(given.counts)
            .try_fold(0_u64, |sum, (ends, &count)| sum.checked_add((ends[1] - ends[0]).checked_mul(count)?));
        if total.is_none() {
            return Err(Error::Input("counts add up to more than 2^64 - 1".into()));
        }
        let sequences =
            offsets.windows(2).map(|ends| ids[ends[0] as usize..ends[1] as usize].to_vec()).collect::<Vec<_>>();
        let mut tail = Self {
            sequences,
            counts: given.counts.to_vec(),
            pairs: HashMap::new(),
            places: HashMap::new(),
            heap: BinaryHeap::new(),
        };
        for (place, sequence) in tail.sequences.iter().enumerate() {
            for pair in pairs_of(sequence) {
                *tail.pairs.entry(pair).or_default() += tail.counts[place];
                let places = tail.places.entry(pair).or_default();
                if places.last() != Some(&(place as u32)) {
                    places.push(place as u32);
                }
            }
        }
        tail.heap = tail.pairs.iter().map(|(pair, &count)| (count, Reverse(pair.1), Reverse(pair.0))).collect();
        Ok(tail)
    }

    fn merge(&mut self, left: u32, right: u32, target: u32, is_lossy: bool) {
        let mut places = self.places.remove(&(left, right)).unwrap_or_default();
        places.sort_unstable();
        places.dedup();
        let mut changed: HashMap<(u32, u32), ()> = HashMap::new();
        for place in places {
            let old = &self.sequences[place as usize];
            let new = if is_lossy { lossy(old, left, right, target) } else { replaced(old, left, right, target) };
            if new.len() == old.len() {
                continue;
            }
            let count = self.counts[place as usize];
            for pair in pairs_of(old) {
                if let Some(sum) = self.pairs.get_mut(&pair) {
                    *sum -= count;
                }
                changed.insert(pair, ());
            }
            for pair in pairs_of(&new) {
                *self.pairs.entry(pair).or_default() += count;
                changed.insert(pair, ());
                // A pair of old tokens that lossy merging brings together may be new here as well.
                let places = self.places.entry(pair).or_default();
                if places.last() != Some(&place) {
                    places.push(place);
                }
            }
            self.sequences[place as usize] = new;
        }
        for pair in changed.into_keys() {
            match self.pairs.get(&pair) {
                Some(0) => {
                    self.pairs.remove(&pair);
                    self.places.remove(&pair);
                }
                Some(&count) => self.heap.push((count, Reverse(pair.1), Reverse(pair.0))),
                None => {}
            }
        }
    }
}

fn pairs_of(sequence: &[u32]) -> impl Iterator<Item = (u32, u32)> {
    sequence.windows(2).map(|pair| (pair[0], pair[1]))
}

fn replaced(sequence: &[u32], left: u32, right: u32, target: u32) -> Vec<u32> {
    let mut new = Vec::with_capacity(sequence.len());
    let mut place = 0;
    while place < sequence.len() {
        let is_pair = sequence[place] == left && sequence.get(place + 1) == Some(&right);
        new.push(if is_pair { target } else { sequence[place] });
        place += if is_pair { 2 } else { 1 };
    }
    new
}

fn lossy(sequence: &[u32], left: u32, right: u32, target: u32) -> Vec<u32> {
    let is_pair = |place: usize| sequence[place] == left && sequence.get(place + 1) == Some(&right);
    (0..sequence.len())
        .filter(|&place| place == 0 || !is_pair(place - 1))
        .map(|place| if is_pair(place) { target } else { sequence[place] })
        .collect()
}
