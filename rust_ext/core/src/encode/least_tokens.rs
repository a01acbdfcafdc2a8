//! The mode `least_tokens` (PathPiece, Schmidt et al. 2024): the fewest tokens.
//!
//! Of equals, at each place the longest last token. An unknown atom is worse than any number of tokens, and is only
//! tried where the atom is no token itself.

use super::atoms::Placed;
use super::finder::Finder;

/// Cost of a way to a place: unknown atoms, then tokens.
type Cost = (u32, u32);

/// Appends the tokens of the word.
pub fn least_tokens(finder: &Finder<'_>, out: &mut Vec<Placed>) {
    let n = finder.word.len();
    let mut best: Vec<(Cost, u32, Option<u32>)> = vec![((u32::MAX, u32::MAX), 0, None); n + 1];
    best[0].0 = (0, 0);
    for start in 0..finder.n_text {
        let (unknown, tokens) = best[start].0;
        if unknown == u32::MAX {
            continue;
        }
        let atom_end = finder.atom_end(start);
        let mut atom_is_token = false;
        // Starts come in order, so `<` keeps the earliest: the longest last token.
        let mut step = |end: usize, cost: Cost, id| {
            if cost < best[end].0 {
                best[end] = (cost, start as u32, id);
            }
        };
        finder.each(start, n, |end, id| {
            atom_is_token |= end == atom_end;
            step(end, (unknown, tokens + 1), Some(id));
        });
        if !atom_is_token {
            step(atom_end, (unknown + 1, tokens), None);
        }
    }
    put_back(finder, |end| (best[end].1 as usize, best[end].2), out);
}

/// Follows the best ways back from the end and appends their tokens in order.
pub fn put_back(finder: &Finder<'_>, way: impl Fn(usize) -> (usize, Option<u32>), out: &mut Vec<Placed>) {
    let mut path = Vec::new();
    let mut end = finder.word.len();
    while end > 0 && finder.n_text > 0 {
        let (start, id) = way(end);
        path.push((start, end, id));
        end = start;
    }
    for (start, end, id) in path.into_iter().rev() {
        finder.put(start, end, id, out);
    }
}
