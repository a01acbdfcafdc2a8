//! The mode `likelihood` (Unigram, Kudo 2018): the largest sum of log probabilities, by Viterbi.
//!
//! As in HF `tokenizers`: of equals the earliest start; an atom that is no token itself is unknown and scores the
//! smallest score minus 10; sums run from left to right, so that they round alike.

use super::atoms::Placed;
use super::finder::Finder;
use super::least_tokens::put_back;

const UNKNOWN_PENALTY: f64 = 10.0;

/// Log probabilities by id; a token without a finite one is never used.
#[derive(Debug)]
pub struct Scores {
    by_id: Vec<f64>,
    unknown: f64,
}

impl Scores {
    /// `by_id[id]` is the score of the token `id`, minus infinity for ids that have none.
    pub fn new(by_id: Vec<f64>) -> Self {
        let least = by_id.iter().copied().filter(|score| score.is_finite()).fold(f64::INFINITY, f64::min);
        Self { by_id, unknown: if least.is_finite() { least - UNKNOWN_PENALTY } else { -UNKNOWN_PENALTY } }
    }

    /// Whether the token may be used.
    pub fn has(&self, id: u32) -> bool {
        self.by_id.get(id as usize).is_some_and(|score| score.is_finite())
    }
}

/// Appends the tokens of the word.
pub fn likelihood(finder: &Finder<'_>, scores: &Scores, out: &mut Vec<Placed>) {
    let n = finder.word.len();
    let mut best: Vec<(f64, u32, Option<u32>)> = vec![(f64::NEG_INFINITY, 0, None); n + 1];
    best[0].0 = 0.0;
    for start in 0..finder.n_text {
        let before = best[start].0;
        if before == f64::NEG_INFINITY {
            continue;
        }
        let atom_end = finder.atom_end(start);
        let mut atom_is_token = false;
        let mut step = |end: usize, score: f64, id| {
            if score > best[end].0 {
                best[end] = (score, start as u32, id);
            }
        };
        finder.each(start, n, |end, id| {
            atom_is_token |= end == atom_end;
            step(end, before + scores.by_id[id as usize], Some(id));
        });
        if !atom_is_token {
            step(atom_end, before + scores.unknown, None);
        }
    }
    put_back(finder, |end| (best[end].1 as usize, best[end].2), out);
}
