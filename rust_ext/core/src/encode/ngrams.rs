//! N-grams over the ids of another vocabulary (AdaptiVocab, Nakash et al., 2025): removed tokens are taken apart, then
//! at each place the n-gram chosen first that matches is joined, not the longest.

use std::collections::HashMap;
use std::ops::Range;

use super::atoms::{Atoms, Placed};
use super::pairs::{NO_RANK, Pairs};
use super::program::{JOIN, Row, SPLIT};
use super::vocabulary::Vocabulary;
use crate::error::{Error, Result};

/// What is removed, and what is joined.
#[derive(Debug)]
pub struct Ngrams {
    /// Removed token -> its pieces in `flat`.
    removed: HashMap<u32, Range<usize>>,
    /// New token -> its parts in `flat`.
    parts: HashMap<u32, Range<usize>>,
    flat: Vec<u32>,
    /// A trie of the n-grams: (node, id) -> node, the root is 0.
    edges: Pairs,
    /// By node: the rank of the n-gram that ends there, or `NO_RANK`.
    ranks: Vec<u32>,
    /// By rank: the new token and its number of parts.
    made: Vec<(u32, usize)>,
}

impl Ngrams {
    /// The rows are `SPLIT`s of removed tokens and `JOIN`s of new ones in rank order; their parts are tokens of the
    /// vocabulary that stay.
    pub fn new(vocabulary: &Vocabulary, rows: &[Row<'_>]) -> Result<Self> {
        let (mut removed, mut parts, mut flat, mut made) = (HashMap::new(), HashMap::new(), Vec::new(), Vec::new());
        for row in rows {
            let span = flat.len()..flat.len() + row.parts.len();
            flat.extend_from_slice(row.parts);
            let is_known = match row.kind {
                SPLIT => removed.insert(row.token, span).is_some(),
                JOIN => {
                    made.push((row.token, row.parts.len()));
                    parts.insert(row.token, span).is_some()
                }
                other => return Err(Error::Tokenizer(format!("adapted tokenizer: a row of kind {other}"))),
            };
            if is_known {
                return Err(Error::Tokenizer(format!("adapted tokenizer: token {} is given twice", row.token)));
            }
        }
        let stays = |id: &u32| vocabulary.bytes(*id).is_some() && !removed.contains_key(id);
        if let Some(id) = flat.iter().find(|id| !stays(id)) {
            return Err(Error::Tokenizer(format!(
                "adapted tokenizer: token {id} is a part, and not in the vocabulary"
            )));
        }
        let (edges, ranks) = trie(rows)?;
        Ok(Self { removed, parts, flat, edges, ranks, made })
    }

    /// One more than the largest new id.
    pub fn end(&self) -> u32 {
        self.parts.keys().max().map_or(0, |id| id.saturating_add(1))
    }

    /// The ids from `first` on as ids of this vocabulary; `plain` is a buffer.
    pub fn apply(&self, ids: &mut Vec<u32>, first: usize, plain: &mut Vec<u32>) {
        plain.clear();
        for id in ids.drain(first..) {
            match self.removed.get(&id) {
                None => plain.push(id),
                Some(span) => plain.extend_from_slice(&self.flat[span.clone()]),
            }
        }
        self.join(plain, |id| *id, |id, _| ids.push(id));
    }

    /// Calls `put` with each token and the items that it stands for.
    pub fn join<T>(&self, plain: &[T], id_of: impl Fn(&T) -> u32, mut put: impl FnMut(u32, &[T])) {
        let mut rest = plain;
        while let [first, ..] = rest {
            let (mut node, mut best) = (0, NO_RANK);
            for item in rest {
                node = self.edges.rank(node, id_of(item));
                if node == NO_RANK {
                    break;
                }
                best = best.min(self.ranks[node as usize]);
            }
            let (token, n) = if best == NO_RANK { (id_of(first), 1) } else { self.made[best as usize] };
            put(token, &rest[..n]);
            rest = &rest[n..];
        }
    }

    /// Calls `put` with the token, or with what it falls into and where in the word each piece lies.
    pub fn expand(&self, vocabulary: &Vocabulary, atoms: &Atoms, placed: &Placed, mut put: impl FnMut(Placed)) {
        let Some(span) = self.removed.get(&placed.id) else { return put(*placed) };
        let pieces = &self.flat[span.clone()];
        let mut start = placed.start;
        for (place, &id) in pieces.iter().enumerate() {
            let bytes = vocabulary.bytes(id).unwrap_or_default();
            // Marks of tokens are not in the text; the last piece takes what is left.
            let is_inside = start > 0 && !atoms.prefix().is_empty();
            let bytes = if is_inside { bytes.strip_prefix(atoms.prefix()).unwrap_or(bytes) } else { bytes };
            let is_last = place + 1 == pieces.len();
            let end = if is_last { placed.end } else { placed.end.min(start.saturating_add(bytes.len() as u32)) };
            put(Placed { id, start, end });
            start = end;
        }
    }

    /// The ids with every new token as its parts.
    ///
    /// # Errors
    /// `Input` for an id that no token has, with its position.
    pub fn take_apart(&self, vocabulary: &Vocabulary, ids: &[u32]) -> Result<Vec<u32>> {
        let mut plain = Vec::with_capacity(ids.len() + ids.len() / 2);
        for (position, &id) in ids.iter().enumerate() {
            match self.parts.get(&id) {
                Some(span) => plain.extend_from_slice(&self.flat[span.clone()]),
                None if vocabulary.bytes(id).is_some() && !self.removed.contains_key(&id) => plain.push(id),
                None => return Err(Error::Input(format!("id {id} at position {position} is not in the vocabulary"))),
            }
        }
        Ok(plain)
    }
}

/// The edges of the trie and the rank at each node; of equal n-grams the first counts.
fn trie(rows: &[Row<'_>]) -> Result<(Pairs, Vec<u32>)> {
    let mut edges: HashMap<(u32, u32), u32> = HashMap::new();
    let mut ranks = vec![NO_RANK];
    for (row, rank) in rows.iter().filter(|row| row.kind == JOIN).zip(0u32..) {
        let mut node = 0;
        for &part in row.parts {
            node = *edges.entry((node, part)).or_insert_with(|| {
                ranks.push(NO_RANK);
                ranks.len() as u32 - 1
            });
        }
        let known = &mut ranks[node as usize];
        *known = rank.min(*known);
    }
    let keyed: Vec<_> = edges.into_iter().map(|((node, part), child)| (node, part, child)).collect();
    // `Pairs` keeps a result for each rank; here the rank, a node, is all that is asked for.
    let n_nodes = ranks.len();
    Ok((Pairs::new(&keyed, vec![0; n_nodes])?, ranks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ngrams(removed: &[(u32, &[u32])], made: &[(u32, &[u32])]) -> Ngrams {
        let (blob, ends): (Vec<u8>, Vec<u64>) = ((0..10).collect(), (0..=10).collect());
        let vocabulary = Vocabulary::new(&blob, &ends, &(0..10).collect::<Vec<u32>>()).unwrap();
        let row = |kind| move |&(token, parts)| Row { kind, token, parts };
        let rows: Vec<Row<'_>> = removed.iter().map(row(SPLIT)).chain(made.iter().map(row(JOIN))).collect();
        Ngrams::new(&vocabulary, &rows).unwrap()
    }

    fn applied(ngrams: &Ngrams, ids: &[u32]) -> Vec<u32> {
        let mut ids = ids.to_vec();
        ngrams.apply(&mut ids, 1, &mut Vec::new());
        ids
    }

    #[test]
    fn the_ngram_chosen_first_wins_and_not_the_longest() {
        let ngrams = ngrams(&[], &[(10, &[1, 2]), (11, &[1, 2, 3]), (12, &[3, 4, 5]), (13, &[3, 4])]);
        assert_eq!(applied(&ngrams, &[1, 1, 2, 3, 4, 5, 1]), [1, 10, 12, 1]);
        assert_eq!(applied(&ngrams, &[0, 3, 4]), [0, 13]);
        assert_eq!(applied(&ngrams, &[0, 3]), [0, 3]);
    }

    #[test]
    fn removed_tokens_fall_apart_before_they_are_joined_with_others() {
        let ngrams = ngrams(&[(9, &[1, 2])], &[(9, &[2, 3])]);
        assert_eq!(applied(&ngrams, &[9, 9, 3, 2]), [9, 1, 9, 2]);
    }
}
