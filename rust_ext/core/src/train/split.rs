//! Looking at the segmentation, and taking tokens out of it again.

use super::pairs::pair_key;
use super::session::{EventKind, EventLog, Session};
use super::slots::{BOUNDARY, FIRST_MARK};
use crate::error::{Error, Result};

impl Session {
    /// Number of token ids handed out so far, absent tokens included.
    pub fn n_tokens(&self) -> usize {
        self.tokens.len()
    }

    /// Number of tokens in the vocabulary now.
    pub fn n_present(&self) -> usize {
        self.n_present
    }

    /// Weighted occurrences of the token in the segmentation as it is now.
    pub fn frequency(&self, token: u32) -> Result<u64> {
        self.check_token(token)?;
        Ok(self.frequencies[token as usize].max(0) as u64)
    }

    /// Weighted occurrences of every token.
    pub fn frequencies(&self) -> Vec<u64> {
        self.frequencies.iter().map(|&frequency| frequency.max(0) as u64).collect()
    }

    /// Weighted number of adjacent positions of the pair now.
    pub fn pair_count(&self, left: u32, right: u32) -> u64 {
        let index = self.pairs.find(pair_key(left, right));
        index.map_or(0, |index| self.pairs.pairs[index].count.max(0) as u64)
    }

    /// Whether the pair stood somewhere after some step and was not merged since; its count may be 0 by now.
    pub fn was_seen(&self, left: u32, right: u32) -> bool {
        self.pairs.find(pair_key(left, right)).is_some_and(|index| self.pairs.pairs[index].was_seen)
    }

    /// Bytes that the token spells (affixes included).
    pub fn token_bytes(&self, token: u32) -> Result<&[u8]> {
        self.check_token(token)?;
        Ok(&self.tokens[token as usize])
    }

    /// Length of the token in atoms.
    pub fn length(&self, token: u32) -> Result<u32> {
        self.check_token(token)?;
        Ok(self.lengths[token as usize])
    }

    /// Whether the token is in the vocabulary.
    pub fn is_present(&self, token: u32) -> Result<bool> {
        self.check_token(token)?;
        Ok(self.is_present[token as usize])
    }

    /// The first derivation of the token; None for tokens that no merge made first.
    pub fn parents(&self, token: u32) -> Result<Option<(u32, u32)>> {
        self.check_token(token)?;
        Ok(self.parents[token as usize])
    }

    /// Everything that happened.
    pub fn log(&self) -> &EventLog {
        &self.log
    }

    /// All tokens' bytes, by id.
    pub fn tokens(&self) -> &[Vec<u8>] {
        &self.tokens
    }

    /// The pretokens as they are segmented now: token ids end to end, where each pretoken ends, and its count.
    ///
    /// Pretokens come in the order of the slots; characters outside the alphabet are left out.
    pub fn segmentation(&self) -> (Vec<u32>, Vec<u64>, Vec<u64>) {
        let (mut ids, mut ends, mut counts) = (Vec::new(), Vec::new(), Vec::new());
        let mut weight = 0;
        let mut at = 1;
        while at < self.slots.slots.len() {
            let symbol = self.slots.slots[at].symbol();
            if symbol < FIRST_MARK {
                ids.push(symbol);
                weight = self.slots.weight(at) as u64;
            } else if symbol == BOUNDARY {
                ends.push(ids.len() as u64);
                counts.push(std::mem::take(&mut weight));
            }
            at = self.slots.next(at);
        }
        (ids, ends, counts)
    }

    /// The present tokens that the token falls into: itself if present or atomic, else its parents' pieces.
    pub fn pieces(&self, token: u32) -> Result<Vec<u32>> {
        self.check_token(token)?;
        let mut pieces = Vec::new();
        let mut open = vec![token];
        while let Some(token) = open.pop() {
            match self.parents[token as usize] {
                Some((left, right)) if !self.is_present[token as usize] => open.extend([right, left]),
                _ => pieces.push(token),
            }
        }
        Ok(pieces)
    }

    /// Takes the token out of the vocabulary: every occurrence falls into `pieces()`, which are returned.
    ///
    /// Fails with `Usage` for atoms and specials, for absent tokens, and where the session was made without
    /// `can_split`.
    pub fn remove(&mut self, token: u32) -> Result<Vec<u32>> {
        self.check_token(token)?;
        if !self.options.can_split {
            return Err(Error::Usage("this session cannot remove tokens: make it with can_split".into()));
        }
        if self.parents[token as usize].is_none() || !self.is_present[token as usize] {
            return Err(Error::Usage(format!("token id {token} cannot be removed: it is atomic, special or absent")));
        }
        let frequency = self.frequency(token)?;
        self.is_present[token as usize] = false;
        self.n_present -= 1;
        let pieces = self.pieces(token)?;
        self.split_occurrences(token, &pieces);
        self.log.push(EventKind::Split, token, (0, 0), frequency, &pieces);
        Ok(pieces)
    }

    fn split_occurrences(&mut self, token: u32, pieces: &[u32]) {
        let mut positions = std::mem::take(&mut self.occurrences[token as usize]);
        positions.sort_unstable();
        let mut made: Vec<(usize, u32)> = Vec::new();
        for at in positions {
            // A position is listed again each time the token is made there; only the first visit finds it.
            if self.slots.slots[at as usize].symbol() == token {
                self.split_at(at as usize, token, pieces, &mut made);
            }
        }
        made.sort_unstable();
        made.dedup();
        for group in made.chunk_by(|a, b| a.0 == b.0) {
            let Some(&(index, _)) = group.first() else { continue };
            let start = self.pairs.add_list(index, group.len() as u32);
            for (offset, &(_, position)) in group.iter().enumerate() {
                self.pairs.set_position(start + offset, position);
            }
            self.push(index);
        }
    }

    fn split_at(&mut self, at: usize, token: u32, pieces: &[u32], made: &mut Vec<(usize, u32)>) {
        let weight = self.slots.weight(at);
        let (before, after) = (self.slots.previous(at), self.slots.next(at));
        let (before_symbol, after_symbol) = (self.slots.slots[before].symbol(), self.slots.slots[after].symbol());
        let (has_before, has_after) = (before_symbol < FIRST_MARK, after_symbol < FIRST_MARK);
        self.frequencies[token as usize] -= weight;
        if has_before {
            self.change(pair_key(before_symbol, token), -weight);
        }
        if has_after {
            self.change(pair_key(token, after_symbol), -weight);
        }
        let mut previous = has_before.then_some((before_symbol, before));
        let mut position = at;
        for &piece in pieces {
            let length = self.lengths[piece as usize] as usize;
            self.slots.write(position, piece, length);
            self.frequencies[piece as usize] += weight;
            if self.parents[piece as usize].is_some() {
                self.occurrences[piece as usize].push(position as u32);
            }
            if let Some((symbol, place)) = previous {
                made.push((self.change(pair_key(symbol, piece), weight), place as u32));
            }
            previous = Some((piece, position));
            position += length;
        }
        if let Some((symbol, place)) = previous.filter(|_| has_after) {
            made.push((self.change(pair_key(symbol, after_symbol), weight), place as u32));
        }
    }
}
