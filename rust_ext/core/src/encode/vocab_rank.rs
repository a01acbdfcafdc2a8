//! The mode `vocab_rank`: any neighbours whose concatenation is a token are joined, lowest id first.
//!
//! That is the merge rule with every split of a token into two tokens as a merge of rank = order of the token's id,
//! as tiktoken and sentencepiece encode.

use super::pairs::Pairs;
use super::trie::Trie;
use super::vocabulary::{NONE, Vocabulary};
use crate::error::Result;

/// Merges for all splits of the tokens for which `ordinary` holds.
pub fn all_splits(vocabulary: &Vocabulary, ordinary: impl Fn(u32) -> bool) -> Result<Pairs> {
    let mut trie = Trie::default();
    for id in vocabulary.ids().filter(|&id| ordinary(id)) {
        trie.insert(vocabulary.bytes(id).unwrap_or_default().iter().copied(), id, 0);
    }
    let mut merges = Vec::new();
    let mut results = Vec::new();
    for id in vocabulary.ids().filter(|&id| ordinary(id)) {
        let token = vocabulary.bytes(id).unwrap_or_default();
        let rank = results.len() as u32;
        let n_before = merges.len();
        trie.matches(token.iter().copied(), 0, |length, left| {
            let right = if length < token.len() { vocabulary.find(&token[length..]) } else { NONE };
            if right != NONE && ordinary(right) {
                merges.push((left, right, rank));
            }
        });
        if merges.len() > n_before {
            results.push(id);
        }
    }
    Pairs::new(&merges, results)
}
