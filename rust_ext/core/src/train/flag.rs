//! Flags: tokens that take part in merging and are no part of the vocabulary.

use super::session::{EventKind, Session};
use crate::error::{Error, Result};

impl Session {
    /// Takes the token out of the vocabulary but leaves it in the segmentation.
    ///
    /// Fails with `Usage` for atoms, specials and tokens that are absent or flagged already.
    pub fn flag(&mut self, token: u32) -> Result<()> {
        let frequency = self.frequency(token)?;
        if self.parents[token as usize].is_none() || !self.is_present[token as usize] {
            return Err(Error::Usage(format!("token id {token} cannot be flagged: it is atomic, special or absent")));
        }
        self.is_present[token as usize] = false;
        self.n_present -= 1;
        self.log.push(EventKind::Flag, token, (0, 0), frequency, &[]);
        Ok(())
    }

    /// Takes the flag back. Fails with `Usage` for a token that is present.
    pub fn unflag(&mut self, token: u32) -> Result<()> {
        let frequency = self.frequency(token)?;
        if self.is_present[token as usize] {
            return Err(Error::Usage(format!("token id {token} has no flag")));
        }
        self.is_present[token as usize] = true;
        self.n_present += 1;
        self.log.push(EventKind::Unflag, token, (0, 0), frequency, &[]);
        Ok(())
    }
}
