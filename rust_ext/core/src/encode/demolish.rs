//! Taking tokens apart after merging: scaffold tokens, trimmed tokens (Lian et al., 2025, Algorithm 2).

use super::atoms::Placed;
use super::pairs::Pairs;
use super::program::{MERGE, Row, SPLIT, lengths};
use crate::error::{Error, Result};

/// What each token that left the vocabulary falls into.
#[derive(Debug)]
pub struct Demolish {
    first: u32,
    /// Where the pieces of token `first + i` lie; an empty range for a token without.
    spans: Vec<(u32, u32)>,
    pieces: Vec<u32>,
    lengths: Vec<u32>,
    /// Merges of a word that was taken apart (LiteToken); `None`: it stays apart.
    again: Option<Pairs>,
}

impl Demolish {
    /// `first` is the id of the first token outside the vocabulary, `end` one more than the last. A row is a `SPLIT`
    /// into tokens of the vocabulary, and every token that a merge makes outside it has one; or it is a `MERGE` of
    /// tokens of the vocabulary, by rank, for words that were taken apart.
    pub fn new(first: u32, end: u32, rows: &[Row<'_>], merges: &[[u32; 3]]) -> Result<Self> {
        let made = merges.iter().map(|merge| (merge[2], &merge[..2]));
        let mut built = Self {
            first,
            spans: vec![(0, 0); end.saturating_sub(first) as usize],
            pieces: Vec::new(),
            lengths: lengths(made, end)?,
            again: None,
        };
        let (again, splits): (Vec<Row<'_>>, Vec<Row<'_>>) = rows.iter().partition(|row| row.kind == MERGE);
        built.again = built.second_pass(&again)?;
        for row in splits {
            let length = row.parts.iter().map(|&piece| built.lengths[piece as usize]).fold(0u32, u32::saturating_add);
            let is_outside = row.token < first || row.parts.iter().any(|&piece| piece >= first);
            if row.kind != SPLIT || is_outside || length != built.lengths[row.token as usize] {
                return Err(Error::Tokenizer(format!("token {} cannot be taken apart as its row says", row.token)));
            }
            let start = built.pieces.len() as u32;
            built.pieces.extend_from_slice(row.parts);
            built.spans[(row.token - first) as usize] = (start, built.pieces.len() as u32);
        }
        match merges.iter().find(|merge| merge[2] >= first && built.pieces_of(merge[2]).is_empty()) {
            Some(merge) => Err(Error::Tokenizer(format!("token {} left the vocabulary and has no pieces", merge[2]))),
            None => Ok(built),
        }
    }

    fn second_pass(&self, rows: &[Row<'_>]) -> Result<Option<Pairs>> {
        let mut keyed = Vec::with_capacity(rows.len());
        for (row, rank) in rows.iter().zip(0u32..) {
            let length = row.parts.iter().map(|&part| self.lengths[part as usize]).fold(0u32, u32::saturating_add);
            let [left, right] = row.parts else {
                return Err(Error::Tokenizer(format!("merge of {} tokens into {}", row.parts.len(), row.token)));
            };
            if self.is_outside(row.token.max(*left).max(*right)) || length != self.lengths[row.token as usize] {
                return Err(Error::Tokenizer(format!("token {} cannot be merged again as its row says", row.token)));
            }
            keyed.push((*left, *right, rank));
        }
        if keyed.is_empty() {
            Ok(None)
        } else {
            Pairs::new(&keyed, rows.iter().map(|row| row.token).collect()).map(Some)
        }
    }

    /// The merges of words that were taken apart.
    #[inline]
    pub fn again(&self) -> Option<&Pairs> {
        self.again.as_ref()
    }

    /// The pieces of a token outside the vocabulary.
    #[inline]
    pub fn pieces_of(&self, token: u32) -> &[u32] {
        let span = self.spans.get(token.wrapping_sub(self.first) as usize).copied().unwrap_or((0, 0));
        self.pieces.get(span.0 as usize..span.1 as usize).unwrap_or(&[])
    }

    /// Whether the token is outside the vocabulary.
    #[inline(always)]
    pub fn is_outside(&self, token: u32) -> bool {
        token >= self.first
    }

    /// Takes the tokens of a word apart; `atoms` are its atoms before merging. Whether there were any to take apart.
    pub fn apply(&self, atoms: &[Placed], word: &mut Vec<Placed>) -> bool {
        if !word.iter().any(|placed| self.is_outside(placed.id)) {
            return false;
        }
        let merged = std::mem::take(word);
        let mut at = 0;
        for placed in merged {
            let own = [placed.id];
            let pieces = if self.is_outside(placed.id) { self.pieces_of(placed.id) } else { &own };
            for &piece in pieces {
                let end = at + self.lengths[piece as usize] as usize;
                let bounds = atoms.get(at).zip(atoms.get(end.wrapping_sub(1)));
                let (start, stop) = bounds.map_or((placed.start, placed.end), |(first, last)| (first.start, last.end));
                word.push(Placed { id: piece, start, end: stop });
                at = end;
            }
        }
        true
    }
}
