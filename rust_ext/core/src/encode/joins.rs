//! Merges of two and more parts, lowest rank first (BPE-knockout, Bauwens and Delobelle, 2024).

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use super::atoms::Placed;
use super::places::{END, INNER, Place, collect, lay_out};
use super::program::{JOIN, Row, lengths};
use crate::error::{Error, Result};

/// The joins, found by their first two parts.
#[derive(Debug)]
pub struct Joins {
    by_start: HashMap<(u32, u32), Vec<u32>>,
    joins: Vec<(u32, Vec<u32>)>,
    longest: usize,
}

/// Buffers for one thread.
#[derive(Debug, Default)]
pub struct JoinScratch {
    places: Vec<Place>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Joins {
    /// The rows are `JOIN`s in rank order; ids are below `end`.
    pub fn new(rows: &[Row<'_>], end: u32) -> Result<Self> {
        lengths(rows.iter().map(|row| (row.token, row.parts)), end)?;
        let mut built = Self { by_start: HashMap::new(), joins: Vec::new(), longest: 2 };
        for (row, rank) in rows.iter().zip(0u32..) {
            let &[first, second, ..] = row.parts else { continue };
            if row.kind != JOIN {
                return Err(Error::Tokenizer(format!("log row {rank}: joins do not go with other rows")));
            }
            built.by_start.entry((first, second)).or_default().push(rank);
            built.joins.push((row.token, row.parts.to_vec()));
            built.longest = built.longest.max(row.parts.len());
        }
        Ok(built)
    }

    /// Joins the atoms in `word`: the lowest rank that applies anywhere, leftmost first.
    pub fn join(&self, scratch: &mut JoinScratch, word: &mut Vec<Placed>) {
        let JoinScratch { places, heap } = scratch;
        lay_out(word, places);
        heap.clear();
        for at in 0..places.len() as u32 {
            self.watch(places, heap, at);
        }
        while let Some(Reverse((rank, at))) = heap.pop() {
            let (token, parts) = &self.joins[rank as usize];
            let Some(after) = stands_at(places, at, parts) else { continue };
            let mut inner = places[at as usize].next;
            while inner != after {
                let next = places[inner as usize].next;
                places[inner as usize].id = INNER;
                inner = next;
            }
            places[at as usize].id = *token;
            places[at as usize].next = after;
            if after != END {
                places[after as usize].previous = at;
            }
            // A join that reaches over the new token can start as far back as the longest join is long.
            let mut start = at;
            for _ in 0..self.longest {
                self.watch(places, heap, start);
                start = places[start as usize].previous;
                if start == END {
                    break;
                }
            }
        }
        collect(places, word);
    }

    fn watch(&self, places: &[Place], heap: &mut BinaryHeap<Reverse<(u32, u32)>>, at: u32) {
        let Some(here) = places.get(at as usize) else { return };
        let Some(second) = places.get(here.next as usize) else { return };
        for &rank in self.by_start.get(&(here.id, second.id)).map_or(&[][..], Vec::as_slice) {
            if stands_at(places, at, &self.joins[rank as usize].1).is_some() {
                heap.push(Reverse((rank, at)));
            }
        }
    }
}

/// Where the parts end if they stand at `at` one after another.
fn stands_at(places: &[Place], at: u32, parts: &[u32]) -> Option<u32> {
    let mut at = at;
    for &part in parts {
        let here = places.get(at as usize).filter(|here| here.id == part)?;
        at = here.next;
    }
    Some(at)
}
