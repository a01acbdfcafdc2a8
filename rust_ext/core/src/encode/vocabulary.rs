//! Token bytes and ids, both ways.

use super::hash::hash_bytes;
use crate::error::{Error, Result};

/// "No token": never a valid id.
pub const NONE: u32 = u32::MAX;

/// Longest id table that a vocabulary of `n` tokens may ask for: ids come from files, memory must not.
fn id_limit(n: usize) -> usize {
    (2 * n).saturating_add(1 << 16)
}

/// The tokens of a tokenizer: bytes by id, id by bytes.
#[derive(Debug, Default)]
pub struct Vocabulary {
    blob: Vec<u8>,
    /// `spans[id]` is (begin, end) in `blob`; `begin > end` marks an id that does not exist.
    spans: Vec<(u32, u32)>,
    slots: Vec<u32>,
    mask: usize,
    longest: usize,
}

const ABSENT: (u32, u32) = (1, 0);

impl Vocabulary {
    /// Token `i` is `blob[offsets[i]..offsets[i + 1]]` and has the id `ids[i]`; ids need not be dense.
    ///
    /// Two tokens with one id are an error; of two tokens with the same bytes the first is found by `find`.
    pub fn new(blob: &[u8], offsets: &[u64], ids: &[u32]) -> Result<Self> {
        if offsets.len() != ids.len() + 1 {
            return Err(Error::Tokenizer(format!("{} offsets for {} tokens", offsets.len(), ids.len())));
        }
        if u32::try_from(blob.len()).is_err() {
            return Err(Error::Tokenizer(format!(
                "the tokens take {} bytes, at most 2^32 - 1 are supported",
                blob.len()
            )));
        }
        let mut made = Self { blob: blob.to_vec(), ..Self::default() };
        made.mask = (2 * ids.len()).next_power_of_two().max(16) - 1;
        made.slots = vec![NONE; made.mask + 1];
        for (&id, bounds) in ids.iter().zip(offsets.windows(2)) {
            let span = (bounds[0] as u32, bounds[1] as u32);
            if bounds[0] > bounds[1] || bounds[1] > blob.len() as u64 {
                return Err(Error::Tokenizer(format!("token {id}: bad offsets {}..{}", bounds[0], bounds[1])));
            }
            made.add(id, span, id_limit(ids.len()))?;
        }
        Ok(made)
    }

    fn add(&mut self, id: u32, span: (u32, u32), limit: usize) -> Result<()> {
        let at = id as usize;
        if at >= limit {
            return Err(Error::Tokenizer(format!(
                "token id {id} is too large for this vocabulary: ids end below {limit}"
            )));
        }
        if at >= self.spans.len() {
            self.spans.resize(at + 1, ABSENT);
        }
        if self.spans[at] != ABSENT {
            return Err(Error::Tokenizer(format!("token id {id} is given twice")));
        }
        self.spans[at] = span;
        self.longest = self.longest.max((span.1 - span.0) as usize);
        let mut slot = hash_bytes(&self.blob[span.0 as usize..span.1 as usize], 0) as usize & self.mask;
        while self.slots[slot] != NONE {
            if self.bytes_at(self.slots[slot]) == &self.blob[span.0 as usize..span.1 as usize] {
                return Ok(());
            }
            slot = (slot + 1) & self.mask;
        }
        self.slots[slot] = id;
        Ok(())
    }

    fn bytes_at(&self, id: u32) -> &[u8] {
        let (begin, end) = self.spans[id as usize];
        &self.blob[begin as usize..end as usize]
    }

    /// The bytes of a token, if the id exists.
    pub fn bytes(&self, id: u32) -> Option<&[u8]> {
        self.spans.get(id as usize).filter(|span| **span != ABSENT).map(|_| self.bytes_at(id))
    }

    /// The id of the token with these bytes, or `NONE`.
    pub fn find(&self, bytes: &[u8]) -> u32 {
        if bytes.len() > self.longest {
            return NONE;
        }
        let mut slot = hash_bytes(bytes, 0) as usize & self.mask;
        loop {
            let id = self.slots[slot];
            if id == NONE || self.bytes_at(id) == bytes {
                return id;
            }
            slot = (slot + 1) & self.mask;
        }
    }

    /// One more than the largest id.
    pub fn end(&self) -> u32 {
        self.spans.len() as u32
    }

    /// All ids that exist, ascending.
    pub fn ids(&self) -> impl Iterator<Item = u32> + '_ {
        (0..self.end()).filter(|&id| self.spans[id as usize] != ABSENT)
    }

    /// Length in bytes of the longest token.
    pub fn longest(&self) -> usize {
        self.longest
    }
}
