//! Replaying an event log on one word: merges and splits in the order of training (Chizhov et al., 2024).
//!
//! The next event that does anything to the word is found without going through the log: every pair and every token
//! knows the events that act on it, and a heap of (event, position) holds the first of them that is still to come.
//! O(n log n) for n atoms and the changes that the log makes to them.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::atoms::Placed;
use super::pairs::{NO_RANK, Pairs};
use super::places::{END, INNER, Place, collect, lay_out};
use super::program::{MERGE, Row, SPLIT, lengths};
use crate::error::{Error, Result};

/// The log, indexed by pair and by token.
#[derive(Debug)]
pub struct Replay {
    /// Pair -> number of the pair; number -> token.
    pairs: Pairs,
    /// Number of the pair -> its events, a range of `events`.
    of_pair: Vec<(u32, u32)>,
    /// Token -> the events that split it, a range of `events`.
    of_token: Vec<(u32, u32)>,
    events: Vec<u32>,
    steps: Vec<Step>,
    pieces: Vec<u32>,
    lengths: Vec<u32>,
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Merge { left: u32, right: u32, token: u32 },
    Split { token: u32, start: u32, end: u32 },
}

/// Buffers for one thread.
#[derive(Debug, Default)]
pub struct ReplayScratch {
    places: Vec<Place>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Replay {
    /// Indexes the rows, which are in the order of training. Ids of the rows are below `end`.
    pub fn new(rows: &[Row<'_>], end: u32) -> Result<Self> {
        let merges = || rows.iter().filter(|row| row.kind == MERGE);
        let lengths = lengths(merges().map(|row| (row.token, row.parts)), end)?;
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        let (mut keyed, mut results): (Vec<(u32, u32, u32)>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut pair_events: Vec<Vec<u32>> = Vec::new();
        let mut split_events: HashMap<u32, Vec<u32>> = HashMap::new();
        let (mut steps, mut pieces) = (Vec::with_capacity(rows.len()), Vec::new());
        for (row, event) in rows.iter().zip(0u32..) {
            let length = row.parts.iter().map(|&part| lengths[part as usize]).fold(0u32, u32::saturating_add);
            if length != lengths[row.token as usize] {
                return Err(Error::Tokenizer(format!(
                    "event {event}: the pieces of token {} do not add up",
                    row.token
                )));
            }
            match (row.kind, row.parts) {
                (MERGE, &[left, right]) => {
                    let number = *numbers.entry((left, right)).or_insert(results.len() as u32);
                    if number as usize == results.len() {
                        keyed.push((left, right, number));
                        results.push(row.token);
                        pair_events.push(Vec::new());
                    }
                    pair_events[number as usize].push(event);
                    steps.push(Step::Merge { left, right, token: row.token });
                }
                (SPLIT, _) => {
                    split_events.entry(row.token).or_default().push(event);
                    let start = pieces.len() as u32;
                    pieces.extend_from_slice(row.parts);
                    steps.push(Step::Split { token: row.token, start, end: pieces.len() as u32 });
                }
                _ => return Err(Error::Tokenizer(format!("event {event}: only merges and splits can be replayed"))),
            }
        }
        let mut events = Vec::new();
        let mut range = |list: &[u32]| {
            let start = events.len() as u32;
            events.extend_from_slice(list);
            (start, events.len() as u32)
        };
        let of_pair = pair_events.iter().map(|list| range(list)).collect();
        let of_token = (0..end).map(|id| split_events.get(&id).map_or((0, 0), |list| range(list))).collect();
        Ok(Self { pairs: Pairs::new(&keyed, results)?, of_pair, of_token, events, steps, pieces, lengths })
    }

    /// The first of the listed events that is not before `from`.
    #[inline]
    fn first(&self, span: (u32, u32), from: u32) -> Option<u32> {
        let list = self.events.get(span.0 as usize..span.1 as usize)?;
        match list {
            [only] => (*only >= from).then_some(*only),
            _ => list.get(list.partition_point(|&event| event < from)).copied(),
        }
    }

    #[inline]
    fn next_merge(&self, left: u32, right: u32, from: u32) -> Option<u32> {
        let number = self.pairs.rank(left, right);
        if number == NO_RANK { None } else { self.first(self.of_pair[number as usize], from) }
    }

    #[inline]
    fn next_split(&self, token: u32, from: u32) -> Option<u32> {
        self.first(self.of_token[token as usize], from)
    }

    /// Replays the log on the atoms in `word`.
    pub fn replay(&self, scratch: &mut ReplayScratch, word: &mut Vec<Placed>) {
        let ReplayScratch { places, heap } = scratch;
        lay_out(word, places);
        heap.clear();
        let pairs = places.windows(2).zip(0u32..);
        *heap = pairs
            .filter_map(|(two, at)| Some(Reverse((self.next_merge(two[0].id, two[1].id, 0)?, at))))
            .collect::<Vec<_>>()
            .into();
        while let Some(Reverse((event, at))) = heap.pop() {
            let here = places[at as usize];
            match self.steps[event as usize] {
                Step::Merge { left, right, token } if here.id == left && here.next != END => {
                    let second = places[here.next as usize];
                    if second.id != right {
                        continue;
                    }
                    places[here.next as usize].id = INNER;
                    places[at as usize] = Place { id: token, previous: here.previous, next: second.next };
                    if second.next != END {
                        places[second.next as usize].previous = at;
                    }
                    self.watch(places, heap, here.previous, event + 1);
                    self.watch(places, heap, at, event + 1);
                    self.watch_token(heap, token, at, event + 1);
                }
                Step::Split { token, start, end } if here.id == token => {
                    self.split(places, at, &self.pieces[start as usize..end as usize]);
                    self.watch(places, heap, here.previous, event + 1);
                    let mut piece = at;
                    while piece != here.next {
                        self.watch(places, heap, piece, event + 1);
                        self.watch_token(heap, places[piece as usize].id, piece, event + 1);
                        piece = places[piece as usize].next;
                    }
                }
                _ => (),
            }
        }
        collect(places, word);
    }

    /// Queues the next merge of the pair that starts at `at`.
    #[inline]
    fn watch(&self, places: &[Place], heap: &mut BinaryHeap<Reverse<(u32, u32)>>, at: u32, from: u32) {
        let Some(here) = places.get(at as usize) else { return };
        let Some(second) = places.get(here.next as usize) else { return };
        if let Some(event) = self.next_merge(here.id, second.id, from) {
            heap.push(Reverse((event, at)));
        }
    }

    #[inline]
    fn watch_token(&self, heap: &mut BinaryHeap<Reverse<(u32, u32)>>, token: u32, at: u32, from: u32) {
        if let Some(event) = self.next_split(token, from) {
            heap.push(Reverse((event, at)));
        }
    }

    /// Writes the pieces over the token at `at`; their lengths in atoms add up to its own.
    fn split(&self, places: &mut [Place], at: u32, pieces: &[u32]) {
        let Place { mut previous, next: after, .. } = places[at as usize];
        let mut start = at;
        for (i, &piece) in pieces.iter().enumerate() {
            let next = if i + 1 == pieces.len() { after } else { start + self.lengths[piece as usize] };
            places[start as usize] = Place { id: piece, previous, next };
            previous = start;
            start = next;
        }
        if after != END {
            places[after as usize].previous = previous;
        }
    }
}
