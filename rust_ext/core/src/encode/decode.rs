//! Ids back to bytes.

use super::Encoder;
use crate::error::{Error, Result};

impl Encoder {
    /// The bytes of the tokens, end to end, as the vocabulary has them.
    ///
    /// # Errors
    /// `Input` for an id that no token has, with its position.
    pub fn token_bytes(&self, ids: &[u32]) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(4 * ids.len());
        for (position, &id) in ids.iter().enumerate() {
            bytes.extend_from_slice(self.words.vocabulary.bytes(id).ok_or_else(|| unknown(id, position))?);
        }
        Ok(bytes)
    }

    /// The ids with every n-gram as the tokens that it joins; the same where there are none.
    ///
    /// # Errors
    /// `Input` for an id that no token has, with its position.
    pub fn take_apart(&self, ids: &[u32]) -> Result<Vec<u32>> {
        match &self.ngrams {
            Some(ngrams) => ngrams.take_apart(&self.words.vocabulary, ids),
            None => Ok(ids.to_vec()),
        }
    }

    /// Where the bytes of each token end in what `token_bytes` gives.
    pub fn token_ends(&self, ids: &[u32]) -> Result<Vec<u64>> {
        let mut end = 0;
        ids.iter()
            .enumerate()
            .map(|(position, &id)| {
                let bytes = self.words.vocabulary.bytes(id).ok_or_else(|| unknown(id, position))?;
                end += bytes.len() as u64;
                Ok(end)
            })
            .collect()
    }
}

fn unknown(id: u32, position: usize) -> Error {
    Error::Input(format!("id {id} at position {position} is not in the vocabulary"))
}
