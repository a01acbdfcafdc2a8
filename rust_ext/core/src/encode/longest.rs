//! The greedy modes: longest_prefix (WordPiece), longest_suffix, longest_token (FLOTA, Hofmann et al. 2022).

use super::atoms::Placed;
use super::finder::Finder;

/// From the left: the longest token that starts here, then go on behind it.
pub fn longest_prefix(finder: &Finder<'_>, out: &mut Vec<Placed>) {
    let mut start = 0;
    while start < finder.n_text {
        let found = finder.longest(start, finder.word.len());
        let end = found.map_or_else(|| finder.atom_end(start), |token| token.0);
        finder.put(start, end, found.map(|token| token.1), out);
        start = end;
    }
}

/// From the right: the longest token that ends here, then go on before it. The finder's trie holds tokens backwards.
pub fn longest_suffix(finder: &Finder<'_>, out: &mut Vec<Placed>) {
    let mut found = Vec::new();
    let mut end = finder.word.len();
    while end > 0 && finder.n_text > 0 {
        let token = finder.longest_back(end);
        let start = token.map_or_else(|| finder.atom_start(end), |token| token.0);
        found.push((start, end, token.map(|token| token.1)));
        end = start;
    }
    for (start, end, id) in found.into_iter().rev() {
        finder.put(start, end, id, out);
    }
}

/// The longest token anywhere, the leftmost of equals; then the same on both sides of it. Marks are not counted.
///
/// That is: all occurrences of tokens by length down, then from left to right, each taken if nothing taken overlaps.
/// Taken ones are never shorter, so it is enough to look at the two ends; and of each start only the longest that may
/// still fit is in the queue.
pub fn longest_token(finder: &Finder<'_>, out: &mut Vec<Placed>) {
    let mut by_length: Vec<Vec<(usize, u32)>> = Vec::new();
    for start in 0..finder.n_text {
        file(finder, &mut by_length, start, finder.word.len());
    }
    let mut ends = vec![0; finder.word.len()];
    let mut tokens = vec![None; finder.word.len()];
    for length in (1..by_length.len()).rev() {
        let mut here = std::mem::take(&mut by_length[length]);
        here.sort_unstable();
        for (start, id) in here {
            let end = if start + length == finder.n_text { finder.word.len() } else { start + length };
            if ends[start] != 0 {
                continue;
            }
            if ends[end - 1] != 0 {
                file(finder, &mut by_length, start, end - 1);
                continue;
            }
            ends[start..end].fill(end);
            tokens[start] = Some(id);
        }
    }
    let mut start = 0;
    while start < finder.n_text {
        let end = if tokens[start].is_some() { ends[start] } else { finder.atom_end(start) };
        finder.put(start, end, tokens[start], out);
        start = end;
    }
}

/// Queues the longest token at `start` that ends at `limit` or before.
fn file(finder: &Finder<'_>, by_length: &mut Vec<Vec<(usize, u32)>>, start: usize, limit: usize) {
    if let Some((end, id)) = finder.longest(start, limit) {
        let length = end.min(finder.n_text) - start;
        if by_length.len() <= length {
            by_length.resize(length + 1, Vec::new());
        }
        by_length[length].push((start, id));
    }
}
