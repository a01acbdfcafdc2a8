//! Superwords over whole words (BoundlessBPE, Schmidt et al., 2025): joined in runs of pretokens of one token each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Encoder;
use super::atoms::Placed;
use super::cache::{Cache, Hit, Query};
use super::pairs::{NO_RANK, Pairs};
use super::places::{END, INNER, Place, collect, lay_out};
use super::word::Scratch;
use crate::error::Result;

/// The superword merges, and which tokens occur in one.
#[derive(Debug)]
pub struct Superwords {
    pairs: Pairs,
    is_joinable: Vec<bool>,
}

/// Buffers for one thread.
#[derive(Debug, Default)]
pub struct RunScratch {
    run: Vec<Placed>,
    places: Vec<Place>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
    made: Vec<u32>,
}

impl Superwords {
    /// Of (left, right, token) in rank order; of two merges of a pair the first counts.
    pub fn new(merges: &[[u32; 3]]) -> Result<Self> {
        // The last entry of a pair wins in `Pairs`.
        let mut keyed: Vec<_> = merges.iter().zip(0u32..).map(|(m, rank)| (m[0], m[1], rank)).collect();
        keyed.reverse();
        let parts = || merges.iter().flat_map(|merge| &merge[..2]);
        let mut is_joinable = vec![false; parts().max().map_or(0, |id| *id as usize + 1)];
        for &id in parts() {
            is_joinable[id as usize] = true;
        }
        Ok(Self { pairs: Pairs::new(&keyed, merges.iter().map(|merge| merge[2]).collect())?, is_joinable })
    }

    /// Whether a pretoken that is this one token may be in a superword.
    #[inline]
    pub fn joins(&self, id: u32) -> bool {
        self.is_joinable.get(id as usize).is_some_and(|is_joinable| *is_joinable)
    }

    /// Merges in a run: always the lowest rank that there is, everywhere from the left before the next one.
    pub fn join(&self, scratch: &mut RunScratch, run: &mut Vec<Placed>) {
        let RunScratch { places, heap, made, .. } = scratch;
        lay_out(run, places);
        heap.clear();
        for at in 0..places.len() as u32 {
            self.watch(places, heap, at);
        }
        if heap.is_empty() {
            return;
        }
        while let Some(Reverse((rank, first))) = heap.pop() {
            made.clear();
            let (mut at, mut done) = (first, END);
            loop {
                if at != done && self.rank_at(places, at) == rank {
                    merge_at(places, at, self.pairs.result(rank));
                    made.push(at);
                }
                done = at;
                match heap.peek() {
                    Some(&Reverse((same, next))) if same == rank => at = next,
                    _ => break,
                }
                heap.pop();
            }
            for &at in &*made {
                self.watch(places, heap, at);
                self.watch(places, heap, places[at as usize].previous);
            }
        }
        collect(places, run);
    }

    fn rank_at(&self, places: &[Place], at: u32) -> u32 {
        let Some(here) = places.get(at as usize).filter(|here| here.id != INNER) else { return NO_RANK };
        places.get(here.next as usize).map_or(NO_RANK, |next| self.pairs.rank(here.id, next.id))
    }

    fn watch(&self, places: &[Place], heap: &mut BinaryHeap<Reverse<(u32, u32)>>, at: u32) {
        let rank = self.rank_at(places, at);
        if rank != NO_RANK {
            heap.push(Reverse((rank, at)));
        }
    }

    /// Joins the run `ids[first..end]` in place; what follows moves up.
    pub(super) fn join_ids(&self, scratch: &mut RunScratch, ids: &mut Vec<u32>, first: usize, end: usize) {
        if end < first + 2 {
            return;
        }
        let mut run = std::mem::take(&mut scratch.run);
        run.clear();
        run.extend(ids[first..end].iter().map(|&id| Placed { id, start: 0, end: 0 }));
        self.join(scratch, &mut run);
        if run.len() < end - first {
            ids.splice(first..end, run.iter().map(|placed| placed.id));
        }
        scratch.run = run;
    }
}

fn merge_at(places: &mut [Place], at: u32, token: u32) {
    let next = places[at as usize].next;
    let after = places[next as usize].next;
    places[next as usize].id = INNER;
    places[at as usize].id = token;
    places[at as usize].next = after;
    if let Some(after) = places.get_mut(after as usize) {
        after.previous = at;
    }
}

impl Encoder {
    /// Appends the ids of a group of words; `first` is where in `ids` the run begins that may go on.
    pub(super) fn flush_runs(
        &self,
        superwords: &Superwords,
        text: &[u8],
        group: &[Query],
        (cache, scratch, runs): (&mut Cache, &mut Scratch, &mut RunScratch),
        first: &mut usize,
        ids: &mut Vec<u32>,
    ) {
        for query in group {
            let before = ids.len();
            match cache.get(text, query) {
                Hit::Inline(four, n) => ids.extend_from_slice(&four[..n]),
                Hit::Slice(slice) => ids.extend_from_slice(slice),
                Hit::Miss => self.miss(text, query, cache, scratch, ids),
            }
            let is_in_run = ids.len() == before + 1 && superwords.joins(ids[before]);
            if !is_in_run {
                superwords.join_ids(runs, ids, *first, before);
                *first = ids.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition: of all pairs the lowest rank, everywhere from the left, until there is none.
    fn rounds(merges: &[[u32; 3]], ids: &[u32]) -> Vec<u32> {
        let mut ids = ids.to_vec();
        loop {
            let rank = |two: &[u32]| merges.iter().position(|merge| merge[..2] == *two);
            let Some(best) = ids.windows(2).filter_map(rank).min() else { return ids };
            let (mut made, mut at) = (Vec::new(), 0);
            while at < ids.len() {
                if ids[at..].starts_with(&merges[best][..2]) {
                    made.push(merges[best][2]);
                    at += 2;
                } else {
                    made.push(ids[at]);
                    at += 1;
                }
            }
            ids = made;
        }
    }

    #[test]
    fn joining_equals_the_rounds_even_where_a_later_rank_makes_work_for_an_earlier_one() {
        // 10 is made at ranks 1 and 4; (10, 0) and (10, 10) rank before the second way.
        let merges =
            [[3, 3, 11], [2, 3, 10], [10, 0, 12], [10, 10, 13], [0, 1, 10], [1, 1, 14], [0, 1, 15], [12, 1, 16]];
        let superwords = Superwords::new(&merges).unwrap();
        let mut state = 7u64;
        for length in (0..30).chain([100, 300]) {
            for _ in 0..40 {
                let ids: Vec<u32> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (state >> 33) as u32 % 4
                    })
                    .collect();
                let mut joined = vec![99];
                joined.extend_from_slice(&ids);
                joined.push(98);
                superwords.join_ids(&mut RunScratch::default(), &mut joined, 1, 1 + ids.len());
                let mut expected = rounds(&merges, &ids);
                expected.insert(0, 99);
                expected.push(98);
                assert_eq!(joined, expected, "{ids:?}");
            }
        }
    }
}
