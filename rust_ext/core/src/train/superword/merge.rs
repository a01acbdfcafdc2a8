//! A sequence of tokens under merges: what replaying them in order would leave, in one pass.
//!
//! Lowest rank first equals the replay as long as a token is not met by merges that are older than itself. A string can
//! be made twice, by an older and a younger merge, so every symbol knows the rank after which it is there.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::ranks::{NO_RANK, Ranks};

/// Longest sequence that is merged by scanning.
const SHORT: usize = 48;
const END: u32 = u32::MAX;

#[derive(Clone, Copy)]
struct Link {
    id: u32,
    born: u32,
    previous: u32,
    next: u32,
}

/// Buffers that outlive a sequence.
#[derive(Default)]
pub(super) struct Scratch {
    links: Vec<Link>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

/// Merges the tokens in place.
pub(super) fn merge(ranks: &Ranks, scratch: &mut Scratch, ids: &mut Vec<u32>) {
    if ids.len() <= SHORT {
        let n = merge_short(ranks, ids);
        ids.truncate(n);
    } else {
        merge_long(ranks, scratch, ids);
    }
}

/// Scans for the lowest rank until there is none; the number of tokens left at the front of `ids`.
fn merge_short(ranks: &Ranks, ids: &mut [u32]) -> usize {
    let mut n = ids.len();
    let mut born = [0u32; SHORT];
    let mut found = [NO_RANK; SHORT];
    for at in 1..n {
        found[at - 1] = ranks.rank(ids[at - 1], ids[at], 0);
    }
    loop {
        let (mut best, mut at) = (NO_RANK, 0);
        for (place, &rank) in found[..n.saturating_sub(1)].iter().enumerate() {
            if rank < best {
                (best, at) = (rank, place);
            }
        }
        if best == NO_RANK {
            return n;
        }
        ids[at] = ranks.result(best);
        born[at] = best + 1;
        ids.copy_within(at + 2..n, at + 1);
        born.copy_within(at + 2..n, at + 1);
        found.copy_within(at + 1..n, at);
        n -= 1;
        found[n - 1] = NO_RANK;
        if at + 1 < n {
            found[at] = ranks.rank(ids[at], ids[at + 1], born[at].max(born[at + 1]));
        }
        if at > 0 {
            found[at - 1] = ranks.rank(ids[at - 1], ids[at], born[at - 1].max(born[at]));
        }
    }
}

fn merge_long(ranks: &Ranks, scratch: &mut Scratch, ids: &mut Vec<u32>) {
    let Scratch { links, heap } = scratch;
    let n = ids.len() as u32;
    links.clear();
    links.extend(ids.iter().zip(0u32..).map(|(&id, at)| Link {
        id,
        born: 0,
        previous: at.wrapping_sub(1),
        next: if at + 1 == n { END } else { at + 1 },
    }));
    let mut first = std::mem::take(heap).into_vec();
    first.clear();
    first.extend(ids.windows(2).zip(0u32..).filter_map(|(two, at)| {
        let rank = ranks.rank(two[0], two[1], 0);
        (rank != NO_RANK).then_some(Reverse((rank, at)))
    }));
    *heap = first.into();
    while let Some(Reverse((rank, at))) = heap.pop() {
        let here = links[at as usize];
        if here.id == END || here.next == END {
            continue;
        }
        let right = links[here.next as usize];
        if ranks.rank(here.id, right.id, here.born.max(right.born)) != rank {
            continue;
        }
        let joined = Link { id: ranks.result(rank), born: rank + 1, previous: here.previous, next: right.next };
        links[here.next as usize].id = END;
        links[at as usize] = joined;
        if let Some(next) = links.get_mut(joined.next as usize) {
            next.previous = at;
            let rank = ranks.rank(joined.id, next.id, joined.born.max(next.born));
            if rank != NO_RANK {
                heap.push(Reverse((rank, at)));
            }
        }
        if let Some(before) = links.get(joined.previous as usize) {
            let rank = ranks.rank(before.id, joined.id, joined.born.max(before.born));
            if rank != NO_RANK {
                heap.push(Reverse((rank, joined.previous)));
            }
        }
    }
    ids.clear();
    let mut at = 0;
    while let Some(link) = links.get(at as usize) {
        ids.push(link.id);
        at = link.next;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(merges: &[[u32; 3]], ids: &[u32]) -> Vec<u32> {
        let mut ids = ids.to_vec();
        for merge in merges {
            let mut at = 0;
            while at + 1 < ids.len() {
                if ids[at] == merge[0] && ids[at + 1] == merge[1] {
                    ids[at] = merge[2];
                    ids.remove(at + 1);
                }
                at += 1;
            }
        }
        ids
    }

    #[test]
    fn merging_equals_the_replay_even_where_a_token_is_made_twice() {
        // 3 = "ab"+"c"-like: 10 is made at rank 0 and again at rank 2, and may not meet rank 1 the second time.
        let merges = [[0, 1, 10], [10, 2, 11], [3, 4, 10], [1, 2, 12], [0, 0, 13], [10, 2, 11]];
        let ranks = Ranks::new(&merges).unwrap();
        let mut state = 7u64;
        for length in (0..40).chain([60, 100, 300]) {
            for _ in 0..50 {
                let ids: Vec<u32> = (0..length)
                    .map(|_| {
                        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        (state >> 33) as u32 % 5
                    })
                    .collect();
                let mut merged = ids.clone();
                merge(&ranks, &mut Scratch::default(), &mut merged);
                assert_eq!(merged, replay(&merges, &ids), "{ids:?}");
            }
        }
    }
}
