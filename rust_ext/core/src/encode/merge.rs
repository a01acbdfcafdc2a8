//! BPE by merges: the lowest rank first, among equal ranks the leftmost.
//!
//! Short words keep (rank, position) keys in a small array and take the minimum by a scan; long words keep a heap over
//! a linked list, O(n log n) for any input.

use super::atoms::Placed;
use super::pairs::{NO_RANK, Pairs};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longest word, in atoms, that is merged by scanning; the set of living positions is one `u64`.
pub const SHORT: usize = 64;
const DEAD: u32 = u32::MAX;

/// Buffers that outlive a word.
#[derive(Debug, Default)]
pub struct MergeScratch {
    links: Vec<Link>,
    heap: BinaryHeap<Candidate>,
}

/// A symbol of a long word; `next` of a removed one is `GONE`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Link {
    pub id: u32,
    pub previous: u32,
    pub next: u32,
}

pub(super) const END: u32 = u32::MAX;
const GONE: u32 = u32::MAX - 1;

/// Joins the atoms of one word in place.
pub fn merge(pairs: &Pairs, scratch: &mut MergeScratch, word: &mut Vec<Placed>) {
    match word.len() {
        0 | 1 => (),
        2..=SHORT => merge_short(pairs, word),
        _ => merge_long(pairs, scratch, word),
    }
}

/// Joins the first `n` of `ids`, at most `SHORT`; returns the set of living positions.
///
/// `first(at, ids)` is the rank of the atoms `at` and `at + 1`.
#[inline(always)]
pub fn merge_ids(pairs: &Pairs, ids: &mut [u32; SHORT], n: usize, first: impl Fn(usize, &[u32; SHORT]) -> u32) -> u64 {
    const LOW: usize = SHORT - 1;
    let mut keys = [DEAD; SHORT];
    for at in 1..n.min(SHORT) {
        keys[at - 1] = key(first(at - 1, ids), at - 1);
    }
    let mut alive = if n >= SHORT { u64::MAX } else { (1 << n) - 1 };
    // Whole groups of 8, so that the compiler makes it a vector minimum.
    let width = n.div_ceil(8).min(SHORT / 8);
    loop {
        let mut least = [DEAD; 8];
        for group in keys.chunks_exact(8).take(width) {
            for (low, &key) in least.iter_mut().zip(group) {
                *low = (*low).min(key);
            }
        }
        let best = least.into_iter().min().unwrap_or(DEAD);
        if best == DEAD {
            return alive;
        }
        let at = best as usize & LOW;
        ids[at] = pairs.result(best / SHORT as u32);
        let right = after(alive, at);
        alive &= !(1 << right);
        keys[right & LOW] = DEAD;
        let next = after(alive, at);
        keys[at] = if next < SHORT { key(pairs.rank(ids[at], ids[next & LOW]), at) } else { DEAD };
        let before = alive & ((1 << at) - 1);
        if before != 0 {
            let left = (63 - before.leading_zeros()) as usize;
            keys[left & LOW] = key(pairs.rank(ids[left & LOW], ids[at]), left);
        }
    }
}

#[inline(always)]
fn key(rank: u32, at: usize) -> u32 {
    if rank == NO_RANK { DEAD } else { rank * SHORT as u32 + at as u32 }
}

/// The first living position after `at`, or 64.
#[inline(always)]
fn after(alive: u64, at: usize) -> usize {
    (alive & (u64::MAX - 1) << at).trailing_zeros() as usize
}

fn merge_short(pairs: &Pairs, word: &mut Vec<Placed>) {
    let mut ids = [0; SHORT];
    for (id, placed) in ids.iter_mut().zip(word.iter()) {
        *id = placed.id;
    }
    let n = word.len();
    let mut alive = merge_ids(pairs, &mut ids, n, |at, ids| pairs.rank(ids[at], ids[at + 1]));
    let mut kept = 0;
    while alive != 0 {
        let at = alive.trailing_zeros() as usize;
        alive &= alive - 1;
        let last = if alive == 0 { n } else { alive.trailing_zeros() as usize } - 1;
        word[kept] = Placed { id: ids[at], start: word[at].start, end: word[last].end };
        kept += 1;
    }
    word.truncate(kept);
}

fn merge_long(pairs: &Pairs, scratch: &mut MergeScratch, word: &mut Vec<Placed>) {
    let MergeScratch { links, heap } = scratch;
    link(word, links);
    heap.clear();
    let first = links.windows(2).zip(0u32..).filter_map(|(two, at)| candidate(pairs, two[0].id, two[1].id, at));
    // Building from a vector is O(n); pushing one by one is not.
    *heap = first.collect::<Vec<_>>().into();
    while let Some(found) = heap.pop() {
        // HF: an old entry holds if the pair that is here now makes the same token.
        if let Some((left, right)) = join(pairs, links, found) {
            heap.extend(left);
            heap.extend(right);
        }
    }
    unlink(links, word);
}

/// A merge that may be done: rank and position in one number, the least first.
pub(super) type Candidate = Reverse<u64>;

#[inline]
pub(super) fn candidate(pairs: &Pairs, left: u32, right: u32, at: u32) -> Option<Candidate> {
    let rank = pairs.rank(left, right);
    (rank != NO_RANK).then_some(Reverse(u64::from(rank) << 32 | u64::from(at)))
}

pub(super) fn link(word: &[Placed], links: &mut Vec<Link>) {
    let n = word.len() as u32;
    links.clear();
    links.extend(word.iter().zip(0u32..).map(|(placed, at)| Link {
        id: placed.id,
        previous: if at == 0 { END } else { at - 1 },
        next: if at + 1 == n { END } else { at + 1 },
    }));
}

/// Does the merge that was found, if it still holds; gives the candidates left and right of it.
pub(super) fn join(
    pairs: &Pairs,
    links: &mut [Link],
    found: Candidate,
) -> Option<(Option<Candidate>, Option<Candidate>)> {
    let (rank, at) = ((found.0 >> 32) as u32, found.0 as u32);
    let here = links[at as usize];
    if here.next >= GONE {
        return None;
    }
    let right = links[here.next as usize];
    let now = pairs.rank(here.id, right.id);
    if now == NO_RANK || (now != rank && pairs.result(now) != pairs.result(rank)) {
        return None;
    }
    let id = pairs.result(rank);
    links[here.next as usize].next = GONE;
    links[at as usize] = Link { id, previous: here.previous, next: right.next };
    let after = (right.next != END).then(|| {
        links[right.next as usize].previous = at;
        candidate(pairs, id, links[right.next as usize].id, at)
    });
    let before = (here.previous != END).then(|| candidate(pairs, links[here.previous as usize].id, id, here.previous));
    Some((before.flatten(), after.flatten()))
}

pub(super) fn unlink(links: &[Link], word: &mut Vec<Placed>) {
    let mut kept = 0;
    let mut at = 0;
    while at != END {
        let here = links[at as usize];
        let last = if here.next == END { links.len() } else { here.next as usize } - 1;
        word[kept] = Placed { id: here.id, start: word[at as usize].start, end: word[last].end };
        kept += 1;
        at = here.next;
    }
    word.truncate(kept);
}
